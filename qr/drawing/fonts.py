"""The fonts of a poster: the shipped ones, any an operator adds, and their embedding in a PDF.

A font is embedded once a file, cut down to the glyphs used, with glyph numbers kept so that pages can be written
before it is known which glyphs the rest will need.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable
from functools import lru_cache
from itertools import product
from pathlib import Path

from qr.drawing.pdf import EM, PdfFile
from qr.extras import needs

with needs("posters", "text on posters"):
    import uharfbuzz as hb

FONT_FOLDER = Path(__file__).parent.parent / "fonts"
WEIGHTS = ("Regular", "Bold")
# Tried in this order for a character. Punctuation and digits are thus Noto Sans's where a script has none.
FAMILIES = (
    "NotoSans",
    "NotoNaskhArabic",
    "NotoSansMyanmar",
    "NotoSansKhmer",
    "NotoSansEthiopic",
    "NotoSansThai",
    "NotoSansLao",
    "NotoSansDevanagari",
    "NotoSansBengali",
    "NotoSansSinhala",
    "NotoSansTamil",
)
SYMBOLIC = 4  # font descriptor flag (ISO 32000-1:2008 table 123); glyphs are addressed by number
SUBSET_TAG = "POSTER+"  # six letters mark a font as cut (9.6.4)


class Font:
    """One TrueType font under the name it has in a PDF; measures are in thousandths of an em."""

    def __init__(self, data: bytes, name: str) -> None:
        self.name = name
        self.face = hb.Face(hb.Blob(data))
        self.shaper = hb.Font(self.face)
        self.shaper.scale = (EM, EM)
        self.characters = frozenset(self.face.unicodes)
        extents = self.shaper.get_font_extents("ltr")
        self.ascent, self.descent = extents.ascender, -extents.descender

    def advance(self, glyph: int) -> int:
        """A glyph's own width, before kerning."""
        return int(self.shaper.get_glyph_h_advance(glyph))

    def ink(self, glyph: int) -> tuple[int, int]:
        """The highest and lowest point of a glyph."""
        extents = self.shaper.get_glyph_extents(glyph)
        if extents is None:
            return 0, 0
        return int(extents.y_bearing), int(extents.y_bearing + extents.height)


@lru_cache(maxsize=len(FAMILIES) * len(WEIGHTS))
def shipped_font(family: str, weight: str) -> Font:
    """A font of this package."""
    name = f"{family}-{weight}"
    return Font((FONT_FOLDER / f"{name}.ttf").read_bytes(), name)


def font_named(name: str, extra_fonts: Iterable[Font] = ()) -> Font | None:
    """The shipped or added font that has this name in a PDF; the name, a file's word, is never made a path."""
    for family, weight in product(FAMILIES, WEIGHTS):
        if name == f"{family}-{weight}":
            return shipped_font(family, weight)
    return next((font for font in extra_fonts if font.name == name), None)


@lru_cache(maxsize=16)
def added_font(data: bytes) -> Font | None:
    """A font an operator brings, in both weights; None if the file is not TrueType."""
    font = Font(data, f"Added-{hashlib.sha256(data).hexdigest()[:16]}")
    return font if font.characters and "glyf" in font.face.table_tags else None


def embed(pdf: PdfFile, font: Font, glyphs: Iterable[int]) -> int:
    """Writes a font with only these glyphs and returns the number of the font object (9.7, 9.9)."""
    used = sorted(glyphs)
    program = pdf.add_stream(*_program(font, used))
    descriptor = pdf.add(
        f"<</Type/FontDescriptor/FontName/{SUBSET_TAG}{font.name}/Flags {SYMBOLIC}/FontBBox[{_bounding_box(font)}]"
        f"/ItalicAngle 0/Ascent {font.ascent}/Descent {-font.descent}/CapHeight {font.ascent}/StemV 80"
        f"/FontFile2 {program} 0 R>>".encode("ascii")
    )
    widths = "".join(f"{glyph}[{font.advance(glyph)}]" for glyph in used)
    descendant = pdf.add(
        f"<</Type/Font/Subtype/CIDFontType2/BaseFont/{SUBSET_TAG}{font.name}/FontDescriptor {descriptor} 0 R"
        f"/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>/CIDToGIDMap/Identity"
        f"/W[{widths}]>>".encode("ascii")
    )
    return pdf.add(
        f"<</Type/Font/Subtype/Type0/BaseFont/{SUBSET_TAG}{font.name}/Encoding/Identity-H"
        f"/DescendantFonts[{descendant} 0 R]>>".encode("ascii")
    )


def _program(font: Font, glyphs: list[int]) -> tuple[bytes, str]:
    """The cut font and its stream entry."""
    cut = hb.SubsetInput()
    cut.sets(hb.SubsetInputSets.GLYPH_INDEX).update(glyphs)
    # Shaping is done: a PDF reader needs outlines and metrics only.
    cut.sets(hb.SubsetInputSets.DROP_TABLE_TAG).update(
        int.from_bytes(tag) for tag in (b"GSUB", b"GPOS", b"GDEF", b"name", b"gasp")
    )
    cut.flags = hb.SubsetFlags.RETAIN_GIDS | hb.SubsetFlags.NO_LAYOUT_CLOSURE | hb.SubsetFlags.NOTDEF_OUTLINE
    data = cut.subset(font.face).blob.data
    return data, f"/Length1 {len(data)}"


def _bounding_box(font: Font) -> str:
    head = font.face.reference_table("head").data
    corners = struct.unpack(">4h", head[36:44])  # xMin, yMin, xMax, yMax
    return " ".join(str(corner * EM // font.face.upem) for corner in corners)
