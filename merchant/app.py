"""Every route, guard and error handler of the service, wired on one page.

`create_app(service)` makes the ASGI application that granian serves and tests call.
"""

from functools import cache
from typing import Any

import msgspec
import structlog
from litestar import Litestar, Response, get
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler
from litestar.plugins.prometheus import PrometheusConfig, PrometheusController
from litestar.types import ASGIApp, Receive, Send

from merchant import errors, web
from merchant.channels.poster_routes import ROUTES as POSTER_ROUTES
from merchant.channels.qr import ROUTES as QR_ROUTES
from merchant.channels.ussd import MOUNT, gateway_key, ussd_door
from merchant.notify.live import ROUTES as LIVE_ROUTES
from merchant.notify.live import Live
from merchant.notify.routes import ROUTES as WEBHOOK_ROUTES
from merchant.payments.callbacks import fspiop_door
from merchant.payments.links import Links
from merchant.payments.routes import ROUTES as PAYMENT_ROUTES
from merchant.people.routes import ROUTES as PEOPLE_ROUTES
from merchant.portal import demo, docs, pages, pay
from merchant.registry.oracle_routes import oracle_door
from merchant.registry.routes import ROUTES as REGISTRY_ROUTES
from merchant.service import Service


class Health(msgspec.Struct, frozen=True):
    """How the service is: `live`, `ready` or `no scheme`."""

    status: str


@get("/health/live", opt={"public": True, "answer": Health})
async def live() -> Response[bytes]:
    """The process runs."""
    return web.answer(Health("live"))


@get("/health/ready", opt={"public": True, "answer": Health, "unready": True})
async def ready(state: State) -> Response[bytes]:
    """The process can serve: its database answers and its scheme is set up."""
    service: Service = state.service
    async with service.db.system_reads() as tx:
        found = await tx.fetchval("SELECT name FROM scheme WHERE id = 1")
    return web.answer(Health("ready" if found else "no scheme"), 200 if found else 503)


@get("/openapi.json", opt={"public": True, "hidden": True})
async def openapi() -> Response[bytes]:
    """The OpenAPI document of this API."""
    return Response(
        _documents()["merchant.json"], media_type="application/json", headers={"cache-control": "public, max-age=300"}
    )


@cache
def _documents() -> dict[str, bytes]:
    # Built when first asked for: a start need not wait for it.
    from merchant.openapi import documents

    return documents(ROUTES)


class Metrics(PrometheusController):
    """Prometheus metrics."""

    path = "/metrics"
    opt = {"public": True, "hidden": True}  # noqa: RUF012
    openmetrics_format = True


ROUTES: list[Any] = [
    live,
    ready,
    openapi,
    Metrics,
    *PEOPLE_ROUTES,
    *REGISTRY_ROUTES,
    *PAYMENT_ROUTES,
    *QR_ROUTES,
    *POSTER_ROUTES,
    *WEBHOOK_ROUTES,
    oracle_door,
    fspiop_door,
    ussd_door,
    *LIVE_ROUTES,
    *pages.ROUTES,
    *pay.ROUTES,
    *docs.ROUTES,
    *demo.ROUTES,
]


def create_app(service: Service, routes: list[Any] | None = None) -> Litestar:
    """The application on an open service. Raises RuntimeError when a route names no permission."""
    metrics = PrometheusConfig(app_name="merchant", prefix="merchant", group_path=True, exclude=["/metrics"])
    app = Litestar(
        route_handlers=ROUTES if routes is None else routes,
        guards=[web.authorise],
        exception_handlers={
            errors.MerchantError: web.on_merchant_error,
            HTTPException: web.on_http_error,
            Exception: web.on_crash,
        },
        middleware=[metrics.middleware],
        state=State(shared_state(service)),
        request_max_body_size=web.MAX_BODY_BYTES,
        on_shutdown=[_close_live],
        openapi_config=None,
        logging_config=None,
    )
    _check_permissions(app)
    return app


def shared_state(service: Service) -> dict[str, Any]:
    """What the handlers find in the application's state."""
    return {
        "service": service,
        "links": Links(service),
        "live": Live(service),
        "documents": _documents,
        "ussd_path": f"{MOUNT}/africastalking/{gateway_key(service, 'africastalking')}",  # the demo's keypad dials it
    }


async def _close_live(app: Litestar) -> None:
    await app.state.live.close()


def with_doors(app: Litestar) -> ASGIApp:
    """The application with its hottest doors in front of the router, which costs as much as they do themselves."""
    doors = [(f"{path}/", door.fn) for door in (fspiop_door, oracle_door, ussd_door) for path in door.paths]

    async def front(scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            for prefix, door in doors:
                if scope["path"].startswith(prefix):
                    scope["litestar_app"] = app
                    await door(scope, receive, send)
                    return
        await app(scope, receive, send)

    return front


def _check_permissions(app: Litestar) -> None:
    """Secure as it comes: a route that forgets to say who may use it stops the start."""
    for route in app.routes:
        handlers = getattr(route, "route_handlers", None) or [getattr(route, "route_handler", None)]
        for handler in handlers:
            said = handler is not None and ("permission" in handler.opt or handler.opt.get("public"))
            if not said and not (isinstance(handler, HTTPRouteHandler) and handler.http_methods == {"OPTIONS"}):
                raise RuntimeError(f"The route {route.path} names neither a permission nor public=True.")


def configure_logs(level: str) -> None:
    """JSON lines on standard error, without personal data: callers log ids and codes only."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(),
        cache_logger_on_first_use=True,
    )
