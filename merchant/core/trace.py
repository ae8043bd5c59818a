"""Which request or job this code is running for: a request's id, and the W3C trace context it belongs to.

Set at the start of every request (core/http/context.py) and job (the worker), read by the log, by problems, by whoever
writes a job and by whoever calls others. So one trace id runs from a caller through our jobs to the hub and back. With
spans (spans.py) what is handed on is the span's own context.
https://www.w3.org/TR/trace-context/
"""

import os
import re
from contextvars import ContextVar, Token
from typing import NamedTuple

# Version 00 ends after the flags; a later one may go on. Zeros name nothing, and version ff is forbidden.
_TRACEPARENT = re.compile(
    r"(?P<version>(?!ff)[0-9a-f]{2})-(?P<trace>(?!0{32})[0-9a-f]{32})-(?P<span>(?!0{16})[0-9a-f]{16})-"
    r"(?P<flags>[0-9a-f]{2})(?P<more>-.*)?",
    re.DOTALL,
)
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_TRACEPARENT_CHARS_MAX = 512
_hands_on_parents = False


class Parent(NamedTuple):
    """What a `traceparent` says, in hexadecimal."""

    trace_id: str
    span_id: str
    flags: str


def parse(traceparent: str | None) -> Parent | None:
    """A trace context as the outside gave it; None of one that is missing or malformed."""
    found = _match(traceparent) if traceparent is not None else None
    return None if found is None else Parent(found["trace"], found["span"], found["flags"])


def _match(traceparent: str) -> re.Match[str] | None:
    found = _TRACEPARENT.fullmatch(traceparent) if len(traceparent) <= _TRACEPARENT_CHARS_MAX else None
    return None if found is None or (found["version"] == "00" and found["more"]) else found


class Context:
    """A request or job at work. Trace and span are made when first asked for: most requests never need them."""

    __slots__ = ("_flags", "_span_id", "_trace_id", "has_parent", "request_id")

    def __init__(self, request_id: str | None, traceparent: str | None) -> None:
        self.request_id = request_id
        self._trace_id: str | None = None
        self._flags = "00"  # we record nothing ourselves; a caller's own flags are passed on
        self._span_id: str | None = None
        self.has_parent = False
        if traceparent is not None and (found := _match(traceparent)) is not None:
            self.has_parent = True
            self._trace_id, self._flags = found["trace"], found["flags"]
            if _hands_on_parents:
                self._span_id = found["span"]

    @property
    def trace_id(self) -> str:
        """The trace's 32 hexadecimal digits: the caller's, or new ones."""
        if self._trace_id is None:
            self._trace_id = os.urandom(16).hex()
        return self._trace_id

    @property
    def traceparent(self) -> str:
        """What others are told, so that their part joins the trace below ours."""
        if self._span_id is None:
            self._span_id = os.urandom(8).hex()
        return f"00-{self.trace_id}-{self._span_id}-{self._flags}"


def hand_on_parents(is_wanted: bool) -> None:
    """Whether those whom we call are below our own parent, as where each parent is a span that is recorded (spans.py),
    or below a span of which only its id is known.
    """
    global _hands_on_parents
    _hands_on_parents = is_wanted


_current: ContextVar[Context | None] = ContextVar("merchant_trace", default=None)


def start(request_id: str | None, traceparent: str | None) -> tuple[Context, Token[Context | None]]:
    """Work for a request or job from here on, in this task and those it starts.

    Both values are as the outside gave them: a request id or trace context that is malformed is replaced, never an
    error. The token ends the context by `end`; a task of its own needs none.
    """
    context = Context(request_id, traceparent)
    return context, _current.set(context)


def end(token: Token[Context | None]) -> None:
    """Work for whatever it was before `start`."""
    _current.reset(token)


def current() -> Context | None:
    """What is at work; None outside requests and jobs, such as in a timer."""
    return _current.get()


def traceparent() -> str | None:
    """The `traceparent` to hand on; None outside requests and jobs."""
    context = _current.get()
    return None if context is None else context.traceparent


def request_id() -> str | None:
    """The id of the request at work; None in jobs and timers."""
    context = _current.get()
    return None if context is None else context.request_id


def sane_request_id(given: str) -> str:
    """The caller's id when it is 1 to 64 of `A-Za-z0-9._-`, else a new one."""
    return given if _REQUEST_ID.fullmatch(given) else os.urandom(8).hex()
