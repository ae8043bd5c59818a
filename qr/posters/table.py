"""Posters from a CSV table, a row at a time, so that a table of any length is printed in flat memory.

The caller opens the file and hands the posters on to batch.py; the first bad row ends the run with its line.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator

from qr.posters.poster import Poster
from qr.symbols.errors import PictureError

REQUIRED_COLUMNS = ("payload", "name", "number")
OPTIONAL_COLUMNS = ("second_name", "ussd", "counter", "dfsp")


class BadTable(PictureError):
    """A column is unknown or missing, or a row lacks what every code needs."""


def read_csv(lines: Iterable[str], dfsp_mark: bytes = b"") -> Iterator[Poster]:
    """The posters of a table whose first line names its columns: payload, name, number and, where wanted,
    second_name, ussd, counter and dfsp. Every poster gets the same mark. Raises BadTable."""
    table = csv.DictReader(lines, strict=True)
    columns = table.fieldnames or ()
    unknown = [column for column in columns if column not in REQUIRED_COLUMNS + OPTIONAL_COLUMNS]
    missing = [column for column in REQUIRED_COLUMNS if column not in columns]
    if unknown or missing:
        raise BadTable(f"columns missing: {missing}, unknown: {unknown}")
    try:
        for row in table:
            # csv files what a row has too much under None, and gives None for what it lacks.
            if None in row or None in row.values() or not all(row[column] for column in REQUIRED_COLUMNS):
                raise BadTable(f"line {table.line_num}: a row needs {', '.join(REQUIRED_COLUMNS)} and no more cells")
            yield Poster(**row, dfsp_mark=dfsp_mark)
    except csv.Error as error:
        raise BadTable(f"after line {table.line_num}: {error}") from error
