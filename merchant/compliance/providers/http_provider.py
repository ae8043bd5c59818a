"""A provider over HTTP: one POST of JSON a request to MERCHANT_EVIDENCE_URL, which a DFSP or hub puts before registers.

Sent: {"attribute", "facts"} and the request's id as Idempotency-Key. Taken: {"outcome", "code", "reference",
"expires_on"} with status 200. A time-out, another status and whatever cannot be read are NoVerdict.
"""

import asyncio
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

import aiohttp
import msgspec
from msgspec import Meta, Struct

from merchant.compliance.providers.port import NoVerdict, Request, Verdict
from merchant.core import logs

_TIMEOUT = aiohttp.ClientTimeout(total=15, connect=5)  # a register that takes longer is asked again later
_ANSWER_MAX_BYTES = 16_384  # an answer is four short fields
_TOKEN_MAX_BYTES = 4096


class _Answer(Struct, frozen=True):
    """An answer; what it holds besides is not read."""

    outcome: Literal["verified", "rejected", "inconclusive", "unavailable"]
    code: Annotated[str, Meta(pattern=r"^([a-z][a-z0-9_]{0,63})?\Z")] | None = None
    reference: Annotated[str, Meta(max_length=64)] | None = None
    expires_on: date | None = None


class HttpProvider:
    """The provider of a URL, with the token in a file, if any, which may be replaced while the service runs."""

    def __init__(self, http: aiohttp.ClientSession, url: str, token_file: str) -> None:
        self._http, self._url, self._token_file = http, url, token_file

    async def look_up(self, request: Request) -> Verdict | NoVerdict:
        """The verdict that the URL answers."""
        body = msgspec.json.encode({"attribute": request.attribute, "facts": request.facts})
        headers = {"content-type": "application/json", "accept": "application/json", "idempotency-key": request.id}
        try:
            if self._token_file:
                headers["authorization"] = f"Bearer {await asyncio.to_thread(_read_token, self._token_file)}"
            raw = await self._exchange(body, headers)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            return NoVerdict(logs.describe(error))
        return raw if isinstance(raw, NoVerdict) else _verdict(raw)

    async def _exchange(self, body: bytes, headers: dict[str, str]) -> bytes | NoVerdict:
        # A redirect would take the facts, and the token, to a place that nobody has set.
        sending = self._http.post(self._url, data=body, headers=headers, timeout=_TIMEOUT, allow_redirects=False)
        async with sending as response:
            if response.status != 200:
                return NoVerdict(f"the provider answered {response.status}")
            raw = bytearray()
            async for piece in response.content.iter_any():
                raw += piece
                if len(raw) > _ANSWER_MAX_BYTES:
                    return NoVerdict("the provider's answer is too long")
            return bytes(raw)


def _verdict(raw: bytes) -> Verdict | NoVerdict:
    """The verdict in an answer. What does not fit the form is none: a guess could verify somebody."""
    try:
        answer = msgspec.json.decode(raw, type=_Answer)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return NoVerdict("the provider's answer has another form")
    if answer.outcome == "unavailable":
        return NoVerdict("the provider says that its register is unavailable")
    return Verdict(answer.outcome, answer.code or "", answer.reference, answer.expires_on)


def _read_token(path: str) -> str:
    """The token in a file. Raises OSError, ValueError for what no header can carry."""
    with Path(path).open("rb") as file:
        text = file.read(_TOKEN_MAX_BYTES).decode("ascii").strip()
    if not text or not text.isprintable() or " " in text:
        raise ValueError("MERCHANT_EVIDENCE_TOKEN_FILE holds no token")
    return text
