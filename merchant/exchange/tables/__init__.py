"""Lists as files: CSV, XLSX and PDF, each written row by row in flat memory. core/http/exports.py is handed WRITERS."""

from collections.abc import Mapping

from merchant.core.http.exports import MAX_ROWS, Writer
from merchant.exchange.tables.csv_table import CsvTable
from merchant.exchange.tables.pdf_table import PdfTable
from merchant.exchange.tables.xlsx_table import XlsxTable

CSV_MEDIA = "text/csv; charset=utf-8"
XLSX_MEDIA = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MAX_PDF_ROWS = 5_000  # some two hundred pages; nobody prints more, and what is searched is a spreadsheet

WRITERS: Mapping[str, Writer] = {
    "csv": Writer(CSV_MEDIA, MAX_ROWS, CsvTable),
    "xlsx": Writer(XLSX_MEDIA, MAX_ROWS, XlsxTable),
    "pdf": Writer("application/pdf", MAX_PDF_ROWS, PdfTable),
}
