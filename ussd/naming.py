"""Names of shops as a screen may show them.

A shop chooses its name, and a shopper reads it between our words: a name that gives orders, asks for a secret, or is a
wallet's own, is not shown at all, and neither is one of which nothing is legible. The shop's number stands for it.
"""

import re
from typing import Final

from ussd.fit import clip, legible, ucs2_units
from ussd.texts import Line, say

NAME_UNITS_MAX: Final = 40  # of a shop's name kept in the session; no screen has room for more
ITEM_NAME_UNITS_MAX: Final = 20  # of a name in a list
PLACE_UNITS_MAX: Final = 14  # of a town
USUAL_NUMBER_MAX: Final = 12  # characters; a DFSP's own aliases may have 32

_LOOKS_LIKE: Final = str.maketrans("01345@$", "oieasas")
_WORDS: Final = re.compile(r"[^\W_]+")
_SECRETS: Final = frozenset({"pin", "pincode", "password", "passcode", "otp", "nenosiri"})
_ORDERS: Final = re.compile(
    r"mot de passe|code secret|secret code|n[ea](no|mba) [ly]a siri|[*#][0-9]{2}|[0-9][*#]|://|www\."
)
_WALLETS: Final = frozenset(
    {
        *("airtel", "airtelmoney", "ecocash", "equitel", "halopesa", "kbzpay", "mixx", "momo", "momopay", "moov"),
        *("moovmoney", "mpesa", "mtn", "mtnmomo", "orangemoney", "safaricom", "telebirr", "tigopesa", "tkash"),
        *("vodacom", "wave", "wavepay", "yourbank"),
    }
)
_LONG_NUMBER: Final = re.compile(r"(?:[0-9][ .-]?){5}")


def is_harmless(name: str) -> bool:
    """Whether a name may stand on a screen as it is."""
    shown = legible(name, "gsm7").lower()
    words = [word for word in _WORDS.findall(shown.translate(_LOOKS_LIKE)) if word]
    if not any(character.isalpha() for character in shown) or _ORDERS.search(shown) or _LONG_NUMBER.search(shown):
        return False
    return _SECRETS.isdisjoint({*words, *_spelled_out(words)}) and "".join(words) not in _WALLETS


def _spelled_out(words: list[str]) -> list[str]:
    """Words whose letters were set apart: `P I N`, `P.I.N`."""
    letters = "".join(word if len(word) == 1 else " " for word in words)
    return letters.split()


def short_name(name: str, number: str) -> str:
    """A name as it is kept and shown: cut, with the number in front of one that begins like an option, or nothing in
    place of one that may not be shown.
    """
    if not is_harmless(name):
        return ""
    name = clip(" ".join(name.split()), NAME_UNITS_MAX, ucs2_units)
    return f"{number} {name}" if legible(name, "gsm7")[:1].isdigit() else name


def named(name: str, number: str, units_max: int = NAME_UNITS_MAX) -> str | Line:
    """A kept name, or the shop's number in words where it has none that may be shown."""
    return clip(name, units_max, ucs2_units) if name else say("shop.unnamed", number=number)


def placed(place: str, number: str) -> str:
    """A town as it follows a name; nothing where it may not be shown, or where a long number takes its room."""
    room = PLACE_UNITS_MAX - max(0, len(number) - USUAL_NUMBER_MAX)
    town = clip(" ".join(place.split()), room, ucs2_units)
    return f", {town}" if town and is_harmless(place) else ""
