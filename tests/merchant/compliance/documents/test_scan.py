"""The virus scanner: over both kinds of address, clean, found, and not known, which is never clean."""

import socket
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import msgspec
import pytest

from merchant.compliance.documents import scan
from merchant.compliance.documents.faults import Fault, Refused
from merchant.compliance.documents.problems import ScannerAway
from merchant.core.service import Service
from merchant.core.settings import Settings
from tests import builders
from tests.builders import World
from tests.merchant.compliance.documents.clamd_simulator import Clamd, running_clamd
from tests.merchant.compliance.documents.desk import hand_in, rows, stored
from tests.merchant.compliance.documents.samples import EICAR, pdf, zipped

pytestmark = pytest.mark.anyio
Running = tuple[Clamd, list[str]]


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    async with running_clamd(tmp_path / "clamd.sock") as found:
        yield found


async def test_a_clean_file_passes_whole_over_either_address(running: Running) -> None:
    clamd, addresses = running
    data = bytes(range(256)) * 4000  # several chunks
    for address in addresses:
        await scan.scan(address, data)
    assert clamd.scanned == [data, data]


async def test_what_is_found_is_told(running: Running) -> None:
    with pytest.raises(Refused) as refused:
        await scan.scan(running[1][0], EICAR)
    assert (refused.value.fault, refused.value.found) == (Fault.INFECTED, "Eicar-Test-Signature")


@pytest.mark.parametrize("reply", [b"INSTREAM size limit exceeded. ERROR", b"", b"OK", b"stream: OKAY", b"x" * 9000])
async def test_whatever_else_it_says_is_not_clean(running: Running, reply: bytes) -> None:
    clamd, [address, _path] = running
    clamd.reply = reply
    with pytest.raises(ScannerAway):
        await scan.scan(address, b"hello")


async def test_a_scanner_that_hangs_up_is_silent_or_is_not_there_is_away(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    clamd, [address, _path] = running
    clamd.hangs_up = True
    with pytest.raises(ScannerAway):
        await scan.scan(address, bytes(10 << 20))
    monkeypatch.setattr(scan, "_LONGEST_S", 0.05)
    with socket.socket() as listener:  # takes the call and never answers
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        with pytest.raises(ScannerAway):
            await scan.scan(f"127.0.0.1:{listener.getsockname()[1]}", b"hello")
    with pytest.raises(ScannerAway):
        await scan.scan("/nowhere/clamd.sock", b"hello")


@pytest.fixture
def settings(settings: Settings, running: Running) -> Settings:
    return msgspec.structs.replace(settings, clamd=running[1][0])


async def test_no_document_is_taken_that_was_not_found_clean(
    client: httpx.AsyncClient, service: Service, world: World, running: Running
) -> None:
    clamd, holder = running[0], f"applications/{(await builders.create_application(service, world.maker)).id}"
    infected = await hand_in(client, world.maker, holder, pdf() + b"%" + EICAR + b"\n%%EOF\n")
    assert (infected.status_code, infected.json()["code"]) == (422, "infected")
    assert "Eicar-Test-Signature" in infected.json()["detail"]
    clamd.reply = b"ERROR"
    away = await hand_in(client, world.maker, holder)
    assert (away.status_code, away.json()["code"]) == (503, "scanner_unavailable")
    assert away.headers["retry-after"] == "60"
    assert (await rows(service), stored(service)) == ([], [])
    # What is refused anyway need not be scanned.
    asked = len(clamd.scanned)
    assert (await hand_in(client, world.maker, holder, zipped())).json()["code"] == "archive"
    assert len(clamd.scanned) == asked
    clamd.reply = None
    assert (await hand_in(client, world.maker, holder)).status_code == 201
