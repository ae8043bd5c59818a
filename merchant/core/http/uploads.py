"""A file sent as multipart/form-data: counted as it comes in, refused at its limit, kept in a file without a name.

Litestar takes the parts apart and keeps the file outside memory from a megabyte on; this bounds what it reads, and
tells what is wrong in our own words. The file is gone when the block ends, whatever ends it.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, BinaryIO

from litestar import Request
from litestar.datastructures import State, UploadFile
from litestar.exceptions import HTTPException
from msgspec import Struct

from merchant.core import errors
from merchant.core.texts import _

Req = Request[Any, Any, State]
FILE_PART = "file"
# Beside the file: boundaries, the headers of the parts, and some short fields.
_OTHER_BYTES = 64 << 10
_MULTIPART = "multipart/form-data"
_HASHED_AT_ONCE = 1 << 20


class MalformedUpload(errors.BadRequest):
    code, title = "malformed_upload", _("Send one file, as the part `file` of multipart/form-data")


# What any route that takes a file may answer.
PROBLEMS = (
    MalformedUpload,
    errors.TooLarge,
    errors.UnsupportedMediaType,
    errors.NulCharacter,
    errors.InvalidFields,
)


class Upload(Struct, frozen=True):
    """A file that was sent, open at its start, with the text fields beside it. The sender's name is only shown."""

    file: BinaryIO
    file_name: str
    sha256: str
    fields: dict[str, str]


@asynccontextmanager
async def read_upload(request: Req, most_bytes: int) -> AsyncIterator[Upload]:
    """The one file of a request, at most `most_bytes` long.

    Raises UnsupportedMediaType, TooLarge, MalformedUpload, NulCharacter, BodyCut, BodyTimeout.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _MULTIPART:
        raise errors.UnsupportedMediaType(_("Send this as multipart/form-data."))
    parts = await _parts(request, most_bytes)
    files = [part for _name, part in parts if isinstance(part, UploadFile)]
    try:
        fields = {name: part for name, part in parts if isinstance(part, str)}
        given = dict(parts).get(FILE_PART)
        if not isinstance(given, UploadFile) or len(fields) + 1 != len(parts):  # no file, or a name twice
            raise MalformedUpload
        if any("\0" in text for text in fields.values()):
            raise errors.NulCharacter
        file: Any = given.file
        sha256, size = await asyncio.to_thread(_measure, file)
        if size > most_bytes:
            raise _too_large(most_bytes)
        yield Upload(file, given.filename, sha256, fields)
    finally:
        for one in files:
            await one.close()


async def _parts(request: Req, most_bytes: int) -> list[tuple[str, Any]]:
    """The parts of the body with their names: texts, and files."""
    limit = most_bytes + _OTHER_BYTES
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > limit:
        raise _too_large(most_bytes)
    received = 0

    async def receive() -> Any:
        nonlocal received
        message: Any = await request.receive()
        received += len(message.get("body", b""))
        if received > limit:
            raise _too_large(most_bytes)
        return message

    counted: Req = Request(request.scope, receive=receive)
    try:
        return list((await counted.form()).multi_items())
    except (HTTPException, UnicodeError, LookupError):  # no parts, or text of an unknown encoding
        raise MalformedUpload from None


def _measure(file: BinaryIO) -> tuple[str, int]:
    """The SHA-256 in hex and the length of a file, which is left at its start."""
    digest, size = hashlib.sha256(), 0
    file.seek(0)
    while chunk := file.read(_HASHED_AT_ONCE):
        digest.update(chunk)
        size += len(chunk)
    file.seek(0)
    return digest.hexdigest(), size


def _too_large(most_bytes: int) -> errors.TooLarge:
    most = f"{most_bytes / (1 << 20):g}"
    told = _("A file may be {most} MiB at most.", most=most)
    return errors.TooLarge(told, headers={"connection": "close"})  # the rest of the body is not read
