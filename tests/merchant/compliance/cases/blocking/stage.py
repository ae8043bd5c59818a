"""The people of a hub who block merchants, and what owners of one try afterwards."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import httpx

from merchant.core.access import Role
from merchant.core.service import Service
from merchant.registry.merchants.models import Merchant
from tests import builders
from tests.builders import Person, World
from tests.kyb.lists.samples import DAY
from tests.merchant.compliance.lists.stage import confirm, put, somebody

WHY = {"reason_code": "excessive_fraud", "reason": "Njeri Wanjiku sold what she did not have."}
LET_GO = {"reason": "The court freed her."}


class Hub:
    """Four people of the hub, and their calls."""

    def __init__(self, client: httpx.AsyncClient, people: Sequence[Person]) -> None:
        self.client, self.people = client, people

    async def block(self, merchant: Merchant, who: int, **changed: str) -> httpx.Response:
        """Ask to block a merchant, as the first, second, … person."""
        return await self._post(merchant.id, "block", WHY | changed, self.people[who])

    async def unblock(self, merchant: Merchant, who: int) -> httpx.Response:
        """Ask to let a merchant go."""
        return await self._post(merchant.id, "unblock", LET_GO, self.people[who])

    async def blocked(self, merchant: Merchant) -> None:
        """Block a merchant by two people."""
        for who in (0, 1):
            answer = await self.block(merchant, who)
            assert answer.status_code == 200, answer.text
        assert answer.json()["state"] == "blocked"

    async def _post(self, merchant_id: UUID, name: str, body: Any, who: Person) -> httpx.Response:
        return await self.client.post(f"/api/v1/merchants/{merchant_id}/{name}", json=body, headers=who.headers)


async def open_hub(client: httpx.AsyncClient, service: Service, world: World) -> Hub:
    """A hub with an operator and three checkers."""
    people = [world.operator]
    for name in ("second", "third", "fourth"):
        await builders.add_person(service, f"{name}@hub.example", [Role.HUB_CHECKER])
        people.append(await builders.signed_in(service, f"{name}@hub.example"))
    return Hub(client, people)


def seller(account: str = "0100-200300") -> dict[str, Any]:
    """A street seller with an account, as JSON."""
    account_of = {"account_id": account, "account_name": "Njeri Wanjiku", "currency": "KES"}
    return builders.seller() | {"settlement_account": account_of}


def another(document: dict[str, Any], *kept: str) -> dict[str, Any]:
    """Another seller, who has these answers of the first one: "owner", "phone", "account"."""
    new = seller("0999-111222")
    if "owner" in kept:
        new["owners"][0]["id_number"] = document["owners"][0]["id_number"]
    if "phone" in kept:
        new["contact"]["phone"] = document["contact"]["phone"]
    if "account" in kept:
        new["settlement_account"] = document["settlement_account"]
    return new


async def submit(
    client: httpx.AsyncClient, service: Service, maker: Person, document: dict[str, Any]
) -> httpx.Response:
    """Open an application and submit it."""
    made = await builders.create_application(service, maker, document)
    return await client.post(f"/api/v1/applications/{made.id}/submit", headers=maker.headers)


async def list_blocked(service: Service, *rows: str) -> None:
    """Put a block list in force, by two people; a row is `kind,value,reason`."""
    content = "\n".join(["kind,value,reason,added_on,expires_on", *(f"{row},{DAY},2036-01-01" for row in rows)])
    await confirm(service, await put(service, "blocklist", f"{content}\n".encode()), somebody())


async def state_of(service: Service, merchant: Merchant) -> str:
    """The state of a merchant."""
    async with service.db.system_reads() as tx:
        found: str = await tx.fetchval("SELECT state FROM merchant WHERE id = $1", merchant.id)
    return found


async def recorded(service: Service, action: str, dfsp_id: UUID) -> list[dict[str, Any]]:
    """What a chain of the audit record tells of an action: who, of what, and the detail as text."""
    async with service.db.system_reads() as tx:
        rows = await tx.fetch(
            "SELECT actor_kind, actor_id, subject_type, subject_id, detail::text AS detail FROM audit_entry"
            " WHERE action = $1 AND dfsp_id = $2 ORDER BY seq",
            action,
            dfsp_id,
        )
    return [dict(row) for row in rows]
