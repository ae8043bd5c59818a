"""Many codes to one PDF: streamed, read back, and resumable through its manifest.

The manifest is JSON lines, one for each page (`PageRecord`) and one at the end (`Printed`). Its hashes name
what was printed, and it holds what is needed to continue after an interruption: a run with the same codes and design
keeps every whole page and ends with the same bytes as an uninterrupted run.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Hashable, Iterable, Iterator
from itertools import islice
from typing import BinaryIO

import msgspec

from qr.drawing.canvas import MM, Canvas
from qr.drawing.fonts import Font, embed, font_named
from qr.drawing.marks import add_mark, mark_name
from qr.drawing.pdf import PdfFile
from qr.posters.layout import draw_page
from qr.posters.poster import Design, Poster, Sticker
from qr.symbols import reading

TITLE = "Merchant codes"
A5 = Design()
SHEET = Design(page="sheet")


class CodeRecord(msgspec.Struct, frozen=True):
    """Which code was printed."""

    number: str
    payload_sha256: str


class PageRecord(msgspec.Struct, frozen=True):
    """One page of a manifest.

    `input_sha256` covers design and codes, `pdf_sha256` the file up to its size `end`; `objects` are the offsets
    of the page's objects by number, `glyphs` those of each font that no page before it used. `record_sha256` covers
    the rest of the record, so that a damaged one is not continued.
    """

    page: int
    codes: tuple[CodeRecord, ...]
    input_sha256: str
    pdf_sha256: str
    end: int
    objects: dict[int, int]
    glyphs: dict[str, list[int]]
    marks: list[str]
    record_sha256: str = ""

    def sealed(self) -> PageRecord:
        """The record with its hash."""
        rest = msgspec.structs.replace(self, record_sha256="")
        return msgspec.structs.replace(rest, record_sha256=hashlib.sha256(msgspec.json.encode(rest)).hexdigest())


class Printed(msgspec.Struct, frozen=True):
    """A finished file."""

    pages: int
    codes: int
    pdf_sha256: str


class _Run(msgspec.Struct):
    """The file being written and what its pages share."""

    pdf: PdfFile
    design: Design
    glyphs: dict[Font, set[int]]
    marks: dict[str, bytes]
    shared: dict[Hashable, Canvas]


def print_batch(
    codes: Iterable[Sticker],
    pdf: BinaryIO,
    manifest: BinaryIO,
    design: Design = A5,
    *,
    progress: Callable[[int], None] | None = None,
) -> Printed:
    """Prints codes in order to a PDF and its manifest, two binary files open for reading and writing.

    Files that hold an interrupted run are continued from the first page that differs. Every symbol is read back
    before its page is written. `progress` is told after each page how many codes are done. Raises CodeTooSmall,
    MissingGlyph, TextTooLong, BadLogo, Unreadable; the pages before the one at fault stay, to be continued.
    """
    manifest.seek(0)
    run = _Run(PdfFile(pdf), design, {}, {}, {})
    design_hash = hashlib.sha256(msgspec.json.encode(design)).digest()
    done, continuing = 0, True
    for page in _pages(codes, design.per_page):
        input_sha256 = hashlib.sha256(design_hash + msgspec.json.encode(page)).hexdigest()
        continuing = continuing and _keep_page(run, page, input_sha256, manifest)
        if not continuing:
            record = _draw_page(run, page, input_sha256)
            _write_line(manifest, record)
        done += len(page)
        if progress:
            progress(done)
    return _finish(run, done, manifest)


def poster_pdf(posters: Iterable[Sticker], design: Design = A5) -> bytes:
    """Posters of a design as one PDF in memory. Raises as `print_batch`."""
    pdf = io.BytesIO()
    print_batch(posters, pdf, io.BytesIO(), design)
    return pdf.getvalue()


def sheet_pdf(stickers: Iterable[Sticker], design: Design = SHEET) -> bytes:
    """A4 sheets of stickers, name and grouped number under each code. Raises as `print_batch`."""
    return poster_pdf(stickers, design)


def _pages(codes: Iterable[Sticker], per_page: int) -> Iterator[list[Sticker]]:
    rest = iter(codes)
    while page := list(islice(rest, per_page)):
        yield page


def _keep_page(run: _Run, page: list[Sticker], input_sha256: str, manifest: BinaryIO) -> bool:
    """Takes over a page from an earlier run if it is the same and whole; if not, cuts both files before it."""
    line_at = manifest.tell()
    record = _sound_record(manifest.readline())
    fonts = {name: font_named(name, run.design.extra_fonts) for name in record.glyphs} if record else {}
    if (
        record is None
        or record.input_sha256 != input_sha256
        or None in fonts.values()
        or not run.pdf.keep(record.objects, record.end, record.pdf_sha256)
    ):
        manifest.seek(line_at)
        manifest.truncate()
        run.pdf.cut()
        return False
    for name, font in fonts.items():
        if font:
            run.glyphs.setdefault(font, set()).update(record.glyphs[name])
    design = run.design
    shared = (design.scheme_mark, design.logo, *(one.mark for one in design.accepted))
    pictures = (*shared, *(code.dfsp_mark for code in page if isinstance(code, Poster)))
    named = {mark_name(picture): picture for picture in pictures}
    run.marks |= {name: named[name] for name in record.marks}
    return True


def _sound_record(line: bytes) -> PageRecord | None:
    if not line.endswith(b"\n"):  # cut off just before its end: the next record would follow on the same line
        return None
    try:
        record = msgspec.json.decode(line, type=PageRecord)
    except (msgspec.MsgspecError, RecursionError):
        return None
    return record if record == record.sealed() else None


def _draw_page(run: _Run, page: list[Sticker], input_sha256: str) -> PageRecord:
    canvas = Canvas()
    draw_page(canvas, page, run.design, run.shared)
    for payload, symbol, plate in canvas.symbols:
        reading.confirm(symbol, payload, plate)
    new_glyphs = {font: used - run.glyphs.get(font, set()) for font, used in canvas.glyphs.items()}
    for font, used in canvas.glyphs.items():
        run.glyphs.setdefault(font, set()).update(used)
    run.marks |= canvas.marks
    width, height = run.design.paper_mm
    objects = run.pdf.add_page(width * MM, height * MM, canvas.content())
    run.pdf.out.flush()  # the page before its record, so that a record never tells of a page that is not there
    return PageRecord(
        page=len(run.pdf.page_numbers),
        codes=tuple(CodeRecord(code.number, _sha256(code.payload)) for code in page),
        input_sha256=input_sha256,
        pdf_sha256=run.pdf.digest.hexdigest(),
        end=run.pdf.size,
        objects=objects,
        glyphs={font.name: sorted(glyphs) for font, glyphs in new_glyphs.items() if glyphs},
        marks=list(canvas.marks),
    ).sealed()


def _finish(run: _Run, codes: int, manifest: BinaryIO) -> Printed:
    run.pdf.cut()  # an earlier run may have been longer
    fonts = sorted(run.glyphs, key=lambda font: font.name)
    font_entries = "".join(f"/{font.name} {embed(run.pdf, font, run.glyphs[font])} 0 R" for font in fonts)
    mark_entries = "".join(f"/{name} {add_mark(run.pdf, run.marks[name])} 0 R" for name in sorted(run.marks))
    run.pdf.finish(f"/Font<<{font_entries}>>/XObject<<{mark_entries}>>", TITLE)
    printed = Printed(len(run.pdf.page_numbers), codes, run.pdf.digest.hexdigest())
    _write_line(manifest, printed)
    manifest.truncate()
    return printed


def _write_line(manifest: BinaryIO, record: PageRecord | Printed) -> None:
    manifest.write(msgspec.json.encode(record) + b"\n")
    manifest.flush()


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
