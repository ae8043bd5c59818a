"""What reading back accepts and what it must not."""

from __future__ import annotations

import subprocess
import sys

import pytest
from PIL import Image, ImageFilter

from qr import symbols
from qr.symbols import reading
from qr.symbols.errors import Unreadable
from qr.symbols.png import png
from tests.qr.symbols.marks import require_zbar
from tests.qr.symbols.pictures import of_png

PAYLOAD = "00020101021126360017org.example.scheme0105ALIAS0208123456745204541153034045802KE5910Sokha Shop6304A13A"
BORDER, MODULE_PX = 4, 6


def picture(payload: str = PAYLOAD, level: str = "M") -> Image.Image:
    return of_png(png(symbols.make(payload, level).matrix, MODULE_PX, BORDER, b"\xff" * 3, b"\x00" * 3))


def test_a_symbol_that_says_something_else_is_not_confirmed() -> None:
    with pytest.raises(Unreadable):
        reading.confirm(symbols.make(PAYLOAD), PAYLOAD[:-1] + "B")


def test_a_symbol_with_a_ruined_finder_is_not_confirmed() -> None:
    symbol = symbols.make(PAYLOAD)
    for row in symbol.matrix[:7]:
        row[:7] = bytes(7)
    with pytest.raises(Unreadable):
        reading.confirm(symbol, PAYLOAD)


def test_a_picture_with_two_codes_is_not_read() -> None:
    one = picture()
    both = Image.new("L", (2 * one.width, one.height), 255)
    both.paste(one, (0, 0))
    both.paste(one, (one.width, 0))
    assert reading.read(both) is None


def test_a_good_code_survives_the_required_damage() -> None:
    margin = reading.check(picture(), PAYLOAD, MODULE_PX, BORDER)
    assert margin.sufficient
    assert margin.cover_percent >= 8


def test_a_higher_level_survives_more_cover() -> None:
    covers = [
        reading.check(picture(level=level), PAYLOAD, MODULE_PX, BORDER).cover_percent for level in ("M", "Q", "H")
    ]
    assert covers == sorted(covers)
    assert covers[0] < covers[2]


def test_level_l_survives_too_little_cover() -> None:
    with pytest.raises(Unreadable, match="too little damage"):
        reading.check(picture(level="L"), PAYLOAD, MODULE_PX, BORDER)


def test_another_text_is_never_taken_for_the_payload() -> None:
    with pytest.raises(Unreadable, match="another text"):
        reading.check(picture("something else"), PAYLOAD, MODULE_PX, BORDER)


def test_a_picture_without_a_code_does_not_read() -> None:
    with pytest.raises(Unreadable, match="does not read"):
        reading.check(Image.new("L", (300, 300), 255), PAYLOAD, MODULE_PX, BORDER)


def test_a_picture_blurred_beforehand_has_too_little_margin() -> None:
    soft = picture().filter(ImageFilter.GaussianBlur(MODULE_PX * 0.5))
    with pytest.raises(Unreadable):
        reading.check(soft, PAYLOAD, MODULE_PX, BORDER)


def test_a_logo_counts_as_cover() -> None:
    plain = picture(level="Q")
    symbol_px = plain.width - 2 * BORDER * MODULE_PX
    plate = 9 * MODULE_PX
    branded = plain.copy()
    corner = (plain.width - plate) // 2
    branded.paste(255, (corner, corner, corner + plate, corner + plate))
    margin = reading.check(branded, PAYLOAD, MODULE_PX, BORDER, logo_modules=9)
    assert margin.cover_percent >= 100 * (plate / symbol_px) ** 2


@pytest.mark.parametrize("payload", [PAYLOAD, "64220002km0112ហាងកាហ្វេ6304BEEF", "é😀"])
def test_both_readers_read_a_plain_code(payload: str) -> None:
    require_zbar()
    assert reading.read_by_zbar(picture(payload)) == reading.read(picture(payload)) == payload


def test_zbar_reads_nothing_where_there_is_no_code_or_more_than_one() -> None:
    require_zbar()
    one, other = picture(), picture("another")
    both = Image.new("L", (one.width + other.width, one.height), 255)
    both.paste(one, (0, 0))
    both.paste(other, (one.width, 0))
    assert reading.read_by_zbar(both) is None
    assert reading.read_by_zbar(Image.new("L", (300, 300), 255)) is None


@pytest.mark.parametrize("missing", ["pyzbar", "libzbar"])
def test_without_zbar_a_proof_is_of_one_reader_and_says_what_is_missing(missing: str) -> None:
    hidden = (
        "import sys; sys.modules['pyzbar'] = None"
        if missing == "pyzbar"
        else "import ctypes.util; ctypes.util.find_library = lambda name: None"
    )
    script = f"""
{hidden}
from qr.render import prove
from qr.symbols import reading
print(*prove({PAYLOAD!r}).readers, reading.has_zbar())
try:
    reading.read_by_zbar(None)
except ImportError as error:
    print(error)
"""
    finished = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert finished.stdout.splitlines() == ["zxing-cpp False", reading.ZBAR_MISSING]
