"""Pictures of a payload: SVG, PNG, PDF, EPS, terminal text and data URI; plain, coloured, rounded, with a logo.

Symbols come from `qr.symbols`. The quiet zone is always four modules (ISO/IEC 18004:2015 5.3.8), no pixel belongs
to two modules, and no picture holds a date, so the same call gives the same bytes. A `Look` says how a code is drawn.
Only logos need an image library (Pillow); text for a terminal is drawn by qrcode. `render` makes every kind and can
prove what it made.
"""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Callable
from functools import lru_cache
from html import escape
from typing import TYPE_CHECKING, Literal

import msgspec

from qr import symbols
from qr.drawing.canvas import Canvas
from qr.drawing.marks import add_mark, open_mark
from qr.drawing.pdf import PdfFile
from qr.extras import needs
from qr.symbols import MODULE_MM_MAX, MODULE_MM_MIN, QUIET_ZONE_MODULES, reading
from qr.symbols.errors import BadLogo, CodeTooSmall, PictureError, Unreadable
from qr.symbols.logo import LogoSymbol, make_with_logo
from qr.symbols.outlines import (
    ROUNDED_WIDTH,
    pdf_path,
    pdf_round_path,
    split_finders,
    svg_path,
    svg_round_path,
)
from qr.symbols.png import png, rounded_png
from qr.symbols.style import PLAIN, Style, rgb

if TYPE_CHECKING:
    from PIL.Image import Image
    from segno import QRCode

LOGO_PX = 512  # side to which a logo is reduced before it is embedded
MODULE_MM = 0.8
MODULE_PX, MODULE_PX_MAX = 10, 64
BRANDED_PX_MIN = 4  # with fewer, round ends leave nothing that reads
PIXELS_MAX = 50_000_000  # 150 MB while a picture with a logo is drawn
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


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """How a code is drawn. Each kind of picture takes what it knows of this.

    `level` is M for a plain code and Q for a branded one unless given; a `logo` is the bytes of a PNG or JPEG file, for
    the middle of SVG, PNG and PDF, and makes the symbol larger where a common reader needs it (qr.symbols.logo).
    `module_px` is of PNG and data URI, `module_mm` of SVG, PDF and EPS.
    """

    style: Style = PLAIN
    level: str | None = None
    logo: bytes | None = None
    module_px: int = MODULE_PX
    module_mm: float = MODULE_MM


PLAIN_LOOK = Look()


class Rendered(msgspec.Struct, frozen=True):
    """A finished picture; `margin` is the damage it survives, where that was measured."""

    data: bytes
    media_type: str
    margin: reading.Margin | None = None


def render(payload: str, kind: Kind = "svg", look: Look = PLAIN_LOOK, *, verify: bool = False) -> Rendered:
    """A picture of any kind. With `verify` its look is damaged until it fails, and its very pixels are read back.

    Raises PictureError for another kind, what the functions for one kind raise, and with `verify` Unreadable.
    """
    if kind not in MEDIA_TYPES:
        raise PictureError(f"{kind!r} is not a kind of picture; there are {', '.join(MEDIA_TYPES)}")
    if kind in ("eps", "text") and look.logo is not None:
        raise BadLogo(f"{kind} cannot hold a logo")
    if kind == "text" and look.style != PLAIN:
        raise PictureError("text has no colours or shapes")
    drawers: dict[Kind, Callable[[str, Look], str | bytes]] = {
        "svg": render_svg,
        "png": render_png,
        "pdf": render_pdf,
        "eps": render_eps,
        "text": render_text,
        "data-uri": render_data_uri,
    }
    drawn = drawers[kind](payload, look)
    data = drawn.encode() if isinstance(drawn, str) else drawn
    margin = prove(payload, look) if verify else None
    if verify and kind in ("png", "data-uri"):
        _read_back(payload, data if kind == "png" else base64.b64decode(data.partition(b",")[2]))
    return Rendered(data, MEDIA_TYPES[kind], margin)


def render_svg(payload: str, look: Look = PLAIN_LOOK, *, title: str = "") -> str:
    """A standalone SVG document, one user unit a module, sized for print.

    Raises ValueError (no such level, or too long a payload), BadLogo, CodeTooSmall, PictureError (too large).
    """
    symbol, plate = _symbol(payload, look)
    units = len(symbol.matrix) + 2 * QUIET_ZONE_MODULES
    side_mm = f"{units * _checked_mm(look.module_mm):g}mm"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{side_mm}" height="{side_mm}" '
        f'viewBox="0 0 {units} {units}" role="img">',
        f"<title>{escape(title)}</title>" if title else "",
        f'<path fill="{look.style.light}" d="M0 0h{units}v{units}H0z"/>',
        _svg_modules(symbol, look.style),
    ]
    if look.logo:
        at, spare = (units - plate) / 2, 0.5
        picture = base64.b64encode(_logo_png(look.logo)).decode()
        parts.append(
            f'<path fill="{look.style.light}" d="M{at:g} {at:g}h{plate}v{plate}h-{plate}z"/>'
            f'<image x="{at + spare:g}" y="{at + spare:g}" width="{plate - 2 * spare:g}" '
            f'height="{plate - 2 * spare:g}" href="data:image/png;base64,{picture}"/>'
        )
    return "".join((*parts, "</svg>"))


def render_png(payload: str, look: Look = PLAIN_LOOK) -> bytes:
    """A PNG of whole pixels a module; a logo (PNG or JPEG) is centred and lifts the level to Q.

    Raises ValueError (no such level, too long a payload), PictureError (module_px out of range, or too many pixels in
    all), CodeTooSmall (fewer than four a module for round ends or a logo), BadLogo.
    """
    module_px = look.module_px
    if not 1 <= module_px <= MODULE_PX_MAX:
        raise PictureError(f"a module has 1 to {MODULE_PX_MAX} pixels, not {module_px}")
    if (look.style.rounded or look.logo is not None) and module_px < BRANDED_PX_MIN:
        raise CodeTooSmall(f"round ends or a logo need {BRANDED_PX_MIN} pixels a module, not {module_px}")
    symbol, plate = _symbol(payload, look)
    if ((len(symbol.matrix) + 2 * QUIET_ZONE_MODULES) * module_px) ** 2 > PIXELS_MAX:
        raise PictureError(
            f"a picture may have {PIXELS_MAX // 1_000_000} million pixels: {module_px} a module are too many"
        )
    if not look.logo:
        return _png(symbol, look.style, module_px)
    out = io.BytesIO()
    _picture(symbol, look, module_px, plate).save(out, "PNG", optimize=True)
    return out.getvalue()


def render_pdf(payload: str, look: Look = PLAIN_LOOK, *, title: str = "") -> bytes:
    """The code on a PDF page of its own size, as vectors. Raises as `render_svg`."""
    symbol, plate = _symbol(payload, look)
    module_mm = _checked_mm(look.module_mm)
    quiet = QUIET_ZONE_MODULES * module_mm
    side = len(symbol.matrix) * module_mm + 2 * quiet
    canvas = Canvas()
    canvas.rectangle(0, 0, side, side, look.style.light)
    canvas.symbol(payload, symbol, quiet, quiet, module_mm, look.style)
    if look.logo:
        plate_mm = plate * module_mm
        at, spare = (side - plate_mm) / 2, module_mm / 2
        canvas.rectangle(at, at, plate_mm, plate_mm, look.style.light)
        canvas.mark(_logo_png(look.logo), at + spare, at + spare, plate_mm - 2 * spare, plate_mm - 2 * spare)
    out = io.BytesIO()
    pdf = PdfFile(out)
    pdf.add_page(side * POINTS_PER_MM, side * POINTS_PER_MM, canvas.content())
    marks = "".join(f"/{name} {add_mark(pdf, data)} 0 R" for name, data in canvas.marks.items())
    pdf.finish(f"/XObject<<{marks}>>", title)
    return out.getvalue()


def render_eps(payload: str, look: Look = PLAIN_LOOK) -> str:
    """Encapsulated PostScript for a print shop. Raises as `render_svg`."""
    symbol, _ = _symbol(payload, msgspec.structs.replace(look, logo=None))
    units = len(symbol.matrix) + 2 * QUIET_ZONE_MODULES
    module_pt = _checked_mm(look.module_mm) * POINTS_PER_MM
    side_pt = units * module_pt
    style = look.style
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


def render_text(payload: str, look: Look = PLAIN_LOOK, *, inverted: bool = False) -> str:
    """Half blocks for a terminal with light text on dark; `inverted` for dark text on light.

    Encoded and drawn by qrcode, in byte mode. It writes no ECI header, so scanners have to guess that text beyond ASCII
    is UTF-8: draw another kind of picture for customers.

    Raises ValueError (no such level, an empty payload, or too long a one).
    """
    with needs("pictures", "a code in a terminal"):
        from qrcode import QRCode, constants
        from qrcode.exceptions import DataOverflowError
        from qrcode.util import MODE_8BIT_BYTE, QRData

    level = look.level or look.style.level
    symbols.check_request(payload, level)
    code = QRCode(error_correction=getattr(constants, f"ERROR_CORRECT_{level}"), border=QUIET_ZONE_MODULES)
    code.add_data(QRData(payload.encode(), mode=MODE_8BIT_BYTE))
    out = io.StringIO()
    try:
        code.print_ascii(out, invert=not inverted)
    except (DataOverflowError, ValueError):  # which of the two depends on the release of qrcode
        raise PictureError(f"{len(payload)} characters do not fit into a QR symbol") from None
    return out.getvalue()


def render_data_uri(payload: str, look: Look = PLAIN_LOOK) -> str:
    """A PNG as a data: URI (RFC 2397), for pages and e-mails that load nothing. Raises as `render_png`."""
    picture = render_png(payload, look)
    return f"data:image/png;base64,{base64.b64encode(picture).decode()}"


def prove(payload: str, look: Look = PLAIN_LOOK) -> reading.Margin:
    """How much damage a code of this look bears, measured on a picture of six pixels a module.

    Raises Unreadable if a reader that is here does not read it, or it does not read with 8 % of it covered, at half
    size, or blurred.
    """
    symbol, plate = _symbol(payload, look)
    with needs("proof", "proof that a picture reads"):
        picture = _picture(symbol, look, PROOF_MODULE_PX, plate)
        return reading.check(picture, payload, PROOF_MODULE_PX, QUIET_ZONE_MODULES, plate)


def _read_back(payload: str, picture: bytes) -> None:
    from PIL import Image

    if reading.read(Image.open(io.BytesIO(picture))) != payload:
        raise Unreadable("the finished picture does not read back")


def _symbol(payload: str, look: Look) -> LogoSymbol:
    if look.logo is None:
        return LogoSymbol(symbols.make(payload, look.style.level if look.level is None else look.level), 0)
    if not look.logo:
        raise BadLogo("the logo is empty")
    return make_with_logo(payload, look.level)


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


def _png(symbol: QRCode, style: Style, module_px: int) -> bytes:
    draw = rounded_png if style.rounded else png
    return draw(symbol.matrix, module_px, QUIET_ZONE_MODULES, rgb(style.light), rgb(style.dark))


def _picture(symbol: QRCode, look: Look, module_px: int, plate: int) -> Image:
    """The pixels that `_png` writes, with the logo on its plate of light."""
    with needs("pictures", "a logo"):
        from PIL import Image

    picture = Image.open(io.BytesIO(_png(symbol, look.style, module_px))).convert("RGB")
    if look.logo:
        side = plate * module_px
        at = (picture.width - side) // 2
        picture.paste(look.style.light, (at, at, at + side, at + side))
        inner = side - module_px  # half a module of light around the logo
        mark = Image.open(io.BytesIO(_logo_png(look.logo))).resize((inner, inner), Image.Resampling.LANCZOS)
        picture.paste(mark, (at + module_px // 2, at + module_px // 2), mark)
    return picture


@lru_cache(maxsize=4)  # some hundred kilobytes each, and a run of codes has one logo
def _logo_png(logo: bytes) -> bytes:
    """A logo made square on a clear ground and reduced, without whatever else its file held."""
    with needs("pictures", "a logo"):
        from PIL import Image, ImageOps

    square = ImageOps.pad(open_mark(logo), (LOGO_PX, LOGO_PX), Image.Resampling.LANCZOS, color=(0, 0, 0, 0))
    out = io.BytesIO()
    square.save(out, "PNG", optimize=True)
    return out.getvalue()
