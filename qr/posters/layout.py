"""The layout of each kind of page. Millimetres, from the lower left; a poster is laid out once, for A5,
and scaled, since all A sizes have one shape."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from qr import symbols
from qr.drawing.canvas import Align, Canvas
from qr.drawing.marks import open_mark
from qr.drawing.text import TextTooLong, fit
from qr.posters.poster import MILLIMETRES, Design, Poster, Sticker, grouped
from qr.symbols import MODULE_MM_MIN, QUIET_ZONE_MODULES
from qr.symbols.errors import CodeTooSmall
from qr.symbols.style import luminance

PRINTER_DOT_MM = 25.4 / 600  # an office printer's; modules are whole dots, so all are alike
EM_MM_MIN = 1.8  # five points
INK, GREY, PAPER = "#000000", "#555555", "#ffffff"
SHEET_MARGIN_MM = 10.0
CROP_MARK_MM = 5.0
_ADDRESS = 6.0  # the height of its line, in the units of a poster


class Box(NamedTuple):
    """A rectangle to fill; (x, y) is its lower left corner."""

    x: float
    y: float
    width: float
    height: float

    def inset(self, by: float) -> Box:
        """The box without a margin."""
        return Box(self.x + by, self.y + by, self.width - 2 * by, self.height - 2 * by)


def draw_page(canvas: Canvas, codes: Sequence[Sticker], design: Design) -> None:
    """One page with its code or codes (up to `design.per_page`).

    Raises CodeTooSmall, MissingGlyph, TextTooLong, BadLogo.
    """
    PAINTERS[design.page](canvas, codes, design)


def _poster_page(canvas: Canvas, codes: Sequence[Sticker], design: Design) -> None:
    _poster(canvas, _as_poster(codes[0]), design, Box(0, 0, *design.paper_mm))


def _tent_page(canvas: Canvas, codes: Sequence[Sticker], design: Design) -> None:
    """Folded along the middle it stands like a roof: the upper half is printed upside down."""
    width, height = design.paper_mm
    panel = Box(0, 0, width, height / 2)
    _panel(canvas, _as_poster(codes[0]), design, panel)
    canvas.upside_down(width, height)
    _panel(canvas, _as_poster(codes[0]), design, panel)
    canvas.upright()
    canvas.rule(0, height / 2, width, height / 2, GREY, dash="[2 2]")


def _sheet_page(canvas: Canvas, codes: Sequence[Sticker], design: Design) -> None:
    area = Box(0, 0, *design.paper_mm).inset(SHEET_MARGIN_MM)
    width, height = area.width / design.columns, area.height / design.rows
    for index, code in enumerate(codes):
        row, column = divmod(index, design.columns)
        top = area.y + area.height - row * height
        _sticker(canvas, code, design, Box(area.x + column * width, top - height, width, height))
    _crop_marks(canvas, area, design)


PAINTERS: dict[str, Callable[[Canvas, Sequence[Sticker], Design], None]] = {
    **dict.fromkeys(MILLIMETRES, _poster_page),
    "tent": _tent_page,
    "sheet": _sheet_page,
}


def _as_poster(code: Sticker) -> Poster:
    if isinstance(code, Poster):
        return code
    return Poster(payload=code.payload, name=code.name, number=code.number, counter=code.counter, address=code.address)


def _poster(canvas: Canvas, poster: Poster, design: Design, page: Box) -> None:
    """Portrait: marks, what to do, whose it is, the code, what to dial."""
    unit = page.width / MILLIMETRES["A5"][0]
    frame = page.inset(6 * unit)
    x, width, top = frame.x, frame.width, frame.y + frame.height
    canvas.frame(*frame, design.accent, 4 * unit)
    _marks(canvas, poster, design, Box(x + 4 * unit, top - 16 * unit, width - 8 * unit, 12 * unit))
    _heading(canvas, design, Box(x, top - 40 * unit, width, 22 * unit), unit)
    _names(canvas, poster, design, Box(x + 4 * unit, top - 68 * unit, width - 8 * unit, 26 * unit), unit)
    _numbers(canvas, poster, design, Box(x + 4 * unit, frame.y + 7 * unit, width - 8 * unit, 30 * unit), unit)
    _words(canvas, design, poster.counter, "Regular", Box(x, frame.y + unit, width, 6 * unit), 4 * unit, GREY)
    low = frame.y + 37 * unit
    if poster.address:
        _address(canvas, design, poster.address, Box(x, low, width, _ADDRESS * unit), 4.5 * unit)
        low += _ADDRESS * unit
    _code(canvas, poster.payload, design, Box(x, low, width, top - 67 * unit - low))


def _panel(canvas: Canvas, poster: Poster, design: Design, page: Box) -> None:
    """Landscape: the heading above, the code on the left, the words on the right."""
    unit = page.height / MILLIMETRES["A5"][0]
    frame = page.inset(6 * unit)
    top = frame.y + frame.height
    canvas.frame(*frame, design.accent, 4 * unit)
    _heading(canvas, design, Box(frame.x, top - 24 * unit, frame.width, 22 * unit), unit)
    side = frame.height - 26 * unit
    line = _ADDRESS * unit if poster.address else 0.0
    _address(canvas, design, poster.address, Box(frame.x, frame.y + 2 * unit, side, line), 4 * unit)
    _code(canvas, poster.payload, design, Box(frame.x, frame.y + line, side, side - line))
    x, width = frame.x + side, frame.width - side - 4 * unit
    _marks(canvas, poster, design, Box(x, top - 38 * unit, width, 11 * unit))
    _names(canvas, poster, design, Box(x, frame.y + 58 * unit, width, top - 40 * unit - frame.y - 58 * unit), unit)
    _numbers(canvas, poster, design, Box(x, frame.y + 8 * unit, width, 50 * unit), unit)
    _words(canvas, design, poster.counter, "Regular", Box(x, frame.y + 2 * unit, width, 5 * unit), 3.6 * unit, GREY)


def _sticker(canvas: Canvas, sticker: Sticker, design: Design, cell: Box) -> None:
    """The code, below it the address of its page, the name, the number and which counter it is."""
    words = (0.5, 1.05, 0.95) if sticker.address else (0.01, 1.3, 1.1)
    shares = (7.4, *words, 0.6 if sticker.counter else 0.01)
    code, address, name, number, counter = _stacked(cell.inset(2), shares)
    _code(canvas, sticker.payload, design, code)
    _address(canvas, design, sticker.address, address, address.height)
    _words(canvas, design, sticker.name, "Bold", name, name.height * 0.7, INK, lines_max=2)
    _words(canvas, design, grouped(sticker.number), "Bold", number, number.height, INK)
    _words(canvas, design, sticker.counter, "Regular", counter, counter.height * 0.8, GREY)


def _code(canvas: Canvas, payload: str, design: Design, box: Box) -> None:
    """The largest code for a box, in whole printer dots a module, in the middle of it."""
    symbol = symbols.make(payload, design.style.level)
    modules = len(symbol.matrix)
    room = min(box.width, box.height) / (modules + 2 * QUIET_ZONE_MODULES)
    module = math.floor(room / PRINTER_DOT_MM) * PRINTER_DOT_MM
    if module < MODULE_MM_MIN:
        raise CodeTooSmall(
            f"a payload of {len(payload)} characters needs {modules} modules a side, which would be "
            f"{room:.2f} mm each here; at least {MODULE_MM_MIN} mm are needed: use a larger page or fewer columns"
        )
    side = modules * module
    x, y = (
        round(corner / PRINTER_DOT_MM) * PRINTER_DOT_MM
        for corner in (box.x + (box.width - side) / 2, box.y + (box.height - side) / 2)
    )
    if design.style.light != PAPER:
        quiet = QUIET_ZONE_MODULES * module
        canvas.rectangle(x - quiet, y - quiet, side + 2 * quiet, side + 2 * quiet, design.style.light)
    canvas.symbol(payload, symbol, x, y, module, design.style)


def _address(canvas: Canvas, design: Design, address: str, box: Box, size: float) -> None:
    """The address of the shop's page, left out where it would be too small to read: the code holds what it leads to."""
    with contextlib.suppress(TextTooLong):
        _words(canvas, design, address, "Regular", box, size, INK)


def _heading(canvas: Canvas, design: Design, box: Box, unit: float) -> None:
    """What to do, in each language, on a band of the accent colour."""
    canvas.rectangle(*box, design.accent)
    colour = PAPER if luminance(design.accent) < 0.3 else INK
    inner = box.inset(2 * unit)
    parts = _stacked(inner, (1.3, 1.0)[: len(design.words)])
    for words, weight, part in zip(design.words, ("Bold", "Regular"), parts, strict=False):
        _words(canvas, design, words.scan, weight, part, 8 * unit, colour)


def _names(canvas: Canvas, poster: Poster, design: Design, box: Box, unit: float) -> None:
    parts = _stacked(box.inset(unit), (2.6, 1.0) if poster.second_name else (1.0,))
    _words(canvas, design, poster.name, "Bold", parts[0], 12 * unit, INK, lines_max=3)
    if poster.second_name:
        _words(canvas, design, poster.second_name, "Regular", parts[1], 6 * unit, INK)


def _numbers(canvas: Canvas, poster: Poster, design: Design, box: Box, unit: float) -> None:
    """The number and, if there is one, the USSD string: side by side in a wide box, else one above the other."""
    labelled = [([words.number for words in design.words], grouped(poster.number), 13 * unit)]
    if poster.ussd:
        labelled.append(([words.dial for words in design.words], poster.ussd, 9 * unit))
    if box.width > 2 * box.height:
        width = box.width / len(labelled)
        parts = [Box(box.x + index * width, box.y, width, box.height) for index in range(len(labelled))]
    else:
        parts = _stacked(box, (1.0,) * len(labelled))
    for (labels, value, size), part in zip(labelled, parts, strict=True):
        *label_parts, value_part = _stacked(part.inset(1.5 * unit), (0.6,) * len(labels) + (1.5,))
        for label, label_part in zip(labels, label_parts, strict=True):
            _words(canvas, design, label, "Regular", label_part, 4.5 * unit, GREY)
        _words(canvas, design, value, "Bold", value_part, size, INK)


def _marks(canvas: Canvas, poster: Poster, design: Design, box: Box) -> None:
    """The scheme's mark or name on the left, the provider's on the right."""
    half = box.width / 2
    left, right = Box(box.x, box.y, half, box.height), Box(box.x + half, box.y, half, box.height)
    _mark(canvas, design, design.scheme_mark, design.scheme, left, "left")
    _mark(canvas, design, poster.dfsp_mark, poster.dfsp, right, "right")


def _mark(canvas: Canvas, design: Design, picture: bytes, name: str, box: Box, align: Align) -> None:
    if not picture:
        _words(canvas, design, name, "Bold", box, box.height / 2, design.accent, align=align)
        return
    pixels = open_mark(picture)
    scale = min(box.width * 0.95 / pixels.width, box.height / pixels.height)
    width, height = pixels.width * scale, pixels.height * scale
    x = box.x if align == "left" else box.x + box.width - width
    canvas.mark(picture, x, box.y + (box.height - height) / 2, width, height)


def _words(
    canvas: Canvas,
    design: Design,
    text: str,
    weight: str,
    box: Box,
    size: float,
    colour: str,
    *,
    lines_max: int = 1,
    align: Align = "centre",
) -> None:
    """Text in the middle of a box, at most so large."""
    if not text.strip():
        return
    lines, size = fit(text, weight, box.width * 0.98, box.height, size, EM_MM_MIN, lines_max, design.extra_fonts)
    x = box.x + box.width * {"left": 0.0, "centre": 0.5, "right": 1.0}[align]
    canvas.lines(lines, x, box.y + box.height / 2, size, colour, align)


def _stacked(box: Box, shares: Sequence[float]) -> list[Box]:
    """A box cut into rows of these shares, from the top."""
    parts, top = [], box.y + box.height
    for share in shares:
        height = box.height * share / sum(shares)
        parts.append(Box(box.x, top - height, box.width, height))
        top -= height
    return parts


def _crop_marks(canvas: Canvas, area: Box, design: Design) -> None:
    """Short lines in the margin where to cut."""
    right, top = area.x + area.width, area.y + area.height
    gap = SHEET_MARGIN_MM - CROP_MARK_MM - 1
    for column in range(design.columns + 1):
        x = area.x + column * area.width / design.columns
        for edge, away in ((area.y, -1), (top, 1)):
            canvas.rule(x, edge + away * gap, x, edge + away * (gap + CROP_MARK_MM), GREY)
    for row in range(design.rows + 1):
        y = area.y + row * area.height / design.rows
        for edge, away in ((area.x, -1), (right, 1)):
            canvas.rule(edge + away * gap, y, edge + away * (gap + CROP_MARK_MM), y, GREY)
