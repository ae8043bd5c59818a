"""What a document's file is called: the sender's words as far as they are harmless, with the suffix of what it is.

Pure.
"""

import re
import unicodedata
from urllib.parse import quote

from merchant.compliance.documents.kinds import SUFFIXES

_MOST_LETTERS = 80
# Reserved in paths of some system, or quotes of a header.
_UNWANTED = re.compile(r'[\\/:*?"<>|%;]+')
_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,5}$")


def tidy_name(given: str, media_type: str) -> str:
    """A name for a file of this media type: one line, no folders, no characters that turn or hide others."""
    last = re.split(r"[\\/]", unicodedata.normalize("NFC", given))[-1]
    stem = last
    while _SUFFIX.search(stem):  # licence.pdf.exe
        stem = _SUFFIX.sub("", stem)
    # Control, format (among them those that change the direction of text), private and unassigned characters.
    shown = "".join(" " if unicodedata.category(one)[0] in "CZ" else one for one in stem)
    stem = " ".join(_UNWANTED.sub(" ", shown).split())[:_MOST_LETTERS].strip(" .")
    return (stem or "document") + SUFFIXES[media_type]


def disposition(name: str) -> str:
    """A Content-Disposition under which a browser saves a file and never opens it (RFC 6266)."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    if plain.startswith("."):
        plain = "document" + plain
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
