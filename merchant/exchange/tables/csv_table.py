"""A list as CSV (RFC 4180) in UTF-8 with a byte order mark, by which Excel knows the encoding.

A text that a spreadsheet would take for a formula gets an apostrophe before it (OWASP, CSV injection); an import takes
it off again. A plain number below zero is none, and a program that reads the file adds it up.
"""

import csv
import io
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from merchant.core.http.exports import Cell, Heading

_FORMULAS = frozenset("=+-@\t\r\n")
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")


def neutral(text: str) -> str:
    """A text that no spreadsheet takes for a formula, also by the wide forms of East Asian scripts."""
    if _NUMBER.fullmatch(text):
        return text
    first = text[:1]
    if first in _FORMULAS or unicodedata.normalize("NFKC", first)[:1] in _FORMULAS:
        return f"'{text}"
    # A few programs pass over blanks before they look.
    bare = text.lstrip()
    return f"'{text}" if bare != text and unicodedata.normalize("NFKC", bare[:1])[:1] in _FORMULAS else text


def csv_text(rows: Sequence[Sequence[Cell]]) -> str:
    """Rows as lines of CSV, every text neutral."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerows([[neutral(cell) if isinstance(cell, str) else cell for cell in row] for row in rows])
    return out.getvalue()


class CsvTable:
    """A CSV file being written."""

    def __init__(self, file: BinaryIO, _folder: Path, _heading: Heading, columns: list[str]) -> None:
        self._file = file
        file.write(b"\xef\xbb\xbf")
        self.rows([list(columns)])

    def rows(self, rows: list[list[Cell]]) -> None:
        """Write rows."""
        self._file.write(csv_text(rows).encode(errors="replace"))

    def end(self) -> None:
        """Nothing is left to write."""
        self._file.flush()

    def discard(self) -> None:
        """Nothing is left behind."""
