"""The service about itself: its health, its metrics, its API's document, its dead jobs; and the shared tables."""

from typing import Any

import msgspec
from litestar import Response, get
from litestar.datastructures import State

from merchant.core import audit_anchors, evidence, idempotency, inbox
from merchant.core.access import Permission as P
from merchant.core.http.route import Answer, Call, route
from merchant.core.slices import JobKind, Pruned, Timer
from merchant.payments.reconcile import is_reconciling
from merchant.programs import dead_job_routes, sealing
from merchant.programs.metrics import Metrics


class Health(msgspec.Struct, frozen=True):
    """How the service is: `live`, `ready`, `reconciling` or `no scheme`."""

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
    if found and await is_reconciling(call.service):
        return Answer(Health("reconciling"), status=503)
    return Answer(Health("ready" if found else "no scheme"), status=200 if found else 503)


@get("/openapi.json", opt={"public": True, "hidden": True})
async def openapi(state: State) -> Response[bytes]:
    """The OpenAPI document of this API."""
    text = state.documents()["merchant.json"]
    return Response(text, media_type="application/json", headers={"cache-control": "public, max-age=300"})


ROUTES: list[Any] = [read_liveness, read_readiness, openapi, Metrics, *dead_job_routes.ROUTES]
JOBS: tuple[JobKind, ...] = ()
TIMERS = (
    Timer("audit.anchor", audit_anchors.write_anchor_or_log, every_s=audit_anchors.EVERY_S, at_stop=True),
    Timer("columns.seal", sealing.seal_all, every_s=sealing.EVERY_S),
)
PRUNED = (
    Pruned("idempotency keys", idempotency.prune),
    Pruned("hub messages", inbox.prune),
    Pruned("security events", evidence.prune),
)
PERMISSIONS = {
    P.OPERATIONS_READ: "See jobs that failed too often.",
    P.OPERATIONS_WRITE: "Try jobs that failed too often again, or discard them.",
}
