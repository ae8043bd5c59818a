"""Asking the register itself: a record, a plain "no such record", and everything else, which is no answer."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

import kyb
from merchant.compliance.registers import gleif_api
from merchant.compliance.registers.gleif_api import MAX_ANSWER_BYTES, RegisterUnavailable, ask_register
from tests.merchant.compliance.registers.gleif_simulator import Gleif, document, running_gleif
from tests.merchant.compliance.registers.stage import APPLE, SHOP, entity

pytestmark = pytest.mark.anyio
RECORD = json.dumps(document(entity())).encode()


@pytest.fixture
async def gleif() -> AsyncIterator[Gleif]:
    async with running_gleif() as running:
        yield running


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def test_a_record_is_read_and_an_unknown_lei_is_known_to_be_none(
    gleif: Gleif, http: aiohttp.ClientSession
) -> None:
    gleif.know(entity())
    found = await ask_register(http, gleif.url, SHOP)
    assert isinstance(found, kyb.LeiRecord)
    assert (found.lei, found.legal_name, found.registration_status) == (SHOP, "Baraka Stores Limited", "ISSUED")
    assert await ask_register(http, f"{gleif.url}/", APPLE) is None
    assert gleif.asked == [SHOP, APPLE]


@pytest.mark.parametrize(
    ("status", "body", "headers"),
    [
        (500, b"", {}),
        (503, RECORD, {"retry-after": "5"}),
        (429, RECORD, {}),
        (403, RECORD, {}),
        (204, b"", {}),
        (302, b"", {"location": "/api/v1/lei-records/" + SHOP}),
        (200, b"", {}),
        (200, b"<html>Sign in to the guest network</html>", {}),
        (200, b"\xff\xfe", {}),
        (200, b"[" * 100_000, {}),
        (200, b'{"data": null}', {}),
        (200, json.dumps(document(entity(APPLE, "Apple Inc.", "US"))).encode(), {}),
        (200, RECORD + b" " * MAX_ANSWER_BYTES, {}),
        (200, gzip.compress(RECORD), {"content-encoding": "gzip"}),
    ],
)
async def test_anything_but_a_record_of_this_lei_is_no_answer(
    gleif: Gleif, http: aiohttp.ClientSession, status: int, body: bytes, headers: dict[str, str]
) -> None:
    gleif.know(entity())
    gleif.status, gleif.body, gleif.headers = status, body, headers
    with pytest.raises(RegisterUnavailable):
        await ask_register(http, gleif.url, SHOP)
    assert gleif.asked == [SHOP]  # a redirect is not followed


async def test_a_register_that_is_silent_or_is_not_there_is_no_answer(
    gleif: Gleif, http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    gleif.hold = asyncio.Event()
    timeout: Any = aiohttp.ClientTimeout(total=0.05)
    monkeypatch.setattr(gleif_api, "TIMEOUT", timeout)
    with pytest.raises(RegisterUnavailable, match="TimeoutError"):
        await ask_register(http, gleif.url, SHOP)
    gleif.hold.set()
    for url in ("http://127.0.0.1:1", "https://register.invalid"):
        with pytest.raises(RegisterUnavailable):
            await ask_register(http, url, SHOP)
