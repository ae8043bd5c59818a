"""Reads the UN Security Council consolidated list (schema sc-sanctions.xsd); defusedxml reads the XML."""

import hashlib
import re
from collections.abc import Iterator
from datetime import date
from typing import Any

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from kyb.lists.entry import ENTITY, PERSON, BadList, ListedName, ListEntry, ScreeningList

UN_SOURCE = "un_consolidated"

# The UN gives some dates of birth as approximate; its narrative summaries are off by a few years at most.
_APPROXIMATE_YEARS = 3


def load_un_list(xml_bytes: bytes) -> ScreeningList:
    """Read the UN Security Council consolidated list (schema sc-sanctions.xsd); raises BadList."""
    try:
        root = fromstring(xml_bytes)
        published_on = date.fromisoformat(root.attrib["dateGenerated"][:10])
    except (ParseError, DefusedXmlException, KeyError, ValueError) as error:
        raise BadList(f"not a UN consolidated list: {error}") from error
    entries = (
        *(_un_entry(node, PERSON) for node in root.iterfind("INDIVIDUALS/INDIVIDUAL")),
        *(_un_entry(node, ENTITY) for node in root.iterfind("ENTITIES/ENTITY")),
    )
    if not entries:
        raise BadList("not a UN consolidated list: it holds no entries")
    return ScreeningList(UN_SOURCE, published_on, hashlib.sha256(xml_bytes).hexdigest(), entries)


def _un_entry(node: Any, kind: str) -> ListEntry:
    parts = (_text(node, tag) for tag in ("FIRST_NAME", "SECOND_NAME", "THIRD_NAME", "FOURTH_NAME"))
    written = [
        ListedName(" ".join(part for part in parts if part)),
        ListedName(_text(node, "NAME_ORIGINAL_SCRIPT")),
    ]
    for alias in node.iterfind(f"{'INDIVIDUAL' if kind == PERSON else 'ENTITY'}_ALIAS"):
        written.append(ListedName(_text(alias, "ALIAS_NAME"), weak=_text(alias, "QUALITY") == "Low"))
    names = dict.fromkeys(name for line in written for name in _spellings(line))
    entry_id = _text(node, "REFERENCE_NUMBER")
    if not entry_id or not names:
        raise BadList("an entry has no reference number or no name")
    return ListEntry(entry_id, kind, tuple(names), tuple(_un_birth_years(node)), _text(node, "UN_LIST_TYPE"))


# Remarks that clerks put into name fields, from here to the end of the field.
_REMARK = re.compile(
    r"\b(?:born (?:in|on|\d)|son of|previously listed|birth name|combat name|false identity|branch located"
    r"|sub-unit).*",
    re.IGNORECASE | re.DOTALL,
)
_LABEL = re.compile(r"original script:?", re.IGNORECASE)
_SEVERAL = re.compile(r";|\b[a-h]\)")  # "X; Y" and "a) X b) Y" are two names each
_BRACKETS = re.compile(r"\(([^()]*)\)?")


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


def _un_birth_years(node: Any) -> Iterator[tuple[int, int]]:
    for birth in node.iterfind("INDIVIDUAL_DATE_OF_BIRTH"):
        year = _text(birth, "YEAR") or _text(birth, "DATE")[:4]
        first, last = _text(birth, "FROM_YEAR") or year, _text(birth, "TO_YEAR") or year
        if first.isdecimal() and last.isdecimal():
            slack = _APPROXIMATE_YEARS if _text(birth, "TYPE_OF_DATE") == "APPROXIMATELY" else 0
            yield int(first) - slack, int(last) + slack


def _text(node: Any, tag: str) -> str:
    return (node.findtext(tag) or "").strip()
