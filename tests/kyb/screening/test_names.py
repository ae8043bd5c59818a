"""Two ways of writing one name give the same words, or words with the same skeleton."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kyb.screening.names import join_words, words


def texts(name: str) -> list[str]:
    return [word.text for word in words(name)]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ERIC Badege", ["eric", "badege"]),
        ("Ba'asyir, Abdul-Rahim", ["baasyir", "abdrahim"]),
        ("Ñandú Øster Łódź", ["nandu", "oster", "lodz"]),
        ("Ислам Атабиев", ["islam", "atabiev"]),
        ("P.L.C. and S.A.", ["plc", "and", "sa"]),
        ("M23", ["m23"]),
        ("E\u200bric Ba\u00addege", ["eric", "badege"]),
        ("Ｅｒｉｃ", ["eric"]),
        ("Bаdеgе", ["badege"]),  # the a and e are Cyrillic
        ("snake_case/slash", ["snake", "case", "slash"]),
        ("", []),
        (" -- !? ", []),
        ("\u200b\u0301", []),
    ],
)
def test_a_name_becomes_plain_words(name: str, expected: list[str]) -> None:
    assert texts(name) == expected


@pytest.mark.parametrize(
    "spellings",
    [
        ("Abdul Rahman", "Abd al-Rahman", "Abdurrahman", "Abdelrahman", "ABD-AL-RAHMAN", "Rahman, Abdul"),
        ("Mohammed", "Muhammad", "Mohamed", "Muhamad", "Mahamed"),
        ("Hussein", "Husain", "Hosein", "Houssein"),
        ("Abdullah", "Abdallah", "Abdulla"),
        ("Rachid", "Rashid", "Rasheed"),
        ("Qasim", "Kassem", "Ghasim"),
        ("Yusuf", "Youssef", "Yousuf"),
    ],
)
def test_spellings_of_one_name_share_a_skeleton(spellings: tuple[str, ...]) -> None:
    assert len({join_words(words(spelling)).skeleton for spelling in spellings}) == 1


@pytest.mark.parametrize(
    ("arabic", "latin"),
    [
        ("محمد", "Mohammed"),
        ("حسين", "Hussein"),
        ("التكريتي", "Tikriti"),
        ("عبد الرحمن", "Abdul Rahman"),
        ("عبدالله", "Abdullah"),
        ("سيف الدين", "Saif Din"),
        ("هاشم", "Hashim"),
        ("يوسف", "Yusuf"),
        ("حنيفة", "Hanifa"),
    ],
)
def test_words_without_vowels_have_the_consonants_of_the_latin_ones(arabic: str, latin: str) -> None:
    found = join_words(words(arabic))
    assert found.vowelless
    assert found.consonants == join_words(words(latin)).consonants


@pytest.mark.parametrize(("one", "other"), [("Ahmad", "Hamad"), ("Walid", "Ali"), ("Salim", "Karim"), ("John", "Juma")])
def test_different_names_have_different_skeletons(one: str, other: str) -> None:
    assert words(one)[0].skeleton != words(other)[0].skeleton


def test_an_abd_with_no_name_stays_a_word() -> None:
    assert texts("Abdul") == ["abdul"]
    assert texts("Abdul al") == ["abdal"]


@settings(deadline=None)
@given(st.text(max_size=60))
def test_any_text_gives_words_of_letters_and_digits(name: str) -> None:
    for word in words(name):
        assert word.text
        assert all(char.isalnum() and char == char.lower() for char in word.text)


@settings(deadline=None)
@given(st.lists(st.from_regex(r"[a-z]{3,9}", fullmatch=True), min_size=1, max_size=4))
def test_case_and_punctuation_do_not_matter(parts: list[str]) -> None:
    assert words("-".join(parts).upper()) == words(", ".join(parts)) == words(" ".join(parts))
