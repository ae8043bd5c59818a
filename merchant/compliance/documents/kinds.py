"""What a file is, by its first bytes alone: PDF, JPEG, PNG or WebP, or why it is none of them.

Pure. What a file is called, and what its sender says that it is, is never believed.
"""

import re

from msgspec import Struct

from merchant.compliance.documents.faults import Fault, Refused

PDF = "application/pdf"
# The media types that are taken, with the suffix of their files.
SUFFIXES = {PDF: ".pdf", "image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp"}

_TAKEN = (
    (re.compile(rb"%PDF-[12]\.[0-9]"), PDF),
    (re.compile(rb"\xff\xd8\xff"), "image/jpeg"),
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "image/png"),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "image/webp"),
)
_REFUSED = (
    (re.compile(rb"....ftyp(?:hei|hev|mif1|msf1|avi)", re.DOTALL), Fault.HEIC_PICTURE),
    (
        re.compile(
            rb"PK\x03\x04.{0,4000}?(?:\[Content_Types\]\.xml|mimetypeapplication/vnd\.oasis|word/|xl/|ppt/)", re.DOTALL
        ),
        Fault.OFFICE_FILE,
    ),
    (re.compile(rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1|\{\\rtf"), Fault.OFFICE_FILE),
    (
        re.compile(
            rb"PK(?:\x03\x04|\x05\x06|\x07\x08)|\x1f\x8b|BZh[1-9]|\xfd7zXZ\0|7z\xbc\xaf\x27\x1c|Rar!\x1a\x07|MSCF|"
            rb"\x28\xb5\x2f\xfd|\x04\x22\x4d\x18|\x60\xea|xar!|!<arch>|.{257}ustar",
            re.DOTALL,
        ),
        Fault.ARCHIVE,
    ),
    (
        re.compile(
            rb"MZ|\x7fELF|#!|\xca\xfe\xba\xbe|\xfe\xed\xfa[\xce\xcf]|[\xce\xcf]\xfa\xed\xfe|\0asm|dex\n|L\0\0\0\x01\x14\x02\0"
        ),
        Fault.EXECUTABLE,
    ),
    (re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:[a-z!?/])|\xff\xfe<\0|\xfe\xff\0<", re.IGNORECASE), Fault.ACTIVE_CONTENT),
)


class Place(Struct, frozen=True):
    """Where a picture was taken, in degrees (WGS 84)."""

    latitude: float
    longitude: float


class Checked(Struct, frozen=True):
    """A file that is taken: what it is, what of it is kept, and where it was taken if it may say so."""

    media_type: str
    content: bytes
    pages: int | None = None
    place: Place | None = None


def kind_of(data: bytes) -> str:
    """The media type of a file, of those that are taken, by its first bytes. Raises Refused."""
    if not data:
        raise Refused(Fault.EMPTY_FILE)
    for pattern, media_type in _TAKEN:
        if pattern.match(data):
            return media_type
    for pattern, fault in _REFUSED:
        if pattern.match(data):
            raise Refused(fault)
    raise Refused(Fault.UNKNOWN_TYPE)
