"""Whether an LEI is that of the business: reads GLEIF's records and judges one against the answers.

Beside `report`: the caller keeps the records of a golden copy and hands in the one that was looked up. Right check
digits only say that an LEI could exist; a record says to whom it was issued, and whether it is in force.
"""

import csv
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from typing import Any, Final, Literal

import msgspec
import stdnum.lei
from anyascii import anyascii
from msgspec import Struct
from rapidfuzz import fuzz

from kyb.screening.tables import legal_forms

MAX_NAME_COLUMNS: Final = 5  # LEI-CDF 3.1 as CSV: other and transliterated names are numbered 1 to 5
SAME_NAME: Final = 0.97  # of 178,503 pairs of 598 real firms, two are as alike: the same words with other legal forms
LIKE_NAME: Final = 0.8  # below, it is another's name
# A transfer between issuers or an archival leaves an LEI in force until it is done (GLEIF, LEI-CDF RegistrationStatus).
_IN_FORCE = frozenset({"ISSUED", "PENDING_TRANSFER", "PENDING_ARCHIVAL"})
_ENDED = {
    "LAPSED": ("lapsed", "The LEI was not renewed in time."),
    "RETIRED": ("retired", "The LEI was retired: the entity has ceased to operate."),
    "MERGED": ("merged", "The LEI ended when the entity was merged into another."),
    "ANNULLED": ("annulled", "The LEI was annulled."),
    "CANCELLED": ("cancelled", "The registration of the LEI was cancelled."),
    "DUPLICATE": ("duplicate", "The LEI is a duplicate of another one."),
    "TRANSFERRED": ("transferred", "The LEI was transferred, and this record of it is closed."),
}
# What a verdict's code says in a sentence.
LEI_SENTENCES: Final = dict(_ENDED.values()) | {
    "bad_check_digits": "The LEI has a mistake: its check digits are wrong.",
    "another_name": "The LEI belongs to an entity of another name.",
    "entity_inactive": "The entity of this LEI no longer operates.",
    "not_found": "The LEI is not in our copy of the register.",
    "name_missing": "Without a registered name the LEI cannot be compared.",
    "not_in_force": "The LEI is not in force yet, or its status is not known.",
    "renewal_overdue": "The LEI was due for renewal: look it up again.",
    "name_differs": "The name in the register differs a little: compare the two.",
    "other_country": "The entity is registered in another country.",
    "active": "The LEI is in force and belongs to this business.",
}
LAPSED: Final = "lapsed"  # the one that passes when the business renews


class BadGoldenCopy(ValueError):
    """The text is not a record or a file of records as GLEIF publishes them; the message says where."""


class LeiRecord(Struct, frozen=True):
    """What GLEIF publishes about one entity, as far as we compare it; statuses are its words in capitals."""

    lei: str
    legal_name: str
    country: str  # of the legal address, ISO 3166-1 alpha-2
    entity_status: str
    registration_status: str
    next_renewal_on: date | None = None
    other_names: tuple[str, ...] = ()


class Verdict(Struct, frozen=True):
    """What a look-up shows: verified, rejected, or inconclusive where a person must look; a code and a sentence."""

    outcome: Literal["verified", "rejected", "inconclusive"]
    code: str
    message: str


_COLUMNS = (
    "LEI",
    "Entity.LegalName",
    "Entity.LegalAddress.Country",
    "Entity.EntityStatus",
    "Registration.RegistrationStatus",
    "Registration.NextRenewalDate",
)
_OTHER_NAMES = tuple(
    f"Entity.{kind}.{number}"
    for kind in (
        "OtherEntityNames.OtherEntityName",
        "TransliteratedOtherEntityNames.TransliteratedOtherEntityName",
    )
    for number in range(1, MAX_NAME_COLUMNS + 1)
)


def read_golden_copy(lines: Iterable[bytes] | Iterable[str]) -> Iterator[LeiRecord]:
    """The records of a golden copy or delta file in CSV (LEI-CDF), one at a time, so that memory stays flat.

    lines are those of the unzipped file, as an open file gives them: bytes in UTF-8, or text. Columns are found by
    name; others are passed over. Raises BadGoldenCopy when a column is missing, and at a line that is cut off or has no
    LEI.
    """
    rows = csv.reader(_decoded(lines), strict=True)
    try:
        header = next(rows, [])
        place = {name: index for index, name in enumerate(header)}
        if missing := [name for name in _COLUMNS if name not in place]:
            raise BadGoldenCopy(f"no column {missing[0]}")
        wanted = [place[name] for name in _COLUMNS]
        others = [place[name] for name in _OTHER_NAMES if name in place]
        for row in rows:
            if len(row) != len(header):
                raise BadGoldenCopy(f"line {rows.line_num}: {len(row)} fields where {len(header)} were expected")
            lei, name, country, entity, registration, renewal = [row[index] for index in wanted]
            names = tuple(row[index] for index in others if row[index])
            yield _record(f"line {rows.line_num}", lei, name, country, entity, registration, renewal, names)
    except (csv.Error, UnicodeDecodeError) as error:
        raise BadGoldenCopy(f"line {rows.line_num + 1}: {error}") from error


class _Name(Struct):
    name: str | None = None


class _Address(Struct):
    country: str | None = None


class _Entity(Struct, rename="camel"):
    legal_name: _Name
    legal_address: _Address
    status: str | None = None
    other_names: tuple[_Name, ...] = ()
    transliterated_other_names: tuple[_Name, ...] = ()


class _Registration(Struct, rename="camel"):
    status: str | None = None
    next_renewal_date: str | None = None


class _Attributes(Struct):
    lei: str
    entity: _Entity
    registration: _Registration


class _Resource(Struct):
    attributes: _Attributes


def read_api_record(document: Any) -> LeiRecord:
    """The record of an answer of GLEIF's API (`/lei-records/{lei}`): its JSON values, with or without `data` around.

    Raises BadGoldenCopy.
    """
    resource = document["data"] if isinstance(document, dict) and "data" in document else document
    try:
        attributes = msgspec.convert(resource, _Resource).attributes
    except msgspec.ValidationError as error:
        raise BadGoldenCopy(str(error)) from error
    entity, registration = attributes.entity, attributes.registration
    names = tuple(one.name for one in (*entity.other_names, *entity.transliterated_other_names) if one.name)
    return _record(
        "the answer",
        attributes.lei,
        entity.legal_name.name or "",
        entity.legal_address.country or "",
        entity.status or "",
        registration.status or "",
        registration.next_renewal_date or "",
        names,
    )


def _record(
    where: str, lei: str, name: str, country: str, entity: str, registration: str, renewal: str, names: tuple[str, ...]
) -> LeiRecord:
    if not stdnum.lei.is_valid(lei) or stdnum.lei.compact(lei) != lei or not name:
        raise BadGoldenCopy(f"{where}: no LEI with right check digits, or no name")
    try:
        renewal_on = date.fromisoformat(renewal[:10]) if renewal else None
    except ValueError as error:
        raise BadGoldenCopy(f"{where}: {error}") from error
    return LeiRecord(lei, name, country, entity, registration, renewal_on, names)


def _decoded(lines: Iterable[bytes | str]) -> Iterator[str]:
    for number, line in enumerate(lines):
        text = line.decode() if isinstance(line, bytes) else line
        yield text if number else text.removeprefix("\ufeff")


def name_likeness(given: str, registered: str) -> float:
    """How alike two names of firms are, 0 to 1: letters of any script as Latin ones, without legal forms, in any order.

    Where all words of one are among several of the other it is at least LIKE_NAME: a branch, or a name cut short. Where
    the numbers in them differ it is below SAME_NAME: firms of one owner are often numbered.
    """
    one, other = _words(given), _words(registered)
    if not one or not other:
        return 0.0
    likeness = (
        max(fuzz.token_sort_ratio(" ".join(one), " ".join(other)), fuzz.ratio("".join(one), "".join(other))) / 100
    )
    if _numbers(one) != _numbers(other):
        likeness = min(likeness, LIKE_NAME)
    shorter, longer = sorted((set(one), set(other)), key=len)
    return max(likeness, LIKE_NAME) if len(shorter) > 1 and shorter <= longer else likeness


def _words(name: str) -> list[str]:
    """Words in small Latin letters without legal forms; those alone where nothing else is left."""
    text = anyascii(unicodedata.normalize("NFKC", name)).casefold().replace("&", " and ")
    words = re.findall(r"[a-z0-9]+", re.sub(r"(?<=\w)\.(?=\w)|['’`]", "", text))
    forms = legal_forms()
    return [word for word in words if (word,) not in forms.get(word, ())] or words


def _numbers(words: list[str]) -> list[str]:
    return sorted(re.findall("[0-9]+", " ".join(words)))


def judge_lei(
    lei: str,
    legal_name: str | None,
    country: str | None,
    record: LeiRecord | None,
    today: date,
    likeness: Callable[[str, str], float] = name_likeness,
) -> Verdict:
    """Judge an LEI by its record: is it this business's, and is it in force.

    record is what the caller found under this LEI, None when there is nothing. country is that of the business, ISO
    3166-1 alpha-2. likeness compares two names, 0 to 1. Another's name weighs more than a lapsed LEI, and is said
    first. Raises ValueError when the record is of another LEI.
    """
    if not stdnum.lei.is_valid(lei):
        return _verdict("rejected", "bad_check_digits")
    if record is None:
        return _verdict("inconclusive", "not_found")
    if record.lei != stdnum.lei.compact(lei):
        raise ValueError("the record is of another LEI")
    if not legal_name:
        return _verdict("inconclusive", "name_missing")
    alike = max(likeness(legal_name, name) for name in (record.legal_name, *record.other_names))
    if alike < LIKE_NAME:
        return _verdict("rejected", "another_name")
    if record.registration_status in _ENDED:
        return _verdict("rejected", _ENDED[record.registration_status][0])
    if record.entity_status == "INACTIVE":
        return _verdict("rejected", "entity_inactive")
    if record.registration_status not in _IN_FORCE:
        return _verdict("inconclusive", "not_in_force")
    if record.next_renewal_on is not None and record.next_renewal_on < today:
        return _verdict("inconclusive", "renewal_overdue")
    if alike < SAME_NAME:
        return _verdict("inconclusive", "name_differs")
    if record.country != country:
        return _verdict("inconclusive", "other_country")
    return _verdict("verified", "active")


def _verdict(outcome: Literal["verified", "rejected", "inconclusive"], code: str) -> Verdict:
    return Verdict(outcome, code, LEI_SENTENCES[code])
