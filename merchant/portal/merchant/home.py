"""The shop's start page: today's takings, what to do next, and what needs the shop."""

from collections.abc import Sequence

import kyb
from merchant.compliance.cases import case_routes
from merchant.core.access import Permission as P
from merchant.core.money import Money, parse_shown
from merchant.core.texts import _
from merchant.payments import limit_routes
from merchant.payments import routes as api
from merchant.payments.limit_routes import MerchantLimits
from merchant.payments.schemas import PaymentRequestView
from merchant.portal.merchant.shop import (
    SHOP,
    open_counters,
    shop_of,
    shown,
    state_in_words,
    takes_payments,
    today,
)
from merchant.portal.merchant.takings import Takings, given_back, of_day, summed
from merchant.portal.merchant.waiting import SAID, can_ask_again
from merchant.portal.ui.layout import zone_of
from merchant.portal.ui.pages import Page
from merchant.portal.ui.screen import View, screen
from merchant.portal.ui.when import as_instant
from merchant.registry.merchants.schemas import MerchantView

_HOME = f"{__package__}/home.html"
_SHOWN = 5
_NEAR_LIMIT = 0.8  # of a limit, from which on the shop is told


@screen("GET", "/shop", permission=P.PAYMENTS_READ, kinds=SHOP)
async def shop_home(view: View) -> Page:
    """Today's takings, big; the two things one does all day; the last payments."""
    shop = await shop_of(view)
    taken = summed(await of_day(view, today(view)))
    payments = (await view.ask(api.list_payments, query={"limit": str(_SHOWN)})).view
    asked = (await view.ask(api.list_payment_requests, query={"limit": str(_SHOWN)})).view
    return view.page(
        _HOME,
        shop=shop,
        counters=open_counters(shop),
        totals=[shown(minor, currency, view) for currency, minor in _totals(shop, taken).items()],
        taken=taken,
        given_back=given_back(taken, view),
        payments=payments,
        waiting=[one for one in asked if _waits(view, one)],
        can_ask_again=can_ask_again,
        takes=takes_payments(shop),
        needs=await _needs(view, shop),
    )


def _waits(view: View, asked: PaymentRequestView) -> bool:
    """Whether a request may still be paid, or ended today without money."""
    day = as_instant(asked.created_at).astimezone(zone_of(view.scheme)).date()
    said = SAID[asked.state]
    return said.is_moving or (said.lacks_money and day == today(view))


def _totals(shop: MerchantView, taken: Takings) -> dict[str, int]:
    """The sums by currency; nothing in the shop's first currency where nothing came yet."""
    return taken.minor or {shop.currencies[0]: 0}


async def _needs(view: View, shop: MerchantView) -> Sequence[tuple[str, str]]:
    """What the shop should know now: a tone and a sentence each."""
    if said := state_in_words(shop):
        return [said]
    if view.actor.counter_id is not None:
        return []  # one counter says nothing of the shop's limits
    found: kyb.Requirements = (
        await view.ask(case_routes.read_merchant_requirements, path={"merchant_id": shop.id})
    ).view
    needs: list[tuple[str, str]] = []
    if found.past_due:
        needs.append(("bad", _("Papers of the shop are overdue, so that payments may stop. See “My shop”.")))
    elif found.currently_due:
        needs.append(("wait", _("Your payment provider asks for papers. See “My shop”.")))
    told: MerchantLimits = (await view.ask(limit_routes.read_merchant_limits, path={"merchant_id": shop.id})).view
    if (reached := _limit_reached(told)) is not None:
        needs.append(reached)
    return needs


def _limit_reached(told: MerchantLimits) -> tuple[str, str] | None:
    """What to say of a limit that is used up, or nearly: it is one over all currencies."""
    limit = told.limit
    if limit is None:
        return None
    today, most = _money(limit.taken_today, limit.currency), _money(limit.per_day, limit.currency)
    month, of_month = _money(limit.taken_this_month, limit.currency), _money(limit.per_month, limit.currency)
    count = limit.payments_today or 0
    if today.minor >= most.minor:
        return "bad", _("The limit of the day is reached: {most}. Payments may be refused until tomorrow.", most=most)
    if count >= limit.payments_per_day:
        return "bad", _(
            "You took {count} payments today, as many as the limit allows. Payments may be refused until tomorrow.",
            count=count,
        )
    if month.minor >= of_month.minor:
        return "bad", _("The limit of the month is reached: {most}. Payments may be refused.", most=of_month)
    fits = _money(told.currencies[0].fits_now, limit.currency)
    if today.minor >= most.minor * _NEAR_LIMIT:
        return "wait", _(
            "You are near the limit of the day: {taken} of {most}. One payment can be {fits} at most now.",
            taken=today,
            most=most,
            fits=fits,
        )
    if month.minor >= of_month.minor * _NEAR_LIMIT:
        return "wait", _(
            "You are near the limit of the month: {taken} of {most}. One payment can be {fits} at most now.",
            taken=month,
            most=of_month,
            fits=fits,
        )
    return None


def _money(text: str | None, currency: str) -> Money:
    return parse_shown(text or "0", currency)


ROUTES = [shop_home]
