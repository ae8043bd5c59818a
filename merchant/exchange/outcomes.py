"""What became of each row of an import, as a batch keeps it and as the report tells it.

Problems keep their sentence and its values apart, so that the report speaks the language of whoever reads it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Literal
from uuid import UUID

import msgspec
from msgspec import Struct

from merchant.core import errors, texts
from merchant.core.db import Reads, Tx
from merchant.core.http.exports import Cell
from merchant.core.texts import _
from merchant.core.vault import Vault
from merchant.exchange.tables.csv_table import csv_text

OUTCOMES = "import-outcomes:{import_id}/{number}"  # as vault.seal is told

REPORT_COLUMNS = ["row", "external_ref", "outcome", "application_id", "problems"]
ROWS_MAX = 100  # of a page that shows them; the report holds all
_REPORT_BATCHES = 20  # read at once: two thousand rows
_DONE = """
SELECT number, outcomes_sealed FROM import_batch
WHERE import_id = $1 AND number > $2 AND outcomes_sealed IS NOT NULL ORDER BY number LIMIT $3
"""

Result = Literal["added", "exists", "failed"]


class Fault(Struct, frozen=True, array_like=True):
    """One problem of a row: where, a stable code, and a sentence with its values, which may be sentences too."""

    path: str
    code: str
    sentence: str
    values: dict[str, Any] = {}

    def message(self, language: str) -> str:
        """The sentence in a language."""
        return texts.translate(_sentence(self.sentence, self.values), language)


class Outcome(Struct, frozen=True, array_like=True):
    """What became of one row."""

    row: int
    external_ref: str
    result: Result
    application_id: UUID | None = None
    faults: list[Fault] = []


def faults_of(error: errors.MerchantError, most: int) -> list[Fault]:
    """The problems that a refusal names; itself, where it names none."""
    found = error.errors or (errors.FieldError("row", error.code, error.detail),)
    return [Fault(one.path, one.code, *_packed(one.message)) for one in found[:most]]


def seal(vault: Vault, import_id: UUID, number: int, outcomes: Sequence[Outcome]) -> bytes:
    """Outcomes as a batch's column holds them."""
    return vault.seal(msgspec.json.encode(outcomes), OUTCOMES.format(import_id=import_id, number=number))


def unseal(vault: Vault, import_id: UUID, number: int, sealed: bytes) -> list[Outcome]:
    """Outcomes out of a batch's column."""
    opened = vault.open(sealed, OUTCOMES.format(import_id=import_id, number=number))
    return msgspec.json.decode(opened, type=list[Outcome])


async def report(
    open_tx: Callable[[], AbstractAsyncContextManager[Tx]], vault: Vault, import_id: UUID, language: str
) -> AsyncIterator[str]:
    """The lines of an import's report below its header, each part read in a transaction of its own."""
    after = -1
    while True:
        async with open_tx() as tx:
            batches = await tx.fetch(_DONE, import_id, after, _REPORT_BATCHES)
        if not batches:
            return
        after = batches[-1]["number"]
        yield await asyncio.to_thread(_lines, vault, import_id, batches, language)


async def rows(tx: Reads, vault: Vault, import_id: UUID, result: str, after: int) -> list[Outcome]:
    """The first ROWS_MAX rows below one of the file that came to a result, among those that are worked off."""
    found: list[Outcome] = []
    batch = -1
    while len(found) < ROWS_MAX:
        batches = await tx.fetch(_DONE, import_id, batch, _REPORT_BATCHES)
        if not batches:
            break
        batch = batches[-1]["number"]
        for one in batches:
            opened = await asyncio.to_thread(unseal, vault, import_id, one["number"], one["outcomes_sealed"])
            found += [outcome for outcome in opened if outcome.result == result and outcome.row > after]
    return found[:ROWS_MAX]


def row_number(text: str | None) -> int:
    """The number of a row that a query names; 0, above all rows, where it names none. Raises InvalidFilter."""
    if text is None:
        return 0
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise errors.InvalidFilter(_("{name} must be the number of a row.", name="after"))
    return int(text)


def _lines(vault: Vault, import_id: UUID, batches: Sequence[Mapping[str, Any]], language: str) -> str:
    rows: list[list[Cell]] = [
        [
            one.row,
            one.external_ref,
            one.result,
            None if one.application_id is None else str(one.application_id),
            "; ".join(f"{fault.path}: {fault.message(language)}" for fault in one.faults),
        ]
        for batch in batches
        for one in unseal(vault, import_id, batch["number"], batch["outcomes_sealed"])
    ]
    return csv_text(rows)


def _packed(message: str) -> tuple[str, dict[str, Any]]:
    if not isinstance(message, texts.Text):
        return message, {}
    values = {name: list(_packed(one)) if isinstance(one, str) else one for name, one in message.values.items()}
    return message.one, msgspec.to_builtins(values, enc_hook=str)


def _sentence(sentence: str, values: dict[str, Any]) -> str:
    if not values:
        return sentence
    opened = {name: _sentence(*one) if isinstance(one, list) else one for name, one in values.items()}
    return texts.filled(sentence, opened)
