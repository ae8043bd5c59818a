"""A list as a workbook: texts are written as texts, never as formulas or links, and rows leave memory as they come."""

import shutil
import tempfile
from pathlib import Path
from typing import Any, BinaryIO

from xlsxwriter import Workbook

from merchant.core.http.exports import Cell, Heading

_MAX_CELL_CHARS = 32_767  # of the format
_WIDTH_CHARS = 22


class XlsxTable:
    """A workbook being written: the list, and a sheet that says what it is."""

    def __init__(self, file: BinaryIO, folder: Path, heading: Heading, columns: list[str]) -> None:
        self._folder = tempfile.mkdtemp(prefix="xlsx-", dir=folder)
        options = {
            "constant_memory": True,
            "tmpdir": self._folder,
            "strings_to_numbers": False,
            "strings_to_formulas": False,
            "strings_to_urls": False,
        }
        self._book: Any = Workbook(file, options)
        self._sheet: Any = self._book.add_worksheet("List")
        self._bold = self._book.add_format({"bold": True})
        self._sheet.freeze_panes(1, 0)
        self._sheet.set_column(0, max(0, len(columns) - 1), _WIDTH_CHARS)
        self._next_row = 0
        self._write([list(columns)], self._bold)
        self._heading = heading

    def rows(self, rows: list[list[Cell]]) -> None:
        """Write rows."""
        self._write(rows, None)

    def end(self) -> None:
        """Write what the list is, and put the workbook together."""
        try:
            about: Any = self._book.add_worksheet("About")
            facts = [("list", self._heading.title), ("at", self._heading.at), ("by", self._heading.by)]
            for row, (name, text) in enumerate([*facts, *self._heading.filters.items()]):
                about.write_string(row, 0, name)
                about.write_string(row, 1, str(text)[:_MAX_CELL_CHARS])
            self._book.close()
        finally:
            self.discard()

    def discard(self) -> None:
        """Remove what was written aside."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _write(self, rows: list[list[Cell]], style: Any) -> None:
        for row in rows:
            for place, cell in enumerate(row):
                if isinstance(cell, str):
                    if cell:
                        self._sheet.write_string(self._next_row, place, cell[:_MAX_CELL_CHARS], style)
                elif cell is not None:
                    self._sheet.write_number(self._next_row, place, cell, style)
            self._next_row += 1
