"""A route called from within the process: how a page does and reads what the API does and shows.

`ask` takes what a call over HTTP would carry and runs the route's own function, after the same checks: permission,
names in the path, filters, body, Idempotency-Key, tenant. So no page can do, or show, what the API does not.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec
from litestar.handlers import HTTPRouteHandler
from msgspec import Struct

from merchant.core import idempotency
from merchant.core.http import json as web
from merchant.core.http.declared import Route
from merchant.core.http.multipart import SentFile
from merchant.core.http.route import Answer, Call, Listed, check_query, read_names, run_route
from merchant.core.paging import Page


class Told(Struct, frozen=True):
    """What a route answered: its view (of a list: the views of one page), revision, and the next page's cursor."""

    view: Any
    revision: int | None = None
    next_cursor: str | None = None


async def ask(
    request: web.AnyRequest,
    handler: HTTPRouteHandler,
    *,
    path: Mapping[str, Any] | None = None,
    query: Mapping[str, str] | None = None,
    body: Any = None,
    file: SentFile | None = None,
    key: str | None = None,
    revision: int | None = None,
) -> Told:
    """Call a route as the request's actor. `body` is what JSON would hold; `revision` stands for If-Match.

    Raises whatever the route refuses with, and NotAllowed where the actor lacks its permission.
    """
    declared: Route = handler.opt["route"]
    if declared.permission is not None and not declared.operation_checks_permission:
        web.actor_of(request).require(declared.permission, declared.own_permission)
    given = {name: str(value) for name, value in (path or {}).items()}
    call: Call[Any] = Call(declared, request, given, query or {}, key)
    names = read_names(declared, given)
    check_query(call)
    if declared.if_match:
        call.revision = -1 if revision is None else revision
    if file is not None:
        call.file = file
    raw = msgspec.json.encode({} if body is None else body)
    if declared.body is not None:
        call.body = web.decode(raw, declared.body)

    async def work() -> Any:
        return await handler.opt["function"](call, **names)

    async def read_raw() -> bytes:
        return raw

    return _told(call, await run_route(call, work, read_raw))


def _told(call: Call[Any], result: Any) -> Told:
    if isinstance(result, idempotency.Outcome):
        return Told(msgspec.json.decode(result.body, type=call.declared.answer))
    if isinstance(result, Answer):
        return Told(result.view, result.revision)
    if isinstance(result, Listed):
        return Told(result.views[: call.page.limit], next_cursor=_cursor(result.ids, call.page))
    return Told(result)


def _cursor(ids: list[UUID], page: Page) -> str | None:
    return web.cursor_text(ids[page.limit - 1], page.sort) if len(ids) > page.limit else None
