"""Error correction by its own mathematics: every block is a multiple of the generator polynomial."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qr.symbols.codewords import Text, _multiply, _remainder, bit_string
from qr.symbols.standard import consts


def syndromes(block: bytes, count: int) -> list[int]:
    """A codeword block evaluated at the generator's roots, the powers of two."""
    values, root = [], 1
    for _ in range(count):
        value = 0
        for byte in block:
            value = _multiply(value, root) ^ byte
        values.append(value)
        root = _multiply(root, 2)
    return values


@given(st.binary(min_size=1, max_size=123), st.sampled_from([7, 10, 16, 26, 30]))
def test_a_block_with_its_correction_has_no_syndrome(data: bytes, length: int) -> None:
    assert syndromes(data + _remainder(data, length), length) == [0] * length


@given(st.binary(min_size=1, max_size=60), st.integers(0, 59), st.integers(1, 255))
def test_a_changed_byte_shows_in_the_syndromes(data: bytes, at: int, change: int) -> None:
    block = bytearray(data + _remainder(data, 10))
    block[at % len(block)] ^= change
    assert any(syndromes(bytes(block), 10))


@pytest.mark.parametrize(("payload", "bits"), [("a", 4 + 8 + 8), ("é", 12 + 4 + 8 + 16)])
def test_the_length_counts_headers_and_bytes(payload: str, bits: int) -> None:
    assert Text.of(payload).bits(1) == bits


def test_unused_room_is_filled_with_the_two_pad_codewords_in_turn() -> None:
    written = bit_string(Text.of("é"), 1, consts.ERROR_LEVEL_L)
    data = int(written, 2).to_bytes(len(written) // 8)[:19]
    # ECI 26, byte mode, 2 bytes, "é", terminator, then pads (ISO/IEC 18004:2015 7.4.10)
    assert data.hex() == "71a402" + "c3a9" + "00" + "ec11" * 6 + "ec"
