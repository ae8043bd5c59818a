"""Screen everybody again when a list changes: the merchants that live against what is new, cases under review anew.

A job goes through the merchants some at a time, in batches that leave their place in the outbox, and compares each with
the entries that were added or changed only. Who is likely listed is restricted at once, in words that tell nothing, and
a review is opened for people to judge; nothing else happens to anybody.
"""

import asyncio
from typing import Any
from uuid import UUID

import structlog
from msgspec import Struct
from sqlmodel import select

import kyb
from kyb.lists.blocklist import Blocklist
from merchant.compliance.cases import answers, apply, doubts, memory, sealed_fields
from merchant.compliance.cases.assess import assess
from merchant.compliance.cases.blocking import lookups
from merchant.compliance.cases.kinds import CaseKind
from merchant.compliance.cases.merchant_cases import LIST_HIT, UNDER_REVIEW, answers_in_force, is_under_review
from merchant.compliance.cases.models import Application
from merchant.compliance.cases.states import ApplicationState, Capability, application_may, move_application
from merchant.compliance.lists import operations
from merchant.compliance.lists import queries as list_queries
from merchant.compliance.lists.current import current_index
from merchant.core import audit, clock, outbox
from merchant.core.access import SERVICE
from merchant.core.db import Tx
from merchant.core.service import Service
from merchant.registry.merchants import lifecycle
from merchant.registry.merchants.models import Merchant
from merchant.registry.merchants.states import LIVE_STATES, MerchantState, may_become, merchant_may
from merchant.registry.merchants.states import Capability as MerchantCapability

RESCREEN_TOPIC = operations.RESCREEN_TOPIC
_BATCH = 100
_NEXT = f"SELECT id FROM merchant WHERE id > $1 AND state IN {LIVE_STATES} ORDER BY id LIMIT $2"  # noqa: S608 - constants
_log = structlog.get_logger()


class Changes(Struct, frozen=True):
    """What a version brought: an index of names and numbers, or entries of the block list."""

    index: kyb.ScreeningIndex | None = None
    blocked: Blocklist | None = None


class Rescreen(Struct, frozen=True):
    """The payload: the version that came into force, and the last merchant that was looked at."""

    version_id: UUID
    after: UUID = UUID(int=0)


async def rescreen_batch(tx: Tx, service: Service, job: Rescreen) -> None:
    """Screen the next merchants against what a version brought, and leave the rest to a next job."""
    changes = await changes_of(service, job.version_id)
    if changes is None:
        return
    rows = await tx.fetch(_NEXT, job.after, _BATCH)
    for row in rows:
        await screen_merchant(tx, service, row["id"], changes)
    if len(rows) == _BATCH:
        following = Rescreen(job.version_id, rows[-1]["id"])
        await outbox.add(tx, RESCREEN_TOPIC, following, dfsp_id=None)


async def changes_of(service: Service, version_id: UUID) -> Changes | None:
    """The entries that a version added or changed; None when there are none."""
    kept = service.shared(_Changes).by_version
    if version_id not in kept:
        kept.clear()
        kept[version_id] = await _read_changes(service, version_id)
    return kept[version_id]


async def _read_changes(service: Service, version_id: UUID) -> Changes | None:
    async with service.db.system_reads() as tx:
        version = await list_queries.find_version(tx, version_id)
    if version is None:
        return None
    blocked = await operations.changed_blocklist(service, version)
    if blocked is not None:
        return Changes(blocked=blocked)
    entries = await operations.changed_entries(service, version)
    if not entries:
        return None
    changes = kyb.ScreeningList(version.source, version.published_on, version.sha256, entries)
    return Changes(await asyncio.to_thread(kyb.build_index, [changes]))


class _Changes:
    """What the version that is being worked off brought."""

    def __init__(self, _service: Service) -> None:
        self.by_version: dict[UUID, Changes | None] = {}


async def screen_merchant(tx: Tx, service: Service, merchant_id: UUID, changes: Changes) -> None:
    """Screen a live merchant's names and numbers; open a review and restrict it when one is like a listed one.

    The block list is no likeness: its entries are one's own, confirmed by two of the hub.
    """
    merchant = await lock_live_merchant(tx, merchant_id)
    if merchant is None:
        return
    sections = await answers_in_force(tx, service.vault, merchant)
    if changes.blocked is not None:
        held = lookups.identifiers(service.vault, sections)
        blocked = [one for one in lookups.listed_among(held, changes.blocked, clock.now()) if one.refuses]
        if blocked:
            _log.error("merchant_block_listed", merchant=str(merchant.id), dfsp=str(merchant.dfsp_id))
            await stop_for_review(tx, service, merchant, sections)
        return
    found = kyb.screen_sections(sections, changes.index)
    hits = [one for one in found.hits if not one.hit.set_aside]
    known = await memory.released(tx, service.vault, merchant.dfsp_id, sections, hits)
    if all((one.path, one.hit.list_source, one.hit.entry_id) in known for one in hits):
        return
    _log.error("merchant_like_a_listed_name", merchant=str(merchant.id), dfsp=str(merchant.dfsp_id), hits=len(hits))
    await stop_for_review(tx, service, merchant, sections)


async def lock_live_merchant(tx: Tx, merchant_id: UUID) -> Merchant | None:
    """A merchant, locked; None of one that ended meanwhile."""
    table: Any = Merchant
    merchant: Merchant = await tx.one(select(table).where(table.id == merchant_id).with_for_update())
    return merchant if merchant_may(merchant.state, MerchantCapability.LIVE) else None


async def stop_for_review(tx: Tx, service: Service, merchant: Merchant, sections: kyb.Sections) -> None:
    """Open a review of a locked merchant and restrict it, in words that tell nothing."""
    await start_review(tx, service, merchant, sections, LIST_HIT)
    if may_become(merchant.state, MerchantState.RESTRICTED):
        await lifecycle.move(tx, SERVICE, merchant, MerchantState.RESTRICTED, UNDER_REVIEW, stopped_for=UNDER_REVIEW)


async def start_review(
    tx: Tx, service: Service, merchant: Merchant, sections: kyb.Sections, trigger: str
) -> Application | None:
    """Open a review by the service itself, submitted and screened; None while one is open."""
    if await is_under_review(tx, merchant.id):
        return None
    case = Application(
        dfsp_id=merchant.dfsp_id,
        merchant_id=merchant.id,
        kind=CaseKind.REVIEW,
        trigger=trigger,
        risk=merchant.risk,
        makers=[SERVICE.id],
        version_hash="",
        sections_sealed=b"",
        trading_name="",
    )
    answers.write(service.vault, case, sections)
    case.submitted_at = case.due_at = clock.now()
    tx.session.add(case)
    move_application(case, ApplicationState.SUBMITTED)
    tx.session.add(apply.version_row(service.vault, case))
    await tx.flush()
    await answers.index_identifiers(tx, service.vault, case, sections)
    await audit.record(
        tx, SERVICE, "case.opened", "case", case.id, dfsp_id=case.dfsp_id, kind=case.kind, merchant_id=str(merchant.id)
    )
    await assess(tx, service, SERVICE, case, "application.screened")
    move_application(case, ApplicationState.IN_REVIEW)
    return case


async def refresh_screening(service: Service, application: Application) -> None:
    """Screen a case under review again when the lists, or what is block-listed, are others than those its report rests
    on; in a transaction of its own, so that what it finds stands although the approval is then refused.
    """
    if not application_may(application.state, Capability.SCREEN_AGAIN):
        return
    now = {(one.source, one.sha256) for one in (await current_index(service)).versions}
    if now == listed_versions(service, application) and await _blocked_as_reported(service, application):
        return
    async with service.db.system() as tx:
        table: Any = Application
        locked = await tx.one(select(table).where(table.id == application.id).with_for_update())
        if application_may(locked.state, Capability.SCREEN_AGAIN):
            await assess(tx, service, SERVICE, locked, "application.screened_again")
            locked.revision += 1


async def _blocked_as_reported(service: Service, application: Application) -> bool:
    """Whether the case's report names just the answers that are block-listed now."""
    sections = answers.unseal(service.vault, application.id, application.sections_sealed)
    report = sealed_fields.report_of(service.vault, application) or {}
    told = {(one["code"], one["path"]) for one in report.get("doubts", ())}
    [found] = await lookups.find_blocked(service, [sections])
    now = {(one.code, one.path) for one in doubts.blocked_doubts(found)}
    return now == {(code, path) for code, path in told if code in doubts.BLOCK_CODES}


def listed_versions(service: Service, application: Application) -> set[tuple[str, str]]:
    """(source, hash) of the lists that a case's report rests on."""
    report = sealed_fields.report_of(service.vault, application) or {}
    return {(one["source"], one["sha256"]) for one in report.get("list_versions", ())}
