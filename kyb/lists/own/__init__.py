"""Reads a list of one's own: a CSV file with a heading, one person or firm a row.

The heading is `id,kind,name,aliases,birth_date,country,id_number,reason`. `kind` is person or entity; aliases and
numbers are separated by `;`; birth_date is YYYY-MM-DD or a year; country is ISO 3166-1 alpha-2 or an English name; a
number may say what it is before a colon, as in `passport:OB0243318`. Only id, kind and name must be filled in.
"""

from collections.abc import Iterator
from datetime import date

from kyb.lists.births import births_of
from kyb.lists.countries import country_code
from kyb.lists.entry import ENTITY, PERSON, BadList, Identifier, IdentifierKind, ListEntry, ScreeningList
from kyb.lists.identifiers import distinct, identifier
from kyb.lists.reading import csv_rows, finish, keyed_rows, names_of

OWN_SOURCE = "own"
_EXPECTED = "a list of one's own"
COLUMNS = ("id", "kind", "name", "aliases", "birth_date", "country", "id_number", "reason")
_HEADING = frozenset(name.replace("_", " ") for name in COLUMNS)
_USUAL: dict[str, IdentifierKind] = {PERSON: "national_id", ENTITY: "registration"}
_NUMBER_KINDS: dict[str, IdentifierKind] = {
    "national_id": "national_id",
    "passport": "passport",
    "tax_id": "tax_id",
    "registration": "registration",
    "lei": "lei",
    "other": "other",
}


def load_own_list(content: bytes, published_on: date | None) -> ScreeningList:
    """Read a list of one's own, of a day; raises BadList, which names the row."""
    rows = keyed_rows(csv_rows(content, _EXPECTED), _HEADING, _EXPECTED)
    return finish(OWN_SOURCE, published_on, content, _entries(rows), _EXPECTED)


def _entries(rows: Iterator[dict[str, str]]) -> Iterator[ListEntry]:
    for number, row in enumerate(rows, 2):
        try:
            yield _entry(row)
        except ValueError as fault:
            raise BadList(f"not {_EXPECTED}: row {number}: {fault}") from None


def _entry(row: dict[str, str]) -> ListEntry:
    """One row. Raises ValueError with what is wrong."""
    kind, country, born = row.get("kind", ""), row.get("country", ""), row.get("birth date", "")
    if kind not in _USUAL:
        raise ValueError("kind must be person or entity")
    if not row.get("id") or not row.get("name"):
        raise ValueError("id and name must be filled in")
    code = country_code(country.upper() if len(country) == 2 else country)
    if country and not code:
        raise ValueError("country must be ISO 3166-1 alpha-2 or the name of a country")
    births = births_of([born])
    if born and not births.years:
        raise ValueError("birth_date must be YYYY-MM-DD or a year")
    names = [row["name"], *row.get("aliases", "").split(";")]
    return ListEntry(
        entry_id=row["id"],
        kind=kind,
        names=names_of((name, False) for name in names),
        birth_years=births.years,
        programme=row.get("reason", ""),
        birth_dates=births.dates,
        countries=(code,) if code else (),
        identifiers=distinct(_numbers(row.get("id number", ""), kind, code)),
    )


def _numbers(text: str, kind: str, country: str) -> Iterator[Identifier]:
    for part in text.split(";"):
        label, colon, number = part.partition(":")
        if not part.strip():
            continue
        number_kind = _NUMBER_KINDS.get(label.strip().casefold()) if colon else _USUAL[kind]
        found = identifier(number_kind, number if colon else part, country)
        if found is None:
            raise ValueError(
                "id_number must be a number of four characters or more, perhaps with its kind before a colon"
            )
        yield found
