"""Applications that tests share: making one costs 0.7 s, moving it to another test's service next to nothing."""

import re
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import msgspec
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler

from merchant.core.http.context import with_context
from merchant.core.service import Service
from merchant.programs.app import create_app, shared_state
from merchant.programs.slices import ROUTES

_APPS: dict[tuple[int, ...], Litestar] = {}  # by their handlers, which they keep alive


def app_on(service: Service, routes: list[Any] | None = None) -> Litestar:
    """The application of these routes (constants of modules; all when None), now serving this service."""
    handlers = tuple(map(id, ROUTES if routes is None else routes))
    app = _APPS.get(handlers)
    if app is None:
        app = _APPS[handlers] = create_app(service, routes)
    else:
        app.state.update(shared_state(service))
    return app


def client_on(app: Litestar) -> httpx.AsyncClient:
    """A client of an application, in the same event loop, without a socket."""
    transport = httpx.ASGITransport(with_context(app), raise_app_exceptions=False)
    hooks = {"response": [_check_declared]}
    return httpx.AsyncClient(transport=transport, base_url="http://test.local", event_hooks=hooks)


async def patiently(send: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response:
    """Call until the answer is not `busy`, as a well-behaved client does: many at once compete for few connections."""
    while True:
        response = await send()
        if not (response.status_code == 503 and response.headers.get("retry-after") == "1"):
            return response


# What any address may answer: faults of ours, and paths and methods that no route has.
_ANYWHERE = {"internal", "method_not_allowed"}
_DECLARED = [
    (
        one.method,
        re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(one.path))),
        {each.code for each in one.problems()},
    )
    for one in sorted(  # a path that is spelt out before one that it fits by chance: /policies/in-force
        (
            handler.opt["route"]
            for handler in ROUTES
            if isinstance(handler, HTTPRouteHandler) and "route" in handler.opt
        ),
        key=lambda route: route.path.count("{"),
    )
]


async def _check_declared(response: httpx.Response) -> None:
    """Whatever a test calls: a problem that a route answers with is one that it declares, hence documents."""
    if response.headers.get("content-type") != "application/problem+json":
        return
    code = msgspec.json.decode(await response.aread())["code"]
    for method, path, codes in _DECLARED:
        if method == response.request.method and path.fullmatch(response.request.url.path):
            assert code in codes | _ANYWHERE, f"{method} {response.request.url.path} does not declare {code}"
            return
