"""`/metrics` for Prometheus: what the process counts, and what an operator acts on as it is at the scrape.

The outbox is read by one statement a scrape and everything else in the database by another, at most every few seconds,
however many scrape. A figure that cannot be read is left out: none is better than an old one.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import structlog
from litestar import Request, Response, get
from litestar.datastructures import State
from litestar.plugins.prometheus import PrometheusController
from prometheus_client import Gauge

from merchant import __version__
from merchant.compliance.lists.ages import ListAge, packaged_age, read_ages
from merchant.core import clock, db, logs, outbox, sql, stuck_jobs
from merchant.core.heartbeat import GONE_AFTER_S, SEEN_S_AGO
from merchant.core.http import raw
from merchant.core.http.raw import Refused
from merchant.core.service import Service
from merchant.payments.states import RequestCapability, RequestState, may
from merchant.programs import backup

KEPT_S = 5.0  # how old figures of the outbox may be; scrapes are usually 15 s or more apart
_log = structlog.get_logger()
_live = Gauge("merchant_outbox_jobs", "Jobs of the outbox that wait or run, by topic.", ["topic"])
_age = Gauge("merchant_outbox_oldest_due_seconds", "How long the oldest due job has been due, by topic.", ["topic"])
_dead = Gauge("merchant_outbox_dead_jobs", "Jobs that failed too often and are tried no more, by topic.", ["topic"])
_blocked = Gauge("merchant_outbox_blocked_lanes", "Ordered lanes whose first job fails and is tried later.", ["kind"])
_open = Gauge("merchant_payment_requests_open", "Payment requests that have not ended, by state.", ["state"])
_doubt = Gauge("merchant_payment_requests_in_doubt", "Payment requests whose outcome the hub has not told.")
_doubt_age = Gauge("merchant_payment_requests_in_doubt_oldest_seconds", "Age of the oldest request in doubt.")
_workers = Gauge("merchant_workers", "Workers seen within the last half minute.")
_seen = Gauge("merchant_worker_last_seen_seconds", "How long ago the last worker was seen.")
_skew = Gauge("merchant_clock_skew_seconds", "How far a machine's clock is ahead of the database's.", ["process"])
_list_age = Gauge("merchant_screening_list_age_seconds", "Age of the oldest list that names are screened against.")
_list_checked = Gauge(
    "merchant_screening_list_checked_seconds", "How long ago a list was last seen to be current, by list.", ["list"]
)
_list_entries = Gauge("merchant_screening_list_entries", "Entries of a list that was put, by list.", ["list"])
_list_stale = Gauge(
    "merchant_screening_list_stale", "1 where names are not checked since a list is too old, by list.", ["list"]
)
_in_use = Gauge("merchant_database_connections_in_use", "Connections that are lent, by pool of this process.", ["pool"])
_size = Gauge("merchant_database_connections_max", "Connections that a pool of this process may open.", ["pool"])
_silent = Gauge("merchant_database_silent_connections", "Connections dropped since the start: they did not answer.")
_key_ends = Gauge(
    "merchant_hub_key_expires_seconds",
    "For how long the last key of a participant is valid still, where it ends, by purpose.",
    ["fsp_id", "purpose"],
)
_backup_age = Gauge("merchant_backup_age_seconds", "Age of the last `merchant backup` on this data folder, if any.")
_build = Gauge("merchant_build_info", "Always 1; the version is in the label.", ["version"])
_build.labels(__version__).set(1)
_OUTBOX = (_live, _age, _dead)
_DATABASE = (_blocked, _open, _key_ends)
_LISTS = (_list_checked, _list_entries, _list_stale)
_OPEN_STATES = tuple(state for state in RequestState if may(state, RequestCapability.EXPIRE))
_LANES = ("webhook", "sms")  # told as zero while none is blocked, so that an alarm can end
_FIGURES = f"""
SELECT
  (SELECT coalesce(jsonb_object_agg(state, n), '{{}}') FROM (
     SELECT p.state, count(*) AS n FROM open_reference o JOIN payment_request p ON p.id = o.request_id
       /*distributed: AND p.dfsp_id = o.dfsp_id*/ GROUP BY p.state
   ) AS each) AS open,
  (SELECT coalesce(jsonb_agg(each), '[]') FROM (
     SELECT fsp_id, purpose,
       extract(epoch FROM max(valid_until) - coalesce($1::timestamptz, now()))::float8 AS ends_in_s
     FROM scheme_key GROUP BY fsp_id, purpose HAVING bool_and(valid_until IS NOT NULL)
   ) AS each) AS keys,
  doubt.n AS in_doubt, doubt.oldest_s AS in_doubt_oldest_s,
  (SELECT count(*) FROM worker_heartbeat WHERE {SEEN_S_AGO} < $2) AS workers,
  (SELECT min({SEEN_S_AGO}) FROM worker_heartbeat) AS worker_seen_s,
  (SELECT clock_skew_s FROM worker_heartbeat WHERE {SEEN_S_AGO} < $2 ORDER BY abs(clock_skew_s) DESC LIMIT 1) AS skew_s
FROM (SELECT count(*) AS n,
        coalesce(extract(epoch FROM coalesce($1::timestamptz, now()) - min(created_at)), 0)::float8 AS oldest_s
      FROM payment_request WHERE state IN {sql.literals([RequestState.IN_DOUBT])}) AS doubt
"""  # noqa: S608 - constants


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
        await service.shared(Figures).refresh(state.topics)
        told: Response[bytes] = await PrometheusController.get.fn(self)
        return told


class Figures:
    """The figures that are read at a scrape; what there is none of any more falls to zero."""

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
        self._tell_process()
        try:
            async with self._service.db.system_reads() as tx:
                depths = await outbox.depths(tx)
                blocked = await stuck_jobs.count_blocked_lanes(tx)
                lists = await read_ages(self._service, tx)
            figures = await self._service.db.probe(_FIGURES, clock.moved(), GONE_AFTER_S)
        except Exception as error:
            if db.is_unavailable(error) or isinstance(error, TimeoutError):
                self._service.db.note_away(error)
            else:
                _log.warning("outbox_not_measured", error=logs.describe(error))
            for gauge in (*_OUTBOX, *_DATABASE, *_LISTS):
                gauge.clear()
            _tell_lists([packaged_age(self._service)])
            for single in (_doubt, _doubt_age, _workers, _seen):
                single.set(float("nan"))
            return
        _tell_outbox([*(outbox.Depth(topic, 0, 0, 0.0) for topic in topics), *depths], blocked)
        _tell_lists(lists)
        if figures is not None:
            _tell_database(figures)

    def _tell_process(self) -> None:
        for name, pool in self._service.db.pools.items():
            _in_use.labels(name).set(pool.in_use)
            _size.labels(name).set(pool.size)
        _silent.set(self._service.db.silences)
        _skew.labels("this").set(self._service.db.clock_skew_s)
        taken_at = backup.last_taken_at(self._service.settings)
        _backup_age.set((clock.now() - taken_at).total_seconds() if taken_at is not None else float("nan"))


def _tell_lists(ages: list[ListAge]) -> None:
    for gauge in _LISTS:
        gauge.clear()
    oldest = max((one.age_days for one in ages if one.published_on is not None), default=None)
    _list_age.set(oldest * 86_400 if oldest is not None else float("nan"))
    for one in ages:
        _list_stale.labels(one.source).set(one.stale == "not_checked")
        if one.checked_at is not None and one.entry_count is not None:
            _list_checked.labels(one.source).set((clock.now() - one.checked_at).total_seconds())
            _list_entries.labels(one.source).set(one.entry_count)


def _tell_outbox(depths: list[outbox.Depth], blocked: dict[str, int]) -> None:
    for gauge in (*_OUTBOX, _blocked):
        gauge.clear()
    for depth in depths:
        _live.labels(depth.topic).set(depth.live)
        _age.labels(depth.topic).set(depth.oldest_due_s)
        _dead.labels(depth.topic).set(depth.dead)
    for kind in {*_LANES, *blocked}:
        _blocked.labels(kind).set(blocked.get(kind, 0))


def _tell_database(figures: Mapping[str, Any]) -> None:
    _open.clear()
    found = msgspec.json.decode(figures["open"])
    for state in _OPEN_STATES:
        _open.labels(state).set(found.get(state, 0))
    _doubt.set(figures["in_doubt"])
    _doubt_age.set(figures["in_doubt_oldest_s"])
    _workers.set(figures["workers"])
    _seen.set(figures["worker_seen_s"] if figures["worker_seen_s"] is not None else float("inf"))
    _skew.labels("workers").set(figures["skew_s"] or 0.0)
    _key_ends.clear()
    for key in msgspec.json.decode(figures["keys"]):
        _key_ends.labels(key["fsp_id"], key["purpose"]).set(key["ends_in_s"])
