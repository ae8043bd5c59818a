"""Problems of documents, each with its stable code: why a file is not taken, or not given."""

from merchant.compliance.documents.faults import Fault, Refused
from merchant.core import errors
from merchant.core.texts import _


class RefusedFile(errors.InvalidFields):
    """Base of what is wrong with a file's content."""

    code, title = "refused_file", _("This file is not taken")


class EmptyFile(RefusedFile):
    code, title = Fault.EMPTY_FILE.value, _("The file is empty")


class UnknownType(RefusedFile):
    code, title = Fault.UNKNOWN_TYPE.value, _("Send a PDF, or a picture as JPEG, PNG or WebP")


class Archive(RefusedFile):
    code = Fault.ARCHIVE.value
    title = _("This is an archive of files, whatever it is called; send each file by itself, as PDF or picture")


class OfficeFile(RefusedFile):
    code = Fault.OFFICE_FILE.value
    title = _("This is a file of an office program, which can hold programs; save it as PDF and send that")


class Executable(RefusedFile):
    code, title = Fault.EXECUTABLE.value, _("This is a program, not a document")


class ActiveContent(RefusedFile):
    code = Fault.ACTIVE_CONTENT.value
    title = _("This is a web page or a drawing that can hold programs; send a PDF or a picture of it")


class HeicPicture(RefusedFile):
    code = Fault.HEIC_PICTURE.value
    title = _(
        "This is a HEIC picture, which not every browser shows; send it as JPEG (on an iPhone: Settings, Camera,"
        " Formats, Most Compatible)"
    )


class MixedFile(RefusedFile):
    code = Fault.MIXED_FILE.value
    title = _("This file is of two kinds at once, or goes on behind its end; print it to a new PDF and send that")


class BrokenFile(RefusedFile):
    code = Fault.BROKEN_FILE.value
    title = _("The file is damaged or not whole; open it, save it anew and send that")


class TooManyPixels(RefusedFile):
    code = Fault.TOO_MANY_PIXELS.value
    title = _("The picture has more than 40 million pixels; make it smaller and send that")


class MovingPicture(RefusedFile):
    code, title = Fault.MOVING_PICTURE.value, _("The picture moves; send one that stands still")


class PdfEncrypted(RefusedFile):
    code = Fault.PDF_ENCRYPTED.value
    title = _("The PDF is protected by a password; print it to a new PDF and send that")


class PdfScript(RefusedFile):
    code = Fault.PDF_SCRIPT.value
    title = _("The PDF holds a script; print it to a new PDF and send that")


class PdfAction(RefusedFile):
    code = Fault.PDF_ACTION.value
    title = _("The PDF does something when it is opened or clicked; print it to a new PDF and send that")


class PdfAttachment(RefusedFile):
    code = Fault.PDF_ATTACHMENT.value
    title = _("The PDF carries other files along; send each by itself")


class PdfMedia(RefusedFile):
    code = Fault.PDF_MEDIA.value
    title = _("The PDF holds sound, film or a model; print it to a new PDF and send that")


class PdfForm(RefusedFile):
    code = Fault.PDF_FORM.value
    title = _("The PDF is a form that runs programs (XFA); print it to a new PDF and send that")


class TooManyPages(RefusedFile):
    code, title = Fault.TOO_MANY_PAGES.value, _("A PDF has at most 50 pages; send it in parts")


class TooComplex(RefusedFile):
    code = Fault.TOO_COMPLEX.value
    title = _("The file takes too long, or too much memory, to look at; print it to a new PDF and send that")


class Infected(RefusedFile):
    code, title = Fault.INFECTED.value, _("The virus scanner found something in the file; send a clean one")


REFUSALS: tuple[type[RefusedFile], ...] = (
    EmptyFile,
    UnknownType,
    Archive,
    OfficeFile,
    Executable,
    ActiveContent,
    HeicPicture,
    MixedFile,
    BrokenFile,
    TooManyPixels,
    MovingPicture,
    PdfEncrypted,
    PdfScript,
    PdfAction,
    PdfAttachment,
    PdfMedia,
    PdfForm,
    TooManyPages,
    TooComplex,
    Infected,
)
_BY_CODE = {one.code: one for one in REFUSALS}


class TooManyDocuments(errors.WrongState):
    code, title = "too_many_documents", _("There are as many documents as may be; withdraw those that are not needed")


class ScannerAway(errors.Unavailable):
    code = "scanner_unavailable"
    title = _("The virus scanner does not answer, and no document is taken without it; try again in some minutes")


class StoreAway(errors.Unavailable):
    code = "store_unavailable"
    title = _("The store of documents does not answer; try again in some minutes")


class ErasedDocument(errors.MerchantError):
    status, code, title = 410, "document_erased", _("This document was erased")


class DamagedDocument(errors.MerchantError):
    status, code = 500, "document_damaged"
    title = _("The stored file is missing or was changed; tell whoever runs this service")


def refusal(refused: Refused) -> RefusedFile:
    """What a sender is told of a file that is not taken."""
    kind = _BY_CODE[refused.fault.value]
    detail = kind.title
    if refused.found:
        detail = _("{refusal} (found: {found}).", refusal=kind.title, found=refused.found)
    return kind(detail, errors=(errors.FieldError("file", kind.code, detail),))
