"""Hits of a screening, each beside the entry of the list that it is like: what the two say of themselves.

A published list is public, and its entry is shown whole, as the list in use today has it. Of a private one only what
the report holds is shown. Staff of the hub, who see nothing of a case's people, see neither side.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Struct
from sqlmodel import select

import kyb
from kyb.lists.forms import FORMS
from merchant.compliance.cases import answers, sealed_fields
from merchant.compliance.cases.models import Application, ScreeningDecision
from merchant.compliance.cases.queries import frozen_version
from merchant.compliance.lists.current import current_index
from merchant.core import masking
from merchant.core.access import Actor
from merchant.core.db import Reads, Tx
from merchant.core.errors import NotFound
from merchant.core.service import Service

_PRIVATE = frozenset(form.source for form in FORMS.values() if form.is_private)
EntryId = tuple[str, str]  # list, entry


class Compared(Struct, frozen=True):
    """A hit of the version under review: the subject as it was screened, the entry as the list has it now, and what
    was decided. Either side is None where the actor may not see it, or where it is no longer there.
    """

    id: str
    path: str
    hit: kyb.Hit
    subject: kyb.Subject | None
    listed: kyb.ListEntry | None
    list_version: kyb.ListVersion | None
    decision: ScreeningDecision | None


async def compared_hits(tx: Tx, service: Service, actor: Actor, row: Application) -> list[Compared]:
    """The hits of the present version, those that a person must judge first."""
    report = sealed_fields.report_of(tx.vault, row)
    if report is None or not report["hits"]:
        return []
    found = [msgspec.convert(one, _Stored) for one in report["hits"]]
    versions = {one.source: one for one in msgspec.convert(report["list_versions"], list[kyb.ListVersion])}
    decided = await _decided(tx, row)
    subjects: Mapping[str, kyb.Subject] = {}
    entries: Mapping[EntryId, kyb.ListEntry] = {}
    if actor.dfsp_id is not None:
        subjects = {one.path: _masked(one) for one in kyb.subjects_of(await _screened_answers(tx, row))}
        entries = await _entries(service, {(one.hit.list_source, one.hit.entry_id) for one in found})
    compared = [
        Compared(
            id=one.id,
            path=one.path,
            hit=one.hit if actor.dfsp_id is not None else _hidden(one.hit),
            subject=subjects.get(one.path),
            listed=entries.get((one.hit.list_source, one.hit.entry_id)),
            list_version=versions.get(one.hit.list_source),
            decision=decided.get(one.id),
        )
        for one in found
    ]
    return sorted(compared, key=lambda one: (one.hit.set_aside, -one.hit.score))


class _Stored(Struct, frozen=True):
    """A hit as a report holds it."""

    id: str
    path: str
    hit: kyb.Hit


async def _screened_answers(tx: Tx, row: Application) -> kyb.Sections:
    """The answers that were screened: of the frozen version, which the draft of the next one does not change."""
    try:
        sealed = (await frozen_version(tx, row, row.version)).sections_sealed
    except NotFound:
        sealed = row.sections_sealed
    return answers.unseal(tx.vault, row.id, sealed)


async def _decided(tx: Reads, row: Application) -> dict[str, ScreeningDecision]:
    table: Any = ScreeningDecision
    wanted = select(table).where(table.application_id == row.id, table.version == row.version)
    return {one.hit_id: one for one in (await tx.session.exec(wanted)).all()}


def _masked(subject: kyb.Subject) -> kyb.Subject:
    """The subject as staff see it until they open a value."""
    return msgspec.structs.replace(
        subject,
        birth_date=masking.mask_date(subject.birth_date) if subject.birth_date else None,
        identifiers=tuple(
            msgspec.structs.replace(one, number=_shown_number(one.kind, one.number)) for one in subject.identifiers
        ),
    )


def _shown_number(kind: str, number: str) -> str:
    """A register's number and an LEI are public; all others are masked, as everywhere."""
    return number if kind in ("registration", "lei") else masking.mask_number(number)


def _hidden(hit: kyb.Hit) -> kyb.Hit:
    return msgspec.structs.replace(hit, matched_name=masking.HIDDEN, pieces=())


async def _entries(service: Service, wanted: Iterable[EntryId]) -> Mapping[EntryId, kyb.ListEntry]:
    """Entries of the published lists in use. Found in a thread: a list may have two hundred thousand."""
    index = (await current_index(service)).index
    public = {one for one in wanted if one[0] not in _PRIVATE}
    if index is None or not public:
        return {}
    return await asyncio.to_thread(lambda: dict(_found(index, public)))


def _found(index: kyb.ScreeningIndex, wanted: set[EntryId]) -> Iterator[tuple[EntryId, kyb.ListEntry]]:
    for part in index.parts.values():
        for source, entry in part.entries:
            if (source, entry.entry_id) in wanted:
                yield (source, entry.entry_id), entry
