"""Why a file is refused, as values: the pure checks raise them, problems.py says each in a sentence."""

from enum import StrEnum


class Fault(StrEnum):
    """What is wrong with a file; the value is the code that programs branch on."""

    EMPTY_FILE = "empty_file"
    UNKNOWN_TYPE = "unknown_type"
    ARCHIVE = "archive"
    OFFICE_FILE = "office_file"
    EXECUTABLE = "executable"
    ACTIVE_CONTENT = "active_content"
    HEIC_PICTURE = "heic_picture"
    MIXED_FILE = "mixed_file"
    BROKEN_FILE = "broken_file"
    TOO_MANY_PIXELS = "too_many_pixels"
    MOVING_PICTURE = "moving_picture"
    PDF_ENCRYPTED = "pdf_encrypted"
    PDF_SCRIPT = "pdf_script"
    PDF_ACTION = "pdf_action"
    PDF_ATTACHMENT = "pdf_attachment"
    PDF_MEDIA = "pdf_media"
    PDF_FORM = "pdf_form"
    TOO_MANY_PAGES = "too_many_pages"
    TOO_COMPLEX = "too_complex"
    INFECTED = "infected"


class Refused(Exception):
    """A file is not taken; `found` is what was found in it, as the file calls it."""

    def __init__(self, fault: Fault, found: str = "") -> None:
        super().__init__(f"{fault.value} {found}".rstrip())
        self.fault = fault
        self.found = found
