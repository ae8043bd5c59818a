"""Every way in which a JSON value is not of a struct's shape, where the decoder would stop at the first.

Called only for bodies that were refused: what is good is decoded by msgspec alone. A message says what is allowed.
"""

import re
from collections.abc import Iterator
from datetime import date
from functools import cache
from itertools import islice
from typing import Any
from uuid import UUID

from msgspec import inspect

from merchant.core.errors import FieldError
from merchant.core.texts import _, filled

MAX_FAULTS = 100  # a body of a thousand wrong rows is told of the first hundred
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_KINDS = {
    bool: _("true or false"),
    int: _("a whole number"),
    float: _("a number"),
    str: _("text"),
    list: _("a list"),
    dict: _("an object"),
    type(None): "null",
}


def find_faults(value: Any, shape: Any) -> list[FieldError]:
    """Every fault of a decoded JSON value against a type, in the order of its fields; empty when none is seen."""
    return list(islice(_faults(value, _info(shape), ""), MAX_FAULTS))


@cache
def _info(shape: Any) -> inspect.Type:
    return inspect.type_info(shape)


def _fault(path: str, code: str, message: str) -> FieldError:
    return FieldError(path or "$", code, message)


def _wrong(path: str, expected: str, value: Any) -> FieldError:
    found = filled(_KINDS[type(value)], {})
    return _fault(path, "invalid", _("Must be {expected}, not {found}.", expected=filled(expected, {}), found=found))


def _faults(value: Any, info: inspect.Type, path: str) -> Iterator[FieldError]:
    match info:
        case inspect.Metadata(type=inspect.StrType() as text, extra={"says": says}):
            yield from _text_faults(value, text, path, says)
        case inspect.Metadata():
            yield from _faults(value, info.type, path)
        case inspect.StructType():
            yield from _struct_faults(value, info, path)
        case inspect.UnionType():
            yield from _union_faults(value, info, path)
        case inspect.ListType() | inspect.VarTupleType():
            yield from _list_faults(value, info, path)
        case inspect.EnumType() | inspect.LiteralType():
            yield from _choice_faults(value, info, path)
        case inspect.StrType():
            yield from _text_faults(value, info, path)
        case inspect.IntType() | inspect.FloatType():
            yield from _number_faults(value, info, path)
        case inspect.BoolType() if not isinstance(value, bool):
            yield _wrong(path, "true or false", value)
        case inspect.NoneType() if value is not None:
            yield _wrong(path, "null", value)
        case inspect.UUIDType() if not _is_uuid(value):
            yield _fault(path, "invalid", _("Must be a UUID."))
        case inspect.DateType() if not _is_date(value):
            yield _fault(path, "invalid", _("Must be a date as YYYY-MM-DD."))
        case inspect.DictType() if not isinstance(value, dict):
            yield _wrong(path, "an object", value)


def _struct_faults(value: Any, info: inspect.StructType, path: str) -> Iterator[FieldError]:
    if not isinstance(value, dict):
        yield _wrong(path, "an object", value)
        return
    fields = {field.encode_name: field for field in info.fields}
    if info.forbid_unknown_fields:
        for name in value.keys() - fields.keys():
            allowed = ", ".join(fields)
            yield _fault(
                _join(path, name), "unknown", _("There is no such field here; there are {allowed}.", allowed=allowed)
            )
    for name, field in fields.items():
        if name in value:
            yield from _faults(value[name], field.type, _join(path, name))
        elif field.required:
            yield _fault(_join(path, name), "missing", _("{name} is required.", name=name))


def _union_faults(value: Any, info: inspect.UnionType, path: str) -> Iterator[FieldError]:
    """The faults against the arm that fits best: none when one arm has none."""
    arms = [arm for arm in info.types if not isinstance(arm, inspect.NoneType)]
    if value is None and len(arms) < len(info.types):
        return
    found = [list(islice(_faults(value, arm, path), MAX_FAULTS)) for arm in arms]
    if found and all(found):
        yield from min(found, key=len)


def _list_faults(value: Any, info: inspect.ListType | inspect.VarTupleType, path: str) -> Iterator[FieldError]:
    if not isinstance(value, list):
        yield _wrong(path, "a list", value)
        return
    yield from _length_faults(len(value), info.min_length, info.max_length, _("items"), path)
    for index, item in enumerate(islice(value, info.max_length)):
        yield from _faults(item, info.item_type, f"{path}[{index}]")


def _choice_faults(value: Any, info: inspect.EnumType | inspect.LiteralType, path: str) -> Iterator[FieldError]:
    allowed = [member.value for member in info.cls] if isinstance(info, inspect.EnumType) else list(info.values)
    if isinstance(value, bool) or value not in allowed:
        yield _fault(path, "invalid", _("Must be one of {choices}.", choices=", ".join(map(str, allowed))))


def _text_faults(value: Any, info: inspect.StrType, path: str, says: str | None = None) -> Iterator[FieldError]:
    """`says` is the sentence for people on the pattern, which says of an empty text what there is to say."""
    if not isinstance(value, str):
        yield _wrong(path, "text", value)
        return
    least = None if says is not None and not value else info.min_length
    yield from _length_faults(len(value), least, info.max_length, _("characters"), path)
    if info.pattern is not None and re.search(info.pattern, value) is None:
        pattern = info.pattern.replace(r"\Z", "$")
        yield _fault(path, "invalid", says or _("Must match the pattern {pattern}.", pattern=pattern))


def _length_faults(length: int, least: int | None, most: int | None, what: str, path: str) -> Iterator[FieldError]:
    things = filled(what, {})
    if least is not None and length < least:
        yield _fault(path, "invalid", _("Must have at least {least} {things}.", least=least, things=things))
    if most is not None and length > most:
        yield _fault(path, "invalid", _("Must have at most {most} {things}.", most=most, things=things))


def _number_faults(value: Any, info: inspect.IntType | inspect.FloatType, path: str) -> Iterator[FieldError]:
    kinds = (int,) if isinstance(info, inspect.IntType) else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds):
        yield _wrong(path, "a whole number" if kinds == (int,) else "a number", value)
        return
    if info.ge is not None and value < info.ge:
        yield _fault(path, "invalid", _("Must be at least {least}.", least=format(info.ge, "g")))
    if info.le is not None and value > info.le:
        yield _fault(path, "invalid", _("Must be at most {most}.", most=format(info.le, "g")))


def _is_uuid(value: Any) -> bool:
    try:
        return isinstance(value, str) and bool(UUID(value))
    except ValueError:
        return False


def _is_date(value: Any) -> bool:
    """As the decoder reads one: the year, the month and the day with dashes."""
    try:
        return isinstance(value, str) and bool(_DATE.fullmatch(value) and date.fromisoformat(value))
    except ValueError:
        return False


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
