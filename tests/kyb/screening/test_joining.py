"""Words that were taken apart are put together, when a listed name has them."""

import re

import pytest

import kyb
from kyb.screening.joining import put_together
from tests.kyb.screening.test_match import is_found


@pytest.mark.parametrize(
    "name",
    [
        "Ay-man al-Za-wahiri",
        "Ay.man al-Za.wahiri",
        "Ay'man al-Za'wahiri",
        "Ay man al-Za wahiri",
        "Ay_man al_Za_wahiri",
        "Ay\u2011man al\u2013Za\u2011wahiri",
        "A y m a n a l - Z a w a h i r i",
        "A.y.m.a.n. a.l.-Z.a.w.a.h.i.r.i.",
        "A-y-m-a-n al-Z-a-w-a-h-i-r-i",
        "Ayman Z a w a h i r i",
        "Njeri alias Ay-man al-Za-wahiri",
    ],
)
def test_words_taken_apart_are_found(un_index: kyb.ScreeningIndex, name: str) -> None:
    assert "QDi.006" in [hit.entry_id for hit in kyb.screen(name, un_index)]


@pytest.mark.parametrize(
    "name", ["А й м а н З а в а х и р и", "B o k o H a r a m", "أ ي م ن", "- - - - - -", "A " * 900]
)
def test_letters_of_every_script_may_stand_apart(un_index: kyb.ScreeningIndex, name: str) -> None:
    for kind in ("person", "entity"):
        for hit in kyb.screen(name, un_index, kind=kind):
            assert hit.score >= 0.85


@pytest.mark.parametrize(
    "name",
    ["Jean-Pierre Kamau", "Ana-Maria Otim", "A. P. J. Otim", "Yusuf al-Amin", "Ali bin-Said"],
)
def test_ordinary_names_stay_as_they_are(un_index: kyb.ScreeningIndex, name: str) -> None:
    assert put_together(name, un_index.parts["person"]) is None


@pytest.mark.parametrize(
    ("change", "least"),
    [
        (lambda word: f"{word[:3]}-{word[3:]}" if len(word) > 4 else word, 0.97),
        (lambda word: " ".join(word), 0.99),
        (lambda word: ".".join(word), 0.99),
    ],
    ids=["hyphens within words", "letters apart", "dots between letters"],
)
def test_listed_persons_taken_apart_are_found(
    un_list: kyb.ScreeningList, un_index: kyb.ScreeningIndex, change: object, least: float
) -> None:
    people = [each for each in un_list.entries if each.kind == "person" and each.names[0].text.isascii()][::4]
    names = [re.sub(r"[A-Za-z]+", lambda word: change(word[0]), each.names[0].text) for each in people]  # type: ignore[operator]
    found = sum(is_found(un_index, entry, name) for entry, name in zip(people, names, strict=True))
    assert found / len(people) >= least
