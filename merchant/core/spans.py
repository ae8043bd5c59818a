"""Spans of OpenTelemetry, sent to a collector over OTLP/HTTP where MERCHANT_OTLP_URL names one; else there are none.

The library is the extra `otlp`, imported only where the setting is given; whoever would start a span asks `is_on`
first. Every span is recorded, whatever its caller's flags say: hubs often send unsampled traces. Names and attributes
hold methods, templates of paths, codes and ids of participants: nothing of a person, and no text of an error. The
library reads its own OTEL_* variables besides, such as OTEL_EXPORTER_OTLP_HEADERS for a collector that wants a token.
"""

import logging
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal

import structlog

from merchant import __version__
from merchant.core import trace
from merchant.core.errors import OperatorProblem

Kind = Literal["internal", "server", "client", "consumer"]
Attributes = Mapping[str, str | int | bool]
EXPORT_TIMEOUT_S = 5.0  # of one call to the collector; at the end as long again for what is left
_COMPLAINT_EVERY_S = 60.0
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_SERVER_ERRORS = 500
_log = structlog.get_logger()


class NoTelemetry(OperatorProblem):
    """Spans are asked for, and the library that sends them is not installed."""

    def __init__(self) -> None:
        super().__init__(
            "MERCHANT_OTLP_URL is set and OpenTelemetry is not installed here: install the extra `otlp`"
            " (opentelemetry-sdk and opentelemetry-exporter-otlp-proto-http), or leave the setting empty."
        )


def _import() -> Any:
    """The library. Raises NoTelemetry."""
    try:
        import opentelemetry.exporter.otlp.proto.http.trace_exporter as exporter
        import opentelemetry.sdk.resources as resources
        import opentelemetry.sdk.trace as sdk
        import opentelemetry.sdk.trace.export as export
        import opentelemetry.sdk.trace.sampling as sampling
        import opentelemetry.trace as api
    except ImportError:
        raise NoTelemetry from None
    return exporter, resources, sdk, export, sampling, api


def is_installed() -> bool:
    """Whether the library is here."""
    try:
        _import()
    except NoTelemetry:
        return False
    return True


class _Tracing:
    """The library at work in this process."""

    def __init__(self, url: str) -> None:
        exporter, resources, sdk, export, sampling, self.api = _import()
        self._exporter = exporter.OTLPSpanExporter(f"{url.rstrip('/')}/v1/traces", timeout=EXPORT_TIMEOUT_S)
        named = resources.Resource.create({"service.name": "merchant", "service.version": __version__})
        self._provider = sdk.TracerProvider(sampling.ALWAYS_ON, named, shutdown_on_exit=False)
        self._provider.add_span_processor(export.BatchSpanProcessor(self._exporter))
        self.tracer = self._provider.get_tracer("merchant", __version__)

    def context_of(self, parent: trace.Parent) -> Any:
        """Another's span, in the library's words."""
        flags = self.api.TraceFlags(int(parent.flags, 16))
        return self.api.SpanContext(int(parent.trace_id, 16), int(parent.span_id, 16), True, flags)

    def stop(self) -> None:
        """Send what is left; a collector that does not answer is given up."""
        giving_up = threading.Timer(EXPORT_TIMEOUT_S, self._exporter.shutdown)
        giving_up.daemon = True
        giving_up.start()
        self._provider.shutdown()
        giving_up.cancel()


_tracing: _Tracing | None = None


def is_on() -> bool:
    """Whether spans are recorded in this process."""
    return _tracing is not None


@contextmanager
def exporting(url: str) -> Iterator[None]:
    """Record spans while the block runs, and send them to a collector; nothing at all where the URL is empty.

    What is left is sent at the end. Raises NoTelemetry.
    """
    global _tracing
    if not url:
        yield
        return
    _tracing = tracing = _Tracing(url)
    trace.hand_on_parents(True)
    library, complaints = logging.getLogger("opentelemetry"), _Complaints()
    library.addHandler(complaints)
    told_further, library.propagate = library.propagate, False
    try:
        yield
    finally:
        _tracing = None
        trace.hand_on_parents(False)
        tracing.stop()
        library.propagate = told_further
        library.removeHandler(complaints)


class Span:
    """Something that takes time, from now until `end`."""

    __slots__ = ("_span", "name", "traceparent")

    def __init__(self, name: str, span: Any) -> None:
        self.name = name
        self._span = span
        own = span.get_span_context()
        self.traceparent = f"00-{own.trace_id:032x}-{own.span_id:016x}-{own.trace_flags:02x}"

    def set(self, name: str, value: str | int | bool) -> None:
        """Add an attribute: nothing personal."""
        self._span.set_attribute(name, value)

    def rename(self, name: str) -> None:
        """Give it another name, where that is known late."""
        self.name = name
        self._span.update_name(name)

    def fail(self, kind: str) -> None:
        """It failed: by an error's class or code, never its text, which may hold anything."""
        from opentelemetry.trace import StatusCode

        self._span.set_attribute("error.type", kind)
        self._span.set_status(StatusCode.ERROR, kind)

    def end(self) -> None:
        """It is over."""
        self._span.end()


def start(
    name: str,
    kind: Kind = "internal",
    traceparent: str | None = None,
    attributes: Attributes | None = None,
    links: Iterable[str | None] = (),
) -> Span:
    """Start a span below the one that `traceparent` names, else the first of a new trace. Ask `is_on` before.

    `links` are traces that it has to do with besides.
    """
    tracing = _tracing
    assert tracing is not None, "is_on was not asked"
    api = tracing.api
    parent = trace.parse(traceparent)
    within = api.set_span_in_context(api.INVALID_SPAN)
    if parent is not None:
        within = api.set_span_in_context(api.NonRecordingSpan(tracing.context_of(parent)))
    linked = [tracing.context_of(one) for one in map(trace.parse, dict.fromkeys(links)) if one is not None]
    span = tracing.tracer.start_span(
        name,
        within,
        getattr(api.SpanKind, kind.upper()),
        attributes,
        [api.Link(one) for one in linked],
        record_exception=False,
    )
    return Span(name, span)


@contextmanager
def at_work(
    name: str, kind: Kind = "internal", attributes: Attributes | None = None, links: Iterable[str | None] = ()
) -> Iterator[Span]:
    """A span below what is at work in this task; until the block ends, it is what is at work. Ask `is_on` before."""
    outer = trace.current()
    span = start(name, kind, outer.traceparent if outer is not None and outer.has_parent else None, attributes, links)
    _, token = trace.start(outer.request_id if outer is not None else None, span.traceparent)
    try:
        yield span
    except BaseException as error:
        span.fail(type(error).__name__)
        raise
    finally:
        trace.end(token)
        span.end()


def start_request(method: str, traceparent: str | None) -> Span:
    """The span of an HTTP request to us, whose route nobody knows yet."""
    known = method if method in _METHODS else "HTTP"
    return start(known, "server", traceparent, {"http.request.method": known})


def end_request(span: Span, route: str | None, status: int | None) -> None:
    """The end of it, with the template of its route, where it had one."""
    if route:
        span.rename(f"{span.name} {route}")
        span.set("http.route", route)
    if status is not None:
        span.set("http.response.status_code", status)
    if status is None or status >= _SERVER_ERRORS:
        span.fail("no_answer" if status is None else str(status))
    span.end()


class _Complaints(logging.Handler):
    """What the library complains of, in our log: that spans are lost, once a minute, without its own words."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._told_at_s = float("-inf")

    def emit(self, record: logging.LogRecord) -> None:
        """Tell of one."""
        if time.monotonic() - self._told_at_s >= _COMPLAINT_EVERY_S:
            self._told_at_s = time.monotonic()
            _log.warning("spans_not_sent", library=record.name, advice="Is the collector at MERCHANT_OTLP_URL there?")
