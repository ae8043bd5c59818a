"""Closing the day, and the statement of a month: totals to compare with the drawer, to print and to take along."""

from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta

from merchant.core import texts
from merchant.core.access import Permission as P
from merchant.portal.merchant import takings
from merchant.portal.merchant.payments import exports_of
from merchant.portal.merchant.shop import SHOP, between, read_day, shop_of, shown, today
from merchant.portal.ui.pages import Page
from merchant.portal.ui.screen import View, link, screen

_DAY, _STATEMENT = (f"{__package__}/{name}.html" for name in ("day", "statement"))
_EARLIEST = date(2020, 1, 1)  # no installation is older; an address may name any year


@screen("GET", "/shop/day", permission=P.PAYMENTS_READ, kinds=SHOP)
async def day(view: View) -> Page:
    """What each counter took on a day, from the first payment to the last."""
    shop, now = await shop_of(view), today(view)
    chosen = max(min(read_day(view.query.get("date", ""), now), now), _EARLIEST)
    rows = await takings.of_day(view, chosen)
    taken = takings.summed(rows)
    return view.page(
        _DAY,
        shop=shop,
        day=chosen,
        is_today=chosen == now,
        totals=[shown(minor, currency, view) for currency, minor in taken.minor.items()],
        given_back=takings.given_back(taken, view),
        rows=rows,
        before=link("/shop/day", date=chosen - timedelta(days=1)),
        after=link("/shop/day", date=chosen + timedelta(days=1)) if chosen < now else None,
        exports=exports_of(between(view, chosen, chosen)),
    )


@screen("GET", "/shop/statement", permission=P.PAYMENTS_READ, kinds=SHOP)
async def statement(view: View) -> Page:
    """What was taken day by day in a month."""
    shop, now = await shop_of(view), today(view)
    chosen = max(min(read_day(view.query.get("month", "") + "-01", now), now), _EARLIEST).replace(day=1)
    last = chosen.replace(day=monthrange(chosen.year, chosen.month)[1])
    rows = await takings.by_day(view, chosen, last)
    taken = takings.summed(rows)
    following = last + timedelta(days=1)
    return view.page(
        _STATEMENT,
        shop=shop,
        month_name=_month_name(chosen, view.spoken.language),
        totals=[shown(minor, currency, view) for currency, minor in taken.minor.items()],
        given_back=takings.given_back(taken, view),
        rows=rows,
        before=link("/shop/statement", month=f"{chosen - timedelta(days=1):%Y-%m}"),
        after=link("/shop/statement", month=f"{following:%Y-%m}") if following <= now else None,
        exports=exports_of(between(view, chosen, last)),
    )


def _month_name(first: date, language: str) -> str:
    """`November 2026`."""
    if language == texts.SOURCE_LANGUAGE:
        return f"{first:%B %Y}"
    from babel.dates import format_skeleton  # 20 ms, which English pages never need

    return format_skeleton("yMMMM", datetime.combine(first, time(tzinfo=UTC)), locale=texts.locale_of(language))


ROUTES = [day, statement]
