"""The PNG writer against Pillow's reader, pixel by pixel, and against another renderer of the same shapes."""

from __future__ import annotations

import io

import pytest
from PIL import Image, ImageChops

from qr import symbols
from qr.render import Look, render_svg
from qr.symbols.png import png, rounded_png
from qr.symbols.style import Style
from tests.qr.symbols.pictures import of_png, of_svg, texts

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


@pytest.mark.parametrize("module_px", [4, 7, 10, 25])
def test_round_ends_are_those_of_the_svg(module_px: int) -> None:
    payload = "00020101021226"
    ours = of_png(rounded_png(symbols.make(payload, "Q").matrix, module_px, 4, WHITE, BLACK))
    theirs = of_svg(render_svg(payload, Look(style=Style(rounded=True), module_mm=1)), dpi=25.4 * module_px)
    assert ours.size == theirs.size
    differences = ImageChops.difference(ours, theirs).histogram()
    assert sum(shade * count for shade, count in enumerate(differences)) / (255 * sum(differences)) < 0.01
    assert max(shade for shade, count in enumerate(differences) if count) < 64  # only the smoothing of edges differs


@pytest.mark.parametrize("module_px", [1, 2, 3, 4, 5, 10, 64])
@pytest.mark.parametrize("border", [0, 4])
def test_a_rounded_picture_is_of_whole_pixels_and_the_same_from_both_sides_of_a_module(
    module_px: int, border: int
) -> None:
    matrix = symbols.make("0002", "Q").matrix
    picture = of_png(rounded_png(matrix, module_px, border, WHITE, BLACK))
    assert picture.size == ((len(matrix) + 2 * border) * module_px,) * 2
    for row in range(len(matrix) + 2 * border):
        lines = picture.crop((0, row * module_px, picture.width, (row + 1) * module_px))
        assert lines.tobytes() == lines.transpose(Image.Transpose.FLIP_TOP_BOTTOM).tobytes()


def test_a_rounded_picture_mixes_its_two_colours_and_no_other() -> None:
    matrix = symbols.make("0002", "Q").matrix
    picture = Image.open(io.BytesIO(rounded_png(matrix, 10, 4, b"\xfe\xf0\xe0", b"\x10\x20\x30"))).convert("RGB")
    colours = {colour for _, colour in picture.getcolors()}
    assert {(254, 240, 224), (16, 32, 48)} <= colours
    assert all(16 <= red <= 254 and 32 <= green <= 240 and 48 <= blue <= 224 for red, green, blue in colours)
    assert len(colours) <= 16


def test_the_finder_patterns_stay_square() -> None:
    matrix = symbols.make("0002", "Q").matrix
    picture = of_png(rounded_png(matrix, 10, 0, WHITE, BLACK))
    square = of_png(png(matrix, 10, 0, WHITE, BLACK))
    last = picture.width - 70
    for left, top in ((0, 0), (last, 0), (0, last)):
        corner = (left, top, left + 70, top + 70)
        assert picture.crop(corner).tobytes() == square.crop(corner).tobytes()


def test_a_rounded_picture_of_four_pixels_a_module_reads() -> None:
    assert texts(of_png(rounded_png(symbols.make("a" * 181, "Q").matrix, 4, 4, WHITE, BLACK))) == ["a" * 181]
