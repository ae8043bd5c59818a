"""Text messages about payments, each within one segment: 160 septets, or 70 characters of UCS-2.

They are counted and cut as screens are: only the shop's name is cut, where the amount leaves it little room.
"""

from datetime import time
from typing import Final

from msgspec import Struct

from ussd.amounts import format_amount
from ussd.fit import Cap
from ussd.layout import lay_out
from ussd.menu import View
from ussd.texts import catalogue, say

SEGMENT: Final = Cap(septets=160, ucs2_units=70)  # 3GPP TS 23.040: 140 octets; more is two messages


class Told(Struct, frozen=True):
    """A payment as a message tells it: the key of its text, `at` in the scheme's time zone, the payer masked.

    `shop` is its name for handsets, and `own_name` the one in its own letters, for languages that are not written in
    the 7-bit alphabet.
    """

    key: str
    shop: str
    own_name: str
    amount_minor: int
    currency: str
    exponent: int
    at: time
    reference: str
    payer: str = ""


def text_message(told: Told, language: str) -> str:
    """The message in a language, or in the default one in place of a language that we do not have."""
    words = catalogue(language)
    line = say(
        f"sms.{told.key}",
        shop=told.shop if words.alphabet == "gsm7" else told.own_name,
        amount=format_amount(told.amount_minor, told.exponent),
        currency=told.currency,
        payer=told.payer,
        time=f"{told.at.hour:02}:{told.at.minute:02}",
        reference=told.reference,
    )
    return lay_out(View(line), words, SEGMENT, has_pages=False).text
