"""The file format: what a reader needs, and nothing that changes from run to run."""

from __future__ import annotations

import io
import re
import zlib

import pypdfium2
import pytest

from qr.drawing.fonts import Font, embed
from qr.drawing.pdf import PdfFile, number, numbers, text_string
from qr.drawing.text import shape


def written(pages: int = 3) -> bytes:
    out = io.BytesIO()
    pdf = PdfFile(out)
    for page in range(pages):
        pdf.add_page(100, 200 + page, b"0 0 10 10 re f")
    pdf.finish("", "Title é")
    return out.getvalue()


def test_every_offset_points_at_its_object() -> None:
    data = written()
    start = int(re.search(rb"startxref\n(\d+)", data)[1])
    table = data[start:].split(b"trailer")[0].splitlines()
    assert table[0] == b"xref"
    entries = table[3:]
    assert len(entries) == int(table[1].split()[1]) - 1
    for index, entry in enumerate(entries, start=1):
        assert len(entry) == 19  # and the line end makes twenty (7.5.4)
        assert data[int(entry[:10]) :].startswith(b"%d 0 obj" % index)


def test_a_reader_finds_pages_sizes_and_title() -> None:
    document = pypdfium2.PdfDocument(written())
    assert [page.get_size() for page in document] == [(100, 200), (100, 201), (100, 202)]
    assert document.get_metadata_dict()["Title"] == "Title é"


def test_the_same_pages_give_the_same_bytes_without_a_date() -> None:
    assert written() == written()
    assert b"Date" not in written()


def test_other_pages_give_another_id() -> None:
    identifiers = {re.search(rb"/ID\[<(\w+)>", written(pages))[1] for pages in (1, 2)}
    assert len(identifiers) == 2


def test_an_embedded_font_holds_its_glyphs_under_their_own_numbers() -> None:
    out = io.BytesIO()
    pdf = PdfFile(out)
    (run,) = shape("ហាងកាហ្វេ", "Bold").runs
    embed(pdf, run.font, run.glyphs)
    program = zlib.decompress(out.getvalue().partition(b"stream\n")[2])
    cut = Font(program, "cut")
    for glyph in run.glyphs:
        assert cut.ink(glyph) == run.font.ink(glyph)
        assert cut.advance(glyph) == run.font.advance(glyph)
    assert len(program) < len(run.font.face.blob.data) / 10


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (1, "1"), (-0.5, "-0.5"), (1 / 3, "0.333"), (1e-9, "0"), (100.0, "100"), (-1e-9, "0")]
)
def test_numbers_have_no_exponent_and_no_idle_zeros(value: float, text: str) -> None:
    assert number(value) == text


def test_several_numbers_are_separated() -> None:
    assert numbers((1.0, 2.5)) == "1 2.5"


def test_text_is_written_in_utf_16() -> None:
    assert text_string("é👍") == "<feff00e9d83ddc4d>"
