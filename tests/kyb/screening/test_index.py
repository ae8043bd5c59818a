"""The index knows its lists, weighs words by rarity and finds like words by keys."""

from datetime import date

import pytest

import kyb
from kyb.screening.index import MAX_WORDS, compared_words, like_words, runs_of
from kyb.screening.names import words


def test_the_index_names_its_lists(un_list: kyb.ScreeningList, un_index: kyb.ScreeningIndex) -> None:
    assert un_index.entry_count == 1003
    assert un_index.versions == (kyb.ListVersion("un_consolidated", date(2026, 2, 27), un_list.sha256, 1003),)


def test_several_lists_make_one_index(un_list: kyb.ScreeningList) -> None:
    own = kyb.ScreeningList(
        "own", date(2026, 1, 1), "0" * 64, (kyb.ListEntry("1", "person", (kyb.ListedName("X Y"),)),)
    )
    both = kyb.build_index([un_list, own])
    assert both.entry_count == 1004
    assert [version.source for version in both.versions] == ["un_consolidated", "own"]


def test_no_lists_make_an_empty_index() -> None:
    empty = kyb.build_index([])
    assert empty.entry_count == 0
    assert kyb.screen("Eric Badege", empty) == ()


def test_common_words_weigh_less_than_rare_ones(un_index: kyb.ScreeningIndex) -> None:
    weights = {
        name.text: dict(zip((word.text for word in words(name.text)), name.weights, strict=True))
        for name in un_index.parts["person"].names
        if name.text in ("ERIC BADEGE", "Mohamed Hassan", "SADDAM HUSSEIN AL-TIKRITI")
    }
    assert weights["Mohamed Hassan"]["mohamed"] < 0.3
    assert weights["ERIC BADEGE"]["badege"] > 0.8
    assert weights["SADDAM HUSSEIN AL-TIKRITI"]["al"] == 0.05


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("Lakeside Hardware Company Ltd", ["lakeside", "hardware"]),
        ("THE COMPANY LTD.", ["the", "company", "ltd"]),
        ("Sahel Négoce S.A.R.L.", ["sahel", "negoce"]),
    ],
)
def test_legal_forms_of_entities_do_not_count_unless_alone(name: str, kept: list[str]) -> None:
    assert [word.text for word in compared_words(name, "entity")] == kept


def test_an_endless_name_is_cut() -> None:
    assert len(compared_words("a b " * 5000, "person")) == MAX_WORDS
    assert len(compared_words("x" * 100_000, "person")[0].text) == 256


def test_like_words_are_found_by_sound_and_by_spelling(un_index: kyb.ScreeningIndex) -> None:
    part = un_index.parts["person"]
    for given in ("badege", "badegge", "badeje", "badegi"):
        (run,) = runs_of(words(given))
        assert "badege" in {part.vocabulary[word_id].text for word_id in like_words(part, run)}


def test_a_query_leaves_the_index_as_it_was(un_list: kyb.ScreeningList) -> None:
    index = kyb.build_index([un_list])
    before = [len(getattr(index.parts["person"], name)) for name in ("singles", "joins", "by_text", "by_sound")]
    kyb.screen("Zzyzx Qwerty", index)
    kyb.screen("محمد الأزد", index)
    assert before == [len(getattr(index.parts["person"], name)) for name in ("singles", "joins", "by_text", "by_sound")]
