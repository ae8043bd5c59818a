"""Fields of forms, and from a form that was sent the body of an API call.

A field is called by its path in the API's body (`business.trading_name`, `owners[0].phone`), so that what the API finds
wrong stands beside the field it means.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise
from typing import Any, Literal

from msgspec import Struct

FieldKind = Literal[
    "text",
    "area",
    "number",
    "digits",  # a code: text, typed on a keypad of digits
    "decimal",
    "choice",
    "choices",
    "radios",
    "check",
    "lines",
    "phone",
    "email",
    "money",
    "password",
    "date",
    "hidden",
]
# Of an area, whose signs a form writes as up to three bytes each: all of it is less than forms.MAX_FORM_BYTES.
AREA_CHARS_MAX = 20_000
_STEP = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)|\[(\d{1,3})\]")


class Field(Struct, frozen=True):
    """One field: its path, label and what may be entered."""

    name: str
    label: str
    kind: FieldKind = "text"
    hint: str = ""
    required: bool = False
    choices: Sequence[tuple[str, str]] = ()  # value and label
    most: int = 200  # characters
    autocomplete: str = "off"
    value: str = ""  # what it starts with
    currency: str = ""  # of money: beside the field
    suggests: Sequence[tuple[str, str]] = ()  # what may be typed, with a name; anything else may be typed too


def collect(form: Mapping[str, str], fields: Collection[Field]) -> dict[str, Any]:
    """The body that a form's fields make; a field left empty is left out."""
    body: dict[str, Any] = {}
    for field in fields:
        value = _value(form, field)
        if value is not None:
            put(body, field.name, value)
    return body


def _value(form: Mapping[str, str], field: Field) -> Any:
    text = form.get(field.name, "")
    if field.kind == "check":
        return text == "yes"
    if field.kind == "choices":
        return [value for value, _ in field.choices if form.get(f"{field.name}.{value}") == "yes"]
    if not text:
        return None
    if field.kind == "lines":
        return [line.strip() for line in text.splitlines() if line.strip()]
    if field.kind in ("number", "decimal"):
        return _number(text)
    return text


def _number(text: str) -> Any:
    """A number, or the text itself, about which the API then complains; so it does about `nan`."""
    if re.fullmatch(r"-?\d{1,15}", text):
        return int(text)
    return float(text) if re.fullmatch(r"-?\d{0,15}\.\d{1,15}", text) else text


def put(body: dict[str, Any], path: str, value: Any) -> None:
    """Put a value where a path leads: `owners[0].phone`. Steps that are missing are made."""
    steps: list[str | int] = [int(index) if index else name for name, index in _STEP.findall(path)]
    place: Any = body
    for step, following in pairwise(steps):
        empty: Any = [] if isinstance(following, int) else {}
        if isinstance(step, int):
            while len(place) <= step:
                place.append({})
            place = place[step]
        else:
            place = place.setdefault(step, empty)
    last = steps[-1]
    if isinstance(last, int):
        while len(place) <= last:
            place.append(None)
    place[last] = value


def start_of(view: Any, prefix: str = "") -> dict[str, str]:
    """A struct's or dict's values by path, as a form starts with them."""
    found: dict[str, str] = {}
    _walk(view, prefix, found)
    return found


def _walk(value: Any, path: str, found: dict[str, str]) -> None:
    if isinstance(value, Struct):
        value = {name: getattr(value, name) for name in value.__struct_fields__}
    if isinstance(value, Mapping):
        for name, inner in value.items():
            _walk(inner, f"{path}.{name}" if path else str(name), found)
    elif isinstance(value, list | tuple) and any(isinstance(one, Struct | Mapping) for one in value):
        for at, inner in enumerate(value):
            _walk(inner, f"{path}[{at}]", found)
    elif isinstance(value, list | tuple):
        found[path] = "\n".join(str(one) for one in value)
        found.update({f"{path}.{one}": "yes" for one in value})
    elif isinstance(value, bool):
        found[path] = "yes" if value else ""
    elif value is not None:
        found[path] = str(value)
