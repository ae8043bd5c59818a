"""The first half of the demo: makers apply for four shops and 200 businesses, the worker screens, checkers approve.

Everything goes over HTTP as staff would do it; the applications of the two owners on the UN list stay undecided.
"""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import aiohttp
import click
from msgspec import Struct

from merchant.core.access import Role
from merchant.core.service import Service
from merchant.demo.api import Api
from merchant.demo.businesses import businesses
from merchant.demo.own_shops import SHOPS
from merchant.demo.world import CURRENCY, DemoUser, DemoWorld, add_people, new_password
from qr.posters import Sticker, sheet_pdf
from qr.text import fit

_AT_ONCE = 8  # as many people at work at the same time; more only queue for two cores
_SCREENING_TIMEOUT_S = 60
_NAME_CHARS = 60  # of a legal name that stands for a trading name on a sticker; some have over a hundred
T = TypeVar("T")


class _Staff(Struct, frozen=True):
    """Who works at the DFSPs, signed in."""

    writing: dict[str, Api]
    deciding: dict[str, Api]


async def onboard(service: Service, world: DemoWorld, http: aiohttp.ClientSession, data_dir: Path) -> None:
    """Fill the registry, the demo's own shops first, and print the QR codes, twelve a sheet."""
    begun = time.perf_counter()
    makers, checkers = {}, {}
    for dfsp in world.dfsps:
        fsp_id = dfsp["fsp_id"]
        makers[fsp_id] = await _person(world, http, Role.DFSP_MAKER, fsp_id)
        checkers[fsp_id] = await _person(world, http, Role.DFSP_CHECKER, fsp_id)
    staff = _Staff(makers, checkers)
    own = await _onboard_shops(service, world, staff)
    click.echo(f"  the demo can be looked at while the background fills: {world.base_url}/demo")
    fsp_ids = list(makers)
    cases = [(fsp_ids[index % len(fsp_ids)], sections) for index, sections in enumerate(businesses(CURRENCY))]
    background = await _take_on(staff, cases, "applications written and submitted by the makers")
    background.sort(key=lambda merchant: merchant["id"])
    await _let_merchants_in(service, world, background, http)
    world.merchants = background + own
    sheet = await _print_sheet(world, makers, data_dir)
    click.echo(f"  {len(world.merchants)} merchants have numbers; QR codes to print: {sheet}")
    click.echo(f"  onboarding took {time.perf_counter() - begun:.1f} s")


async def _onboard_shops(service: Service, world: DemoWorld, staff: _Staff) -> list[dict[str, Any]]:
    """The demo's own shops, each with an owner who can sign in, in the order of SHOPS."""
    made = await _take_on(staff, [(shop.dfsp, shop.sections) for shop in SHOPS], "shops of the demo's own people")
    by_name = {merchant["trading_name"]: merchant for merchant in made}
    dfsp_ids = {dfsp["fsp_id"]: UUID(dfsp["id"]) for dfsp in world.dfsps}
    for shop in SHOPS:
        merchant = by_name[shop.sections["business"]["trading_name"]] | {"shop": shop.key}
        people = [(shop.owner, Role.MERCHANT_OWNER), *([(shop.cashier, Role.MERCHANT_CASHIER)] if shop.cashier else [])]
        users = [
            (DemoUser(email, new_password(), [role], shop.dfsp, merchant=merchant["trading_name"]), name)
            for (name, email), role in people
        ]
        await add_people(service, users, dfsp_id=dfsp_ids[shop.dfsp], merchant_id=UUID(merchant["id"]))
        world.users += [user for user, _name in users]
        world.merchants.append(merchant)
    return list(world.merchants)


async def _take_on(staff: _Staff, cases: Sequence[tuple[str, dict[str, Any]]], title: str) -> list[dict[str, Any]]:
    """Makers apply, the worker screens, checkers decide; the merchants that came of it, as demo.json tells them."""
    made: list[dict[str, Any]] = []

    async def apply(case: tuple[str, dict[str, Any]]) -> tuple[str, str]:
        fsp_id, sections = case
        opened = await staff.writing[fsp_id].post("/api/v1/applications", sections)
        await staff.writing[fsp_id].post(f"/api/v1/applications/{opened['id']}/submit")
        return fsp_id, opened["id"]

    submitted = await _all(title, cases, apply)

    async def decide(case: tuple[str, str]) -> str | None:
        fsp_id, application_id = case
        checker = staff.deciding[fsp_id]
        application = await _screened(checker, application_id)
        for hit in _hits(application):
            if hit["hit"]["band"] == "likely":
                return f"{application['business']['legal_name']}: {_why_held(hit)}"
            word = {"decision": "false_positive", "reason": "Compared with the list entry: only one word is alike."}
            await checker.post(f"/api/v1/applications/{application_id}/hits/{hit['id']}", word)
        if _hits(application):
            click.echo(f"  cleared by the checker as not the listed one: {application['business']['legal_name']}")
        approval = {"version_hash": application["version_hash"]}
        approved = await checker.post(f"/api/v1/applications/{application_id}/approve", approval)
        made.append(
            {
                "id": approved["merchant_id"],
                "trading_name": application["business"]["trading_name"],
                "dfsp": fsp_id,
                "tier": approved["tier"],
                "counters": [{"id": point["id"], "alias": point["alias"]} for point in approved["counters"]],
            }
        )
        return None

    outcomes = await _all("screened, then approved by the checkers", submitted, decide)
    for held in filter(None, outcomes):
        click.echo(f"  held   {held}")
    return made


async def _let_merchants_in(
    service: Service, world: DemoWorld, merchants: Sequence[dict[str, Any]], http: aiohttp.ClientSession
) -> None:
    """The first merchant of each DFSP gets an owner, a cashier and a key for its till."""
    for dfsp in world.dfsps:
        admin = await _person(world, http, Role.DFSP_ADMIN, dfsp["fsp_id"])
        merchant = next(one for one in merchants if one["dfsp"] == dfsp["fsp_id"])
        people = []
        for title, role in (("owner", Role.MERCHANT_OWNER), ("cashier", Role.MERCHANT_CASHIER)):
            email = f"{title}@shop.{dfsp['fsp_id']}.example"
            user = DemoUser(email, new_password(), [role], dfsp["fsp_id"], merchant=merchant["trading_name"])
            people.append((user, f"{title.title()} of {merchant['trading_name'][:80]}"))
        await add_people(service, people, dfsp_id=UUID(dfsp["id"]), merchant_id=UUID(merchant["id"]))
        world.users += [user for user, _name in people]
        scopes = ["merchants:read", "payments:read", "payments:request", "webhooks:write", "events:read"]
        key = await admin.post("/api/v1/api-keys", {"name": "till", "scopes": scopes, "merchant_id": merchant["id"]})
        world.api_keys.append(
            {"key": key["key"], "scopes": scopes, "dfsp": dfsp["fsp_id"], "merchant_id": merchant["id"]}
        )


async def _person(world: DemoWorld, http: aiohttp.ClientSession, role: Role, dfsp: str | None) -> Api:
    user = world.user(role, dfsp)
    return await Api.sign_in(http, world.base_url, user.email, user.password)


async def _screened(checker: Api, application_id: str) -> Any:
    deadline = time.monotonic() + _SCREENING_TIMEOUT_S
    while time.monotonic() < deadline:
        application = await checker.get(f"/api/v1/applications/{application_id}")
        if application["state"] != "submitted":
            return application
        await asyncio.sleep(0.1)
    raise TimeoutError(f"application {application_id} was not screened in {_SCREENING_TIMEOUT_S} s")


def _hits(application: Any) -> list[Any]:
    return [hit for hit in application["report"]["hits"] if not hit["hit"]["set_aside"]]


def _why_held(hit: Any) -> str:
    return f"{hit['path']} is like {hit['hit']['matched_name']} on the UN list (score {hit['hit']['score']:.2f})"


async def _print_sheet(world: DemoWorld, makers: dict[str, Api], data_dir: Path) -> Path:
    async def sticker(merchant: dict[str, Any]) -> Sticker:
        counter = merchant["counters"][0]
        payload = await makers[merchant["dfsp"]].text(f"/api/v1/counters/{counter['id']}/qr?format=payload")
        return Sticker(payload=payload, name=fit(merchant["trading_name"], _NAME_CHARS), number=counter["alias"])

    stickers = await _all("QR codes made", world.merchants, sticker)
    path = data_dir / "qr-codes.pdf"
    path.write_bytes(await asyncio.to_thread(sheet_pdf, stickers))
    return path


async def _all(title: str, items: Iterable[Any], do: Callable[[Any], Awaitable[T]]) -> list[T]:
    """Run `do` over all items, a few at once, with a counter in the terminal."""
    todo = list(items)
    slots, count = asyncio.Semaphore(_AT_ONCE), 0
    shown = sys.stdout.isatty()

    async def one(item: Any) -> T:
        nonlocal count
        async with slots:
            result = await do(item)
        count += 1
        if shown or count % 50 == 0 or count == len(todo):
            click.echo(f"\r  {count:3}/{len(todo)} {title}", nl=not shown or count == len(todo))
        return result

    return await asyncio.gather(*(one(item) for item in todo))
