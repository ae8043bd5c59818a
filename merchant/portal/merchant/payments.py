"""The payments of a shop: those of a day, a week or a month, found by anything one knows, and each of them."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from merchant.core import errors
from merchant.core.access import Permission as P
from merchant.core.http.declared import SORT
from merchant.core.http.exports import FORMAT, FORMATS
from merchant.core.texts import _
from merchant.payments import finding_routes, finding_schemas
from merchant.payments import routes as api
from merchant.payments.states import may_be_asked_again
from merchant.portal.merchant.shop import SHOP, between, open_counters, shop_of, today
from merchant.portal.merchant.waiting import SAID
from merchant.portal.refunds import acts as refunds
from merchant.portal.ui.lists import ORDERS_IN_WORDS
from merchant.portal.ui.pages import Page
from merchant.portal.ui.screen import View, link, screen

_LIST, _DETAIL = (f"{__package__}/{name}.html" for name in ("payments", "payment"))
_PERIODS = {"today": _("Today"), "yesterday": _("Yesterday"), "week": _("7 days"), "month": _("30 days")}
_LIMIT = "25"


@screen("GET", "/shop/payments", permission=P.PAYMENTS_READ, kinds=SHOP)
async def payments(view: View) -> Page:
    """The payments of some days, newest first unless asked otherwise; or what a search finds."""
    shop = await shop_of(view)
    words = view.query.get("q", "").strip()
    period = view.query.get("days", "today")
    first, last = _days(view, period)
    counter, sort = view.query.get("counter_id", ""), view.query.get(SORT, "")
    ordered = {SORT: sort} if sort else {}
    query = between(view, first, last) | ({"counter_id": counter} if counter else {})
    kept = {"days": period, "counter_id": counter, SORT: sort}
    rows, following, refused = [], None, ""
    try:
        if words:
            rows = (await view.ask(finding_routes.search_payments, query={"q": words})).view
        else:
            paged = query | {"limit": _LIMIT} | ordered | _cursor(view)
            told = await view.ask(api.list_payments, query=paged)
            rows, following = told.view, told.next_cursor
    except (errors.InvalidFilter, errors.InvalidPage) as error:
        refused = error.detail
    return view.page(
        _LIST,
        status=422 if refused else 200,
        shop=shop,
        counters=open_counters(shop),
        periods=[(name, label, link("/shop/payments", **(kept | {"days": name}))) for name, label in _PERIODS.items()],
        period="" if words else period,
        counter=counter,
        words=words,
        rows=rows,
        refused=refused,
        can_ask_again=lambda row: _can_ask_again(view, row),
        sort=sort,
        sorts=ORDERS_IN_WORDS,
        following=link("/shop/payments", **kept, cursor=following) if following else None,
        first=link("/shop/payments", **kept) if _cursor(view) else None,
        exports=() if words or refused else exports_of(query | ordered),
    )


def _can_ask_again(view: View, row: finding_schemas.FoundPayment) -> bool:
    """Whether a row of the search may be asked again by a press; one that was taken back, only on its own page."""
    if row.request_id is None or row.payment_id is not None:
        return False
    said = SAID[row.state]
    is_known_unpaid = said.is_moving or said.lacks_money
    return is_known_unpaid and may_be_asked_again(row.state) and view.may(P.PAYMENTS_REQUEST)


def _days(view: View, period: str) -> tuple[date, date]:
    """The first and the last day of a period."""
    now = today(view)
    if period == "yesterday":
        return now - timedelta(days=1), now - timedelta(days=1)
    return now - timedelta(days={"week": 6, "month": 29}.get(period, 0)), now


def _cursor(view: View) -> dict[str, str]:
    return {"cursor": view.query["cursor"]} if view.query.get("cursor") else {}


def exports_of(query: Mapping[str, str]) -> list[tuple[str, str]]:
    """The same payments as files."""
    return [(kind.upper(), link("/api/v1/payments", **query, **{FORMAT: kind})) for kind in FORMATS]


@screen("GET", "/shop/payments/{payment_id}", permission=P.PAYMENTS_READ, kinds=SHOP)
async def payment(view: View, payment_id: UUID) -> Page:
    """One payment, for a customer who asks about it."""
    told: Any = await view.ask(finding_routes.read_payment, path={"payment_id": payment_id})
    found: finding_schemas.PaymentDetail = told.view
    given_back = await refunds.of_payment(view, payment_id)
    return view.page(_DETAIL, payment=found, receipts=_receipts(view, payment_id), **given_back)


def _receipts(view: View, payment_id: UUID) -> list[tuple[str, str]]:
    """The receipt in the page's language."""
    where = f"/api/v1/payments/{payment_id}/receipt"
    return [(_("Receipt to print"), f"{where}?format=pdf"), (_("Receipt as text"), f"{where}?format=text")]


ROUTES = [payments, payment]
