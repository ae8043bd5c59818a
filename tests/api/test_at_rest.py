"""Personal data at rest: canaries go into every field that people fill in and stand in clear in these columns only."""

from typing import Any

import asyncpg
import httpx
import pytest

from merchant.core.evidence import EventBuffer
from merchant.core.service import Service
from tests import builders
from tests.api.everything import listed_company
from tests.builders import World

pytestmark = pytest.mark.anyio

# What may be read in the database by who holds it, and why.
IN_CLEAR = {
    # Names of businesses, places and tills are public: signs, receipts and codes carry them.
    "application.trading_name",
    "application.legal_name",
    "merchant.trading_name",
    "merchant.legal_name",
    "merchant.ussd_name",
    "location.name",
    "location.city",
    "merchant.city",
    "counter.name",
    # The words of these names, folded.
    "merchant_search.words",
    "search_key.key",
    "search_key.word",
    # Found by equality or by parts of it, from within transactions of payments and onboarding.
    "application.external_ref",
    "payment_request.reference",
    # Names and addresses of staff, by which they sign in and are told apart.
    "app_user.email",
    "app_user.name",
    "api_key.name",
    # What merchants write to their customers and hooks (DECISIONS 41).
    "payment_request.note",
    "webhook_endpoint.url",
    "webhook_delivery.body",
}


def canary(name: str) -> str:
    """A value that is found again whatever surrounds it."""
    return f"Kanari{name}"


def document() -> dict[str, Any]:
    found = listed_company()
    found["business"] |= {
        "trading_name": canary("Trading"),
        "legal_name": canary("Legal"),
        "ussd_name": canary("Ussd"),
        "registration_number": canary("Register7"),
        "tax_id": canary("Tax7"),
    }
    found["owners"][0] |= {"id_number": canary("Id7"), "phone": "+254711777001", "email": "kanari.owner@example.org"}
    given, family = canary("Given"), canary("Family")
    another = {"given_name": given, "family_name": family, "birth_date": "1988-05-04", "id_type": "national_id"}
    found["owners"].append(another | {"id_number": canary("Id8")})
    found["contact"] = {"name": canary("Contact"), "phone": "+254711777002", "email": "kanari.contact@example.org"}
    found["locations"][0] |= {
        "name": canary("Place"),
        "city": canary("City"),
        "address_lines": [canary("Street")],
        "postal_code": canary("Zip")[:12],
        "latitude": -1.2920661,
        "longitude": 36.8219462,
        "counters": [{"name": canary("Till")}],
    }
    found["settlement_account"] = {
        "account_id": canary("Account"),
        "account_name": canary("Holder"),
        "currency": "USD",
    }
    return found | {"external_ref": canary("Ref")}


WORDS = ("Kanari", "kanari", "KANARI", "254711777", "1951-06-19", "al-Zawahiri", "Zawahiri", "1.2920661", "36.8219462")


async def live_a_life(client: httpx.AsyncClient, service: Service, world: World) -> None:
    """Fill in everything that people fill in, and decide on it in every way."""
    staff, numbers = world["greenbankfsp"], iter(range(1000))

    async def post(path: str, body: Any, who: str, status: int = 200) -> Any:
        headers = {**staff[who].headers, "idempotency-key": f"k{next(numbers)}"}
        answered = await client.post(f"/api/v1/{path}", json=body, headers=headers)
        assert answered.status_code == status, answered.text
        return answered.json()

    applications = []
    for external_ref in ("", "2", "3"):
        body = document() | {"external_ref": canary("Ref") + external_ref}
        made = await post("applications", body, "maker", 201)
        await post(f"applications/{made['id']}/submit", None, "maker")
        applications.append(f"applications/{made['id']}")
    await builders.work(service)
    approved, rejected, returned = applications
    for one in applications:
        read = (await client.get(f"/api/v1/{one}", headers=staff["checker"].headers)).json()
        for hit in read["report"]["hits"]:
            verdict = {"decision": "false_positive", "reason": canary("Hit")}
            for who in ("checker", "checker2"):
                await post(f"{one}/hits/{hit['id']}", verdict, who)
    await post(f"{rejected}/reject", {"reason": canary("Reject")}, "checker")
    items = [{"path": "owners[0]", "reason": canary("Return")}]
    await post(f"{returned}/return", {"items": items}, "checker")
    await post(f"{approved}/reveal", {"path": "owners[0].id_number", "reason": "review"}, "checker")
    read = (await client.get(f"/api/v1/{approved}", headers=staff["checker"].headers)).json()
    merchant = await post(f"{approved}/approve", {"version_hash": read["version_hash"]}, "checker")
    counter = merchant["counters"][0]["id"]
    await post(f"merchants/{merchant['merchant_id']}/restrict", {"reason": canary("Restrict")}, "checker")
    await post(f"counters/{counter}/stickers", {"reason": canary("Sticker")}, "maker", 201)
    owner = await builders.issue_key(service, staff["admin"], ["payments:request", "webhooks:write"])
    headers = {**owner, "idempotency-key": "pay"}
    asked = {
        "counter_id": counter,
        "amount": {"amount": "2.50", "currency": "KES"},
        "payer": {"type": "MSISDN", "id": "254711777003"},
        "reference": canary("Reference"),
        "note": canary("Note"),
    }
    hook = {"url": f"https://shop.example/{canary('Hook')}"}
    assert (await client.post("/api/v1/webhook-endpoints", json=hook, headers=headers)).status_code == 201
    assert (await client.post("/api/v1/payment-requests", json=asked, headers=headers)).status_code == 201
    await service.shared(EventBuffer).store()


async def columns_with(url: str, words: tuple[str, ...]) -> dict[str, set[str]]:
    """Every column of every table in which one of the words stands, in text, in JSON or in bytes, with the words."""
    owner = await asyncpg.connect(url)
    try:
        names = await owner.fetch(
            "SELECT table_name, column_name, data_type FROM information_schema.columns c JOIN pg_tables t"
            " ON t.tablename = c.table_name AND t.schemaname = c.table_schema WHERE table_schema = 'public'"
        )
        found: dict[str, set[str]] = {}
        for table, column, kind in names:
            text = f"encode({column}, 'escape')" if kind == "bytea" else f"{column}::text"
            for word in words:
                if await owner.fetchval(f"SELECT EXISTS (SELECT FROM {table} WHERE {text} LIKE $1)", f"%{word}%"):
                    found.setdefault(f"{table}.{column}", set()).add(word)
        return found
    finally:
        await owner.close()


async def test_no_canary_stands_in_clear_but_where_it_is_said_to(
    client: httpx.AsyncClient, service: Service, world: World, database_url: str
) -> None:
    await live_a_life(client, service, world)
    found = await columns_with(database_url, WORDS)
    assert {name: words for name, words in found.items() if name not in IN_CLEAR} == {}
    assert "application.trading_name" in found
