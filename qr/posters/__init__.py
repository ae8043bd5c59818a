"""Printed codes: counter posters, table tents and sticker sheets, one PDF from many merchants.

    >>> from qr.posters import Design, Poster, poster_pdf
    >>> sokha = Poster(payload=payload, name="ហាងកាហ្វេ សុខា", number="52318764", ussd="*384*123*52318764#")
    >>> pdf = poster_pdf([sokha], Design(page="A5", languages=("km", "en"), scheme="PayAll"))

`poster` says what stands on a page and `layout` where; `text`, `bidi` and `fonts` write it in the merchant's own
script; `canvas` and `pdf` are the paper; `batch` prints many, streamed and resumable; `table` reads them from CSV,
`files` keeps a run from writing over others' files.
Plain values in, bytes out: the service decides whose codes are printed. The same input gives the same bytes.
"""

from qr.posters.batch import CodeRecord, PageRecord, Printed, poster_pdf, print_batch, sheet_pdf
from qr.posters.poster import BadDesign, Design, Instruction, Poster, Sticker, grouped
from qr.posters.table import BadTable, read_csv
from qr.posters.text import MissingGlyph, TextTooLong

__all__ = [
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
