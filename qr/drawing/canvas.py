"""A page while it is drawn, in millimetres from its lower left corner.

posters/layout.py draws posters on it, qr/render.py single codes. It collects PDF operators and what they need (glyphs,
marks, symbols); posters/batch.py and qr/render.py write those to the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from qr.drawing.marks import mark_name
from qr.drawing.pdf import EM, number, numbers, text_string
from qr.symbols.outlines import ROUNDED_WIDTH, pdf_path, pdf_round_path, split_finders
from qr.symbols.style import Style, rgb

if TYPE_CHECKING:
    from segno import QRCode

    from qr.drawing.fonts import Font
    from qr.drawing.text import Line

MM = 72 / 25.4  # points
CIRCLE_HANDLE = 0.5523  # length of the handles of a quarter circle drawn as a Bézier curve

Align = Literal["left", "centre", "right"]


class Canvas:
    """One page. `glyphs` and `marks` are what it needs of the file's resources, `symbols` what it must show."""

    def __init__(self) -> None:
        self.operators: list[str] = []
        self.glyphs: dict[Font, set[int]] = {}
        self.marks: dict[str, bytes] = {}
        self.symbols: list[tuple[str, QRCode, int]] = []  # with the side of what covers the middle

    def content(self) -> bytes:
        """The page's content stream."""
        return f"{MM:.6f} 0 0 {MM:.6f} 0 0 cm\n{''.join(self.operators)}".encode("ascii")

    def text(self, line: Line, x: float, baseline: float, size: float, colour: str, align: Align) -> None:
        """One line, `size` being the em; x is its left end, middle or right end."""
        shift = {"left": 0.0, "centre": 0.5, "right": 1.0}[align] * line.width * size / EM
        # The words as they are spelt, for search, copying and screen readers.
        self._add(f"/Span<</ActualText{text_string(line.text)}>>BDC BT {_fill(colour)}")
        self._add(f"{numbers((x - shift, baseline))} Td\n")
        for run in line.runs:
            self.glyphs.setdefault(run.font, set()).update(run.glyphs)
            self._add(f"/{run.font.name} {number(size)} Tf\n")
            for rise, operand in run.pieces:
                self._add(f"{number(rise * size / EM)} Ts[{operand}]TJ\n")
        self._add("ET EMC\n")

    def lines(
        self, lines: Sequence[Line], x: float, middle: float, size: float, colour: str, align: Align = "centre"
    ) -> None:
        """Lines one under another, the whole centred on a height."""
        top = middle + sum(line.ascent + line.descent for line in lines) * size / EM / 2
        for line in lines:
            self.text(line, x, top - line.ascent * size / EM, size, colour, align)
            top -= (line.ascent + line.descent) * size / EM

    def symbol(
        self, payload: str, symbol: QRCode, x: float, y: float, module: float, style: Style, plate: int = 0
    ) -> None:
        """The modules of a payload's symbol, lower left corner at (x, y); the quiet zone is the caller's.

        `plate` is the side in modules of a light square left free in the middle, for a logo.
        """
        self.symbols.append((payload, symbol, plate))
        # More decimals than elsewhere, so that modules stay whole printer dots to the last one.
        self._add(f"q {module:.6f} 0 0 {module:.6f} {x:.5f} {y:.5f} cm {_fill(style.dark)}")
        if style.rounded:
            finders, rest = split_finders(symbol.matrix)
            self._add(f"{pdf_path(finders)} f {_stroke(style.dark)}1 J {ROUNDED_WIDTH} w\n{pdf_round_path(rest)} S Q\n")
        else:
            self._add(f"{pdf_path(symbol.matrix)} f Q\n")
        if plate:
            start, side = (len(symbol.matrix) - plate) / 2 * module, plate * module
            self.rectangle(x + start, y + start, side, side, style.light)

    def mark(self, picture: bytes, x: float, y: float, width: float, height: float) -> None:
        """A mark, an image file, stretched over a box."""
        name = mark_name(picture)
        self.marks[name] = picture
        self._add(f"q {numbers((width, 0, 0, height, x, y))} cm/{name} Do Q\n")

    def rectangle(self, x: float, y: float, width: float, height: float, colour: str, radius: float = 0) -> None:
        """A filled rectangle with round corners."""
        self._add(f"{_fill(colour)}{rounded(x, y, width, height, radius)}f\n")

    def frame(
        self, x: float, y: float, width: float, height: float, colour: str, radius: float = 0, line: float = 0.3
    ) -> None:
        """The outline of a rectangle with round corners."""
        self._add(f"{_stroke(colour)}{number(line)} w\n{rounded(x, y, width, height, radius)}S\n")

    def drawing(self, operators: str, x: float, y: float, scale: float, colour: str) -> None:
        """Operators of a drawing of its own, filled and stroked in one colour, lower left corner at (x, y)."""
        self._add(f"q {numbers((scale, 0, 0, scale, x, y))} cm {_fill(colour)}{_stroke(colour)}{operators} Q\n")

    def rule(self, x: float, y: float, to_x: float, to_y: float, colour: str, dash: str = "[]") -> None:
        """A thin straight line."""
        self._add(f"{_stroke(colour)}{dash}0 d 0.15 w {numbers((x, y))} m {numbers((to_x, to_y))} l S []0 d\n")

    def include(self, other: Canvas) -> None:
        """What was drawn on another page, in its place, for what many pages share."""
        if len(other.operators) > 1:
            other.operators = ["".join(other.operators)]
        self.operators += other.operators
        for font, glyphs in other.glyphs.items():
            self.glyphs.setdefault(font, set()).update(glyphs)
        self.marks |= other.marks
        self.symbols += other.symbols

    def upside_down(self, x: float, y: float) -> None:
        """From here to `upright`, a page turned by 180° whose corner comes to lie at (x, y)."""
        self._add(f"q {numbers((-1, 0, 0, -1, x, y))} cm\n")

    def upright(self) -> None:
        """Ends `upside_down`."""
        self._add("Q\n")

    def _add(self, operators: str) -> None:
        self.operators.append(operators)


def _fill(colour: str) -> str:
    return f"{_unit_rgb(colour)} rg\n"


def _stroke(colour: str) -> str:
    return f"{_unit_rgb(colour)} RG\n"


@lru_cache(maxsize=32)
def _unit_rgb(colour: str) -> str:
    return numbers([value / 255 for value in rgb(colour)])


def rounded(x: float, y: float, width: float, height: float, radius: float) -> str:
    """A rectangle's path, anticlockwise from the lower left."""
    if not radius:
        return f"{numbers((x, y, width, height))} re "
    right, top, handle = x + width, y + height, radius * (1 - CIRCLE_HANDLE)
    return (
        f"{numbers((x + radius, y))} m {numbers((right - radius, y))} l "
        f"{numbers((right - handle, y, right, y + handle, right, y + radius))} c "
        f"{numbers((right, top - radius))} l "
        f"{numbers((right, top - handle, right - handle, top, right - radius, top))} c "
        f"{numbers((x + radius, top))} l {numbers((x + handle, top, x, top - handle, x, top - radius))} c "
        f"{numbers((x, y + radius))} l {numbers((x, y + handle, x + handle, y, x + radius, y))} c h "
    )
