"""What the merchant's pages share: the shop that someone works for, its counters, and days of the scheme."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from uuid import UUID

from merchant.core import clock, errors, money
from merchant.core.access import Role
from merchant.core.texts import _
from merchant.portal.ui.layout import Kind, zone_of
from merchant.portal.ui.screen import View
from merchant.registry.merchants import routes as api
from merchant.registry.merchants.schemas import CounterView, MerchantView
from merchant.registry.merchants.states import Capability, MerchantState, merchant_may

SHOP = frozenset({Kind.SHOP})
# What a state means to the people of the shop, and with which tone. An active one needs no words.
_STATE_SENTENCES = {
    MerchantState.RESTRICTED: (
        "wait",
        _("You can take payments, but add no counters. Your payment provider restricted the shop."),
    ),
    MerchantState.SUSPENDED: (
        "bad",
        _("You cannot take payments now. Your payment provider suspended the shop; ask it why."),
    ),
    MerchantState.CLOSED: ("bad", _("The shop is closed. It takes no payments any more.")),
    MerchantState.BLOCKED: ("bad", _("You cannot take payments. The shop is blocked; ask your payment provider.")),
}


async def shop_of(view: View) -> MerchantView:
    """The shop of who looks; of someone who is bound to a counter, with that counter only. Raises NotFound."""
    if view.actor.merchant_id is None:
        raise errors.NotFound
    found: MerchantView = (await view.ask(api.read_merchant, path={"merchant_id": view.actor.merchant_id})).view
    return found


def open_counters(shop: MerchantView) -> Sequence[CounterView]:
    """The counters that are not closed."""
    return [one for one in shop.counters if one.closed_at is None]


def counter_names(shop: MerchantView) -> dict[UUID, str]:
    """What each counter is called, closed ones too."""
    return {one.id: one.name for one in shop.counters}


def takes_payments(shop: MerchantView) -> bool:
    """Whether the shop may take payments now."""
    return merchant_may(shop.state, Capability.TAKE_PAYMENT)


def state_in_words(shop: MerchantView) -> tuple[str, str] | None:
    """A tone and a sentence about the state of a shop; None where there is nothing to say."""
    return _STATE_SENTENCES.get(shop.state)


def why_stopped(shop: MerchantView) -> str | None:
    """The sentence about the state of a shop, where there is one."""
    said = state_in_words(shop)
    return said[1] if said else None


def is_owner(view: View) -> bool:
    """Whether who looks owns the shop."""
    return Role.MERCHANT_OWNER in view.actor.roles


def today(view: View) -> date:
    """The day that it is in the scheme's time zone."""
    return clock.now().astimezone(zone_of(view.scheme)).date()


def between(view: View, first: date, last: date) -> dict[str, str]:
    """The filters of a list for some days, the last one included."""
    zone = zone_of(view.scheme)
    starts = [datetime.combine(day, time(), zone) for day in (first, last + timedelta(days=1))]
    return dict(zip(("from", "to"), map(clock.rfc3339, starts), strict=True))


def read_day(text: str, otherwise: date) -> date:
    """A day as an address names it, or another one where it names none."""
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return otherwise


def shown(minor: int, currency: str, view: View) -> str:
    """Money in the page's language."""
    return money.display(money.Money(minor, currency), view.spoken.language)
