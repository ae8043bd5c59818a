"""Marks of schemes and providers: PNG or JPEG in, checked, and an image object out.

posters/layout.py opens a mark for its shape, canvas.py draws it by its name, posters/batch.py writes it once a file,
however many pages show it.
"""

from __future__ import annotations

import hashlib
import io
from functools import lru_cache
from typing import TYPE_CHECKING

from qr.drawing.pdf import PdfFile
from qr.extras import needs
from qr.symbols.errors import BadLogo

if TYPE_CHECKING:
    from PIL.Image import Image

MARK_SIDE_MAX_PX = 4096
MARK_BYTES_MAX = 4 * 1024 * 1024


@lru_cache(maxsize=4)  # a decoded mark may take 64 MB
def open_mark(data: bytes) -> Image:
    """The picture in RGBA. Raises BadLogo for anything but a PNG or JPEG within the limits."""
    with needs("pictures", "a logo or mark"):
        from PIL import Image

    if len(data) > MARK_BYTES_MAX:
        raise BadLogo(f"a mark may have {MARK_BYTES_MAX} bytes, this one has {len(data)}")
    try:
        picture = Image.open(io.BytesIO(data), formats=("PNG", "JPEG"))
        if max(picture.size) > MARK_SIDE_MAX_PX:
            raise BadLogo(f"a mark may have {MARK_SIDE_MAX_PX} pixels a side, this one has {max(picture.size)}")
        return picture.convert("RGBA")
    except BadLogo:
        raise
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:  # all that Pillow's readers raise
        raise BadLogo(f"the mark is not a readable PNG or JPEG picture: {error}") from error


def reduced_mark(data: bytes, side_px: int) -> bytes:
    """A mark as a PNG of at most so many pixels a side, without whatever else its file held. Raises BadLogo."""
    picture = open_mark(data).copy()
    picture.thumbnail((side_px, side_px))
    out = io.BytesIO()
    picture.save(out, "PNG", optimize=True)
    return out.getvalue()


def mark_name(data: bytes) -> str:
    """The name of a mark among a file's resources."""
    return f"M{hashlib.sha256(data).hexdigest()[:16]}"


def add_mark(pdf: PdfFile, data: bytes) -> int:
    """Writes a mark with its transparency and returns the number of the image object (8.9.5, 11.6.5.3)."""
    picture = open_mark(data)
    size = f"/Type/XObject/Subtype/Image/Width {picture.width}/Height {picture.height}/BitsPerComponent 8"
    mask = pdf.add_stream(picture.getchannel("A").tobytes(), f"{size}/ColorSpace/DeviceGray")
    return pdf.add_stream(picture.convert("RGB").tobytes(), f"{size}/ColorSpace/DeviceRGB/SMask {mask} 0 R")
