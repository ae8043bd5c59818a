"""What a file is and what of it is kept, by its bytes alone; each refusal has its code."""

import io
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from merchant.compliance.documents import content, kinds
from merchant.compliance.documents.faults import Fault, Refused
from merchant.compliance.documents.kinds import Place
from merchant.compliance.documents.problems import REFUSALS, RefusedFile, refusal
from tests.merchant.compliance.documents import samples
from tests.merchant.compliance.documents.samples import pdf, picture

PICTURES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}


def shown(data: bytes) -> Image.Image:
    """A picture as a reader shows it that knows nothing of EXIF."""
    return Image.open(io.BytesIO(data)).convert("RGB")


@pytest.mark.parametrize("name", samples.REFUSED)
def test_a_file_that_may_harm_or_cannot_be_read_is_refused_with_its_code(name: str) -> None:
    code, make = samples.REFUSED[name]
    with pytest.raises(Refused) as refused:
        content.inspect(make())
    assert refused.value.fault.value == code


def test_every_fault_is_told_in_a_sentence_and_every_one_but_a_virus_is_tried() -> None:
    assert {one.code for one in REFUSALS} == {fault.value for fault in Fault}
    assert {code for code, _make in samples.REFUSED.values()} == set(Fault) - {Fault.INFECTED, Fault.TOO_COMPLEX}
    told = refusal(Refused(Fault.PDF_SCRIPT, "/JS"))
    assert isinstance(told, RefusedFile)
    assert (told.status, told.code) == (422, "pdf_script")
    assert told.detail == "The PDF holds a script; print it to a new PDF and send that (found: /JS)."
    assert [(one.path, one.code, one.message) for one in told.errors] == [("file", "pdf_script", told.detail)]


def test_what_a_refused_file_is_is_named_where_it_is_known() -> None:
    with pytest.raises(Refused) as refused:
        content.inspect(samples.moving("GIF"))
    assert "GIF" in refused.value.found.upper() or "interchange" in refused.value.found


@pytest.mark.parametrize("pages", [1, 50])
def test_a_pdf_that_only_shows_something_stays_byte_for_byte(pages: int) -> None:
    given_ = pdf(pages=pages)
    checked = content.inspect(given_)
    assert (checked.media_type, checked.pages, checked.place) == ("application/pdf", pages, None)
    assert checked.content == given_


@pytest.mark.parametrize(
    "make",
    [
        lambda: pdf(lambda made: made.Root.__setattr__("OpenAction", [made.pages[0].obj, "/Fit"])),
        lambda: pdf(samples.opening("GoTo", D=[0])),
        lambda: pdf(samples.annotated(Subtype="/Link", A=samples.action("URI", URI="https://a.example"))),
        lambda: pdf(linearize=True),
        lambda: samples.packed(1000),
        lambda: pdf() + b"\r\n\0\0",
    ],
    ids=["begins at a page", "goes to a page", "has a link", "for the web", "packed", "blank end"],
)
def test_what_harmless_pdfs_hold_is_no_reason_to_refuse(make: object) -> None:
    assert content.inspect(make()).media_type == "application/pdf"  # type: ignore[operator]


@pytest.mark.parametrize("kind", PICTURES)
def test_a_picture_keeps_its_pixels_and_loses_everything_else(kind: str) -> None:
    given_ = samples.after_its_end(picture(kind), kind)
    assert b"anari" in given_
    checked = content.inspect(given_)
    assert checked.media_type == PICTURES[kind]
    assert b"anari" not in checked.content
    assert checked.place is None
    assert dict(Image.open(io.BytesIO(checked.content)).getexif()) == {}
    assert shown(checked.content).tobytes() == shown(given_).tobytes()
    assert content.inspect(checked.content).content == checked.content


@pytest.mark.parametrize("options", [{"progressive": True}, {"subsampling": 0}, {"restart_marker_rows": 1}, {}])
def test_every_way_of_writing_a_jpeg_is_read(options: dict[str, object]) -> None:
    given_ = picture("JPEG", size=(65, 33), **options)
    assert shown(content.inspect(given_).content).tobytes() == shown(given_).tobytes()


@pytest.mark.parametrize("kind", PICTURES)
@pytest.mark.parametrize(("turned", "size"), [(1, (40, 30)), (3, (40, 30)), (6, (30, 40)), (8, (30, 40))])
def test_a_picture_that_was_turned_is_turned_for_good(kind: str, turned: int, size: tuple[int, int]) -> None:
    kept = shown(content.inspect(picture(kind, turned=turned)).content)
    assert kept.size == size
    corner = {1: (2, 2), 3: (37, 27), 6: (27, 2), 8: (2, 37)}[turned]
    far = (size[0] - 1 - corner[0], size[1] - 1 - corner[1])
    assert kept.getpixel(corner)[1] < 80 < 200 < kept.getpixel(far)[1]  # type: ignore[index]


@pytest.mark.parametrize("kind", PICTURES)
def test_a_place_is_read_only_where_it_is_wanted(kind: str) -> None:
    found = content.inspect(picture(kind), keep_place=True)
    assert found.place == Place(samples.LATITUDE, samples.LONGITUDE)
    assert b"anari" not in found.content
    assert content.inspect(pdf(), keep_place=True).place is None


@pytest.mark.parametrize(
    "gps",
    [
        {},
        {1: "S", 2: (1.0, 17.0, 31.2)},
        {1: "N", 2: (91.0, 0.0, 0.0), 3: "E", 4: (1.0, 0.0, 0.0)},
        {1: "N", 2: (IFDRational(1, 0), 0.0, 0.0), 3: "E", 4: (1.0, 0.0, 0.0)},
        {1: "N", 2: (1.0,), 3: "E", 4: (1.0, 0.0, 0.0)},
    ],
)
def test_a_place_that_is_none_is_not_made_up(gps: dict[int, object]) -> None:
    told = Image.Exif()
    told.get_ifd(0x8825).update(gps)
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, "JPEG", exif=told)
    assert content.inspect(out.getvalue(), keep_place=True).place is None


def test_broken_exif_is_dropped_like_any_other() -> None:
    broken = picture()[:2] + b"\xff\xe1\x00\x0eExif\0\0MM\xff\xff\xff\xff"[:18] + picture()[2:]
    assert content.inspect(broken, keep_place=True).media_type == "image/jpeg"


@given(st.binary(max_size=300), st.sampled_from([b"", b"%PDF-1.4\n", b"\xff\xd8\xff", picture()[:60], pdf()[:80]]))
def test_whatever_is_sent_is_taken_or_refused(noise: bytes, start: bytes) -> None:
    try:
        content.inspect(start + noise)
    except Refused as refused:
        assert refused.fault in Fault


@given(st.integers(0, 2000), st.integers(0, 255))
def test_a_byte_that_changed_never_lets_metadata_through(at: int, byte: int) -> None:
    whole = bytearray(picture())
    whole[at % len(whole)] = byte
    try:
        kept = content.inspect(bytes(whole)).content
    except Refused:
        return
    assert samples.MAKER not in kept


def test_the_service_itself_never_loads_what_reads_files() -> None:
    source = Path(kinds.__file__).read_text()
    assert not re.search(r"^(?:from|import) (?:PIL|pikepdf|puremagic)", source, re.MULTILINE)
