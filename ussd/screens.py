"""The screens of the dialogue: what each shows and where its answers lead, in the order in which a shopper sees them.

The table at the end is the menu. Each screen has a `show_…` that may read the backend and handlers that
turn one input into a Move. `pay` is the only one with an effect.
"""

import re
from typing import Final

from msgspec.structs import replace

from ussd.amounts import BadAmount, format_amount, format_limit, parse_amount
from ussd.backend import OwnCounter, PaymentLine, PaymentOrder
from ussd.fit import clip, legible, septets, ucs2_units
from ussd.menu import BACK, HOME, End, Go, Handler, Move, Option, Screen, Stay, Turn, View
from ussd.session import Answers, ScreenName
from ussd.texts import CATALOGUES, LANGUAGES, Line, say

NUMBER: Final = re.compile(r"[A-Za-z0-9._-]{1,32}")  # our aliases are digits; a DFSP's own may be any of these
NAME_UNITS_MAX: Final = 40  # of a shop's name kept in the session; no screen has room for more
ITEM_NAME_UNITS_MAX: Final = 20  # of a name in a list
ECHO_SEPTETS_MAX: Final = 12  # of a wrong entry shown back
REFERENCE_UNITS_MAX: Final = 12  # of a reference; ours are shorter
PAYMENTS_SHOWN: Final = 20  # about five pages


def go(screen: ScreenName) -> Handler:
    """An answer that only leads to another screen."""

    async def choose(turn: Turn, text: str) -> Move:
        return Go(screen)

    return choose


# Home


async def show_home(turn: Turn) -> View:
    """Where every dialogue begins: the menu."""
    return View(say("home.title"))


async def choose_own(turn: Turn, text: str) -> Move:
    """My shop number, if this phone has a shop."""
    counters = await turn.backend.own_counters(turn.step.msisdn)
    return Go("own") if counters else Stay(say("own.none"), miss=False)


async def choose_payments(turn: Turn, text: str) -> Move:
    """Last payments, asking for the counter only where there are several."""
    match await turn.backend.own_counters(turn.step.msisdn):
        case []:
            return Stay(say("own.none"), miss=False)
        case [counter]:
            return Go("payments", replace(turn.answers, counter_id=counter.counter_id))
        case _:
            return Go("pick")


# Pay a shop: number, amount, confirm


async def show_number(turn: Turn) -> View:
    """Ask for a shop's number; after a step back, show the one that was typed."""
    shop = turn.answers.shop
    return View(say("number.back", number=shop.number) if shop else say("number.ask"))


async def take_number(turn: Turn, text: str) -> Move:
    """Find the shop. A shop that may not take payments is not named."""
    number = text.replace(" ", "")
    shop = await turn.backend.find_merchant(number) if NUMBER.fullmatch(number) else None
    if shop is None:
        return Stay(say("number.unknown", number=clip(legible(text, "gsm7"), ECHO_SEPTETS_MAX, septets) or "?"))
    if not shop.open:
        return End(say("refused.closed"))
    name = clip(shop.name, NAME_UNITS_MAX, ucs2_units)
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
        return End(_about_payment(turn, "sent.asked", reference=_short(outcome.reference)))
    known = f"refused.{outcome.reason}" in CATALOGUES[LANGUAGES[0]].texts
    return End(say(f"refused.{outcome.reason}" if known else "refused.other"))


def _about_payment(turn: Turn, key: str, **fields: str) -> Line:
    shop, amount_minor = turn.shop, turn.answers.amount_minor
    assert amount_minor is not None
    amount = format_amount(amount_minor, shop.exponent)
    return say(key, amount=amount, currency=shop.currency, shop=shop.name, **fields)


def _short(reference: str) -> str:
    return clip(reference, REFERENCE_UNITS_MAX, ucs2_units)


# A request that is still open, shown first on redial


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
            shop=clip(request.shop, NAME_UNITS_MAX, ucs2_units),
            reference=_short(request.reference),
        )
    )


# The merchant's own number and payments


async def show_own(turn: Turn) -> View:
    """One shop: the very string its customers dial. Several: the pattern, and a list of the numbers."""
    counters = await turn.backend.own_counters(turn.step.msisdn)
    code = turn.step.service_code.rstrip("#")
    if len(counters) == 1:
        return View(say("own.one", code=code, number=counters[0].number, shop=counters[0].name))
    return View(say("own.several", code=code), items=tuple(_named(counter) for counter in counters))


async def show_pick(turn: Turn) -> View:
    """The merchant's counters in a numbered list, to choose whose payments are shown."""
    counters = await turn.backend.own_counters(turn.step.msisdn)
    items = (f"{place} {_named(counter)}" for place, counter in enumerate(counters, start=1))
    return View(say("own.pick"), items=tuple(items))


async def take_pick(turn: Turn, text: str) -> Move:
    """Choose a counter by its place in the list."""
    counters = await turn.backend.own_counters(turn.step.msisdn)
    by_place = {str(place): counter for place, counter in enumerate(counters, start=1)}
    if text not in by_place:
        return Stay(say("error.range", last=str(len(counters))))
    return Go("payments", replace(turn.answers, counter_id=by_place[text].counter_id))


def _named(counter: OwnCounter) -> str:
    return f"{counter.number} {clip(counter.name, ITEM_NAME_UNITS_MAX, ucs2_units)}"


async def show_payments(turn: Turn) -> View:
    """The counter's last payments, newest first, with the payer masked."""
    assert turn.answers.counter_id is not None
    payments = await turn.backend.recent_payments(turn.answers.counter_id, PAYMENTS_SHOWN)
    return View(say("payments.list" if payments else "payments.none"), tuple(map(_received, payments)))


def _received(payment: PaymentLine) -> str:
    amount = format_amount(payment.amount_minor, payment.exponent)
    at = payment.at  # written field by field: strftime costs as much as the rest of a page
    when = f"{at.day:02}/{at.month:02} {at.hour:02}:{at.minute:02}"
    return f"{amount} {payment.currency} {payment.payer_masked} {when}"


# Language


async def show_language(turn: Turn) -> View:
    """Ask for the language; each is offered under its own name."""
    return View(say("language.ask"))


def choose_language(language: str) -> Handler:
    """An answer that starts over in this language."""

    async def choose(turn: Turn, text: str) -> Move:
        return Go("home", language=language)

    return choose


SCREENS: Final[dict[ScreenName, Screen]] = {
    "home": Screen(
        show_home,
        options={
            "1": Option("home.pay", go("number")),
            "2": Option("home.own", choose_own),
            "3": Option("home.payments", choose_payments),
            "9": Option("home.language", go("language")),
        },
    ),
    "number": Screen(show_number, typed=take_number),
    # 98 and 99 are prices here.
    "amount": Screen(show_amount, typed=take_amount, navigation=frozenset({BACK, HOME})),
    "confirm": Screen(
        show_confirm,
        options={"1": Option("confirm.pay", pay), "2": Option("confirm.cancel", go("home"))},
        commits=True,
    ),
    "status": Screen(show_status, options={"1": Option("status.refresh", go("status"))}),
    "own": Screen(show_own),
    "pick": Screen(show_pick, typed=take_pick),
    "payments": Screen(show_payments),
    "language": Screen(
        show_language,
        options={
            str(place): Option(f"language.{language}", choose_language(language))
            for place, language in enumerate(LANGUAGES, start=1)
        },
    ),
}
