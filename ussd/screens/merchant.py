"""The screens of a shop's own people: which shop, its menu, its numbers, its payments, and what it may still take."""

from itertools import groupby
from typing import Final

from msgspec.structs import replace

from ussd.amounts import format_amount, format_limit
from ussd.menu import End, Go, Move, Option, Screen, Stay, Turn, View
from ussd.screens import asking, cashiers, refunds, requests
from ussd.screens.common import go
from ussd.screens.sign_up import choose_sign_up
from ussd.screens.trading import (
    LISTED_MAX,
    begin,
    begin_at_counter,
    brief,
    counters_of_shop,
    item_at,
    money,
    tail,
    to,
    trade_of,
    when,
)
from ussd.session import Answers, ScreenName
from ussd.texts import Line, row, say
from ussd.trade import OwnCounter, PaymentLine, Taking, Trade

OWNERS_ROWS: Final = frozenset({"1", "2", "4"})  # of the menu to manage a shop: not a cashier's
REFUND_ROW: Final = "4"
TITLE_NUMBER_MAX: Final = 12  # of a counter's number above the menu; a DFSP's own may be longer


# --- which shop ------------------------------------------------------------------------------------------------------


async def choose_shop(turn: Turn, text: str) -> Move:
    """My shop, asking for it only where this phone has several."""
    match await _shops(turn):
        case []:
            return await choose_sign_up(turn, text)
        case [shop]:
            return await _enter(turn, shop)
        case _:
            return Go("shops")


async def _shops(turn: Turn) -> list[list[OwnCounter]]:
    counters = await turn.backend.own_counters(turn.step.msisdn)
    return [list(of_shop) for _, of_shop in groupby(counters, key=lambda one: one.shop_id)]


async def _enter(turn: Turn, counters: list[OwnCounter]) -> Move:
    first, is_only = counters[0], len(counters) == 1
    return Go(
        "shop",
        Answers(
            trade=Trade(
                shop_id=first.shop_id,
                shop=brief(first.shop),
                number=first.number if is_only else "",
                rights=first.rights,
                refunds=first.rights == "owner" and await turn.backend.refunds_open(turn.step.msisdn),
                counter_id=first.counter_id if is_only else None,
            )
        ),
    )


async def show_shops(turn: Turn) -> View:
    """The shops of this phone, told apart by their first number."""
    shops = enumerate(await _shops(turn), start=1)
    items = (f"{place} {first.number} {brief(first.shop)}" for place, (first, *_) in shops)
    return View(say("own.shops"), tuple(items))


async def take_shop(turn: Turn, text: str) -> Move:
    """Choose one by its place in the list."""
    chosen = item_at(text, await _shops(turn))
    return chosen if isinstance(chosen, Stay) else await _enter(turn, chosen)


async def show_shop(turn: Turn) -> View:
    """What can be done for the shop."""
    trade = trade_of(turn)
    if 0 < len(trade.number) <= TITLE_NUMBER_MAX:
        return View(say("shop.one", shop=trade.shop, number=trade.number))
    return View(say("shop.several", shop=trade.shop))


async def show_manage(turn: Turn) -> View:
    """What is done now and then; a cashier is offered what is theirs."""
    trade = trade_of(turn)
    hides = frozenset[str]() if trade.rights == "owner" else OWNERS_ROWS
    return View(say("shop.several", shop=trade.shop), hides=hides if trade.refunds else hides | {REFUND_ROW})


# --- its numbers -----------------------------------------------------------------------------------------------------


async def show_own(turn: Turn) -> View:
    """One counter: the very string its customers dial. Several: the pattern, and a list of the numbers."""
    counters, trade = await counters_of_shop(turn), trade_of(turn)
    code = turn.step.service_code.rstrip("#")
    if len(counters) == 1:
        return View(say("own.one", code=code, number=counters[0].number, shop=trade.shop))
    return View(say("own.several", code=code, shop=trade.shop), tuple(map(_named, counters)))


def _named(counter: OwnCounter) -> str:
    return f"{counter.number} {brief(counter.name)}"


async def show_pick(turn: Turn) -> View:
    """The shop's counters in a numbered list, to choose one."""
    counters = enumerate(await counters_of_shop(turn), start=1)
    return View(say("own.pick"), tuple(f"{place} {_named(counter)}" for place, counter in counters))


async def take_pick(turn: Turn, text: str) -> Move:
    """Choose a counter by its place in the list."""
    chosen, trade = item_at(text, await counters_of_shop(turn)), trade_of(turn)
    if isinstance(chosen, Stay):
        return chosen
    assert trade.leads_to is not None
    return to(trade.leads_to, replace(trade, counter_id=chosen.counter_id, counter=brief(chosen.name)))


async def show_send_code(turn: Turn) -> View:
    """Ask before a message is sent."""
    trade = trade_of(turn)
    return View(say("send_code.ask", shop=trade.counter or trade.shop))


async def send_code(turn: Turn, text: str) -> Move:
    """Send this phone the public address of the counter's code."""
    counter_id = trade_of(turn).counter_id
    assert counter_id is not None
    sent = await turn.backend.send_code(turn.step.msisdn, counter_id, turn.language, turn.key)
    return End(say({"done": "send_code.sent", "no_sms": "send_code.no_sms"}.get(sent, "not_asked.not_yours")))


# --- its payments ----------------------------------------------------------------------------------------------------


async def show_payments(turn: Turn) -> View:
    """The counter's last payments, newest first, with the payer masked."""
    counter_id = trade_of(turn).counter_id
    assert counter_id is not None
    payments = await turn.backend.recent_payments(turn.step.msisdn, counter_id, LISTED_MAX)
    return View(say("payments.list" if payments else "payments.none"), tuple(map(_received, payments)))


def _received(payment: PaymentLine) -> Line:
    amount = format_amount(payment.amount_minor, payment.exponent)
    return row(amount, payment.currency, tail(payment.payer_masked), when(payment.at))


async def show_takings(turn: Turn) -> View:
    """How many payments came today and what they come to, by currency; and what was given back today."""
    takings = await turn.backend.takings_today(turn.step.msisdn, trade_of(turn).shop_id)
    return View(say("takings.list" if takings else "takings.none"), tuple(map(_taking, takings)))


def _taking(one: Taking) -> Line:
    told = {"payments": str(one.payments), **money(one.amount_minor, one.exponent, one.currency)}
    if not one.refunded_minor:
        return say("takings.line", **told)
    return say("takings.with_refunds", refunded=format_amount(one.refunded_minor, one.exponent), **told)


async def show_limits(turn: Turn) -> View:
    """What the shop may still take, and whom to ask for more."""
    limits = await turn.backend.shop_limits(turn.step.msisdn, trade_of(turn).shop_id)
    if limits is None:
        return View(say("not_asked.not_yours"))
    room = (
        say(
            "limits.room",
            currency=one.currency,
            day=format_limit(one.day_minor, one.exponent),
            month=format_limit(one.month_minor, one.exponent),
            most=format_limit(one.per_payment_minor, one.exponent),
        )
        for one in limits.room
    )
    more = say("limits.last")
    if limits.next_level:
        more = say("limits.raise", provider=brief(limits.provider), level=brief(limits.next_level))
    return View(say("limits.list", level=brief(limits.level)), (*room, more))


async def show_help(turn: Turn) -> View:
    """How a shop is paid."""
    return View(say("shop.help", code=turn.step.service_code.rstrip("#")))


SCREENS: Final[dict[ScreenName, Screen]] = {
    "shops": Screen(show_shops, typed=take_shop),
    "shop": Screen(
        show_shop,
        options={
            "1": Option("shop.ask", begin_at_counter("ask_customer")),
            "2": Option("shop.requests", begin("requests")),
            "3": Option("shop.payments", begin_at_counter("payments")),
            "4": Option("shop.takings", begin("takings")),
            "5": Option("shop.own", begin("own")),
            "6": Option("shop.manage", begin("manage")),
        },
    ),
    "manage": Screen(
        show_manage,
        options={
            "1": Option("manage.limits", begin("limits")),
            "2": Option("manage.people", begin("people")),
            "3": Option("manage.code", begin_at_counter("send_code")),
            "4": Option("manage.refund", begin_at_counter("refunds")),
            "5": Option("manage.help", begin("shop_help")),
        },
        varies=True,
    ),
    "own": Screen(show_own),
    "pick": Screen(show_pick, typed=take_pick),
    "send_code": Screen(
        show_send_code,
        options={"1": Option("send_code.send", send_code), "2": Option("confirm.cancel", go("shop"))},
        commits=True,
    ),
    "payments": Screen(show_payments),
    "takings": Screen(show_takings),
    "limits": Screen(show_limits),
    "shop_help": Screen(show_help),
    **asking.SCREENS,
    **requests.SCREENS,
    **cashiers.SCREENS,
    **refunds.SCREENS,
}
