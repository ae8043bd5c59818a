"""What only reads versions of lists: those that count, those that wait for a second person, and how old they are."""

from collections.abc import Iterable
from datetime import date, datetime
from uuid import UUID

from msgspec import Struct

from kyb.lists import change
from kyb.lists.un import UN_SOURCE
from merchant.compliance.lists import content, packaged
from merchant.compliance.lists.states import Capability, list_may, states_that_may
from merchant.core import clock, sql
from merchant.core.db import Reads
from merchant.core.settings import Settings

_COUNTING = states_that_may(Capability.SCREEN)
_WAITING = states_that_may(Capability.CONFIRM)


class Version(Struct, frozen=True):
    """A version of a list, without its bytes."""

    id: UUID
    source: str
    form: str
    state: str
    sha256: str
    published_on: date
    fetched_at: datetime
    checked_at: datetime
    entry_count: int
    added_count: int
    removed_count: int
    changed_count: int
    problem: str | None
    replaces: UUID | None
    put_by: UUID
    confirmed_by: UUID | None
    confirmed_at: datetime | None

    def kept(self) -> content.Kept:
        """What reads its bytes back."""
        return content.Kept(self.id, self.form, self.sha256, self.published_on)

    def facts(self) -> change.Version:
        """What rules are about."""
        return change.Version(self.published_on, self.entry_count, self.checked_at.date())


class Packaged(Struct, frozen=True):
    """The facts of the packaged file."""

    source: str
    published_on: date
    sha256: str
    entry_count: int


_CURRENT = sql.select(
    Version,
    from_="list_version",
    where=f"state IN {sql.literals([*_COUNTING, *_WAITING])}",
    tail="ORDER BY source, id",
)
_ONE = sql.select(Version, from_="list_version", where="id = $1")
_IN_FORCE = sql.select(
    Version, from_="list_version", where=f"source = $1 AND state IN {sql.literals(_COUNTING)}", tail="LIMIT 1"
)
_LATEST = sql.select(Version, from_="list_version", where="true", tail="ORDER BY id DESC LIMIT $1")
# Of each list the last attempt, where it was refused.
LAST_REFUSED = """
SELECT source, problem, fetched_at FROM (
  SELECT DISTINCT ON (source) source, problem, fetched_at FROM list_version ORDER BY source, id DESC
) AS last WHERE problem IS NOT NULL
"""


async def current_versions(tx: Reads) -> list[Version]:
    """The versions in force, and those that wait for a second person, by source."""
    return sql.rows(Version, await tx.fetch(_CURRENT))


async def in_force(tx: Reads, source: str) -> Version | None:
    """The version of a list that counts."""
    row = await tx.fetchrow(_IN_FORCE, source)
    return None if row is None else sql.row(Version, row)


async def find_version(tx: Reads, version_id: UUID) -> Version | None:
    """A version by its id."""
    row = await tx.fetchrow(_ONE, version_id)
    return None if row is None else sql.row(Version, row)


async def latest_versions(tx: Reads, limit: int) -> list[Version]:
    """The versions put last, of every list and in every state, newest first."""
    return sql.rows(Version, await tx.fetch(_LATEST, limit))


def rules_of(settings: Settings) -> change.Rules:
    """What versions must satisfy."""
    return change.Rules(settings.screening_list_max_shrink_percent, settings.screening_list_max_age_days)


def is_stale(settings: Settings, version: Version) -> bool:
    """Whether a published list was not seen to be current for too long; a private list has no publisher to ask."""
    if content.is_private(version.form):
        return False
    return change.is_stale(version.facts(), rules_of(settings), clock.now().date())


def packaged_counts(versions: Iterable[Version]) -> bool:
    """Whether the packaged file counts: until the UN's list, or OpenSanctions' with it, is in force."""
    counting = {one.source for one in versions if list_may(one.state, Capability.SCREEN)}
    return not counting & {UN_SOURCE, content.source_of("opensanctions")}


def packaged_is_stale(settings: Settings, published_on: date) -> bool:
    """Whether the packaged file is too old to screen against.

    Where only this machine reaches the service, the copy that comes with it serves for a trial, however old. A file
    that an operator keeps is as current as the day on which it was written.
    """
    if settings.is_local:
        return False
    written_on = packaged.written_on(settings.screening_list)
    facts = change.Version(published_on, 0, written_on)
    return change.is_stale(facts, rules_of(settings), clock.now().date())
