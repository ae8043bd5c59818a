"""The screens of a merchant: the own number, and the last payments of a counter."""

from typing import Final

from msgspec.structs import replace

from ussd.amounts import format_amount
from ussd.backend import OwnCounter, PaymentLine
from ussd.fit import clip, ucs2_units
from ussd.menu import Go, Move, Screen, Stay, Turn, View
from ussd.screens.common import ITEM_NAME_UNITS_MAX
from ussd.screens.sign_up import choose_sign_up
from ussd.session import ScreenName
from ussd.texts import Line, row, say

PAYMENTS_SHOWN: Final = 20  # about five pages


async def choose_own(turn: Turn, text: str) -> Move:
    """My shop number, if this phone has a shop."""
    counters = await turn.backend.own_counters(turn.step.msisdn)
    return Go("own") if counters else await choose_sign_up(turn, text)


async def choose_payments(turn: Turn, text: str) -> Move:
    """Last payments, asking for the counter only where there are several."""
    match await turn.backend.own_counters(turn.step.msisdn):
        case []:
            return Stay(say("own.none"), miss=False)
        case [counter]:
            return Go("payments", replace(turn.answers, counter_id=counter.counter_id))
        case _:
            return Go("pick")


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


def _received(payment: PaymentLine) -> Line:
    amount = format_amount(payment.amount_minor, payment.exponent)
    at = payment.at  # written field by field: strftime costs as much as the rest of a page
    when = f"{at.day:02}/{at.month:02} {at.hour:02}:{at.minute:02}"
    return row(amount, payment.currency, payment.payer_masked, when)


SCREENS: Final[dict[ScreenName, Screen]] = {
    "own": Screen(show_own),
    "pick": Screen(show_pick, typed=take_pick),
    "payments": Screen(show_payments),
}
