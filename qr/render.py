"""Pictures of a payload: SVG, PNG, PDF, EPS, terminal text and data URI; plain, coloured, rounded, with a logo.

Symbols come from `qr.symbols`. The quiet zone is always four modules (ISO/IEC 18004:2015 5.3.8), no pixel belongs
to two modules, and no picture holds a date, so the same call gives the same bytes. Plain codes need no image
library; logos take Pillow, rounded PNGs qrcode as well. `render` makes every kind and can prove what it made.
"""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING, Literal

import msgspec

from qr import symbols
from qr.drawing.canvas import Canvas
from qr.drawing.marks import add_mark, open_mark
from qr.drawing.pdf import PdfFile
from qr.symbols import MODULE_MM_MAX, MODULE_MM_MIN, QUIET_ZONE_MODULES, reading
from qr.symbols.errors import BadLogo, CodeTooSmall, PictureError, Unreadable
from qr.symbols.outlines import (
    ROUNDED_WIDTH,
    pdf_path,
    pdf_round_path,
    split_finders,
    svg_path,
    svg_round_path,
)
from qr.symbols.png import png
from qr.symbols.style import BRANDED_LEVEL, PLAIN, Style, rgb

if TYPE_CHECKING:
    from PIL.Image import Image
    from segno import QRCode

LOGO_LEVELS = ("Q", "H")  # below them the modules a logo hides are not made good
LOGO_SIDE_MAX = 0.20  # of the symbol's side; a third of it is more than level M survives
LOGO_PX = 512  # side to which a logo is reduced before it is embedded
MODULE_MM = 0.8
MODULE_PX, MODULE_PX_MAX = 10, 64
BRANDED_PX_MIN = 4  # with fewer, round ends leave nothing that reads
PIXELS_MAX = 50_000_000  # 600 MB while a rounded picture is drawn
PROOF_MODULE_PX = 6
POINTS_PER_MM = 72 / 25.4
EPS_OPERATORS = (
    "/re{4 2 roll moveto 1 index 0 rlineto 0 exch rlineto neg 0 rlineto closepath}bind def "
    "/m{moveto}bind def /l{lineto}bind def"
)

Kind = Literal["svg", "png", "pdf", "eps", "text", "data-uri"]
MEDIA_TYPES: dict[Kind, str] = {
    "svg": "image/svg+xml",
    "png": "image/png",
    "pdf": "application/pdf",
    "eps": "application/postscript",
    "text": "text/plain; charset=utf-8",
    "data-uri": "text/uri-list",
}


class Rendered(msgspec.Struct, frozen=True):
    """A finished picture; `margin` is what it bears, where that was measured."""

    data: bytes
    media_type: str
    margin: reading.Margin | None = None


def render(
    payload: str,
    kind: Kind = "svg",
    *,
    level: str | None = None,
    style: Style = PLAIN,
    logo: bytes | None = None,
    module_px: int = MODULE_PX,
    module_mm: float = MODULE_MM,
    verify: bool = False,
) -> Rendered:
    """A picture of any kind. With `verify` its look is damaged until it fails, and its very pixels are read back.

    `level` is M for a plain code and Q for a branded one, unless given; `module_px` is of PNG and data URI,
    `module_mm` of SVG, PDF and EPS.

    Raises PictureError for another kind, what the functions for one kind raise, and with `verify` Unreadable.
    """
    if kind not in MEDIA_TYPES:
        raise PictureError(f"{kind!r} is not a kind of picture; there are {', '.join(MEDIA_TYPES)}")
    if kind in ("eps", "text") and logo is not None:
        raise BadLogo(f"{kind} cannot hold a logo")
    if kind == "text" and style != PLAIN:
        raise PictureError("text has no colours or shapes")
    drawers: dict[Kind, Callable[[], str | bytes]] = {
        "svg": lambda: render_svg(payload, level=level, style=style, logo=logo, module_mm=module_mm),
        "png": lambda: render_png(payload, level=level, style=style, logo=logo, module_px=module_px),
        "pdf": lambda: render_pdf(payload, level=level, style=style, logo=logo, module_mm=module_mm),
        "eps": lambda: render_eps(payload, level=level, style=style, module_mm=module_mm),
        "text": lambda: render_text(payload, level=level),
        "data-uri": lambda: render_data_uri(payload, level=level, style=style, logo=logo, module_px=module_px),
    }
    drawn = drawers[kind]()
    data = drawn.encode() if isinstance(drawn, str) else drawn
    margin = prove(payload, level=level, style=style, logo=logo) if verify else None
    if verify and kind in ("png", "data-uri"):
        _read_back(payload, data if kind == "png" else base64.b64decode(data.partition(b",")[2]))
    return Rendered(data, MEDIA_TYPES[kind], margin)


def render_svg(
    payload: str,
    *,
    level: str | None = None,
    style: Style = PLAIN,
    logo: bytes | None = None,
    module_mm: float = MODULE_MM,
    title: str = "",
) -> str:
    """A standalone SVG document, one user unit a module, sized for print.

    Raises ValueError (no such level, or too long a payload), BadLogo, CodeTooSmall, PictureError (too large).
    """
    symbol, plate = _symbol(payload, level, style, logo)
    units = len(symbol.matrix) + 2 * QUIET_ZONE_MODULES
    side_mm = f"{units * _checked_mm(module_mm):g}mm"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{side_mm}" height="{side_mm}" '
        f'viewBox="0 0 {units} {units}" role="img">',
        f"<title>{escape(title)}</title>" if title else "",
        f'<path fill="{style.light}" d="M0 0h{units}v{units}H0z"/>',
        _svg_modules(symbol, style),
    ]
    if logo:
        at, spare = (units - plate) / 2, 0.5
        picture = base64.b64encode(_logo_png(logo)).decode()
        parts.append(
            f'<path fill="{style.light}" d="M{at:g} {at:g}h{plate}v{plate}h-{plate}z"/>'
            f'<image x="{at + spare:g}" y="{at + spare:g}" width="{plate - 2 * spare:g}" '
            f'height="{plate - 2 * spare:g}" href="data:image/png;base64,{picture}"/>'
        )
    return "".join((*parts, "</svg>"))


def render_png(
    payload: str,
    *,
    level: str | None = None,
    style: Style = PLAIN,
    logo: bytes | None = None,
    module_px: int = MODULE_PX,
) -> bytes:
    """A PNG of whole pixels a module; a logo (PNG or JPEG) is centred and lifts the level to Q.

    Raises ValueError (no such level, too long a payload), PictureError (module_px out of range, or too many pixels in
    all), CodeTooSmall (fewer than four a module for round ends or a logo), BadLogo.
    """
    if not 1 <= module_px <= MODULE_PX_MAX:
        raise PictureError(f"a module has 1 to {MODULE_PX_MAX} pixels, not {module_px}")
    branded = style.rounded or logo is not None
    if branded and module_px < BRANDED_PX_MIN:
        raise CodeTooSmall(f"round ends or a logo need {BRANDED_PX_MIN} pixels a module, not {module_px}")
    symbol, plate = _symbol(payload, level, style, logo)
    if ((len(symbol.matrix) + 2 * QUIET_ZONE_MODULES) * module_px) ** 2 > PIXELS_MAX:
        raise PictureError(
            f"a picture may have {PIXELS_MAX // 1_000_000} million pixels: {module_px} a module are too many"
        )
    if not branded:
        return _plain_png(symbol, module_px, style)
    out = io.BytesIO()
    _branded_picture(symbol, module_px, style, logo, plate).save(out, "PNG", optimize=True)
    return out.getvalue()


def render_pdf(
    payload: str,
    *,
    level: str | None = None,
    style: Style = PLAIN,
    logo: bytes | None = None,
    module_mm: float = MODULE_MM,
    title: str = "",
) -> bytes:
    """The code on a PDF page of its own size, as vectors. Raises as `render_svg`."""
    symbol, plate = _symbol(payload, level, style, logo)
    quiet = QUIET_ZONE_MODULES * _checked_mm(module_mm)
    side = len(symbol.matrix) * module_mm + 2 * quiet
    canvas = Canvas()
    canvas.rectangle(0, 0, side, side, style.light)
    canvas.symbol(payload, symbol, quiet, quiet, module_mm, style)
    if logo:
        plate_mm = plate * module_mm
        at, spare = (side - plate_mm) / 2, module_mm / 2
        canvas.rectangle(at, at, plate_mm, plate_mm, style.light)
        canvas.mark(_logo_png(logo), at + spare, at + spare, plate_mm - 2 * spare, plate_mm - 2 * spare)
    out = io.BytesIO()
    pdf = PdfFile(out)
    pdf.add_page(side * POINTS_PER_MM, side * POINTS_PER_MM, canvas.content())
    marks = "".join(f"/{name} {add_mark(pdf, data)} 0 R" for name, data in canvas.marks.items())
    pdf.finish(f"/XObject<<{marks}>>", title)
    return out.getvalue()


def render_eps(payload: str, *, level: str | None = None, style: Style = PLAIN, module_mm: float = MODULE_MM) -> str:
    """Encapsulated PostScript for a print shop. Raises as `render_svg`."""
    symbol, _ = _symbol(payload, level, style, None)
    units = len(symbol.matrix) + 2 * QUIET_ZONE_MODULES
    module_pt = _checked_mm(module_mm) * POINTS_PER_MM
    side_pt = units * module_pt
    if style.rounded:
        finders, rest = split_finders(symbol.matrix)
        modules = f"{pdf_path(finders)} fill\n1 setlinecap {ROUNDED_WIDTH} setlinewidth\n{pdf_round_path(rest)} stroke"
    else:
        modules = f"{pdf_path(symbol.matrix)} fill"
    dark, light = (" ".join(f"{part / 255:.3g}" for part in rgb(colour)) for colour in (style.dark, style.light))
    return (
        f"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 {math.ceil(side_pt)} {math.ceil(side_pt)}\n"
        f"%%HiResBoundingBox: 0 0 {side_pt:.4f} {side_pt:.4f}\n%%EndComments\n{EPS_OPERATORS}\n"
        f"{module_pt:.6f} dup scale {light} setrgbcolor 0 0 {units} {units} re fill\n"
        f"{QUIET_ZONE_MODULES} dup translate {dark} setrgbcolor\n{modules}\nshowpage\n%%EOF\n"
    )


def render_text(payload: str, *, level: str | None = None, inverted: bool = False) -> str:
    """Half blocks for a terminal with light text on dark; `inverted` for dark text on light."""
    symbol, _ = _symbol(payload, level, PLAIN, None)
    width = len(symbol.matrix) + 2 * QUIET_ZONE_MODULES
    blank = [bytes(width)] * QUIET_ZONE_MODULES
    edge = bytes(QUIET_ZONE_MODULES)
    rows = [*blank, *(edge + bytes(row) + edge for row in symbol.matrix), *blank, bytes(width)]
    blocks = "█▀▄ " if not inverted else " ▄▀█"  # by the upper and lower module: both light to both dark
    return "".join(
        "".join(blocks[2 * upper + lower] for upper, lower in zip(*pair, strict=True)) + "\n"
        for pair in zip(rows[::2], rows[1::2], strict=False)
    )


def render_data_uri(
    payload: str,
    *,
    level: str | None = None,
    style: Style = PLAIN,
    logo: bytes | None = None,
    module_px: int = MODULE_PX,
) -> str:
    """A PNG as a data: URI (RFC 2397), for pages and e-mails that load nothing. Raises as `render_png`."""
    picture = render_png(payload, level=level, style=style, logo=logo, module_px=module_px)
    return f"data:image/png;base64,{base64.b64encode(picture).decode()}"


def prove(payload: str, *, level: str | None = None, style: Style = PLAIN, logo: bytes | None = None) -> reading.Margin:
    """How much damage a code of this look bears, measured on a picture of six pixels a module.

    Raises Unreadable if it does not read back, or not with 8 % of it covered, at half size, or blurred.
    """
    symbol, plate = _symbol(payload, level, style, logo)
    picture = _branded_picture(symbol, PROOF_MODULE_PX, style, logo, plate)
    return reading.check(picture, payload, PROOF_MODULE_PX, QUIET_ZONE_MODULES, plate)


def _read_back(payload: str, picture: bytes) -> None:
    from PIL import Image

    if reading.read(Image.open(io.BytesIO(picture))) != payload:
        raise Unreadable("the finished picture does not read back")


def _symbol(payload: str, level: str | None, style: Style, logo: bytes | None) -> tuple[QRCode, int]:
    """The symbol, and the side in modules of the plate a logo stands on."""
    if logo == b"":
        raise BadLogo("the logo is empty")
    if level is None:
        level = BRANDED_LEVEL if logo else style.level
    if logo and level not in LOGO_LEVELS:
        raise BadLogo(f"a code with a logo needs level {' or '.join(LOGO_LEVELS)}, not {level}")
    symbol = symbols.make(payload, level)
    if not logo:
        return symbol, 0
    plate = int(len(symbol.matrix) * LOGO_SIDE_MAX)
    return symbol, plate - 1 + plate % 2  # odd as the symbol is, so that it covers whole modules


def _checked_mm(module_mm: float) -> float:
    if module_mm < MODULE_MM_MIN:
        raise CodeTooSmall(f"a printed module needs {MODULE_MM_MIN} mm, not {module_mm:g}")
    if not module_mm <= MODULE_MM_MAX:  # nor what is not a number
        raise PictureError(f"a printed module has {MODULE_MM_MIN:g} to {MODULE_MM_MAX:g} mm, not {module_mm:g}")
    return module_mm


def _svg_modules(symbol: QRCode, style: Style) -> str:
    start = QUIET_ZONE_MODULES
    if not style.rounded:
        path = svg_path(symbol.matrix, start, start)
        return f'<path stroke="{style.dark}" shape-rendering="crispEdges" d="{path}"/>'
    finders, rest = split_finders(symbol.matrix)
    return (
        f'<g stroke="{style.dark}"><path d="{svg_path(finders, start, start)}"/>'
        f'<path stroke-linecap="round" stroke-width="{ROUNDED_WIDTH}" d="{svg_round_path(rest, start, start)}"/></g>'
    )


def _plain_png(symbol: QRCode, module_px: int, style: Style) -> bytes:
    return png(symbol.matrix, module_px, QUIET_ZONE_MODULES, rgb(style.light), rgb(style.dark))


def _branded_picture(symbol: QRCode, module_px: int, style: Style, logo: bytes | None, plate: int) -> Image:
    from PIL import Image

    if style.rounded:
        picture = _rounded_picture(symbol, module_px, style)
    else:
        picture = Image.open(io.BytesIO(_plain_png(symbol, module_px, style))).convert("RGB")
    if logo:
        side = plate * module_px
        at = (picture.width - side) // 2
        picture.paste(style.light, (at, at, at + side, at + side))
        inner = side - module_px  # half a module of light around the logo
        mark = Image.open(io.BytesIO(_logo_png(logo))).resize((inner, inner), Image.Resampling.LANCZOS)
        picture.paste(mark, (at + module_px // 2, at + module_px // 2), mark)
    return picture


def _rounded_picture(symbol: QRCode, module_px: int, style: Style) -> Image:
    """Drawn by qrcode, whose object is given our modules: by itself it knows no ECI and mixes modes."""
    import qrcode
    from PIL import ImageOps
    from qrcode.image.styledpil import StyledPilImage
    from qrcode.image.styles.moduledrawers.pil import HorizontalBarsDrawer, SquareModuleDrawer

    code = qrcode.QRCode(border=QUIET_ZONE_MODULES, box_size=module_px)
    code.modules = [[bool(module) for module in row] for row in symbol.matrix]
    code.modules_count = len(symbol.matrix)
    code.data_cache = []  # tells qrcode that the modules are final
    bars = HorizontalBarsDrawer(vertical_shrink=ROUNDED_WIDTH)
    drawn = code.make_image(StyledPilImage, module_drawer=bars, eye_drawer=SquareModuleDrawer())
    return ImageOps.colorize(drawn.get_image().convert("L"), style.dark, style.light)


def _logo_png(logo: bytes) -> bytes:
    """A logo made square on a clear ground and reduced, without whatever else its file held."""
    from PIL import Image, ImageOps

    square = ImageOps.pad(open_mark(logo), (LOGO_PX, LOGO_PX), Image.Resampling.LANCZOS, color=(0, 0, 0, 0))
    out = io.BytesIO()
    square.save(out, "PNG", optimize=True)
    return out.getvalue()
