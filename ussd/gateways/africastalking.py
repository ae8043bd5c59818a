"""Africa's Talking: form fields in, `CON ` or `END ` text out, the text cumulative.

Source: its USSD documentation, requests and end-of-session notifications. The notification comes as another
form, possibly to the same URL; `parse` tells them apart by `status`. Its `input` holds everything ever
typed and is not read.
"""

import re
from collections.abc import Mapping
from typing import Final

from ussd.session import BadStep, Event, Reply, Step

NAME: Final = "africastalking"

TEXT_CHARS_MAX: Final = 1_000  # 180 s of typing stay far below
_STATUSES: Final = {"Success", "Incomplete", "Failed"}
_SESSION_ID: Final = re.compile(r"[A-Za-z0-9_.:-]{1,100}")
_PHONE_NUMBER: Final = re.compile(r"[+ ]?[1-9][0-9]{6,14}")  # E.164; a space is a plus that was not encoded
_SERVICE_CODE: Final = re.compile(r"\*[0-9]{1,6}(\*[0-9]{1,6}){0,2}#?")
_NETWORK_CODE: Final = re.compile(r"[0-9A-Za-z]{0,16}")  # mobile country and network code; nothing depends on it


def parse(form: Mapping[str, str]) -> Step:
    """Read a decoded form: a step of a session, or the notification that it ended.

    Blank values must have been kept: the first request's `text` is empty. Raises BadStep on a field that is
    missing, too long or invalid; unknown fields are ignored.
    """
    status = form.get("status")
    if status is not None and status not in _STATUSES:
        raise BadStep("status is not valid")
    if status is None and "text" not in form:
        raise BadStep("text is missing")
    # A handset's @ arrives as ¡: both are 0x40, in ASCII and in the 7-bit alphabet.
    text = "" if status else form["text"].replace("¡", "@")
    if len(text) > TEXT_CHARS_MAX:
        raise BadStep("text is too long")
    event: Event = "ended" if status else "reply" if text else "begin"
    return Step(
        gateway=NAME,
        session_id=_field(form, "sessionId", _SESSION_ID),
        msisdn="+" + _field(form, "phoneNumber", _PHONE_NUMBER).lstrip("+ "),
        service_code=_field(form, "serviceCode", _SERVICE_CODE),
        event=event,
        text=text,
        network=_field(form, "networkCode", _NETWORK_CODE, missing=""),
    )


def _field(form: Mapping[str, str], name: str, pattern: re.Pattern[str], missing: str | None = None) -> str:
    value = form.get(name, missing)
    if value is None:
        raise BadStep(f"{name} is missing")
    if not pattern.fullmatch(value):
        raise BadStep(f"{name} is not valid")
    return value


def render(reply: Reply) -> bytes:
    """The body of the 200 answer, `text/plain; charset=utf-8`."""
    return f"{'END' if reply.end else 'CON'} {reply.text}".encode()
