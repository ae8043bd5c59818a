"""What screens share: an answer that only leads on, and how names are cut to fit."""

import re
from typing import Final

from ussd.fit import clip, ucs2_units
from ussd.menu import Go, Handler, Move, Turn
from ussd.session import ScreenName

NUMBER: Final = re.compile(r"[A-Za-z0-9._-]{1,32}")  # our aliases are digits; a DFSP's own may be any of these
NAME_UNITS_MAX: Final = 40  # of a shop's name kept in the session; no screen has room for more
ITEM_NAME_UNITS_MAX: Final = 20  # of a name in a list
REFERENCE_UNITS_MAX: Final = 12  # of a reference; ours are shorter


def go(screen: ScreenName) -> Handler:
    """An answer that only leads to another screen."""

    async def choose(turn: Turn, text: str) -> Move:
        return Go(screen)

    return choose


def short_name(name: str) -> str:
    """A shop's name as a screen has room for."""
    return clip(name, NAME_UNITS_MAX, ucs2_units)


def short_reference(reference: str) -> str:
    """A reference as a screen has room for."""
    return clip(reference, REFERENCE_UNITS_MAX, ucs2_units)
