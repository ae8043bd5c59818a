"""Two versions of a list are compared; one that shrank, went back in date or is to come is told."""

from datetime import date, timedelta

import msgspec
import pytest

import kyb
from kyb.lists.change import Rules, Version, changed_entries, difference, is_stale, problems_of
from kyb.lists.entry import ListedName

TODAY = date(2026, 11, 29)
BEFORE = Version(date(2026, 2, 27), 1003)


def entry(number: int, name: str = "A B") -> kyb.ListEntry:
    return kyb.ListEntry(str(number), "person", (ListedName(name),))


def test_entries_are_new_gone_or_changed() -> None:
    before, after = [entry(1), entry(2), entry(3)], [entry(4), entry(3, "C D"), entry(1)]
    assert difference(before, after) == kyb.Change(added=("4",), removed=("2",), changed=("3",))
    assert [one.entry_id for one in changed_entries(before, after)] == ["4", "3"]


def test_the_same_entries_in_another_order_are_no_change(un_list: kyb.ScreeningList) -> None:
    assert difference(un_list.entries, un_list.entries[::-1]) == kyb.Change((), (), ())
    assert changed_entries(un_list.entries, un_list.entries[::-1]) == ()


@pytest.mark.parametrize("field", [name for name in kyb.ListEntry.__struct_fields__ if name != "entry_id"])
def test_every_field_of_an_entry_counts(field: str) -> None:
    changed: dict[str, object] = {
        "kind": "entity",
        "names": (ListedName("A B", weak=True),),
        "birth_years": ((1950, 1950),),
        "programme": "X",
        "birth_dates": ("1950-01-01",),
        "countries": ("KE",),
        "identifiers": (kyb.Identifier("passport", "1234"),),
    }
    assert difference([entry(1)], [msgspec.structs.replace(entry(1), **{field: changed[field]})]).changed == ("1",)


@pytest.mark.parametrize(
    ("new", "codes"),
    [
        (Version(date(2026, 3, 1), 1004), []),
        (Version(date(2026, 2, 27), 1003), []),
        (Version(date(2026, 3, 1), 903), []),
        (Version(date(2026, 3, 1), 902), ["list_shrunk"]),
        (Version(date(2020, 1, 1), 1), ["list_went_back", "list_shrunk"]),
        (Version(date(2026, 2, 26), 1003), ["list_went_back"]),
        (Version(TODAY + timedelta(days=1), 1003), []),
        (Version(TODAY + timedelta(days=2), 1003), ["list_ahead"]),
    ],
)
def test_a_version_that_may_not_take_the_place_of_another_is_told(new: Version, codes: list[str]) -> None:
    found = problems_of(new, BEFORE, Rules(), TODAY)
    assert [one.code for one in found] == codes
    assert all(one.message.endswith(".") for one in found)


def test_the_first_version_has_nothing_to_be_held_against() -> None:
    assert problems_of(Version(date(2020, 1, 1), 1), None, Rules(), TODAY) == ()


@pytest.mark.parametrize(("percent", "refused"), [(0, True), (1, False), (100, False)])
def test_how_much_may_go_is_the_callers_to_say(percent: int, refused: bool) -> None:
    found = problems_of(Version(TODAY, 1000), BEFORE, Rules(max_shrink_percent=percent), TODAY)
    assert bool(found) == refused


@pytest.mark.parametrize(
    ("checked_days_ago", "limit", "stale"),
    [(7, 7, False), (8, 7, True), (None, 7, True), (None, 275, False), (999, 0, False)],
)
def test_a_list_is_stale_when_nobody_has_seen_it_to_be_current_for_too_long(
    checked_days_ago: int | None, limit: int, stale: bool
) -> None:
    checked_on = None if checked_days_ago is None else TODAY - timedelta(days=checked_days_ago)
    version = msgspec.structs.replace(BEFORE, checked_on=checked_on)
    assert is_stale(version, Rules(max_age_days=limit), TODAY) == stale
