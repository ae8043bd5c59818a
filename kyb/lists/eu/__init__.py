"""Reads the European Union's consolidated list of financial sanctions (FSF, XML of schema 1.1, root export)."""

from collections.abc import Iterator
from typing import Any

from kyb.lists.births import APPROXIMATE_YEARS, full_date
from kyb.lists.entry import ENTITY, PERSON, BadList, Identifier, ListEntry, ScreeningList
from kyb.lists.identifiers import codes_of, distinct, identifier, kind_of
from kyb.lists.reading import XmlRecords, finish, merge, names_of, one_line, published_day

EU_SOURCE = "eu_fsf"
_EXPECTED = "the EU's list of financial sanctions"
_KINDS = {"P": PERSON, "E": ENTITY}


def load_eu_list(xml_bytes: bytes) -> ScreeningList:
    """Read the EU's consolidated list; raises BadList."""
    records = XmlRecords(xml_bytes, frozenset({"sanctionEntity"}), _EXPECTED)
    published_on = published_day(records.attributes.get("generationDate", ""), _EXPECTED)
    found: dict[str, ListEntry] = {}
    for node in records:
        entry = _entry(node)
        # The publisher writes some entries in two parts, such as EU.334.4, with one id.
        found[entry.entry_id] = merge(found[entry.entry_id], entry) if entry.entry_id in found else entry
    return finish(EU_SOURCE, published_on, xml_bytes, found.values(), _EXPECTED)


def _entry(node: Any) -> ListEntry:
    subject = node.find("subjectType")
    kind = _KINDS.get(subject.get("classificationCode", "") if subject is not None else "")
    if kind is None:
        raise BadList(f"not {_EXPECTED}: an entry is neither a person nor an enterprise")
    births = [one for one in node.iterfind("birthdate") if one.get("calendarType", "GREGORIAN") == "GREGORIAN"]
    seats = "citizenship" if kind == PERSON else "address"
    return ListEntry(
        entry_id=node.get("logicalId", ""),
        kind=kind,
        names=names_of((_name(one), one.get("strong") == "false") for one in node.iterfind("nameAlias")),
        birth_years=tuple(dict.fromkeys(years for one in births if (years := _years(one)))),
        programme=" ".join(dict.fromkeys(one.get("programme", "") for one in node.iterfind("regulation"))),
        birth_dates=tuple(
            dict.fromkeys(
                day for one in births if one.get("circa") != "true" and (day := full_date(one.get("birthdate", "")))
            )
        ),
        countries=codes_of(one.get("countryIso2Code", "") for one in node.iterfind(seats)),
        identifiers=distinct(_identifiers(node)),
    )


def _name(node: Any) -> str:
    parts = (node.get(part, "") for part in ("firstName", "middleName", "lastName"))
    return one_line(node.get("wholeName", "")) or " ".join(parts)


def _years(birth: Any) -> tuple[int, int] | None:
    year = birth.get("year", "")
    first, last = birth.get("yearRangeFrom") or year, birth.get("yearRangeTo") or year
    if not (first.isdecimal() and last.isdecimal()):
        return None
    slack = APPROXIMATE_YEARS if birth.get("circa") == "true" else 0
    return int(first) - slack, int(last) + slack


def _identifiers(node: Any) -> Iterator[Identifier | None]:
    for one in node.iterfind("identification"):
        # A number that is known to be false is another person's, or nobody's.
        if one.get("knownFalse") != "true":
            label = f"{one.get('identificationTypeCode', '')} {one.get('identificationTypeDescription', '')}"
            written = one.get("latinNumber") or one.get("number", "")
            yield identifier(kind_of(label), written, one.get("countryIso2Code", ""))
