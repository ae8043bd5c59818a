"""The service about itself: its health, its metrics, its API's document, its dead jobs; and the shared tables."""

from typing import Any, Literal

import msgspec
from litestar import Response, get
from litestar.datastructures import State

from merchant.core import audit_anchors, dead_job_routes, evidence, heartbeat, idempotency, inbox
from merchant.core.access import Permission as P
from merchant.core.http.route import Answer, Call, route
from merchant.core.slices import JobKind, Pruned, Timer
from merchant.programs import health, sealing
from merchant.programs.health import Readiness
from merchant.programs.metrics import Metrics


class Health(msgspec.Struct, frozen=True):
    """That the process runs."""

    status: Literal["live"]


@route("GET", "/health/live", public=True, answer=Health)
async def read_liveness(_: Call[None]) -> Health:
    """The process runs."""
    return Health("live")


@route("GET", "/health/ready", public=True, answer=Readiness, unready=True)
async def read_readiness(call: Call[None]) -> Answer:
    """The service works as a whole; 503 says what does not: database, schema, scheme, worker, jobs, lists or keys."""
    found = await call.service.shared(health.LatestReadiness).read()
    return Answer(found, status=200 if found.status == "ready" else 503)


@get("/openapi.json", opt={"public": True, "hidden": True})
async def openapi(state: State) -> Response[bytes]:
    """The OpenAPI document of this API."""
    text = state.documents()["merchant.json"]
    return Response(text, media_type="application/json", headers={"cache-control": "public, max-age=300"})


# What a process that serves nothing else answers too, on a port of its own: a worker (MERCHANT_WORKER_PORT).
WATCHED: tuple[Any, ...] = (read_liveness, read_readiness, Metrics)
ROUTES: list[Any] = [*WATCHED, openapi, *dead_job_routes.ROUTES]
JOBS: tuple[JobKind, ...] = ()
TIMERS = (
    Timer("audit.anchor", audit_anchors.write_anchor_or_log, every_s=audit_anchors.EVERY_S, at_stop=True),
    Timer("columns.seal", sealing.seal_all, every_s=sealing.EVERY_S),
)
PRUNED = (
    Pruned("workers", heartbeat.prune),
    Pruned("idempotency keys", idempotency.prune),
    Pruned("hub messages", inbox.prune),
    Pruned("security events", evidence.prune),
)
PERMISSIONS = {
    P.OPERATIONS_READ: "See jobs that failed too often.",
    P.OPERATIONS_WRITE: "Try jobs that failed too often again, or discard them.",
}
