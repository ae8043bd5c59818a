"""Reads OpenSanctions: entities of FollowTheMoney as JSON lines, or targets.simple.csv.

Only targets are taken, not their relatives; `programme` holds their topics, such as "sanction" or "role.pep".
"""

import io
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date

import msgspec
from msgspec import Struct

from kyb.lists.births import births_of, date_of
from kyb.lists.entry import ENTITY, PERSON, BadList, Identifier, IdentifierKind, ListEntry, ScreeningList
from kyb.lists.identifiers import codes_of, distinct, identifier
from kyb.lists.reading import check_size, csv_rows, finish, keyed_rows, names_of, one_line

OPENSANCTIONS_SOURCE = "opensanctions"
_EXPECTED = "an OpenSanctions list"
_KINDS = {"Person": PERSON} | dict.fromkeys(("Company", "LegalEntity", "Organization", "PublicBody"), ENTITY)
_STRONG, _WEAK = ("name", "alias", "previousName"), ("weakAlias",)
_COUNTRIES = {PERSON: ("nationality", "citizenship"), ENTITY: ("jurisdiction", "mainCountry", "country")}
_NUMBERS: tuple[tuple[str, IdentifierKind], ...] = (
    ("passportNumber", "passport"),
    ("idNumber", "national_id"),
    ("socialSecurityNumber", "national_id"),
    ("taxNumber", "tax_id"),
    ("innCode", "tax_id"),
    ("vatCode", "tax_id"),
    ("registrationNumber", "registration"),
    ("ogrnCode", "registration"),
    ("uscCode", "registration"),
    ("leiCode", "lei"),
)
_DOCUMENTS: dict[str, IdentifierKind] = {"Passport": "passport", "Identification": "other"}
_COLUMNS = frozenset({"id", "schema", "name", "aliases", "birth date", "countries", "identifiers"})


class _Entity(Struct, frozen=True):
    """A line of entities.ftm.json, as far as it is read."""

    id: str
    schema: str
    properties: dict[str, list[str]] = {}
    target: bool = False
    last_change: str | None = None
    last_seen: str | None = None


def load_opensanctions(content: bytes, published_on: date | None = None) -> ScreeningList:
    """Read entities.ftm.json or targets.simple.csv; its day is that of the newest entry, or what is given.

    Raises BadList.
    """
    check_size(content)
    if content.lstrip()[:1] == b"{":
        found, newest = _read_lines(content)
    else:
        found, newest = _read_table(content)
    return finish(OPENSANCTIONS_SOURCE, newest or published_on, content, found, _EXPECTED)


def _read_lines(content: bytes) -> tuple[list[ListEntry], date | None]:
    decoder = msgspec.json.Decoder(_Entity)
    targets: list[_Entity] = []
    documents: defaultdict[str, list[Identifier | None]] = defaultdict(list)
    days: set[str] = set()
    for number, line in enumerate(io.BytesIO(content), 1):
        if not line.strip():
            continue
        try:
            entity = decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise BadList(f"not {_EXPECTED}: line {number} is no entity as JSON") from None
        if entity.schema in _DOCUMENTS:
            for holder in entity.properties.get("holder", ()):
                documents[holder] += _document(entity)
        elif entity.schema in _KINDS and (entity.target or "sanction" in entity.properties.get("topics", ())):
            targets.append(entity)
            days.add((entity.last_seen or entity.last_change or "")[:10])
    return [_entry(entity, documents.get(entity.id, [])) for entity in targets], _newest(days)


def _entry(entity: _Entity, documents: list[Identifier | None]) -> ListEntry:
    kind, properties = _KINDS[entity.schema], entity.properties
    births = births_of(properties.get("birthDate", ()))
    numbers = [identifier(number_kind, number) for name, number_kind in _NUMBERS for number in properties.get(name, ())]
    return ListEntry(
        entry_id=entity.id,
        kind=kind,
        names=names_of(
            (name, names is _WEAK) for names in (_STRONG, _WEAK) for one in names for name in properties.get(one, ())
        ),
        birth_years=births.years,
        programme=" ".join(properties.get("topics", ())),
        birth_dates=births.dates,
        countries=codes_of(code.upper() for name in _COUNTRIES[kind] for code in properties.get(name, ())),
        identifiers=distinct([*numbers, *documents]),
    )


def _document(entity: _Entity) -> Iterator[Identifier | None]:
    country = next(iter(entity.properties.get("country", ())), "").upper()
    for name in ("number", "passportNumber"):
        for number in entity.properties.get(name, ()):
            yield identifier(_DOCUMENTS[entity.schema], number, country)


def _read_table(content: bytes) -> tuple[list[ListEntry], date | None]:
    found: list[ListEntry] = []
    days: set[str] = set()
    for row in keyed_rows(csv_rows(content, _EXPECTED), _COLUMNS, _EXPECTED):
        kind = _KINDS.get(row.get("schema", ""))
        if kind is None:
            continue
        births = births_of(_split(row.get("birth date", "")))
        days.add((row.get("last seen") or row.get("last change") or "")[:10])
        entry = ListEntry(
            entry_id=row["id"],
            kind=kind,
            names=names_of((name, False) for name in (row.get("name", ""), *_split(row.get("aliases", "")))),
            birth_years=births.years,
            programme=row.get("sanctions", "")[:200],
            birth_dates=births.dates,
            countries=codes_of(code.upper() for code in _split(row.get("countries", ""))),
            # The table does not say of which kind a number is.
            identifiers=distinct(identifier("other", one) for one in _split(row.get("identifiers", ""))),
        )
        found.append(entry)
    return found, _newest(days)


def _split(text: str) -> list[str]:
    return [one for part in text.split(";") if (one := one_line(part))]


def _newest(days: Iterable[str]) -> date | None:
    return max((day for text in days if (day := date_of(text))), default=None)
