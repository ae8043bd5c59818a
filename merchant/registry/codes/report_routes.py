"""JSON routes of shoppers' reports about codes; reports.py keeps them, the shopper's page makes them."""

from uuid import UUID

from msgspec import Struct

from merchant.core.access import Permission as P
from merchant.core.http import json as web
from merchant.core.http.fields import Instant
from merchant.core.http.route import Call, Filter, Listed, route
from merchant.core.paging import BY_AGE
from merchant.registry.codes import reports
from merchant.registry.codes.reports import Reported, ReportReason, ReportState, Sought


class CodeReportView(Struct, frozen=True):
    """What a shopper reported of a code, and whether staff have looked."""

    id: UUID
    state: ReportState
    reason: ReportReason
    text: str | None
    code: str
    sticker: int | None
    merchant_id: UUID
    merchant_name: str
    counter_id: UUID
    counter_name: str
    at: Instant
    seen_at: Instant | None
    seen_by: UUID | None


def report_view(found: Reported) -> CodeReportView:
    """A report."""
    row = found.row
    return CodeReportView(
        id=row.id,
        state=ReportState.OPEN if row.seen_at is None else ReportState.SEEN,
        reason=ReportReason(row.reason),
        text=found.text,
        code=row.code,
        sticker=row.sticker,
        merchant_id=row.merchant_id,
        merchant_name=found.merchant.trading_name,
        counter_id=row.counter_id,
        counter_name=found.counter.name,
        at=web.at(row.at),
        seen_at=web.at_or_none(row.seen_at),
        seen_by=row.seen_by,
    )


_SEEN: dict[str, bool] = {ReportState.OPEN: False, ReportState.SEEN: True}


@route(
    "GET",
    "/api/v1/code-reports",
    permission=P.MERCHANTS_READ,
    items=CodeReportView,
    paged=True,
    sorts=BY_AGE,
    filters=(
        Filter("merchant_id", "Only those about codes of this merchant.", kind="uuid"),
        Filter("state", "Only those that staff have, or have not, looked at.", choices=tuple(ReportState)),
        Filter("from", "Only those at this time or later, RFC 3339.", kind="instant"),
        Filter("to", "Only those before this time, RFC 3339.", kind="instant"),
    ),
)
async def list_code_reports(call: Call[None]) -> Listed:
    """What shoppers reported of codes, newest first: another shop's name, a sticker pasted over, too much asked for.

    Anyone may report, and nobody is asked who they are: a report is a reason to look, and no proof.
    """
    state = call.filters["state"]
    sought = Sought(
        merchant_id=call.filter_id("merchant_id"),
        seen=None if state is None else _SEEN[state],
        since=call.filter_instant("from"),
        until=call.filter_instant("to"),
    )
    rows = await reports.code_reports(call.tx, call.actor, call.page, sought)
    return Listed([report_view(one) for one in rows], [one.row.id for one in rows])


@route(
    "POST",
    "/api/v1/code-reports/{report_id}/seen",
    permission=P.MERCHANTS_SUSPEND,
    answer=CodeReportView,
)
async def see_code_report(call: Call[None], report_id: UUID) -> CodeReportView:
    """Say that somebody has looked at a report: one of those who may stop the merchant. Who said so first stays."""
    return report_view(await reports.see_code_report(call.tx, call.actor, report_id))


ROUTES = [list_code_reports, see_code_report]
