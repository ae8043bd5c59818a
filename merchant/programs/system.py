"""The service about itself: its health, its metrics, its API's document, its dead jobs; and the shared tables."""

from functools import cache
from typing import Any

import msgspec
from litestar import Response, get

from merchant.core import idempotency, inbox
from merchant.core.access import Permission as P
from merchant.core.http.route import Answer, Call, route
from merchant.core.slices import JobKind, Pruned, Timer
from merchant.programs import dead_job_routes
from merchant.programs.metrics import Metrics


class Health(msgspec.Struct, frozen=True):
    """How the service is: `live`, `ready` or `no scheme`."""

    status: str


@route("GET", "/health/live", public=True, answer=Health)
async def read_liveness(_: Call[None]) -> Health:
    """The process runs."""
    return Health("live")


@route("GET", "/health/ready", public=True, answer=Health, unready=True)
async def read_readiness(call: Call[None]) -> Answer:
    """The process can serve: its database answers and its scheme is set up."""
    async with call.service.db.system_reads() as tx:
        found = await tx.fetchval("SELECT name FROM scheme WHERE id = 1")
    return Answer(Health("ready" if found else "no scheme"), status=200 if found else 503)


@get("/openapi.json", opt={"public": True, "hidden": True})
async def openapi() -> Response[bytes]:
    """The OpenAPI document of this API."""
    return Response(
        documents()["merchant.json"], media_type="application/json", headers={"cache-control": "public, max-age=300"}
    )


@cache
def documents() -> dict[str, bytes]:
    """Every OpenAPI document by its file name, built when first asked for: a start need not wait for it."""
    from merchant.programs import openapi as built
    from merchant.programs.slices import ROUTES as ALL

    return built.documents(ALL)


ROUTES: list[Any] = [read_liveness, read_readiness, openapi, Metrics, *dead_job_routes.ROUTES]
JOBS: tuple[JobKind, ...] = ()
TIMERS: tuple[Timer, ...] = ()
PRUNED = (Pruned("idempotency keys", idempotency.prune), Pruned("hub messages", inbox.prune))
PERMISSIONS = {
    P.OPERATIONS_READ: "See jobs that failed too often.",
    P.OPERATIONS_WRITE: "Try jobs that failed too often again, or discard them.",
}
