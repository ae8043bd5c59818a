"""Symbols that bear a logo: their versions and levels, and both readers on them."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from qr import symbols
from qr.render import Look, prove, render_pdf, render_png, render_svg
from qr.symbols import reading
from qr.symbols.engine import smallest_version
from qr.symbols.errors import BadLogo, Unreadable
from qr.symbols.logo import MIDDLE_PATTERN, SIDE_MAX, make_with_logo
from qr.symbols.style import Style
from tests.cases import every_case
from tests.qr.symbols.marks import MARKS, require_zbar
from tests.qr.symbols.pictures import of_pdf, of_png, of_svg

STYLES = {"square": Style(), "rounded": Style(rounded=True), "green": Style(dark="#0b3d2e", light="#fff8e7")}
BYTES_OF_Q = (11, 46, 84, 94, 120, 149, 175, 240, 310, 400, 505, 600)  # versions 1 to 23
PX, BORDER = 6, 4


def text(length: int) -> str:
    return ("00020101021126410016org.example.pay0105ALIAS0208523187645204541153034045802KE" * 20)[:length]


@every_case("length", range(60, 512, 11))
@pytest.mark.parametrize("level", ["Q", "H"])
def test_no_symbol_with_a_logo_has_its_middle_pattern_beneath_it(level: str, length: int) -> None:
    least = smallest_version(text(length), level)
    version = make_with_logo(text(length), level).symbol.version
    assert version == (14 if least in MIDDLE_PATTERN else least)


def test_the_room_that_a_larger_version_has_goes_to_the_level() -> None:
    short, middle, long = (make_with_logo(text(length)).symbol for length in (11, 149, 600))
    assert [(one.version, one.error) for one in (short, middle, long)] == [(1, "Q"), (14, "H"), (23, "Q")]


def test_a_level_that_is_asked_for_is_kept() -> None:
    assert make_with_logo(text(149), "Q").symbol.error == "Q"


def test_a_payload_that_only_level_q_has_room_for_is_drawn() -> None:
    symbol = make_with_logo("x" * 1600).symbol
    assert (symbol.version, symbol.error) == (40, "Q")


@pytest.mark.parametrize("level", ["L", "M", "", "q"])
def test_a_level_below_q_bears_no_logo(level: str) -> None:
    with pytest.raises(BadLogo, match="Q or H"):
        make_with_logo(text(100), level)


@pytest.mark.parametrize("payload", ["", "x" * 1700, "\ud800"])
def test_what_has_no_symbol_has_none_with_a_logo(payload: str) -> None:
    with pytest.raises(ValueError):
        make_with_logo(payload)


@pytest.mark.parametrize("length", BYTES_OF_Q)
def test_the_plate_covers_whole_modules_in_the_very_middle(length: int) -> None:
    symbol, plate = make_with_logo(text(length))
    side = len(symbol.matrix)
    assert (side - plate) % 2 == 0
    assert SIDE_MAX - 2 / side < plate / side <= SIDE_MAX


@pytest.mark.parametrize("level", [None, "Q", "H"])
@pytest.mark.parametrize("length", BYTES_OF_Q)
def test_both_readers_read_every_code_with_a_logo(length: int, level: str | None) -> None:
    require_zbar()
    payload = text(length)
    for number, (name, mark) in enumerate(MARKS.items()):
        style = list(STYLES.values())[number % len(STYLES)]
        picture = of_png(render_png(payload, Look(logo=mark, level=level, style=style, module_px=PX)))
        assert (reading.read(picture), reading.read_by_zbar(picture)) == (payload, payload), name


@pytest.mark.parametrize("mark", MARKS)
def test_both_readers_read_it_from_vectors_too(mark: str) -> None:
    require_zbar()
    look = Look(logo=MARKS[mark], style=Style(rounded=True))
    pages = of_pdf(render_pdf(text(149), look), dpi=254)
    for picture in (of_svg(render_svg(text(149), look)), *pages):
        assert (reading.read(picture), reading.read_by_zbar(picture)) == (text(149), text(149))


@pytest.mark.parametrize("mark", MARKS)
def test_a_proof_is_of_both_readers(mark: str) -> None:
    require_zbar()
    margin = prove(text(149), Look(logo=MARKS[mark]))
    assert margin.sufficient
    assert margin.readers == ("zxing-cpp", "ZBar")


def test_a_picture_that_zbar_does_not_read_is_refused_although_zxing_does() -> None:
    require_zbar()
    symbol = symbols.make(text(149), "Q")
    assert symbol.version in MIDDLE_PATTERN
    picture, plate = with_mark(symbol.matrix, MARKS["black frame"]), 9
    assert reading.read(picture) == text(149)
    with pytest.raises(Unreadable, match="ZBar does not"):
        reading.check(picture, text(149), PX, BORDER, plate)


def with_mark(matrix: tuple[bytearray, ...], mark: bytes) -> Image.Image:
    """A symbol with a mark on a plate of a fifth of its side, as a program without our rule draws it."""
    side = len(matrix)
    picture = Image.new("L", (side, side), 255)
    picture.putdata([255 * (not module) for row in matrix for module in row])
    whole = Image.new("L", ((side + 2 * BORDER) * PX,) * 2, 255)
    whole.paste(picture.resize((side * PX, side * PX), Image.Resampling.NEAREST), (BORDER * PX, BORDER * PX))
    plate = int(side * SIDE_MAX)
    plate -= 1 - plate % 2
    at, inner = (whole.width - plate * PX) // 2, (plate - 1) * PX
    whole.paste(255, (at, at, at + plate * PX, at + plate * PX))
    small = Image.open(io.BytesIO(mark)).convert("RGBA").resize((inner, inner), Image.Resampling.LANCZOS)
    whole.paste(small.convert("L"), (at + PX // 2, at + PX // 2), small.getchannel("A"))
    return whole
