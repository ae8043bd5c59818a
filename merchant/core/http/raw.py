"""Raw ASGI for the hottest paths, /oracle, /fspiop and /ussd: a bounded body, and answers without a framework between.

/oracle and /fspiop let in the hub's proxy only, by a shared secret, or programs of this machine where none is set (a
DFSP's batch of participants comes with its API key instead), and answer problems as FSPIOP error bodies. /ussd answers
them as plain text, without the FSPIOP code.
"""

import hmac
from collections.abc import Mapping
from typing import Any

import msgspec
from litestar.types import Receive, Scope, Send
from prometheus_client import Counter

from merchant.core import errors, evidence
from merchant.core.evidence import SecurityEvent
from merchant.core.host_names import is_loopback
from merchant.core.http import json as web
from merchant.core.http import source
from merchant.core.service import Service
from merchant.core.settings import Settings

_answers = Counter("merchant_door_answers", "Answers of /fspiop, /oracle and /ussd by status.", ["status"])
MAX_BODY_BYTES = 5 * 1024 * 1024  # FSPIOP API definition 1.1, section 3.2.1: 5 MiB
JSON = (b"content-type", b"application/json")


class Call(msgspec.Struct, frozen=True):
    """One request: method, path below the mount (still percent-decoded once), headers in lower case, body."""

    method: str
    path: str
    raw_path: str
    query: str
    headers: dict[str, str]
    body: bytes


class Refused(Exception):
    """Answer with an HTTP status and an FSPIOP error."""

    def __init__(self, status: int, error_code: str, description: str) -> None:
        super().__init__(description)
        self.status = status
        self.error_code = error_code
        self.description = description[:128]

    def body(self) -> bytes:
        """The FSPIOP error body."""
        return error_body(self.error_code, self.description)


_CUT_OFF = "The body was cut off; send it again whole."
_CLOSING = (408, 413)  # the rest of the body is not read


def error_body(error_code: str, description: str) -> bytes:
    """FSPIOP errorInformation as JSON."""
    return msgspec.json.encode({"errorInformation": {"errorCode": error_code, "errorDescription": description[:128]}})


def check_gateway(service: Service, scope: Scope, headers: Mapping[str, str], *, local_too: bool = False) -> None:
    """Let in only the hub's proxy, by its secret; without one set, or with `local_too`, programs of this machine.

    A proxy of this machine passes on whoever comes: what carries a header of forwarding, or reaches a service that
    has a public address, is never taken for a program of this machine. Nor is a browser that another site's page sends.
    Raises Refused, which is noted.
    """
    settings = service.settings
    if settings.gateway_secret:
        given = headers.get("x-gateway-secret", "").encode("latin-1")
        if hmac.compare_digest(given, settings.gateway_secret.encode()):
            return
        refused = Refused(401, "3000", "The x-gateway-secret header is missing or wrong.")
    else:
        refused = Refused(403, "3000", "Set MERCHANT_GATEWAY_SECRET to let in callers from elsewhere, or by a proxy.")
    if (local_too or not settings.gateway_secret) and _is_own_program(settings, scope, headers):
        return
    address = source.client_address(scope, headers, settings)
    evidence.note(service, SecurityEvent.GATEWAY_REFUSED, source=address, path=scope["path"].split("/")[1])
    raise refused


def _is_own_program(settings: Settings, scope: Scope, headers: Mapping[str, str]) -> bool:
    """Whether a program of this machine asks, on a service that only this machine reaches.

    Not a browser on behalf of another site's page: it says so in headers that no page can change.
    """
    site = headers.get("sec-fetch-site")
    by_page = "origin" in headers if site is None else site not in ("none", "same-origin")
    local = settings.is_local and is_loopback(source.peer_of(scope))
    return local and not by_page and not source.was_forwarded(headers)


def headers_of(scope: Scope) -> dict[str, str]:
    """Headers with lower-case names, as text."""
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}


async def read_call(
    scope: Any, receive: Receive, headers: dict[str, str], mount: str, most_bytes: int = MAX_BODY_BYTES
) -> Call:
    """The request with its body. Raises Refused when the body is too large, is cut off or does not come in time."""
    length = headers.get("content-length", "")
    if length.isdigit() and int(length) > most_bytes:
        raise Refused(413, "3104", f"The body is larger than {most_bytes} bytes.")
    has_body = length not in ("", "0") or "transfer-encoding" in headers  # HTTP/1.1; to ask the server costs time
    body = await _read_body(receive, most_bytes) if has_body else b""
    raw_path = scope.get("raw_path", b"").decode("latin-1").partition("?")[0]
    path = scope["path"]
    return Call(
        method=scope["method"],
        path=path.removeprefix(mount),
        raw_path=raw_path.partition(mount)[2] if mount in raw_path else raw_path,
        query=scope.get("query_string", b"").decode("latin-1"),
        headers=headers,
        body=body,
    )


async def _read_body(receive: Receive, most_bytes: int) -> bytes:
    chunks: list[bytes] = []
    size, more = 0, True
    while more:
        try:
            message: Any = await receive()
        except errors.BodyTimeout:
            raise Refused(408, "2004", "The rest of the body did not come in time; send it again.") from None
        except errors.BodyCut:
            raise Refused(400, "3101", _CUT_OFF) from None
        if message["type"] == "http.disconnect":
            raise Refused(400, "3101", _CUT_OFF)
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > most_bytes:
            raise Refused(413, "3104", f"The body is larger than {most_bytes} bytes.")
        chunks.append(chunk)
        more = message.get("more_body", False)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


async def respond_passing(send: Send, service: Service, error: Exception) -> bool:
    """Answer a fault that passes by itself, with an FSPIOP error and Retry-After; False for any other fault.

    FSPIOP 1.1, section 7.6: 2003 is "service currently unavailable", 2005 "server busy".
    """
    passing = web.passing_problem(service, error)
    if passing is None:
        return False
    code = "2003" if isinstance(passing, errors.Unavailable) else "2005"
    retry = (b"retry-after", passing.headers["retry-after"].encode())
    await respond(send, 503, error_body(code, str(passing.title)), more=(retry,))
    return True


async def respond(
    send: Send,
    status: int,
    body: bytes = b"",
    content_type: tuple[bytes, bytes] = JSON,
    more: tuple[tuple[bytes, bytes], ...] = (),
) -> None:
    """Send an answer; an empty body carries no content type. `more` are further headers."""
    _answers.labels(str(status)).inc()
    headers = [(b"content-length", str(len(body)).encode()), *more]
    if body:
        headers.append(content_type)
    if status in _CLOSING:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
