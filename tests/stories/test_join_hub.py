"""A hub that was never heard of is joined: addresses set, keys exchanged, a look-up tried, and a shop gets paid.

Everything passes over HTTP as a hub's staff would do it; the simulated hub is a stranger who signs with its own keys
and believes only keys that were registered with it. Nothing of the demo's setting-up is used.
"""

import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from msgspec.structs import replace

from merchant.core.service import Service, open_service
from merchant.core.settings import Settings
from merchant.demo.simulator import SimulatorConfig
from merchant.payments.callbacks import fspiop_door
from merchant.payments.probe import Step, probe_hub
from merchant.payments.routes import ROUTES as PAYMENT_ROUTES
from merchant.programs.app import with_doors
from merchant.programs.runtime import serving
from merchant.programs.worker import Worker
from merchant.registry.oracle.routes import oracle_door
from merchant.scheme.routes import ROUTES as SCHEME_ROUTES
from tests import builders
from tests.apps import app_on
from tests.builders import GATEWAY_SECRET, SECRET_KEY, World
from tests.merchant.demo.simulator.conftest import FAST, free_port, new_journal, running_simulator
from tests.stories.town import until

pytestmark = pytest.mark.anyio
PAYER = "254711000001"
FSP_ID = "greenbankfsp"
ROUTES = [*PAYMENT_ROUTES, *SCHEME_ROUTES, fspiop_door, oracle_door]


class Office:
    """The hub's staff, with a token and a browser's worth of HTTP."""

    def __init__(self, service: Service, url: str, world: World, http: aiohttp.ClientSession, hub_url: str) -> None:
        self.service, self.url, self.world, self.http, self.hub_url = service, url, world, http, hub_url
        self.dfsp_path = f"/api/v1/dfsps/{world.dfsp_ids[FSP_ID]}"

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """One call of the API as the operator."""
        sent = self.world.operator.headers | {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.http.request(method, self.url + path, json=body, headers=sent) as response:
            assert response.status < 300, await response.text()
            return await response.json()

    async def test(self, party: tuple[str, str] | None = ("MSISDN", PAYER), **settings: Any) -> list[Step]:
        """`merchant hub test`, a process of its own."""
        async with open_service(replace(self.service.settings, **settings), self.service.settings.database_url) as own:
            return [step async for step in probe_hub(own, FSP_ID, party, timeout_s=settings.pop("timeout_s", 10))]


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    """A service on a database that was only seeded, and a hub that knows nothing of it."""
    settings = Settings(
        secret_key=SECRET_KEY,
        gateway_secret=GATEWAY_SECRET,
        data_dir=tmp_path,
        port=free_port(),
        database_url=database_url,
        database_pool_size=4,
        worker_poll_s=0.05,
        require_totp=False,
    )
    config = SimulatorConfig(
        service_url=settings.base_url, journal_path=new_journal(tmp_path), gateway_secret=GATEWAY_SECRET, timings=FAST
    )
    async with open_service(settings, database_url) as service:
        world = await builders.load_world(service)
        async with (
            serving(with_doors(app_on(service)), settings.host, settings.port),
            running_simulator(config, free_port()) as hub_url,
            Worker(service).running(),
            aiohttp.ClientSession() as http,
        ):
            yield Office(service, settings.base_url, world, http, hub_url)


async def set_address(office: Office) -> None:
    """Where the hub is: one host, and another for look-ups, as hubs have them."""
    dfsp = await office.call("GET", office.dfsp_path)
    await office.call(
        "PATCH",
        office.dfsp_path,
        {"hub_url": office.hub_url, "hub_urls": {"parties": office.hub_url.replace("127.0.0.1", "localhost")}},
        if_match=f'"{dfsp["version"]}"',
    )


async def take_their_keys(office: Office, *, but: str = "") -> None:
    """What a hub's administrator sends by mail."""
    async with office.http.get(f"{office.hub_url}/control/keys") as response:
        for theirs in await response.json():
            if theirs["fsp_id"] != but:
                key = {"fsp_id": theirs["fsp_id"], "public_pem": theirs["public_key_pem"]}
                await office.call("POST", "/api/v1/hub/keys", key)


async def give_our_key(office: Office) -> None:
    """What we send to the hub's administrator."""
    [ours] = (await office.call("GET", f"/api/v1/hub/keys?fsp_id={FSP_ID}"))["items"]
    about = {"callback_url": f"{office.url}/fspiop", "public_key_pem": ours["public_pem"]}
    async with office.http.put(f"{office.hub_url}/control/fsps/{FSP_ID}", json=about) as response:
        assert response.status == 200, await response.text()


async def test_a_hub_is_joined_from_a_seeded_installation_and_a_shop_gets_paid(office: Office) -> None:
    [*_, last] = await office.test()
    assert (last.name, "MERCHANT_HUB_URL" in str(last.problem)) == ("hub", True)
    await set_address(office)
    [*_, last] = await office.test()
    assert (last.name, "merchant hub key import" in str(last.problem)) == ("hub's keys", True)
    await take_their_keys(office)
    [*_, last] = await office.test()
    assert (last.name, "3200" in str(last.problem)) == ("status", True), "the hub does not know us yet"
    await give_our_key(office)
    steps = await office.test()
    assert [step.problem for step in steps] == [None] * 8
    assert [step.name for step in steps][-4:] == ["request", "status", "answer", "signature"]
    assert ("mobilemoney" in steps[-2].seen, steps[-1].seen) == (True, "good, by a key of mobilemoney")
    again = await office.test()
    assert [step.name for step in again if step.problem] == [], "an answer like the one before is found too"

    _, counters = await builders.create_merchant(office.service, office.world)
    own = await office.test(None)
    assert "3204" in own[-3].seen, "this hub's look-ups ask no oracle"
    assert (own[-2].problem, own[-1].name) == (None, "number")
    assert f"{office.url}/oracle" in str(own[-1].problem)
    key = await builders.issue_key(office.service, office.world[FSP_ID]["admin"], ["payments:read", "payments:request"])
    body = {
        "counter_id": str(counters[0].id),
        "amount": {"amount": "12.5", "currency": "USD"},
        "payer": {"type": "MSISDN", "id": PAYER},
    }
    sent = key | {"idempotency-key": uuid.uuid4().hex}
    async with office.http.post(f"{office.url}/api/v1/payment-requests", json=body, headers=sent) as response:
        assert response.status == 201, await response.text()
        asked = await response.json()

    async def paid() -> dict[str, Any] | None:
        async with office.http.get(f"{office.url}/api/v1/payment-requests/{asked['id']}", headers=key) as response:
            shown = await response.json()
        return dict(shown) if shown["state"] == "paid" else None

    assert (await until(paid, "the shop is paid"))["late"] is False


async def test_an_answer_that_cannot_be_verified_is_missed_and_pointed_out(office: Office) -> None:
    await set_address(office)
    await take_their_keys(office, but="mobilemoney")
    await give_our_key(office)
    async with open_service(office.service.settings, office.service.settings.database_url) as own:
        steps = [step async for step in probe_hub(own, FSP_ID, ("MSISDN", PAYER), timeout_s=1)]
    assert (steps[-1].name, "message_refused" in str(steps[-1].problem)) == ("answer", True)


async def test_a_number_that_nobody_has_and_a_hub_that_is_not_there(office: Office) -> None:
    await set_address(office)
    await take_their_keys(office)
    await give_our_key(office)
    unknown = await office.test(("MSISDN", "254711000009"))
    assert ("3204" in unknown[-2].seen, unknown[-1].problem) == (True, None), "the way there and back is good"
    dfsp = await office.call("GET", office.dfsp_path)
    gone = {"hub_urls": {"parties": f"http://127.0.0.1:{free_port()}"}}
    await office.call("PATCH", office.dfsp_path, gone, if_match=f'"{dfsp["version"]}"')
    [*_, last] = await office.test()
    assert (last.name, "could not be reached" in str(last.problem)) == ("status", True)
    assert [step.problem is None for step in await office.test(None, require_signatures=False)][-1] is False
