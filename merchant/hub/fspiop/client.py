"""Sends one FSPIOP message over HTTP: headers, signature, bounded time and bounded answer.

The outbox worker calls `send` outside any transaction. Signing runs in a small thread pool, since an
RSA signature costs as much CPU as the rest of the message.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import aiohttp
from yarl import URL

from merchant.core import clock, trace
from merchant.hub.envelopes import OutgoingMessage as OutgoingMessage
from merchant.hub.envelopes import SendResult as SendResult
from merchant.hub.fspiop.error_codes import bad_news_of
from merchant.hub.fspiop.headers import outbound_headers
from merchant.hub.fspiop.jws import SigningKey, fspiop_uri, sign
from merchant.hub.fspiop.messages import read_error
from merchant.hub.port import HubUnreachable

CONNECT_TIMEOUT_S: Final = 3.0
# Hubs answer 202 before they act; Mojaloop's own services give up after 3 to 30 s.
ANSWER_TIMEOUT_S: Final = 10.0
ANSWER_BYTES_MAX: Final = 64 * 1024
SIGNING_THREADS: Final = 2

_TIMEOUT = aiohttp.ClientTimeout(total=ANSWER_TIMEOUT_S, connect=CONNECT_TIMEOUT_S)
_signers = ThreadPoolExecutor(SIGNING_THREADS, thread_name_prefix="fspiop-sign")


# There was no connection, so the peer read nothing.
_NO_CONNECTION = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL)


async def send(
    http: aiohttp.ClientSession,
    base_url: str,
    message: OutgoingMessage,
    key: SigningKey | None,
    extra_headers: dict[str, str] | None = None,
) -> SendResult:
    """Send a message and return the answer, whatever its status; redirects are not followed.

    The message carries the current trace context (core/trace.py). Bodies are signed when a key is given (FSPIOP signs
    nothing without a body). `extra_headers` are not signed, such as a proxy's secret. Raises HubUnreachable when no
    answer came.
    """
    headers = await _signed_headers(message, key) | (extra_headers or {})
    try:
        async with http.request(
            message.method,
            URL(base_url.rstrip("/") + message.path, encoded=True),
            data=message.body,
            headers=headers,
            skip_auto_headers=("Accept", "User-Agent"),
            allow_redirects=False,
            timeout=_TIMEOUT,
        ) as response:
            if response.status < 400:
                return SendResult(response.status)
            return _refusal(response.status, await _read_bounded(response))
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        reason = f"{message.method} {message.resource}: {type(error).__name__}"
        raise HubUnreachable(reason, never_left=isinstance(error, _NO_CONNECTION)) from error


async def _signed_headers(message: OutgoingMessage, key: SigningKey | None) -> dict[str, str]:
    headers = outbound_headers(
        method=message.method,
        resource=message.resource,
        source=message.source,
        destination=message.destination,
        date=clock.now(),
        version=message.version,
        accept=message.accept,
        traceparent=trace.traceparent(),
    )
    if key is None or message.body is None:
        return headers
    uri, body = fspiop_uri(message.path), message.body
    signature = await asyncio.get_running_loop().run_in_executor(
        _signers,
        lambda: sign(
            key,
            method=message.method,
            uri=uri,
            source=message.source,
            destination=message.destination,
            body=body,
            date=headers["Date"],
        ),
    )
    return headers | {
        "FSPIOP-Signature": signature,
        "FSPIOP-URI": uri,
        "FSPIOP-HTTP-Method": message.method,
    }


async def _read_bounded(response: aiohttp.ClientResponse) -> bytes:
    """At most ANSWER_BYTES_MAX of the answer; the connection is dropped rather than drained."""
    answer = bytearray()
    async for chunk in response.content.iter_chunked(ANSWER_BYTES_MAX):
        answer += chunk
        if len(answer) > ANSWER_BYTES_MAX:
            response.close()
            break
    return bytes(answer[:ANSWER_BYTES_MAX])


def _refusal(status: int, answer: bytes) -> SendResult:
    error = read_error(answer)
    return SendResult(status, *error, news=bad_news_of(error[0])) if error else SendResult(status)
