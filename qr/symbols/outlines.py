"""Dark modules as drawing instructions, by runs along the rows: SVG path data, PDF and PostScript operators.

One lookup a run instead of one test a module. Each function makes a single path, so that no renderer leaves a
hairline between neighbouring rows.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

FINDER_MODULES = 7  # ISO/IEC 18004:2015 6.3.3
DARK_RUN = re.compile(rb"\x01+")
SPAN = re.Match[bytes].span
ROW_END = b"\x02"
DARK_RUN_OR_MOVE = re.compile(rb"\x01+|[\x00\x02]+")
ROUNDED_WIDTH = 0.9  # modules; the height of a bar with round ends
ROUND_END = ROUNDED_WIDTH / 2  # modules; a bar fills the length of its run, or scanners misjudge short runs

Matrix = Sequence[bytearray]


def svg_path(matrix: Matrix, x: float, y: float) -> str:
    """Path data for a stroke one module wide: a line along the middle of every dark run.

    (x, y) is the corner of the symbol in modules, y downwards.
    """
    return f"M{x:g} {y + 0.5:g}" + "".join(map(_square_moves(len(matrix)).__getitem__, _tokens(matrix)))


def svg_round_path(matrix: Matrix, x: float, y: float) -> str:
    """Path data for a stroke of ROUNDED_WIDTH with round caps: a dark run becomes a bar as long as the run."""
    start = x + ROUND_END if matrix[0][0] else x - ROUND_END  # a first move then counts from the end of a bar before it
    return f"M{start:g} {y + 0.5:g}" + "".join(map(_round_moves(len(matrix)).__getitem__, _tokens(matrix)))


def pdf_path(matrix: Matrix) -> str:
    """Rectangles, for `f`, in modules with the origin at the symbol's lower left corner and y upwards."""
    rows = zip(_rectangles(len(matrix)), matrix, strict=True)
    return "\n".join("\n".join(map(known.__getitem__, map(SPAN, DARK_RUN.finditer(row)))) for known, row in rows)


def pdf_round_path(matrix: Matrix) -> str:
    """Lines, for `S` with round caps and a width of ROUNDED_WIDTH, placed as in `pdf_path`."""
    lines = []
    for y, row in zip(range(len(matrix) - 1, -1, -1), matrix, strict=True):
        lines += [
            f"{start + ROUND_END:g} {y}.5 m {end - ROUND_END:g} {y}.5 l"
            for start, end in map(SPAN, DARK_RUN.finditer(row))
        ]
    return "\n".join(lines)


def split_finders(matrix: Matrix) -> tuple[Matrix, Matrix]:
    """The three finder patterns, which stay square in every style, and all the rest."""
    finders = tuple(bytearray(len(matrix)) for _ in matrix)
    rest = tuple(bytearray(row) for row in matrix)
    last = len(matrix) - FINDER_MODULES
    for top, left in ((0, 0), (0, last), (last, 0)):
        for row in range(top, top + FINDER_MODULES):
            corner = slice(left, left + FINDER_MODULES)
            finders[row][corner] = matrix[row][corner]
            rest[row][corner] = bytes(FINDER_MODULES)
    return finders, rest


def _tokens(matrix: Matrix) -> list[bytes]:
    return DARK_RUN_OR_MOVE.findall(ROW_END.join(matrix))


@lru_cache(maxsize=4)  # some megabytes each for large symbols
def _rectangles(size: int) -> tuple[_Rectangles, ...]:
    return tuple(map(_Rectangles, range(size - 1, -1, -1)))


class _Rectangles(dict[tuple[int, int], str]):
    """The rectangle of a dark run, by its start and end, in a row."""

    def __init__(self, y: int) -> None:
        super().__init__()
        self.y = y

    def __missing__(self, run: tuple[int, int]) -> str:
        start, end = run
        self[run] = rectangle = f"{start} {self.y} {end - start} 1 re"
        return rectangle


@lru_cache(maxsize=40)
def _square_moves(size: int) -> _Moves:
    return _Moves(size, before=0)


@lru_cache(maxsize=40)
def _round_moves(size: int) -> _Moves:
    return _Moves(size, before=ROUNDED_WIDTH)


class _Moves(dict[bytes, str]):
    """A token's instruction: a line along a dark run, or a move over light modules and row ends.

    Lines stop short of both ends of their run by half of `before`, in modules.
    """

    def __init__(self, size: int, before: float) -> None:
        super().__init__()
        self.size, self.before = size, before

    def __missing__(self, token: bytes) -> str:
        rows = token.count(ROW_END)
        if token[0] == 1:
            instruction = f"h{len(token) - self.before:g}"
        else:
            along = len(token) - rows - rows * self.size + self.before
            instruction = f"m{along:g} {rows}"
        self[token] = instruction
        return instruction
