"""Every body is bounded: each text and list of each route's struct, and the time that any body keeps others waiting."""

import re
import time
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from litestar.handlers import HTTPRouteHandler
from msgspec import inspect

from merchant.core import errors
from merchant.core.http import json as web
from merchant.programs.slices import ROUTES
from merchant.registry.oracle import operations as oracle
from tests.cases import every_case

BODIES = {
    declared.body.__name__: declared.body
    for declared in (one.opt["route"] for one in ROUTES if isinstance(one, HTTPRouteHandler) and "route" in one.opt)
    if declared.body is not None
} | {shape.__name__: shape for shape in (oracle.NewRoute, oracle.ExternalMerchant, oracle.BulkParty)}
# What core/http/shape.py has sentences for, besides texts and what holds other things.
WORDED = (
    inspect.BoolType,
    inspect.DateType,
    inspect.DictType,
    inspect.EnumType,
    inspect.FloatType,
    inspect.IntType,
    inspect.LiteralType,
    inspect.NoneType,
    inspect.UUIDType,
)


def unbounded(info: inspect.Type, path: str, seen: tuple[Any, ...] = ()) -> Iterator[str]:
    """Where a type takes a text, a list or an object of any size."""
    match info:
        case inspect.Metadata():
            yield from unbounded(info.type, path, seen)
        case inspect.StructType():
            for field in info.fields if info.cls not in seen else ():
                yield from unbounded(field.type, f"{path}.{field.encode_name}", (*seen, info.cls))
        case inspect.UnionType():
            for arm in info.types:
                yield from unbounded(arm, path, seen)
        case inspect.ListType() | inspect.VarTupleType():
            if info.max_length is None:
                yield path
            yield from unbounded(info.item_type, f"{path}[]", seen)
        case inspect.StrType():
            if info.max_length is None and not (info.pattern and is_finite(info.pattern)):
                yield path
        case inspect.DictType():
            if info.max_length is None:
                yield path
            yield from unbounded(info.key_type, f"{path}{{}}", seen)
            yield from unbounded(info.value_type, f"{path}{{}}", seen)
        case inspect.AnyType() | inspect.RawType() | inspect.BytesType():
            yield path


def is_finite(pattern: str) -> bool:
    """Whether a pattern says how long a text may be."""
    longest = re._parser.parse(pattern).getwidth()[1]  # type: ignore[attr-defined]
    return bool(pattern.startswith("^") and pattern.endswith(r"\Z") and longest < 10_000)


@every_case("name", BODIES)
def test_every_text_and_list_of_a_body_has_a_bound(name: str) -> None:
    assert list(unbounded(inspect.type_info(BODIES[name]), name)) == []


@pytest.mark.parametrize(
    ("shape", "places"),
    [
        (str, ["x"]),
        (list[int], ["x"]),
        (list[str] | None, ["x", "x[]"]),
        (dict[str, int], ["x", "x{}"]),
        (msgspec.defstruct("Inner", [("a", str), ("b", int)]), ["x.a"]),
    ],
)
def test_what_has_none_is_found(shape: Any, places: list[str]) -> None:
    assert list(unbounded(inspect.type_info(shape), "x")) == places


def unworded(info: inspect.Type, path: str, seen: tuple[Any, ...] = ()) -> Iterator[str]:
    """Where a body asks for something that find_faults tells by a pattern, or not at all."""
    match info:
        case inspect.Metadata(type=inspect.StrType(), extra={"says": str()}):
            return
        case inspect.Metadata():
            yield from unworded(info.type, path, seen)
        case inspect.StructType():
            for field in info.fields if info.cls not in seen else ():
                yield from unworded(field.type, f"{path}.{field.encode_name}", (*seen, info.cls))
        case inspect.UnionType():
            for arm in info.types:
                yield from unworded(arm, path, seen)
        case inspect.ListType() | inspect.VarTupleType():
            yield from unworded(info.item_type, f"{path}[]", seen)
        case inspect.StrType():
            if info.pattern is not None:
                yield path
        case _ if not isinstance(info, WORDED):
            yield f"{path} {type(info).__name__}"


@every_case("name", BODIES)
def test_whatever_a_body_asks_for_is_told_in_words(name: str) -> None:
    assert list(unworded(inspect.type_info(BODIES[name]), name)) == []


SIZE = 600_000


def filled(unit: str, around: str = "%s", by: str = ",") -> bytes:
    """A body of about SIZE bytes: a unit again and again."""
    return (around % by.join([unit] * (SIZE // (len(unit) + len(by))))).encode()


HOSTILE = {
    "empty owners": filled("{}", '{"owners":[%s]}'),
    "owners of nothing": filled("null", '{"owners":[%s]}'),
    "owners with unknown fields": filled('{"a":1}', '{"owners":[%s]}'),
    "a fault in every owner": filled('{"birth_date":1}', '{"owners":[%s]}'),
    "empty shops": filled("{}", '{"locations":[%s]}'),
    "empty counters": filled("{}", '{"locations":[{"counters":[%s]}]}'),
    "address lines": filled('""', '{"locations":[{"address_lines":[%s]}]}'),
    "address lines beside a fault": filled('""', '{"x":1,"locations":[{"address_lines":[%s]}]}'),
    "currencies": filled('"USD"', '{"business":{"currencies":[%s]}}'),
    "lists without end": b"[" * SIZE,
    "objects without end": b'{"a":' * (SIZE // 5),
    "lists within lists": b"[" * (SIZE // 2) + b"]" * (SIZE // 2),
    "many deep lists": filled("[" * 400 + "]" * 400, '{"owners":[%s]}'),
    "unknown fields": b"{" + b",".join(b'"k%d":1' % number for number in range(SIZE // 11)) + b"}",
    "one field again and again": filled('"owners":[]', "{%s}"),
    "repeated fields in many objects": filled('{"a":1,"a":2}', '{"owners":[%s]}'),
    "a long text": filled("x", '{"external_ref":"%s"}', ""),
    "a long text of blanks": filled(" ", '{"business":{"trading_name":"%s"}}', ""),
    "escaped letters": filled(r"\u0041", '{"business":{"trading_name":"%s"}}', ""),
    "half letters": filled(r"\ud800", '{"x":1,"external_ref":"%s"}', ""),
    "backslashes": filled(r"\\", '{"external_ref":"%s"}', ""),
    "backslashes alone": b"\\" * SIZE,
    "nearly U+0000": filled(r"\\u0000", '{"external_ref":"%s"}', ""),
    "digits": filled("9", '{"business":{"monthly_turnover_minor":%s}}', ""),
    "many long numbers": filled("9" * 4_000, '{"business":{"currencies":[%s]}}'),
    "blanks": b" " * SIZE + b"[]",
    "not UTF-8": b'{"a":"' + b"\xff" * SIZE + b'"}',
    "quotes": b'"' * SIZE,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_no_body_keeps_others_waiting(name: str) -> None:
    """50 ms on a quiet machine, of which the worst takes half; measured in CPU time, since tests share theirs."""
    raw = HOSTILE[name]
    for shape in (BODIES["NewApplication"], BODIES["ChangedSections"], BODIES["SignIn"], BODIES["NewPaymentRequest"]):
        took: list[float] = []
        for _ in range(2):
            begun = time.thread_time()
            with pytest.raises(errors.MerchantError) as refused:
                web.decode(raw, shape)
            took.append(time.thread_time() - begun)
            assert refused.value.status in (400, 422)
        assert min(took) < 0.05, (shape, took)
