"""The screens on which a shopper pays: the shop's number, the currency, the amount, the confirmation.

`pay` is their only handler with an effect.
"""

import re
from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from ussd.amounts import BadAmount, format_amount, format_limit, parse_amount
from ussd.menu import BACK, EXIT, HOME, End, Go, Move, Option, Screen, Stay, Turn, View
from ussd.naming import named, placed, short_name
from ussd.screens.common import NUMBER, chosen, go
from ussd.session import Answers, ScreenName
from ussd.shopping import MerchantView, OwnRequest, PaymentOrder
from ussd.texts import CATALOGUES, LANGUAGES, Line, say

# Where several requests are for the same payment, the one that most speaks against a further one.
_GRAVEST: Final = ("unknown", "waiting", "late", "paid")
_SET_APART: Final = re.compile(r"[0-9][0-9 .-]*")
_DASHES: Final = str.maketrans("‐‑‒–—−", "------")


# --- the shop --------------------------------------------------------------------------------------------------------


async def show_number(turn: Turn) -> View:
    """Ask for a shop's number; after a step back, show the one that was typed."""
    shop = turn.answers.shop
    return View(say("number.back", number=shop.number) if shop else say("number.ask"))


async def take_number(turn: Turn, text: str) -> Move:
    """Find the shop, and ask what to pay it."""
    found = await find_shop(turn, text)
    if isinstance(found, MerchantView):
        return to_pay(found)
    return End(say("end.goodbye")) if text == EXIT else found


async def find_shop(turn: Turn, text: str, currency: str = "") -> MerchantView | Stay:
    """The shop of a number as people write it, `6527 7634` or `6527-7634`, with the name that may be shown."""
    number = text.translate(_DASHES)
    number = re.sub(r"[ .-]", "", number) if _SET_APART.fullmatch(number) else number.replace(" ", "")
    shop = await turn.backend.find_merchant(number, currency) if NUMBER.fullmatch(number) else None
    if shop is None:
        return Stay(say("number.unknown"))  # without what was typed: it may be a PIN
    return replace(shop, name=short_name(shop.name, shop.number), place=placed(shop.place, shop.number))


def to_pay(shop: MerchantView) -> Move:
    """The next question about a payment to this shop. One that may not take payments is not named."""
    if not shop.open:
        return End(say("refused.closed"))
    return Go("currency" if len(shop.currencies) > 1 else "amount", Answers(shop=shop))


def name_of(shop: MerchantView) -> str | Line:
    """What the shop is called on a screen."""
    return named(shop.name, shop.number)


# --- the currency ----------------------------------------------------------------------------------------------------


async def show_currency(turn: Turn) -> View:
    """Ask in which of its currencies the shop is to be paid."""
    taken = tuple(f"{place} {currency}" for place, currency in enumerate(turn.shop.currencies, start=1))
    return View(say("currency.ask", number=turn.shop.number), taken)


async def take_currency(turn: Turn, text: str) -> Move:
    """Choose the currency by its place or its code."""
    currencies = turn.shop.currencies
    currency = text.upper() if text.upper() in currencies else chosen(text, currencies)
    if isinstance(currency, Stay):
        return currency
    shop = await find_shop(turn, turn.shop.number, currency)
    if isinstance(shop, Stay) or not shop.open:
        return End(say("refused.closed"))
    return Go("amount", replace(turn.answers, shop=replace(shop, currencies=turn.shop.currencies)))


# --- the amount ------------------------------------------------------------------------------------------------------


async def show_amount(turn: Turn) -> View:
    """Name the shop that was found and ask for the amount, in its currency."""
    return View(say("amount.ask", shop=name_of(turn.shop), currency=turn.shop.currency))


async def take_amount(turn: Turn, text: str) -> Move:
    """Read the amount and check it against the shop's limit per payment."""
    shop = turn.shop
    unclear = Stay(say("amount.unclear", example=format_amount(250 * 10**shop.exponent, shop.exponent)))
    try:
        amount_minor = parse_amount(text, shop.exponent, shop.currency)
    except BadAmount:
        return unclear
    if not amount_minor:
        return unclear
    if amount_minor > shop.max_minor:
        return Stay(_limit("payment", shop, shop.max_minor))
    return Go("confirm", replace(turn.answers, amount_minor=amount_minor, asked_about=None))


def _limit(which: str, shop: MerchantView, most_minor: int) -> Line:
    return say(f"limit.{which}", most=format_limit(most_minor, shop.exponent), currency=shop.currency)


# --- the confirmation ------------------------------------------------------------------------------------------------


async def show_confirm(turn: Turn) -> View:
    """The payment in one sentence, to confirm or cancel; or what the same one came to, which waits, is in doubt or was
    paid a moment ago.
    """
    same = _same_of(turn, await turn.backend.own_recent(turn.step.msisdn)) if turn.answers.asked_about else None
    if same is not None:
        return View(_about_payment(turn, f"again.{same.state}", minutes=str(max(1, same.minutes_ago))))
    return View(_about_payment(turn, "confirm.ask", place=turn.shop.place, number=turn.shop.number))


async def pay(turn: Turn, text: str) -> Move:
    """Ask the payer's bank for the money: the one effect. What the same payment came to is told first."""
    shop, amount_minor = turn.shop, turn.answers.amount_minor
    assert amount_minor is not None
    same = _same_of(turn, await turn.backend.own_recent(turn.step.msisdn, alone=True))
    if same is not None and same.state != turn.answers.asked_about:
        return Go("confirm", replace(turn.answers, asked_about=same.state))
    order = PaymentOrder(turn.key, shop.counter_id, turn.step.msisdn, amount_minor, shop.currency)
    outcome = await turn.backend.request_payment(order)
    if outcome.state == "sent":
        code = turn.step.service_code
        return End(_about_payment(turn, "sent.asked", look=say("sent.dial", code=code) if code else say("sent.redial")))
    if outcome.fits_minor and _is_known("limit", outcome.reason):
        return Go("amount", notice=_limit(outcome.reason, shop, outcome.fits_minor))
    reason = outcome.reason if _is_known("refused", outcome.reason) else "other"
    return End(say(f"refused.{reason}", currency=shop.currency))


def _same_of(turn: Turn, requests: Sequence[OwnRequest]) -> OwnRequest | None:
    """What speaks against this payment: the same one of the last minutes, made or still possible."""
    this = (turn.shop.counter_id, turn.answers.amount_minor, turn.shop.currency)
    same = [one for one in requests if (one.counter_id, one.amount_minor, one.currency) == this]
    return next((one for state in _GRAVEST for one in same if one.state == state), None)


def _is_known(table: str, name: str) -> bool:
    return f"{table}.{name}" in CATALOGUES[LANGUAGES[0]].texts


def _about_payment(turn: Turn, key: str, **fields: str | Line) -> Line:
    shop, amount_minor = turn.shop, turn.answers.amount_minor
    assert amount_minor is not None
    amount = format_amount(amount_minor, shop.exponent)
    return say(key, amount=amount, currency=shop.currency, shop=name_of(shop), **fields)


SCREENS: Final[dict[ScreenName, Screen]] = {
    # 98 and 99 may be numbers of shops, and are prices on the amount screen.
    "number": Screen(show_number, typed=take_number, navigation=frozenset({BACK, HOME})),
    "currency": Screen(show_currency, typed=take_currency),
    "amount": Screen(show_amount, typed=take_amount, navigation=frozenset({BACK, HOME})),
    "confirm": Screen(
        show_confirm,
        options={"1": Option("confirm.pay", pay), "2": Option("confirm.cancel", go("home"))},
        commits=True,
    ),
}
