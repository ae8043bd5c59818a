"""Files that tests send: small ones of every kind that is taken, and what is refused and why."""

import gzip
import io
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from functools import cache
from typing import Any

import pikepdf
from PIL import Image

LATITUDE, LONGITUDE = -1.292, 36.821944
MAKER = b"Kanari Phones"
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"  # what every scanner finds


def pdf(change: Callable[[pikepdf.Pdf], Any] | None = None, pages: int = 1, **options: Any) -> bytes:
    """A PDF of empty pages, each time the same."""
    made = pikepdf.new()
    for _ in range(pages):
        made.add_blank_page()
    if change is not None:
        change(made)
    out = io.BytesIO()
    made.save(out, **({} if "encryption" in options else {"deterministic_id": True}), **options)
    return out.getvalue()


@cache
def picture(kind: str = "JPEG", *, turned: int = 1, size: tuple[int, int] = (40, 30), **options: Any) -> bytes:
    """A picture, red on its left, with EXIF that says who made it, where, and how it is turned."""
    image = Image.new("RGB", size, "white")
    image.paste("red", (0, 0, size[0] // 2, size[1]))
    out = io.BytesIO()
    image.save(out, kind, exif=exif(turned), **options)
    return out.getvalue()


def exif(turned: int = 1) -> Image.Exif:
    """EXIF with a maker, a comment and a place."""
    made = Image.Exif()
    made[0x0112], made[0x010F], made[0x9286] = turned, MAKER.decode(), "Kanari was here"
    gps = made.get_ifd(0x8825)
    gps[1], gps[2], gps[3], gps[4] = "S", (1.0, 17.0, 31.2), "E", (36.0, 49.0, 19.0)
    return made


def zipped(name: str = "a.txt", content: bytes = b"hello") -> bytes:
    """A ZIP with one file."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(name, content)
    return out.getvalue()


def tarred() -> bytes:
    """A tar with one file."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a.txt"))
    return out.getvalue()


def action(kind: str, **more: Any) -> pikepdf.Dictionary:
    """An action of a PDF."""
    return pikepdf.Dictionary(S=pikepdf.Name(f"/{kind}"), **more)


def opening(kind: str, **more: Any) -> Callable[[pikepdf.Pdf], None]:
    """What makes a PDF act when it is opened."""

    def change(made: pikepdf.Pdf) -> None:
        made.Root.OpenAction = action(kind, **more)

    return change


def annotated(**annotation: Any) -> Callable[[pikepdf.Pdf], None]:
    """What puts an annotation on the first page."""

    def change(made: pikepdf.Pdf) -> None:
        found = pikepdf.Dictionary(Type=pikepdf.Name.Annot, Rect=[0, 0, 9, 9], **annotation)
        made.pages[0].Annots = pikepdf.Array([found])
        if annotation["Subtype"] == "/Widget":
            made.Root.AcroForm = pikepdf.Dictionary(Fields=made.pages[0].Annots)

    return change


def attached(made: pikepdf.Pdf) -> None:
    """What puts a file into a PDF."""
    made.attachments["a.txt"] = b"hello"


def form(made: pikepdf.Pdf) -> None:
    """What makes a PDF an XFA form."""
    made.Root.AcroForm = pikepdf.Dictionary(Fields=[], XFA=pikepdf.Stream(made, b"<xdp/>"))


def hidden_script(data: bytes) -> bytes:
    """A PDF with a script that nothing refers to, in front of its end."""
    start = data.index(b"xref")
    script = b"99 0 obj\n<< /S /JavaScript /JS (app.alert(1)) >>\nendobj\n"
    offset = int(data[data.rindex(b"startxref") + 9 :].split()[0])
    moved = data[:start] + script + data[start:]
    return moved.replace(f"startxref\n{offset}".encode(), f"startxref\n{offset + len(script)}".encode())


def packed(filler_bytes: int) -> bytes:
    """A PDF whose catalogue is in a compressed stream, which is filled with blanks."""
    plain = b"2 0 << /Type /Catalog /Pages 4 0 R >>" + b" " * filler_bytes
    filled = zlib.compress(plain, 1)
    pages = b"4 0 obj\n<< /Type /Pages /Count 1 /Kids [5 0 R] >>\nendobj\n"
    page = b"5 0 obj\n<< /Type /Page /Parent 4 0 R /MediaBox [0 0 9 9] >>\nendobj\n"
    stream = b"1 0 obj\n<< /Type /ObjStm /N 1 /First 4 /Filter /FlateDecode /Length %d >>\nstream\n" % len(filled)
    parts = [b"%PDF-1.5\n", pages, page, stream + filled + b"\nendstream\nendobj\n"]
    places = [len(b"".join(parts[:count])) for count in range(1, 5)]
    rows = ((0, 0, 65535), (1, places[2], 0), (2, 1, 0), (1, places[3], 0), (1, places[0], 0), (1, places[1], 0))
    table = b"".join(kind.to_bytes(1) + place.to_bytes(4) + last.to_bytes(2) for kind, place, last in rows)
    head = b"3 0 obj\n<< /Type /XRef /Size 6 /W [1 4 2] /Root 2 0 R /Length %d >>\nstream\n" % len(table)
    parts += [head, table, b"\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n" % places[3]]
    return b"".join(parts)


def many_pixels() -> bytes:
    """A PNG of 49 million black pixels in 6 kB."""
    out = io.BytesIO()
    Image.new("1", (7_000, 7_000)).save(out, "PNG")
    return out.getvalue()


def moving(kind: str) -> bytes:
    """A picture that moves."""
    out = io.BytesIO()
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "green")]
    frames[0].save(out, kind, save_all=True, append_images=frames[1:])
    return out.getvalue()


REFUSED: dict[str, tuple[str, Callable[[], bytes]]] = {
    "nothing": ("empty_file", bytes),
    "a text": ("unknown_type", lambda: b"hello there"),
    "a GIF": ("unknown_type", lambda: moving("GIF")),
    "a TIFF": ("unknown_type", lambda: picture("TIFF")),
    "a ZIP": ("archive", zipped),
    "an empty ZIP": ("archive", lambda: zipped()[-22:]),
    "a gzip": ("archive", lambda: gzip.compress(b"hello")),
    "a tar": ("archive", tarred),
    "a RAR": ("archive", lambda: b"Rar!\x1a\x07\x01\x00" + bytes(20)),
    "a 7z": ("archive", lambda: b"7z\xbc\xaf\x27\x1c" + bytes(20)),
    "a docx": ("office_file", lambda: zipped("[Content_Types].xml")),
    "an odt": ("office_file", lambda: zipped("mimetype", b"application/vnd.oasis.opendocument.text")),
    "an old doc": ("office_file", lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)),
    "an RTF": ("office_file", lambda: b"{\\rtf1 hello}"),
    "a program of Windows": ("executable", lambda: b"MZ\x90\0" + bytes(60)),
    "a program of Linux": ("executable", lambda: b"\x7fELF\x02\x01\x01" + bytes(60)),
    "a shell script": ("executable", lambda: b"#!/bin/sh\necho\n"),
    "a web page": ("active_content", lambda: b"<!DOCTYPE html><script>alert(1)</script>"),
    "a drawing": ("active_content", lambda: b'\xef\xbb\xbf <svg xmlns="http://www.w3.org/2000/svg" onload="x()"/>'),
    "XML in UTF-16": ("active_content", lambda: '<?xml version="1.0"?><svg/>'.encode("utf-16")),
    "a HEIC": ("heic_picture", lambda: b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"),
    "an AVIF": ("heic_picture", lambda: picture("AVIF")),
    "a PDF that is a ZIP too": ("mixed_file", lambda: pdf() + zipped()),
    "a PDF that is an empty ZIP too": ("mixed_file", lambda: pdf() + zipped()[-22:]),
    "a PDF in a ZIP's comment": ("mixed_file", lambda: _in_comment()),
    "a PDF that is a web page too": ("mixed_file", lambda: b"%PDF-1.7\n<html><script>x()</script>\n" + pdf()[9:]),
    "a PDF that goes on": ("mixed_file", lambda: pdf() + b"\nMZ and more"),
    "a PDF that breaks off": ("broken_file", lambda: pdf()[:-120]),
    "a PDF without an end": ("broken_file", lambda: pdf().replace(b"%%EOF", b"")),
    "a PDF by its name only": ("broken_file", lambda: b"%PDF-1.7\n%%EOF\n"),
    "a PDF without pages": ("broken_file", lambda: pdf(pages=0)),
    "a PDF that becomes 100 MB": ("broken_file", lambda: packed(100 << 20)),
    "a PDF with a password": ("pdf_encrypted", lambda: pdf(encryption=pikepdf.Encryption(owner="a", user="b"))),
    "a PDF that may not be changed": ("pdf_encrypted", lambda: pdf(encryption=pikepdf.Encryption(owner="a", user=""))),
    "a PDF with a script": ("pdf_script", lambda: pdf(opening("JavaScript", JS="app.alert(1)"))),
    "a PDF with a packed script": (
        "pdf_script",
        lambda: pdf(opening("JavaScript", JS="x"), object_stream_mode=pikepdf.ObjectStreamMode.generate),
    ),
    "a PDF with a script in disguise": (
        "pdf_script",
        lambda: pdf(opening("JavaScript", JS="xy")).replace(b"/JavaScript", b"/J#61vaScript").replace(b"(xy)", b"()"),
    ),
    "a PDF with a lost script": ("pdf_script", lambda: hidden_script(pdf())),
    "a PDF with a script on a link": (
        "pdf_script",
        lambda: pdf(annotated(Subtype=pikepdf.Name.Link, A=action("JavaScript", JS="x"))),
    ),
    "a PDF that starts a program": ("pdf_action", lambda: pdf(opening("Launch", F="calc.exe"))),
    "a PDF that opens a page": ("pdf_action", lambda: pdf(opening("URI", URI="http://a.example"))),
    "a PDF that sends a form": (
        "pdf_action",
        lambda: pdf(annotated(Subtype=pikepdf.Name.Widget, A=action("SubmitForm", F="http://a.example"))),
    ),
    "a PDF that acts on a page": (
        "pdf_action",
        lambda: pdf(lambda made: made.pages[0].__setattr__("AA", pikepdf.Dictionary(O=action("Named")))),
    ),
    "a PDF with a file": ("pdf_attachment", lambda: pdf(attached)),
    "a PDF with a file on a page": (
        "pdf_attachment",
        lambda: pdf(annotated(Subtype=pikepdf.Name.FileAttachment)),
    ),
    "a PDF with a film": ("pdf_media", lambda: pdf(annotated(Subtype=pikepdf.Name.RichMedia))),
    "a PDF with an XFA form": ("pdf_form", lambda: pdf(form)),
    "a PDF of 51 pages": ("too_many_pages", lambda: pdf(pages=51)),
    "a picture of 49 million pixels": ("too_many_pixels", many_pixels),
    "a JPEG that breaks off": ("broken_file", lambda: picture()[:-40]),
    "a JPEG without a picture": ("broken_file", lambda: b"\xff\xd8\xff\xd9"),
    "a JPEG with noise": ("broken_file", lambda: picture()[:40] + bytes(9) + picture()[40:]),
    "a PNG that breaks off": ("broken_file", lambda: picture("PNG")[:-20]),
    "a PNG with a wrong sum": ("broken_file", lambda: picture("PNG")[:-5] + b"\0\0\0\0\0"),
    "a PNG with an unknown part that matters": ("broken_file", lambda: _with_chunk(picture("PNG"), b"ABCD")),
    "a WebP that breaks off": ("broken_file", lambda: picture("WEBP")[:-20]),
    "a WebP that moves": ("moving_picture", lambda: moving("WEBP")),
}


def _in_comment() -> bytes:
    """A PDF whose last revision stands in the comment of a ZIP: it has both ends."""
    archive = bytearray(zipped())
    comment = b"\n%%EOF\n"
    archive[-2:] = len(comment).to_bytes(2, "little")
    return pdf() + bytes(archive) + comment


def _with_chunk(data: bytes, name: bytes) -> bytes:
    body = name + b"x"
    chunk = (1).to_bytes(4) + body + zlib.crc32(body).to_bytes(4)
    return data[:33] + chunk + data[33:]


def after_its_end(data: bytes, kind: str) -> bytes:
    """A picture with a program behind its end, and behind its head what says something about it."""
    if kind == "JPEG":
        data = data[:2] + b"\xff\xfe\x00\x12Kanari in a comm" + data[2:]
    if kind == "PNG":
        data = _with_chunk(data, b"kaNa")
    return data + b"MZ\x90\0Kanari behind the end"
