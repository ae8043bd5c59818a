"""What shoppers reported of codes: a list for staff, who look at the shop and say that they did."""

from typing import Any

from merchant.core.access import Permission as P
from merchant.core.paging import BY_AGE
from merchant.core.texts import _
from merchant.portal.ui.acts import press_screen
from merchant.portal.ui.fields import Field
from merchant.portal.ui.lists import (
    Column,
    Empty,
    Listing,
    instant,
    name_of,
    press,
    said,
    show_list,
    state,
    text,
)
from merchant.portal.ui.pages import Page
from merchant.portal.ui.screen import STAFF, View, screen
from merchant.portal.ui.words import WORDS
from merchant.registry.codes import report_routes as api
from merchant.registry.codes.report_routes import CodeReportView

_HERE = "/merchants/reports-of-codes"


def _deed(view: View, row: CodeReportView) -> Any:
    """The press that says that somebody has looked, for those who may; else nothing."""
    if row.seen_at is not None or not view.may(P.MERCHANTS_SUSPEND):
        return ""
    return press(view, f"{_HERE}/{row.id}/seen", _("Looked at"), "check")


_LIST = Listing(
    title=_("Reports of codes"),
    intro=_("What shoppers say is wrong with a code. Anyone may report: look at the shop before you act."),
    handler=api.list_code_reports,
    crumb=("/merchants", _("Merchants")),
    href=lambda row: f"/merchants/{row.merchant_id}",
    columns=(
        Column(_("Merchant"), name_of("merchant_name"), main=True),
        Column(_("Counter"), name_of("counter_name")),
        Column(_("What is wrong"), said("code_reason", "reason")),
        Column(_("In their words"), name_of("text")),
        Column(_("Sticker"), text("sticker")),
        Column(_("At"), instant("at"), sorts=BY_AGE),
        Column(_("State"), state("code_report")),
        Column(_("Do"), _deed),
    ),
    filters=(
        Field("state", _("State"), "choice", choices=[(one, word.text) for one, word in WORDS["code_report"].items()]),
        Field("from", _("From"), "date"),
        Field("to", _("To"), "date"),
    ),
    empty=Empty(
        _("No reports"),
        _("A shopper who finds another name behind a code, or a sticker pasted over, can report it on the page."),
    ),
)


@screen("GET", _HERE, permission=P.MERCHANTS_READ, kinds=STAFF)
async def code_reports(view: View) -> Page:
    """Reports, newest first."""
    return await show_list(view, _LIST)


_SEEN = press_screen(
    f"{_HERE}/{{report_id}}/seen",
    api.see_code_report,
    code_reports,
    _("Noted that somebody has looked."),
    kinds=STAFF,
    from_several=True,
)
ROUTES = [code_reports, _SEEN]
