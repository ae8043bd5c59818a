"""What changed between two versions of a list, and whether the newer one may take the place of the older.

A list that lost a tenth of its entries overnight, or is older than the one in force, is a broken download or a wrong
file far more often than news; taking it would clear people who are listed.
"""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Protocol, TypeVar

from msgspec import Struct

# Publishers date their lists by their own clocks; a day allows for every time zone.
_AHEAD_MAX = timedelta(days=1)


class Entry(Protocol):
    """What is compared: an id within its list, and a hash of the content."""

    @property
    def entry_id(self) -> str: ...
    @property
    def sha256(self) -> str: ...


E = TypeVar("E", bound=Entry)


class Change(Struct, frozen=True):
    """Ids of the entries that differ, each group in its list's order."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]


class Rules(Struct, frozen=True):
    """What a new version may be: how many per cent of the entries it may lose, and how many days old it may be.

    0 days is no limit; 100 per cent is none.
    """

    max_shrink_percent: int = 10
    max_age_days: int = 7


class Version(Struct, frozen=True):
    """The facts of a version that rules are about. checked_on is the last day on which it was seen to be current."""

    published_on: date
    entry_count: int
    checked_on: date | None = None


class ListProblem(Struct, frozen=True):
    """Why a version may not be used: list_shrunk, list_went_back, list_ahead (refused) or list_stale (not checked)."""

    code: str
    message: str


def difference(before: Iterable[Entry], after: Iterable[Entry]) -> Change:
    """Compare the entries of two versions by id and content."""
    old, new = _hashes(before), _hashes(after)
    return Change(
        added=tuple(one for one in new if one not in old),
        removed=tuple(one for one in old if one not in new),
        changed=tuple(one for one, digest in new.items() if one in old and old[one] != digest),
    )


def changed_entries(before: Iterable[Entry], after: Iterable[E]) -> tuple[E, ...]:
    """The entries of the newer version that are new or changed: all that a subject must be screened against again."""
    old = _hashes(before)
    return tuple(entry for entry in after if old.get(entry.entry_id) != entry.sha256)


def problems_of(new: Version, before: Version | None, rules: Rules, today: date) -> tuple[ListProblem, ...]:
    """What speaks against putting a version in force; empty when nothing does. Age is is_stale's to say."""
    found = []
    if new.published_on > today + _AHEAD_MAX:
        found.append(ListProblem("list_ahead", f"The list is dated {new.published_on}, which is to come."))
    if before is not None and new.published_on < before.published_on:
        message = f"The list is of {new.published_on}, older than the one in force, of {before.published_on}."
        found.append(ListProblem("list_went_back", message))
    if before is not None and new.entry_count * 100 < before.entry_count * (100 - rules.max_shrink_percent):
        message = f"The list has {new.entry_count} entries, the one in force {before.entry_count}: too many are gone."
        found.append(ListProblem("list_shrunk", message))
    return tuple(found)


def is_stale(version: Version, rules: Rules, today: date) -> bool:
    """Whether nobody has seen for too long that a version is still the current one.

    A publisher changes its list when there is something to change, so the day of the list itself does not tell: what
    counts is the day on which it was last fetched, or that of the list where nobody says.
    """
    seen_on = max(version.checked_on or version.published_on, version.published_on)
    return rules.max_age_days > 0 and today - seen_on > timedelta(days=rules.max_age_days)


def _hashes(entries: Iterable[Entry]) -> Mapping[str, str]:
    return {entry.entry_id: entry.sha256 for entry in entries}
