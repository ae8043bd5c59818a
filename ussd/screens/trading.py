"""What the screens of a shop's own people share: their answers, how lines are written, and choosing from a list."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, TypeVar

from msgspec.structs import replace

from ussd.amounts import format_amount
from ussd.fit import clip, legible, septets, ucs2_units
from ussd.menu import Go, Handler, Move, Stay, Turn
from ussd.screens.common import ITEM_NAME_UNITS_MAX
from ussd.session import Answers
from ussd.texts import Line, say
from ussd.trade import OwnCounter, Trade, TradeScreen

LISTED_MAX: Final = 20  # about five pages
LEGIBLE: Final = 3  # digits of a masked number that screens show: its last ones tell a shop which customer it was

Item = TypeVar("Item")


def trade_of(turn: Turn) -> Trade:
    """The answers given so far."""
    assert turn.answers.trade is not None
    return turn.answers.trade


def afresh(trade: Trade) -> Trade:
    """The same shop without what an earlier errand was about."""
    return Trade(
        shop_id=trade.shop_id,
        shop=trade.shop,
        number=trade.number,
        rights=trade.rights,
        refunds=trade.refunds,
        counter_id=trade.counter_id if trade.number else None,
    )


def begin(screen: TradeScreen) -> Handler:
    """An answer that begins an errand of the whole shop."""

    async def choose(turn: Turn, text: str) -> Move:
        return Go(screen, Answers(trade=afresh(trade_of(turn))))

    return choose


def begin_at_counter(screen: TradeScreen) -> Handler:
    """An answer that begins an errand of one counter, asking for it only where there are several."""

    async def choose(turn: Turn, text: str) -> Move:
        trade = afresh(trade_of(turn))
        if trade.number:
            return Go(screen, Answers(trade=trade))
        return Go("pick", Answers(trade=replace(trade, leads_to=screen)))

    return choose


def to(screen: TradeScreen, trade: Trade, notice: Line | None = None) -> Go:
    """On to a screen with these answers."""
    return Go(screen, Answers(trade=trade), notice=notice)


async def counters_of_shop(turn: Turn) -> list[OwnCounter]:
    """The counters of the shop at which this phone may act now."""
    shop_id = trade_of(turn).shop_id
    return [one for one in await turn.backend.own_counters(turn.step.msisdn) if one.shop_id == shop_id]


def item_at(text: str, items: Sequence[Item]) -> Item | Stay:
    """The item of a numbered list, or what is said instead."""
    if text.isascii() and text.isdigit() and len(text) < 4 and 1 <= int(text) <= len(items):
        return items[int(text) - 1]
    return Stay(say("error.range", last=str(len(items))) if items else None)


def tail(masked: str) -> str:
    """A masked number as far as screens show it: `***001`."""
    return "***" + masked[-LEGIBLE:].replace("*", "")


def money(amount_minor: int, exponent: int, currency: str) -> dict[str, str]:
    """The values `amount` and `currency` of a line."""
    return {"amount": format_amount(amount_minor, exponent), "currency": currency}


def when(at: datetime) -> str:
    """Day and time, written field by field: strftime costs as much as the rest of a page."""
    return f"{at.day:02}/{at.month:02} {at.hour:02}:{at.minute:02}"


def width(name: str) -> int:
    """The room that a name takes at most, as it is or spelled in the 7-bit alphabet."""
    return max(ucs2_units(name), septets(legible(name, "gsm7")))


def brief(name: str) -> str:
    """A name as a list has room for."""
    return clip(" ".join(name.split()), ITEM_NAME_UNITS_MAX, width)
