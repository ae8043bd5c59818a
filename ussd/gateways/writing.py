"""A reply written as a gateway takes it: plain text, JSON or XML, without what its wire cannot carry."""

import re
from collections.abc import Mapping
from typing import Final
from xml.sax.saxutils import escape

import msgspec

from ussd.wire import Answer

# What neither a handset nor XML 1.0 has: controls but for the line break, halves of pairs, no-characters.
_UNWRITABLE: Final = re.compile("[\x00-\x09\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_VERBS: Final = ("CON ", "END ")

# To a message that only tells something.
NOTED: Final = Answer(200)


def shown(text: str) -> str:
    """A text as every gateway can carry it: line breaks are single, and nothing is there that no screen shows."""
    return _UNWRITABLE.sub("", text)


def verb_answer(text: str, *, end: bool) -> Answer:
    """`CON text` or `END text`. A text that begins like that itself would be taken apart twice."""
    text = shown(text)
    while text.startswith(_VERBS):
        text = text[len(_VERBS[0]) :]
    return text_answer(f"{_VERBS[end]}{text}")


def text_answer(text: str, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    """Plain text, with further headers."""
    return Answer(200, (("content-type", "text/plain; charset=utf-8"), *headers), text.encode())


def json_answer(members: Mapping[str, object]) -> Answer:
    """A JSON object."""
    return Answer(200, (("content-type", "application/json"),), msgspec.json.encode(members))


def xml_answer(document: str) -> Answer:
    """An XML document. Nothing stands before its declaration: gateways refuse blanks there."""
    return Answer(200, (("content-type", "text/xml; charset=utf-8"),), document.encode())


def xml_text(text: str) -> str:
    """A text inside an element."""
    return escape(shown(text))
