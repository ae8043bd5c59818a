"""Reads the UN Security Council consolidated list (schema sc-sanctions.xsd)."""

import re
from collections.abc import Iterator
from typing import Any

from kyb.lists.births import APPROXIMATE_YEARS, full_date
from kyb.lists.entry import ENTITY, PERSON, Identifier, ListedName, ListEntry, ScreeningList
from kyb.lists.identifiers import codes_of, distinct, identifier, kind_of
from kyb.lists.reading import XmlRecords, field, finish, published_day

UN_SOURCE = "un_consolidated"
_EXPECTED = "a UN consolidated list"
_KINDS = {"INDIVIDUAL": PERSON, "ENTITY": ENTITY}


def load_un_list(xml_bytes: bytes) -> ScreeningList:
    """Read the UN Security Council consolidated list (schema sc-sanctions.xsd); raises BadList."""
    records = XmlRecords(xml_bytes, frozenset(_KINDS), _EXPECTED)
    published_on = published_day(records.attributes.get("dateGenerated", ""), _EXPECTED)
    entries = (_entry(node, _KINDS[node.tag]) for node in records)
    return finish(UN_SOURCE, published_on, xml_bytes, entries, _EXPECTED)


def _entry(node: Any, kind: str) -> ListEntry:
    parts = (field(node, tag) for tag in ("FIRST_NAME", "SECOND_NAME", "THIRD_NAME", "FOURTH_NAME"))
    written = [
        ListedName(" ".join(part for part in parts if part)),
        ListedName(field(node, "NAME_ORIGINAL_SCRIPT")),
    ]
    for alias in node.iterfind(f"{'INDIVIDUAL' if kind == PERSON else 'ENTITY'}_ALIAS"):
        written.append(ListedName(field(alias, "ALIAS_NAME"), weak=field(alias, "QUALITY") == "Low"))
    seats = "NATIONALITY/VALUE" if kind == PERSON else "ENTITY_ADDRESS/COUNTRY"
    return ListEntry(
        entry_id=field(node, "REFERENCE_NUMBER"),
        kind=kind,
        names=tuple(dict.fromkeys(name for line in written for name in _spellings(line))),
        birth_years=tuple(_birth_years(node)),
        programme=field(node, "UN_LIST_TYPE"),
        birth_dates=tuple(_birth_dates(node)),
        countries=codes_of(found.text or "" for found in node.iterfind(seats)),
        identifiers=distinct(_identifiers(node)),
    )


# Remarks that clerks put into name fields, from here to the end of the field.
_REMARK = re.compile(
    r"\b(?:born (?:in|on|\d)|son of|previously listed|birth name|combat name|false identity|branch located"
    r"|sub-unit).*",
    re.IGNORECASE | re.DOTALL,
)
_LABEL = re.compile(r"original script:?", re.IGNORECASE)
_SEVERAL = re.compile(r";|\b[a-h]\)")  # "X; Y" and "a) X b) Y" are two names each
_BRACKETS = re.compile(r"\(([^()]*)\)?")
# A note may hold the number that its field lacks: "Tunisian passport number L 191609 issued on 28 Feb. 1996".
_NOTE_ENDS = re.compile(r",|\b(?:issued|expire[sd]|valid)\b", re.IGNORECASE)


def _spellings(line: ListedName) -> Iterator[ListedName]:
    """The names in one name field, which may hold several, remarks, and brackets of three meanings.

    In brackets stands the same name in another script (a name of its own), an abbreviation (weak, since
    three letters mean a hundred companies), or a part of the name ("LEADER (HONG KONG) INTERNATIONAL").
    """
    for part in _SEVERAL.split(line.text):
        part = _REMARK.sub("", _LABEL.sub("", part))
        outside, others = _BRACKETS.sub(" ", part), []
        for inside in _BRACKETS.findall(part):
            if inside.isascii() != outside.isascii():
                others.append((inside, line.weak))
            elif " " not in inside.strip():
                others.append((inside, True))
            else:
                outside = _BRACKETS.sub(r" \1 ", part)
        for text, weak in ((outside, line.weak), *others):
            yield from _named(text, weak)


def _named(text: str, weak: bool) -> Iterator[ListedName]:
    name = " ".join(text.replace(")", " ").split()).strip(' ,:-"“”')
    if len(name) > 1:
        yield ListedName(name, weak)


def _birth_years(node: Any) -> Iterator[tuple[int, int]]:
    for birth in node.iterfind("INDIVIDUAL_DATE_OF_BIRTH"):
        year = field(birth, "YEAR") or field(birth, "DATE")[:4]
        first, last = field(birth, "FROM_YEAR") or year, field(birth, "TO_YEAR") or year
        if first.isdecimal() and last.isdecimal():
            slack = APPROXIMATE_YEARS if field(birth, "TYPE_OF_DATE") == "APPROXIMATELY" else 0
            yield int(first) - slack, int(last) + slack


def _birth_dates(node: Any) -> Iterator[str]:
    for birth in node.iterfind("INDIVIDUAL_DATE_OF_BIRTH"):
        is_exact = field(birth, "TYPE_OF_DATE") != "APPROXIMATELY"
        if is_exact and (day := full_date(field(birth, "DATE")[:10])):
            yield day


def _identifiers(node: Any) -> Iterator[Identifier | None]:
    for document in node.iterfind("INDIVIDUAL_DOCUMENT"):
        written = field(document, "NUMBER") or _NOTE_ENDS.split(field(document, "NOTE"))[0]
        label = f"{field(document, 'TYPE_OF_DOCUMENT')} {field(document, 'TYPE_OF_DOCUMENT2')}"
        # Some clerks leave the type empty and write it before the number.
        kind = kind_of(label) or kind_of(written)
        country = field(document, "ISSUING_COUNTRY") or field(document, "COUNTRY_OF_ISSUE")
        yield identifier(kind, written, country)
