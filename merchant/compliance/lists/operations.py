"""Putting a version of a list in force. Every act is audited.

A published list counts at once when it passes the rules of kyb.lists.change: nobody can check 20,000 entries by eye,
and a day's delay would clear who was listed. A private list is proposed, and counts when a second person of the hub
confirms it: its entries were written here. `_enter_into_force` is the one place where a version begins to count.
"""

from uuid import UUID

from msgspec import Struct

import kyb
from kyb.lists import change
from kyb.lists.blocklist import Blocklist
from merchant.compliance.lists import content, packaged, queries
from merchant.compliance.lists.content import ReadList
from merchant.compliance.lists.models import ListVersion
from merchant.compliance.lists.problems import ListProposedByYou, ListPutMeanwhile, NoListInForce
from merchant.compliance.lists.queries import Version
from merchant.compliance.lists.states import ListState, check_move
from merchant.core import audit, clock, errors, ids, outbox
from merchant.core.access import Actor
from merchant.core.db import Tx
from merchant.core.locks import take_turn
from merchant.core.service import Service

RESCREEN_TOPIC = "compliance.rescreen"  # who lives is compared with what a new version brings
_MOVE = "UPDATE list_version SET state = $2 WHERE id = $1"
_CONFIRM = "UPDATE list_version SET state = $2, confirmed_by = $3, confirmed_at = $4 WHERE id = $1"
_CHECK = "UPDATE list_version SET checked_at = $2 WHERE id = $1"
_WAITING = "SELECT id FROM list_version WHERE source = $1 AND state = $2"


class Prepared(Struct, frozen=True):
    """A list that was read and compared with the version in force, ready to be put."""

    read: ReadList
    packed: bytes
    before: Version | None
    found: kyb.Change
    problem: change.ListProblem | None


async def prepare_list(service: Service, form: str, file: bytes) -> Prepared:
    """Read a file and hold it against the version in force: seconds of work, so outside any transaction.

    Raises kyb.BadList.
    """
    today = clock.now().date()
    read = await content.read_list(service.vault, form, file, today)
    async with service.db.system_reads() as tx:
        before = await queries.in_force(tx, read.source)
        older = await content.load_list(tx, service.vault, before.kept()) if before is not None else None
    facts = before.facts() if before is not None else None
    entries = older.entries if older is not None else ()
    if before is None and form == "un" and (shipped := _packaged(service)) is not None:
        facts, entries = change.Version(shipped.published_on, len(shipped.entries)), shipped.entries
    new = change.Version(read.published_on, len(read.entries))
    # A private list may lose any of its entries: a second person looks at it.
    problems = change.problems_of(
        new, None if content.is_private(form) else facts, queries.rules_of(service.settings), today
    )
    packed = await content.pack(read.content)
    found = change.difference(entries, read.entries)
    return Prepared(read, packed, before, found, problems[0] if problems else None)


def _packaged(service: Service) -> kyb.ScreeningList | None:
    """The packaged list, which a first version of the UN's list is held against."""
    try:
        return packaged.screening_list(service.settings.screening_list)
    except (OSError, EOFError, ValueError):
        return None


async def put_list(tx: Tx, service: Service, actor: Actor, prepared: Prepared) -> Version:
    """Keep a version: in force, proposed where the list is private, or refused with its problem.

    The same bytes as those in force are no new version; they say that it is still the current one. Raises
    ListPutMeanwhile.
    """
    read = prepared.read
    await take_turn(tx, f"list:{read.source}")
    before = await queries.in_force(tx, read.source)
    if (before and before.id) != (prepared.before and prepared.before.id):
        raise ListPutMeanwhile
    if before is not None and before.sha256 == read.sha256:
        return await _see_current(tx, actor, before)
    version = _new_version(prepared, actor)
    tx.session.add(version)
    await tx.flush()
    if prepared.problem is None:
        await _withdraw_proposals(tx, version)
        await content.write_chunks(tx, service.vault, version.id, read.form, prepared.packed)
        if not content.is_private(read.form):
            await _enter_into_force(tx, before, version.id)
    put = await _one(tx, version.id)
    await _audit(tx, actor, f"list.{put.state}", put.id, put.source, sha256=put.sha256, problem=put.problem)
    return put


def _new_version(prepared: Prepared, actor: Actor) -> ListVersion:
    read, found = prepared.read, prepared.found
    return ListVersion(
        id=ids.uuid7(),
        source=read.source,
        form=read.form,
        state=ListState.REFUSED if prepared.problem is not None else ListState.PROPOSED,
        sha256=read.sha256,
        published_on=read.published_on,
        entry_count=len(read.entries),
        added_count=len(found.added),
        removed_count=len(found.removed),
        changed_count=len(found.changed),
        problem=prepared.problem.code if prepared.problem is not None else None,
        replaces=prepared.before.id if prepared.before is not None else None,
        put_by=actor.id,
    )


async def confirm_list(tx: Tx, actor: Actor, version_id: UUID) -> Version:
    """Put a private list in force that someone else proposed. Raises NotFound, ListProposedByYou, WrongState."""
    found = await queries.find_version(tx, version_id)
    if found is None:
        raise errors.NotFound
    await take_turn(tx, f"list:{found.source}")
    found = await _one(tx, version_id)
    if found.put_by == actor.id:
        raise ListProposedByYou
    check_move(found.state, ListState.IN_FORCE)
    before = await queries.in_force(tx, found.source)
    await _enter_into_force(tx, before, found.id)
    await tx.execute(_CONFIRM, found.id, ListState.IN_FORCE, actor.id, clock.now())
    await _audit(tx, actor, "list.confirmed", found.id, found.source, sha256=found.sha256)
    return await _one(tx, found.id)


async def check_current(tx: Tx, actor: Actor, source: str) -> Version:
    """Say that the version in force is still the publisher's current one. Raises NoListInForce."""
    await take_turn(tx, f"list:{source}")
    before = await queries.in_force(tx, source)
    if before is None:
        raise NoListInForce
    return await _see_current(tx, actor, before)


async def _see_current(tx: Tx, actor: Actor, version: Version) -> Version:
    await tx.execute(_CHECK, version.id, clock.now())
    await _audit(tx, actor, "list.still_current", version.id, version.source, sha256=version.sha256)
    return await _one(tx, version.id)


async def _enter_into_force(tx: Tx, before: Version | None, version_id: UUID) -> None:
    """From here on a version counts, and the one before does not. Who is to be screened again begins here."""
    if before is not None:
        check_move(before.state, ListState.SUPERSEDED)
        await tx.execute(_MOVE, before.id, ListState.SUPERSEDED)
    await tx.execute(_MOVE, version_id, ListState.IN_FORCE)
    await outbox.add(tx, RESCREEN_TOPIC, {"version_id": version_id}, dfsp_id=None)


async def _withdraw_proposals(tx: Tx, version: ListVersion) -> None:
    """A new proposal takes the place of those before, so that two people confirm the same thing."""
    for row in await tx.fetch(_WAITING, version.source, ListState.PROPOSED):
        if row["id"] != version.id:
            await tx.execute(_MOVE, row["id"], ListState.SUPERSEDED)


async def changed_entries(service: Service, version: Version) -> tuple[kyb.ListEntry, ...]:
    """The entries of a version that are new or changed since the one it replaced: what to screen everybody against.

    Empty for a block list (changed_blocklist). Raises kyb.BadList when the bytes of either are damaged.
    """
    if version.form == content.BLOCKLIST_FORM:
        return ()
    async with service.db.system_reads() as tx:
        new = await content.load_list(tx, service.vault, version.kept())
        replaced = await queries.find_version(tx, version.replaces) if version.replaces is not None else None
        old = await content.load_list(tx, service.vault, replaced.kept()) if replaced is not None else None
    entries = old.entries if old is not None else ()
    if old is None and version.form == "un" and (shipped := _packaged(service)) is not None:
        entries = shipped.entries
    assert new.screened is not None
    return kyb.changed_entries(entries, new.screened.entries)


async def changed_blocklist(service: Service, version: Version) -> Blocklist | None:
    """The entries of a version of the block list that are new or changed since the one it replaced; None of others.

    Raises kyb.BadList when the bytes of either are damaged.
    """
    if version.form != content.BLOCKLIST_FORM:
        return None
    async with service.db.system_reads() as tx:
        new = await content.load_list(tx, service.vault, version.kept())
        replaced = await queries.find_version(tx, version.replaces) if version.replaces is not None else None
        old = await content.load_list(tx, service.vault, replaced.kept()) if replaced is not None else None
    assert new.blocked is not None
    before = old.blocked.entries if old is not None and old.blocked is not None else ()
    entries = kyb.changed_entries(before, new.blocked.entries)
    return Blocklist(version.published_on, version.sha256, entries) if entries else None


async def _one(tx: Tx, version_id: UUID) -> Version:
    found = await queries.find_version(tx, version_id)
    assert found is not None, "it was just written or locked"
    return found


async def _audit(tx: Tx, actor: Actor, action: str, version_id: UUID, source: str, **detail: str | None) -> None:
    told = {name: value for name, value in detail.items() if value is not None}
    await audit.record(tx, actor, action, "list", version_id, dfsp_id=None, source=source, **told)
