"""One declaration a route: who may call it, what it takes, what it answers, how it refuses.

The guard, the handler and the OpenAPI document all read this declaration, so none of them can promise what another
does not do. `route(...)` turns a function on a `Call` into a handler: the caller is known, the body decoded, the page
and filters checked, the tenant's transaction open, an Idempotency-Key kept, the answer encoded.
"""

import inspect
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from datetime import date, datetime
from typing import Any, Concatenate, Generic, TypeVar, Unpack, overload
from uuid import UUID

import msgspec
from litestar import Request, Response
from litestar.datastructures import State
from litestar.handlers import HTTPRouteHandler
from litestar.types import Empty
from msgspec import Struct

from merchant.core import errors, idempotency
from merchant.core.access import Actor
from merchant.core.db import Tx
from merchant.core.http import exports, multipart
from merchant.core.http import json as web
from merchant.core.http.declared import EXPORT_FILTER, SORT, Method, Options
from merchant.core.http.declared import Route as Route
from merchant.core.http.filters import Filter as Filter
from merchant.core.http.filters import check_filter
from merchant.core.http.multipart import SentFile, Uploads
from merchant.core.http.source import client_address
from merchant.core.paging import Page
from merchant.core.service import Service
from merchant.core.texts import _, filled

B = TypeVar("B")
Req = Request[Any, Any, State]


class Answer(Struct, frozen=True):
    """A view with the revision of what it shows, or with a status of its own."""

    view: Any
    revision: int | None = None
    status: int | None = None


class Listed(Struct, frozen=True):
    """A page of views, with the ids of the rows they show; one more than the limit tells that there is more."""

    views: list[Any]
    ids: list[UUID]


class Call(Generic[B]):
    """One call of a route: who calls, what was sent, and the transaction to work in."""

    def __init__(
        self, declared: Route, request: Req, path: Mapping[str, str], query: Mapping[str, str], key: str | None
    ) -> None:
        self.declared = declared
        self.request = request
        self.path = path  # the names in the path
        self.query = query
        self.key = key  # the Idempotency-Key as it was sent
        self.body: B
        self.file: SentFile  # of a route that takes one
        self.page = Page()
        self.filters: Mapping[str, str | None] = {}
        self.format: str | None = None  # of the file that a list is wanted as
        self.revision = -1
        self._tx: Tx | None = None

    @property
    def service(self) -> Service:
        """The process's service."""
        return web.service_of(self.request)

    @property
    def actor(self) -> Actor:
        """Who calls. Public routes have none."""
        return web.actor_of(self.request)

    @property
    def source(self) -> str:
        """The client's address."""
        return client_address(self.request.scope, self.request.headers, self.service.settings)

    @property
    def tx(self) -> Tx:
        """The tenant's transaction, which commits when the handler returns."""
        assert self._tx is not None, f"{self.declared.path} declares transaction=False"
        return self._tx

    @property
    def once(self) -> tuple[str, str] | None:
        """What an Idempotency-Key belongs to and the key, for a route that keeps it itself; None without a key."""
        return None if self.key is None else (_operation(self.declared, self.path), idempotency.check_key(self.key))

    def filter_id(self, name: str) -> UUID | None:
        """A filter that names a thing."""
        text = self.filters.get(name)
        return UUID(text) if text else None

    def filter_instant(self, name: str) -> datetime | None:
        """A filter that names a point in time."""
        text = self.filters.get(name)
        return datetime.fromisoformat(text) if text else None

    def filter_date(self, name: str) -> date | None:
        """A filter that names a day."""
        text = self.filters.get(name)
        return date.fromisoformat(text) if text else None


Handler = Callable[Concatenate[Call[B], ...], Awaitable[Any]]


@overload
def route(
    method: Method, path: str, *, body: type[B], **options: Unpack[Options]
) -> Callable[[Callable[Concatenate[Call[B], ...], Awaitable[Any]]], HTTPRouteHandler]: ...


@overload
def route(
    method: Method, path: str, *, body: None = None, **options: Unpack[Options]
) -> Callable[[Callable[Concatenate[Call[None], ...], Awaitable[Any]]], HTTPRouteHandler]: ...


def route(
    method: Method, path: str, *, body: Any = None, **options: Unpack[Options]
) -> Callable[[Callable[..., Awaitable[Any]]], HTTPRouteHandler]:
    """Declare a route. The function takes a `Call` and the path's names, and returns a view.

    A path name is a UUID, a number or text, as the function's parameter says; what is not of that kind is not found.
    The function returns a struct, an `Answer`, a `Listed`, a `Response` that goes out as it is, or None for 204.
    Raises TypeError for a route that forgets to say who may call it.
    """

    def declare(function: Callable[..., Awaitable[Any]]) -> HTTPRouteHandler:
        given: Any = {"tag": path.split("/")[3] if path.startswith("/api/") else "service", "permission": None}
        doc = " ".join((function.__doc__ or "").split())
        declared = Route(method=method, path=path, body=body, name=function.__name__, doc=doc, **given | options)
        if "permission" not in options and not options.get("public"):
            raise TypeError(
                f"{method} {path}: say permission=, permission=None (everyone who is signed in) or public=True"
            )
        return _handler(declared, function)

    return declare


def _handler(declared: Route, function: Callable[..., Awaitable[Any]]) -> HTTPRouteHandler:
    parameters = inspect.signature(function, eval_str=True).parameters
    names = {name: parameters[name].annotation for name in re.findall(r"\{(\w+)\}", declared.path)}
    declared = msgspec.structs.replace(declared, path_types=names)

    async def handle(request: Req) -> Response[Any]:
        key = request.headers.get("idempotency-key")
        call: Call[Any] = Call(declared, request, request.path_params, request.query_params, key)
        given = read_names(declared, call.path)
        check_query(call)
        if declared.if_match:
            call.revision = web.if_match(request)
        if declared.upload is not None:
            with call.service.shared(Uploads).one_of(call.actor):
                form = await multipart.read_form(request, declared.upload(call.service.settings))
                call.body, call.file = multipart.fields_as(form.fields, declared.body), form.file
                return await _run(call, lambda: function(call, **given))
        if declared.method != "GET" and declared.spooled is None:
            await request.body()  # even where none is wanted: a request that was cut off is never acted upon
        if declared.body is not None:
            call.body = await web.body(request, declared.body)
        if call.format is not None:
            return await _export(call, lambda: function(call, **given))
        return await _run(call, lambda: function(call, **given))

    handle.__name__, handle.__doc__, handle.__module__ = function.__name__, function.__doc__, function.__module__
    litestar_path = re.sub(r"\{(\w+)\}", r"{\1:str}", declared.path)
    opt: dict[str, Any] = {"route": declared, "function": function}
    counted = declared.upload is not None or declared.spooled is not None
    capped: Any = None if counted else Empty  # multipart.py and uploads.py count themselves: their caps are settings
    # The status is the answer's own; Litestar would refuse a handler of 204 that returns a response.
    return HTTPRouteHandler(
        litestar_path, http_method=declared.method, status_code=200, opt=opt, request_max_body_size=capped
    )(handle)


_READ_NAME: Mapping[type, Callable[[str], Any]] = {UUID: web.path_id, int: web.path_number, str: str}


def read_names(declared: Route, path: Mapping[str, str]) -> dict[str, Any]:
    """The names of a path as its function takes them. Raises NotFound for what is not of its kind."""
    return {name: _READ_NAME[kind](path[name]) for name, kind in declared.path_types.items()}


async def _run(call: Call[Any], work: Callable[[], Awaitable[Any]]) -> Response[Any]:
    """Do the work in the tenant's transaction where the route wants one; encode what it returns."""
    declared = call.declared
    result = await run_route(call, work, call.request.body)
    if not isinstance(result, idempotency.Outcome):
        return _respond(call, result)
    headers = {"idempotency-replayed": "true"} if result.replayed else {}
    if declared.etag is not None:
        headers["etag"] = declared.etag
    return web.answer(result.body, result.status, headers=headers)


async def run_route(
    call: Call[Any], work: Callable[[], Awaitable[Any]], read_raw: Callable[[], Awaitable[bytes]]
) -> Any:
    """What a route's function returns, from the tenant's transaction where it wants one.

    With an Idempotency-Key it is the kept outcome instead; `read_raw` reads the input that the key belongs to.
    """
    declared = call.declared
    if declared.public or not declared.transaction:
        return await work()
    key = call.key
    once = declared.idempotency_key == "required" or (declared.idempotency_key == "optional" and key is not None)
    if once:
        key = idempotency.check_key(key)
    async with call.service.db.tenant(call.actor.dfsp_id) as tx:
        call._tx = tx
        if key is None or not once:
            return await work()
        raw = await read_raw()

        async def encoded() -> tuple[int, bytes]:
            answer = await work()
            view = answer.view if isinstance(answer, Answer) else answer
            return declared.status, web.encode(view)

        operation = _operation(declared, call.path)
        return await idempotency.run_once(tx, call.service.vault, call.actor, operation, key, raw, encoded)


async def _export(call: Call[Any], work: Callable[[], Awaitable[Any]]) -> Response[Any]:
    """The whole list as a file: the route's own pages one after another, each in a transaction of its own."""

    async def read_page(tx: Tx, page: Page) -> tuple[list[Any], list[UUID]]:
        call._tx, call.page = tx, page
        found = await work()
        return (found.views, found.ids) if isinstance(found, Listed) else (found, [])

    declared = call.declared
    told = {name: text for name, text in call.filters.items() if text is not None}
    recorded = {
        one.name: told[one.name] if one.is_impersonal else "given" for one in declared.filters if one.name in told
    }
    if (sort := call.page.sort) is not None:
        told[SORT] = recorded[SORT] = sort
    wanted = exports.Wanted(
        name=declared.list_name,
        format=call.format or "",
        items=declared.items,
        filters=told,
        recorded=recorded,
        path=dict(call.path),
        sort=sort,
    )
    return await exports.export(call.request, wanted, read_page)


def _operation(declared: Route, path: Mapping[str, str]) -> str:
    """What an Idempotency-Key belongs to, with the ids in its path."""
    return (declared.operation or declared.path.removeprefix("/api/v1/")).format(**path)


def _respond(call: Call[Any], result: Any) -> Response[Any]:
    declared = call.declared
    if isinstance(result, Response):
        return result
    if isinstance(result, Listed):
        return web.listing(result.views, call.page, result.ids)
    if isinstance(result, Answer):
        return web.answer(result.view, result.status or declared.status, etag=result.revision)
    if result is None:
        return Response(b"", status_code=204)
    if isinstance(result, list):
        return web.answer({"items": result, "next_cursor": None}, declared.status)
    return web.answer(result, declared.status)


def check_query(call: Call[Any]) -> None:
    """The page and the filters of a list, each given once. Raises UnknownFilter, InvalidFilter, InvalidPage."""
    declared, query = call.declared, call.query
    if not (declared.filters or declared.items is not None):
        return
    for name, times in Counter(name for name, _text in query.items()).items():
        if times > 1:
            raise errors.InvalidFilter(_("{name} is given more than once.", name=repr(name)))
    known = {one.name: one for one in declared.filters}
    order = declared.sort_filter
    paging = (
        *(("limit", "cursor") if declared.paged else ()),
        *((order.name,) if order is not None else ()),
        *((exports.FORMAT,) if declared.exports else ()),
    )
    for name in query:
        if name not in known and name not in paging:
            allowed = ", ".join([*known, *paging]) or filled(_("none"), {})
            raise errors.UnknownFilter(
                _("There is no filter {name} here; there are: {allowed}.", name=repr(name), allowed=allowed)
            )
    call.filters = {name: _checked(one, query.get(name)) for name, one in known.items()}
    if declared.exports and (wanted := _checked(EXPORT_FILTER, query.get(exports.FORMAT))) is not None:
        if "limit" in query or "cursor" in query:
            raise errors.InvalidPage(_("A file holds the whole list; leave limit and cursor out."))
        call.format = wanted
    if declared.paged:
        call.page = web.page_of(query, None if order is None else _checked(order, query.get(order.name)))


def _checked(declared: Filter, text: str | None) -> str | None:
    if text is not None:
        check_filter(declared.name, declared.kind, declared.allowed(), text)
    return text
