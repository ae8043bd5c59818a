"""Every route, guard and error handler of the service, wired on one page.

`create_app(service)` makes the ASGI application that granian serves and tests call.
"""

import inspect
from contextlib import AbstractAsyncContextManager
from functools import cache, partial
from typing import Any

from litestar import Litestar, Response
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler
from litestar.plugins.prometheus import PrometheusConfig
from litestar.routes import HTTPRoute
from litestar.types import ASGIApp, Receive, Send

from merchant.channels.ussd.door import ussd_door
from merchant.core import errors, evidence
from merchant.core.http import json as web
from merchant.core.http.context import with_context
from merchant.core.http.incoming import BodyLimits
from merchant.core.service import Service
from merchant.exchange.tables import WRITERS
from merchant.notify.live import Live
from merchant.payments.callbacks import fspiop_door
from merchant.people import sessions
from merchant.portal.ui import pages
from merchant.programs.slices import JOBS, PERMISSIONS, ROUTES
from merchant.registry.oracle.routes import oracle_door

_BODY_LIMITS = BodyLimits()


def create_app(service: Service, routes: list[Any] | None = None) -> Litestar:
    """The application on an open service. Raises RuntimeError when a route does not say who may call it."""
    metrics = PrometheusConfig(app_name="merchant", prefix="merchant", group_path=True, exclude=["/metrics"])
    app = Litestar(
        route_handlers=ROUTES if routes is None else routes,
        guards=[web.authorise],
        exception_handlers={
            errors.MerchantError: web.on_merchant_error,
            HTTPException: _refused_by_the_router,
            Exception: web.on_crash,
        },
        middleware=[metrics.middleware],
        state=State(shared_state(service)),
        request_max_body_size=web.MAX_BODY_BYTES,
        on_shutdown=[_close_live],
        lifespan=[_store_events],
        openapi_config=None,
        logging_config=None,
    )
    _check_permissions(app)
    _name_all_methods(app)
    return app


def _refused_by_the_router(request: web.AnyRequest, error: HTTPException) -> Response[bytes]:
    return pages.no_such_page(request, error) or web.on_http_error(request, error)


def shared_state(service: Service) -> dict[str, Any]:
    """What the handlers find in the application's state."""
    return {
        "service": service,
        "authenticate": partial(sessions.authenticate, service),
        "find_actors": partial(sessions.find_actors, service),
        "documents": documents,
        "topics": tuple(JOBS),
        "list_writers": WRITERS,
    }


@cache
def documents() -> dict[str, bytes]:
    """Every OpenAPI document by its file name, built when first asked for: a start need not wait for it."""
    from merchant.programs import openapi

    return openapi.documents(ROUTES)


def _store_events(app: Litestar) -> AbstractAsyncContextManager[None]:
    return evidence.storing(app.state.service)


async def _close_live(app: Litestar) -> None:
    await app.state.service.shared(Live).close()


def with_doors(app: Litestar, limits: BodyLimits = _BODY_LIMITS) -> ASGIApp:
    """The whole application, as it is served: every request in its context, the hottest doors before the router.

    The router costs as much as those doors do themselves. Behind it HEAD is a GET without a body; the doors know no
    HEAD, since a GET of the hub asks for an answer that we then send.
    """
    doors = [
        (f"{path}/", f"{path}/{{path}}", door.fn)
        for door in (fspiop_door, oracle_door, ussd_door)
        for path in door.paths
    ]

    async def front(scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            for prefix, template, door in doors:
                if scope["path"].startswith(prefix):
                    scope["litestar_app"], scope["path_template"] = app, template
                    await door(scope, receive, send)
                    return
            if scope["method"] == "HEAD":
                scope["method"], receive, send = "GET", _at_once_gone(receive), _without_body(send)
        await app(scope, receive, send)

    return with_context(front, app.state.service.settings, limits)


def _without_body(send: Send) -> Send:
    """The answer's status and headers alone."""
    ended = False

    async def send_head(message: Any) -> None:
        nonlocal ended
        if message["type"] == "http.response.start":
            await send(message)
        elif not ended:
            ended = True
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    return send_head


def _at_once_gone(receive: Receive) -> Receive:
    """No body, and then nobody who listens: a live stream ends."""
    asked = False

    async def receive_once() -> Any:
        nonlocal asked
        if asked:
            return {"type": "http.disconnect"}
        asked = True
        return await receive()

    return receive_once


def _name_all_methods(app: Litestar) -> None:
    """OPTIONS answers with every method of a path. Litestar makes its answer for the first handler and never again."""
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            handler, _ = route.route_handler_map["OPTIONS"]
            first = inspect.getclosurevars(handler.fn).nonlocals["self"]
            first.methods = {*route.methods, *(("HEAD",) if "GET" in route.methods else ())}


def _check_permissions(app: Litestar) -> None:
    """Secure as it comes: a handler made without `route`, or asking for what no role can have, stops the start."""
    for route in app.routes:
        handlers = getattr(route, "route_handlers", None) or [getattr(route, "route_handler", None)]
        for handler in handlers:
            if isinstance(handler, HTTPRouteHandler) and handler.http_methods == {"OPTIONS"}:
                continue
            opt = handler.opt if handler is not None else {}
            declared = opt.get("route") or opt.get("screen")
            if declared is None and not opt.get("public"):
                raise RuntimeError(f"The route {route.path} is neither declared nor public.")
            for asked in (declared.permission, declared.own_permission) if declared is not None else ():
                if asked not in (None, *PERMISSIONS):
                    raise RuntimeError(f"The route {route.path} asks for {asked}, which no slice lists.")
