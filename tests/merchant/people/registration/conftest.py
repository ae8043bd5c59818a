"""The door at which merchants register: what a person sends, and the messages that they read."""

import itertools
import re
from typing import Any

import httpx
import pytest

from merchant.core.service import Service
from tests import builders
from tests.builders import World

_phones = itertools.count(700_100_001)


def wrong(code: str) -> str:
    """Another code than this one."""
    return f"{(int(code) + 1) % 1_000_000:06}"


class Door:
    """A person at the door, without any account; `world.operator` reads the messages that were kept."""

    def __init__(self, client: httpx.AsyncClient, service: Service, world: World) -> None:
        self.client, self.service, self.world = client, service, world
        self.dfsp_id = str(world.dfsp_ids["greenbankfsp"])

    def phone(self) -> dict[str, str]:
        """A telephone that nobody has used yet."""
        return {"phone": f"+254{next(_phones)}"}

    async def ask(self, address: dict[str, str], **headers: str) -> httpx.Response:
        """Ask for a code, and let the worker send it."""
        sent = await self.client.post("/api/v1/one-time-codes", json=address, headers=headers)
        await builders.work(self.service)
        return sent

    async def messages(self, address: dict[str, str]) -> list[str]:
        """What was sent to an address, newest first."""
        kept = await self.client.get("/api/v1/outgoing-mail?limit=100", headers=self.world.operator.headers)
        [to] = address.values()
        return [one["text"] for one in kept.json()["items"] if one["to"] == to]

    async def code(self, address: dict[str, str]) -> str:
        """A fresh code, as the person reads it."""
        sent = await self.ask(address)
        assert (sent.status_code, sent.json()) == (202, {"status": "accepted"}), sent.text
        [code] = re.findall(r"\b[0-9]{6}\b", (await self.messages(address))[0])
        return str(code)

    async def send(self, address: dict[str, str], code: str, **changes: Any) -> httpx.Response:
        """Register with a code."""
        body = {**address, "code": code, "dfsp_id": self.dfsp_id, "name": "Njeri Wanjiku", **changes}
        return await self.client.post("/api/v1/registrations", json=body)

    async def register(self, address: dict[str, str], **changes: Any) -> "Applicant":
        """Register with a fresh code."""
        made = await self.send(address, await self.code(address), **changes)
        assert made.status_code == 201, made.text
        return Applicant(self, address, made.json())

    async def sign_in(self, address: dict[str, str], code: str) -> httpx.Response:
        """Sign in by a code."""
        return await self.client.post("/api/v1/sessions/code", json={**address, "code": code})

    async def fetch(self, sql: str, *values: Any) -> list[Any]:
        """Rows as the service sees them."""
        async with self.service.db.system_reads() as tx:
            return await tx.fetch(sql, *values)


class Applicant:
    """Somebody who registered, with their session."""

    def __init__(self, door: Door, address: dict[str, str], session: dict[str, Any]) -> None:
        self.door, self.address, self.session = door, address, session
        self.headers = {"authorization": f"Bearer {session['access_token']}"}
        self.id = session["user"]["id"]

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """Call a route of theirs."""
        options = {"json": body} if body is not None else {}
        return await self.door.client.request(method, f"/api/v1/{path}", headers={**self.headers, **headers}, **options)

    async def read(self) -> dict[str, Any]:
        """Their application."""
        found = await self.call("GET", "my-application")
        assert found.status_code == 200, found.text
        return dict(found.json())

    async def write(self, sections: dict[str, Any]) -> httpx.Response:
        """Write sections over what is there."""
        read = await self.call("GET", "my-application")
        return await self.call("PATCH", "my-application", sections, **{"if-match": read.headers["etag"]})

    async def fill_in(self) -> None:
        """Write everything that a street seller is asked."""
        document = builders.seller()
        document["contact"] |= self.address
        written = await self.write(document)
        assert written.status_code == 200, written.text

    async def hand_in(self) -> dict[str, Any]:
        """Hand it in."""
        handed = await self.call("POST", "my-application/hand-in")
        assert handed.status_code == 200, handed.text
        return dict(handed.json())

    async def approved(self) -> dict[str, Any]:
        """Let a maker submit it and a checker approve; what the approval made."""
        await self.fill_in()
        handed = await self.hand_in()
        await staff(self.door, "maker", f"applications/{handed['id']}/submit")
        await builders.work(self.door.service)
        read = await staff(self.door, "checker", f"applications/{handed['id']}", method="GET")
        body = {"version_hash": read["version_hash"]}
        return await staff(self.door, "checker", f"applications/{handed['id']}/approve", body)


async def staff(door: Door, title: str, path: str, body: Any = None, *, method: str = "POST", status: int = 200) -> Any:
    """What staff of the first DFSP do."""
    options = {"json": body} if body is not None else {}
    headers = door.world["greenbankfsp"][title].headers
    answered = await door.client.request(method, f"/api/v1/{path}", headers=headers, **options)
    assert answered.status_code == status, answered.text
    return answered.json()


@pytest.fixture
def door(client: httpx.AsyncClient, service: Service, world: World) -> Door:
    return Door(client, service, world)
