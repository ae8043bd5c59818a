"""The screens by which a shop asks a customer for money: whom, in which currency, how much, what for."""

import unicodedata
from typing import Final

from msgspec.structs import replace

from ussd.amounts import BadAmount, format_amount, format_limit, parse_amount
from ussd.menu import BACK, HOME, End, Move, Option, Screen, Stay, Turn, View
from ussd.screens.trading import begin, counters_of_shop, item_at, money, tail, to, trade_of, width
from ussd.session import ScreenName
from ussd.texts import CATALOGUES, LANGUAGES, Line, say
from ussd.trade import Currency, Demand, DemandOutcome, OwnCounter, Trade

NOTE_UNITS_MAX: Final = 30  # the confirm screen shows it whole


async def show_customer(turn: Turn) -> View:
    """Ask for the customer's phone number."""
    return View(say("ask.customer", shop=trade_of(turn).shop))


async def take_customer(turn: Turn, text: str) -> Move:
    """Read the number; the shop's own phone is no customer. The currency is asked for where there are several."""
    customer = await turn.backend.read_phone(text)
    if customer is None:
        return Stay(say("ask.no_phone"))
    if customer == turn.step.msisdn:
        return Stay(say("ask.own_number"))
    trade = replace(trade_of(turn), customer=customer)
    counter = await _counter(turn)
    if counter is None or not counter.currencies:
        return End(say("not_asked.not_yours"))
    if len(counter.currencies) > 1:
        return to("ask_currency", trade)
    return to("ask_amount", replace(trade, currency=counter.currencies[0]))


async def _counter(turn: Turn) -> OwnCounter | None:
    counter_id = trade_of(turn).counter_id
    return next((one for one in await counters_of_shop(turn) if one.counter_id == counter_id), None)


async def show_currency(turn: Turn) -> View:
    """The currencies that the shop takes, the usual one first."""
    items = (f"{place} {one.code}" for place, one in enumerate(await _currencies(turn), start=1))
    return View(say("ask.in_currency"), tuple(items))


async def take_currency(turn: Turn, text: str) -> Move:
    """Choose one by its place, or by its code."""
    currencies = await _currencies(turn)
    named = next((one for one in currencies if one.code == text.upper()), None)
    chosen = named or item_at(text, currencies)
    return chosen if isinstance(chosen, Stay) else to("ask_amount", replace(trade_of(turn), currency=chosen))


async def _currencies(turn: Turn) -> tuple[Currency, ...]:
    counter = await _counter(turn)
    return counter.currencies if counter else ()


async def show_amount(turn: Turn) -> View:
    """Ask for the amount."""
    trade = trade_of(turn)
    return View(say("ask.amount", customer=trade.customer or "", currency=_currency(trade).code))


async def take_amount(turn: Turn, text: str) -> Move:
    """Read the amount and hold it against the shop's limit per payment."""
    trade = trade_of(turn)
    currency = _currency(trade)
    amount_minor = read_amount(text, currency.exponent, currency.max_minor, currency.code)
    return amount_minor if isinstance(amount_minor, Stay) else to("ask_note", replace(trade, amount_minor=amount_minor))


def read_amount(text: str, exponent: int, max_minor: int, currency: str) -> int | Stay:
    """An amount between one minor unit and the most that is possible, or what is said instead."""
    try:
        amount_minor = parse_amount(text, exponent, currency)
    except BadAmount:
        return Stay(say("amount.unclear", example=format_amount(250 * 10**exponent, exponent)))
    if 1 <= amount_minor <= max_minor:
        return amount_minor
    least, most = format_limit(1, exponent), format_limit(max_minor, exponent)
    return Stay(say("amount.limits", least=least, most=most, currency=currency))


async def show_note(turn: Turn) -> View:
    """Ask what the customer is told besides."""
    return View(say("ask.note"))


async def take_note(turn: Turn, text: str) -> Move:
    """Keep a short note, without marks that cannot be seen."""
    seen = "".join(" " if c.isspace() else c for c in text if c.isspace() or unicodedata.category(c)[0] != "C")
    note = " ".join(seen.split())
    if not note:
        return Stay()
    if width(note) > NOTE_UNITS_MAX:
        return Stay(say("ask.note_long", most=str(NOTE_UNITS_MAX)))
    return to("ask_confirm", replace(trade_of(turn), note=note))


async def leave_note(turn: Turn, text: str) -> Move:
    """Ask without a note."""
    return to("ask_confirm", replace(trade_of(turn), note=None))


async def show_confirm(turn: Turn) -> View:
    """The demand in one sentence, with the whole number: whoever typed it must be able to check it."""
    trade = trade_of(turn)
    fields = {"customer": trade.customer or "", **_amount(trade)}
    if trade.note is None:
        return View(say("ask.confirm", **fields))
    return View(say("ask.confirm_note", note=trade.note, **fields))


async def ask(turn: Turn, text: str) -> Move:
    """Ask the customer: an effect."""
    trade = trade_of(turn)
    assert trade.counter_id is not None
    assert trade.customer is not None
    assert trade.amount_minor is not None
    currency = _currency(trade)
    outcome = await turn.backend.demand(
        Demand(
            turn.key,
            turn.step.msisdn,
            trade.counter_id,
            trade.customer,
            trade.amount_minor,
            currency.code,
            trade.note,
        )
    )
    if outcome.state == "refused" and outcome.reason == "limit" and outcome.fits_minor:
        most = format_limit(outcome.fits_minor, currency.exponent)
        return to("ask_amount", trade, say("ask.fits", most=most, currency=currency.code))
    return End(sent_or_not(turn, outcome, _amount(trade)))


def sent_or_not(turn: Turn, outcome: DemandOutcome, amount: dict[str, str]) -> Line:
    """The last words after a demand: that it was sent and how to see what becomes of it, or why it was not."""
    if outcome.state == "sent":
        code = turn.step.service_code
        return say("asked.sent", customer=tail(outcome.customer_masked), code=code, **amount)
    return refusal(outcome.reason)


def refusal(reason: str) -> Line:
    """Why nobody was asked, in a sentence."""
    known = f"not_asked.{reason}" in CATALOGUES[LANGUAGES[0]].texts
    return say(f"not_asked.{reason}" if known else "not_asked.other")


def _currency(trade: Trade) -> Currency:
    assert trade.currency is not None
    return trade.currency


def _amount(trade: Trade) -> dict[str, str]:
    assert trade.amount_minor is not None
    currency = _currency(trade)
    return money(trade.amount_minor, currency.exponent, currency.code)


SCREENS: Final[dict[ScreenName, Screen]] = {
    "ask_customer": Screen(show_customer, typed=take_customer),
    "ask_currency": Screen(show_currency, typed=take_currency),
    # 98 and 99 are prices here.
    "ask_amount": Screen(show_amount, typed=take_amount, navigation=frozenset({BACK, HOME})),
    "ask_note": Screen(show_note, options={"1": Option("ask.no_note", leave_note)}, typed=take_note, free_text=True),
    "ask_confirm": Screen(
        show_confirm,
        options={"1": Option("ask.ask", ask), "2": Option("confirm.cancel", begin("shop"))},
        commits=True,
    ),
}
