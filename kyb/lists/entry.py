"""What every list reader gives: entries with names, birth dates, countries and identity numbers.

A list is an immutable snapshot that knows its source, date and hash, so every report can name what it was
screened against. Files come from outside: what is malformed raises BadList.
"""

import hashlib
from datetime import date
from typing import Literal

import msgspec
from msgspec import Struct

PERSON, ENTITY = "person", "entity"
IdentifierKind = Literal["national_id", "passport", "tax_id", "registration", "lei", "other"]


class BadList(ValueError):
    """The bytes are not a list of the expected form."""


class ListedName(Struct, frozen=True, gc=False):
    """One spelling; weak is the publisher's word for a low quality alias or a nom de guerre."""

    text: str
    weak: bool = False


class Identifier(Struct, frozen=True, gc=False):
    """A number that stands for one person or firm; country is ISO 3166-1 alpha-2, or empty where nobody says."""

    kind: IdentifierKind
    number: str
    country: str = ""


class ListEntry(Struct, frozen=True, gc=False):
    """One listed person or entity.

    birth_years are inclusive ranges, any of which may be the true one; birth_dates (YYYY-MM-DD) the full ones that
    the publisher gives. countries are ISO 3166-1 alpha-2: nationality, or where an entity sits. programme is the
    sanctions regime, or for a private list the reason code.
    """

    entry_id: str
    kind: str  # PERSON or ENTITY
    names: tuple[ListedName, ...]
    birth_years: tuple[tuple[int, int], ...] = ()
    programme: str = ""
    birth_dates: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    identifiers: tuple[Identifier, ...] = ()

    @property
    def sha256(self) -> str:
        """A hash in hex of the content: a decision on a hit lapses when it changes."""
        return hashlib.sha256(msgspec.json.encode(self)).hexdigest()


class ScreeningList(Struct, frozen=True):
    """A snapshot of one publisher's list; sha256 is that of the file's bytes."""

    source: str
    published_on: date
    sha256: str
    entries: tuple[ListEntry, ...]
