"""A request's body as it comes in: whole and in time, or not at all.

Without an end a body that never comes would hold its connection for ever; and a body that was cut off still looks like
a shorter one: a form of half an amount. Doors and routes alike read through here.
"""

import asyncio
from typing import Any

from litestar.types import Receive
from msgspec import Struct

from merchant.core import errors


class BodyLimits(Struct, frozen=True):
    """How long a body may take. The two seconds of a bad mobile network pass; who sends a byte a minute does not."""

    stall_s: float = 10.0  # between two chunks
    whole_s: float = 30.0  # 5 MiB, the largest body of a message, at 1.4 Mbit/s


class Incoming:
    """The body of one request. After it, the server's own messages pass: `http.disconnect` ends a live stream."""

    __slots__ = ("_ends_at", "_receive", "_stall_s", "answering", "is_whole")

    def __init__(self, receive: Receive, limits: BodyLimits) -> None:
        self._receive = receive
        self._stall_s = limits.stall_s
        self._ends_at = asyncio.get_running_loop().time() + limits.whole_s
        self.is_whole = False
        self.answering = False  # the answer has begun: too late for a problem

    def allow(self, whole_s: float) -> None:
        """Let this body take longer than others: it is a file."""
        self._ends_at = max(self._ends_at, asyncio.get_running_loop().time() + whole_s)

    async def receive(self) -> Any:
        """The next ASGI message. Raises BodyTimeout, BodyCut."""
        if self.is_whole:
            return await self._receive()
        now = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout_at(min(now + self._stall_s, self._ends_at)):
                message: Any = await self._receive()
        except TimeoutError:
            if self.answering:
                return {"type": "http.disconnect"}
            raise errors.BodyTimeout(headers={"connection": "close"}) from None
        if message["type"] == "http.disconnect" and not self.answering:
            raise errors.BodyCut
        self.is_whole = not message.get("more_body", False)
        return message
