"""The index knows its lists and finds the words and names that may be alike."""

from datetime import date

import pytest

import kyb
from kyb.screening.likeness import keys
from kyb.screening.match import ALERT_SCORE
from kyb.screening.names import read_name
from kyb.screening.search import candidates, like_words


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


def test_like_words_are_found_by_sound_and_by_spelling(un_index: kyb.ScreeningIndex) -> None:
    part = un_index.parts["person"]
    for given in ("badege", "badegge", "badeje", "badegi", "bdege"):
        (word,) = read_name(given, "person").words
        assert "badege" in {part.vocabulary[word_id].text for word_id in like_words(part, word)}, given


def test_every_word_is_filed_under_all_its_keys(un_index: kyb.ScreeningIndex) -> None:
    part = un_index.parts["entity"]
    for word_id, word in enumerate(part.vocabulary[:200]):
        assert all(word_id in part.filed(key) for key in keys(word))


def test_names_stand_in_the_order_of_their_weight(un_index: kyb.ScreeningIndex) -> None:
    for part in un_index.parts.values():
        assert list(part.total) == sorted(part.total)
        assert len(part.first) == len(part.total) + 1 == len(part.by_letters) + 1


@pytest.mark.parametrize(
    "name",
    ["Eric Badege", "Mohamed Ali Hassan", "Abdul Rahman Yasin", "Kim Yong Chol", "J. Badege", "Saif al-Islam Gaddafi"],
)
def test_no_name_that_scores_is_left_out(un_index: kyb.ScreeningIndex, name: str) -> None:
    part = un_index.parts["person"]
    query = read_name(name, "person")
    found = candidates(query, part)
    alike = {
        number
        for number in range(len(part.total))
        if kyb.screening.compare.compare(query, part.name(number), "person").score >= ALERT_SCORE
    }
    assert alike <= found


def test_a_query_leaves_the_index_as_it_was(un_list: kyb.ScreeningList) -> None:
    index = kyb.build_index([un_list])
    part = index.parts["person"]
    before = [len(part.keys), len(part.postings), len(part.vocabulary), len(part.anchored)]
    kyb.screen("Zzyzx Qwerty", index)
    kyb.screen("محمد الأزد", index)
    assert before == [len(part.keys), len(part.postings), len(part.vocabulary), len(part.anchored)]
