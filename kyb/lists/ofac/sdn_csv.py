"""sdn.csv, alone or with alt.csv and add.csv written behind it (`cat sdn.csv alt.csv add.csv`).

The files have no heading; a row's file is told by its number of fields. Birth dates, nationalities and identity
numbers stand in the remarks of sdn.csv, as sentences. None of the files says of which day it is.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import date

from msgspec import Struct, field

from kyb.lists.births import births_of
from kyb.lists.entry import ENTITY, PERSON, BadList, Identifier, ListEntry, ScreeningList
from kyb.lists.identifiers import codes_of, distinct, identifier, kind_of
from kyb.lists.ofac.sdn_xml import EXPECTED, OFAC_SOURCE
from kyb.lists.reading import csv_rows, finish, names_of

_SDN_FIELDS, _ADD_FIELDS, _ALT_FIELDS = 12, 6, 5
_EMPTY = "-0-"
_END_OF_FILE = b"\x1a"
_KINDS = {"individual": PERSON, "": ENTITY}
_BORN = re.compile(r"(?:alt\. )?DOB (.+)", re.IGNORECASE)
_OF_COUNTRY = re.compile(r"(?:alt\. )?(?:nationality|citizen) (.+)", re.IGNORECASE)
# Names in the remarks are OFAC's weak aliases; the strong ones stand in alt.csv.
_ALSO = re.compile(r"(?:alt\. )?[afn]\.k\.a\. ['\"](.+?)['\"]", re.IGNORECASE)
_NUMBERED = re.compile(r"(?:alt\. )?(?P<label>\D+?) (?P<number>\S*\d\S*)(?: \((?P<country>[^)]*)\))?")


class _Sdn(Struct):
    """What the rows of one entry say together."""

    kind: str
    name: str
    programme: str
    remarks: list[str]
    aliases: list[str] = field(default_factory=list)
    countries: list[str] = field(default_factory=list)


def load_ofac_csv(content: bytes, published_on: date | None) -> ScreeningList:
    """Read sdn.csv of a day, alone or followed by alt.csv and add.csv; raises BadList."""
    found: dict[str, _Sdn] = {}
    aliases: defaultdict[str, list[str]] = defaultdict(list)
    countries: defaultdict[str, list[str]] = defaultdict(list)
    for row in csv_rows(content.replace(_END_OF_FILE, b""), EXPECTED):
        values = ["" if value == _EMPTY else value for value in row]
        entry_id = values[0]
        if len(values) == _SDN_FIELDS:
            _add(found, values)
        elif len(values) == _ALT_FIELDS:
            aliases[entry_id].append(values[3])
        elif len(values) == _ADD_FIELDS:
            countries[entry_id].append(values[4])
        elif any(values):
            raise BadList(f"not {EXPECTED}: a row of {len(values)} fields, where sdn.csv has {_SDN_FIELDS}")
    for entry_id, sdn in found.items():
        sdn.aliases, sdn.countries = aliases.get(entry_id, []), countries.get(entry_id, [])
    return finish(OFAC_SOURCE, published_on, content, _entries(found), EXPECTED)


def _add(found: dict[str, _Sdn], values: list[str]) -> None:
    entry_id, name, kind, programme, remarks = *values[:4], values[11]
    if entry_id in found:
        raise BadList(f"not {EXPECTED}: two entries have the id {entry_id[:64]}")
    # Several programmes stand as "SDGT] [IRGC".
    words = programme.replace("[", " ").replace("]", " ").split()
    found[entry_id] = _Sdn(kind.casefold(), name, " ".join(words), [one.strip(" .") for one in remarks.split(";")])


def _entries(found: dict[str, _Sdn]) -> Iterator[ListEntry]:
    for entry_id, sdn in found.items():
        kind = _KINDS.get(sdn.kind)
        if kind is not None:
            yield _entry(entry_id, sdn, kind)


def _entry(entry_id: str, sdn: _Sdn, kind: str) -> ListEntry:
    born, nations, weak, numbers = _read_remarks(sdn.remarks)
    births = births_of(born)
    strong = [(_in_order(name, kind), False) for name in (sdn.name, *sdn.aliases)]
    return ListEntry(
        entry_id=entry_id,
        kind=kind,
        names=names_of([*strong, *((_in_order(name, kind), True) for name in weak)]),
        birth_years=births.years,
        programme=sdn.programme,
        birth_dates=births.dates,
        countries=codes_of(nations if kind == PERSON else sdn.countries),
        identifiers=distinct(numbers),
    )


def _read_remarks(remarks: list[str]) -> tuple[list[str], list[str], list[str], list[Identifier | None]]:
    """Birth dates, countries, weak names and identity numbers of an entry's remarks."""
    born, nations, weak, numbers = [], [], [], []
    for remark in remarks:
        if found := _BORN.fullmatch(remark):
            born.append(found[1])
        elif found := _OF_COUNTRY.fullmatch(remark):
            nations.append(found[1])
        elif found := _ALSO.match(remark):
            weak.append(found[1])
        elif found := _NUMBERED.match(remark):
            numbers.append(identifier(kind_of(found["label"]), found["number"], found["country"] or ""))
    return born, nations, weak, numbers


def _in_order(name: str, kind: str) -> str:
    """A person's name as it is said; the file writes the family name first, in capitals before a comma."""
    family, comma, given = name.partition(",")
    return f"{given} {family}" if kind == PERSON and comma else name
