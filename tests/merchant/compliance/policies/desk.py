"""Someone of the hub or of a DFSP at the routes of policies, and texts that they write."""

from typing import Any

import httpx

from tests.builders import Person

POLICIES = "/api/v1/policies"
HALVED = """
extends = "generic"
version = "2026.2-half"
[tiers.T3]
limits = { per_payment = 5000, per_day = 50000, per_month = 500000, payments_per_day = 10000 }
"""
STRICTER = "[tiers.T3]\nlimits = { per_payment = 600, per_day = 2000, per_month = 15000, payments_per_day = 300 }\n"
LOOSER = "[tiers.T3]\nlimits = { per_payment = 20000, per_day = 50000, per_month = 500000, payments_per_day = 10000 }\n"
ASKS_FOR_MORE = """
extends = "generic"
version = "2026.3"
[checks.site]
type = "site_visit"
by = ["agent_visit"]
says = "Have someone visit the business."
[tiers.T3.requires]
all = ["site", "business.tax_id"]
[answers]
"business.tax_id" = "Give the tax number."
"""


class Desk:
    """A person at the API."""

    def __init__(self, client: httpx.AsyncClient, headers: dict[str, str]) -> None:
        self.client, self.headers = client, headers

    async def get(self, path: str = "", **filters: Any) -> httpx.Response:
        return await self.client.get(f"{POLICIES}{path}", params=filters, headers=self.headers)

    async def post(self, path: str = "", body: Any = None) -> httpx.Response:
        return await self.client.post(f"{POLICIES}{path}", json=body, headers=self.headers)

    async def propose(self, text: str, layer: str = "scheme", **more: Any) -> dict[str, Any]:
        answer = await self.post(body={"layer": layer, "text": text, **more})
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def publish(self, policy: dict[str, Any]) -> dict[str, Any]:
        answer = await self.post(f"/{policy['id']}/publish")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


def at(client: httpx.AsyncClient, person: Person) -> Desk:
    """A person's desk."""
    return Desk(client, person.headers)


def refused(answer: httpx.Response) -> tuple[int, str]:
    """The status and code of a refusal."""
    return answer.status_code, answer.json()["code"]


def faults(answer: httpx.Response) -> str:
    """The messages of the fields that are wrong."""
    return " | ".join(one["message"] for one in answer.json()["errors"])
