"""Columns of an import: each is named by the path of an answer, as the JSON of an application has it.

`read_header` turns the first row into a plan, or names every column that is wrong; the plan turns a row into kyb's
sections, or names every cell that is. Which paths there are follows from kyb's structs.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Annotated, Any, Literal, get_args, get_origin

import msgspec
from msgspec import Struct

import kyb
from merchant.core import errors
from merchant.core.http.shape import find_faults
from merchant.core.texts import _
from merchant.exchange.problems import BadSpreadsheet, bad_file

EXTERNAL_REF = "external_ref"
MAX_COLUMNS = 500  # an application of fifty owners does not fit one row; it goes through the API
MAX_CELL_CHARS = 2_000  # longer than any answer; several lines of an address may stand in one cell
_MAX_INDEX = 199  # the largest list that kyb allows
MAX_FAULTS_OF_ROW = 20  # a row with more is another table
# Written by spreadsheets, and by our own lists, before a text that they would take for a formula.
_ESCAPED = re.compile(r"'[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]")
_STEP = re.compile(r"([a-z_]+)(?:\[([0-9]{1,3})\])?")
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,18}(?:\.[0-9]{1,18})?|\.[0-9]{1,18})")
_YES, _NO = frozenset({"true", "yes", "1"}), frozenset({"false", "no", "0"})

Leaf = Literal["text", "integer", "number", "yes_no", "texts"]
Path = tuple[str | int, ...]


class Column(Struct, frozen=True):
    """One column: its name as it is told in problems, where its value belongs, and what the text must be."""

    name: str
    path: Path
    leaf: Leaf


class Plan(Struct, frozen=True):
    """The columns of a file in their order."""

    columns: tuple[Column, ...]

    def external_ref(self, cells: Sequence[str]) -> str:
        """The DFSP's own reference of a row, spelt as it is stored; empty when it has none."""
        for column, cell in zip(self.columns, cells, strict=False):
            if column.name == EXTERNAL_REF:
                return kyb.normalise(kyb.Sections(external_ref=clean(cell))).external_ref or ""
        return ""

    def sections(self, cells: Sequence[str]) -> kyb.Sections:
        """The answers of a row. Raises InvalidFields naming the cells that are wrong."""
        if len(cells) > len(self.columns) and any(cell.strip() for cell in cells[len(self.columns) :]):
            told = _("The row has more cells than there are columns; is a separator missing its quotes?")
            raise errors.invalid_field("row", "too_many_cells", told)
        document: dict[str, Any] = {}
        faults = []
        for column, cell in zip(self.columns, cells, strict=False):
            if text := clean(cell):
                try:
                    _put(document, column.path, _value(column.leaf, text))
                except _BadCell as fault:
                    faults.append(errors.FieldError(column.name, "invalid", fault.message))
        if faults:
            raise errors.InvalidFields(errors=tuple(faults[:MAX_FAULTS_OF_ROW]))
        document = _without_gaps(document)
        try:
            return msgspec.convert(document, kyb.Sections)
        except msgspec.ValidationError:
            raise errors.InvalidFields(errors=tuple(find_faults(document, kyb.Sections)[:MAX_FAULTS_OF_ROW])) from None


def read_header(cells: Sequence[str]) -> Plan:
    """The plan of a file's first row. Raises BadSpreadsheet for columns that are unknown, missing or there twice."""
    names = [clean(cell).lower() for cell in cells]
    while names and not names[-1]:
        names.pop()
    if len(names) > MAX_COLUMNS:
        raise bad_file("too_many_columns", _("A file has {most} columns at most.", most=MAX_COLUMNS))
    columns, faults = [], []
    for place, name in enumerate(names):
        found = _column(name)
        if found is None:
            told = _("There is no such column; see the template for those there are.")
            faults.append(errors.FieldError(name[:100] or "header", "unknown_column", told))
        elif name in names[:place] or (name + "[0]") in names[:place] or re.sub(r"\[\d+\]$", "", name) in names[:place]:
            faults.append(errors.FieldError(name, "duplicate_column", _("This column stands there twice.")))
        else:
            columns.append(found)
    if EXTERNAL_REF not in names:
        told = _("Your own reference of each merchant is needed, so that a repeated import adds nothing twice.")
        faults.append(errors.FieldError(EXTERNAL_REF, "missing_column", told))
    if faults:
        raise BadSpreadsheet(errors=tuple(faults[:MAX_FAULTS_OF_ROW]))
    return Plan(tuple(columns))


def all_columns() -> Iterator[str]:
    """The names of every column, with the first item of each list."""
    for steps, leaf in _leaves().items():
        if leaf != "text" or not steps[-1].endswith("[]"):  # a list of texts fits one cell
            yield ".".join(step.replace("[]", "[0]") for step in steps)


class _BadCell(ValueError):
    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def clean(cell: str) -> str:
    """A cell's text without blanks around it and without the apostrophe that keeps it from being a formula."""
    text = cell.strip()
    return text[1:] if _ESCAPED.match(text) else text


def _column(name: str) -> Column | None:
    path: list[str | int] = []
    steps = []
    for part in name.split("."):
        found = _STEP.fullmatch(part)
        if found is None or (found[2] and int(found[2]) > _MAX_INDEX):
            return None
        path.append(found[1])
        if found[2]:
            path.append(int(found[2]))
        steps.append(found[1] + ("[]" if found[2] else ""))
    leaf = _leaves().get(tuple(steps))
    return None if leaf is None else Column(name, tuple(path), leaf)


@cache
def _leaves() -> dict[tuple[str, ...], Leaf]:
    """Every path of kyb's sections, without numbers, and what its value is."""
    return dict(_walk(kyb.Sections, ()))


def _walk(kind: Any, steps: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Leaf]]:
    for field in msgspec.structs.fields(kind):
        if steps and field.name == "id":
            continue  # of a place or counter that there is already: an import makes new ones
        here = (*steps, field.name)
        inner, is_list = _bare(field.type)
        if isinstance(inner, type) and issubclass(inner, Struct):
            yield from _walk(inner, (*steps, field.name + "[]") if is_list else here)
        elif is_list:
            yield here, "texts"
            yield (*steps, field.name + "[]"), "text"
        else:
            yield here, _LEAVES[inner]


_LEAVES: dict[Any, Leaf] = {str: "text", int: "integer", float: "number", bool: "yes_no"}


def _bare(kind: Any) -> tuple[Any, bool]:
    """A field's type without bounds and None, and whether it is a list of them."""
    while get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    if get_origin(kind) is tuple:
        return _bare(get_args(kind)[0])[0], True
    arms = [arm for arm in get_args(kind) if arm is not type(None)]
    return _bare(arms[0]) if arms else (kind, False)


def _value(leaf: Leaf, text: str) -> Any:
    if len(text) > MAX_CELL_CHARS:
        raise _BadCell(_("Must not be longer than {most} characters.", most=MAX_CELL_CHARS))
    if leaf == "text":
        return text
    if leaf == "texts":
        return [one.strip() for one in re.split(r"[|;\n]", text) if one.strip()]
    if leaf == "yes_no":
        if text.lower() in _YES | _NO:
            return text.lower() in _YES
        raise _BadCell(_("Must be yes or no."))
    if leaf == "integer":
        if _INTEGER.fullmatch(text):
            return int(text)
        raise _BadCell(_("Must be a whole number without separators."))
    if _NUMBER.fullmatch(text):
        return float(text)
    raise _BadCell(_("Must be a number with a decimal point, without separators."))


def _put(document: dict[str, Any], path: Path, value: Any) -> None:
    """Put a value where its path leads; lists are dicts by number until the row is read."""
    here: dict[Any, Any] = document
    for step in path[:-1]:
        here = here.setdefault(step, {})
    here[path[-1]] = value


def _without_gaps(value: Any) -> Any:
    """Lists as lists: positions that have no cells are empty, so that a problem's path is a column's name."""
    if not isinstance(value, dict):
        return value
    if value and all(isinstance(key, int) for key in value):
        filler: Any = "" if any(isinstance(one, str) for one in value.values()) else {}
        return [_without_gaps(value.get(place, filler)) for place in range(max(value) + 1)]
    return {key: _without_gaps(one) for key, one in value.items()}
