"""Reports on money: what was taken on a day and day by day. Settlement is settlement.py's, decisions decisions.py's."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from markupsafe import Markup
from msgspec import Struct

from merchant.core.access import Permission as P
from merchant.core.texts import _
from merchant.exchange.reports import routes as api
from merchant.exchange.reports import staff_routes as staff_api
from merchant.exchange.reports.asked import FIRST_DAY, LAST_DAY
from merchant.exchange.reports.schemas import DailyTakings, TakingsOfHour
from merchant.portal.staff.merchant_charts import merchant_charts
from merchant.portal.staff.merchant_tabs import merchant_path, merchant_tabs
from merchant.portal.staff.named import dfsps_named
from merchant.portal.ui.charts import Bar
from merchant.portal.ui.figures import Answered, answered, files_of, row_amount, row_net, row_refunded, tabs_for, today
from merchant.portal.ui.lists import Column, Empty, Listing, instant, name_of, text
from merchant.portal.ui.markup import fill
from merchant.portal.ui.pages import Page, grouped
from merchant.portal.ui.screen import STAFF, View, link, screen
from merchant.portal.ui.when import tell_day
from merchant.registry.merchants import routes as merchants_api
from merchant.registry.merchants.schemas import MerchantView

_OVERVIEW, _DAILY, _TAKINGS, _MERCHANTS = (
    f"{__package__}/{name}.html" for name in ("reports", "daily", "takings", "report_merchants")
)
TABS = (
    ("/reports", _("Overview"), None),
    ("/reports/daily", _("Daily totals"), P.PAYMENTS_READ),
    ("/reports/takings", _("Takings"), P.PAYMENTS_READ),
    ("/reports/settlement", _("Settlement"), P.PAYMENTS_READ),
    ("/reports/decisions", _("Decisions"), P.APPLICATIONS_READ),
    ("/reports/merchants", _("Merchants"), P.MERCHANTS_READ),
)
ROWS_SHOWN = 500  # of a report on one page; its file has them all
_FOUND_MOST = 12  # merchants to choose from
_SPANS = (7, 30, 92)


class Total(Struct, frozen=True):
    """A sum of one currency."""

    currency: str
    count: int
    amount: str
    refunds: int = 0
    refunded: str = "0"
    net: str = "0"


def totals_of(rows: Sequence[Any]) -> list[Total]:
    """The sums of some rows of takings, by currency."""
    sums: dict[str, list[Any]] = {}
    for row in rows:
        total = sums.setdefault(row.currency, [0, Decimal(0), 0, Decimal(0)])
        for place, value in enumerate((row.count, Decimal(row.amount), row.refunds, Decimal(row.refunded))):
            total[place] += value
    return [
        Total(currency, count, str(amount), refunds, str(refunded), str(amount - refunded))
        for currency, (count, amount, refunds, refunded) in sorted(sums.items())
    ]


# --- whose, and which days -------------------------------------------------------------------------------------------


class Chosen(Struct, frozen=True):
    """Whose rows a report tells: the query of the API, the merchant by name, and what there is to choose from."""

    query: Mapping[str, str]
    merchant: MerchantView | None = None
    typed: str = ""
    found: Sequence[MerchantView] = ()  # several merchants that fit what was typed
    dfsps: Sequence[tuple[str, str]] = ()

    @property
    def unknown(self) -> bool:
        """Whether no merchant fits what was typed."""
        return bool(self.typed) and self.merchant is None and not self.found


async def whose(view: View) -> Chosen:
    """A merchant by its name or number, or chosen before; of the hub, also a DFSP. Raises NotFound."""
    query: dict[str, str] = {}
    dfsps = await dfsps_named(view)
    if (dfsp_id := view.query.get("dfsp_id", "")) in {one for one, _name in dfsps}:
        query["dfsp_id"] = dfsp_id
    typed = view.query.get("merchant", "").strip()
    if typed and view.may(P.MERCHANTS_READ):
        asked = {"q": typed, "limit": str(_FOUND_MOST)}
        rows: list[MerchantView] = (await view.ask(merchants_api.list_merchants, query=asked)).view
        if len(rows) != 1:
            return Chosen(query, typed=typed, found=rows, dfsps=dfsps)
        return Chosen(query | {"merchant_id": str(rows[0].id)}, rows[0], dfsps=dfsps)
    if merchant_id := view.query.get("merchant_id"):
        read = await view.ask(merchants_api.read_merchant, path={"merchant_id": merchant_id})
        return Chosen(query | {"merchant_id": merchant_id}, read.view, dfsps=dfsps)
    return Chosen(query, dfsps=dfsps)


def day_chosen(view: View, name: str = "date") -> date:
    """The day of the address; today for none, and for what is no day of which a report tells."""
    try:
        day = date.fromisoformat(view.query.get(name, ""))
    except ValueError:
        return today(view)
    return day if FIRST_DAY < day < LAST_DAY else today(view)


def around(path: str, day: date, last: date, query: Mapping[str, str]) -> tuple[str, str | None]:
    """The pages of the day before and of the day after, which is none after today."""
    before, after = day - timedelta(days=1), day + timedelta(days=1)
    return link(path, date=before, **query), link(path, date=after, **query) if after <= last else None


# --- screens ---------------------------------------------------------------------------------------------------------


@screen("GET", "/reports", kinds=STAFF)
async def reports(view: View) -> Page:
    """What reports there are, with the figures of today for those who may see them."""
    day = today(view)
    taken = waiting = Answered()
    if view.may(P.PAYMENTS_READ):
        asked = {"from": (day - timedelta(days=1)).isoformat(), "to": day.isoformat()}
        taken = await answered(view, api.list_takings, query=asked)
    if view.may(P.APPLICATIONS_READ):
        waiting = await answered(view, staff_api.read_decisions)
    rows = taken.found or ()
    return view.page(
        _OVERVIEW,
        tabs=tabs_for(view, TABS),
        taken=taken,
        now=[row for row in rows if row.date == day],
        before=[row for row in rows if row.date != day],
        decisions=waiting,
    )


def _counter(_view: View, row: DailyTakings) -> Markup:
    return fill('<bdi>{}</bdi> <span class="quiet nowrap">{}</span>', row.counter_name, grouped(row.alias))


_DAY_TABLE = Listing(
    title=_("Daily totals"),
    handler=api.list_daily_takings,
    href=lambda row: f"/merchants/{row.merchant_id}",
    columns=(
        Column(_("Merchant"), name_of("merchant_name"), main=True),
        Column(_("Counter"), _counter),
        Column(_("Payments"), text("count"), numeric=True),
        Column(_("Amount"), row_amount, numeric=True),
        Column(_("Given back"), row_refunded, numeric=True),
        Column(_("After refunds"), row_net, numeric=True),
        Column(_("First"), instant("first_at")),
        Column(_("Last"), instant("last_at")),
        Column(_("Open requests"), text("open_requests"), numeric=True),
        Column(_("Unsuccessful"), text("unsuccessful"), numeric=True),
    ),
    empty=Empty(_("Nothing was taken on this day"), _("Choose another day, or another merchant.")),
)


@screen("GET", "/reports/daily", permission=P.PAYMENTS_READ, kinds=STAFF)
async def daily(view: View) -> Page:
    """What each counter took on a day, with the sums."""
    chosen, day = await whose(view), day_chosen(view)
    told = await answered(view, api.list_daily_takings, query={**chosen.query, "date": day.isoformat()})
    rows = told.found or []
    before, after = around("/reports/daily", day, today(view), chosen.query)
    return view.page(
        _DAILY,
        tabs=tabs_for(view, TABS),
        here="/reports/daily",
        chosen=chosen,
        day=day,
        before=before,
        after=after,
        told=told,
        listing=_DAY_TABLE,
        rows=rows[:ROWS_SHOWN],
        count=len(rows),
        totals=totals_of(rows),
        exports=files_of(api.list_daily_takings, {**chosen.query, "date": day}),
    )


@screen("GET", "/reports/takings", permission=P.PAYMENTS_READ, kinds=STAFF)
async def takings(view: View) -> Page:
    """What was taken day by day, and hour by hour beside what is usual."""
    return await show_takings(view, await whose(view), "/reports/takings")


async def show_takings(view: View, chosen: Chosen, here: str, **content: Any) -> Page:
    """The takings of somebody, on a page at `here`."""
    last = today(view)
    typed = view.query.get("days", "")
    days = int(typed) if typed in {str(one) for one in _SPANS} else _SPANS[1]
    query = dict(chosen.query)
    if counter_id := _own_counter(chosen.merchant, view.query.get("counter_id", "")):
        query["counter_id"] = counter_id
    span = {"from": (last - timedelta(days=days - 1)).isoformat(), "to": last.isoformat()}
    day = day_chosen(view)
    by_day = await answered(view, api.list_takings, query=query | span)
    by_hour = await answered(view, api.list_takings_by_hour, query={**query, "date": day.isoformat()})
    kept = query if here == "/reports/takings" else {name: query[name] for name in query if name == "counter_id"}
    before, after = around(here, day, last, {**kept, "days": str(days)})
    return view.page(
        _TAKINGS,
        tabs=tabs_for(view, TABS),
        here=here,
        chosen=chosen,
        counter_id=counter_id,
        spans=[(link(here, **kept, days=one), _("{count} days", count=one)) for one in _SPANS],
        span=link(here, **kept, days=days),
        counters=[(str(one.id), one.name) for one in chosen.merchant.counters] if chosen.merchant else (),
        days=days,
        day=day,
        before=before,
        after=after,
        by_day=by_day,
        day_charts=_day_charts(view, by_day.found or (), last, days),
        by_hour=by_hour,
        usual_known=any(row.usual_amount for row in by_hour.found or ()),
        hour_charts=_hour_charts(by_hour.found or ()),
        day_files=files_of(api.list_takings, query | span),
        hour_files=files_of(api.list_takings_by_hour, {**query, "date": day}),
        **{"merchant": None, "own_tabs": (), **content},
    )


def _own_counter(merchant: MerchantView | None, counter_id: str) -> str:
    """A counter of the address, when it is one of the merchant's."""
    return counter_id if merchant and counter_id in {str(one.id) for one in merchant.counters} else ""


def _day_charts(view: View, rows: Sequence[Any], last: date, days: int) -> list[Any]:
    """By currency: its bars, a day each, the days without takings among them, and its rows."""
    found = []
    every = [last - timedelta(days=back) for back in reversed(range(days))]
    for currency in sorted({row.currency for row in rows}):
        own = {row.date: row for row in rows if row.currency == currency}
        bars = [Bar(_short(view, one), float(own[one].amount) if one in own else 0) for one in every]
        found.append((currency, bars, [own[one] for one in every if one in own], totals_of(list(own.values()))[0]))
    return found


def _short(view: View, day: date) -> str:
    return tell_day(day, view.spoken.language).removesuffix(f" {day.year}")


def _hour_charts(rows: Sequence[TakingsOfHour]) -> list[Any]:
    """By currency: its bars, an hour each, with what is usual within, and its rows."""
    found = []
    for currency in sorted({row.currency for row in rows}):
        own = {row.hour: row for row in rows if row.currency == currency}
        bars = [_hour_bar(hour, own.get(hour)) for hour in range(24)]
        found.append((currency, bars, [own[hour] for hour in sorted(own)]))
    return found


def _hour_bar(hour: int, row: TakingsOfHour | None) -> Bar:
    label = f"{hour:02d}"
    return Bar(label, float(row.amount), float(row.usual_amount or 0)) if row else Bar(label, 0)


@screen("GET", "/reports/merchants", permission=P.MERCHANTS_READ, kinds=STAFF)
async def merchants(view: View) -> Page:
    """How merchants stand: by tier and by place."""
    chosen = await whose(view)
    return view.page(
        _MERCHANTS,
        tabs=tabs_for(view, TABS),
        here="/reports/merchants",
        chosen=chosen,
        **await merchant_charts(view, **{name: text for name, text in chosen.query.items() if name == "dfsp_id"}),
    )


@screen("GET", "/merchants/{merchant_id}/takings", permission=P.PAYMENTS_READ, kinds=STAFF)
async def merchant_takings(view: View, merchant_id: UUID) -> Page:
    """What one merchant takes, on its own page."""
    read = await view.ask(merchants_api.read_merchant, path={"merchant_id": merchant_id})
    chosen = Chosen({"merchant_id": str(merchant_id)}, read.view)
    return await show_takings(
        view,
        chosen,
        merchant_path(merchant_id, "takings"),
        merchant=read.view,
        own_tabs=merchant_tabs(view, merchant_id),
    )


ROUTES = [reports, daily, takings, merchants, merchant_takings]
