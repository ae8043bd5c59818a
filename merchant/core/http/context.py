"""Around the whole application: what holds for every request and answer, whatever answers and however.

A request has one Host that is ours and a body that comes whole and in time; an answer carries `x-request-id` and the
security headers. Raw ASGI, since the hottest doors pass here too: a few microseconds a request.
"""

from typing import Any

from litestar.types import ASGIApp, Message, Receive, Send

from merchant.core import errors, spans, texts, trace
from merchant.core.http import json as web
from merchant.core.http.hosts import check_host, known_hosts
from merchant.core.http.incoming import BodyLimits, Incoming
from merchant.core.http.security_headers import fixed_headers, with_security
from merchant.core.pools import CHECKOUT_TIMEOUT_S, Caller, caller
from merchant.core.settings import Settings

_READ = frozenset({b"x-request-id", b"traceparent", b"host", b"content-length", b"transfer-encoding"})
_LIMITS = BodyLimits()

# The largest file of an import at a megabit a second; a sender that stalls is refused all the same.
_LONG_BODIES = {"imports": BodyLimits(whole_s=600.0)}
# A hub sends again what was refused, which costs more than waiting a little.
_PATIENT = {"fspiop": 3.0}
_CALLERS: dict[str, Caller] = {}
_CALLERS_MAX = 200  # parts of the API and doors are some dozens; addresses that nobody serves fill it no further


def caller_of(path: str) -> Caller:
    """What part of the service a path belongs to: `payment-requests`, `merchants`, `oracle`, `q`."""
    kind = path.removeprefix("/api/v1").lstrip("/").partition("/")[0]
    found = _CALLERS.get(kind)
    if found is None:
        found = Caller(kind, _PATIENT.get(kind, CHECKOUT_TIMEOUT_S))
        if len(_CALLERS) < _CALLERS_MAX:
            _CALLERS[kind] = found
    return found


def with_context(app: ASGIApp, settings: Settings | None = None, limits: BodyLimits = _LIMITS) -> ASGIApp:
    """The application, each of its requests under an id (the caller's `x-request-id`, or new) and in a trace."""
    settings = settings or Settings()
    hosts, fixed = known_hosts(settings), fixed_headers(settings)

    async def front(scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        given, parents, named = "", [], []
        part = caller_of(scope["path"])
        incoming: Incoming | None = None
        for name, value in scope["headers"]:
            if name in _READ:
                if name == b"host":
                    named.append(value)
                elif name == b"x-request-id":
                    given = value.decode("latin-1")
                elif name == b"traceparent":
                    parents.append(value.decode("latin-1"))
                else:
                    incoming = scope["incoming"] = Incoming(receive, _LONG_BODIES.get(part.kind, limits))
        request_id = trace.sane_request_id(given)
        # Two parents are none: nobody can say which is meant.
        parent = parents[0] if len(parents) == 1 else None
        status: int | None = None
        span = spans.start_request(scope["method"], parent) if spans.is_on() else None
        _, token = trace.start(request_id, parent if span is None else span.traceparent)
        id_value = request_id.encode()
        token_of_part = caller.set(part)

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                started: Any = message
                status = started["status"]
                started["headers"] = with_security(started.get("headers", ()), fixed, id_value)
                if incoming is not None:
                    incoming.answering = True
            await send(message)

        try:
            if len(named) != 1 or hosts is not None or not named[0]:
                check_host(named, hosts, scope["path"], scope["http_version"])
            await app(scope, receive if incoming is None else incoming.receive, answer)
        except (errors.InvalidHost, errors.WrongHost) as error:
            await _refuse(scope, answer, error)
        finally:
            caller.reset(token_of_part)
            trace.end(token)
            if span is not None:
                spans.end_request(span, scope.get("path_template"), status)

    return front


async def _refuse(scope: Any, send: Send, error: errors.MerchantError) -> None:
    """Answer with a problem, before any door or route has seen the request."""
    languages = [value.decode("latin-1") for name, value in scope["headers"] if name == b"accept-language"]
    problem = web.problem(error, texts.language_of(languages[0] if languages else None))
    body: bytes = problem.content
    headers = [(b"content-type", b"application/problem+json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
