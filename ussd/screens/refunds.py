"""The screens by which an owner gives a payment back: which, all or a part, and the confirmation.

The service says whether refunds are open (`refunds_open`); until then the menu has no row for them.
"""

from typing import Final

from msgspec.structs import replace

from ussd.amounts import format_amount
from ussd.menu import BACK, HOME, End, Move, Option, Screen, Stay, Turn, View
from ussd.screens.asking import read_amount
from ussd.screens.trading import LISTED_MAX, begin, item_at, money, tail, to, trade_of, when
from ussd.session import ScreenName
from ussd.texts import CATALOGUES, LANGUAGES, Line, row, say
from ussd.trade import Currency, PaymentLine, Refund


async def show_refunds(turn: Turn) -> View:
    """The counter's payments of which something may still be given back."""
    payments = await _payments(turn)
    items = (_item(place, one) for place, one in enumerate(payments, start=1))
    return View(say("refunds.list" if payments else "payments.none"), tuple(items))


def _item(place: int, payment: PaymentLine) -> Line:
    amount = format_amount(payment.refundable_minor, payment.exponent)
    return row(str(place), amount, payment.currency, tail(payment.payer_masked), when(payment.at))


async def _payments(turn: Turn) -> list[PaymentLine]:
    counter_id = trade_of(turn).counter_id
    assert counter_id is not None
    payments = await turn.backend.recent_payments(turn.step.msisdn, counter_id, LISTED_MAX)
    return [one for one in payments if one.payment_id and one.refundable_minor]


async def take_payment(turn: Turn, text: str) -> Move:
    """Choose one by its place in the list."""
    chosen = item_at(text, await _payments(turn))
    if isinstance(chosen, Stay):
        return chosen
    whole = Currency(chosen.currency, chosen.exponent, chosen.refundable_minor)
    trade = replace(trade_of(turn), chosen_id=chosen.payment_id, chosen=tail(chosen.payer_masked), currency=whole)
    return to("refund", trade)


async def show_refund(turn: Turn) -> View:
    """The payment, and how much of it may be given back."""
    return View(say("refunds.how_much", customer=trade_of(turn).chosen, **_amount(turn)))


def _amount(turn: Turn) -> dict[str, str]:
    """What was typed, or all of it."""
    trade = trade_of(turn)
    assert trade.currency is not None
    amount_minor = trade.currency.max_minor if trade.amount_minor is None else trade.amount_minor
    return money(amount_minor, trade.currency.exponent, trade.currency.code)


async def choose_all(turn: Turn, text: str) -> Move:
    """All of it."""
    trade = trade_of(turn)
    assert trade.currency is not None
    return to("give_back", replace(trade, amount_minor=trade.currency.max_minor))


async def choose_part(turn: Turn, text: str) -> Move:
    """A part of it."""
    return to("refund_amount", replace(trade_of(turn), amount_minor=None))


async def show_part(turn: Turn) -> View:
    """Ask how much."""
    trade = trade_of(turn)
    assert trade.currency is not None
    return View(say("refunds.amount", customer=trade.chosen, currency=trade.currency.code))


async def take_part(turn: Turn, text: str) -> Move:
    """Read the amount, at most what is left of the payment."""
    trade = trade_of(turn)
    assert trade.currency is not None
    amount_minor = read_amount(text, trade.currency.exponent, trade.currency.max_minor, trade.currency.code)
    if isinstance(amount_minor, Stay):
        return amount_minor
    return to("give_back", replace(trade, amount_minor=amount_minor))


async def show_give_back(turn: Turn) -> View:
    """The refund in one sentence, to confirm."""
    return View(say("refunds.confirm", customer=trade_of(turn).chosen, **_amount(turn)))


async def give_back(turn: Turn, text: str) -> Move:
    """Give it back: an effect."""
    trade = trade_of(turn)
    assert trade.chosen_id is not None
    assert trade.amount_minor is not None
    outcome = await turn.backend.refund(Refund(turn.key, turn.step.msisdn, trade.chosen_id, trade.amount_minor))
    if outcome.state != "refused":
        return End(say(f"refunds.{outcome.state}", customer=trade.chosen, **_amount(turn)))
    known = f"not_refunded.{outcome.reason}" in CATALOGUES[LANGUAGES[0]].texts
    return End(say(f"not_refunded.{outcome.reason}" if known else "not_refunded.other"))


SCREENS: Final[dict[ScreenName, Screen]] = {
    "refunds": Screen(show_refunds, typed=take_payment),
    "refund": Screen(
        show_refund,
        options={"1": Option("refunds.all", choose_all), "2": Option("refunds.part", choose_part)},
    ),
    # 98 and 99 are prices here.
    "refund_amount": Screen(show_part, typed=take_part, navigation=frozenset({BACK, HOME})),
    "give_back": Screen(
        show_give_back,
        options={"1": Option("refunds.give_back", give_back), "2": Option("confirm.cancel", begin("shop"))},
        commits=True,
    ),
}
