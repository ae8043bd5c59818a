"""What of a file is kept: a PDF that only shows something, or a picture without what it says beside the picture.

Pure: bytes in, a verdict out. Runs in a process of its own (child.py), with libraries that the service never loads.
"""

import re

import puremagic

from merchant.compliance.documents import pdfs, pictures
from merchant.compliance.documents.faults import Fault, Refused
from merchant.compliance.documents.kinds import PDF, Checked, kind_of

# By the suffix that puremagic knows a kind of file by, for what the table above does not.
_ARCHIVES = frozenset({".zip", ".gz", ".tar", ".rar", ".7z", ".xz", ".bz2", ".cab", ".iso", ".lzh", ".arj", ".ace"})
_EXECUTABLES = frozenset({".exe", ".dll", ".elf", ".so", ".class", ".apk", ".jar", ".msi", ".bat", ".sh", ".com"})
# A ZIP is read from its end: APPNOTE 4.3.16, with a comment of up to 65,535 bytes.
_ZIP_END, _ZIP_END_BYTES, _ZIP_COMMENT_BYTES = b"PK\x05\x06", 22, 65_535
_MARKUP = re.compile(rb"<\s*(?:html|script|svg|!doctype|\?php|iframe)", re.IGNORECASE)
_HEAD_BYTES = 1024
_PDF_END = b"%%EOF"


def inspect(data: bytes, *, keep_place: bool = False) -> Checked:
    """A file as it is kept. Raises Refused.

    A PDF stays as it is. A picture loses everything but itself; with `keep_place`, where it was taken is read first.
    """
    try:
        media_type = kind_of(data)
    except Refused as refused:
        raise (_better(data) if refused.fault is Fault.UNKNOWN_TYPE else refused) from None
    if media_type == PDF:
        _check_is_one_file(data)
        return Checked(PDF, data, pages=pdfs.check_pdf(data))
    place = pictures.place_of(data, media_type) if keep_place else None
    return Checked(media_type, pictures.clean(data, media_type), place=place)


def _better(data: bytes) -> Refused:
    """Why a file of no kind that kind_of knows is refused, with the name of what it is where that is known."""
    try:
        likely = puremagic.magic_string(data[:_ZIP_COMMENT_BYTES])[0]
    except (puremagic.PureError, ValueError, IndexError):
        return Refused(Fault.UNKNOWN_TYPE)
    if likely.extension in _ARCHIVES:
        return Refused(Fault.ARCHIVE, likely.name)
    if likely.extension in _EXECUTABLES:
        return Refused(Fault.EXECUTABLE, likely.name)
    return Refused(Fault.UNKNOWN_TYPE, likely.name)


def _check_is_one_file(data: bytes) -> None:
    """Refuse a PDF that another program would read as something else. Raises Refused."""
    if _MARKUP.search(data, 0, _HEAD_BYTES):
        raise Refused(Fault.MIXED_FILE, "HTML")
    if _is_zip_too(data):
        raise Refused(Fault.MIXED_FILE, "ZIP")
    end = data.rfind(_PDF_END)
    if end < 0:
        raise Refused(Fault.BROKEN_FILE)
    if data[end + len(_PDF_END) :].strip(b"\0 \t\r\n\x0c\x1a"):
        raise Refused(Fault.MIXED_FILE)


def _is_zip_too(data: bytes) -> bool:
    """Whether a file ends in the directory of a ZIP, whatever stands before it."""
    at = len(data)
    lowest = max(0, len(data) - _ZIP_END_BYTES - _ZIP_COMMENT_BYTES)
    while (at := data.rfind(_ZIP_END, lowest, at)) >= 0:
        record = data[at : at + _ZIP_END_BYTES]
        if len(record) == _ZIP_END_BYTES:
            size = int.from_bytes(record[12:16], "little")
            # Chance writes these four bytes now and then; not where a directory, or none, ends just before.
            if size == 0 or data[at - size : at - size + 4] == b"PK\x01\x02":
                return True
    return False
