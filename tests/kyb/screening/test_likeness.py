"""Words are alike by sound, by spelling or by consonants; keys find every pair that is alike by spelling."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kyb.screening.likeness import misspelling_keys, sound_likeness, spelling_keys, spelling_likeness
from kyb.screening.names import words


@pytest.mark.parametrize(
    ("given_word", "listed_word"),
    [("Mohammed", "Muhammad"), ("Hussein", "Hosain"), ("Saleemi", "Salimi"), ("Kassem", "Qasim"), ("محمد", "Mohamed")],
)
def test_words_that_sound_alike_are_alike(given_word: str, listed_word: str) -> None:
    assert sound_likeness(words(given_word)[0], words(listed_word)[0]) > 0.9


@pytest.mark.parametrize(
    ("given_word", "listed_word"),
    [
        ("Tanzania", "Tanchon"),  # the same consonants, other vowels
        ("Ahmad", "Hamad"),
        ("Jane", "Juno"),
        ("Mohamed", "محمد"),  # lists give Latin spellings of their own
        ("حسين", "محمد"),
        ("اوي", "Aïe"),  # no consonant at all
    ],
)
def test_words_that_sound_otherwise_are_not(given_word: str, listed_word: str) -> None:
    assert sound_likeness(words(given_word)[0], words(listed_word)[0]) == 0


@pytest.mark.parametrize(
    ("given_word", "listed_word", "alike"),
    [
        ("Badgee", "Badege", True),  # swapped
        ("Badeg", "Badege", True),  # dropped
        ("Baddege", "Badege", True),  # doubled
        ("Bwambxle", "Bwambale", True),
        ("Hadi", "Hamdi", False),  # too short to be a slip
        ("Badxxe", "Badege", False),
        ("Atabievx", "Atabixx", False),
    ],
)
def test_a_slip_of_the_keyboard_is_forgiven_in_long_words(given_word: str, listed_word: str, alike: bool) -> None:
    assert bool(spelling_likeness(words(given_word)[0], words(listed_word)[0])) is alike


@settings(deadline=None)
@given(st.from_regex(r"[bdfglmnprst]{2}[a-z]{4,9}", fullmatch=True), st.integers(0, 12), st.sampled_from("abdelmrtz"))
def test_a_word_with_one_slip_is_found_by_its_keys(listed: str, place: int, letter: str) -> None:
    place %= len(listed)
    for slipped in (listed[:place] + letter + listed[place + 1 :], listed[:place] + letter + listed[place:]):
        assume(slipped != listed)
        one, other = words(slipped)[0], words(listed)[0]
        assert 0.83 <= spelling_likeness(one, other) < 1
        assert set(misspelling_keys(one.text)) & set(spelling_keys(other.text))


def test_short_words_have_no_keys() -> None:
    assert list(spelling_keys("hadi")) == []
    assert list(misspelling_keys("ali")) == []
