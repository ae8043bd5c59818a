"""The second half of the demo: requests accepted, refused, never answered and paid late, and one code scanned.

The terminal tells what happened with ids and times; everything goes over HTTP, to the service and to the simulated hub.
"""

import asyncio
import time
from collections.abc import Awaitable
from typing import Any

import aiohttp
import click
from msgspec import Struct

from merchant.demo.api import Api, ApiProblem
from merchant.demo.world import CURRENCY, DemoWorld

# The last digit chooses how the simulated payer behaves (docs/contract.md, Simulator); the last one is set to `ask`.
PAYERS = {
    "accept": "254711000001",
    "reject": "254711000002",
    "silent": "254711000003",
    "late": "254711000004",
    "twice": "254711000005",
    "reorder": "254711000006",
    "amount": "254711000007",
    "drop": "254711000008",
    "unknown": "254711000009",
    "ask": "254711000010",
}
_PATIENCE_S = 30.0


# The phone of which someone on the demo's wall holds the keypad; the control makes it wait for their answer.
HELD_PHONE = PAYERS["ask"]


class Scene(Struct, frozen=True):
    """One request of the demo, and the state it must end in."""

    title: str
    shop: str  # of own_shops.py
    behaviour: str
    amount: str
    note: str
    expires_in_s: int = 300
    end: str = "paid"


SCENES = (
    Scene("asked for money, the customer agrees", "stall", "accept", "1.50", "Ndizi na maembe"),
    Scene("asked for money, the customer says no", "cafeteria", "reject", "6.80", "Deux cafés", end="rejected"),
    Scene("asked for money, the customer never answers", "pharmacy", "silent", "4.25", "အားဆေး", 4, "expired"),
    Scene("asked for money, the customer pays too late", "company", "late", "48.90", "Two cooking pots", 4),
    Scene("asked for money, the customer agrees", "cafeteria", "accept", "3.40", "Two coffees with milk"),
    Scene("asked for money, every message comes twice", "pharmacy", "twice", "7.15", "ချောင်းဆိုးပျောက်ဆေး"),
    Scene("asked for money, messages come out of order", "company", "reorder", "89", "Kettle, glasses"),
)
SCANNED = ("stall", "0.80", "Papai mbili")


async def show_payments(world: DemoWorld, http: aiohttp.ClientSession) -> None:
    """Play the scenes and tell how each ended."""
    begun = time.perf_counter()
    shops = {merchant["shop"]: merchant for merchant in world.merchants if "shop" in merchant}
    keys = {
        key["dfsp"]: Api(http, world.base_url, {"x-api-key": key["key"]})
        for key in world.api_keys
        if "merchant_id" not in key
    }
    click.echo("payments through the simulated hub:")
    async with asyncio.TaskGroup() as scenes:
        for scene in SCENES:
            merchant = shops[scene.shop]
            scenes.create_task(_told(scene.title, _play(scene, merchant, keys[merchant["dfsp"]])))
        scanned = shops[SCANNED[0]]
        scenes.create_task(_told("a shopper scans a code", _scan(world, scanned, keys[scanned["dfsp"]], http)))
    click.echo(f"  payments took {time.perf_counter() - begun:.1f} s")


async def _told(title: str, scene: Awaitable[None]) -> None:
    """Play a scene; one that goes wrong is told, and the others go on."""
    try:
        await scene
    except (TimeoutError, ApiProblem) as problem:
        click.echo(f"  {title}: not as expected: {problem}")


async def _play(scene: Scene, merchant: dict[str, Any], api: Api) -> None:
    request = await api.post(
        "/api/v1/payment-requests",
        {
            "counter_id": merchant["counters"][0]["id"],
            "payer": {"type": "MSISDN", "id": PAYERS[scene.behaviour]},
            "amount": {"amount": scene.amount, "currency": CURRENCY},
            "reference": f"demo-{scene.behaviour}",
            "note": scene.note,
            "expires_in_s": scene.expires_in_s,
        },
    )
    ended = await _wait_for(api, request["id"], scene.end)
    late = ", late" if ended["late"] else ""
    why = f" — {ended['reason']['message']}" if ended["reason"] else ""
    events = await api.get(f"/api/v1/payment-requests/{request['id']}/events")
    click.echo(
        f"  {scene.title}: {merchant['trading_name'][:30]}, {scene.amount} {CURRENCY}\n"
        f"    {_route(events)}\n"
        f"    ended {ended['state']}{late}{why}\n"
        f"    request {ended['id']}  transfer {ended['hub']['transfer_id'] or '-'}"
    )


async def _wait_for(api: Api, request_id: str, end: str) -> Any:
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        request = await api.get(f"/api/v1/payment-requests/{request_id}")
        if request["state"] == end:
            return request
        if time.monotonic() > deadline:
            raise TimeoutError(f"request {request_id} should have become {end} but is {request['state']}")
        await asyncio.sleep(0.1)


def _route(events: Any) -> str:
    return " → ".join(f"{event['state']} {event['at'][11:23]}" for event in events["items"])


async def _scan(world: DemoWorld, merchant: dict[str, Any], api: Api, http: aiohttp.ClientSession) -> None:
    """A shopper scans a counter's printed code and pays without being asked."""
    counter, (_shop, amount, note) = merchant["counters"][0], SCANNED
    payload = await api.text(f"/api/v1/counters/{counter['id']}/qr?format=payload")
    purchase = {"qr_payload": payload, "amount": amount, "currency": CURRENCY, "note": note}
    async with http.post(f"{world.simulator_url}/shoppers/{PAYERS['accept']}/pay", json=purchase) as response:
        transaction_id = (await response.json())["transaction_id"]
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        payments = await api.get(f"/api/v1/payments?counter_id={counter['id']}")
        arrived = [one for one in payments["items"] if one["hub"]["transaction_id"] == transaction_id]
        if arrived:
            break
        if time.monotonic() > deadline:
            raise TimeoutError(f"the scanned payment {transaction_id} did not arrive")
        await asyncio.sleep(0.1)
    name = merchant["trading_name"][:30]
    click.echo(
        f"  a shopper scans the code of number {counter['alias']}: {name}, {amount} {CURRENCY}\n"
        f"    received {arrived[0]['received_at'][11:23]} from {arrived[0]['payer']}\n"
        f"    payment {arrived[0]['id']}  transfer {arrived[0]['hub']['transfer_id']}"
    )
