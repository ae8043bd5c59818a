"""Approve several low-risk cases: one page that names each, then one approval after another through the API's route."""

import re
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from msgspec import Struct

from merchant.compliance.cases import routes as cases
from merchant.compliance.cases.desk import routes as api
from merchant.core import errors
from merchant.core.access import Permission as P
from merchant.core.http import json as web
from merchant.core.texts import _
from merchant.portal.review.queue import BULK_BAND, may_join, page_of
from merchant.portal.ui.pages import Page
from merchant.portal.ui.screen import STAFF, View, screen

_CONFIRM, _DONE = f"{__package__}/bulk.html", f"{__package__}/bulk_done.html"
MOST = 25
_CHOSEN = re.compile(r"case\.([0-9a-f-]{36})")
_NOT_SO = _("It is no longer of low risk with nothing left to look at; review it by itself.")
_GONE = _("It no longer waits for a decision.")
_CHANGED = _("It changed since you saw this page; read the new version.")


class Outcome(Struct, frozen=True):
    """What became of one case: approved, waiting for one more person, or why neither."""

    name: str
    href: str
    tone: str
    text: str


@screen("GET", "/applications/bulk", permission=P.APPLICATIONS_DECIDE, kinds=STAFF)
async def confirm(view: View) -> Page:
    """Every case that would be approved, by name."""
    return await _confirm(view, view.query)


@screen("POST", "/applications/bulk", permission=P.APPLICATIONS_DECIDE, kinds=STAFF)
async def approve_all(view: View) -> Page:
    """Approve one after another, each by itself: what one refuses keeps no other back."""
    read = _chosen(view.form)
    if not 0 < len(read) <= MOST:
        return await _confirm(view, view.form)
    waiting = await _waiting(view, read)
    outcomes = [await _approve(view, waiting.get(one), one, read_hash) for one, read_hash in read.items()]
    return view.page(_DONE, outcomes=outcomes, approved=sum(one.tone == "good" for one in outcomes))


async def _confirm(view: View, given: Mapping[str, str]) -> Page:
    chosen = _chosen(given)
    waiting = await _waiting(view, list(chosen)[:MOST])
    rows = [waiting[one] for one in chosen if one in waiting]
    return view.page(
        _CONFIRM,
        status=200 if len(chosen) <= MOST else 422,
        rows=[one for one in rows if may_join(one)],
        left_out=[one for one in rows if not may_join(one)],
        missing=len(list(chosen)[:MOST]) - len(rows),
        too_many=len(chosen) > MOST,
        most=MOST,
        page_of=page_of,
    )


def _chosen(given: Mapping[str, str]) -> dict[UUID, str]:
    """The cases that were chosen, with what their field holds: of the confirmed ones, the version that was read."""
    found = {}
    for name, text in given.items():
        match = _CHOSEN.fullmatch(name)
        if match is not None and text:
            found[web.path_id(match[1])] = text
    return found


async def _waiting(view: View, chosen: Iterable[UUID]) -> dict[UUID, Any]:
    """Those of the chosen cases that wait for a decision and are of low risk, as the queue shows them."""
    found = {}
    for one in chosen:
        try:
            row = (await view.ask(api.read_queued_case, path={"application_id": one})).view
        except errors.NotFound:  # decided meanwhile, or never there
            continue
        if row.risk == BULK_BAND:
            found[one] = row
    return found


async def _approve(view: View, row: Any, case_id: UUID, read_hash: str) -> Outcome:
    say = view.spoken.say
    if row is None:
        return Outcome("–", f"/applications/{case_id}/review", "bad", str(say(_GONE)))
    href = page_of(row)
    if not may_join(row):
        return Outcome(row.trading_name, href, "bad", str(say(_NOT_SO)))
    try:
        path, body = {"application_id": case_id}, {"version_hash": read_hash}
        made = (await view.ask(cases.approve_application, path=path, body=body)).view
    except errors.StaleVersion:
        return Outcome(row.trading_name, href, "bad", str(say(_CHANGED)))
    except errors.MerchantError as refused:
        if refused.status == 401 or refused.status >= 500:
            raise
        web.note_refusal(view.request, refused)
        return Outcome(row.trading_name, href, "bad", str(say(refused.detail)))
    if made.approvals < made.approvals_needed:
        return Outcome(row.trading_name, href, "wait", str(say(_("Your approval is kept; one more person decides."))))
    if row.merchant_id is None and made.merchant_id is not None:
        href = f"/merchants/{made.merchant_id}"
    return Outcome(row.trading_name, href, "good", str(say(_("Approved"))))


ROUTES = [confirm, approve_all]
