"""The screens of a shopper: the shop's number, the amount, the confirmation, and what became of a request.

`pay` is the only handler with an effect.
"""

from typing import Final

from msgspec.structs import replace

from ussd.amounts import BadAmount, format_amount, format_limit, parse_amount
from ussd.backend import PaymentOrder
from ussd.menu import BACK, HOME, End, Go, Move, Option, Screen, Stay, Turn, View
from ussd.screens.common import NUMBER, go, short_name, short_reference
from ussd.session import Answers, ScreenName
from ussd.texts import CATALOGUES, LANGUAGES, Line, say


async def show_number(turn: Turn) -> View:
    """Ask for a shop's number; after a step back, show the one that was typed."""
    shop = turn.answers.shop
    return View(say("number.back", number=shop.number) if shop else say("number.ask"))


async def take_number(turn: Turn, text: str) -> Move:
    """Find the shop. One that may not take payments is not named. A wrong number is not shown: it may be a PIN."""
    number = text.replace(" ", "")
    shop = await turn.backend.find_merchant(number) if NUMBER.fullmatch(number) else None
    if shop is None:
        return Stay(say("number.unknown"))
    if not shop.open:
        return End(say("refused.closed"))
    name = short_name(shop.name)
    return Go("amount", Answers(shop=replace(shop, name=name)))


async def show_amount(turn: Turn) -> View:
    """Name the shop that was found and ask for the amount, in its currency."""
    return View(say("amount.ask", shop=turn.shop.name, currency=turn.shop.currency))


async def take_amount(turn: Turn, text: str) -> Move:
    """Read the amount and check it against the shop's limit per payment."""
    shop = turn.shop
    try:
        amount_minor = parse_amount(text, shop.exponent)
    except BadAmount:
        example = format_amount(250 * 10**shop.exponent, shop.exponent)
        return Stay(say("amount.unclear", example=example))
    if not 1 <= amount_minor <= shop.max_minor:
        least, most = format_limit(1, shop.exponent), format_limit(shop.max_minor, shop.exponent)
        return Stay(say("amount.limits", least=least, most=most, currency=shop.currency))
    return Go("confirm", Answers(shop=shop, amount_minor=amount_minor))


async def show_confirm(turn: Turn) -> View:
    """The payment in one sentence, to confirm or cancel; says so when the same payment is still waiting."""
    return View(_about_payment(turn, "confirm.again" if turn.answers.asked_before else "confirm.ask"))


async def pay(turn: Turn, text: str) -> Move:
    """Ask the payer's bank for the money: the one effect. If the same payment still waits, ask first."""
    shop, amount_minor = turn.shop, turn.answers.amount_minor
    assert amount_minor is not None
    if not turn.answers.asked_before:
        waiting = await turn.backend.last_request(turn.step.msisdn)
        if (
            waiting is not None
            and waiting.state == "waiting"
            and (waiting.counter_id, waiting.amount_minor) == (shop.counter_id, amount_minor)
        ):
            return Go("confirm", replace(turn.answers, asked_before=True))
    outcome = await turn.backend.request_payment(
        PaymentOrder(turn.key, shop.counter_id, turn.step.msisdn, amount_minor, shop.currency)
    )
    if outcome.state == "sent":
        return End(_about_payment(turn, "sent.asked", reference=short_reference(outcome.reference)))
    known = f"refused.{outcome.reason}" in CATALOGUES[LANGUAGES[0]].texts
    return End(say(f"refused.{outcome.reason}" if known else "refused.other"))


def _about_payment(turn: Turn, key: str, **fields: str) -> Line:
    shop, amount_minor = turn.shop, turn.answers.amount_minor
    assert amount_minor is not None
    amount = format_amount(amount_minor, shop.exponent)
    return say(key, amount=amount, currency=shop.currency, shop=shop.name, **fields)


async def show_status(turn: Turn) -> View:
    """The state of this phone's latest request, if there is one."""
    request = await turn.backend.last_request(turn.step.msisdn)
    if request is None:
        return View(say("status.none"))
    return View(
        say(
            f"status.{request.state}",
            amount=format_amount(request.amount_minor, request.exponent),
            currency=request.currency,
            shop=short_name(request.shop),
            reference=short_reference(request.reference),
        )
    )


SCREENS: Final[dict[ScreenName, Screen]] = {
    "number": Screen(show_number, typed=take_number),
    # 98 and 99 are prices here.
    "amount": Screen(show_amount, typed=take_amount, navigation=frozenset({BACK, HOME})),
    "confirm": Screen(
        show_confirm,
        options={"1": Option("confirm.pay", pay), "2": Option("confirm.cancel", go("home"))},
        commits=True,
    ),
    "status": Screen(show_status, options={"1": Option("status.refresh", go("status"))}),
}
