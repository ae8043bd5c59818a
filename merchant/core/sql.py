"""SQL text whose columns and parameters have names: rows become structs by column name, parameters are given by name.

A struct's field names are its columns, so the SELECT list cannot drift from the struct. Everything is put together
once, at import; `row` compares the number of columns and builds by keyword. db.py runs the statements.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import asyncpg
from msgspec import Struct

S = TypeVar("S", bound=Struct)
_WORD = re.compile(r"[A-Za-z_]+")
_PARAMETER = re.compile(r"(?<!:):([a-z][a-z0-9_]*)")  # `:name`, and not the cast `::type`


class WrongColumns(TypeError):
    """A row's columns, or a statement's parameters, are not those that were declared."""


def column_list(struct: type[Struct], columns: Mapping[str, str] | None = None) -> str:
    """A struct's columns for SELECT or RETURNING.

    `columns` has the expression of each field that is not the column of its own name. Raises WrongColumns for a name
    that the struct lacks.
    """
    given = columns or {}
    if unknown := given.keys() - set(struct.__struct_fields__):
        raise WrongColumns(f"{struct.__name__} has no field {', '.join(sorted(unknown))}")
    return ", ".join(f"{given[name]} AS {name}" if name in given else name for name in struct.__struct_fields__)


def select(
    struct: type[Struct], *, from_: str, where: str, columns: Mapping[str, str] | None = None, tail: str = ""
) -> str:
    """A SELECT of a struct's fields; `tail` follows the condition: ORDER BY, LIMIT, FOR UPDATE."""
    return f"SELECT {column_list(struct, columns)} FROM {from_} WHERE {where} {tail}".rstrip()  # noqa: S608 - the caller's constants


def row(struct: type[S], record: asyncpg.Record) -> S:
    """A struct from a row, by column name. Raises WrongColumns when a column is missing or is one too many."""
    if len(record) != len(struct.__struct_fields__):
        raise _wrong(struct, record)
    try:
        return struct(**record)
    except TypeError:
        raise _wrong(struct, record) from None


def rows(struct: type[S], records: Iterable[asyncpg.Record]) -> list[S]:
    """Structs from rows. Raises WrongColumns."""
    return [row(struct, record) for record in records]


def insert(table: str, names: Iterable[str], tail: str = "") -> "Named":
    """An INSERT of one row whose columns are given by name; `tail` follows it: ON CONFLICT, RETURNING."""
    listed = tuple(names)
    places = ", ".join(f":{name}" for name in listed)
    return Named(f"INSERT INTO {table} ({', '.join(listed)}) VALUES ({places}) {tail}".rstrip())  # noqa: S608


def literals(words: Iterable[str]) -> str:
    """Constants of ours as the list behind IN: `('created', 'sent')`. Raises WrongColumns for none, or no bare word."""
    listed = [str(word) for word in words]
    if not listed or not all(_WORD.fullmatch(word) for word in listed):
        raise WrongColumns(f"not a list of words: {listed}")
    return "('" + "', '".join(listed) + "')"


def _wrong(struct: type[Struct], record: asyncpg.Record) -> WrongColumns:
    return WrongColumns(f"{struct.__name__} has {struct.__struct_fields__}, the row has {tuple(record.keys())}")


class Named:
    """A statement whose parameters are written `:name`; calling it with their values gives what Tx.execute takes.

    `await tx.execute(*_INSERT(id=..., state=...))`. A parameter may stand several times in the text; a literal of the
    text must hold no `:name`.
    """

    def __init__(self, text: str) -> None:
        self._names = tuple(dict.fromkeys(_PARAMETER.findall(text)))
        places = {name: f"${place}" for place, name in enumerate(self._names, start=1)}
        self.text = _PARAMETER.sub(lambda found: places[found[1]], text)

    def __call__(self, **values: Any) -> tuple[Any, ...]:
        """The text with `$1` parameters and the values in their order. Raises WrongColumns."""
        try:
            ordered = [values[name] for name in self._names]
        except KeyError:
            ordered = []
        if len(ordered) != len(values) or len(values) != len(self._names):
            raise WrongColumns(f"the statement takes {self._names}, not {tuple(values)}")
        return (self.text, *ordered)
