"""The XML form of the UK Sanctions List (root Designations)."""

from collections.abc import Iterator
from typing import Any

from kyb.lists.births import births_of
from kyb.lists.entry import PERSON, BadList, Identifier, ListEntry, ScreeningList
from kyb.lists.identifiers import codes_of, distinct, identifier
from kyb.lists.reading import XmlRecords, field, finish, names_of
from kyb.lists.uk.rows import EXPECTED, KINDS, UK_SOURCE, day_of

_NAME_PARTS = ("Name1", "Name2", "Name3", "Name4", "Name5", "Name6")


def load_uk_xml(xml_bytes: bytes) -> ScreeningList:
    """Read UK-Sanctions-List.xml; raises BadList."""
    records = XmlRecords(xml_bytes, frozenset({"DateGenerated", "Designation"}), EXPECTED)
    if records.name != "Designations":
        raise BadList(f"not {EXPECTED}: it begins with {records.name[:64]}, not with Designations")
    nodes = iter(records)
    first = next(nodes, None)
    published_on = day_of(first.text or "") if first is not None and first.tag == "DateGenerated" else None
    if published_on is None:
        raise BadList(f"not {EXPECTED}: it says no day of publication")
    return finish(UK_SOURCE, published_on, xml_bytes, _entries(nodes), EXPECTED)


def _entries(nodes: Iterator[Any]) -> Iterator[ListEntry]:
    for node in nodes:
        kind = KINDS.get(field(node, "IndividualEntityShip").casefold())
        if kind is not None:
            yield _entry(node, kind)


def _entry(node: Any, kind: str) -> ListEntry:
    births = births_of(_texts(node, "IndividualDetails/Individual/DOBs/DOB"))
    seats = (
        "IndividualDetails/Individual/Nationalities/Nationality"
        if kind == PERSON
        else "Addresses/Address/AddressCountry"
    )
    return ListEntry(
        entry_id=field(node, "UniqueID"),
        kind=kind,
        names=names_of(_names(node)),
        birth_years=births.years,
        programme=field(node, "RegimeName"),
        birth_dates=births.dates,
        countries=codes_of(_texts(node, seats)),
        identifiers=distinct(_identifiers(node)),
    )


def _names(node: Any) -> Iterator[tuple[str, bool]]:
    for name in node.iterfind("Names/Name"):
        weak = "low" in field(name, "AliasStrength").casefold()
        yield " ".join(field(name, part) for part in _NAME_PARTS), weak
    for text in _texts(node, "NonLatinNames/NonLatinName/NameNonLatinScript"):
        yield text, False


def _identifiers(node: Any) -> Iterator[Identifier | None]:
    person, firm = "IndividualDetails/Individual", "EntityDetails/Entity"
    for text in _texts(node, f"{person}/PassportDetails/Passport/PassportNumber"):
        yield identifier("passport", text)
    for text in _texts(node, f"{person}/NationalIdentifierDetails/NationalIdentifier/NationalIdentifierNumber"):
        yield identifier("national_id", text)
    for text in _texts(node, f"{firm}/BusinessRegistrationNumbers/BusinessRegistrationNumber"):
        yield identifier("registration", text)


def _texts(node: Any, path: str) -> list[str]:
    return [one.text or "" for one in node.iterfind(path)]
