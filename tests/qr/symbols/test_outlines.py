"""Paths turned back into modules."""

from __future__ import annotations

import re

import pytest

from qr import symbols
from qr.symbols.outlines import ROUND_END, pdf_path, pdf_round_path, split_finders, svg_path, svg_round_path

Matrix = tuple[bytearray, ...]
PAYLOADS = ("0", "00020101021226", "a" * 181, "é" * 60)


@pytest.fixture(params=PAYLOADS, ids=len)
def matrix(request: pytest.FixtureRequest) -> Matrix:
    return symbols.make(request.param).matrix


def blank(size: int) -> Matrix:
    return tuple(bytearray(size) for _ in range(size))


def walked(path: str, size: int, reach: float) -> Matrix:
    """The modules under an SVG path of moves and horizontal lines, each line `reach` longer at both ends."""
    modules, x, y = blank(size), 0.0, 0.0
    for command, first, second in re.findall(r"([Mmh])(-?[\d.]+)(?: (-?[\d.]+))?", path):
        if command == "M":
            x, y = float(first), float(second)
        elif command == "m":
            x, y = x + float(first), y + float(second)
        else:
            start, end = x - reach, x + float(first) + reach
            for column in range(round(start), round(end)):
                assert modules[int(y)][column] == 0
                modules[int(y)][column] = 1
            x += float(first)
    return modules


def test_an_svg_path_covers_each_dark_module_once(matrix: Matrix) -> None:
    assert walked(svg_path(matrix, 0, 0), len(matrix), 0) == matrix


def test_a_round_svg_path_covers_each_dark_module_once(matrix: Matrix) -> None:
    assert walked(svg_round_path(matrix, 0, 0), len(matrix), ROUND_END) == matrix


def test_a_round_path_may_begin_with_light_modules(matrix: Matrix) -> None:
    _, rest = split_finders(matrix)
    assert walked(svg_round_path(rest, 0, 0), len(matrix), ROUND_END) == rest


def test_pdf_rectangles_cover_each_dark_module_once_from_below(matrix: Matrix) -> None:
    modules = blank(len(matrix))
    for x, y, width, height in re.findall(r"(\d+) (\d+) (\d+) (\d+) re", pdf_path(matrix)):
        assert height == "1"
        for column in range(int(x), int(x) + int(width)):
            modules[len(matrix) - 1 - int(y)][column] += 1
    assert modules == matrix


def test_pdf_lines_cover_each_dark_module_once_from_below(matrix: Matrix) -> None:
    modules = blank(len(matrix))
    for x, y, to_x, to_y in re.findall(r"([\d.]+) ([\d.]+) m ([\d.]+) ([\d.]+) l", pdf_round_path(matrix)):
        assert y == to_y
        for column in range(round(float(x) - ROUND_END), round(float(to_x) + ROUND_END)):
            modules[len(matrix) - 1 - int(float(y))][column] += 1
    assert modules == matrix


def test_finders_and_the_rest_together_are_the_symbol(matrix: Matrix) -> None:
    finders, rest = split_finders(matrix)
    assert sum(map(sum, finders)) == 3 * 33
    assert [bytes(a | b for a, b in zip(*rows, strict=True)) for rows in zip(finders, rest, strict=True)] == list(
        matrix
    )
    assert not any(a & b for rows in zip(finders, rest, strict=True) for a, b in zip(*rows, strict=True))
