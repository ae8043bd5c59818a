"""Column types that every table shares, so that one spelling decides: aware instants, JSON, text arrays, sealed
bytes, money.
"""

import inspect
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, LargeBinary, Text, Uuid
from sqlalchemy import text as text_clause
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field

from merchant.core import clock, ids

INSTANT = DateTime(timezone=True)


def factory(make: Callable[[], Any]) -> Callable[[], Any]:
    """A default factory. pydantic asks for its signature at every row that is made; one that is written down costs 2 µs
    instead of 50.
    """

    def made() -> Any:
        return make()

    made.__signature__ = inspect.Signature()  # type: ignore[attr-defined]
    return made


def key() -> Any:
    """A primary key of our own: UUIDv7."""
    return Field(default_factory=factory(ids.uuid7), primary_key=True, sa_type=Uuid)


def ref(target: str, *, nullable: bool = False, index: bool = True) -> Any:
    """A foreign key to `table.id`."""
    return Field(default=None if nullable else ..., foreign_key=target, nullable=nullable, index=index)


def dfsp() -> Any:
    """The tenant column; row-level security compares it."""
    return Field(foreign_key="dfsp.id", index=True)


def instant(*, nullable: bool = False) -> Any:
    """A point in time; now by default unless nullable."""
    if nullable:
        return Field(default=None, sa_type=INSTANT, nullable=True)
    return Field(default_factory=factory(clock.now), sa_type=INSTANT)


def text(**options: Any) -> Any:
    """Unbounded text; bounds are checked where input enters."""
    return Field(sa_type=Text, **options)


def texts(**options: Any) -> Any:
    """An array of text."""
    return Field(default_factory=factory(list), sa_type=ARRAY(Text), **options)


def added(default: str) -> dict[str, Any]:
    """Options of a column that came after its table: the default that rows of the release before get."""
    return {"server_default": text_clause(default)}


def uuids(**options: Any) -> Any:
    """An array of ids."""
    return Field(default_factory=factory(list), sa_type=ARRAY(Uuid), **options)


def document(*, nullable: bool = True) -> Any:
    """A JSON document."""
    return Field(default=None, sa_type=JSONB, nullable=nullable)


def mapping() -> Any:
    """A JSON object, empty by default."""
    return Field(default_factory=factory(dict), sa_type=JSONB, nullable=False, sa_column_kwargs=added("'{}'"))


def sealed(*, nullable: bool = True) -> Any:
    """Bytes that vault.seal made."""
    return Field(default=None if nullable else ..., sa_type=LargeBinary, nullable=nullable)


def minor_units() -> Any:
    """An amount in minor units."""
    return Field(sa_type=BigInteger)


__all__ = [
    "UUID",
    "added",
    "datetime",
    "dfsp",
    "document",
    "factory",
    "instant",
    "key",
    "mapping",
    "minor_units",
    "ref",
    "sealed",
    "text",
    "texts",
    "uuids",
]
