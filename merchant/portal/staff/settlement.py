"""The settlement statement of a day: what is owed to each merchant, to look at, to print and sign, and to compare."""

from collections.abc import Callable
from typing import Any

from markupsafe import Markup
from msgspec.structs import replace

from merchant.core.access import Permission as P
from merchant.core.paging import BY_AGE
from merchant.core.texts import _
from merchant.exchange.reports import routes as api
from merchant.exchange.reports.schemas import MerchantSettlement, SettledPayment
from merchant.portal.staff.named import merchant_cell, own_dfsp_name
from merchant.portal.staff.reports import ROWS_SHOWN, TABS, around, day_chosen, whose
from merchant.portal.ui.fields import Field
from merchant.portal.ui.figures import answered, files_of, row_amount, row_net, row_refunded, tabs_for, today
from merchant.portal.ui.lists import Column, Empty, Listing, instant, name_of, show_list, text
from merchant.portal.ui.markup import breakable, fill
from merchant.portal.ui.pages import Page, grouped
from merchant.portal.ui.screen import STAFF, View, link, screen

_STATEMENT, _PAYMENTS = (f"{__package__}/{name}.html" for name in ("settlement", "settled"))
_HERE = "/reports/settlement"
_NUMBERS_SHOWN = 3


def _numbers(_view: View, row: MerchantSettlement) -> Markup:
    shown = [fill('<bdi class="nowrap">{}</bdi>', grouped(one)) for one in row.numbers[:_NUMBERS_SHOWN]]
    more = len(row.numbers) - _NUMBERS_SHOWN
    return Markup(", ").join(shown) + (f" +{more}" if more > 0 else "")


_TABLE = Listing(
    title=_("Owed to each merchant"),
    handler=api.list_settlement,
    columns=(
        Column(_("Merchant"), name_of("merchant_name"), main=True),
        Column(_("Numbers"), _numbers),
        Column(_("Account"), name_of("settlement_account")),
        Column(_("Payments"), text("count"), numeric=True),
        Column(_("Amount"), row_amount, numeric=True),
        Column(_("Given back"), row_refunded, numeric=True),
        Column(_("After refunds"), row_net, numeric=True),
        Column(_("Late"), text("late"), numeric=True),
        Column(_("Unconfirmed"), text("unconfirmed"), numeric=True),
    ),
    empty=Empty(_("Nothing is owed for this day"), _("Choose another day.")),
)


@screen("GET", _HERE, permission=P.PAYMENTS_READ, kinds=STAFF)
async def settlement(view: View) -> Page:
    """The statement of a day: the totals, and a row a merchant that leads to its payments."""
    chosen, day = await whose(view), day_chosen(view)
    query = {name: text for name, text in chosen.query.items() if name == "dfsp_id"}
    asked = {**query, "date": day.isoformat()}
    told = await answered(view, api.list_settlement, query=asked)
    totals = await answered(view, api.list_settlement_totals, query=asked)
    rows = told.found or []
    before, after = around(_HERE, day, today(view), query)
    dfsp = dict(chosen.dfsps).get(query.get("dfsp_id", "")) or await own_dfsp_name(view)
    return view.page(
        _STATEMENT,
        tabs=tabs_for(view, TABS),
        here=_HERE,
        chosen=chosen,
        day=day,
        before=before,
        after=after,
        dfsp=dfsp,
        told=told,
        totals=totals,
        listing=replace(
            _TABLE, href=lambda row: link(f"{_HERE}/payments", merchant_id=row.merchant_id, date=day, **query)
        ),
        rows=rows[:ROWS_SHOWN],
        count=len(rows),
        exports=files_of(api.list_settlement, asked),
        payments=link(f"{_HERE}/payments", **asked),
    )


def _late(view: View, row: SettledPayment) -> str:
    return view.spoken.say(_("late")) if row.late else "–"


def _hub_id(name: str) -> Callable[[View, Any], Markup]:
    """An id of the hub's, which may be long."""
    return lambda _view, row: fill('<span class="mono">{}</span>', breakable(getattr(row, name)))


_ONE_BY_ONE = Listing(
    title=_("Payments of the statement"),
    intro=_("Under the ids by which the hub settles them."),
    handler=api.list_settled_payments,
    crumb=(_HERE, _("Settlement")),
    href=lambda row: f"/payments/{row.id}",
    columns=(
        Column(_("Received"), instant("received_at"), main=True, sorts=BY_AGE),
        Column(_("Merchant"), merchant_cell),
        Column(_("Amount"), row_amount, numeric=True),
        Column(_("Payer’s DFSP"), text("payer_fsp_id")),
        Column(_("Transfer at the hub"), _hub_id("transfer_id")),
        Column(_("Late"), _late),
    ),
    filters=(Field("date", _("Day"), "date"), Field("merchant_id", "", "hidden"), Field("dfsp_id", "", "hidden")),
    empty=Empty(_("No payment on this day"), _("Choose another day.")),
)


@screen("GET", f"{_HERE}/payments", permission=P.PAYMENTS_READ, kinds=STAFF)
async def settled_payments(view: View) -> Page:
    """The payments of a statement one by one, to compare with the hub's."""
    day = day_chosen(view)
    crumb = (link(_HERE, date=day, dfsp_id=view.query.get("dfsp_id")), _("Settlement"))
    return await show_list(
        view, replace(_ONE_BY_ONE, crumb=crumb), template=_PAYMENTS, day=day, chosen_merchant=await whose(view)
    )


ROUTES = [settlement, settled_payments]
