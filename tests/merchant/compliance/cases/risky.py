"""A case that several people decide on, through the API, and a company that is riskier than most."""

from typing import Any

import httpx

from merchant.core.service import Service
from tests import builders
from tests.builders import World


def high_risk_company() -> dict[str, Any]:
    """A bar with a branch in a country under increased monitoring."""
    document = builders.company(mcc="5813")
    document["locations"].append({"country": "SS", "city": "Juba"})
    return document


class Desk:
    """An application under review, and the staff around it, who sign in anew whenever they act."""

    def __init__(self, client: httpx.AsyncClient, service: Service, application_id: object) -> None:
        self.client, self.service = client, service
        self.path = f"/api/v1/applications/{application_id}"

    @classmethod
    async def open(cls, client: httpx.AsyncClient, service: Service, world: World, document: dict[str, Any]) -> "Desk":
        made = await builders.create_application(service, world.maker, document, submitted=True)
        return cls(client, service, made.id)

    async def send(self, who: str, method: str, path: str = "", body: Any = None, status: int = 200) -> Any:
        person = await builders.signed_in(self.service, who if "@" in who else f"{who}@greenbankfsp.example")
        response = await self.client.request(method, self.path + path, json=body, headers=person.headers)
        assert response.status_code == status, response.text
        return response.json()

    async def read(self) -> Any:
        return await self.send("auditor", "GET")

    async def approve(self, who: str, status: int = 200) -> Any:
        body = {"version_hash": (await self.read())["version_hash"]}
        return await self.send(who, "POST", "/approve", body, status)

    async def set_risk(self, who: str, band: str, until: str | None = None, status: int = 201) -> Any:
        body = {"band": band, "reason": "We know them."} | ({"until": until} if until else {})
        return await self.send(who, "POST", "/risk", body, status)

    async def decide_hits(self, decision: str, who: str) -> Any:
        """Decide on all hits; the last answer."""
        answer = None
        for hit in (await self.read())["report"]["hits"]:
            answer = await self.send(who, "POST", f"/hits/{hit['id']}", {"decision": decision, "reason": "Seen."})
        return answer
