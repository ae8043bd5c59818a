"""A file that is sent with a form (multipart/form-data, RFC 7578): read with a hard cap, in memory, never onto a disk.

What is sent is not sealed yet, so it must not be left behind in a temporary file; hence the caps, on each body and on
how many are received at once. A body that says it is too large is refused before any of it is read.
"""

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote
from uuid import UUID

import msgspec
from litestar import Request
from litestar.datastructures import State
from msgspec import Struct

from merchant.core import errors
from merchant.core.access import APPLICANT_ROLES, Actor
from merchant.core.http import json as web
from merchant.core.service import Service
from merchant.core.texts import _

FILE = "file"  # the part that is the file
# A file from a telephone at 0.7 Mbit/s.
LONGEST_S = 120.0
# Each costs up to four times itself in memory until it is answered; and no DFSP keeps the others from sending.
MOST_AT_ONCE, MOST_AT_ONCE_OF_ONE = 6, 3
# Whoever has a telephone may register and send slowly: all of them together leave the greater part to staff.
MOST_AT_ONCE_OF_GUESTS, MOST_AT_ONCE_OF_GUEST = 2, 1
_RETRY_AFTER_S = 5
_FIELDS_BYTES = 16_384  # of everything but the file
_HEADER_BYTES = 2_048
_PARTS_MAX = 12
_TYPE = re.compile(r"multipart/form-data\s*;.*?\bboundary=(?:\"([^\"\r\n]{1,70})\"|([^\s;\",]{1,70}))", re.IGNORECASE)
_PARAMETER = re.compile(r";\s*(name|filename\*?)\s*=\s*(?:\"((?:[^\"\\]|\\.)*)\"|([^\s;\"]*))", re.IGNORECASE)
_AS_IT_IS = ("", "binary", "8bit", "7bit")


class SentFile(Struct, frozen=True):
    """A file as it came: what its sender calls it, and its bytes."""

    name: str
    data: bytes


class Form(Struct, frozen=True):
    """A form with its file."""

    fields: dict[str, str]
    file: SentFile


class Uploads:
    """How many files this process is receiving: of each DFSP's staff and keys, and of each guest.

    Guests are applicants and merchants' own people. They have a share of their own and take none of their DFSP's.
    """

    def __init__(self, _service: Service) -> None:
        self._of: Counter[UUID | None] = Counter()  # by DFSP; no guest's
        self._of_guests: Counter[UUID] = Counter()  # by person

    @contextmanager
    def one_of(self, actor: Actor) -> Iterator[None]:
        """One more, until the block ends. Raises Busy."""
        is_guest = actor.merchant_id is not None or not APPLICANT_ROLES.isdisjoint(actor.roles)
        counter: Counter[Any] = self._of_guests if is_guest else self._of
        key = actor.id if is_guest else actor.dfsp_id
        of_guests = self._of_guests.total()
        if (
            self._of.total() + of_guests >= MOST_AT_ONCE
            or counter[key] >= (MOST_AT_ONCE_OF_GUEST if is_guest else MOST_AT_ONCE_OF_ONE)
            or (is_guest and of_guests >= MOST_AT_ONCE_OF_GUESTS)
        ):
            raise errors.Busy(
                _("Too many files are being received at this moment; send this again in a few seconds."),
                headers={"retry-after": str(_RETRY_AFTER_S), "connection": "close"},
            )
        counter[key] += 1
        try:
            yield
        finally:
            counter[key] -= 1
            if not counter[key]:
                del counter[key]  # people come and go


async def read_form(request: Request[Any, Any, State], most_bytes: int) -> Form:
    """The fields of a form and its file of at most `most_bytes`.

    Raises TooLarge, UnsupportedMediaType, MalformedForm, NulCharacter, InvalidFields without a file.
    """
    found = _TYPE.match(request.headers.get("content-type", ""))
    if found is None:
        raise errors.UnsupportedMediaType(_("Send this as multipart/form-data."))
    body = await _read(request, most_bytes)
    form = parse(body, (found[1] or found[2]).encode("latin-1"))
    if len(form.file.data) > most_bytes:
        raise too_large(most_bytes)
    return form


def too_large(most_bytes: int) -> errors.TooLarge:
    """What a sender of more than so many bytes is told."""
    most = f"{most_bytes / (1 << 20):g}"
    return errors.TooLarge(_("A file has at most {most} MiB.", most=most), headers={"connection": "close"})


async def _read(request: Request[Any, Any, State], most_bytes: int) -> bytearray:
    """The body, with room for the fields beside the file. Raises TooLarge."""
    most = most_bytes + _FIELDS_BYTES
    told = request.headers.get("content-length", "")
    if told.isdigit() and int(told[:20]) > most:
        raise too_large(most_bytes)
    incoming: Any = request.scope.get("incoming")  # core/http/context.py
    if incoming is not None:
        incoming.allow(LONGEST_S)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise too_large(most_bytes)
    return body


def parse(body: bytes | bytearray, boundary: bytes) -> Form:
    """A form out of its bytes. Raises MalformedForm, NulCharacter, InvalidFields without a file."""
    delimiter = b"\r\n--" + boundary
    fields: dict[str, str] = {}
    file: SentFile | None = None
    # The first delimiter has no line before it, and some senders begin with an empty one.
    at = 0 if body.startswith(delimiter) else -2
    if at and not body.startswith(delimiter[2:]):
        raise _malformed(_("it does not begin with its boundary"))
    for _part in range(_PARTS_MAX):
        at += len(delimiter)
        if body.startswith(b"--", at):
            if file is None:
                raise errors.invalid_field(FILE, "required", _("Send a file."))
            return Form(fields, file)
        head = body.find(b"\r\n\r\n", at, at + _HEADER_BYTES)
        end = body.find(delimiter, head + 2)
        if not body.startswith(b"\r\n", at) or head < 0 or end < 0:
            raise _malformed(_("a part of it has no head or no end"))
        name, file_name = _disposition(bytes(body[at:head]))
        content = bytes(memoryview(body)[head + 4 : end])
        if name in fields or (name == FILE and file is not None):
            raise _malformed(_("a name stands in it twice"))
        if name == FILE:
            file = SentFile(file_name or "", content)
        else:
            fields[name] = _field(content)
        at = end
    raise _malformed(_("it has too many parts"))


def _disposition(head: bytes) -> tuple[str, str | None]:
    """A part's name, and the name of its file if it has one. Raises MalformedForm."""
    try:
        lines = head.decode().split("\r\n")
    except UnicodeDecodeError:
        raise _malformed(_("a head of it is not UTF-8")) from None
    headers = {name.strip().lower(): value.strip() for name, _colon, value in (line.partition(":") for line in lines)}
    kind, _semicolon, rest = headers.get("content-disposition", "").partition(";")
    told = {found[1].lower(): found[2] or found[3] for found in _PARAMETER.finditer(";" + rest)}
    if kind.strip().lower() != "form-data" or "name" not in told:
        raise _malformed(_("a part of it has no name"))
    if headers.get("content-transfer-encoding", "").lower() not in _AS_IT_IS:
        raise _malformed(_("a part of it is encoded"))
    file_name = told.get("filename")
    if extended := told.get("filename*"):  # RFC 8187
        file_name = unquote(extended.partition("''")[2], errors="replace")
    elif file_name is not None:
        file_name = file_name.replace("%22", '"').replace('\\"', '"')
    return told["name"], file_name


def _field(content: bytes) -> str:
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise _malformed(_("a field of it is not UTF-8")) from None
    if "\0" in text:
        raise errors.NulCharacter
    return text


def _malformed(fault: str) -> errors.MalformedForm:
    return errors.MalformedForm(_("The form cannot be read: {fault}.", fault=fault))


def fields_as(fields: dict[str, str], shape: type[Any]) -> Any:
    """The fields as a struct, by the one decoder of our API. Raises InvalidFields."""
    return web.decode(msgspec.json.encode(fields), shape)
