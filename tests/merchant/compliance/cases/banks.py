"""What the tests of live merchants' cases need: a DFSP whose staff act through the API, and lists that change."""

import base64
from typing import Any

import httpx

from merchant.core.access import Role
from merchant.core.service import Service
from tests import builders
from tests.builders import World

HEADER = "id,kind,name,aliases,birth_date,country,id_number,reason\n"


class Bank:
    """The staff of one DFSP."""

    def __init__(self, client: httpx.AsyncClient, service: Service, world: World, fsp_id: str) -> None:
        self.client, self.service, self.staff = client, service, world[fsp_id]

    async def ask(self, method: str, path: str, body: Any = None, who: str = "maker", **headers: str) -> httpx.Response:
        """What the API answers to one of the staff."""
        signed = {**self.staff[who].headers, **headers}
        return await self.client.request(method, f"/api/v1/{path}", json=body, headers=signed)

    async def send(self, method: str, path: str, body: Any = None, who: str = "maker", **headers: str) -> Any:
        """The same, which must succeed."""
        answer = await self.ask(method, path, body, who, **headers)
        assert answer.is_success, answer.text
        return answer.json()

    async def refused(self, method: str, path: str, body: Any = None, who: str = "maker") -> tuple[int, str]:
        """The status and code of a refusal."""
        answer = await self.ask(method, path, body, who)
        assert answer.is_error, answer.text
        return answer.status_code, answer.json()["code"]

    async def open_case(self, merchant_id: Any, kind: str, **given: Any) -> str:
        """The path of a new case of a merchant."""
        made = await self.send("POST", f"merchants/{merchant_id}/cases", {"kind": kind, **given})
        return f"cases/{made['id']}"

    async def submit(self, case: str) -> None:
        """Submit a case and screen it."""
        await self.send("POST", f"{case}/submit")
        await builders.work(self.service)

    async def approve(self, case: str, who: str = "checker") -> None:
        """Approve what the checker reads, and run what follows."""
        read = await self.send("GET", case, who=who)
        await self.send("POST", f"{case}/approve", {"version_hash": read["version_hash"]}, who)
        await builders.work(self.service)

    async def decide(self, case: str) -> None:
        """Submit, screen and approve a case."""
        await self.submit(case)
        await self.approve(case)

    async def patch(self, case: str, body: Any) -> httpx.Response:
        """Write over sections of a case as it stands now."""
        tag = (await self.ask("GET", case)).headers["etag"]
        return await self.ask("PATCH", case, body, **{"if-match": tag})


async def put_list(service: Service, client: httpx.AsyncClient, world: World, *rows: str) -> None:
    """Put an own list in force, by two people of the hub, and run what follows."""
    content = base64.b64encode((HEADER + "\n".join(rows) + "\n").encode()).decode()
    operator = world.operator.headers
    put = await client.post("/api/v1/screening-lists", json={"form": "own", "content": content}, headers=operator)
    assert put.status_code == 201, put.text
    await builders.add_person(service, f"second{len(rows[0])}@hub.example", [Role.HUB_CHECKER])
    second = await builders.signed_in(service, f"second{len(rows[0])}@hub.example")
    confirmed = await client.post(f"/api/v1/screening-lists/{put.json()['id']}/confirm", headers=second.headers)
    assert confirmed.status_code == 200, confirmed.text
    await builders.work(service)
