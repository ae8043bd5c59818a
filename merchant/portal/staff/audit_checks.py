"""The check of the audit record: whether every entry still fits the one before, chain by chain."""

from typing import Any
from uuid import UUID

from markupsafe import Markup

from merchant.core.access import Permission as P
from merchant.core.texts import _
from merchant.people import audit_check_routes as api
from merchant.people import routes as people_api
from merchant.people.audit_check_routes import AuditCheckView, ChainView
from merchant.portal.staff.audit import TABS
from merchant.portal.ui.fields import Field
from merchant.portal.ui.layout import Kind
from merchant.portal.ui.lists import Column, Empty, Listing, badge, instant, text
from merchant.portal.ui.markup import fill
from merchant.portal.ui.pages import Page
from merchant.portal.ui.screen import STAFF, View, screen, show

_PAGE = f"{__package__}/audit_check.html"
_HERE = "/audit/chain"
_OLDER = 10


def _name(view: View, row: ChainView) -> Markup | str:
    if row.dfsp_id is None:
        return view.spoken.say(_("The hub"))
    return fill("<bdi>{}</bdi>", row.name or view.spoken.say(_("A DFSP that is no longer known")))


def _result(view: View, row: ChainView) -> Markup | str:
    shown = badge(view, "chain", "intact" if row.intact else "broken")
    if row.intact:
        return shown
    told = view.spoken.say(_("Entry {number}: {problem}.", number=row.broken_seq, problem=row.problem))
    return fill("{} {}", shown, told)


_CHAINS = Listing(
    title=_("Chains"),
    handler=api.list_audit_checks,
    columns=(
        Column(_("Whose"), _name, main=True),
        Column(_("Result"), _result),
        Column(_("Entries that fit"), text("entries"), numeric=True),
        Column(_("Since"), instant("since")),
    ),
    empty=Empty(_("No chain yet"), _("Chains appear here as they are gone through.")),
)


def _outcome(view: View, row: AuditCheckView) -> Markup:
    if row.intact is None:
        return badge(view, "import", row.state)
    return badge(view, "chain", "intact" if row.intact else "broken")


_CHECKS = Listing(
    title=_("Earlier checks"),
    handler=api.list_audit_checks,
    href=lambda row: f"{_HERE}/{row.id}",
    columns=(
        Column(_("Ordered"), instant("created_at"), main=True),
        Column(_("Result"), _outcome),
        Column(_("Entries"), text("done"), numeric=True),
    ),
    empty=Empty(_("Nothing checked yet"), _("Order a check; it runs in the background.")),
)


@screen("GET", _HERE, permission=P.AUDIT_READ, kinds=STAFF)
async def audit_chain(view: View) -> Page:
    """The newest check, the ones before, and a form that orders one."""
    rows = (await view.ask(api.list_audit_checks, query={"limit": str(_OLDER)})).view
    return await _page(view, rows[0] if rows else None, rows[1:])


@screen("GET", f"{_HERE}/{{check_id}}", permission=P.AUDIT_READ, kinds=STAFF)
async def audit_check(view: View, check_id: UUID) -> Page:
    """One check."""
    return await _page(view, (await view.ask(api.read_audit_check, path={"check_id": check_id})).view, ())


@screen("POST", _HERE, permission=P.AUDIT_READ, kinds=STAFF)
async def order_check(view: View) -> Page:
    """Order a check of all chains, or of one DFSP's."""
    return await view.act(
        api.order_audit_check,
        fields=await _fields(view),
        to=_HERE,
        done=_("The check is ordered; it runs in the background."),
        again=lambda: show(audit_chain, view),
    )


async def _fields(view: View) -> list[Field]:
    """For the hub's staff, whose chain to check."""
    if view.kind != Kind.HUB or not view.may(P.DFSPS_READ):
        return []
    dfsps = [(str(one.id), one.name) for one in await view.all_of(people_api.list_dfsps)]
    return [Field("dfsp_id", _("Whose chain"), "choice", _("None chosen: all chains."), choices=dfsps)]


async def _page(view: View, newest: AuditCheckView | None, older: Any) -> Page:
    is_moving = newest is not None and newest.finished_at is None
    return view.page(
        _PAGE,
        tabs=TABS,
        tab=_HERE,
        one=newest,
        older=older,
        chains=_CHAINS,
        checks=_CHECKS,
        fields=await _fields(view),
        under_way=is_moving,
        percent=0 if newest is None or not newest.total else min(100, newest.done * 100 // newest.total),
        here=view.request.url.path if view.request.method == "GET" else _HERE,
    )


ROUTES = [audit_chain, audit_check, order_check]
