"""Pictures of a payload: SVG, PNG and PDF, with an optional logo.

Symbols come from qr.symbols; the quiet zone is always four modules (ISO/IEC 18004) and a module is always a
whole number of pixels, so nothing is blurred. Image libraries are imported when a function first needs them.
"""

from __future__ import annotations

import io

from qr import symbols

QUIET_ZONE_MODULES = 4  # ISO/IEC 18004:2015 5.3.8
PLAIN_LEVEL = "M"
LOGO_LEVEL = "Q"  # a logo hides modules, so a branded code carries more correction
LOGO_SIDE_MAX = 0.20  # of the symbol's side
MODULE_MM = 0.8


def render_svg(payload: str, *, level: str = PLAIN_LEVEL) -> str:
    """The code as a standalone SVG document, one user unit per module."""
    stream = io.BytesIO()
    symbols.make(payload, level).save(stream, kind="svg", border=QUIET_ZONE_MODULES, xmldecl=False)
    return stream.getvalue().decode()


def render_png(
    payload: str, *, level: str = PLAIN_LEVEL, module_px: int = 10, logo: bytes | None = None
) -> bytes:
    """The code as a PNG; a logo (PNG or JPEG) is centred on it and lifts the level to Q."""
    if logo is None:
        stream = io.BytesIO()
        symbols.make(payload, level).save(stream, kind="png", border=QUIET_ZONE_MODULES, scale=module_px)
        return stream.getvalue()
    return _branded_png(payload, module_px, logo)


def render_pdf(payload: str, *, level: str = PLAIN_LEVEL, module_mm: float = MODULE_MM) -> bytes:
    """The code alone on a PDF page of its own size, vector, `module_mm` per module."""
    stream = io.BytesIO()
    points = module_mm * 72 / 25.4
    symbols.make(payload, level).save(stream, kind="pdf", border=QUIET_ZONE_MODULES, scale=points)
    return stream.getvalue()


def _branded_png(payload: str, module_px: int, logo: bytes) -> bytes:
    import segno
    from PIL import Image

    symbol: segno.QRCode = symbols.make(payload, LOGO_LEVEL)
    stream = io.BytesIO()
    symbol.save(stream, kind="png", border=QUIET_ZONE_MODULES, scale=module_px)
    picture = Image.open(stream).convert("RGB")
    side = int(len(symbol.matrix) * module_px * LOGO_SIDE_MAX)
    mark = Image.open(io.BytesIO(logo)).convert("RGBA")
    mark.thumbnail((side, side))
    corner = ((picture.width - mark.width) // 2, (picture.height - mark.height) // 2)
    picture.paste("white", (*corner, corner[0] + mark.width, corner[1] + mark.height))
    picture.paste(mark, corner, mark)
    out = io.BytesIO()
    picture.save(out, "PNG", optimize=True)
    return out.getvalue()
