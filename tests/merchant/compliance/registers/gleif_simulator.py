"""A simulator of GLEIF's API on this machine: it knows the entities it is given, and fails as it is told to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from tests.merchant.compliance.registers.stage import Entity


class Gleif:
    """What it holds and was asked for; status, body, or silence stand in for its own answer."""

    def __init__(self) -> None:
        self.entities: dict[str, Entity] = {}
        self.asked: list[str] = []
        self.status = 200
        self.body: bytes | None = None
        self.headers: dict[str, str] = {}
        self.hold: asyncio.Event | None = None
        self.url = ""

    def know(self, one: Entity) -> None:
        """Hold an entity from now on."""
        self.entities[one[0]] = one

    async def answer(self, request: web.Request) -> web.Response:
        """GET /lei-records/{lei}."""
        lei = request.match_info["lei"]
        self.asked.append(lei)
        if self.hold is not None:
            await self.hold.wait()
        if self.body is not None or self.status != 200:
            return web.Response(status=self.status, body=self.body or b"", headers=self.headers)
        if (found := self.entities.get(lei)) is None:
            return web.json_response({"errors": [{"status": "404", "title": "Not Found"}]}, status=404)
        return web.json_response(document(found))


def document(one: Entity) -> dict[str, Any]:
    """An entity as the API tells it."""
    lei, name, other, country, status, registration, renewal = one
    return {
        "data": {
            "type": "lei-records",
            "id": lei,
            "attributes": {
                "lei": lei,
                "entity": {
                    "legalName": {"name": name, "language": "en"},
                    "otherNames": [{"name": other}] if other else [],
                    "transliteratedOtherNames": [],
                    "legalAddress": {"country": country},
                    "status": status,
                },
                "registration": {"status": registration, "nextRenewalDate": renewal or None},
            },
        }
    }


@asynccontextmanager
async def running_gleif() -> AsyncIterator[Gleif]:
    """The simulator, listening; its address is `url`."""
    gleif = Gleif()
    app = web.Application()
    app.router.add_get("/api/v1/lei-records/{lei}", gleif.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    try:
        await site.start()
        gleif.url = f"http://127.0.0.1:{runner.addresses[0][1]}/api/v1"
        yield gleif
    finally:
        await runner.cleanup()
