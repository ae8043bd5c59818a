"""The menu's first screen."""

from typing import Final

from ussd.menu import Option, Screen, Turn, View
from ussd.screens.common import go
from ussd.screens.merchant import choose_shop
from ussd.session import ScreenName
from ussd.texts import say


async def show_home(turn: Turn) -> View:
    """Where every dialogue begins: the menu."""
    return View(say("home.title"))


SCREENS: Final[dict[ScreenName, Screen]] = {
    "home": Screen(
        show_home,
        options={
            "1": Option("home.pay", go("number")),
            "2": Option("home.own", choose_shop),
            "3": Option("home.mine", go("mine")),
            "4": Option("home.shops", go("paid_shops")),
            "8": Option("home.help", go("help")),
            "9": Option("home.language", go("language")),
        },
    ),
}
