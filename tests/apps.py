"""Applications that tests share: making one costs 80 ms, moving it to another test's service next to nothing."""

from typing import Any

from litestar import Litestar

from merchant.app import create_app, shared_state
from merchant.service import Service

_APPS: dict[int, Litestar] = {}


def app_on(service: Service, routes: list[Any] | None = None) -> Litestar:
    """The application of these routes (a module's constant; all when None), now serving this service."""
    app = _APPS.get(id(routes))
    if app is None:
        app = _APPS[id(routes)] = create_app(service, routes)
    else:
        app.state.update(shared_state(service))
    return app
