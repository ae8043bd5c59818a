"""Lists as files: CSV, XLSX and PDF, each written row by row in flat memory. core/http/exports.py is handed WRITERS."""

from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from merchant.core.http.exports import MAX_ROWS, Heading, Table, Writer
from merchant.exchange.tables.csv_table import CsvTable
from merchant.exchange.tables.xlsx_table import XlsxTable

CSV_MEDIA = "text/csv; charset=utf-8"
XLSX_MEDIA = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MAX_PDF_ROWS = 5_000  # some two hundred pages; nobody prints more, and what is searched is a spreadsheet


def _begin_pdf(file: BinaryIO, folder: Path, heading: Heading, columns: list[str]) -> Table:
    # Its library takes a third of a second to load, for which no command nor start of the service should wait.
    from merchant.exchange.tables.pdf_table import PdfTable

    return PdfTable(file, folder, heading, columns)


WRITERS: Mapping[str, Writer] = {
    "csv": Writer(CSV_MEDIA, MAX_ROWS, CsvTable),
    "xlsx": Writer(XLSX_MEDIA, MAX_ROWS, XlsxTable),
    "pdf": Writer("application/pdf", MAX_PDF_ROWS, _begin_pdf),
}
