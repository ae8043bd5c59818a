"""The drawn telephone without apps: each press of its keys is a step of a real USSD dialogue.

The phone keeps its own screen in a cookie, so that nobody else sees it; what it sends and shows is phones.py's.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

import ussd
from merchant.channels.ussd.door import gateway_path
from merchant.core import clock
from merchant.core.service import SchemeFacts, Service
from merchant.core.settings import Settings
from merchant.demo.own_shops import STALL_PHONE
from merchant.demo.pages import phones
from merchant.demo.pages.phones import CUSTOMERS, KNOWN, Customer, Keypad, NoAnswer
from merchant.portal.ui.pages import Req
from merchant.registry.codes import payload as codes
from ussd.fit import is_gsm7, measure
from ussd.texts import CATALOGUES, LANGUAGES

COOKIE = "keypad"
# As long as networks keep a dialogue open (180 s at most).
COOKIE_LIFE_S = 180
KEYS = ("1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "0", "#")
_LANGUAGE_KEY = "9"  # of the menu's first screen (ussd/screens/home.py)
_ENTRY_CHARS_MAX = 100
_GATEWAY = "africastalking"
PHONES = (CUSTOMERS[0], Customer(STALL_PHONE, "Mama Amina’s own phone"), CUSTOMERS[-1])
_DIALLERS = KNOWN | {one.msisdn for one in PHONES}


class Dialogue(Struct, frozen=True):
    """What the drawn phone shows around its screen: what the text costs, and how long the network waits."""

    keypad: Keypad | None
    entry: str
    used: int = 0
    allowed: int = 0
    encoding: str = ""
    ends_at: float = 0  # seconds since the epoch
    left_s: int = 0

    @property
    def is_open(self) -> bool:
        """Whether an answer can be typed."""
        return self.keypad is not None and not self.keypad.ended


def dialogue(request: Req, start: str) -> Dialogue:
    """The dialogue that the visitor's phone is in; `start` stands in the field before one began."""
    keypad = phones.from_cookie(request.cookies.get(COOKIE))
    if keypad is None:
        return Dialogue(None, start)
    if not keypad.screen:
        return Dialogue(None, keypad.entry or start)
    size, allowed = measure(keypad.screen, ussd.GATEWAYS[_GATEWAY].cap)
    encoding = "GSM-7" if is_gsm7(keypad.screen) else "UCS-2"
    ends_at = keypad.begun + COOKIE_LIFE_S
    left_s = max(int(ends_at - clock.now().timestamp()), 0)
    if not left_s:
        keypad = msgspec.structs.replace(keypad, ended=True)
    entry = keypad.entry or (start if keypad.ended else "")
    return Dialogue(keypad, entry, size(keypad.screen), allowed, encoding, ends_at, left_s)


def held_by(request: Req) -> str:
    """The number of the phone that the visitor chose."""
    keypad = phones.from_cookie(request.cookies.get(COOKIE))
    return keypad.msisdn if keypad else PHONES[0].msisdn


def languages(scheme: SchemeFacts) -> list[tuple[str, str, str]]:
    """The dialogue's languages: code, own name, and what is dialled to be spoken to in it."""
    code = scheme.ussd_code.removesuffix("#")
    return [
        (language, CATALOGUES[language][f"language.{language}"], f"{code}*{_LANGUAGE_KEY}*{place}#")
        for place, language in enumerate(LANGUAGES, start=1)
    ]


def dial_string(scheme: SchemeFacts, number: str) -> str:
    """What a shopper dials to pay a merchant number."""
    return (codes.dial_string(scheme.ussd_code, number, None) if number else None) or scheme.ussd_code


async def next_screen(service: Service, form: Mapping[str, str]) -> Keypad:
    """Dial, or answer the dialogue that a form holds. Raises NoAnswer."""
    scheme = await service.scheme()
    if "dial" in form:
        if form.get("payer") not in _DIALLERS:
            raise NoAnswer("Choose one of the phones.")
        keypad = phones.dialled(scheme, form["payer"], form["dial"])
    else:
        try:
            so_far = msgspec.convert({name: form.get(name, "") for name in ("msisdn", "session", "typed")}, Keypad)
        except msgspec.ValidationError:
            raise NoAnswer("This is no dialogue of this phone; dial again.") from None
        if so_far.msisdn not in _DIALLERS:
            raise NoAnswer("Choose one of the phones.")
        keypad = phones.replied(so_far, form.get("reply", ""))
    return await phones.send(own_url(service.settings) + gateway_path(service, _GATEWAY), scheme, keypad)


async def press(request: Req, service: Service, form: Mapping[str, str]) -> Keypad:
    """What pressing the drawn phone's keys leads to: one more digit, a call, or an answer. Raises NoAnswer."""
    held = phones.from_cookie(request.cookies.get(COOKIE))
    entry = form.get("entry", "")[:_ENTRY_CHARS_MAX]
    if form.get("press") in KEYS:
        if held is None or not held.screen:
            held = Keypad(form.get("payer", PHONES[0].msisdn)[:15], "")
        return msgspec.structs.replace(held, entry=(entry + form["press"])[:_ENTRY_CHARS_MAX])
    if held is None or not held.screen or held.ended or "dial" in form:
        dialled = {"payer": form.get("payer", ""), "dial": form.get("dial") or entry}
        keypad = await next_screen(service, dialled)
        return msgspec.structs.replace(keypad, begun=clock.now().timestamp())
    keypad = await next_screen(service, msgspec.structs.asdict(held) | {"reply": entry})
    return msgspec.structs.replace(keypad, begun=held.begun)


def kept(keypad: Keypad | None) -> dict[str, Any]:
    """The cookie in which the phone keeps its dialogue; None takes it away."""
    if keypad is None:
        return {"key": COOKIE, "value": "", "max_age": 0}
    return {"key": COOKIE, "value": phones.to_cookie(keypad), "max_age": COOKIE_LIFE_S}


def own_url(settings: Settings) -> str:
    """Where this process answers itself, whatever address it is known by outside."""
    return f"http://{settings.host}:{settings.port}"
