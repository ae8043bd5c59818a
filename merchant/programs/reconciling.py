"""`merchant reconcile`: a database that was restored by other means than `merchant restore`, and the hub's own report.

pg_restore, pgBackRest and a promoted copy give back a database that does not know that it was restored. Marked, it
takes no payment before the hub was asked about every transfer that was under way (payments/reconcile.py). What began
after the backup cannot be asked for, since nobody here knows its id: the hub's report has it, and the comparison names
it.
"""

import csv
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from pathlib import Path

import msgspec

from merchant.core import money
from merchant.core.db import Reads
from merchant.core.errors import OperatorProblem
from merchant.core.money import AmountProblem, Money
from merchant.core.service import Service
from merchant.payments.transfer_states import UNDER_WAY

MARK_AS_RESTORED = f"""
UPDATE installation SET restored_at = now(), reconciled_at = NULL;
UPDATE transfer SET check_at = now() WHERE state IN {UNDER_WAY};
"""  # noqa: S608 - constants
_MOVED = "COMMITTED"  # as the hub's reports say it, in FSPIOP's word
COLUMNS = ("transfer_id", "amount", "currency")
_AT_ONCE = 1000  # lines of a report that one statement looks up
_KNOWN = """
SELECT t.transfer_id, t.state, t.amount_minor, t.currency, p.id IS NOT NULL AS is_paid
FROM transfer t LEFT JOIN payment p ON p.transfer_id = t.transfer_id
  /*distributed: AND p.dfsp_id = t.dfsp_id*/ WHERE t.transfer_id = ANY($1)
"""
_PAID_HERE = "SELECT transfer_id, amount_minor, currency FROM payment WHERE received_at >= $1 ORDER BY received_at"


class BadReport(OperatorProblem):
    """A file is not a report of the hub that can be compared."""


class Moved(msgspec.Struct, frozen=True):
    """Money that moved at the hub."""

    transfer_id: str
    amount: Money


class Difference(msgspec.Struct, frozen=True):
    """A transfer on which the hub and we do not agree."""

    transfer_id: str
    amount: Money
    what: str


async def mark_restored(service: Service) -> int:
    """Let no payment be taken before the hub was asked; how many transfers it will be asked about."""
    async with service.db.system() as tx:
        for statement in MARK_AS_RESTORED.strip().split(";\n"):
            await tx.execute(statement)
        count: int = await tx.fetchval(f"SELECT count(*) FROM transfer WHERE state IN {UNDER_WAY}")  # noqa: S608
    return count


def read_report(path: Path) -> Iterator[Moved]:
    """The lines of a report as CSV with the columns of COLUMNS; of those with a state only what is committed.

    Raises BadReport, which names the line.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            lines = csv.DictReader(file)
            if missing := [name for name in COLUMNS if name not in (lines.fieldnames or ())]:
                raise BadReport(f"{path} lacks the column {', '.join(missing)}; it needs {', '.join(COLUMNS)}.")
            for line in lines:
                if (line.get("state") or _MOVED) != _MOVED:
                    continue
                try:
                    amount = money.parse_decimal(line["amount"] or "", line["currency"] or "")
                except AmountProblem as problem:
                    raise BadReport(f"{path}, line {lines.line_num}: {problem.sentence}") from None
                yield Moved(line["transfer_id"], amount)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadReport(f"{path} cannot be read: {error}.") from None


async def compare(service: Service, path: Path, since: datetime | None = None) -> AsyncIterator[Difference]:
    """What the hub's report has and we have not, or have otherwise; with `since` also payments of ours from then on
    that the report lacks. Raises BadReport.
    """
    named: set[str] = set()
    batch: list[Moved] = []
    async with service.db.system_reads() as tx:
        for moved in read_report(path):
            named.add(moved.transfer_id)
            batch.append(moved)
            if len(batch) == _AT_ONCE:
                for difference in await _differences(tx, batch):
                    yield difference
                batch = []
        for difference in await _differences(tx, batch):
            yield difference
        for row in await tx.fetch(_PAID_HERE, since) if since else ():
            if row["transfer_id"] not in named:
                amount = Money(row["amount_minor"], row["currency"])
                yield Difference(row["transfer_id"], amount, "paid here, and not in the report")


async def _differences(tx: Reads, batch: list[Moved]) -> list[Difference]:
    known = {row["transfer_id"]: row for row in await tx.fetch(_KNOWN, [one.transfer_id for one in batch])}
    found = []
    for moved in batch:
        row = known.get(moved.transfer_id)
        if row is None:
            what = "paid at the hub, and not here"
        elif not row["is_paid"]:
            what = f"paid at the hub, and {row['state']} here"
        elif (row["amount_minor"], row["currency"]) != (moved.amount.minor, moved.amount.currency):
            what = f"here of {money.format_decimal(Money(row['amount_minor'], row['currency']))} {row['currency']}"
        else:
            continue
        found.append(Difference(moved.transfer_id, moved.amount, what))
    return found
