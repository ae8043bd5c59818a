"""Spans reach a collector over OTLP/HTTP, below their callers', without personal data; without a collector, none."""

import builtins
import subprocess
import sys
from typing import Any

import pytest
from msgspec import structs
from structlog.testing import capture_logs

from merchant.core import spans, trace
from merchant.core.settings import BadSettings, Settings, load
from merchant.programs.check import look_at_machine
from tests.collector import Collector, collecting

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
CALLER = f"00-{TRACE}-{PARENT}-00"


def sent(make: Any) -> Collector:
    with collecting() as collector:
        with spans.exporting(collector.url):
            make()
        return collector


def test_without_a_url_nothing_is_recorded() -> None:
    with spans.exporting(""):
        assert not spans.is_on()
        context, token = trace.start(None, CALLER)
        trace.end(token)
    assert context.traceparent.split("-")[1] == TRACE
    assert context.traceparent.split("-")[2] != PARENT


def test_without_a_url_the_library_is_not_even_imported() -> None:
    code = (
        "import sys, merchant.cli.main, merchant.programs.app, merchant.programs.worker\n"
        "from merchant.core import spans\n"
        "with spans.exporting(''): pass\n"
        "sys.exit(any(name.startswith('opentelemetry') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_span_is_below_its_caller_and_recorded_although_the_caller_is_not() -> None:
    def make() -> None:
        one = spans.start("work", "server", CALLER, {"http.request.method": "GET"})
        assert one.traceparent.split("-")[1] == TRACE
        assert one.traceparent.endswith("1"), "those whom we call are told that it is recorded"
        one.end()

    collector = sent(make)
    assert collector.paths == ["/v1/traces"]
    seen = collector.one("work")
    assert (seen.trace_id, seen.parent_id) == (TRACE, PARENT)
    assert seen.attributes == {"http.request.method": "GET"}
    assert collector.resources[0]["service.name"] == "merchant"
    assert not spans.is_on()


@pytest.mark.parametrize("given", [None, "", "nonsense", f"00-{'0' * 32}-{PARENT}-01"])
def test_a_caller_that_is_none_makes_a_new_trace(given: str | None) -> None:
    seen = sent(lambda: spans.start("work", "server", given).end()).one("work")
    assert seen.parent_id == ""
    assert seen.trace_id not in (TRACE, "0" * 32)


def test_what_is_at_work_hands_on_its_span_and_what_is_below_it_is_its_child() -> None:
    told: list[str | None] = []

    def make() -> None:
        _, token = trace.start("till-7", CALLER)
        with spans.at_work("outer") as outer:
            told.append(trace.traceparent())
            assert outer.traceparent == told[0]
            assert trace.request_id() == "till-7"
            with spans.at_work("inner", links=[CALLER, CALLER, None, "nonsense"]):
                told.append(trace.traceparent())
        trace.end(token)

    collector = sent(make)
    outer, inner = collector.one("outer"), collector.one("inner")
    assert (outer.parent_id, inner.parent_id) == (PARENT, outer.span_id)
    assert {outer.trace_id, inner.trace_id} == {TRACE}
    assert told == [f"00-{TRACE}-{span.span_id}-{told[0][-2:]}" for span in (outer, inner)]  # type: ignore[index]
    assert inner.links == ((TRACE, PARENT),)


def test_a_failure_tells_its_class_and_not_its_text() -> None:
    def make() -> None:
        with pytest.raises(ValueError, match="254711000001"), spans.at_work("work"):
            raise ValueError("no such payer: 254711000001")

    collector = sent(make)
    seen = collector.one("work")
    assert seen.is_error
    assert seen.attributes == {"error.type": "ValueError"}
    assert not any(b"254711000001" in body for body in collector.bodies)


def test_a_collector_that_refuses_or_is_away_stops_nothing_and_is_told_once() -> None:
    with collecting() as collector:
        collector.status = 400
        with capture_logs() as lines, spans.exporting(collector.url):
            spans.start("work").end()
        assert [line["event"] for line in lines] == ["spans_not_sent"]
    with capture_logs() as lines, spans.exporting(collector.url):  # it has stopped
        spans.start("work").end()
    assert {line["event"] for line in lines} <= {"spans_not_sent"}
    assert not spans.is_on()


def test_a_missing_library_is_told_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    imports = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name.startswith("opentelemetry"):
            raise ImportError(name)
        return imports(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(spans.NoTelemetry, match="extra `otlp`") as told, spans.exporting("http://127.0.0.1:4318"):
        pass
    assert str(told.value).count(".") == 1
    assert not spans.is_on()


@pytest.mark.parametrize("url", ["http://127.0.0.1:4318", "http://localhost:4318", "https://otel.example.org/in"])
def test_a_collector_of_this_machine_or_behind_tls_is_taken(url: str) -> None:
    assert load({"MERCHANT_OTLP_URL": url}).otlp_url == url


@pytest.mark.parametrize(
    "url", ["http://otel.example.org:4318", "otel:4318", "https://u:p@otel.example.org", "https://a.example/?x=1"]
)
def test_another_is_refused(url: str) -> None:
    with pytest.raises(BadSettings, match="MERCHANT_OTLP_URL"):
        load({"MERCHANT_OTLP_URL": url})


def test_the_check_tells_of_a_missing_library_and_of_nothing_where_spans_are_off(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    asked = structs.replace(settings, otlp_url="http://127.0.0.1:4318")
    monkeypatch.setitem(sys.modules, "opentelemetry.trace", None)
    assert "no_telemetry" in {one.code for one in look_at_machine(asked)}
    assert "no_telemetry" not in {one.code for one in look_at_machine(settings)}
    monkeypatch.undo()
    assert "no_telemetry" not in {one.code for one in look_at_machine(asked)}
