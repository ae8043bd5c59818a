"""The demo's two telephones: a shopper's wallet in the simulated world, and a keypad that dials our own USSD door.

Both are other parties, reached over HTTP as in the field: the wallet through the simulator's controls, the keypad
through a gateway's forms. What a phone shows comes back as text; a party that does not answer is told in words.
"""

import base64
import uuid
from datetime import datetime
from typing import Annotated, TypeVar

import aiohttp
import msgspec
from msgspec import Meta, Struct

from merchant.core.service import SchemeFacts

T = TypeVar("T")
_TIMEOUT = aiohttp.ClientTimeout(total=10)
_ENTRY_MAX = 100
_GATEWAY_TEXT_MAX = 1_000  # as ussd.gateways.africastalking takes it
_EMV_START = "000201"  # every EMV merchant code begins with payload format indicator 01


class Customer(Struct, frozen=True):
    """A simulated shopper; the number's last digit decides what they do (docs/contract.md, Simulator)."""

    msisdn: str
    does: str

    @property
    def label(self) -> str:
        """The number in groups, and what its owner does."""
        digits = self.msisdn
        return f"+{digits[:3]} {digits[3:6]} {digits[6:9]} {digits[9:]} – {self.does}"


CUSTOMERS = tuple(
    Customer(f"2547110000{number:02}", does)
    for number, does in enumerate(
        (
            "agrees",
            "says no",
            "never answers",
            "pays too late",
            "agrees, every message twice",
            "agrees, messages out of order",
            "offers another amount",
            "agrees, last notice lost",
            "unknown to the hub",
            "you answer for them",
        ),
        start=1,
    )
)
KNOWN = {customer.msisdn for customer in CUSTOMERS}


class NoAnswer(Exception):
    """A phone call failed; the message is for the person who made it."""


# --- the wallet ------------------------------------------------------------------------------------------------------


class Message(Struct, frozen=True):
    """A message on a shopper's phone."""

    at: datetime
    kind: str
    text: str
    transaction_request_id: str | None = None
    waits: bool = False  # whoever holds the phone may accept or decline


class _Inbox(Struct, frozen=True):
    items: list[Message]


class _Refusal(Struct, frozen=True):
    detail: str = "The simulated world did not understand this."


async def pay(simulator_url: str, msisdn: str, to: str, amount: str, currency: str) -> None:
    """A shopper pays a merchant number, or the text of a scanned code. Raises NoAnswer with what is wrong.

    A code names its own currency and, if it is a request's, its amount.
    """
    scanned = to.startswith(_EMV_START)
    target = {"qr_payload": to} if scanned else {"alias": "".join(to.split()), "currency": currency}
    purchase = target | ({"amount": amount} if amount else {})
    status, body = await _call("POST", f"{simulator_url}/shoppers/{msisdn}/pay", json=purchase)
    if status != 202:
        raise NoAnswer(_decoded(body, _Refusal).detail)


async def read_inbox(simulator_url: str, msisdn: str) -> list[Message]:
    """What the shopper's phone shows, newest first. Raises NoAnswer."""
    status, body = await _call("GET", f"{simulator_url}/shoppers/{msisdn}/inbox")
    if status != 200:
        raise NoAnswer(_decoded(body, _Refusal).detail)
    return _decoded(body, _Inbox).items


async def answer(simulator_url: str, msisdn: str, request_id: str, *, accept: bool) -> None:
    """Whoever holds a phone accepts or declines a request that waits for them. Raises NoAnswer."""
    said = {"transaction_request_id": request_id, "accept": accept}
    status, body = await _call("POST", f"{simulator_url}/shoppers/{msisdn}/answer", json=said)
    if status != 202:
        raise NoAnswer(_decoded(body, _Refusal).detail)


# --- the keypad ------------------------------------------------------------------------------------------------------


class Keypad(Struct, frozen=True):
    """A USSD dialogue as the phone holds it: who dials, the gateway's session, all that was typed, the last screen."""

    msisdn: Annotated[str, Meta(max_length=15)]
    session: Annotated[str, Meta(max_length=64)]
    typed: Annotated[str, Meta(max_length=_GATEWAY_TEXT_MAX)] = ""
    screen: Annotated[str, Meta(max_length=_GATEWAY_TEXT_MAX)] = ""
    ended: bool = False
    entry: Annotated[str, Meta(max_length=_ENTRY_MAX)] = ""  # what stands in the drawn phone's field
    begun: float = 0  # seconds since the epoch


def dialled(scheme: SchemeFacts, msisdn: str, text: str) -> Keypad:
    """A new dialogue: `*384*123#`, or with the menu's answers dialled at once, `*384*123*40217756*5#`.

    Raises NoAnswer for another code than the scheme's.
    """
    code = scheme.ussd_code.removesuffix("#")
    number = "".join(text.split())
    rest = number.removesuffix("#").removeprefix(code)
    if not (number.startswith(code) and number.endswith("#") and (not rest or rest.startswith("*"))):
        raise NoAnswer(f"The network does not know this code. Dial {scheme.ussd_code}")
    return Keypad(msisdn, str(uuid.uuid4()), rest[1:])


def replied(keypad: Keypad, text: str) -> Keypad:
    """The dialogue with one more answer typed."""
    return msgspec.structs.replace(keypad, typed=f"{keypad.typed}*{text}" if keypad.typed else text)


async def send(url: str, scheme: SchemeFacts, keypad: Keypad) -> Keypad:
    """Send what was typed as Africa's Talking would, and show what comes back. Raises NoAnswer."""
    form = {
        "sessionId": keypad.session,
        "phoneNumber": f"+{keypad.msisdn}",
        "serviceCode": scheme.ussd_code,
        "text": keypad.typed,
    }
    status, body = await _call("POST", url, data=form)
    verb, _, screen = body.decode(errors="replace").partition(" ")
    if status != 200 or verb not in ("CON", "END"):
        raise NoAnswer("The network refused this; dial again.")
    return msgspec.structs.replace(keypad, screen=screen, ended=verb == "END")


def to_cookie(keypad: Keypad) -> str:
    """A dialogue as a cookie's text: the phone keeps its own screen over the redirect, and nobody else sees it."""
    return base64.urlsafe_b64encode(msgspec.json.encode(keypad)).decode().rstrip("=")


def from_cookie(text: str | None) -> Keypad | None:
    """The dialogue a cookie holds; None for none, or for one that is not ours."""
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(f"{text}=="), type=Keypad) if text else None
    except ValueError:
        return None


# --- the line --------------------------------------------------------------------------------------------------------


async def _call(method: str, url: str, **body: object) -> tuple[int, bytes]:
    try:
        async with (
            aiohttp.ClientSession(timeout=_TIMEOUT) as http,
            http.request(method, url, **body) as response,  # type: ignore[arg-type]
        ):
            return response.status, await response.read()
    except (aiohttp.ClientError, TimeoutError):
        raise NoAnswer("The other side does not answer just now; try again.") from None


def _decoded(body: bytes, shape: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.MsgspecError:
        raise NoAnswer("The other side answered something strange.") from None
