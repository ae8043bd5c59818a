"""The parts that pages are put together from: card, code, words, marks, number, steps. Millimetres, lower left corners.

A `Pen` is a page under the hand of a design; every part fits itself into the box that it is given.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Hashable, Sequence
from typing import NamedTuple

from qr import symbols
from qr.drawing.canvas import Align, Canvas
from qr.drawing.marks import open_mark
from qr.drawing.pdf import EM
from qr.drawing.text import TextTooLong, fit, shape
from qr.posters.palette import GREY, INK, PAPER, RULE, Palette, palette_of
from qr.posters.pictograms import SIDE, STEPS
from qr.posters.poster import Accepted, Design, Sticker
from qr.symbols import MODULE_MM_MIN, QUIET_ZONE_MODULES
from qr.symbols.errors import CodeTooSmall
from qr.symbols.logo import LogoSymbol, make_with_logo

PRINTER_DOT_MM = 25.4 / 600  # an office printer's; modules are whole dots, so all are alike
SHARED_MAX = 256  # parts kept; those of some providers on one page
EM_MM_MIN = 1.8  # five points
CHIP_EM = 0.46  # of the height of a name among those accepted
COMFORT_MM = 0.6  # of a module; before it becomes smaller, a sticker says less, and a code does without a logo
_MIRRORED: dict[Align, Align] = {"left": "right", "right": "left", "centre": "centre"}


class Box(NamedTuple):
    """A rectangle to fill; (x, y) is its lower left corner."""

    x: float
    y: float
    width: float
    height: float

    def inset(self, across: float, along: float | None = None) -> Box:
        """The box without a margin, left and right, above and below."""
        along = across if along is None else along
        return Box(self.x + across, self.y + along, self.width - 2 * across, self.height - 2 * along)

    def rows(self, shares: Sequence[float]) -> list[Box]:
        """The box cut into rows of these shares, from the top."""
        parts, top = [], self.y + self.height
        for share in shares:
            height = self.height * share / sum(shares)
            parts.append(Box(self.x, top - height, self.width, height))
            top -= height
        return parts

    def columns(self, shares: Sequence[float], rtl: bool) -> list[Box]:
        """The box cut into columns of these shares, from where reading begins."""
        parts, x = [], self.x
        for share in reversed(shares) if rtl else shares:
            width = self.width * share / sum(shares)
            parts.append(Box(x, self.y, width, self.height))
            x += width
        return parts[::-1] if rtl else parts


class Pen(NamedTuple):
    """A page, its design, the colours of it, and what pages of the design share."""

    canvas: Canvas
    design: Design
    colours: Palette
    rtl: bool
    shared: dict[Hashable, Canvas]

    @staticmethod
    def of(canvas: Canvas, design: Design, shared: dict[Hashable, Canvas]) -> Pen:
        """A pen for a page of a design; `shared` is the design's, empty at first."""
        return Pen(canvas, design, palette_of(design.accent), design.rtl, shared)

    def once(self, key: Hashable, draw: Callable[[Pen], None]) -> None:
        """What is drawn the same on every page with the same key."""
        if key not in self.shared:
            if len(self.shared) >= SHARED_MAX:
                self.shared.clear()
            canvas = Canvas()
            draw(self._replace(canvas=canvas))
            self.shared[key] = canvas
        self.canvas.include(self.shared[key])

    def words(
        self,
        text: str,
        box: Box,
        size: float,
        colour: str = INK,
        *,
        weight: str = "Regular",
        lines_max: int = 1,
        align: Align = "centre",
    ) -> None:
        """Text in the middle of a box's height, at most so large; `align` counts from where reading begins."""
        if not text.strip():
            return
        fonts = self.design.extra_fonts
        lines, size = fit(text, weight, box.width * 0.98, box.height, size, EM_MM_MIN, lines_max, fonts)
        side = _MIRRORED[align] if self.rtl else align
        x = box.x + box.width * {"left": 0.0, "centre": 0.5, "right": 1.0}[side]
        self.canvas.lines(lines, x, box.y + box.height / 2, size, colour, side)

    def words_if_room(
        self,
        text: str,
        box: Box,
        size: float,
        colour: str = INK,
        *,
        weight: str = "Regular",
        lines_max: int = 1,
        align: Align = "centre",
    ) -> bool:
        """Text that is left out where it would be too small to read; whether there was room."""
        try:
            self.words(text, box, size, colour, weight=weight, lines_max=lines_max, align=align)
        except TextTooLong:
            return False
        return True

    def width_em(self, text: str) -> float:
        """How wide bold words are, in ems. Raises MissingGlyph."""
        return shape(text, "Bold", self.design.extra_fonts).width / EM

    def shortened(self, text: str, box: Box, size: float, colour: str, *, weight: str, align: Align) -> None:
        """A name that is not the merchant's: in up to three lines, then cut at its end rather than refused."""
        for length in range(len(text), 0, -max(1, len(text) // 20)):
            part = text if length == len(text) else f"{text[:length].rstrip()}…"
            with contextlib.suppress(TextTooLong):
                self.words(part, box, size, colour, weight=weight, lines_max=3, align=align)
                return

    def card(self, box: Box, unit: float, header: float, footer: float) -> None:
        """A sheet of paper with a border, a head and a foot of the accent colour."""
        border = 0.7 * unit
        self.canvas.rectangle(*box, self.colours.accent, 5 * unit)
        inner = Box(box.x + border, box.y + footer, box.width - 2 * border, box.height - header - footer)
        self.canvas.rectangle(*inner, PAPER, 3.5 * unit)

    def code(self, payload: str, box: Box, frame: float = 0.0) -> None:
        """The largest code for a box, in whole printer dots a module, in the middle of it, within a frame."""
        drawn, room = self._symbol(payload, box, frame)
        modules = len(drawn.symbol.matrix)
        module = math.floor(room / PRINTER_DOT_MM) * PRINTER_DOT_MM
        if module < MODULE_MM_MIN:
            raise CodeTooSmall(
                f"a payload of {len(payload)} characters needs {modules} modules a side, which would be "
                f"{room:.2f} mm each here; at least {MODULE_MM_MIN} mm are needed: use a larger page or fewer columns"
            )
        side, style = modules * module, self.design.style
        x, y = (
            round(corner / PRINTER_DOT_MM) * PRINTER_DOT_MM
            for corner in (box.x + (box.width - side) / 2, box.y + (box.height - side) / 2)
        )
        quiet = QUIET_ZONE_MODULES * module
        around = Box(x - quiet, y - quiet, side + 2 * quiet, side + 2 * quiet)
        if style.light.lower() != PAPER:
            self.canvas.rectangle(*around, style.light)
        if frame:
            self.canvas.frame(*around.inset(-frame / 2), self.colours.accent, 2.5 * frame, frame)
        self.canvas.symbol(payload, drawn.symbol, x, y, module, style, drawn.plate)
        if drawn.plate:
            middle = (modules - drawn.plate + 1) / 2 * module  # half a module of light around the logo
            logo = Box(x + middle, y + middle, (drawn.plate - 1) * module, (drawn.plate - 1) * module)
            self.picture(self.design.logo, logo, "centre")

    def code_fits(self, payload: str, box: Box) -> bool:
        """Whether a code in a box has modules that every telephone reads with ease."""
        return self._symbol(payload, box, 0.0)[1] >= COMFORT_MM

    def _symbol(self, payload: str, box: Box, frame: float) -> tuple[LogoSymbol, float]:
        """The symbol and the room for a module; without the logo where its modules would become too small."""
        side = min(box.width, box.height) - 2 * frame
        if self.design.logo:
            marked = make_with_logo(payload)
            room = side / (len(marked.symbol.matrix) + 2 * QUIET_ZONE_MODULES)
            if room >= COMFORT_MM:
                return marked, room
        symbol = symbols.make(payload, self.design.style.level)
        return LogoSymbol(symbol, 0), side / (len(symbol.matrix) + 2 * QUIET_ZONE_MODULES)

    def picture(self, data: bytes, box: Box, align: Align) -> None:
        """A picture as large as a box allows, in its own shape."""
        pixels = open_mark(data)
        scale = min(box.width / pixels.width, box.height / pixels.height)
        width, height = pixels.width * scale, pixels.height * scale
        side = _MIRRORED[align] if self.rtl else align
        x = box.x + (box.width - width) * {"left": 0.0, "centre": 0.5, "right": 1.0}[side]
        self.canvas.mark(data, x, box.y + (box.height - height) / 2, width, height)

    def mark(self, data: bytes, name: str, box: Box, align: Align) -> None:
        """A mark on a plate of paper, or else its name, on the accent colour."""
        if not data:
            size = box.height * 0.5
            self.shortened(name, box, size, self.colours.on_accent, weight="Bold", align=align)
            return
        pad = box.height * 0.12
        pixels = open_mark(data)
        width = min(box.width, (box.height - 2 * pad) * pixels.width / pixels.height + 2 * pad)
        side = _MIRRORED[align] if self.rtl else align
        plate = box._replace(width=width)
        if side == "right":
            plate = plate._replace(x=box.x + box.width - width)
        self.canvas.rectangle(*plate, PAPER, pad)
        self.picture(data, plate.inset(pad), "centre")

    def rows_of_values(self, rows: Sequence[tuple[Sequence[str], str]], box: Box, unit: float) -> None:
        """Labels on the one side, values large on the other, on a tinted ground."""
        parts = [row.columns((0.38, 0.62), self.rtl) for row in box.inset(4 * unit, unit).rows((1.0,) * len(rows))]

        def ground(pen: Pen) -> None:
            pen.canvas.rectangle(*box, pen.colours.tint, 2.5 * unit)
            for index, ((labels, _), (beside, _)) in enumerate(zip(rows, parts, strict=True)):
                top = beside.y + beside.height
                if index:
                    pen.canvas.rule(box.x + 4 * unit, top, box.x + box.width - 4 * unit, top, RULE)
                pen.labels(labels, beside.inset(0, beside.height * 0.1), 4.2 * unit, "left")

        self.once(("rows", box, len(rows)), ground)
        for (_, value), (_, large), share in zip(rows, parts, (0.95, 0.8), strict=False):
            self.words(value, large, large.height * share, weight="Bold", lines_max=2, align="right")

    def stacked_values(self, rows: Sequence[tuple[Sequence[str], str]], box: Box, unit: float) -> None:
        """Labels above values, on a tinted ground."""
        heights = (0.36 * len(self.design.languages) ** 0.5, 0.6)
        parts = [row.rows(heights) for row in box.inset(3 * unit, 1.5 * unit).rows((1.2, 1.0)[: len(rows)])]

        def ground(pen: Pen) -> None:
            pen.canvas.rectangle(*box, pen.colours.tint, 2.5 * unit)
            for (labels, _), (above, _) in zip(rows, parts, strict=True):
                pen.labels(labels, above, 3.8 * unit, "centre")

        self.once(("stacked", box, len(rows)), ground)
        for (_, value), (_, large) in zip(rows, parts, strict=True):
            self.words(value, large, large.height, weight="Bold", lines_max=2)

    def labels(self, labels: Sequence[str], box: Box, size: float, align: Align) -> None:
        """A label in each language, or only in the first where both would be too small."""
        for index, (label, line) in enumerate(zip(labels, box.rows((1.0,) * len(labels)), strict=True)):
            drawn = self.words_if_room(label, line, size, GREY if index else INK, lines_max=2, align=align)
            if not drawn and not index:
                self.words_if_room(label, box, size, lines_max=2, align=align)
                return

    def steps(self, box: Box, unit: float) -> None:
        """The three steps: a pictogram with its number, and what to do in each language."""
        badge, gap = box.height, 1.5 * unit
        told = [[words.steps[index] for words in self.design.words if words.steps[index]] for index in range(3)]
        widths = [max([10.0, *(self.width_em(text) * 4.2 for text in texts)]) for texts in told]
        spare = (box.width / unit - sum(widths)) / 3 - (badge + 2 * gap) / unit
        shares = [badge / unit + 3 + width + max(0.0, spare) for width in widths]
        for index, cell in enumerate(box.columns(shares, self.rtl)):
            icon, _, text = cell.columns((badge, gap, cell.width - badge - gap), self.rtl)
            self._badge(index, icon)
            rows = text.rows((1.2, 1.0)[: len(told[index])]) if told[index] else []
            for at, (words, row) in enumerate(zip(told[index], rows, strict=True)):
                weight, colour = ("Bold", INK) if not at else ("Regular", GREY)
                line = Box(row.x + (gap if self.rtl else 0), row.y, row.width - gap, row.height)
                self.words_if_room(words, line, 4.2 * unit, colour, weight=weight, lines_max=2, align="left")

    def _badge(self, index: int, box: Box) -> None:
        side = box.height
        self.canvas.rectangle(*box, self.colours.accent, side / 2)
        at = side * 0.2
        self.canvas.drawing(STEPS[index], box.x + at, box.y + at, side * 0.6 / SIDE, self.colours.on_accent)
        small = side * 0.36
        corner = Box(box.x + side - small if self.rtl else box.x, box.y + side - small, small, small).inset(
            -0.04 * side
        )
        self.canvas.rectangle(*corner, PAPER, corner.height / 2)
        self.canvas.frame(*corner.inset(0.04 * side), self.colours.accent, small / 2, 0.03 * side)
        self.words_if_room(str(index + 1), corner.inset(-corner.height), small * 0.72, INK, weight="Bold")

    def accepted(self, box: Box, unit: float) -> None:
        """Whose customers can pay here: marks at one height, names in outlines, made smaller until all fit."""
        label, row = box.columns((0.2, 0.8), self.rtl)
        self.labels([words.accepted for words in self.design.words if words.accepted], label, 3.6 * unit, "left")
        gap = 2 * unit
        widths = [self._chip_width(one, row.height) for one in self.design.accepted]
        scale = min(1.0, (row.width - gap * len(widths)) / sum(widths))
        row = row.inset(0, row.height * (1 - scale) / 2)
        x = row.x + row.width if self.rtl else row.x
        for one, wide in zip(self.design.accepted, widths, strict=True):
            width = wide * scale
            x -= width if self.rtl else 0
            chip = Box(x, row.y, width, row.height)
            if one.mark:
                self.picture(one.mark, chip, "centre")
            else:
                self.canvas.frame(*chip.inset(0, row.height * 0.08), "#999999", row.height * 0.2, 0.15 * unit)
                self.words(one.name, chip, row.height * CHIP_EM, INK, weight="Bold")
            x += -gap if self.rtl else width + gap

    def _chip_width(self, one: Accepted, height: float) -> float:
        if one.mark:
            pixels = open_mark(one.mark)
            return height * pixels.width / pixels.height
        return (self.width_em(one.name) * CHIP_EM * 1.04 + 0.7) * height


def issue_of(sticker: Sticker, design: Design) -> str:
    """Which code this is: `v2 · 2026-11-30`."""
    return " · ".join(filter(None, (f"v{sticker.version}" if sticker.version else "", design.date)))
