"""JSON routes of checks of the audit record: order one, see how far it is and what it found."""

from typing import Literal
from uuid import UUID

import msgspec
from msgspec import Struct

from merchant.core import audit, background, texts
from merchant.core.access import Permission as P
from merchant.core.http import json as web
from merchant.core.http.fields import Instant
from merchant.core.http.route import Call, Listed, route
from merchant.people import audit_checks
from merchant.people.audit_checks import KIND, ChainFound
from merchant.people.models import AuditCheck


class NewAuditCheck(Struct, frozen=True, forbid_unknown_fields=True):
    """What to check: one DFSP's chain, or all that the caller may read."""

    dfsp_id: UUID | None = None


class ChainView(Struct, frozen=True):
    """What a chain showed: how many entries fit, since when it goes, and where and how it is broken.

    `dfsp_id` and `name` are null for the hub's own chain.
    """

    dfsp_id: UUID | None
    name: str | None
    entries: int
    since: Instant | None
    intact: bool
    broken_seq: int | None
    problem: str | None


class AuditCheckView(Struct, frozen=True):
    """A check of the audit record; `done` and `total` count entries. `chains` are those that were gone through.

    `intact` is null until it is done. `anchors` says whether it was held against heads kept outside the database.
    """

    id: UUID
    state: Literal["waiting", "running", "done", "failed"]
    done: int
    total: int
    intact: bool | None
    chains: list[ChainView]
    anchors: Literal["held", "faulty", "none"]
    problem: str | None
    created_at: Instant
    finished_at: Instant | None


def check_view(check: AuditCheck, language: str) -> AuditCheckView:
    """A check as the API shows it, in a language."""
    chains = [_chain(one, language) for one in msgspec.convert(check.found, list[ChainFound])]
    state = background.state_of(check)
    is_intact = all(one.intact for one in chains) and check.anchors != "faulty"
    return AuditCheckView(
        id=check.id,
        state=state,
        done=check.done,
        total=max(check.total, check.done),  # what was written meanwhile is checked too
        intact=is_intact if state == "done" else None,
        chains=chains,
        anchors=msgspec.convert(check.anchors, Literal["held", "faulty", "none"]),
        problem=None if check.problem is None else texts.translate(check.problem, language),
        created_at=web.at(check.created_at),
        finished_at=web.at_or_none(check.finished_at),
    )


def _chain(found: ChainFound, language: str) -> ChainView:
    return ChainView(
        dfsp_id=None if found.chain == audit.HUB_CHAIN else found.chain,
        name=found.name,
        entries=found.entries,
        since=found.since,
        intact=found.problem is None,
        broken_seq=found.broken_seq,
        problem=None if found.problem is None else texts.translate(found.problem, language),
    )


@route(
    "POST",
    "/api/v1/audit/checks",
    permission=P.AUDIT_READ,
    body=NewAuditCheck,
    answer=AuditCheckView,
    status=202,
    raises=(background.TooManyJobs,),
)
async def order_audit_check(call: Call[NewAuditCheck]) -> AuditCheckView:
    """Have the audit record recomputed, as `merchant audit verify` does it: every entry is held against the one before.

    Staff of a DFSP have its own chain checked, staff of the hub all chains, or one DFSP's.
    """
    check = await audit_checks.order_check(call.tx, call.actor, call.body.dfsp_id)
    return check_view(check, web.language_of(call.request))


@route("GET", "/api/v1/audit/checks", permission=P.AUDIT_READ, items=AuditCheckView, paged=True)
async def list_audit_checks(call: Call[None]) -> Listed:
    """List checks of the audit record of the last ninety days, newest first."""
    rows = await background.list_page(call.tx, KIND, call.actor, call.page)
    language = web.language_of(call.request)
    return Listed([check_view(row, language) for row in rows], [row.id for row in rows])


@route("GET", "/api/v1/audit/checks/{check_id}", permission=P.AUDIT_READ, answer=AuditCheckView)
async def read_audit_check(call: Call[None], check_id: UUID) -> AuditCheckView:
    """How far a check of the audit record is, and what it found."""
    return check_view(await background.find(call.tx, KIND, call.actor, check_id), web.language_of(call.request))


ROUTES = [order_audit_check, list_audit_checks, read_audit_check]
