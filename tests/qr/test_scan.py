import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import qr
from tests.qr.test_codec import EMVCO_SAMPLE, sealed

GOLDEN = qr.find_profile("tanqr").golden[0].payload


@pytest.mark.parametrize(
    "scanned",
    [
        GOLDEN + "\n",
        " \t" + GOLDEN,
        "\ufeff" + GOLDEN,
        "\u200b" + GOLDEN + "\x00",
        "]Q1" + GOLDEN,
        "]Q2\\000026" + GOLDEN,
        GOLDEN.replace(" ", "+"),
        GOLDEN.replace(" ", "%20"),
        GOLDEN.replace(" ", "%20").replace(".", "%2E") + "%0A",
        GOLDEN[:60] + "\r\n" + GOLDEN[60:],
        GOLDEN + "?utm_source=sticker",
        GOLDEN + " thank you",
    ],
)
def test_what_scanners_and_forms_do_is_undone(scanned):
    assert qr.clean(scanned) == GOLDEN


def test_utf8_read_as_latin1_is_read_again():
    assert qr.clean(EMVCO_SAMPLE.encode().decode("latin-1")) == EMVCO_SAMPLE


def test_a_valid_payload_is_left_unchanged_whatever_its_characters():
    plus = sealed("000201" + "5909A+B %41+C")
    assert qr.clean(plus) == plus


def test_a_checksum_in_small_letters_is_left_to_the_decoder():
    lower = GOLDEN[:-4] + GOLDEN[-4:].lower()
    assert qr.clean(lower + "\n") == lower


@pytest.mark.parametrize("text", ["", "hello", "https://example.org/a+b%20c", "6304", "0002016304FFFF"])
def test_what_cannot_be_repaired_only_loses_its_edges(text):
    assert qr.clean(f" {text}\n") == text


@given(st.text(max_size=200))
@settings(deadline=None)
def test_cleaning_twice_changes_nothing_more(text):
    cleaned = qr.clean(text)
    assert qr.clean(cleaned) == cleaned
