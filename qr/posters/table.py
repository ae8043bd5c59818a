"""Posters from a CSV table, a row at a time, so that a table of any length is printed in flat memory.

The caller opens the file and hands the posters on to batch.py; the first bad row ends the run with its line.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence

from qr.codec import decode
from qr.errors import QrError
from qr.posters.poster import Poster
from qr.symbols.errors import PictureError

REQUIRED_COLUMNS = ("payload", "name", "number")
OPTIONAL_COLUMNS = ("second_name", "ussd", "counter", "dfsp", "address", "version")
VERSION_DIGITS_MAX = 6


class BadTable(PictureError):
    """A column is unknown, missing or repeated, or a row lacks a required cell or has an invalid payload."""


def read_csv(lines: Iterable[str], dfsp_mark: bytes = b"") -> Iterator[Poster]:
    """The posters of a table whose first line names its columns: payload, name, number and, where wanted,
    second_name, ussd, counter, dfsp, address and version. Every poster gets the same mark.

    Raises BadTable, also for a table without rows and for a payload that not even a tolerant wallet takes.
    """
    table = csv.DictReader(lines, strict=True)
    try:
        _check_columns(table.fieldnames or ())
        for row in table:
            try:
                yield _poster(row, dfsp_mark)
            except BadTable as error:
                raise BadTable(f"line {table.line_num}: {error}") from error
    except (csv.Error, UnicodeDecodeError) as error:
        where = f"after line {table.line_num}" if table.line_num else "in its head"
        problem = f"it is not UTF-8: {error}" if isinstance(error, UnicodeDecodeError) else str(error)
        raise BadTable(f"the table cannot be read {where}: {problem}") from error
    if table.line_num < 2:
        raise BadTable("the table has no rows")


def _check_columns(columns: Sequence[str]) -> None:
    unknown = [column for column in columns if column not in REQUIRED_COLUMNS + OPTIONAL_COLUMNS]
    missing = [column for column in REQUIRED_COLUMNS if column not in columns]
    if unknown or missing:
        raise BadTable(f"columns missing: {missing}, unknown: {unknown}")
    if len(set(columns)) < len(columns):
        raise BadTable(f"a column is repeated: {', '.join(columns)}")


def _poster(row: dict[str, str], dfsp_mark: bytes) -> Poster:
    # csv files what a row has too much under None, and gives None for what it lacks.
    if None in row or None in row.values() or not all(row[column].strip() for column in REQUIRED_COLUMNS):
        raise BadTable(f"a row needs {', '.join(REQUIRED_COLUMNS)} and no more cells")
    try:
        decode(row["payload"], mode="tolerant")
    except QrError as error:
        raise BadTable(f"wallets refuse the payload: {error}") from error
    version = row.pop("version", "").strip() or "0"
    if not (version.isascii() and version.isdigit() and len(version) <= VERSION_DIGITS_MAX):
        raise BadTable(f"{version!r} is not the number of a printed code")
    return Poster(**row, version=int(version), dfsp_mark=dfsp_mark)
