"""What screens share: an answer that only leads on, a place in a list, and how names are cut to fit."""

import re
from collections.abc import Sequence
from typing import Final, TypeVar

from ussd.menu import Go, Handler, Move, Stay, Turn
from ussd.session import ScreenName
from ussd.texts import say

_T = TypeVar("_T")
FIRST: Final = "1"  # of a list
NUMBER: Final = re.compile(r"[A-Za-z0-9._-]{1,32}")  # our aliases are digits; a DFSP's own may be any of these
ITEM_NAME_UNITS_MAX: Final = 20  # of a name in a list


def go(screen: ScreenName) -> Handler:
    """An answer that only leads to another screen."""

    async def choose(turn: Turn, text: str) -> Move:
        return Go(screen)

    return choose


def chosen(text: str, items: Sequence[_T]) -> _T | Stay:
    """The item at the place that was typed, or the screen again with the places there are."""
    if not items:
        return Stay()
    by_place = {str(place): item for place, item in enumerate(items, start=1)}
    return by_place.get(text) or Stay(say("error.range", last=str(len(items))))
