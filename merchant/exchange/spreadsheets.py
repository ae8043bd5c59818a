"""The rows of a CSV or XLSX file, one at a time, whatever the file: bounded, and refused in a sentence.

CSV is UTF-8 with commas or semicolons between cells. Of a workbook the first sheet is read, by a process of its own
(xlsx_reader.py); its macros and links are never looked at. Row 1 is the header, as spreadsheets count.
"""

import csv
import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Generator
from pathlib import Path
from typing import BinaryIO

from msgspec import Struct

from merchant.core.texts import _
from merchant.exchange import xlsx_reader
from merchant.exchange.columns import MAX_COLUMNS
from merchant.exchange.problems import BadSpreadsheet, bad_file

MAX_ROWS = 100_000
MAX_UNPACKED_BYTES = 512 << 20  # 100,000 rows of 40 columns are some 200 MiB of XML
_MAX_PARTS = 2_000
_MAX_LINE_CHARS = 200_000
_MAX_RECORD_CHARS = 1_000_000  # of one row, over all its lines
_ZIP, _OLD_EXCEL = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


class Row(Struct, frozen=True):
    """One row: its number, and its cells; None where the row itself cannot be read."""

    number: int
    cells: list[str] | None


def read_rows(file: BinaryIO) -> Generator[Row, None, None]:
    """The rows of a file that is open at its start, the header first; close it when it is not read to its end.

    Raises BadSpreadsheet, also half-way.
    """
    start = file.read(4)
    file.seek(0)
    if start == _ZIP:
        return _xlsx_rows(file)
    if start == _OLD_EXCEL:
        raise bad_file("old_excel", _("This is a workbook of an old Excel; save it as XLSX or CSV."))
    if start[:2] in _UTF16 or b"\0" in start:
        raise _bad_encoding(1)
    return _csv_rows(file)


# --- CSV -------------------------------------------------------------------------------------------------------------


def _csv_rows(file: BinaryIO) -> Generator[Row, None, None]:
    lines = _Lines(io.TextIOWrapper(file, encoding="utf-8-sig", newline=""))
    try:
        reader = csv.reader(lines, delimiter=lines.delimiter(), strict=False)
        number = 0
        while True:
            number += 1
            lines.begin_record()
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error:  # a cell without its closing quotes, until the limit of a cell
                yield Row(number, None)
                continue
            if len(cells) > MAX_COLUMNS + 1:
                cells = cells[: MAX_COLUMNS + 1]
            yield Row(number, cells)
    except UnicodeDecodeError:
        raise _bad_encoding(number) from None
    finally:
        lines.detach()


def _bad_encoding(number: int) -> BadSpreadsheet:
    told = _("The file is not UTF-8; save it as “CSV UTF-8”, or as XLSX.")
    return bad_file("bad_encoding", told, f"row {number}")


class _Lines:
    """The lines of a text, none of which may take more memory than a row can need."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self._first: str | None = None
        self._record_chars = 0

    def delimiter(self) -> str:
        """What stands between cells: the one of comma and semicolon that the header has more of."""
        try:
            first = self._read()
            if first.lower().startswith("sep="):  # a line that Excel writes and hides
                first = self._read()
        except UnicodeDecodeError:
            raise _bad_encoding(1) from None
        self._first = first
        return ";" if first.count(";") > first.count(",") else ","

    def begin_record(self) -> None:
        self._record_chars = 0

    def detach(self) -> None:
        """Leave the file open for whoever opened it."""
        self._text.detach()

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._read() if self._first is None else self._first
        self._first = None
        if not line:
            raise StopIteration
        self._record_chars += len(line)
        if self._record_chars > _MAX_RECORD_CHARS:
            raise bad_file("row_too_long", _("A row is longer than any row can be; is a closing quote missing?"))
        return line

    def _read(self) -> str:
        line = self._text.readline(_MAX_LINE_CHARS)
        if len(line) == _MAX_LINE_CHARS and not line.endswith("\n"):
            raise bad_file("row_too_long", _("A row is longer than any row can be; is a closing quote missing?"))
        return line


# --- XLSX ------------------------------------------------------------------------------------------------------------


def _xlsx_rows(file: BinaryIO) -> Generator[Row, None, None]:
    _check_package(file)
    file.flush()
    os.lseek(file.fileno(), 0, os.SEEK_SET)
    program = [sys.executable, "-I", str(Path(xlsx_reader.__file__)), str(MAX_ROWS + 1), str(MAX_COLUMNS)]
    with subprocess.Popen(program, stdin=file, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as reader:  # noqa: S603
        assert reader.stdout is not None
        try:
            for number, line in enumerate(reader.stdout, start=1):
                yield Row(number, json.loads(line))
            ended = reader.wait()
        finally:
            reader.kill()
    if ended:
        raise _unreadable()


def _check_package(file: BinaryIO) -> None:
    """Refuse what is no workbook, or says itself that it unpacks to more than any table of ours."""
    try:
        with zipfile.ZipFile(file) as package:
            parts = package.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        raise _unreadable() from None
    if len(parts) > _MAX_PARTS or sum(part.file_size for part in parts) > MAX_UNPACKED_BYTES:
        most = MAX_UNPACKED_BYTES >> 20
        raise bad_file("unpacks_too_large", _("The workbook unpacks to more than {most} MiB.", most=most))
    if not any(part.filename == "xl/workbook.xml" for part in parts):
        raise _unreadable()


def _unreadable() -> BadSpreadsheet:
    return bad_file("unreadable", _("This is no workbook that can be read; save it anew as XLSX, or as CSV."))
