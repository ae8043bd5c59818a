"""Texts as SMPP carries them: the alphabet of the standard, UCS-2 beside it, and parts that cut no character."""

from uuid import UUID, uuid4

import pytest
from gsm0338 import Codec
from hypothesis import given
from hypothesis import strategies as st

from kyb.codes import gsm7_septets
from merchant.notify.gateways.parts import GSM7, GSM7_BASIC, GSM7_EXTENDED, PARTS_MAX, UCS2, encode

ID = UUID("01890a5d-ac96-774b-bcce-b302099a80a7")
ALPHABET = GSM7_BASIC.replace("\x1b", "") + "".join(GSM7_EXTENDED)
HEADER = 6


def decoded(coding: int, octets: bytes) -> str:
    if coding == UCS2:
        return octets.decode("utf-16-be")
    return str(Codec().decode(octets)[0])


def bodies(parts: tuple[bytes, ...]) -> list[bytes]:
    return [part[HEADER:] for part in parts] if len(parts) > 1 else [*parts]


def test_our_alphabet_is_that_of_the_standard() -> None:
    for char in ALPHABET:
        assert encode(char, ID).parts == (Codec().encode(char)[0],), char
        assert encode(char, ID).data_coding == GSM7
        assert char in "\n\r\f" or gsm7_septets(char) == len(encode(char, ID).parts[0])


@pytest.mark.parametrize("char", ["ŋ", "ሰ", "`", "ç", "\x1b", "😀", "\u00a0"])
def test_one_character_beyond_it_makes_the_message_ucs_2(char: str) -> None:
    made = encode(f"Paid {char}", ID)
    assert (made.data_coding, made.parts) == (UCS2, (f"Paid {char}".encode("utf-16-be"),))


@pytest.mark.parametrize(
    ("text", "coding", "count"),
    [
        ("a" * 160, GSM7, 1),
        ("a" * 161, GSM7, 2),
        ("€" * 80, GSM7, 1),
        ("€" * 81, GSM7, 2),
        ("a" * 153 + "b" * 153, GSM7, 2),
        ("a" * 307, GSM7, 3),
        ("ŋ" * 70, UCS2, 1),
        ("ŋ" * 71, UCS2, 2),
        ("ŋ" * 134, UCS2, 2),
        ("ŋ" * 135, UCS2, 3),
        ("😀" * 35, UCS2, 1),
        ("😀" * 36, UCS2, 2),
        ("", GSM7, 1),
    ],
)
def test_a_text_takes_as_many_parts_as_the_standard_says(text: str, coding: int, count: int) -> None:
    made = encode(text, ID)
    assert (made.data_coding, len(made.parts), made.has_header) == (coding, count, count > 1)


def test_each_part_tells_which_it_is_of_how_many_and_of_which_message() -> None:
    made = encode("a" * 400, ID)
    assert [part[:HEADER] for part in made.parts] == [bytes([5, 0, 3, 0xA7, 3, number]) for number in (1, 2, 3)]
    assert encode("a" * 400, ID) == made, "the same at every try"


def test_an_escaped_character_and_a_pair_of_units_are_never_cut() -> None:
    for text in ("a" * 152 + "€" + "a" * 20, "ŋ" * 66 + "😀" + "ŋ" * 20):
        made = encode(text, ID)
        assert [decoded(made.data_coding, body) for body in bodies(made.parts)] == [text[:-21], text[-21:]]


@given(st.text(st.sampled_from(ALPHABET + "ŋ😀é"), max_size=600))
def test_the_parts_together_are_the_text_and_none_is_too_long(text: str) -> None:
    made = encode(text, uuid4())
    assert "".join(decoded(made.data_coding, body) for body in bodies(made.parts)) == text
    limit = (160 if made.data_coding == GSM7 else 140) if len(made.parts) == 1 else 153 + HEADER
    assert all(len(part) <= limit for part in made.parts)
    assert made.data_coding == GSM7 or all(len(part) <= 140 for part in made.parts)


def test_a_text_that_no_phone_shows_is_refused() -> None:
    encode("a" * 153 * PARTS_MAX, ID)
    with pytest.raises(ValueError, match="11 parts"):
        encode("a" * (153 * PARTS_MAX + 1), ID)
