"""Receipts by text: one segment in every language, counted by another's tables too, with all that a receipt names."""

from datetime import time

import pytest
from gsm0338 import Codec
from msgspec.structs import replace

from ussd import Told, text_message
from ussd.fit import is_gsm7
from ussd.texts import CATALOGUES, LANGUAGES

KEYS = [key.removeprefix("sms.") for key in CATALOGUES["en"].texts if key.startswith("sms.")]
TOLD = Told(
    "paid", "Mama Amina", "ماما أمينة", 123_456_789, "KES", 2, time(9, 5), "7Z3K-90QW-5D2XH", payer="2547*****001"
)
NAMES = ["", "Mama Amina", "W" * 128, "€" * 60, "የእማማ አሚና ሱቅ" * 5, "👨‍👩‍👧‍👦" * 9, "a\nb\u202ec"]


def segments(text: str) -> int:
    """How many messages a phone company makes of a text (3GPP TS 23.040): by tables that are not ours."""
    try:
        return len(Codec().encode(text)[0]) // 161 + 1
    except UnicodeError:
        return (len(text.encode("utf-16-be")) // 2) // 71 + 1


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("key", KEYS)
def test_every_message_is_one_segment_whatever_a_shop_is_called(key: str, language: str) -> None:
    for name in NAMES:
        text = text_message(replace(TOLD, key=key, shop=name, own_name=name), language)
        assert segments(text) == 1, (len(text), text)
        assert "\n" not in text
        assert is_gsm7(text) == (CATALOGUES[language].alphabet == "gsm7")
        assert "KES" in text
        assert "7Z3K-90QW-5D2XH" in text
        assert "09:05" in text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("key", KEYS)
def test_a_shops_name_of_usual_length_is_whole_enough_to_be_known(key: str, language: str) -> None:
    text = text_message(replace(TOLD, key=key, own_name="Mama", amount_minor=125_000), language)
    assert "Mama" in text


@pytest.mark.parametrize(
    ("language", "amount"),
    [
        ("en", "1,234,567.89"),
        ("sw", "1,234,567.89"),
        ("fr", "1 234 567,89"),
        ("rw", "1.234.567,89"),
        ("ar", "1,234,567.89"),
    ],
)
def test_amounts_are_written_as_the_language_writes_them(language: str, amount: str) -> None:
    assert f"{amount} KES" in text_message(TOLD, language)


def test_who_reads_another_alphabet_reads_the_shops_own_name() -> None:
    assert "ماما أمينة" in text_message(TOLD, "ar")
    assert "Mama Amina" in text_message(TOLD, "en")


def test_a_language_that_we_do_not_have_is_english() -> None:
    assert text_message(TOLD, "xx") == ("You paid 1,234,567.89 KES to Mama Amina at 09:05. Receipt 7Z3K-90QW-5D2XH")
