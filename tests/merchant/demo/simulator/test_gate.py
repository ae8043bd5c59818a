"""What the simulated hub refuses at its gate: as strict as the real ones, whatever comes."""

import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from merchant.core import ids
from merchant.demo.simulator import SimulatorConfig
from merchant.demo.simulator.simulation import public_key_pem
from merchant.hub.fspiop.client import OutgoingMessage
from merchant.hub.fspiop.jws import load_signing_key
from tests.merchant.demo.simulator.conftest import (
    FAST,
    free_port,
    new_ec_key,
    new_journal,
    running_stub_and_simulator,
)
from tests.merchant.demo.simulator.stub_dfsp import FSP_ID, StubDfsp

pytestmark = pytest.mark.anyio

TRANSFERS = "application/vnd.interoperability.transfers+json;version=1.1"
HEADERS = {
    "Content-Type": TRANSFERS,
    "Date": "Sun, 22 Nov 2026 12:34:56 GMT",
    "FSPIOP-Source": FSP_ID,
    "FSPIOP-Destination": "mobilemoney",
}


@pytest.fixture(scope="module")
async def stub(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[StubDfsp]:
    """One world for the whole module: nothing here depends on what was before."""
    port = free_port()
    config = SimulatorConfig(
        service_url=f"http://127.0.0.1:{port}",
        journal_path=new_journal(tmp_path_factory.mktemp("gate")),
        timings=FAST,
    )
    async with running_stub_and_simulator(config, free_port(), port, new_ec_key()) as stub:
        yield stub


async def raw(stub: StubDfsp, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> tuple[int, Any]:
    async with stub.http.request(
        method, stub.simulator_url + path, headers=headers, data=body, skip_auto_headers=("Accept",)
    ) as response:
        text = await response.text()
        return response.status, json.loads(text) if text else None


def code_of(answer: Any) -> str:
    return str(answer["errorInformation"]["errorCode"])


async def test_an_unsigned_body_is_3105(stub: StubDfsp) -> None:
    status, answer = await raw(
        stub, "PUT", "/quotes/1", HEADERS | {"Content-Type": TRANSFERS.replace("transfers", "quotes")}, b"{}"
    )
    assert (status, code_of(answer)) == (400, "3105")


async def test_a_body_signed_with_another_key_is_3105(stub: StubDfsp) -> None:
    other = load_signing_key(new_ec_key(), "other")
    result = await stub.send(OutgoingMessage("PUT", "/quotes/1", FSP_ID, "mobilemoney", b"{}"), other)
    assert (result.status, result.error_code) == (400, "3105")


async def test_a_stranger_is_refused(stub: StubDfsp) -> None:
    result = await stub.send(OutgoingMessage("GET", "/parties/MSISDN/255700000001", "stranger"))
    assert (result.status, result.error_code) == (400, "3200")


async def test_a_wildcard_accept_on_a_put_is_refused_as_mojaloop_does(stub: StubDfsp) -> None:
    status, answer = await raw(stub, "PUT", "/transfers/1", HEADERS | {"Accept": "*/*"}, b"{}")
    assert (status, code_of(answer)) == (400, "3101")


@pytest.mark.parametrize("name", ["Date", "FSPIOP-Source", "Content-Type"])
async def test_a_missing_header_is_3102(stub: StubDfsp, name: str) -> None:
    headers = {key: value for key, value in HEADERS.items() if key != name}
    url = stub.simulator_url + "/transfers/1"
    async with (
        aiohttp.ClientSession(skip_auto_headers=("Content-Type",)) as http,
        http.put(url, headers=headers, data=b"{}") as response,
    ):
        assert response.status == 400
        assert code_of(await response.json()) == "3102"


async def test_an_unknown_version_is_406(stub: StubDfsp) -> None:
    status, answer = await raw(
        stub, "PUT", "/transfers/1", HEADERS | {"Content-Type": TRANSFERS.replace("1.1", "7.0")}, b"{}"
    )
    assert (status, code_of(answer)) == (406, "3001")


@pytest.mark.parametrize(
    ("path", "resource", "body", "code"),
    [
        ("/transfers/1", "transfers", b"{", "3101"),
        ("/transfers/1", "transfers", b'{"transferState":"DONE"}', "3100"),
        ("/transfers/1", "transfers", b'{"transferState":"RESERVED"}', "3208"),
        ("/transfers/1/error", "transfers", b"{}", "3102"),
        (
            "/transfers/1/error",
            "transfers",
            b'{"errorInformation":{"errorCode":"5104","errorDescription":"no"}}',
            "3208",
        ),
        ("/quotes/1", "quotes", b"{}", "3102"),
        ("/parties/ALIAS/1/error", "parties", b"[]", "3101"),
    ],
)
async def test_a_signed_body_that_cannot_stand_is_refused(
    stub: StubDfsp, path: str, resource: str, body: bytes, code: str
) -> None:
    result = await stub.send(OutgoingMessage("PUT", path, FSP_ID, "mobilemoney", body))
    assert (result.status, result.error_code) == (400, code)


async def test_an_answer_nobody_waits_for_is_taken(stub: StubDfsp) -> None:
    error = b'{"errorInformation":{"errorCode":"5104","errorDescription":"no"}}'
    for resource in ("quotes", "parties", "authorizations"):
        path = f"/{resource}/{ids.wire_id()}/error"
        assert (await stub.send(OutgoingMessage("PUT", path, FSP_ID, "mobilemoney", error))).status == 200


async def test_another_dfsp_s_transfer_is_unknown_to_a_stranger(stub: StubDfsp) -> None:
    await stub.ask_for_money("255700000001", ids.wire_id())
    row = await stub.ledger_state("COMMITTED")
    other = new_ec_key()
    await stub.put_json(
        "/control/fsps/otherbank",
        {"callback_url": f"{stub.url}/fspiop", "public_key_pem": public_key_pem(other)},
    )
    path = f"/transfers/{row['transfer_id']}"
    key = load_signing_key(other, "otherbank")
    body = b'{"transferState":"ABORTED"}'
    result = await stub.send(OutgoingMessage("PUT", path, "otherbank", "mobilemoney", body), key)
    assert (result.status, result.error_code) == (400, "3208")
    await stub.send(OutgoingMessage("GET", path, "otherbank", "mobilemoney"), key)
    error = (await stub.seen("PUT", path + "/error"))[0]
    assert error.body["errorInformation"]["errorCode"] == "3208"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"callback_url": "ftp://x", "public_key_pem": "x"},
        {"callback_url": "http://x", "public_key_pem": "no key"},
        {"callback_url": 1, "public_key_pem": None},
    ],
)
async def test_a_dfsp_without_url_or_key_is_not_registered(stub: StubDfsp, body: dict[str, Any]) -> None:
    async with stub.http.put(f"{stub.simulator_url}/control/fsps/x", json=body) as response:
        assert response.status == 400


@pytest.mark.parametrize(
    "body", [{}, {"behaviour": "generous"}, {"behaviour": "accept", "delay_s": -1}, {"behaviour": None}]
)
async def test_an_unknown_behaviour_is_400(stub: StubDfsp, body: dict[str, Any]) -> None:
    async with stub.http.put(f"{stub.simulator_url}/control/payers/255700000001", json=body) as response:
        assert response.status == 400
