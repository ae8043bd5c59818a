"""The private block list: hashed identifiers of those who were ended for cause, each with a reason and an end.

The hub's members share it without telling each other whom they mean: only a keyed hash of an identifier is kept, and
whoever holds the key can ask whether one is on the list. The key stays with the caller, who hands in `digest`.
A file that people write is CSV with the heading `kind,value,reason,added_on,expires_on`; its values are hashed as it is
read. Codes, reasons and the five years are those of the card schemes' terminated merchant file (MATCH).
"""

import hashlib
from collections.abc import Callable, Iterable
from datetime import date
from functools import cached_property
from typing import TypeVar

import msgspec
from msgspec import Struct

from kyb.fields import e164
from kyb.identity_numbers import number_form
from kyb.letters import latin_spelling, words_of
from kyb.lists.births import date_of
from kyb.lists.entry import BadList
from kyb.lists.reading import MAX_ENTRIES, check_size, csv_rows, keyed_rows

BLOCKLIST_SOURCE = "blocklist"
_EXPECTED = "a block list"
KINDS = ("phone", "id_number", "tax_id", "registration_number", "account", "device", "name")
_ALSO = {"msisdn": "phone"}
REASONS = {
    "01": "account data compromise",
    "02": "common point of purchase",
    "03": "money laundering",
    "04": "excessive chargebacks",
    "05": "excessive fraud",
    "07": "fraud conviction",
    "09": "bankruptcy or insolvency",
    "10": "violation of standards",
    "11": "merchant collusion",
    "12": "security standard not met",
    "13": "illegal transactions",
    "14": "identity theft",
}
LASTS_YEARS = 5
_HEADING = frozenset({"kind", "value", "reason"})
_VALUE_CHARS_MIN, _VALUE_CHARS_MAX = 4, 256

# Given a kind and a value in one spelling: a keyed hash, that only holders of the key can make.
Digest = Callable[[str, str], bytes]
D = TypeVar("D", bound=date)


class BlockedEntry(Struct, frozen=True):
    """One hashed identifier; it counts up to the day before expires_on."""

    kind: str
    digest: str  # hex
    reason: str
    added_on: date
    expires_on: date

    @property
    def entry_id(self) -> str:
        """What tells entries apart: the kind and the hash."""
        return f"{self.kind}:{self.digest}"

    @property
    def sha256(self) -> str:
        """A hash in hex of the content."""
        return hashlib.sha256(msgspec.json.encode(self)).hexdigest()


class Blocklist(Struct, frozen=True, dict=True):
    """A snapshot of the block list; sha256 is that of the hashed entries, never of the values."""

    published_on: date
    sha256: str
    entries: tuple[BlockedEntry, ...]

    @cached_property
    def _by_id(self) -> dict[str, BlockedEntry]:
        return {entry.entry_id: entry for entry in self.entries}

    def find(self, kind: str, value: str, digest: Digest, today: date) -> BlockedEntry | None:
        """The entry of an identifier that counts today, or None."""
        return self.find_hashed(kind, digest(kind, normal_value(kind, value)), today)

    def find_hashed(self, kind: str, hashed: bytes, today: date) -> BlockedEntry | None:
        """The same of an identifier that `hash_identifier` hashed."""
        found = self._by_id.get(f"{kind}:{hashed.hex()}")
        return found if found is not None and found.expires_on > today else None


def load_blocklist(content: bytes, digest: Digest, today: date) -> Blocklist:
    """Read a CSV file of values and hash them; entries without a day are of today. Raises BadList, which names the row.

    No message repeats a value.
    """
    entries: dict[str, BlockedEntry] = {}
    for number, row in enumerate(keyed_rows(csv_rows(content, _EXPECTED), _HEADING, _EXPECTED), 2):
        try:
            entry = _entry(row, digest, today)
        except ValueError as fault:
            raise BadList(f"not {_EXPECTED}: row {number}: {fault}") from None
        if entry.entry_id in entries:
            raise BadList(f"not {_EXPECTED}: row {number}: this {entry.kind} stands above already")
        entries[entry.entry_id] = entry
        if len(entries) > MAX_ENTRIES:
            raise BadList(f"not {_EXPECTED}: it holds more than {MAX_ENTRIES} entries")
    return _list(entries.values(), today)


def encode_blocklist(blocklist: Blocklist) -> bytes:
    """The hashed entries as they are kept, a JSON line each."""
    return _lines(blocklist.entries)


def decode_blocklist(content: bytes, published_on: date) -> Blocklist:
    """What encode_blocklist made. Raises BadList."""
    check_size(content)
    try:
        entries = msgspec.json.Decoder(BlockedEntry).decode_lines(content)
    except msgspec.DecodeError as error:
        raise BadList(f"not {_EXPECTED}: {error}") from error
    return _list(entries, published_on)


def normal_value(kind: str, value: str) -> str:
    """One spelling of an identifier: a name's words as they are spoken, in the order of the alphabet; of all else the
    letters and digits in capitals, as numbers of papers are compared.

    Phones are international, with or without + in front.
    """
    if kind == "name":
        return " ".join(sorted(word for part in words_of(value) if (word := latin_spelling(part))))
    return number_form(value)


def hash_identifier(kind: str, value: str, digest: Digest) -> bytes | None:
    """The keyed hash by which an identifier is looked up and blocked; None for one too short to tell anybody by."""
    normal = normal_value(kind, value)
    return digest(kind, normal) if _VALUE_CHARS_MIN <= len(normal) <= _VALUE_CHARS_MAX else None


def _entry(row: dict[str, str], digest: Digest, today: date) -> BlockedEntry:
    """One row. Raises ValueError with what is wrong."""
    kind = _ALSO.get(row.get("kind", ""), row.get("kind", ""))
    value, reason = row.get("value", ""), row.get("reason", "").zfill(2)
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}")
    if reason not in REASONS:
        raise ValueError(f"reason must be one of {', '.join(REASONS)}")
    if not _VALUE_CHARS_MIN <= len(normal_value(kind, value)) <= _VALUE_CHARS_MAX:
        raise ValueError(f"value must have {_VALUE_CHARS_MIN} to {_VALUE_CHARS_MAX} letters or digits")
    if kind == "phone" and e164(f"+{normal_value(kind, value)}", None) is None:
        raise ValueError("a phone must be an international number, best with + first")
    added_on = _day(row, "added on") or today
    expires_on = _day(row, "expires on") or in_years(added_on, LASTS_YEARS)
    if expires_on <= added_on:
        raise ValueError("expires_on must be after added_on")
    return BlockedEntry(kind, _hashed(kind, value, digest), reason, added_on, expires_on)


def _hashed(kind: str, value: str, digest: Digest) -> str:
    return digest(kind, normal_value(kind, value)).hex()


def _day(row: dict[str, str], column: str) -> date | None:
    text = row.get(column, "")
    day = date_of(text)
    if text and day is None:
        raise ValueError(f"{column.replace(' ', '_')} must be a day as YYYY-MM-DD")
    return day


def in_years(day: D, years: int) -> D:
    """The same day some years later; of 29 February the 28th where that year has none."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:  # 29 February
        return day.replace(year=day.year + years, day=28)


def _list(entries: Iterable[BlockedEntry], published_on: date) -> Blocklist:
    found = tuple(sorted(entries, key=lambda entry: entry.entry_id))
    if not found:
        raise BadList(f"not {_EXPECTED}: it holds no entries")
    return Blocklist(published_on, hashlib.sha256(_lines(found)).hexdigest(), found)


def _lines(entries: Iterable[BlockedEntry]) -> bytes:
    return msgspec.json.Encoder().encode_lines(list(entries))
