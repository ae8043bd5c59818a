"""What a PDF may hold: pages, and nothing that runs, opens something else, or carries a file along.

Pure. The file is read strictly: one that has to be repaired to be read may look different to each reader. Its bytes
stay as they are, since an extract of a register may be signed.
"""

import re
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pikepdf
import pikepdf.settings

from merchant.compliance.documents.faults import Fault, Refused

MOST_PAGES = 50
# A page of text has some dozens, a scanned page five.
MOST_VALUES = 300_000
_MOST_NESTED = 64
# What a stream of the file's own structure may become: 200,000 cross-references are 1 MB.
_FLATE_BYTES = 64 << 20

# ISO 32000-2, 12.6.4: kinds of actions (/S).
_ACTIONS = {
    "/JavaScript": Fault.PDF_SCRIPT,
    "/Launch": Fault.PDF_ACTION,
    "/GoToR": Fault.PDF_ACTION,
    "/GoToE": Fault.PDF_ATTACHMENT,
    "/ImportData": Fault.PDF_ACTION,
    "/SubmitForm": Fault.PDF_ACTION,
    "/ResetForm": Fault.PDF_ACTION,
    "/Rendition": Fault.PDF_MEDIA,
    "/RichMediaExecute": Fault.PDF_MEDIA,
    "/Movie": Fault.PDF_MEDIA,
    "/Sound": Fault.PDF_MEDIA,
    "/GoTo3DView": Fault.PDF_MEDIA,
}
# 12.5.6: kinds of annotations (/Subtype), and of what carries a file (/Type).
_SUBTYPES = {
    "/FileAttachment": Fault.PDF_ATTACHMENT,
    "/RichMedia": Fault.PDF_MEDIA,
    "/Screen": Fault.PDF_MEDIA,
    "/Movie": Fault.PDF_MEDIA,
    "/Sound": Fault.PDF_MEDIA,
    "/3D": Fault.PDF_MEDIA,
}
_TYPES = {"/EmbeddedFile": Fault.PDF_ATTACHMENT}
_VALUES = {"/S": _ACTIONS, "/Subtype": _SUBTYPES, "/Type": _TYPES}
# Keys that carry something, whatever it is.
_KEYS = {
    "/JavaScript": Fault.PDF_SCRIPT,
    "/EmbeddedFiles": Fault.PDF_ATTACHMENT,
    "/RichMediaContent": Fault.PDF_MEDIA,
    "/XFA": Fault.PDF_FORM,
}
# As it stands in the bytes, also where no reference leads any more: some readers look for lost objects. Long enough
# that compressed data does not hold them by chance.
_HIDDEN = re.compile(rb"/(JavaScript|EmbeddedFile|RichMedia|SubmitForm|ImportData|Launch)\b")
_HIDDEN_FAULTS = {
    b"JavaScript": Fault.PDF_SCRIPT,
    b"EmbeddedFile": Fault.PDF_ATTACHMENT,
    b"RichMedia": Fault.PDF_MEDIA,
    b"SubmitForm": Fault.PDF_ACTION,
    b"ImportData": Fault.PDF_ACTION,
    b"Launch": Fault.PDF_ACTION,
}


def check_pdf(data: bytes) -> int:
    """The number of pages of a PDF that only shows something. Raises Refused."""
    pikepdf.settings.set_qpdf_limits(flate_max_memory=_FLATE_BYTES, parser_max_nesting=_MOST_NESTED)
    try:
        with pikepdf.open(BytesIO(data), attempt_recovery=False) as pdf:
            if pdf.is_encrypted:
                raise Refused(Fault.PDF_ENCRYPTED)
            _check_values(pdf)
            pages = len(pdf.pages)
    except pikepdf.PasswordError:
        raise Refused(Fault.PDF_ENCRYPTED) from None
    except (pikepdf.PdfError, ValueError, RuntimeError) as error:
        raise Refused(Fault.BROKEN_FILE) from error
    if not pages:
        raise Refused(Fault.BROKEN_FILE)
    if pages > MOST_PAGES:
        raise Refused(Fault.TOO_MANY_PAGES, str(pages))
    if found := _HIDDEN.search(data):
        raise Refused(_HIDDEN_FAULTS[found[1]], found[0].decode())
    return pages


def _check_values(pdf: pikepdf.Pdf) -> None:
    """Look at every dictionary of the file. Raises Refused: for a script if there is one, else for what came first."""
    seen = 0
    first: Refused | None = None
    for holder in _dictionaries(pdf):
        for key, value in holder.items():
            seen += 1
            if seen > MOST_VALUES:
                raise Refused(Fault.TOO_COMPLEX)
            refused = _refusal(key, value)
            if refused is not None and refused.fault is Fault.PDF_SCRIPT:
                raise refused
            first = first or refused
    if first is not None:
        raise first


def _refusal(key: str, value: Any) -> Refused | None:
    """Why a value may not stand under a key; None where it may."""
    if (fault := _KEYS.get(key)) is not None:
        return Refused(fault, key)
    if isinstance(value, pikepdf.Name):
        fault = _VALUES.get(key, {}).get(str(value))
        return None if fault is None else Refused(fault, str(value))
    if key == "/JS" and isinstance(value, pikepdf.String | pikepdf.Stream | str | bytes):
        return Refused(Fault.PDF_SCRIPT, key)
    if not isinstance(value, pikepdf.Dictionary):
        return None
    # To begin at a page is no action; 12.3.2.
    if key == "/AA" or (key == "/OpenAction" and value.get("/S") != "/GoTo"):
        return Refused(Fault.PDF_ACTION, key)
    return Refused(Fault.PDF_ATTACHMENT, key) if key == "/EF" else None


def _dictionaries(pdf: pikepdf.Pdf) -> Iterator[Any]:
    """Every dictionary of a file, those of its streams among them, each once."""
    waiting: list[Any] = [pdf.trailer]
    for held in pdf.objects:
        waiting.append(held)
        while waiting:
            one = waiting.pop()
            if isinstance(one, pikepdf.Dictionary | pikepdf.Stream):
                yield one
                inner = [value for _key, value in one.items()]
            elif isinstance(one, pikepdf.Array):
                inner = list(one)
            else:
                continue
            waiting += [each for each in inner if isinstance(each, pikepdf.Object) and not each.is_indirect]
