"""The PNG writer against Pillow's reader, pixel by pixel."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from qr import symbols
from qr.symbols.png import png

WHITE, BLACK = b"\xff\xff\xff", b"\x00\x00\x00"


@pytest.mark.parametrize("module_px", [1, 2, 3, 7, 8, 10])
@pytest.mark.parametrize("border", [0, 4])
def test_every_module_is_a_square_of_whole_pixels(module_px: int, border: int) -> None:
    matrix = symbols.make("000201010211", "Q").matrix
    picture = Image.open(io.BytesIO(png(matrix, module_px, border, WHITE, BLACK))).convert("L")
    assert picture.size == ((len(matrix) + 2 * border) * module_px,) * 2
    for y in range(picture.height):
        for x in range(picture.width):
            row, column = y // module_px - border, x // module_px - border
            inside = 0 <= row < len(matrix) and 0 <= column < len(matrix)
            assert picture.getpixel((x, y)) == (0 if inside and matrix[row][column] else 255)


def test_both_colours_are_those_asked_for() -> None:
    picture = Image.open(io.BytesIO(png(symbols.make("0").matrix, 2, 4, b"\xfe\xf0\xe0", b"\x10\x20\x30")))
    assert {colour for _, colour in picture.convert("RGB").getcolors()} == {(254, 240, 224), (16, 32, 48)}


def test_one_bit_is_spent_on_a_pixel() -> None:
    data = png(symbols.make("a" * 181).matrix, 10, 4, WHITE, BLACK)
    assert Image.open(io.BytesIO(data)).mode in ("P", "1")
    assert len(data) < 2000


def test_the_same_symbol_gives_the_same_bytes() -> None:
    first, second = (png(symbols.make("0002").matrix, 10, 4, WHITE, BLACK) for _ in range(2))
    assert first == second
