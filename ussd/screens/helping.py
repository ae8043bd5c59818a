"""The shops that a phone paid before, help, and a word about a shop that is not what it seems.

`report` is the only handler with an effect.
"""

from typing import Final

from msgspec.structs import replace

from ussd.menu import End, Go, Handler, Move, Option, Screen, Stay, Turn, View
from ussd.naming import named, short_name
from ussd.screens.common import ITEM_NAME_UNITS_MAX, chosen, go
from ussd.screens.shopper import find_shop, take_number
from ussd.session import ScreenName
from ussd.shopping import PaidShop
from ussd.texts import Line, say

SHOPS_SHOWN: Final = 9


async def show_shops(turn: Turn) -> View:
    """The shops that this phone paid, the last one first."""
    shops = await turn.backend.paid_shops(turn.step.msisdn, SHOPS_SHOWN)
    items = tuple(_item(place, shop) for place, shop in enumerate(shops, start=1))
    return View(say("paid_shops.list" if shops else "paid_shops.none"), items)


def _item(place: int, shop: PaidShop) -> Line:
    name = short_name(shop.name, shop.number)
    if not name or name.startswith(shop.number):  # the number says it all, or leads already
        return say("paid_shops.unnamed", place=str(place), shop=named(name, shop.number, ITEM_NAME_UNITS_MAX))
    cut = named(name, shop.number, ITEM_NAME_UNITS_MAX)
    return say("paid_shops.item", place=str(place), shop=cut, number=shop.number)


async def take_shops(turn: Turn, text: str) -> Move:
    """Choose one by its place; then it is as if its number had been typed."""
    shop = chosen(text, await turn.backend.paid_shops(turn.step.msisdn, SHOPS_SHOWN))
    return shop if isinstance(shop, Stay) else await take_number(turn, shop.number)


async def show_help(turn: Turn) -> View:
    """How to pay at once, and who asks for a PIN."""
    return View(say("help.text", code=turn.step.service_code.rstrip("#")))


async def show_report(turn: Turn) -> View:
    """Ask for the number of the shop that is wrong."""
    return View(say("report.ask"))


async def take_report(turn: Turn, text: str) -> Move:
    """Find the shop."""
    shop = await find_shop(turn, text)
    return shop if isinstance(shop, Stay) else Go("report_why", replace(turn.answers, shop=shop))


async def show_report_why(turn: Turn) -> View:
    """Ask what is wrong with it."""
    return View(say("report.why", number=turn.shop.number))


def report(reason: str) -> Handler:
    """An answer that keeps the report for the shop's DFSP."""

    async def choose(turn: Turn, text: str) -> Move:
        kept = await turn.backend.report_shop(turn.step.msisdn, turn.shop.counter_id, reason)
        return End(say("report.kept" if kept == "kept" else "report.too_many"))

    return choose


SCREENS: Final[dict[ScreenName, Screen]] = {
    "paid_shops": Screen(show_shops, typed=take_shops),
    "help": Screen(show_help, options={"1": Option("help.report", go("report"))}),
    "report": Screen(show_report, typed=take_report),
    "report_why": Screen(
        show_report_why,
        options={
            "1": Option("report.other_name", report("other_name")),
            "2": Option("report.asked_for_more", report("asked_for_more")),
            "3": Option("report.other", report("other")),
        },
        commits=True,
    ),
}
