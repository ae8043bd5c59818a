"""Marks that a logo may be: shapes that readers take for patterns of a code, and some that they do not."""

from __future__ import annotations

import io
import os

import pytest
from PIL import Image, ImageDraw

from qr.symbols import reading

SIDE = 300


def _picture(*shapes: tuple[str, int, str]) -> bytes:
    """Shapes one upon the other: kind, distance from the edge, colour."""
    picture = Image.new("RGBA", (SIDE, SIDE), (0, 0, 0, 0))
    draw = ImageDraw.Draw(picture)
    for kind, edge, colour in shapes:
        box = (edge, edge, SIDE - 1 - edge, SIDE - 1 - edge)
        (draw.ellipse if kind == "round" else draw.rectangle)(box, fill=colour)
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


MARKS = {
    "dark round": _picture(("round", 0, "#102a43")),
    "square": _picture(("square", 0, "#b3261e")),
    "black frame": _picture(("square", 0, "black"), ("square", 40, "white"), ("round", 100, "#00bb66")),
    "ring": _picture(("round", 0, "#004080"), ("round", 60, "white"), ("square", 120, "#004080")),
    "alignment pattern": _picture(("square", 0, "black"), ("square", 60, "white"), ("square", 120, "black")),
    "finder pattern": _picture(("square", 0, "black"), ("square", 43, "white"), ("square", 86, "black")),
    "pale": _picture(("round", 0, "#ffd400")),
}


def require_zbar() -> None:
    """Skip, or fail where ZBar must be."""
    if not reading.has_zbar():
        (pytest.fail if os.environ.get("QR_REQUIRE_ZBAR") == "1" else pytest.skip)(reading.ZBAR_MISSING)
