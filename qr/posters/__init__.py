"""Printed codes: counter posters, table tents and sticker sheets, one PDF from many merchants.

    >>> from qr.posters import Design, Poster, poster_pdf
    >>> sokha = Poster(payload=payload, name="ហាងកាហ្វេ សុខា", number="52318764", ussd="*384*123*52318764#")
    >>> pdf = poster_pdf([sokha], Design(page="A5", languages=("km", "en"), scheme="PayAll"))

`poster` says what is on a page and `layout` where; `qr.drawing` draws it, in the merchant's own script; `batch` prints
many, streamed and resumable; `table` reads them from CSV, `files` keeps a run from overwriting other files.
Plain values in, bytes out: the service decides whose codes are printed. The same input gives the same bytes.
"""

from qr.drawing.text import MissingGlyph, TextTooLong
from qr.posters.batch import CodeRecord, PageRecord, Printed, poster_pdf, print_batch, sheet_pdf
from qr.posters.poster import Accepted, BadDesign, Design, Instruction, Poster, Sticker, grouped
from qr.posters.table import BadTable, read_csv

__all__ = [
    "Accepted",
    "BadDesign",
    "BadTable",
    "CodeRecord",
    "Design",
    "Instruction",
    "MissingGlyph",
    "PageRecord",
    "Poster",
    "Printed",
    "Sticker",
    "TextTooLong",
    "grouped",
    "poster_pdf",
    "print_batch",
    "read_csv",
    "sheet_pdf",
]
