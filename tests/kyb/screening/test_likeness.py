"""Words are alike by name, sound, spelling or consonants; keys find every pair that is alike."""

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from kyb.screening.likeness import compare_words, edge_keys, keys, likely_keys
from kyb.screening.names import Word, read_name

STRONG = 0.88


def word(text: str) -> Word:
    return read_name(text, "person").words[-1]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Mohammed", "Muhammad"), ("Hussein", "Hosain"), ("Saleemi", "Salimi"), ("Kassem", "Qasim"),
        ("محمد", "Mohamed"),
        ("Xasan", "Hassan"), ("Cilmi", "Elmi"), ("Maxamuud", "Mohamoud"), ("Hamisi", "Khamis"), ("Athumani", "Othman"),
        ("Gaddafi", "Qadhafi"), ("Diallo", "Jallow"), ("Ouedraogo", "Wedraogo"), ("Tevfik", "Tawfiq"),
        ("Mehmet", "Mohamed"),
        ("Mamadou", "Muhammad"), ("Slimane", "Sulayman"), ("Prigozhin", "Prigojin"), ("Dudayev", "Dudaev"),
        ("Shabani", "Shaban"), ("Bouzid", "Bouzide"), ("Elsheikhi", "Sheikhi"), ("Mhrz", "Mehrez"),
        ("Carnara", "Camara"),
    ],
)  # fmt: skip
def test_spellings_of_one_word_are_alike(one: str, other: str) -> None:
    assert compare_words(word(one), word(other)) >= STRONG
    assert compare_words(word(other), word(one)) >= STRONG


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Hassan", "Hussein"), ("Said", "Sayed"), ("Salim", "Salma"), ("Maria", "Mario"), ("Aziz", "Azim"),
        ("Ali", "Aliyu"),
        ("Ibrahim", "Abraham"), ("Ahmad", "Hamad"), ("Jane", "Juno"), ("Hadi", "Hamdi"), ("Su", "Sik"), ("Li", "Lu"),
        ("حسين", "محمد"), ("اوي", "Aïe"), ("Omar", "Amr"), ("Xiaoming", "Xiaohong"),
        ("Ivanov", "Ivanenko"), ("Nur", "Nasr"), ("Dantata", "Dangote"), ("محمد", "Mohammadi"),
    ],
)  # fmt: skip
def test_other_words_are_not(one: str, other: str) -> None:
    assert compare_words(word(one), word(other)) < 0.85
    assert compare_words(word(other), word(one)) < 0.85


@settings(deadline=None, max_examples=200)
@given(
    st.from_regex(r"[bdfglmnprst][aeiou]([bdfglmnprst][aeiou]){2,4}", fullmatch=True),
    st.integers(0, 12),
    st.sampled_from("abdelmrtz"),
)
def test_a_word_with_one_slip_is_found_by_its_keys(listed: str, place: int, letter: str) -> None:
    place %= len(listed)
    for slipped in (listed[:place] + letter + listed[place + 1 :], listed[:place] + letter + listed[place:]):
        one, other = word(slipped), word(listed)
        assume(
            slipped != listed and not one.groups and not other.groups and len(one.text) > 4 and one.text != other.text
        )
        assert 0.75 < compare_words(one, other) < 1
        assert compare_words(one, other) == compare_words(other, one)
        assert {*likely_keys(one), *edge_keys(one)} & set(keys(other))


@settings(deadline=None)
@example(one="thth", other="th")
@given(st.text(max_size=12), st.text(max_size=12))
def test_likeness_is_symmetric_and_bounded(one: str, other: str) -> None:
    for first in read_name(one, "person").words:
        for second in read_name(other, "person").words:
            like = compare_words(first, second)
            assert like == compare_words(second, first)
            assert like == 0 or 0.6 <= like <= 1
