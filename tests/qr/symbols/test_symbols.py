"""Symbols against segno's, module by module, and against a reader."""

from __future__ import annotations

import random

import pytest
import segno
from hypothesis import given, settings
from hypothesis import strategies as st
from segno import consts

from qr import symbols
from qr.symbols import reading

ALPHABETS = (
    "0123456789",
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 $%*+-./:",
    "abcdefghijklmnopqrstuvwxyz.-0123456789ABCDEF",
    "Kahawa é ñ ហាងកាហ្វេ မြန်မာ ማማ متجر 👍",
    "0",
)
BATCHES = range(16)
BATCH_SIZE = 125


def segno_symbol(payload: str, level: str, mask: int | None = None) -> segno.QRCode:
    return segno.make_qr(
        payload,
        error=level,
        mode="byte",
        encoding="utf-8",
        eci=not payload.isascii(),
        boost_error=False,
        mask=mask,
    )


def assert_same(payload: str, level: str, mask: int | None = None) -> None:
    ours, theirs = symbols.make(payload, level), segno_symbol(payload, level, mask)
    assert (ours.version, ours.error, ours.mask, ours.mode) == (
        theirs.version,
        theirs.error,
        theirs.mask,
        theirs.mode,
    )
    assert ours == theirs
    assert ours.designator == theirs.designator


def sample(dice: random.Random, longest: int) -> str:
    alphabet = dice.choice(ALPHABETS)
    return "".join(dice.choices(alphabet, k=dice.randint(1, longest)))


@pytest.mark.parametrize("batch", BATCHES)
def test_two_thousand_short_symbols_are_segnos_and_read(batch: int) -> None:
    dice = random.Random(batch)
    for _ in range(BATCH_SIZE):
        payload, level = sample(dice, 28), dice.choice(symbols.LEVELS)
        assert_same(payload, level)
        reading.confirm(symbols.make(payload, level), payload)


@pytest.mark.parametrize("batch", range(4))
def test_symbols_as_long_as_merchant_codes_are_segnos_and_read(batch: int) -> None:
    dice = random.Random(100 + batch)
    for _ in range(12):
        payload, level = sample(dice, 300), dice.choice(symbols.LEVELS)
        assert_same(payload, level)
        reading.confirm(symbols.make(payload, level), payload)


@pytest.mark.parametrize("batch", range(10))
def test_five_hundred_symbols_of_any_length_are_segnos(batch: int) -> None:
    dice = random.Random(1000 + batch)
    for _ in range(50):
        assert_same(sample(dice, 220), dice.choice(symbols.LEVELS))


@pytest.mark.parametrize("level", symbols.LEVELS)
@pytest.mark.parametrize("version", [1, 2, 6, 7, 9, 10, 13, 14, 20, 21, 26, 27, 34])
def test_a_full_symbol_and_one_byte_less_are_laid_out_as_segnos(version: int, level: str) -> None:
    headers = 4 + (8 if version < 10 else 16)
    room = (consts.SYMBOL_CAPACITY[version][consts.ERROR_MAPPING[level]] - headers) // 8
    for payload in ("é" + "a" * (room - 4), "a" * room, "a" * (room - 1)):
        ours = symbols.make(payload, level)
        assert ours.version == version
        assert ours == segno_symbol(payload, level, mask=ours.mask)
        reading.confirm(ours, payload)


@pytest.mark.parametrize("level", symbols.LEVELS)
def test_the_largest_symbol_reads(level: str) -> None:
    room = (consts.SYMBOL_CAPACITY[40][consts.ERROR_MAPPING[level]] - 20) // 8
    symbol = symbols.make("7" * room, level)
    assert symbol.version == 40
    reading.confirm(symbol, "7" * room)


@settings(max_examples=40, deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=60))
def test_any_text_gives_segnos_symbol(payload: str) -> None:
    assert_same(payload, "M")


def test_text_that_is_not_ascii_leaves_room_for_an_eci_header() -> None:
    # Version 1-L has 19 bytes: two less than half a byte for the mode and the count, one and a half for ECI.
    assert symbols.make("a" * 17, "L").version == 1
    assert symbols.make("é" + "a" * 14, "L").version == 1
    assert symbols.make("é" + "a" * 15, "L").version == 2
    assert symbols.make("é" + "a" * 15, "L") == segno_symbol("é" + "a" * 15, "L")


@pytest.mark.parametrize("payload", ["0" * 120, "A" * 120])
def test_digits_and_capitals_take_the_room_of_bytes(payload: str) -> None:
    assert symbols.make(payload).version == symbols.make("a" * 120).version
    assert symbols.make(payload).mode == "byte"


def test_the_level_is_never_raised_above_the_one_asked_for() -> None:
    assert symbols.make("a", "L").error == "L"


def test_two_calls_give_equal_symbols_that_share_nothing() -> None:
    first, second = symbols.make("000201"), symbols.make("000201")
    first.matrix[0][0] ^= 1
    assert second == symbols.make("000201")


@pytest.mark.parametrize("level", ["", "m", "X", "LM"])
def test_an_unknown_level_is_refused(level: str) -> None:
    with pytest.raises(ValueError, match="level"):
        symbols.make("000201", level)


def test_an_empty_payload_is_refused() -> None:
    with pytest.raises(ValueError, match="empty"):
        symbols.make("")


def test_a_payload_beyond_version_40_is_refused() -> None:
    with pytest.raises(segno.DataOverflowError):
        symbols.make("a" * 2332, "M")


def test_half_a_surrogate_pair_is_refused() -> None:
    with pytest.raises(UnicodeEncodeError):
        symbols.make("\ud83d")
