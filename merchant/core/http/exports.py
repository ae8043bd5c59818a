"""A list as a file: every page of a route's own answers, written as CSV, XLSX or PDF, and recorded.

route.py calls this for any list whose query has `format`; what may be seen is what the list's own views show. The file
grows in a folder of ours page by page, so that memory stays flat and no transaction waits for a slow reader, and has
no name there. The writers are handed in by the application (exchange/tables), since this knows no format.
"""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, BinaryIO, Protocol, Union, get_args, get_origin
from uuid import UUID

import msgspec
from litestar.response import Stream
from msgspec import Struct

from merchant.core import audit, clock, errors
from merchant.core.db import Tx
from merchant.core.http import json as web
from merchant.core.paging import Page
from merchant.core.service import Service
from merchant.core.texts import _

FORMAT = "format"
FORMATS = ("csv", "xlsx", "pdf")
MAX_ROWS = 100_000  # a spreadsheet of more is opened by nobody, and a list of more has filters
FOLDER = "exports"  # below data_dir
_PAGE_ROWS = 500  # some milliseconds of one connection at a time
_CHUNK_BYTES = 64 << 10
CLEAN_EVERY_S = 3600.0
_LEFT_BEHIND_S = 3600.0  # no file takes so long

Cell = str | int | float | None


class TooManyRows(errors.InvalidFields):
    code, title = "too_many_rows", _("The list is longer than such a file may be; narrow it by its filters")


class Heading(Struct, frozen=True):
    """What stands above a list: whose it is, when it was made and by whom."""

    title: str
    filters: Mapping[str, str]
    at: str
    by: str


class Table(Protocol):
    """A file being written. `rows` may be called many times; `end` completes it, or `discard` gives it up."""

    def rows(self, rows: list[list[Cell]]) -> None: ...
    def end(self) -> None: ...
    def discard(self) -> None: ...


class Writer(Struct, frozen=True):
    """One format: its media type, how many rows it may hold, and what begins a file of these columns."""

    media_type: str
    most_rows: int
    begin: Callable[[BinaryIO, Path, Heading, list[str]], Table]


class Wanted(Struct, frozen=True):
    """Which list, as what. `recorded` is what the audit record may hold of the filters."""

    name: str
    format: str
    items: Any
    filters: dict[str, str]
    recorded: dict[str, str]
    path: dict[str, Any]
    sort: str | None = None


ReadPage = Callable[[Tx, Page], Awaitable[tuple[list[Any], list[UUID]]]]


async def export(request: web.AnyRequest, wanted: Wanted, read_page: ReadPage) -> Stream:
    """The answer that is the file. Raises TooManyRows, and what the list raises; nothing is sent before it is whole."""
    service, actor = web.service_of(request), web.actor_of(request)
    writer: Writer = request.app.state.list_writers[wanted.format]
    columns = columns_of(wanted.items)
    at = clock.now()
    heading = Heading(wanted.name, wanted.filters, clock.rfc3339(at), actor.name)
    folder, file = exports_folder(service), open_nameless(service)  # the answer closes it
    table: Table | None = None
    try:
        table = await asyncio.to_thread(writer.begin, file, folder, heading, [column.name for column in columns])
        await _write_pages(request, wanted, read_page, writer.most_rows, table)
        await asyncio.to_thread(table.end)
    except BaseException:
        if table is not None:
            table.discard()
        file.close()
        raise
    name = f"{wanted.name}-{at:%Y%m%dT%H%M%SZ}.{wanted.format}"
    return attachment(_chunks(file), name, writer.media_type)


def exports_folder(service: Service) -> Path:
    """The folder in which files are put together that have no name there, readable by the service only."""
    folder = service.settings.data_dir / FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


async def clean_folder(service: Service) -> None:
    """Delete what a process that was killed left in the folder: workbooks are put together from files with names."""
    await asyncio.to_thread(_clean, service.settings.data_dir / FOLDER, clock.machine().timestamp() - _LEFT_BEHIND_S)


def _clean(folder: Path, before_s: float) -> None:
    for path in folder.glob("*"):
        if path.stat().st_mtime < before_s:
            shutil.rmtree(path, ignore_errors=True)


def open_nameless(service: Service) -> BinaryIO:
    """A file in that folder that has no name, so that a crash leaves nothing of it. The caller closes it."""
    file: Any = tempfile.TemporaryFile(dir=exports_folder(service))  # noqa: SIM115
    opened: BinaryIO = file
    return opened


async def _write_pages(
    request: web.AnyRequest, wanted: Wanted, read_page: ReadPage, most_rows: int, table: Table
) -> None:
    """Write page after page, and record the export in the transaction of the last. Raises TooManyRows."""
    service, actor = web.service_of(request), web.actor_of(request)
    columns, page, count, more = columns_of(wanted.items), Page(_PAGE_ROWS, None, wanted.sort), 0, True
    while more:
        async with service.db.tenant(actor.dfsp_id) as tx:
            views, ids = await read_page(tx, page)
            more = len(ids) > page.limit
            views = views[: page.limit] if ids else views
            count += len(views)
            if count + more > most_rows:
                raise TooManyRows(_("A file of this kind holds {most} rows at most.", most=most_rows))
            if not more:
                await _record(tx, actor, wanted, count)
        await asyncio.to_thread(_write, table, columns, views)
        if more:
            page = Page(_PAGE_ROWS, ids[page.limit - 1], wanted.sort)


def attachment(content: AsyncIterator[bytes], file_name: str, media_type: str) -> Stream:
    """An answer that a browser saves under this name, which is of our own making: letters, digits, dots and dashes."""
    headers = {"content-disposition": f'attachment; filename="{file_name}"', "cache-control": "private, no-store"}
    return Stream(content, media_type=media_type, headers=headers)


async def _record(tx: Tx, actor: Any, wanted: Wanted, count: int) -> None:
    await audit.record(
        tx,
        actor,
        "list.exported",
        "list",
        wanted.name,
        dfsp_id=actor.dfsp_id,
        format=wanted.format,
        filters=wanted.recorded,
        path=wanted.path,
        rows=count,
    )


def _write(table: Table, columns: list["Column"], views: list[Any]) -> None:
    table.rows([[_cell(_value(view, column.path)) for column in columns] for view in views])


async def _chunks(file: BinaryIO) -> AsyncIterator[bytes]:
    with file:
        file.seek(0)
        while chunk := await asyncio.to_thread(file.read, _CHUNK_BYTES):
            yield chunk


# --- columns ---------------------------------------------------------------------------------------------------------


class Column(Struct, frozen=True):
    """One column: its name as the JSON has it, with dots, and the attributes that lead to its value."""

    name: str
    path: tuple[str, ...]


@cache
def columns_of(items: type[Struct]) -> list[Column]:
    """The columns of a list's items: every field, those of structs within it by their own names."""
    return list(_columns(items, (), ()))


def _columns(kind: Any, names: tuple[str, ...], path: tuple[str, ...]) -> Iterator[Column]:
    for field in msgspec.structs.fields(kind):
        here, there = (*names, field.encode_name), (*path, field.name)
        inner = _bare(field.type)
        if isinstance(inner, type) and issubclass(inner, Struct):
            yield from _columns(inner, here, there)
        else:
            yield Column(".".join(here), there)


def _bare(kind: Any) -> Any:
    """A type without bounds and without None."""
    while get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    if get_origin(kind) in (Union, UnionType):
        arms = [arm for arm in get_args(kind) if arm is not type(None)]
        return _bare(arms[0]) if len(arms) == 1 else kind
    return kind


def _known_by(item: dict[str, Any]) -> Iterator[str]:
    """The texts and numbers of a thing, each once, without its ids."""
    told: dict[str, None] = {}
    for name, value in item.items():
        if name != "id" and not name.endswith("_id") and isinstance(value, str | int | float):
            told[str(value)] = None
    yield from told


def _value(view: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        if view is None:
            return None
        view = getattr(view, name)
    return view


def _cell(value: Any) -> Cell:
    """A value as a cell: numbers stay numbers, lists stand beside each other, what is deeper is JSON.

    Of a list of things each is told by what people know it by, such as a counter by its name and number, not by ids.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None or isinstance(value, int | float):
        return value
    if isinstance(value, str):
        return str(value)
    plain = msgspec.to_builtins(value)
    if isinstance(plain, list) and all(isinstance(one, str) for one in plain):
        return ", ".join(plain)
    if isinstance(plain, list) and all(isinstance(one, dict) for one in plain):
        return "; ".join(" ".join(_known_by(one)) for one in plain)
    return plain if isinstance(plain, str) else msgspec.json.encode(plain).decode()
