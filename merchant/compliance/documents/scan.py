"""The virus scanner clamd, asked over its own protocol (INSTREAM): a file is clean, or it is not, or nobody knows.

Nobody knows is never clean: the file is then not taken.
"""

import asyncio
import re

import structlog

from merchant.compliance.documents.faults import Fault, Refused
from merchant.compliance.documents.problems import ScannerAway
from merchant.core import logs

# Of one file, of up to 50 MiB: a busy scanner needs seconds.
_LONGEST_S = 60.0
_CHUNK_BYTES = 1 << 18
_REPLY_BYTES = 4096
_RETRY_AFTER_S = 60
_CLEAN = b"stream: OK"
_FOUND = re.compile(rb"stream: (.+) FOUND")
_log = structlog.get_logger()


async def scan(address: str, data: bytes) -> None:
    """Have a file scanned. `address` is host:port or the path of a socket. Raises Refused, ScannerAway."""
    try:
        async with asyncio.timeout(_LONGEST_S):
            reply = await _ask(address, data)
    except (OSError, EOFError, TimeoutError) as error:
        raise _away(logs.describe(error)) from error
    if reply == _CLEAN:
        return
    if found := _FOUND.fullmatch(reply):
        raise Refused(Fault.INFECTED, found[1].decode("ascii", "replace"))
    raise _away(reply.decode("ascii", "replace"))  # such as a limit of its own that the file exceeds


async def _ask(address: str, data: bytes) -> bytes:
    """The scanner's reply to a file, without the zero that ends it."""
    if address.startswith("/"):
        reader, writer = await asyncio.open_unix_connection(address)
    else:
        host, _colon, port = address.rpartition(":")
        reader, writer = await asyncio.open_connection(host.strip("[]"), int(port))
    try:
        writer.write(b"zINSTREAM\0")
        for at in range(0, len(data), _CHUNK_BYTES):
            chunk = data[at : at + _CHUNK_BYTES]
            writer.write(len(chunk).to_bytes(4) + chunk)
            await writer.drain()
        writer.write(bytes(4))
        await writer.drain()
        reply = await reader.readuntil(b"\0")
        return reply[: min(len(reply) - 1, _REPLY_BYTES)].strip()
    finally:
        writer.close()


def _away(why: str) -> ScannerAway:
    _log.error("virus_scanner_unavailable", error=why)
    return ScannerAway(headers={"retry-after": str(_RETRY_AFTER_S)})
