"""Applications that tests share: making one costs 80 ms, moving it to another test's service next to nothing."""

from typing import Any

import httpx
from litestar import Litestar

from merchant.core.http.context import with_context
from merchant.core.service import Service
from merchant.programs.app import create_app, shared_state

_APPS: dict[int, Litestar] = {}


def app_on(service: Service, routes: list[Any] | None = None) -> Litestar:
    """The application of these routes (a module's constant; all when None), now serving this service."""
    app = _APPS.get(id(routes))
    if app is None:
        app = _APPS[id(routes)] = create_app(service, routes)
    else:
        app.state.update(shared_state(service))
    return app


def client_on(app: Litestar) -> httpx.AsyncClient:
    """A client of an application, in the same event loop, without a socket."""
    transport = httpx.ASGITransport(with_context(app), raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://test.local")
