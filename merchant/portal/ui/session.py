"""What a browser's session gives a page: its secret for forms, and a sentence to tell after a redirect.

A form carries the session's secret, masked anew on each page so that compression gives nothing of it away (BREACH);
together with the same-site check of core/http/forms.py no other site can send a form of ours.
"""

import base64
import binascii
import hmac
import secrets
from typing import Any, Literal

import msgspec
from msgspec import Struct

from merchant.core import errors
from merchant.core.access import Actor
from merchant.core.http import cookies
from merchant.core.service import Service
from merchant.core.texts import _, filled

CSRF_FIELD = "csrf"
FLASH = "told"
_FLASH_LIFE_S = 60
_FLASH_BYTES_MAX = 2_048
_SECRET_BYTES = 16
_TAG_BYTES = 16


class FormOutdated(errors.NotAllowed):
    code, title = "form_outdated", _("This form is from an earlier session; send it again from this page")


class Flash(Struct, frozen=True):
    """What was done, told on the page that follows."""

    sentence: str
    values: dict[str, str] = {}
    tone: Literal["good", "wait", "bad"] = "good"

    @property
    def text(self) -> str:
        """The sentence, for `translate`."""
        return filled(self.sentence, self.values) if self.values else self.sentence


def csrf_token(service: Service, actor: Actor) -> str:
    """The session's secret for forms, masked."""
    pad = secrets.token_bytes(_SECRET_BYTES)
    return _text(pad + _xor(pad, _secret(service, actor)))


def check_csrf(service: Service, actor: Actor, sent: str) -> None:
    """Raise FormOutdated unless a form carries the session's secret."""
    raw = _bytes(sent)
    pad, masked = raw[:_SECRET_BYTES], raw[_SECRET_BYTES:]
    if len(raw) != 2 * _SECRET_BYTES or not hmac.compare_digest(_xor(pad, masked), _secret(service, actor)):
        raise FormOutdated


def _secret(service: Service, actor: Actor) -> bytes:
    return service.vault.digest("form of a session", str(actor.session_id))[:_SECRET_BYTES]


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=False))


def keep_flash(service: Service, response: Any, flash: Flash) -> None:
    """Let the next page tell it."""
    raw = msgspec.json.encode(flash)
    value = _text(_tag(service, raw) + raw)
    if len(value) <= _FLASH_BYTES_MAX:
        cookies.set_cookie(response, FLASH, value, service.settings, _FLASH_LIFE_S)


def read_flash(service: Service, headers: Any) -> Flash | None:
    """What the page before did. Only we can have said it: the cookie is tagged."""
    value = cookies.read_cookie(headers, FLASH, service.settings)
    if value is None or len(value) > _FLASH_BYTES_MAX:
        return None
    raw = _bytes(value)
    tag, said = raw[:_TAG_BYTES], raw[_TAG_BYTES:]
    if not hmac.compare_digest(tag, _tag(service, said)):
        return None
    return msgspec.json.decode(said, type=Flash)


def drop_flash(service: Service, response: Any) -> None:
    """It was told."""
    cookies.set_cookie(response, FLASH, "", service.settings, 0)


def _tag(service: Service, raw: bytes) -> bytes:
    return service.vault.digest("told after a form", raw.decode(errors="replace"))[:_TAG_BYTES]


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (ValueError, binascii.Error):
        return b""
