"""A stand-in for the service of a register: a real HTTP server that answers as told, and keeps what it is asked."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Reply = int | str | bytes | dict[str, Any]


@dataclass
class StandInRegister:
    """Answers the replies in their order, the last one for ever: a status, a text, or JSON. `hangs` answers nothing."""

    port: int = 0
    replies: list[Reply] = field(default_factory=list)
    hangs: bool = False
    asked: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        """Where it is asked."""
        return f"http://127.0.0.1:{self.port}/look-up"

    async def take(self, request: web.Request) -> web.StreamResponse:
        """One request."""
        self.asked.append(await request.json())
        self.headers.append({name.lower(): value for name, value in request.headers.items()})
        if self.hangs:
            await self.ended.wait()
            return web.Response(status=503)
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if isinstance(reply, int):
            return web.Response(status=reply, headers={"location": self.url} if reply == 302 else {})
        if isinstance(reply, dict):
            return web.json_response(reply)
        return web.Response(body=reply if isinstance(reply, bytes) else reply.encode())

    @asynccontextmanager
    async def running(self) -> AsyncIterator["StandInRegister"]:
        """Up while the block runs, on its port or on a free one."""
        app = web.Application()
        app.router.add_post("/look-up", self.take)
        runner = web.AppRunner(app, shutdown_timeout=0)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", self.port)
            await site.start()
            self.port = runner.addresses[0][1]
            yield self
        finally:
            self.ended.set()
            await runner.cleanup()
