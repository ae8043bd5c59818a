"""The screens of who may use a shop's counters: the owner adds a phone, sees who there is, and shuts one out."""

import unicodedata
from typing import Final

from msgspec.structs import replace

from ussd.menu import End, Move, Option, Screen, Stay, Turn, View
from ussd.screens.common import ITEM_NAME_UNITS_MAX, go
from ussd.screens.trading import begin, brief, counters_of_shop, item_at, tail, to, trade_of, width
from ussd.session import ScreenName
from ussd.texts import CATALOGUES, LANGUAGES, Line, say
from ussd.trade import CashierLine, NewCashier


async def show_people(turn: Turn) -> View:
    """What can be done about cashiers."""
    return View(say("people.title"))


# --- shutting out ----------------------------------------------------------------------------------------------------


async def show_cashiers(turn: Turn) -> View:
    """Who may use the counters."""
    cashiers = await _cashiers(turn)
    items = (f"{place} {_named(one)}" for place, one in enumerate(cashiers, start=1))
    return View(say("people.list" if cashiers else "people.none"), tuple(items))


def _named(cashier: CashierLine) -> str:
    phone = f" {tail(cashier.phone_masked)}" if cashier.phone_masked else ""
    return f"{brief(cashier.name)}{phone}" + (f" {brief(cashier.counter)}" if cashier.counter else "")


async def _cashiers(turn: Turn) -> list[CashierLine]:
    return await turn.backend.cashiers(turn.step.msisdn, trade_of(turn).shop_id)


async def take_cashier(turn: Turn, text: str) -> Move:
    """Choose one by the place in the list."""
    chosen = item_at(text, await _cashiers(turn))
    if isinstance(chosen, Stay):
        return chosen
    return to("cashier", replace(trade_of(turn), chosen_id=chosen.person_id, chosen=_named(chosen)))


async def show_cashier(turn: Turn) -> View:
    """One of them."""
    return View(say("people.one", name=trade_of(turn).chosen))


async def show_remove(turn: Turn) -> View:
    """Ask before somebody is shut out."""
    return View(say("people.remove", name=trade_of(turn).chosen))


async def remove(turn: Turn, text: str) -> Move:
    """Shut the cashier out: an effect."""
    trade = trade_of(turn)
    assert trade.chosen_id is not None
    outcome = await turn.backend.remove_cashier(turn.step.msisdn, trade.chosen_id, turn.key)
    if outcome == "done":
        return End(say("people.removed", name=trade.chosen))
    return End(_refusal(outcome))


# --- adding ----------------------------------------------------------------------------------------------------------


async def show_phone(turn: Turn) -> View:
    """Ask for the cashier's phone number."""
    return View(say("people.phone"))


async def take_phone(turn: Turn, text: str) -> Move:
    """Read the number; the owner's own is no cashier's."""
    phone = await turn.backend.read_phone(text)
    if phone is None:
        return Stay(say("ask.no_phone"))
    if phone == turn.step.msisdn:
        return Stay(say("ask.own_number"))
    return to("cashier_name", replace(trade_of(turn), customer=phone))


async def show_name(turn: Turn) -> View:
    """Ask for the cashier's name."""
    return View(say("people.name"))


async def take_name(turn: Turn, text: str) -> Move:
    """Keep a short name, and ask for the counter where there are several."""
    name = " ".join("".join(c for c in text if c.isspace() or unicodedata.category(c)[0] != "C").split())
    if not any(c.isalpha() for c in name) or width(name) > ITEM_NAME_UNITS_MAX:
        return Stay(say("people.bad_name", most=str(ITEM_NAME_UNITS_MAX)))
    trade = replace(trade_of(turn), note=name)
    return to("add_cashier" if trade.number else "cashier_counter", trade)


async def show_counter(turn: Turn) -> View:
    """Every counter, or one of them."""
    items: list[str | Line] = [say("people.every", place="1")]
    counters = await counters_of_shop(turn)
    items += [f"{place} {one.number} {brief(one.name)}" for place, one in enumerate(counters, start=2)]
    return View(say("own.pick"), tuple(items))


async def take_counter(turn: Turn, text: str) -> Move:
    """Choose by the place in the list."""
    chosen = item_at(text, [None, *await counters_of_shop(turn)])
    if isinstance(chosen, Stay):
        return chosen
    trade = trade_of(turn)
    if chosen is None:
        return to("add_cashier", replace(trade, counter_id=None, counter=""))
    return to("add_cashier", replace(trade, counter_id=chosen.counter_id, counter=brief(chosen.name)))


async def show_add(turn: Turn) -> View:
    """What the new cashier may do, to confirm."""
    trade = trade_of(turn)
    fields = {"name": trade.note or "", "phone": trade.customer or ""}
    if trade.counter:
        return View(say("people.confirm_counter", counter=trade.counter, **fields))
    return View(say("people.confirm", **fields))


async def add(turn: Turn, text: str) -> Move:
    """Let the phone use the counters: an effect."""
    trade = trade_of(turn)
    assert trade.customer is not None
    assert trade.note is not None
    counter_id = None if trade.number else trade.counter_id
    new = NewCashier(turn.key, turn.step.msisdn, trade.shop_id, trade.customer, trade.note, counter_id)
    outcome = await turn.backend.add_cashier(new)
    if outcome == "done":
        return End(say("people.added", name=trade.note, code=turn.step.service_code))
    return End(_refusal(outcome))


def _refusal(outcome: str) -> Line:
    known = f"people.{outcome}" in CATALOGUES[LANGUAGES[0]].texts
    return say(f"people.{outcome}" if known else "not_asked.not_yours")


SCREENS: Final[dict[ScreenName, Screen]] = {
    "people": Screen(
        show_people,
        options={"1": Option("people.add", begin("cashier_phone")), "2": Option("people.see", begin("cashiers"))},
    ),
    "cashiers": Screen(show_cashiers, typed=take_cashier),
    "cashier": Screen(show_cashier, options={"1": Option("people.shut_out", go("remove_cashier"))}),
    "remove_cashier": Screen(
        show_remove,
        options={"1": Option("people.shut_out", remove), "2": Option("confirm.cancel", begin("shop"))},
        commits=True,
    ),
    "cashier_phone": Screen(show_phone, typed=take_phone),
    "cashier_name": Screen(show_name, typed=take_name),
    "cashier_counter": Screen(show_counter, typed=take_counter),
    "add_cashier": Screen(
        show_add,
        options={"1": Option("people.add", add), "2": Option("confirm.cancel", begin("shop"))},
        commits=True,
    ),
}
