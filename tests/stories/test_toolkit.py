"""A Mojaloop Testing Toolkit that runs somewhere judges the service: its own JavaScript, its own server.

MERCHANT_TEST_TOOLKIT_URL names its admin API, such as http://127.0.0.1:5050; its hub listens on port 4040 of the same
machine. Without it this is skipped: the toolkit is a Node program of 900 packages. What it found is what
tests/merchant/payments/test_toolkit_collections.py finds without it.
"""

import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import aiohttp
import pytest

from merchant.core.service import open_service
from merchant.core.settings import Settings
from merchant.payments.callbacks import fspiop_door
from merchant.programs.app import create_app, with_doors
from merchant.programs.runtime import serving
from merchant.programs.worker import Worker
from tests import builders
from tests.builders import SECRET_KEY
from tests.merchant.demo.simulator.conftest import free_port
from tests.merchant.payments.test_toolkit_collections import COLLECTIONS, MISSES
from tests.paths import VECTORS

ADMIN = os.environ.get("MERCHANT_TEST_TOOLKIT_URL", "").rstrip("/")
HUB_PORT = 4040
FSP_ID = "greenbankfsp"
pytestmark = [
    pytest.mark.anyio,
    pytest.mark.slow,
    pytest.mark.skipif(not ADMIN, reason="no toolkit runs here (MERCHANT_TEST_TOOLKIT_URL)"),
]


@pytest.fixture
async def inputs(database_url: str, tmp_path: Path) -> AsyncIterator[dict[str, str]]:
    """A service whose hub is the toolkit, and the values that the collections are run with."""
    settings = Settings(
        secret_key=SECRET_KEY,
        data_dir=tmp_path,
        port=free_port(),
        hub_url=f"http://{urlsplit(ADMIN).hostname}:{HUB_PORT}",
        require_signatures=False,  # a toolkit as it comes signs nothing
        worker_poll_s=0.05,
        require_totp=False,
    )
    async with open_service(settings, database_url) as service:
        world = await builders.load_world(service)
        _, [counter, *_] = await builders.create_merchant(service, world, FSP_ID)
        async with service.db.system() as tx:
            # The collections expect COMMITTED of us, and name no destination.
            await tx.execute("UPDATE dfsp SET transfer_mode = 'COMMITTED', enabled = fsp_id = $1", FSP_ID)
        given = json.loads((VECTORS / "ttk" / "environment.json").read_text())["inputValues"]
        async with (
            serving(with_doors(create_app(service, [fspiop_door])), settings.host, settings.port),
            Worker(service).running(),
        ):
            await answer_to(f"{settings.base_url}/fspiop")
            yield given | {"toIdType": "ALIAS", "toIdValue": counter.alias, "toFspId": FSP_ID}


async def answer_to(url: str) -> None:
    """Tell the toolkit where the DFSP under test is."""
    async with aiohttp.ClientSession() as http, http.get(f"{ADMIN}/api/config/user") as response:
        config = (await response.json())["stored"]
        async with http.put(f"{ADMIN}/api/config/user", json=config | {"CALLBACK_ENDPOINT": url}) as changed:
            assert changed.status == 200, await changed.text()


async def report(collection: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Request, assertion and verdict of everything that the toolkit tried."""
    url = f"{ADMIN}/api/outbound/template/{uuid4().int % 10**12}?sync=true"
    async with aiohttp.ClientSession() as http, http.post(url, json=collection) as response:
        assert response.status == 200, await response.text()
        found = await response.json()
    return [
        (sent["request"]["description"], one["description"], one["resultStatus"]["status"])
        for case in found["test_cases"]
        for sent in case["requests"]
        for one in sent["request"]["tests"]["assertions"]
    ]


@pytest.mark.parametrize(("name", "assertions"), COLLECTIONS.items())
async def test_the_toolkit_finds_what_the_suite_finds_without_it(
    inputs: dict[str, str], name: str, assertions: int
) -> None:
    collection = json.loads((VECTORS / "ttk" / f"{name}.json").read_text())
    verdicts = await report(collection | {"inputValues": inputs})
    sent = {request for request, _, _ in verdicts}
    assert {(request, one) for request, one, verdict in verdicts if verdict != "SUCCESS"} == {
        miss for miss in MISSES if miss[0] in sent
    }
    assert len(verdicts) == assertions
