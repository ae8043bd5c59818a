"""What the list readers share: XML record by record, CSV row by row, one spelling of texts, and the finished list.

Every reader takes bytes from outside. What is malformed, hostile or without end raises BadList with a sentence.
"""

import csv
import hashlib
import io
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any, TypeVar

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, iterparse

from kyb.lists.entry import BadList, ListedName, ListEntry, ScreeningList

T = TypeVar("T")

# The largest lists are the UK's CSV (50 MB) and OpenSanctions' entities (some 200 MB); what unpacks to more is another
# file.
MAX_LIST_BYTES = 256 << 20
# Every list that is published holds together with its namesakes under 200,000 entries.
MAX_ENTRIES = 1_000_000
# Of one field: the longest are narrative remarks of OFAC, some thousand characters.
_FIELD_CHARS_MAX = 131_072


def check_size(content: bytes) -> None:
    """Raise BadList for a file that is larger than any list."""
    if len(content) > MAX_LIST_BYTES:
        raise BadList(f"the file is larger than {MAX_LIST_BYTES >> 20} MiB")


class XmlRecords:
    """The elements of some names in an XML file, one at a time, so that memory holds one record and not the file.

    Names are without namespaces. `name` and `attributes` are the root's. Iterating raises BadList.
    """

    def __init__(self, content: bytes, records: frozenset[str], expected: str) -> None:
        check_size(content)
        self._expected = expected
        self._records = records
        self._events = self._checked(iterparse(io.BytesIO(content), events=("start", "end"), forbid_dtd=True))
        root = next(self._events, (None, None))[1]
        if root is None:
            raise BadList(f"not {expected}: the file is empty")
        self.name: str = _local(root.tag)
        self.attributes: Mapping[str, str] = {_local(name): value for name, value in root.attrib.items()}

    def __iter__(self) -> Iterator[Any]:
        for event, node in self._events:
            if event == "end":
                node.tag = _local(node.tag)
                if node.tag in self._records:
                    yield node
                    node.clear()

    def _checked(self, events: Iterator[Any]) -> Iterator[Any]:
        try:
            yield from events
        except (ParseError, DefusedXmlException, ValueError, LookupError, RecursionError) as error:
            raise BadList(f"not {self._expected}: {_said(error)}") from error


def _said(error: Exception) -> str:
    """What is wrong with a file, in words; where a parser says it well, in its own."""
    if isinstance(error, DefusedXmlException):
        return "it declares a document type or entities, which no list has"
    return f"it is no XML: {error}" if isinstance(error, ParseError) else str(error)


def published_day(text: str, expected: str) -> date:
    """The day that a list says it was published on, as YYYY-MM-DD before a time. Raises BadList."""
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        told = f"its day of publication is {text[:10]!r}" if text else "it says no day of publication"
        raise BadList(f"not {expected}: {told}") from None


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def field(node: Any, path: str) -> str:
    """The text of an element below a record, in one spelling; empty where there is none."""
    return one_line(node.findtext(path) or "")


def one_line(text: str) -> str:
    """A text without line breaks and with single spaces."""
    return " ".join(text.split())


def csv_rows(content: bytes, expected: str) -> Iterator[list[str]]:
    """The rows of a CSV file in UTF-8, blank ones left out, blanks round fields stripped. Raises BadList."""
    check_size(content)
    text = io.TextIOWrapper(io.BytesIO(content), encoding="utf-8-sig", newline="")
    try:
        for row in csv.reader(text, strict=True):
            if any("\0" in one or len(one) > _FIELD_CHARS_MAX for one in row):
                raise BadList(f"not {expected}: a field holds U+0000 or is too long")
            if fields := [one_line(one) for one in row]:
                yield fields
    except UnicodeDecodeError:
        raise BadList(f"not {expected}: it is not written in UTF-8") from None
    except csv.Error as error:
        raise BadList(f"not {expected}: {error}") from error


def keyed_rows(rows: Iterator[list[str]], required: frozenset[str], expected: str) -> Iterator[dict[str, str]]:
    """Rows by the names of the first one, in lower case. Raises BadList without the names that are required."""
    heading = [heading_of(one) for one in next(rows, [])]
    if missing := sorted(required - set(heading)):
        raise BadList(f"not {expected}: its first line lacks {', '.join(missing)}")
    for row in rows:
        yield dict(zip(heading, row, strict=False))


def heading_of(text: str) -> str:
    """The name of a column: in lower case, letters, digits and single spaces; _ and spaces are one."""
    letters = "".join(char if char.isalnum() else " " if char in " _-/" else "" for char in text.casefold())
    return " ".join(letters.split())


def names_of(texts: Iterable[tuple[str, bool]]) -> tuple[ListedName, ...]:
    """Listed names of (text, weak), each spelling once; one that is strong anywhere is strong."""
    found: dict[str, bool] = {}
    for text, weak in texts:
        name = one_line(text)
        if len(name) > 1:
            found[name] = found.get(name, True) and weak
    return tuple(ListedName(text, weak) for text, weak in found.items())


def merge(first: ListEntry, second: ListEntry) -> ListEntry:
    """One entry of two parts: what either says, the kind as the first has it."""
    return ListEntry(
        first.entry_id,
        first.kind,
        names_of((name.text, name.weak) for name in (*first.names, *second.names)),
        _both(first.birth_years, second.birth_years),
        first.programme or second.programme,
        _both(first.birth_dates, second.birth_dates),
        _both(first.countries, second.countries),
        _both(first.identifiers, second.identifiers),
    )


def _both(first: tuple[T, ...], second: tuple[T, ...]) -> tuple[T, ...]:
    return tuple(dict.fromkeys((*first, *second)))


def finish(
    source: str, published_on: date | None, content: bytes, entries: Iterable[ListEntry], expected: str
) -> ScreeningList:
    """The list of a reader's entries. Raises BadList for none, too many, one without a name, or two of one id."""
    found: dict[str, ListEntry] = {}
    for entry in entries:
        if not entry.entry_id or not entry.names:
            raise BadList(f"not {expected}: an entry has no reference number or no name")
        if entry.entry_id in found:
            raise BadList(f"not {expected}: two entries have the id {entry.entry_id[:64]}")
        if len(found) >= MAX_ENTRIES:
            raise BadList(f"not {expected}: it holds more than {MAX_ENTRIES} entries")
        found[entry.entry_id] = entry
    if not found:
        raise BadList(f"not {expected}: it holds no entries")
    if published_on is None:
        raise BadList(f"{expected} carries no date: say of which day it is")
    return ScreeningList(source, published_on, hashlib.sha256(content).hexdigest(), tuple(found.values()))
