"""The decoder's faults in words, for whoever writes a policy: which key of which table, and what must stand there.

Beside policy/text.py and risk_weights.py, which read tables that people write.
"""

import re
from collections.abc import Callable
from typing import Any

import msgspec

_PLACE = " - at `"
_ANY_KEY = "[...]"  # how the decoder names a key of a table whose keys are free
_NAMED = {
    "int": "a whole number",
    "float": "a number",
    "str": "text",
    "bool": "true or false",
    "array": "a list",
    "object": "a table",
    "null": "nothing",
}
# What the decoder says -> the same in words; the groups are put into it.
_SAID: tuple[tuple[str, str], ...] = (
    (r"Object missing required field `(.+)`", "{0} is required"),
    (r"Object contains unknown field `(.+)`", "there is no key {0} here"),
    (r"Invalid enum value (.+)", "{0} is not one of the words allowed here"),
    (r"Expected `(.+)`, got `(.+)`", "must be {0}, not {1}"),
    (r"Expected `(.+)`", "must be {0}"),
)


def said_fault(error: msgspec.ValidationError, document: Any, convert: Callable[[Any], object]) -> str:
    """A fault with its place, such as `tiers.T1.limits: per_day is required`.

    `convert` is what refused the document: it tells which key is meant where the decoder does not.
    """
    message, _, place = str(error).partition(_PLACE)
    place = place.rstrip("`").removeprefix("key in ").removeprefix("$").lstrip(".")
    while _ANY_KEY in place:
        keys = place.partition(_ANY_KEY)[0].split(".")
        found = _key_at_fault(str(error), document, keys, convert)
        if found is None:
            break
        document, key = found
        place = place.replace(_ANY_KEY, f".{key}", 1)
        if "." in key:  # a path with a dot in a key cannot be walked any further
            break
    return f"{place}: {_in_words(message)}" if place else _in_words(message)


def _key_at_fault(
    error: str, document: Any, keys: list[str], convert: Callable[[Any], object]
) -> tuple[Any, str] | None:
    """The document with no other key in the table below `keys` than one that is refused for the same, and that key."""
    table = document
    for key in keys:
        table = table.get(key, {}) if isinstance(table, dict) else {}
    for key in table if isinstance(table, dict) else ():
        alone = _with(document, keys, {key: table[key]})
        try:
            convert(alone)
        except msgspec.ValidationError as fault:
            if str(fault) == error:
                return alone, str(key)
    return None


def _with(document: dict[str, Any], keys: list[str], value: Any) -> dict[str, Any]:
    first, *rest = keys
    return document | {first: _with(document[first], rest, value) if rest else value}


def _in_words(message: str) -> str:
    for pattern, words in _SAID:
        if found := re.fullmatch(pattern, message):
            return words.format(*(_named(one) for one in found.groups()))
    return message


def _named(types: str) -> str:
    """A type as the decoder writes it, such as int | null; what is no type stays as it is."""
    return " or ".join(_NAMED.get(one, one) for one in types.split(" | "))
