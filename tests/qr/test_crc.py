from hypothesis import given
from hypothesis import strategies as st

from qr import crc


def bitwise(data: bytes) -> int:
    register = 0xFFFF
    for byte in data:
        register ^= byte << 8
        for _ in range(8):
            register = (register << 1) ^ 0x1021 if register & 0x8000 else register << 1
            register &= 0xFFFF
    return register


def test_the_check_value_of_the_catalogue_comes_out():
    assert crc.checksum("123456789") == "29B1"


def test_leading_zeros_are_kept():
    assert any(crc.checksum(str(number)).startswith("00") for number in range(1000))


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_it_runs_over_utf8_bytes_as_the_polynomial_says(text):
    assert crc.checksum(text) == f"{bitwise(text.encode()):04X}"
