"""A tiny acquiring DFSP over real HTTP: the other party that drives the simulator in these tests.

It registers itself, verifies every signature, answers look-ups, quotes and transfers as its switches say,
and keeps what arrived.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import msgspec
from aiohttp import web

from merchant.hub.fspiop import ilp
from merchant.hub.fspiop.client import OutgoingMessage, SendResult, send
from merchant.hub.fspiop.error_codes import FspiopError
from merchant.hub.fspiop.headers import check_headers
from merchant.hub.fspiop.jws import SigningKey, VerifyKey, load_verify_key, verify
from merchant.hub.fspiop.messages import (
    Party,
    PartyIdInfo,
    TransactionRequestsPost,
    TransactionType,
    WireMoney,
    encode,
    encode_error,
    format_datetime,
)

FSP_ID = "shopbank"
ALIAS = "10000008"
SECRET = b"a secret of the stub"
WAIT_S = 8.0


@dataclass
class Arrival:
    """One message that reached the stub."""

    method: str
    path: str
    source: str
    content_type: str
    body: dict[str, Any]


@dataclass
class StubDfsp:
    """The payee's DFSP; its switches may be set at any time."""

    http: aiohttp.ClientSession
    simulator_url: str
    key: SigningKey
    public_key_pem: str
    url: str = ""
    # Switches
    transfer_state: str = "RESERVED"
    quote_life_s: float = 5.0
    quote_refusal: str | None = None
    transfer_refusal: str | None = None
    answers_transfers: bool = True
    transfer_delay: asyncio.Event | None = None
    fulfilment_secret: bytes = SECRET
    patch_statuses: list[int] = field(default_factory=list)
    quote_changes: dict[str, Any] = field(default_factory=dict)
    status_of: Callable[[str, str], int | None] = lambda method, path: None
    # What happened
    arrivals: list[Arrival] = field(default_factory=list)
    oracle_queries: list[dict[str, str]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    put_results: list[SendResult] = field(default_factory=list)
    tasks: set[asyncio.Task[Any]] = field(default_factory=set)
    peer_keys: dict[str, VerifyKey] = field(default_factory=dict)
    knows_keys: asyncio.Event = field(default_factory=asyncio.Event)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    # --- towards the simulator ---

    async def register(self) -> None:
        async with self.http.put(
            f"{self.simulator_url}/control/fsps/{FSP_ID}",
            json={"callback_url": f"{self.url}/fspiop", "public_key_pem": self.public_key_pem},
        ) as response:
            assert response.status == 200, await response.text()
        for row in await self.get_json("/control/keys"):
            self.peer_keys[row["fsp_id"]] = load_verify_key(row["public_key_pem"], row["fsp_id"])
        self.knows_keys.set()

    async def get_json(self, path: str) -> Any:
        async with self.http.get(self.simulator_url + path) as response:
            assert response.status == 200, await response.text()
            return await response.json()

    async def put_json(self, path: str, body: Any) -> Any:
        async with self.http.put(self.simulator_url + path, json=body) as response:
            assert response.status == 200, await response.text()
            return await response.json()

    async def send(self, message: OutgoingMessage, key: SigningKey | None = None) -> SendResult:
        return await send(self.http, self.simulator_url, message, key or self.key)

    async def ask_for_money(
        self,
        msisdn: str,
        request_id: str,
        amount: str = "10",
        expires_in_s: float = 5.0,
        destination: str = "mobilemoney",
    ) -> SendResult:
        """POST /transactionRequests to a payer's DFSP."""
        body = TransactionRequestsPost(
            transaction_request_id=request_id,
            payee=Party(PartyIdInfo("ALIAS", ALIAS, None, FSP_ID), "5411", "Corner Shop"),
            payer=PartyIdInfo("MSISDN", msisdn, None, destination),
            amount=WireMoney("KES", amount),
            transaction_type=TransactionType("PAYMENT", "PAYEE", "BUSINESS"),
            expiration=later(expires_in_s),
        )
        return await self.send(OutgoingMessage("POST", "/transactionRequests", FSP_ID, destination, encode(body)))

    async def put(self, resource: str, path: str, destination: str, body: bytes) -> None:
        result = await self.send(OutgoingMessage("PUT", path, FSP_ID, destination, body))
        self.put_results.append(result)
        async with self.changed:
            self.changed.notify_all()

    # --- what arrived ---

    async def seen(self, method: str, path: str, count: int = 1) -> list[Arrival]:
        """Wait until so many messages of this kind have arrived."""

        def found() -> list[Arrival]:
            return [each for each in self.arrivals if each.method == method and path in each.path]

        async with asyncio.timeout(WAIT_S), self.changed:
            await self.changed.wait_for(lambda: len(found()) >= count)
        return found()

    async def until(self, condition: Callable[[], Any]) -> None:
        """Wait until something that happens at the stub is so."""
        async with asyncio.timeout(WAIT_S), self.changed:
            await self.changed.wait_for(condition)

    async def ledger_state(self, state: str) -> dict[str, Any]:
        """Wait until the ledger's only transfer is in a state."""
        async with asyncio.timeout(WAIT_S):
            while True:
                rows = await self.get_json("/ledger")
                if len(rows) == 1 and rows[0]["state"] == state:
                    return dict(rows[0])
                await asyncio.sleep(0.01)

    async def phone_shows(self, msisdn: str, kind: str) -> dict[str, str]:
        """Wait until a shopper's phone shows a message of this kind."""
        async with asyncio.timeout(WAIT_S):
            while True:
                for item in (await self.get_json(f"/shoppers/{msisdn}/inbox"))["items"]:
                    if item["kind"] == kind:
                        return dict(item)
                await asyncio.sleep(0.01)

    async def until_phone(self, msisdn: str, condition: Callable[[list[dict[str, Any]]], Any]) -> Any:
        """Wait until something that a phone shows is so; what the condition found."""
        async with asyncio.timeout(WAIT_S):
            while True:
                found = condition((await self.get_json(f"/shoppers/{msisdn}/inbox"))["items"])
                if found:
                    return found
                await asyncio.sleep(0.01)

    async def phone_waits(self, msisdn: str) -> dict[str, Any]:
        """Wait until a request waits for whoever holds the phone."""
        waiting = await self.until_phone(msisdn, lambda items: [item for item in items if item.get("waits")])
        return dict(waiting[0])

    async def answer(self, msisdn: str, request_id: str, *, accept: bool) -> int:
        """Say yes or no on a phone; the status that comes back."""
        body = {"transaction_request_id": request_id, "accept": accept}
        async with self.http.post(f"{self.simulator_url}/shoppers/{msisdn}/answer", json=body) as response:
            return response.status

    # --- the server ---

    async def handle_fspiop(self, request: web.Request) -> web.Response:
        raw = await request.read()
        await self.knows_keys.wait()  # a restarted simulator may speak before the stub has asked
        resource = request.path.split("/")[2]
        path = request.path.removeprefix("/fspiop")
        headers = {name.lower(): value for name, value in request.headers.items()}
        try:
            inbound = check_headers(request.method, resource, headers)
            if raw:
                verify(
                    self.peer_keys[inbound.source],
                    method=request.method,
                    path=request.raw_path,
                    headers=headers,
                    body=raw,
                )
        except Exception as error:
            self.faults.append(f"{request.method} {path}: {error!r}")
            raise
        status = self.status_of(request.method, path)
        if request.method == "PATCH" and self.patch_statuses:
            status = self.patch_statuses.pop(0)
        body = msgspec.json.decode(raw) if raw else {}
        async with self.changed:
            self.arrivals.append(Arrival(request.method, path, inbound.source, headers["content-type"], body))
            self.changed.notify_all()
        if status is None:
            task = asyncio.create_task(self.react(request.method, path, inbound.source, body))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)
        return web.Response(status=status or (202 if request.method in ("GET", "POST") else 200))

    async def handle_oracle(self, request: web.Request) -> web.Response:
        self.oracle_queries.append(dict(request.query) | {"secret": request.headers.get("x-gateway-secret", "")})
        known = request.match_info["id"] == ALIAS
        rows = [{"fspId": FSP_ID, "currency": "KES"}] if known else []
        return web.json_response({"partyList": rows})

    async def react(self, method: str, path: str, source: str, body: dict[str, Any]) -> None:
        """Answer a question; callbacks need no reaction."""
        if method == "GET" and path.startswith("/parties/"):
            _, _, party_type, *ids = path.split("/")
            identity = PartyIdInfo(party_type, ids[0], ids[1] if len(ids) > 1 else None, FSP_ID)
            answer = msgspec.json.encode({"party": Party(identity, "5411", "Corner Shop")})
            await self.put("parties", path, source, answer)
        elif (method, path) == ("POST", "/quotes"):
            await self.answer_quote(source, body)
        elif (method, path) == ("POST", "/transfers"):
            await self.answer_transfer(source, body)

    async def answer_quote(self, source: str, quote: dict[str, Any]) -> None:
        path = f"/quotes/{quote['quoteId']}"
        if self.quote_refusal:
            error = encode_error(FspiopError(self.quote_refusal, "the stub refuses"))
            await self.put("quotes", path + "/error", source, error)
            return
        expiration = later(self.quote_life_s)
        names = ("quoteId", "transactionId", "transactionType", "payee", "payer", "amount")
        transaction = {name: quote[name] for name in names} | {"expiration": expiration}
        terms = ilp.build_terms(1, transaction, SECRET, decimals=2)
        answer = {
            "transferAmount": quote["amount"],
            "expiration": expiration,
            "ilpPacket": terms.packet,
            "condition": terms.condition,
        }
        await self.put("quotes", path, source, msgspec.json.encode(answer | self.quote_changes))

    async def answer_transfer(self, source: str, transfer: dict[str, Any]) -> None:
        path = f"/transfers/{transfer['transferId']}"
        if not self.answers_transfers:
            return
        if self.transfer_delay:
            await self.transfer_delay.wait()
        if self.transfer_refusal:
            error = encode_error(FspiopError(self.transfer_refusal, "the stub refuses"))
            await self.put("transfers", path + "/error", source, error)
            return
        answer = {
            "transferState": self.transfer_state,
            "fulfilment": ilp.fulfilment_of(transfer["ilpPacket"], self.fulfilment_secret),
            "completedTimestamp": later(0),
        }
        await self.put("transfers", path, source, msgspec.json.encode(answer))


def later(seconds: float) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds))


@asynccontextmanager
async def running_stub(simulator_url: str, port: int, key: SigningKey, public_key_pem: str) -> AsyncIterator[StubDfsp]:
    """A registered stub on a port of loopback; every flaw it met in a message fails the test."""
    async with aiohttp.ClientSession() as http:
        stub = StubDfsp(http, simulator_url, key, public_key_pem, f"http://127.0.0.1:{port}")
        app = web.Application()
        app.router.add_route("*", "/fspiop/{rest:.*}", stub.handle_fspiop)
        app.router.add_get("/oracle/participants/{type}/{id}", stub.handle_oracle)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        try:
            await stub.register()
            yield stub
            assert stub.faults == []
        finally:
            for task in list(stub.tasks):
                task.cancel()
            await runner.cleanup()
