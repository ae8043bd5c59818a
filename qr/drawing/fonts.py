"""The fonts of a poster: those shipped, of the extra `fonts`, or an operator's, and their embedding in a PDF.

A font is embedded once a file, cut down to the glyphs used, with glyph numbers kept so that pages can be written
before it is known which glyphs the rest will need.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Iterator
from functools import lru_cache
from importlib.util import find_spec
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
# What the extra `fonts` installs, by family: tried when no shipped font and none of an operator's holds a character.
INSTALLED = {
    **{
        f"NotoSans{script}": ("manimgx_fonts", f"NotoSans{script}[wght].ttf")
        for script in (
            "Georgian",
            "Hebrew",
            "Armenian",
            "Gujarati",
            "Gurmukhi",
            "Kannada",
            "Malayalam",
            "Oriya",
            "Telugu",
        )
    },
    **{
        f"NotoSans{region}": ("justmytype_intl_cjk", f"fonts/ofl/notosans{region.lower()}/NotoSans{region}[wght].ttf")
        for region in ("SC", "TC", "JP", "KR")
    },
}
WEIGHT_AXIS, WEIGHT_VALUES = "wght", {"Regular": 400, "Bold": 700}
SYMBOLIC = 4  # font descriptor flag (ISO 32000-1:2008 table 123); glyphs are addressed by number
SUBSET_TAG = "POSTER+"  # six letters mark a font as cut (9.6.4)


class Font:
    """One TrueType font under the name it has in a PDF; measures are in thousandths of an em.

    Of a variable font it is the instance of a `weight`.
    """

    def __init__(self, blob: hb.Blob, name: str, weight: str = "Regular") -> None:
        self.name = name
        self.face = hb.Face(blob)
        self.shaper = hb.Font(self.face)
        self.shaper.scale = (EM, EM)
        self.weight = WEIGHT_VALUES[weight] if "fvar" in self.face.table_tags else None
        if self.weight is not None:
            self.shaper.set_variations({WEIGHT_AXIS: self.weight})
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
    return Font(hb.Blob((FONT_FOLDER / f"{name}.ttf").read_bytes()), name)


@lru_cache(maxsize=len(INSTALLED) * len(WEIGHTS))
def installed_font(family: str, weight: str) -> Font | None:
    """A font of the extra `fonts`; None where that is not installed."""
    path = installed_path(family)
    return Font(hb.Blob.from_file_path(str(path)), f"{family}-{weight}", weight) if path else None


def installed_path(family: str) -> Path | None:
    """Where a font of the extra `fonts` is; its package is found, not run."""
    package, file = INSTALLED[family]
    spec = find_spec(package)
    folders = spec.submodule_search_locations if spec else None
    return next((path for folder in folders or () if (path := Path(folder) / file).is_file()), None)


def installed_fonts(weight: str, first: str) -> Iterator[Font]:
    """The fonts of the extra `fonts` that are installed, one family before the others; opened as they are asked for."""
    for family in sorted(INSTALLED, key=lambda family: family != first):
        if font := installed_font(family, weight):
            yield font


def font_named(name: str, extra_fonts: Iterable[Font] = ()) -> Font | None:
    """The shipped, installed or added font with this name in a PDF; the name, a file's word, is never made a path."""
    for family, weight in product(FAMILIES, WEIGHTS):
        if name == f"{family}-{weight}":
            return shipped_font(family, weight)
    for family, weight in product(INSTALLED, WEIGHTS):
        if name == f"{family}-{weight}":
            return installed_font(family, weight)
    return next((font for font in extra_fonts if font.name == name), None)


@lru_cache(maxsize=16)
def added_font(data: bytes) -> Font | None:
    """A font an operator brings, in both weights; None if the file is not TrueType."""
    font = Font(hb.Blob(data), f"Added-{hashlib.sha256(data).hexdigest()[:16]}")
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
    if font.weight is not None:
        cut.pin_all_axes_to_default(font.face)
        cut.pin_axis_location(font.face, WEIGHT_AXIS, font.weight)
    cut.flags = hb.SubsetFlags.RETAIN_GIDS | hb.SubsetFlags.NO_LAYOUT_CLOSURE | hb.SubsetFlags.NOTDEF_OUTLINE
    data = cut.subset(font.face).blob.data
    return data, f"/Length1 {len(data)}"


def _bounding_box(font: Font) -> str:
    head = font.face.reference_table("head").data
    corners = struct.unpack(">4h", head[36:44])  # xMin, yMin, xMax, yMax
    return " ".join(str(corner * EM // font.face.upem) for corner in corners)
