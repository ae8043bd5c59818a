"""A simulated world that is stopped, or killed, and started again on its journal."""

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from merchant.core import ids
from merchant.demo.simulator import SimulatorConfig, serve_simulator
from merchant.demo.simulator.journal import Journal
from merchant.demo.simulator.simulation import public_key_pem
from merchant.demo.simulator.world import Attempt, TransferReserved
from merchant.hub.fspiop.jws import load_signing_key
from merchant.hub.fspiop.messages import Party, PartyIdInfo, TransfersPost, WireMoney
from tests.merchant.demo.simulator.conftest import (
    FAST,
    free_port,
    is_answering,
    running_simulator,
    running_stub_and_simulator,
)
from tests.merchant.demo.simulator.stub_dfsp import ALIAS, FSP_ID, later, running_stub

pytestmark = pytest.mark.anyio

ACCEPTS = "255700000001"
SLOW_PATCHES = msgspec.structs.replace(FAST, resend_wait_s=60, resend_wait_max_s=60)


async def test_an_owed_patch_is_delivered_after_a_restart(
    config: SimulatorConfig, stub_port: int, stub_key_pem: str
) -> None:
    port = free_port()
    first = msgspec.structs.replace(config, timings=SLOW_PATCHES)
    async with running_stub_and_simulator(first, port, stub_port, stub_key_pem) as stub:
        stub.patch_statuses = [503]
        await stub.ask_for_money(ACCEPTS, ids.wire_id())
        await stub.seen("PATCH", "/transfers/")
        row = await stub.ledger_state("COMMITTED")
    async with running_stub_and_simulator(config, port, stub_port, stub_key_pem) as stub:
        patch = (await stub.seen("PATCH", f"/transfers/{row['transfer_id']}"))[0]
        assert patch.body["transferState"] == "COMMITTED"
        assert await stub.get_json("/ledger") == [row]


async def test_an_unanswered_transfer_is_taken_up_again_with_the_same_message(
    config: SimulatorConfig, stub_port: int, stub_key_pem: str
) -> None:
    slow = msgspec.structs.replace(FAST, transfer_expiry_s=30)
    config = msgspec.structs.replace(config, timings=slow)
    port = free_port()
    async with running_stub_and_simulator(config, port, stub_port, stub_key_pem) as stub:
        stub.answers_transfers = False
        await stub.ask_for_money(ACCEPTS, ids.wire_id(), expires_in_s=60)
        sent = (await stub.seen("POST", "/transfers"))[0]
        await stub.ledger_state("RESERVED")
    async with running_stub_and_simulator(config, port, stub_port, stub_key_pem) as stub:
        again = (await stub.seen("POST", "/transfers"))[0]
        assert again.body == sent.body
        await stub.ledger_state("COMMITTED")
        assert not [each for each in stub.arrivals if each.path == "/quotes"]


async def test_a_request_not_yet_quoted_is_taken_up_again(
    config: SimulatorConfig, stub_port: int, stub_key_pem: str
) -> None:
    port = free_port()
    async with running_stub_and_simulator(config, port, stub_port, stub_key_pem) as stub:
        await stub.put_json(f"/control/payers/{ACCEPTS}", {"behaviour": "accept", "delay_s": 3600})
        await stub.ask_for_money(ACCEPTS, ids.wire_id(), expires_in_s=60)
        received = (await stub.seen("PUT", "/transactionRequests/"))[0]
        await stub.put_json(f"/control/payers/{ACCEPTS}", {"behaviour": "accept"})
    async with running_stub_and_simulator(config, port, stub_port, stub_key_pem) as stub:
        quote = (await stub.seen("POST", "/quotes"))[0]
        assert quote.body["transactionId"] == received.body["transactionId"]
        await stub.ledger_state("COMMITTED")


async def test_an_answer_of_a_phone_outlives_a_stop(config: SimulatorConfig, stub_port: int, stub_key_pem: str) -> None:
    port, request_id = free_port(), ids.wire_id()
    async with running_stub_and_simulator(config, port, stub_port, stub_key_pem) as stub:
        await stub.put_json(f"/control/payers/{ACCEPTS}", {"behaviour": "ask", "delay_s": 0})
        await stub.ask_for_money(ACCEPTS, request_id, expires_in_s=60)
        await stub.phone_waits(ACCEPTS)
    async with running_stub_and_simulator(config, port, stub_port, stub_key_pem) as stub:
        await stub.phone_waits(ACCEPTS)
        stub.status_of = lambda method, _: 503 if method == "POST" else None
        assert await stub.answer(ACCEPTS, request_id, accept=True) == 202
        await stub.seen("POST", "/quotes")
    async with running_stub_and_simulator(config, port, stub_port, stub_key_pem) as stub:
        await stub.ledger_state("COMMITTED")


async def test_a_transfer_that_expired_while_the_hub_was_down_is_aborted(
    config: SimulatorConfig, stub_port: int, stub_key_pem: str
) -> None:
    attempt = Attempt(
        transaction_id=ids.wire_id(),
        quote_id=ids.wire_id(),
        transfer_id=ids.wire_id(),
        msisdn=ACCEPTS,
        payer_fsp_id="mobilemoney",
        payee_fsp_id=FSP_ID,
        payee=Party(PartyIdInfo("ALIAS", ALIAS, None, FSP_ID)),
        amount=WireMoney("KES", "10"),
    )
    transfer = TransfersPost(attempt.transfer_id, "mobilemoney", FSP_ID, attempt.amount, "AYIB", "A" * 43, later(-1))
    journal = Journal(config.journal_path)
    journal.append(attempt)
    journal.append(TransferReserved(attempt.transaction_id, transfer))
    journal.close()
    async with running_stub_and_simulator(config, free_port(), stub_port, stub_key_pem) as stub:
        await stub.ledger_state("ABORTED")
        await stub.phone_shows(ACCEPTS, "failed")
        assert stub.arrivals == []


async def test_a_killed_simulator_loses_nothing_and_keeps_its_keys(
    config: SimulatorConfig, stub_port: int, stub_key_pem: str
) -> None:
    key = load_signing_key(stub_key_pem, FSP_ID)
    port = free_port()
    process = start_process(config.journal_path, port, stub_port)
    try:
        await is_answering(f"http://127.0.0.1:{port}")
        async with running_stub(f"http://127.0.0.1:{port}", stub_port, key, public_key_pem(stub_key_pem)) as stub:
            await stub.put_json(f"/control/payers/{ACCEPTS}", {"behaviour": "accept", "delay_s": 0})
            stub.patch_statuses = [503] * 100
            await stub.ask_for_money(ACCEPTS, ids.wire_id())
            await stub.seen("PATCH", "/transfers/")
            row = await stub.ledger_state("COMMITTED")
            process.kill()
            await asyncio.to_thread(process.wait)
            with config.journal_path.open("ab") as journal:
                journal.write(b'{"type":"TransferSettl')  # as a kill in the middle of a write leaves it
            stub.patch_statuses = []
            arrived = len(stub.arrivals)
            process = start_process(config.journal_path, port, stub_port)
            await is_answering(f"http://127.0.0.1:{port}")
            await stub.until(lambda: len(stub.arrivals) > arrived)
            assert stub.arrivals[-1].path == f"/transfers/{row['transfer_id']}"
            assert await stub.get_json("/ledger") == [row]
            keys = {each["fsp_id"]: each["public_key_pem"] for each in await stub.get_json("/control/keys")}
            assert set(keys) == set(stub.peer_keys)
        process.send_signal(signal.SIGINT)
        assert await asyncio.to_thread(process.wait, 10) == 0
    finally:
        process.kill()
        process.wait()


async def test_a_taken_port_is_an_error(config: SimulatorConfig) -> None:
    port = free_port()
    async with running_simulator(config, port):
        with pytest.raises(OSError, match="in use"):
            await serve_simulator(config, "127.0.0.1", port)


def start_process(journal: Path, port: int, service_port: int) -> subprocess.Popen[bytes]:
    """`python -m merchant.demo.simulator` as a user starts it."""
    options = {"--port": port, "--service-url": f"http://127.0.0.1:{service_port}", "--journal": journal}
    arguments = [str(part) for option in options.items() for part in option]
    command = [sys.executable, "-m", "merchant.demo.simulator", *arguments]
    # A background job of a shell has Ctrl-C ignored; a user's terminal does not.
    return subprocess.Popen(command, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL) and None)
