"""Two ways of writing one name give the same words, or words that are found alike."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kyb.screening.names import read_name


def texts(name: str, kind: str = "person") -> list[str]:
    return [word.text for word in read_name(name, kind).words]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ERIC Badege", ["eric", "badege"]),
        ("Ba'asyir, Abdul-Rahim", ["baasyir", "abd", "rahim"]),
        ("Ñandú Øster Łódź", ["nandu", "oster", "lodz"]),
        ("Ислам Атабиев", ["islam", "atabiev"]),
        ("E\u200bric Ba\u00addege", ["eric", "badege"]),
        ("Ｅｒｉｃ", ["eric"]),
        ("Bаdеgе", ["badege"]),  # the a and e are Cyrillic
        ("Moh̶amed Sa̶leh", ["mohamed", "saleh"]),
        ("Mᴏʜᴀᴍᴇᴅ", ["mohamed"]),
        ("0sama B1n", ["osama", "bin"]),
        ("KlM JONG", ["kim", "jong"]),  # a scanner's l
        ("习近平", ["xi", "jin", "ping"]),
        ("မင်းအောင်လှိုင်", ["min", "aung", "hlaing"]),
        ("Γεώργιος Παπαδόπουλος", ["georgios", "papadopoulos"]),
        ("snake_case/slash", ["snake", "case", "slash"]),
        ("Mr Dr Prof Sir Eric Badege OBE", ["eric", "badege"]),
        ("Alhaji Dr. Sani Bello", ["sani", "bello"]),
        ("Hassan El Sheikh", ["hassan", "el", "sheikh"]),  # a name here, not a title
        ("Mr Dr", ["mr", "dr"]),
        ("Abd Allah", ["abdullah"]),
        ("", []),
        (" -- !? ", []),
        ("\u200b\u0301", []),
        ("\u3164", []),
    ],
)
def test_a_name_becomes_plain_words(name: str, expected: list[str]) -> None:
    assert texts(name) == expected


@pytest.mark.parametrize(
    "name",
    ["Abdul Rahman", "Abd Rahman", "Abdurrahman", "Abdelrahman", "Abdurahman", "ABUDL RAHMAN", "Cabd Rahman"],
)  # fmt: skip
def test_abd_is_one_word_however_it_is_joined(name: str) -> None:
    assert texts(name) == ["abd", "rahman"]


@pytest.mark.parametrize("name", ["Abdi", "Abdou", "Abdullah", "Abdulla", "Abdullahi", "Abdullaev", "Abdoulaye"])
def test_names_that_only_begin_like_abd_stay_whole(name: str) -> None:
    assert len(texts(name)) == 1


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("Lakeside Hardware Company Ltd", ["lakeside", "hardware"]),
        ("THE COMPANY LTD.", ["the"]),
        ("Sahel Négoce S.A.R.L.", ["sahel", "negoce"]),
        ("P.L.C.", ["plc"]),
        ("I S I L", ["isil"]),
        ("Общество с ограниченной ответственностью Ромашка", ["romashka"]),
        ("M/S Habib and Sons Private Limited", ["habib", "and", "sons"]),
        ("LUKOIL OIL COMP", ["lukoil", "oil"]),
        ("M23", ["m23"]),
    ],
)
def test_legal_forms_of_entities_do_not_count_unless_alone(name: str, kept: list[str]) -> None:
    assert texts(name, "entity") == kept


def test_everyday_words_weigh_less_than_rare_ones() -> None:
    weights = dict(zip(texts("Mohamed bin Badege"), read_name("Mohamed bin Badege", "person").weights, strict=True))
    assert weights["bin"] < weights["mohamed"] < 0.4 < weights["badege"] == 1
    assert read_name("Badege Trading", "entity").weights[1] < 0.2


@settings(deadline=None)
@given(st.text(max_size=60), st.sampled_from(["person", "entity"]))
def test_any_text_gives_words_of_letters_and_digits(name: str, kind: str) -> None:
    for word in read_name(name, kind).words:
        assert word.text
        assert all(char.isascii() and char.isalnum() and char == char.lower() for char in word.text)


@settings(deadline=None)
@given(st.lists(st.from_regex(r"[a-z]{3,9}", fullmatch=True), min_size=1, max_size=4))
def test_case_and_punctuation_do_not_matter(parts: list[str]) -> None:
    assert texts("-".join(parts).upper()) == texts("; ".join(parts)) == texts(" ".join(parts))
