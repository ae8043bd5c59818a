"""Print runs: streamed, interrupted anywhere and continued, with a manifest that tells the truth."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qr.drawing.fonts import font_named
from qr.posters import Design, MissingGlyph, Poster, poster_pdf, print_batch
from tests.qr.posters.samples import SCRIPTS, design, mark, poster
from tests.qr.symbols.pictures import of_pdf, texts

POSTERS = [
    poster(script, str(50000000 + index), dfsp_mark=mark() if index % 3 == 0 else b"")
    for index, script in enumerate([*SCRIPTS, *SCRIPTS])
]
LOOK = design(scheme_mark=mark("#b3261e"))
SHEET = Design(page="sheet", columns=2, rows=2)


def printed(codes: list[Poster], look: Design = LOOK) -> tuple[bytes, bytes]:
    pdf, manifest = io.BytesIO(), io.BytesIO()
    print_batch(codes, pdf, manifest, look)
    return pdf.getvalue(), manifest.getvalue()


WHOLE_PDF, WHOLE_MANIFEST = printed(POSTERS)


def test_every_page_reads_as_its_poster() -> None:
    assert [texts(page) for page in of_pdf(WHOLE_PDF, 100)] == [[code.payload] for code in POSTERS]


def test_two_runs_give_the_same_bytes() -> None:
    assert printed(POSTERS) == (WHOLE_PDF, WHOLE_MANIFEST)


@settings(max_examples=25, deadline=None)
@given(st.floats(0, 1), st.floats(0, 1))
def test_a_run_cut_off_anywhere_is_continued_to_the_same_bytes(pdf_share: float, manifest_share: float) -> None:
    pdf = io.BytesIO(WHOLE_PDF[: round(len(WHOLE_PDF) * pdf_share)])
    manifest = io.BytesIO(WHOLE_MANIFEST[: round(len(WHOLE_MANIFEST) * manifest_share)])
    print_batch(POSTERS, pdf, manifest, LOOK)
    assert (pdf.getvalue(), manifest.getvalue()) == (WHOLE_PDF, WHOLE_MANIFEST)


@pytest.mark.parametrize("lacking", [0, 1, 2])
def test_a_record_cut_off_at_its_last_bytes_is_written_again(lacking: int) -> None:
    lines = WHOLE_MANIFEST.splitlines(keepends=True)
    for count in range(1, len(lines) + 1):
        kept = b"".join(lines[:count])
        manifest = io.BytesIO(kept[: len(kept) - lacking])
        print_batch(POSTERS, io.BytesIO(WHOLE_PDF), manifest, LOOK)
        assert manifest.getvalue() == WHOLE_MANIFEST


@pytest.mark.parametrize("look", [LOOK, SHEET], ids=["posters", "sheets"])
def test_a_run_on_files_stopped_by_an_error_goes_on_where_it_stopped(tmp_path: Path, look: Design) -> None:
    def failing() -> Iterator[Poster]:
        yield from POSTERS[:7]
        raise ConnectionError

    pdf_path, manifest_path = tmp_path / "codes.pdf", tmp_path / "codes.jsonl"
    with pdf_path.open("w+b") as pdf, manifest_path.open("w+b") as manifest, pytest.raises(ConnectionError):
        print_batch(failing(), pdf, manifest, look)
    done_before: list[int] = []
    with pdf_path.open("r+b") as pdf, manifest_path.open("r+b") as manifest:
        before = len(manifest.read().splitlines())
        print_batch(POSTERS, pdf, manifest, look, progress=done_before.append)
    assert pdf_path.read_bytes() == poster_pdf(POSTERS, look)
    assert before == 7 // look.per_page
    assert done_before[-1] == len(POSTERS)


def test_a_changed_poster_is_printed_anew_with_all_after_it() -> None:
    changed = [*POSTERS]
    changed[4] = poster("Khmer", "59999999")
    pdf, manifest = io.BytesIO(WHOLE_PDF), io.BytesIO(WHOLE_MANIFEST)
    print_batch(changed, pdf, manifest, LOOK)
    assert (pdf.getvalue(), manifest.getvalue()) == printed(changed)


@pytest.mark.parametrize("codes", [POSTERS[:5], POSTERS[3:], []], ids=["fewer", "later", "none"])
def test_other_codes_leave_nothing_of_the_former_run(codes: list[Poster]) -> None:
    pdf, manifest = io.BytesIO(WHOLE_PDF), io.BytesIO(WHOLE_MANIFEST)
    print_batch(codes, pdf, manifest, LOOK)
    assert (pdf.getvalue(), manifest.getvalue()) == printed(codes)


def test_another_design_starts_afresh() -> None:
    pdf, manifest = io.BytesIO(WHOLE_PDF), io.BytesIO(WHOLE_MANIFEST)
    print_batch(POSTERS, pdf, manifest, SHEET)
    assert (pdf.getvalue(), manifest.getvalue()) == printed(POSTERS, SHEET)


@pytest.mark.parametrize("at", [20, 2000, 20_000])
def test_a_damaged_file_is_not_continued_past_the_damage(at: int) -> None:
    damaged = bytearray(WHOLE_PDF)
    damaged[at] ^= 0xFF
    pdf, manifest = io.BytesIO(damaged), io.BytesIO(WHOLE_MANIFEST)
    print_batch(POSTERS, pdf, manifest, LOOK)
    assert pdf.getvalue() == WHOLE_PDF


@pytest.mark.parametrize("manifest", [b"not json\n", b"{}\n", b"[]", b"\xff\xfe\n", WHOLE_MANIFEST[5:]])
def test_an_invalid_manifest_is_replaced(manifest: bytes) -> None:
    file = io.BytesIO(manifest)
    print_batch(POSTERS, io.BytesIO(), file, LOOK)
    assert file.getvalue() == WHOLE_MANIFEST


def test_a_failed_reprint_leaves_nothing_of_the_finished_file() -> None:
    pdf, manifest = io.BytesIO(WHOLE_PDF), io.BytesIO(WHOLE_MANIFEST)
    with pytest.raises(MissingGlyph):
        print_batch([*POSTERS[6:8], poster(name="漢"), *POSTERS[9:]], pdf, manifest, LOOK)
    assert b"%%EOF" not in pdf.getvalue()
    assert len(pdf.getvalue()) == json.loads(manifest.getvalue().splitlines()[-1])["end"]


def _damaged(at: int, key: str, value: object) -> bytes:
    lines = WHOLE_MANIFEST.splitlines()
    lines[at] = json.dumps(json.loads(lines[at]) | {key: value}, separators=(",", ":")).encode()
    return b"\n".join((*lines, b""))


@pytest.mark.parametrize("at", [0, 4])
@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("glyphs", {"../../nowhere-Bold": [1]}),
        ("glyphs", {"nodash": [1]}),
        ("glyphs", {}),
        ("glyphs", {"NotoSans-Bold": [10**30]}),
        ("objects", {}),
        ("objects", {"9000": 15}),
        ("objects", {"5": 15, "6": 10**9}),
        ("marks", ["M0"]),
        ("marks", []),
        ("end", 0),
        ("end", -1),
        ("page", 77),
    ],
)
def test_a_damaged_manifest_is_not_continued_past_the_damage(at: int, key: str, value: object) -> None:
    pdf, manifest = io.BytesIO(WHOLE_PDF), io.BytesIO(_damaged(at, key, value))
    print_batch(POSTERS, pdf, manifest, LOOK)
    assert (pdf.getvalue(), manifest.getvalue()) == (WHOLE_PDF, WHOLE_MANIFEST)


def test_a_font_named_by_a_manifest_is_never_a_path() -> None:
    assert font_named("NotoSans-Bold") is not None
    for name in ("../fonts/NotoSans-Bold", "NotoSans-Italic", "NotoSans", ""):
        assert font_named(name) is None


def test_a_name_of_spaces_is_left_blank() -> None:
    assert len(of_pdf(poster_pdf([poster(name="  ", counter=" ")]))) == 1


def test_the_manifest_holds_hashes_of_what_was_printed() -> None:
    *pages, last = map(json.loads, WHOLE_MANIFEST.splitlines())
    assert last == {"pages": 12, "codes": 12, "pdf_sha256": hashlib.sha256(WHOLE_PDF).hexdigest()}
    assert [page["page"] for page in pages] == list(range(1, 13))
    for page, code in zip(pages, POSTERS, strict=True):
        expected = {"number": code.number, "payload_sha256": hashlib.sha256(code.payload.encode()).hexdigest()}
        assert page["codes"] == [expected]
        assert hashlib.sha256(WHOLE_PDF[: page["end"]]).hexdigest() == page["pdf_sha256"]


def test_progress_is_reported_page_by_page() -> None:
    told: list[int] = []
    print_batch(POSTERS[:10], io.BytesIO(), io.BytesIO(), SHEET, progress=told.append)
    assert told == [4, 8, 10]


def test_a_poster_that_cannot_be_printed_leaves_the_pages_before_it() -> None:
    pdf, manifest = io.BytesIO(), io.BytesIO()
    with pytest.raises(MissingGlyph):
        print_batch([*POSTERS[:3], poster(name="漢")], pdf, manifest, LOOK)
    assert len(manifest.getvalue().splitlines()) == 3
    print_batch(POSTERS, pdf, manifest, LOOK)
    assert pdf.getvalue() == WHOLE_PDF


def test_codes_are_taken_one_page_at_a_time() -> None:
    taken = 0

    def counted() -> Iterator[Poster]:
        nonlocal taken
        for code in POSTERS:
            taken += 1
            yield code

    ahead: list[int] = []
    print_batch(counted(), io.BytesIO(), io.BytesIO(), LOOK, progress=lambda done: ahead.append(taken - done))
    assert ahead == [0] * len(POSTERS)
