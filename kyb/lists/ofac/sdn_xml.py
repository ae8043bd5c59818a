"""The classic sdn.xml (root sdnList); consolidated.xml, of OFAC's other lists, has the same form."""

from collections.abc import Iterator
from datetime import date
from typing import Any

from kyb.lists.births import births_of
from kyb.lists.entry import ENTITY, PERSON, BadList, ListEntry, ScreeningList
from kyb.lists.identifiers import codes_of, distinct, identifier, kind_of
from kyb.lists.reading import XmlRecords, field, finish, names_of

OFAC_SOURCE = "ofac_sdn"
EXPECTED = "an OFAC list"
_KINDS = {"Individual": PERSON, "Entity": ENTITY}
_WEAK = "weak"


def load_ofac_xml(xml_bytes: bytes) -> ScreeningList:
    """Read sdn.xml or consolidated.xml; raises BadList."""
    records = XmlRecords(xml_bytes, frozenset({"publshInformation", "sdnEntry"}), EXPECTED)
    if records.name != "sdnList":
        raise BadList(f"not {EXPECTED}: it begins with {records.name[:64]}, not with sdnList")
    nodes = iter(records)
    published_on = _published_on(next(nodes, None))
    return finish(OFAC_SOURCE, published_on, xml_bytes, _entries(nodes), EXPECTED)


def _published_on(node: Any) -> date:
    # The publisher's own spelling of "publish", and the order of its country: month, day, year.
    month, _, rest = (field(node, "Publish_Date") if node is not None else "").partition("/")
    day, _, year = rest.partition("/")
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        raise BadList(f"not {EXPECTED}: it says no day of publication") from None


def _entries(nodes: Iterator[Any]) -> Iterator[ListEntry]:
    for node in nodes:
        kind = _KINDS.get(field(node, "sdnType"))
        if kind is not None:
            yield _entry(node, kind)


def _entry(node: Any, kind: str) -> ListEntry:
    also = [(_name(aka), field(aka, "category") == _WEAK) for aka in node.iterfind("akaList/aka")]
    births = births_of(field(one, "dateOfBirth") for one in node.iterfind("dateOfBirthList/dateOfBirthItem"))
    places = (
        ("nationalityList/nationality", "citizenshipList/citizenship") if kind == PERSON else ("addressList/address",)
    )
    return ListEntry(
        entry_id=field(node, "uid"),
        kind=kind,
        names=names_of([(_name(node), False), *also]),
        birth_years=births.years,
        programme=" ".join(found.text or "" for found in node.iterfind("programList/program")),
        birth_dates=births.dates,
        countries=codes_of(field(one, "country") for path in places for one in node.iterfind(path)),
        identifiers=distinct(
            identifier(kind_of(field(one, "idType")), field(one, "idNumber"), field(one, "idCountry"))
            for one in node.iterfind("idList/id")
        ),
    )


def _name(node: Any) -> str:
    return f"{field(node, 'firstName')} {field(node, 'lastName')}"
