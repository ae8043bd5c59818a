"""The CSV forms: a line that says the day, a heading, then a row for each name or address of an entry.

The columns of the UK Sanctions List and of OFSI's list differ in their names only; both are known here.
"""

import re
from collections.abc import Iterator
from datetime import date, datetime

from kyb.lists.births import births_of, date_of
from kyb.lists.entry import ENTITY, PERSON, BadList, Identifier, ListEntry, ScreeningList
from kyb.lists.identifiers import codes_of, distinct, identifier
from kyb.lists.reading import csv_rows, finish, heading_of, keyed_rows, merge, names_of

UK_SOURCE = "uk_sanctions"
EXPECTED = "a UK sanctions list"
KINDS = {"individual": PERSON, "entity": ENTITY}
NAME_PARTS = ("name 1", "name 2", "name 3", "name 4", "name 5", "name 6")
_DATED = frozenset({"last updated", "report date"})
_REQUIRED = frozenset({"name 6"})
_NUMBERED = re.compile(r"\(\d+\)")  # several values in one field: "(1) Syria (2) Lebanon"


def load_uk_csv(content: bytes) -> ScreeningList:
    """Read UK-Sanctions-List.csv or ConList.csv; raises BadList."""
    rows = csv_rows(content, EXPECTED)
    published_on = _published_on(next(rows, []))
    found: dict[str, ListEntry] = {}
    for row in keyed_rows(rows, _REQUIRED, EXPECTED):
        entry = _entry(row)
        if entry is not None:
            known = found.get(entry.entry_id)
            found[entry.entry_id] = entry if known is None else merge(known, entry)
    return finish(UK_SOURCE, published_on, content, found.values(), EXPECTED)


def _published_on(line: list[str]) -> date:
    """The day in the first line: `Last Updated,14/11/2024` or `Report Date: 28-Jan-2026`."""
    label, _, rest = ",".join(line).partition(":" if ":" in line[0] else ",") if line else ("", "", "")
    day = day_of(rest.strip(", ")) if heading_of(label) in _DATED else None
    if day is None:
        raise BadList(f"not {EXPECTED}: its first line says no day")
    return day


def day_of(text: str) -> date | None:
    """A day as these publishers write it, with or without a time behind it."""
    text = text.strip()
    try:
        return datetime.strptime(text[:11], "%d-%b-%Y").date()  # noqa: DTZ007 - a day has no zone
    except ValueError:
        return date_of(text[:10]) or date_of(text)


def _entry(row: dict[str, str]) -> ListEntry | None:
    """What one row says of its entry; None for a ship."""
    kind = KINDS.get(_first(row, "group type", "designation type", "individual entity ship").casefold())
    if kind is None:
        return None
    weak = "low" in _first(row, "alias quality", "alias strength").casefold()
    name = " ".join(row.get(part, "") for part in NAME_PARTS)
    births = births_of(several(_first(row, "dob")))
    nations = several(_first(row, "nationality", "nationality ies", "nationalityies"))
    return ListEntry(
        entry_id=_first(row, "unique id", "group id"),
        kind=kind,
        names=names_of([(name, weak), (_first(row, "name non latin script"), weak)]),
        birth_years=births.years,
        programme=_first(row, "regime name", "regime"),
        birth_dates=births.dates,
        countries=codes_of(nations if kind == PERSON else [_first(row, "country", "address country")]),
        identifiers=distinct(_identifiers(row)),
    )


def several(text: str) -> list[str]:
    """The values of a field, which may hold several with numbers before them."""
    return [value for part in _NUMBERED.split(text) if (value := part.strip(" .;,"))]


def _identifiers(row: dict[str, str]) -> Iterator[Identifier | None]:
    for number in several(_first(row, "passport number")):
        yield identifier("passport", number)
    for number in several(_first(row, "national identification number", "national identifier number")):
        yield identifier("national_id", number)
    for number in several(_first(row, "business registration number s", "business registration number")):
        yield identifier("registration", number)


def _first(row: dict[str, str], *columns: str) -> str:
    return next((value for column in columns if (value := row.get(column, ""))), "")
