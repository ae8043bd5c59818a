"""Around the whole application: every answer carries `x-request-id`, whatever answers and however.

Raw ASGI, since the hottest doors pass here too: a few microseconds a request.
"""

from typing import Any

from litestar.types import ASGIApp, Message, Receive, Send

from merchant.core import trace


def with_context(app: ASGIApp) -> ASGIApp:
    """The application, each of its requests under an id (the caller's `x-request-id`, or new) and in a trace."""

    async def front(scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        given, parents = "", []
        for name, value in scope["headers"]:
            if name == b"x-request-id":
                given = value.decode("latin-1")
            elif name == b"traceparent":
                parents.append(value.decode("latin-1"))
        request_id = trace.sane_request_id(given)
        # Two parents are none: nobody can say which is meant.
        _, token = trace.start(request_id, parents[0] if len(parents) == 1 else None)
        header = (b"x-request-id", request_id.encode())

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                started: Any = message
                started["headers"] = [*started.get("headers", ()), header]
            await send(message)

        try:
            await app(scope, receive, answer)
        finally:
            trace.end(token)

    return front
