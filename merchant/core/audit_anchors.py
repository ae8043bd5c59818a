"""Heads of the audit record kept outside the database: what shows that entries, or whole chains, were taken away.

Each line of the anchor file is JSON: when, the end of every chain, and a signature under a key of the audit record. The
worker appends one every hour and when it stops, and logs the same line; `merchant audit verify` holds the record
against all of them. Whoever owns the database, but neither MERCHANT_SECRET_KEY nor the file, can change nothing that
was anchored without being found.
"""

import os
from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import msgspec
import structlog

from merchant.core import audit, clock, files
from merchant.core.audit_keys import AuditKeys, Head
from merchant.core.db import Tx
from merchant.core.pools import DatabaseAway
from merchant.core.service import Service
from merchant.core.texts import _

EVERY_S = 3600.0  # what was done since the last anchor could be undone unseen: an hour of it at most
STALE_AFTER = timedelta(hours=3)  # three anchors missed
_TAIL_BYTES = 1 << 20  # holds the last line of about 8,000 chains
_log = structlog.get_logger()

_HEADS = "SELECT dfsp_id AS chain, seq, encode(hash, 'hex') AS hash FROM audit_head ORDER BY dfsp_id"
_NAMES = "SELECT id, fsp_id FROM dfsp ORDER BY fsp_id"
_HASHES = """
SELECT dfsp_id AS chain, seq, encode(hash, 'hex') AS hash FROM audit_entry
WHERE (dfsp_id, seq) IN (SELECT * FROM unnest($1::uuid[], $2::bigint[]))
"""


class Anchor(msgspec.Struct, frozen=True):
    """One line: the ends of all chains at a time, signed."""

    at: datetime
    key_id: UUID
    heads: list[Head]
    signature: str = ""

    def content(self) -> bytes:
        """What is signed."""
        return msgspec.json.encode(msgspec.structs.replace(self, signature=""))

    def is_genuine(self, keys: AuditKeys) -> bool:
        """Whether a key of the audit record signed it."""
        key = keys.find(self.key_id)
        return key is not None and key.sign_anchor(self.content()) == self.signature


class AnchorFault(msgspec.Struct, frozen=True):
    """What is wrong with the anchors: a code, and a sentence that says what to do."""

    code: str
    sentence: str


class Verdict(msgspec.Struct, frozen=True):
    """What verifying one chain found: its name, how many good entries, and the fault or None."""

    name: str
    entries: int
    fault: audit.ChainBroken | None


async def write_anchor(service: Service) -> Anchor | None:
    """Append a signed head of every chain to the anchor file and to the log. Raises OSError.

    None when another process is writing the file at this moment. What the anchor before says is compared first, so that
    a record that was changed in between is logged within the hour.
    """
    key = await service.audit_keys.newest()
    path = service.settings.anchor_path
    async with service.db.system() as tx:
        for lost in await lost_heads(tx, service.audit_keys, path):
            _log.error("audit_record_changed", chain=str(lost.chain), seq=lost.seq, advice="Run merchant audit verify.")
        heads = [Head(row["chain"], row["seq"], row["hash"]) for row in await tx.fetch(_HEADS)]
    anchor = Anchor(clock.now(), key.id, heads)
    anchor = msgspec.structs.replace(anchor, signature=key.sign_anchor(anchor.content()))
    try:
        with files.open_growing(path) as file:
            _cut_unfinished(file.fileno())
            file.seek(0, os.SEEK_END)
            file.write(msgspec.json.encode(anchor) + b"\n")
            file.flush()
            os.fsync(file.fileno())
    except BlockingIOError:
        return None
    _log.info("audit_anchor", **msgspec.to_builtins(anchor))
    return anchor


async def write_anchor_or_log(service: Service) -> None:
    """Write an anchor; a file that cannot be written is logged, and told by `audit_faults`. Raises DatabaseAway."""
    try:
        await write_anchor(service)
    except DatabaseAway:  # an OSError, too, and no fault of the file
        raise
    except OSError as error:
        _log.error("audit_anchor_not_written", path=str(service.settings.anchor_path), why=error.strerror)


def _cut_unfinished(descriptor: int) -> None:
    """Remove a line that a crash left without its end: it was never signed whole."""
    size = os.fstat(descriptor).st_size
    tail = os.pread(descriptor, min(size, _TAIL_BYTES), max(0, size - _TAIL_BYTES))
    if tail and not tail.endswith(b"\n"):
        os.ftruncate(descriptor, size - len(tail) + tail.rfind(b"\n") + 1)


class Anchored:
    """Heads that were seen before: hashes in hexadecimal by chain and number, gathered from anchor files."""

    def __init__(self) -> None:
        self.heads: dict[UUID, dict[int, set[str]]] = {}

    def read(self, path: Path, keys: AuditKeys) -> list[AnchorFault]:
        """Add a file's; returns the lines that are not signed by a key of ours. Raises OSError.

        A last line without its end is left out: a crash cut it off.
        """
        faults = []
        with path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if not line.endswith(b"\n"):
                    break
                anchor = _decoded(line)
                if anchor is None or not anchor.is_genuine(keys):
                    sentence = f"line {number} of {path} is not signed by this service"
                    faults.append(AnchorFault("anchor_not_signed", sentence))
                    continue
                for head in anchor.heads:
                    self.heads.setdefault(head.chain, {}).setdefault(head.seq, set()).add(head.hash)
        return faults


def _decoded(line: bytes) -> Anchor | None:
    try:
        return msgspec.json.decode(line, type=Anchor)
    except msgspec.MsgspecError:
        return None


def _last_anchor(path: Path) -> Anchor | None:
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - _TAIL_BYTES))
        lines = [line for line in file.read().split(b"\n")[:-1] if line]
    return _decoded(lines[-1]) if lines else None


async def lost_heads(tx: Tx, keys: AuditKeys, path: Path) -> list[Head]:
    """The heads of the file's last anchor that the database does not have any more; none without a file."""
    try:
        anchor = _last_anchor(path)
    except FileNotFoundError:
        return []
    if anchor is None or not anchor.is_genuine(keys):
        return []
    heads = [head for head in anchor.heads if head.seq > 0]
    rows = await tx.fetch(_HASHES, [head.chain for head in heads], [head.seq for head in heads])
    there = {(row["chain"], row["seq"], row["hash"]) for row in rows}
    return [head for head in heads if (head.chain, head.seq, head.hash) not in there]


async def verify_all(tx: Tx, anchored: Mapping[UUID, audit.Hashes] | None = None) -> AsyncIterator[Verdict]:
    """Verify every chain that there is or must be: the hub's, each DFSP's, and those that were anchored or sealed."""
    anchored = anchored or {}
    names = {audit.HUB_CHAIN: "hub"} | {row["id"]: row["fsp_id"] for row in await tx.fetch(_NAMES)}
    for chain in await chains_to_verify(tx, anchored):
        entries, fault = await audit.verify(tx, chain, anchored.get(chain))
        yield Verdict(names.get(chain, str(chain)), entries, fault or await missing(tx, chain))


async def chains_to_verify(tx: Tx, anchored: Iterable[UUID]) -> list[UUID]:
    """Every chain that there is or must be, the hub's first, then those of the DFSPs by their ids at the hub."""
    await tx.audit_keys.load(tx.fetch)
    dfsps = [row["id"] for row in await tx.fetch(_NAMES)]
    sealed = [head.chain for key in tx.audit_keys.all() for head in key.heads]
    return list(dict.fromkeys([audit.HUB_CHAIN, *dfsps, *await audit.chains(tx), *anchored, *sealed]))


async def missing(tx: Tx, chain: UUID) -> audit.ChainBroken | None:
    """The fault of a chain of which nothing is there; None for all others."""
    if await tx.fetchval("SELECT EXISTS (SELECT FROM audit_head WHERE dfsp_id = $1)", chain):
        return None
    return audit.ChainBroken(chain, 1, _("the chain is missing"))


def _is_writable(path: Path) -> bool:
    if path.exists():
        return path.is_file() and os.access(path, os.W_OK)
    folder = next(parent for parent in path.absolute().parents if parent.exists())
    return folder.is_dir() and os.access(folder, os.W_OK)


async def audit_faults(service: Service) -> list[AnchorFault]:
    """What is wrong with keeping the audit record's anchors, cheaply: for `merchant check`. Writes nothing."""
    path = service.settings.anchor_path
    if not _is_writable(path):
        return [AnchorFault("anchor_not_writable", f"{path} cannot be written; set MERCHANT_AUDIT_ANCHOR_FILE.")]
    async with service.db.system() as tx:
        if not await tx.fetchval("SELECT EXISTS (SELECT FROM audit_entry WHERE key_id IS NOT NULL)"):
            return []
        if not path.exists():
            advice = "the worker writes it every hour, `merchant audit anchor` at once"
            return [AnchorFault("anchor_missing", f"There is no anchor file of the audit record at {path}: {advice}.")]
        await service.audit_keys.load(tx.fetch)
        lost = await lost_heads(tx, service.audit_keys, path)
    last = _last_anchor(path)
    if last is None or not last.is_genuine(service.audit_keys):
        return [AnchorFault("anchor_not_signed", f"The last line of {path} is not signed by this service.")]
    if lost:
        sentence = f"The audit record lacks entries that {path} has; run `merchant audit verify`."
        return [AnchorFault("audit_record_changed", sentence)]
    if clock.now() - last.at > STALE_AFTER:
        advice = "is a worker running?"
        return [AnchorFault("anchor_stale", f"The newest anchor in {path} is of {clock.rfc3339(last.at)}: {advice}")]
    return []
