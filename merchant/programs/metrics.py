"""`/metrics` for Prometheus: what the process counts, and the outbox as it is at the moment of the scrape.

The outbox is read by one statement a scrape, and at most every few seconds, however many scrape.
"""

import time
from collections.abc import Sequence
from typing import Any

import structlog
from litestar import Request, Response, get
from litestar.datastructures import State
from litestar.plugins.prometheus import PrometheusController
from prometheus_client import Gauge

from merchant.core import logs, outbox
from merchant.core.http import raw
from merchant.core.http.raw import Refused
from merchant.core.service import Service

KEPT_S = 5.0  # how old figures of the outbox may be; scrapes are usually 15 s or more apart
_log = structlog.get_logger()
_live = Gauge("merchant_outbox_jobs", "Jobs of the outbox that wait or run, by topic.", ["topic"])
_age = Gauge("merchant_outbox_oldest_due_seconds", "How long the oldest due job has been due, by topic.", ["topic"])
_dead = Gauge("merchant_outbox_dead_jobs", "Jobs that failed too often and are tried no more, by topic.", ["topic"])


class Metrics(PrometheusController):
    """Prometheus metrics."""

    path = "/metrics"
    opt = {"public": True, "hidden": True}  # noqa: RUF012
    openmetrics_format = True

    @get()
    async def get(self, request: Request[Any, Any, State], state: State) -> Response[bytes]:
        """Everything that is measured, as text, to programs of this machine and to whoever has the gateway's secret."""
        service: Service = state.service
        try:
            raw.check_gateway(service, request.scope, raw.headers_of(request.scope), local_too=True)
        except Refused as refused:
            return Response(refused.description.encode(), status_code=refused.status, media_type="text/plain")
        await service.shared(OutboxGauges).refresh(state.topics)
        told: Response[bytes] = await PrometheusController.get.fn(self)
        return told


class OutboxGauges:
    """The figures of the outbox; a topic that has no job any more falls to zero."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._read_at: float | None = None

    async def refresh(self, topics: Sequence[str]) -> None:
        """Read the figures unless they are fresh; topics without a job are told as zero.

        Without its database the service still tells everything else.
        """
        now_s = time.monotonic()
        if self._read_at is not None and now_s - self._read_at < KEPT_S:
            return
        self._read_at = now_s
        try:
            async with self._service.db.system_reads() as tx:
                depths = await outbox.depths(tx)
        except Exception as error:
            _log.warning("outbox_not_measured", error=logs.describe(error))
            for gauge in (_live, _age, _dead):
                gauge.clear()  # no figure is better than an old one
            return
        _set([*(outbox.Depth(topic, 0, 0, 0.0) for topic in topics), *depths])


def _set(depths: list[outbox.Depth]) -> None:
    for gauge in (_live, _age, _dead):
        gauge.clear()
    for depth in depths:
        _live.labels(depth.topic).set(depth.live)
        _age.labels(depth.topic).set(depth.oldest_due_s)
        _dead.labels(depth.topic).set(depth.dead)
