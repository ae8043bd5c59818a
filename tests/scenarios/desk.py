"""The people of greenbankfsp at the API, as the acceptance scenarios of tiered KYB have them act."""

from typing import Any

import httpx

from merchant.core.service import Service
from tests import builders
from tests.builders import World

DFSP = "greenbankfsp"


class Desk:
    """Makers and checkers of one DFSP; whoever signs in does so now, since days pass in some scenarios."""

    def __init__(self, client: httpx.AsyncClient, service: Service, world: World) -> None:
        self.client, self.service, self.world = client, service, world

    async def headers(self, who: str) -> dict[str, str]:
        return (await builders.signed_in(self.service, f"{who}@{DFSP}.example")).headers

    async def get(self, path: str, who: str = "checker") -> Any:
        answer = await self.client.get(f"/api/v1/{path}", headers=await self.headers(who))
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, path: str, body: Any = None, who: str = "maker", status: int = 200) -> Any:
        answer = await self.client.post(f"/api/v1/{path}", json=body, headers=await self.headers(who))
        assert answer.status_code == status, answer.text
        return answer.json()

    async def refused(self, path: str, body: Any = None, who: str = "maker") -> tuple[int, str]:
        """The status and code of a refusal."""
        answer = await self.client.post(f"/api/v1/{path}", json=body, headers=await self.headers(who))
        assert answer.status_code >= 400, answer.text
        return answer.status_code, answer.json()["code"]

    async def submitted(self, document: dict[str, Any]) -> str:
        """The path of an application under review."""
        row = await builders.create_application(self.service, self.world[DFSP]["maker"], document, submitted=True)
        return f"applications/{row.id}"

    async def merchant(self, document: dict[str, Any]) -> str:
        """The path of a merchant that was approved."""
        row, _ = await builders.create_merchant(self.service, self.world, DFSP, document=document)
        return f"merchants/{row.id}"

    async def case(self, merchant: str, **body: Any) -> str:
        """The path of a case that was opened for a merchant and is not submitted yet."""
        return f"cases/{(await self.post(f'{merchant}/cases', body, status=201))['id']}"

    async def submit(self, path: str) -> None:
        await self.post(f"{path}/submit")
        await builders.work(self.service)

    async def approve(self, path: str, who: str = "checker", reason: str | None = None) -> httpx.Response:
        body = {"version_hash": (await self.get(path))["version_hash"]}
        body |= {"reason": reason} if reason else {}
        return await self.client.post(f"/api/v1/{path}/approve", json=body, headers=await self.headers(who))

    async def approved(self, path: str, who: str = "checker") -> Any:
        answer = await self.approve(path, who)
        assert answer.status_code == 200, answer.text
        return answer.json()


def paths(requirements: list[dict[str, Any]]) -> set[str]:
    """Where the requirements of a list stand."""
    return {one["path"] for one in requirements}


def sole_proprietor(**business: Any) -> dict[str, Any]:
    """A seller with all that the second tier asks for but a licence and its account."""
    document = builders.seller(kind="sole_proprietor", **business)
    document["owners"][0]["birth_date"] = "1984-05-17"
    return document
