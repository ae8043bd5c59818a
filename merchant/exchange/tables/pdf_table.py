"""A list as PDF: A4 landscape, every cell whole on as many lines as it needs, in the scripts that our fonts have.

Each page says what the list is, by which filters, when and by whom it was made, and its number. The first rows decide
how wide the columns and how large the letters are.
"""

import unicodedata
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, BinaryIO

import uharfbuzz as hb
from fpdf import FPDF

from merchant.core.http.exports import Cell, Heading

_PAGE_MM = (297.0, 210.0)
_MARGIN_MM = 10.0
_WIDTH_MM = _PAGE_MM[0] - 2 * _MARGIN_MM
_LARGEST_PT, _SMALLEST_PT = 8.0, 4.5
_LINE = 0.3528 * 1.3  # millimetres a point, with leading
_GAP_MM = 1.2
_WIDEST_MM = 60.0  # of a column at the largest letters, before it is wrapped
_BROKEN_MM = 16.0  # of a word at the largest letters; longer ones, such as ids, are broken where room is short
_SAMPLE_ROWS = 200
_BASE = "NotoSans"
# Drawn for a character that no font of ours has.
_MISSING = "\ufffd"
_SCRIPTS = (
    "NotoNaskhArabic",
    "NotoSansBengali",
    "NotoSansDevanagari",
    "NotoSansEthiopic",
    "NotoSansKhmer",
    "NotoSansLao",
    "NotoSansMyanmar",
    "NotoSansSinhala",
    "NotoSansTamil",
    "NotoSansThai",
)


@cache
def _face(font: str, weight: str = "Regular") -> Any:
    return hb.Face(hb.Blob.from_file_path(_font_path(font, weight)))


@cache
def _characters(font: str) -> frozenset[int]:
    """What a font can draw."""
    return frozenset(_face(font).unicodes)


def _font_path(font: str, weight: str = "Regular") -> str:
    return str(files("qr") / "fonts" / f"{font}-{weight}.ttf")


class _Document(FPDF):
    """The pages, each with its heading and number."""

    def __init__(self, heading: Heading) -> None:
        super().__init__(orientation="landscape", unit="mm", format="A4")
        self._heading = heading
        self._fonts: set[str] = set()
        self.set_margins(_MARGIN_MM, _MARGIN_MM)
        self.set_auto_page_break(False)
        self.add_font(_BASE, "", _font_path(_BASE))
        self.add_font(_BASE, "B", _font_path(_BASE, "Bold"))
        self.set_title(heading.title)
        self.set_producer("merchant")
        self.alias_nb_pages()

    def header(self) -> None:
        heading = self._heading
        self.set_font(_BASE, "B", 11)
        self.cell(0, 6, heading.title)
        filters = ", ".join(f"{name}={text}" for name, text in heading.filters.items())
        self.set_xy(_MARGIN_MM, _MARGIN_MM + 6)
        self.write_in_script(f"{heading.at}   {heading.by}   {filters}"[:220], 7)
        self.set_xy(_MARGIN_MM, _MARGIN_MM + 12)

    def footer(self) -> None:
        self.set_xy(_MARGIN_MM, _PAGE_MM[1] - _MARGIN_MM + 2)
        self.set_font(_BASE, "", 7)
        self.cell(0, 4, f"{self.page_no()} / {{nb}}", align="R")

    def write_in_script(self, text: str, size_pt: float, style: str = "") -> None:
        """One line from where the pen is; what needs shaping is shaped."""
        self.set_font(_BASE, style, size_pt)
        if _is_plain(text):
            self.cell(0, size_pt * _LINE, text)
            return
        shown, used = _drawable(text)
        for font in used - self._fonts:
            self.add_font(font, "", _font_path(font))
            self.add_font(font, "B", _font_path(font, "Bold"))
            self._fonts.add(font)
        self.set_fallback_fonts(sorted(used), exact_match=False)
        self.set_text_shaping(True)
        self.cell(0, size_pt * _LINE, shown)
        self.set_text_shaping(False)
        self.set_fallback_fonts([])


def _is_plain(text: str) -> bool:
    """Whether a text needs no other font and no shaping: Latin, Greek and Cyrillic letters, which our base font has."""
    return text.isascii() or all(ord(character) in _characters(_BASE) and ord(character) < 0x590 for character in text)


def _drawable(text: str) -> tuple[str, set[str]]:
    """The text with a mark for each character that no font has, and the fonts it needs beside the base font."""
    used, shown = set(), []
    for character in text:
        point = ord(character)
        font = next((one for one in (_BASE, *_SCRIPTS) if point in _characters(one)), None)
        if font is None:
            shown.append("" if unicodedata.category(character) in ("Cf", "Mn") else _MISSING)
            continue
        shown.append(character)
        used |= {font} - {_BASE}
    return "".join(shown), used


class PdfTable:
    """A PDF being written. The library keeps its pages until the end, which is why such a list is bounded."""

    def __init__(self, file: BinaryIO, _folder: Path, heading: Heading, columns: list[str]) -> None:
        self._file = file
        self._columns = columns
        self._document = _Document(heading)
        self._widths: list[float] = []
        self._size_pt = _LARGEST_PT

    def rows(self, rows: list[list[Cell]]) -> None:
        """Write rows."""
        shown = [["" if cell is None else _one_line(str(cell)) for cell in row] for row in rows]
        if not self._widths:
            self._lay_out(shown[:_SAMPLE_ROWS])
        for row in shown:
            self._row(row)

    def end(self) -> None:
        """Put the document together."""
        if not self._widths:
            self._lay_out([])
        self._document.output(self._file)

    def discard(self) -> None:
        """Nothing is left behind."""

    def _lay_out(self, sample: list[list[str]]) -> None:
        """Decide the widths by the header and the first rows: as wide as their texts, or a fair part of the page.

        Where not all fits, every column keeps its longest word, unless it is a long one.
        """
        self._document.set_font(_BASE, "", _LARGEST_PT)
        natural, least = [], []
        for place, name in enumerate(self._columns):
            texts = [name, *(row[place] for row in sample)]
            words = (word for text in texts for word in text.split(" "))
            natural.append(min(_WIDEST_MM, max(map(self._width, texts))) + _GAP_MM)
            least.append(min(_BROKEN_MM, max(map(self._width, words))) + _GAP_MM)
        wanted = sum(natural)
        self._size_pt = max(_SMALLEST_PT, min(_LARGEST_PT, _LARGEST_PT * _WIDTH_MM / wanted))
        scale = self._size_pt / _LARGEST_PT
        spare = max(0.0, _WIDTH_MM / scale - sum(least)) / max(wanted - sum(least), 0.1)
        shared = [low + (high - low) * spare for low, high in zip(least, natural, strict=True)]
        self._widths = [width * _WIDTH_MM / sum(shared) for width in shared]
        self._begin_page()

    def _begin_page(self) -> None:
        self._document.add_page()
        self._row(self._columns, style="B")

    def _row(self, row: list[str], style: str = "") -> None:
        """One row; its cells are as many lines high as the longest of them, over several pages where it must be."""
        document, height = self._document, self._size_pt * _LINE
        wrapped = [list(self._wrapped(text, width)) for text, width in zip(row, self._widths, strict=True)]
        for line in range(max(map(len, wrapped), default=0)):
            if document.get_y() + height > _PAGE_MM[1] - _MARGIN_MM:
                self._begin_page()
            x, y = _MARGIN_MM, document.get_y()
            for lines, width in zip(wrapped, self._widths, strict=True):
                if line < len(lines) and lines[line]:
                    document.set_xy(x, y)
                    document.write_in_script(lines[line], self._size_pt, style)
                x += width
            document.set_xy(_MARGIN_MM, y + height)
        rule = document.get_y() + 0.2
        document.set_draw_color(200)
        document.line(_MARGIN_MM, rule, _MARGIN_MM + _WIDTH_MM, rule)
        document.set_xy(_MARGIN_MM, rule + 0.3)

    def _wrapped(self, text: str, width: float) -> Iterator[str]:
        """The lines of a text; a word that is wider than its column is broken where it must be."""
        room = width * _LARGEST_PT / self._size_pt - _GAP_MM + 0.01
        line = ""
        for word in text.split(" "):
            longer = f"{line} {word}" if line else word
            if self._width(longer) <= room:
                line = longer
                continue
            if line:
                yield line
            line = word
            while self._width(line) > room and len(line) > 1:
                fits = max(1, int(len(line) * room / self._width(line)))
                while fits > 1 and self._width(line[:fits]) > room:
                    fits -= 1
                yield line[:fits]
                line = line[fits:]
        yield line

    def _width(self, text: str) -> float:
        """Millimetres at the largest letters; of shaped scripts about."""
        return sum(map(_advance_mm, text))


@cache
def _advance_mm(character: str) -> float:
    """How wide a character is at the largest letters, bold or not."""
    point = ord(character)
    font = next((one for one in (_BASE, *_SCRIPTS) if point in _characters(one)), None)
    if font is None:
        return _LARGEST_PT * 0.3528
    bold = _bold(font)
    em: float = bold.get_glyph_h_advance(bold.get_nominal_glyph(point) or 0) / bold.face.upem
    return em * _LARGEST_PT * 0.3528


@cache
def _bold(font: str) -> Any:
    return hb.Font(_face(font, "Bold"))


def _one_line(text: str) -> str:
    return " ".join(text.split()) if not text.isascii() or "\n" in text or "\t" in text else text
