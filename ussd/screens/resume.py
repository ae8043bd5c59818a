"""The screen that offers to go on with a dialogue which broke off: the network drops, and people dial again.

It stands on top of the screens of that dialogue, with its answers, so that going on is a step back.
"""

from typing import Final

from ussd.amounts import format_amount
from ussd.menu import EXIT, MORE, Back, Move, Option, Screen, Turn, View
from ussd.naming import named
from ussd.screens.common import go
from ussd.session import ScreenName
from ussd.texts import say


async def show_resume(turn: Turn) -> View:
    """Ask whether to go on, naming the shop and the amount as far as they are known."""
    shop, amount_minor = turn.answers.shop, turn.answers.amount_minor
    if shop is None:
        return View(say("resume.ask"))
    if amount_minor is None:
        return View(say("resume.shop", shop=named(shop.name, shop.number)))
    amount = format_amount(amount_minor, shop.exponent)
    return View(say("resume.payment", amount=amount, currency=shop.currency, shop=named(shop.name, shop.number)))


async def choose_go_on(turn: Turn, text: str) -> Move:
    """The screen at which the dialogue broke off."""
    return Back()


SCREENS: Final[dict[ScreenName, Screen]] = {
    "resume": Screen(
        show_resume,
        options={"1": Option("resume.go_on", choose_go_on), "2": Option("resume.new", go("home"))},
        navigation=frozenset({MORE, EXIT}),
    ),
}
