"""Folding names into words: what is one spelling, and what is one slip away."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from merchant.registry.merchants import words

letters = st.text("abcdefgh", min_size=5, max_size=9)


@pytest.mark.parametrize(
    ("written", "typed"),
    [
        ("Café", "cafe"),
        ("CAFÉ", "café"),
        ("Cafe\u0301", "Caf\u00e9"),  # decomposed and composed
        ("Straße", "STRASSE"),
        ("Łódź", "lodz"),
        ("Ɓaƙin Ƙasuwa", "bakin kasuwa"),
        ("Akɔnta", "akonta"),
        ("Œuvre", "oeuvre"),
        ("ﬁsh", "fish"),
        ("Ｍａｍａ", "mama"),
        ("١٢٣", "123"),
        ("أحمد", "احمد"),
        ("مُحَمَّد", "محمد"),
        ("Ma\u200bma", "mama"),  # a zero-width space
    ],
)
def test_one_name_in_two_spellings_has_one_word(written: str, typed: str) -> None:
    assert words.index_words(written) == words.index_words(typed)


@pytest.mark.parametrize(
    ("name", "found_by"),
    [
        ("M-Pesa", {"m", "pesa", "mpesa"}),
        ("Mama's", {"mama", "s", "mamas"}),
        ("S.A.", {"s", "a", "sa"}),
        ("Salt & Pepper, Ltd", {"salt", "pepper", "ltd"}),
        ("24/7 Shop", {"24", "7", "shop"}),
        ("मुंबई", {"मुंबई"}),  # vowel signs are part of the word
        ("🍎 🍌", set()),
        ("%_\\", set()),
        ("", set()),
    ],
)
def test_a_name_is_found_by_its_parts_and_by_what_they_are_together(name: str, found_by: set[str]) -> None:
    assert words.index_words(name) == found_by


def test_a_word_without_an_end_is_cut() -> None:
    assert words.index_words("x" * 5_000) == {"x" * words.MAX_WORD_LETTERS}


def test_no_word_of_a_name_looks_like_a_word_of_another_kind() -> None:
    assert words.index_words("owner=abc number=1 city=nairobi") == {"owner", "abc", "number", "1", "city", "nairobi"}


def test_equal_names_of_cities_are_one_phrase() -> None:
    assert words.phrase(" SÃO  Paulo ") == words.phrase("são-paulo".replace("-", " ")) == "sao paulo"
    assert words.phrase("N'Djamena") == words.phrase("Ndjaména") == "ndjamena"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("cofee", "coffee"), ("coffeee", "coffee"), ("coffea", "coffee"), ("ocffee", "coffee"), ("cofefe", "coffee")],
)
def test_one_letter_wrong_missing_too_many_or_swapped_is_a_slip(typed: str, meant: str) -> None:
    assert words.is_slip(typed, meant)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("coffee", "coffee"), ("cfofee", "cofefe"), ("hassan", "hussein"), ("coffee", "cof"), ("mama", "mam"), ("", "")],
)
def test_two_letters_are_another_word(typed: str, meant: str) -> None:
    assert not words.is_slip(typed, meant)


def test_short_words_and_numbers_are_never_misspelt() -> None:
    for word in ("mama", "shop", "12345678", "a1b2c3"):
        assert not words.has_slips(word)
        assert words.slip_keys(word) == set()
        assert words.stored_keys(word) == {word}


@given(letters, st.integers(0, 8), st.sampled_from("abcdefgh"), st.sampled_from(["change", "drop", "add", "swap"]))
def test_every_slip_shares_a_key_with_the_word_that_was_meant(meant: str, at: int, letter: str, how: str) -> None:
    at %= len(meant)
    typed = {
        "change": meant[:at] + letter + meant[at + 1 :],
        "drop": meant[:at] + meant[at + 1 :],
        "add": meant[:at] + letter + meant[at:],
        "swap": meant[:at] + meant[at : at + 2][::-1] + meant[at + 2 :],
    }[how]
    assert words.is_slip(typed, meant) == (typed != meant)
    if words.has_slips(typed) and typed != meant:
        assert words.slip_keys(typed) & words.stored_keys(meant)


@given(st.text(max_size=60))
def test_folding_never_fails_and_folds_once(text: str) -> None:
    found = words.index_words(text)
    assert words.index_words(*found) == found
    assert all(word and len(word) <= words.MAX_WORD_LETTERS and "=" not in word for word in found)
