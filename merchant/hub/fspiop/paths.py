"""Paths of FSPIOP messages: one resource, the ids that it has, `/error` or not, and nothing besides.

A signature covers the part of a URI that begins at its last resource name. Only where the first resource name is the
last one, and every id stands in its own place, is what was signed the same as what is read.
"""

import re
from typing import Final
from urllib.parse import unquote_to_bytes

import msgspec

from merchant.hub.fspiop.error_codes import FspiopError, meaning_of
from merchant.hub.fspiop.resources import ANSWERED, RESERVED_WORDS

ID_LENGTH_MAX: Final = 128  # FSPIOP section 7.3.26 PartyIdentifier, the longest of all ids
# Characters that no id has (the pattern of PartyIdentifier), encoded or not.
_NO_ID = re.compile(r"[\x00-\x1f\x7f/\\?{}<>`]")
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")

# How many ids a path may have, by method and resource: FSPIOP chapter 6. An answer may end in /error besides.
_PARTY = frozenset({2, 3})  # type, id, sub-id
_IDS: Final[dict[tuple[str, str], frozenset[int]]] = {
    ("GET", "participants"): _PARTY,
    ("POST", "participants"): _PARTY | {0},
    ("PUT", "participants"): _PARTY | {1},  # 1: the answer to a batch, by its request's id
    ("GET", "parties"): _PARTY,
    ("PUT", "parties"): _PARTY,
    ("POST", "authorizations"): frozenset({0}),
    ("PATCH", "transfers"): frozenset({1}),
}
for _resource in ("transactionRequests", "quotes", "transfers"):
    _IDS["POST", _resource] = frozenset({0})
for _resource in ("transactionRequests", "quotes", "transfers", "authorizations", "transactions"):
    _IDS["GET", _resource] = _IDS["PUT", _resource] = frozenset({1})
_ANSWERS = frozenset({"PUT", "PATCH"})
METHODS: Final = frozenset({"GET", "POST", "PUT", "PATCH"})


class Place(msgspec.Struct, frozen=True):
    """What a message is about: its resource, the ids in its path (each decoded once), whether it tells an error."""

    resource: str
    ids: tuple[str, ...]
    is_error: bool


def read_path(method: str, path: str, query: str = "") -> Place:
    """Read a path as it came, percent-encoded, that starts at the resource.

    Raises FspiopError 3002 (HTTP 404) for a path of no message, and for a query on anything but a question; 3000
    (HTTP 405) for a method that the resource lacks.
    """
    start, *segments = path.split("/")
    resource = segments[0] if segments else ""
    if start or resource not in ANSWERED:
        raise _unknown()
    if method not in METHODS:
        raise FspiopError("3000", "This method is not possible here", 405)
    rest = segments[1:]
    is_error = method in _ANSWERS and len(rest) > 1 and rest[-1] == "error"
    ids = tuple(_id_of(segment) for segment in (rest[:-1] if is_error else rest))
    if len(ids) not in _IDS.get((method, resource), ()) or (query and method != "GET"):
        raise _unknown()
    return Place(resource, ids, is_error)


def _id_of(segment: str) -> str:
    try:
        text = unquote_to_bytes(segment).decode()
    except UnicodeDecodeError:
        raise _unknown() from None
    if (
        not 0 < len(text) <= ID_LENGTH_MAX
        or text in (".", "..")
        or text.lower() in RESERVED_WORDS
        or _BROKEN_ESCAPE.search(segment)
        or _NO_ID.search(text)
    ):
        raise _unknown()
    return text


def _unknown() -> FspiopError:
    return FspiopError("3002", meaning_of("3002"), 404)
