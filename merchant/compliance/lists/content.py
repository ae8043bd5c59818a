"""The bytes of lists: unpacked within limits, read in a thread, kept packed in the database and read back.

The database holds them, and not the data folder, since app and workers may be on different machines and all must
screen against the same version; a backup of the database then holds what every report rests on.
"""

import asyncio
import gzip
import hashlib
import io
import zlib
from collections.abc import Iterable
from datetime import date
from typing import Final
from uuid import UUID

from msgspec import Struct

import kyb
from kyb.lists import FORMS, read
from kyb.lists.blocklist import (
    BLOCKLIST_SOURCE,
    BlockedEntry,
    Blocklist,
    Digest,
    decode_blocklist,
    encode_blocklist,
    load_blocklist,
)
from kyb.lists.reading import MAX_LIST_BYTES
from merchant.core.db import Reads, Tx
from merchant.core.vault import Vault

BLOCKLIST_FORM: Final = "blocklist"
FORM_NAMES: Final = (*FORMS, BLOCKLIST_FORM)
# OFAC's 21 MB pack to 1.5, OpenSanctions' 200 to some 30.
MAX_PACKED_BYTES: Final = 64 << 20
# A statement carries one chunk, and a rotation of keys holds 200 sealed ones in memory.
_CHUNK_BYTES = 256 << 10
_GZIP = b"\x1f\x8b"
CONTEXT = "list:{version_id}/{position}"  # as vault.seal is told

_ADD_CHUNK = "INSERT INTO list_chunk (version_id, position, packed, packed_sealed) VALUES ($1, $2, $3, $4)"
_CHUNKS = """
SELECT position, packed, packed_sealed FROM list_chunk WHERE version_id = $1 AND position >= $2 ORDER BY position
LIMIT $3
"""
_CHUNKS_AT_ONCE = 16


class ReadList(Struct, frozen=True):
    """A list that was read: its facts and entries, and the bytes to keep, unpacked."""

    source: str
    form: str
    published_on: date
    sha256: str
    content: bytes
    screened: kyb.ScreeningList | None  # None of a block list, which is looked up and not compared
    blocked: Blocklist | None = None

    @property
    def entries(self) -> tuple[kyb.ListEntry, ...] | tuple[BlockedEntry, ...]:
        """What it holds."""
        if self.blocked is not None:
            return self.blocked.entries
        assert self.screened is not None
        return self.screened.entries


def is_private(form: str) -> bool:
    """Whether nobody publishes lists of this form: two people put one in force, and it is kept sealed."""
    return form == BLOCKLIST_FORM or FORMS[form].is_private


def source_of(form: str) -> str:
    """What versions of a list in this form replace each other by."""
    return BLOCKLIST_SOURCE if form == BLOCKLIST_FORM else FORMS[form].source


def blocklist_digest(vault: Vault) -> Digest:
    """The keyed hash of the block list: apart from every other blind index, so that no table can be joined with it."""
    return lambda kind, value: vault.digest(f"blocklist:{kind}", value)


async def read_list(vault: Vault, form: str, content: bytes, undated: date) -> ReadList:
    """Read a file, plain or packed by gzip, in a thread: a large one takes seconds. Raises kyb.BadList.

    `undated` is the day of a list whose form carries none. Of a block list the values are hashed, and only the hashes
    are kept.
    """
    return await asyncio.to_thread(_read, vault, form, content, undated)


def _read(vault: Vault, form: str, content: bytes, undated: date) -> ReadList:
    content = unpack(content) if content.startswith(_GZIP) else content
    if form == BLOCKLIST_FORM:
        blocked = load_blocklist(content, blocklist_digest(vault), undated)
        return ReadList(BLOCKLIST_SOURCE, form, undated, blocked.sha256, encode_blocklist(blocked), None, blocked)
    screened = read(content, form, undated)
    return ReadList(screened.source, form, screened.published_on, screened.sha256, content, screened)


def unpack(packed: bytes) -> bytes:
    """What gzip packed, no further than MAX_LIST_BYTES. Raises kyb.BadList."""
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(packed)) as file:
            content = file.read(MAX_LIST_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise kyb.BadList(f"the file cannot be unpacked: {error}") from error
    if len(content) > MAX_LIST_BYTES:
        raise kyb.BadList(f"the file unpacks to more than {MAX_LIST_BYTES >> 20} MiB")
    return content


async def pack(content: bytes) -> bytes:
    """The bytes to keep. Raises kyb.BadList when they are too many."""
    packed = await asyncio.to_thread(gzip.compress, content, 6, mtime=0)
    if len(packed) > MAX_PACKED_BYTES:
        raise kyb.BadList(f"the list packs to more than {MAX_PACKED_BYTES >> 20} MiB")
    return packed


async def write_chunks(tx: Tx, vault: Vault, version_id: UUID, form: str, packed: bytes) -> None:
    """Keep a version's packed bytes, sealed where the list is private."""
    for position in range(-(-len(packed) // _CHUNK_BYTES)):
        part = packed[position * _CHUNK_BYTES : (position + 1) * _CHUNK_BYTES]
        sealed = None
        if is_private(form):
            sealed = vault.seal(part, CONTEXT.format(version_id=version_id, position=position))
        await tx.execute(_ADD_CHUNK, version_id, position, None if sealed else part, sealed)


class Kept(Struct, frozen=True):
    """What tells how a version's bytes are read back."""

    id: UUID
    form: str
    sha256: str
    published_on: date


async def load_list(tx: Reads, vault: Vault, version: Kept) -> ReadList:
    """A version as it was put. Raises kyb.BadList when its bytes are not those that were put."""
    rows: list[tuple[int, bytes | None, bytes | None]] = []
    while more := await tx.fetch(_CHUNKS, version.id, len(rows), _CHUNKS_AT_ONCE):
        rows += (tuple(row) for row in more)
    return await asyncio.to_thread(_load, vault, version, rows)


def _load(vault: Vault, version: Kept, rows: Iterable[tuple[int, bytes | None, bytes | None]]) -> ReadList:
    parts = []
    for position, packed, sealed in rows:
        if sealed is not None:
            packed = vault.open(sealed, CONTEXT.format(version_id=version.id, position=position))
        parts.append(packed or b"")
    content = unpack(b"".join(parts))
    if hashlib.sha256(content).hexdigest() != version.sha256:
        raise kyb.BadList("the bytes of this version are not those that were put")
    facts = (version.form, version.published_on, version.sha256, content)
    if version.form == BLOCKLIST_FORM:
        return ReadList(BLOCKLIST_SOURCE, *facts, None, decode_blocklist(content, version.published_on))
    screened = read(content, version.form, version.published_on)
    return ReadList(screened.source, *facts, screened)
