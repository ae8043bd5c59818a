"""Load a golden copy: its records replace the former ones in one transaction, so that half a file changes nothing.

Whoever looks an LEI up meanwhile reads the former copy. What a case was told before is not told again by itself: a
case is looked up anew when its version is submitted, or screened again by a checker.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import asyncpg
import msgspec

import kyb
from merchant.compliance.registers import golden_copy, queries
from merchant.compliance.registers.problems import LeiFileShrank, NoLeiRecords
from merchant.compliance.registers.queries import Load
from merchant.core import audit, clock, ids
from merchant.core.access import Actor
from merchant.core.db import Tx
from merchant.core.locks import take_turn
from merchant.core.pools import UNHURRIED_S
from merchant.core.service import Service

# The register only grows; a file with less than this share of the one before is cut off, or a delta file.
LEAST_SHARE: Final = 0.5
TOLD_EVERY: Final = 25_000
_COLUMNS = kyb.LeiRecord.__struct_fields__
_EMPTY = "DELETE FROM lei_record"  # not TRUNCATE, whose lock would hold look-ups up for as long as the load lasts
_CHECKED = "UPDATE lei_load SET checked_at = $2 WHERE id = $1"
_ADD = """
INSERT INTO lei_load (id, sha256, countries, file_count, record_count, loaded_at, checked_at)
VALUES ($1, $2, $3, $4, $5, $6, $6)
"""


class _Counted:
    """The records of a file to be kept, as values of columns, and how many there were."""

    def __init__(self, path: Path, countries: tuple[str, ...], tell: Callable[[int], None]) -> None:
        self._path, self._countries, self._tell = path, frozenset(countries), tell
        self.in_file = 0

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        for record in golden_copy.read_file(self._path):
            self.in_file += 1
            if self.in_file % TOLD_EVERY == 0:
                self._tell(self.in_file)
            if not self._countries or record.country in self._countries:
                yield msgspec.structs.astuple(record)


async def load_golden_copy(
    service: Service,
    actor: Actor,
    path: Path,
    countries: tuple[str, ...] = (),
    *,
    force: bool = False,
    tell: Callable[[int], None] = lambda _: None,
) -> Load:
    """Replace our copy of the register by a file's records, of some countries or of all; audited.

    tell is handed, now and then, how many records were read. The same file for the same countries again only says that
    it is the current one. Raises kyb.BadGoldenCopy, NoLeiRecords, LeiFileShrank unless forced, OSError.
    """
    sha256, wanted = golden_copy.file_sha256(path), tuple(sorted(set(countries)))
    async with service.db.system(longest_s=UNHURRIED_S) as tx:
        await take_turn(tx, "lei_record")
        before = await queries.newest_load(tx)
        if before is not None and (before.sha256, before.countries) == (sha256, wanted):
            await tx.execute(_CHECKED, before.id, clock.now())
        else:
            counted = _Counted(path, wanted, tell)
            kept = await _replace(tx, counted)
            _check(before, wanted, counted.in_file, kept, force=force)
            await tx.execute(_ADD, ids.uuid7(), sha256, list(wanted), counted.in_file, kept, clock.now())
        found = await queries.newest_load(tx)
        assert found is not None, "it was just written"
        action = "lei.loaded" if before is None or found.id != before.id else "lei.still_current"
        await audit.record(
            tx, actor, action, "lei_load", found.id, dfsp_id=None, sha256=sha256, records=found.record_count
        )
    return found


async def _replace(tx: Tx, counted: _Counted) -> int:
    await tx.execute(_EMPTY)
    try:
        return await tx.copy("lei_record", _COLUMNS, counted)
    except asyncpg.UniqueViolationError as error:
        raise kyb.BadGoldenCopy(f"an LEI stands in it twice: {error.detail}") from error


def _check(before: Load | None, countries: tuple[str, ...], in_file: int, kept: int, *, force: bool) -> None:
    """Refuse what cannot be the whole register. Raises NoLeiRecords, LeiFileShrank."""
    if not kept:
        whose = f" of {', '.join(countries)}" if in_file else ""
        raise NoLeiRecords(f"The file holds no record{whose}; nothing was changed.")
    if before is None or force:
        return
    pairs = [(in_file, before.file_count)]
    pairs += [(kept, before.record_count)] if before.countries == countries else []
    for now, then in pairs:
        if now < then * LEAST_SHARE:
            raise LeiFileShrank(
                f"The file holds {now} records where the one before had {then}; nothing was changed. Fetch the full"
                " golden copy again, not a delta file; if the register did shrink, add --force."
            )
