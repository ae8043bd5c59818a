"""Everything around a payment in the test's hands: a merchant with an API key, a hub, a payer's DFSP, the worker.

The hub is a small server on a port of loopback: it keeps what the service sends and answers as the test says. What it
says itself goes through the service's own door, signed as real partners sign.
"""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from merchant.core import clock
from merchant.core.service import Service
from merchant.hub.fspiop.error_codes import FspiopError
from merchant.hub.fspiop.headers import outbound_headers
from merchant.hub.fspiop.jws import SigningKey, fspiop_uri, load_signing_key, sign
from merchant.hub.fspiop.messages import (
    Extension,
    ExtensionList,
    PartiesPut,
    Party,
    PartyIdInfo,
    QuotesPost,
    TransactionRequestsPut,
    TransactionType,
    TransfersPatch,
    TransfersPost,
    WireBody,
    WireMoney,
    encode,
    encode_error,
    format_datetime,
)
from merchant.payments.timers import run_timers
from merchant.programs.worker import Worker
from merchant.registry.merchants.models import Counter, Merchant
from merchant.scheme import keys
from tests import builders
from tests.builders import DFSPS, GATEWAY_SECRET, World

DFSP = DFSPS[0]
HUB, MOBILE, BANK, STRANGER = "hub", "mobilemoney", "savingsbank", "strangerfsp"
PAYER = "254711000001"
_WITH_REQUEST = TransactionType("PAYMENT", "PAYEE", "BUSINESS")
_SCANNED = TransactionType("PAYMENT", "PAYER", "CONSUMER")


def new_key_pem() -> str:
    """A private key on P-256: made in a millisecond, where an RSA one takes a second."""
    private = ec.generate_private_key(ec.SECP256R1())
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


_PEMS = {fsp_id: new_key_pem() for fsp_id in (HUB, MOBILE, BANK, STRANGER)}
SIGNING_KEYS = {fsp_id: load_signing_key(pem, fsp_id) for fsp_id, pem in _PEMS.items()}


def public_pem_of(fsp_id: str) -> str:
    """What others verify a participant's signatures with."""
    return keys.public_pem(_PEMS[fsp_id])


@dataclass(frozen=True)
class Sent:
    """One message that the service sent to the hub."""

    method: str
    path: str
    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> dict[str, Any]:
        """The body as JSON values."""
        return dict(json.loads(self.raw)) if self.raw else {}

    @property
    def error_code(self) -> str | None:
        """The FSPIOP code of a refusal, None of an answer."""
        if not self.path.endswith("/error"):
            return None
        return str(self.body["errorInformation"]["errorCode"])


@dataclass
class StubHub:
    """A hub that keeps what it gets; `statuses` are its next answers by resource, 202 and 200 when there are none."""

    client: httpx.AsyncClient
    url: str = ""
    sent: list[Sent] = field(default_factory=list)
    statuses: dict[str, list[tuple[int, str | None]]] = field(default_factory=dict)
    traceparent: str | None = None  # of all that it says

    async def take(self, request: web.Request) -> web.Response:
        """Whatever the service sends."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.sent.append(Sent(request.method, request.raw_path, headers, await request.read()))
        waiting = self.statuses.get(request.path.split("/")[1])
        if not waiting:
            return web.Response(status=202 if request.method in ("GET", "POST") else 200)
        status, code = waiting.pop(0)
        return web.Response(status=status, body=encode_error(FspiopError(code, "the stub refuses")) if code else b"")

    def to(self, path: str, method: str | None = None) -> list[Sent]:
        """What was sent to paths that begin so."""
        return [sent for sent in self.sent if sent.path.startswith(path) and method in (None, sent.method)]

    async def say(
        self,
        method: str,
        path: str,
        body: WireBody | bytes | None = None,
        *,
        source: str = MOBILE,
        destination: str = DFSP,
        key: SigningKey | None = None,
        signed: bool = True,
        headers: dict[str, str | None] | None = None,
    ) -> httpx.Response:
        """Send the service a message, by default as the payer's DFSP signs it; headers set to None are left out."""
        raw = encode(body) if isinstance(body, WireBody) else body or b""
        resource = path.split("/")[1].partition("?")[0]
        all_headers = outbound_headers(
            method=method, resource=resource, source=source, destination=destination, date=clock.now()
        )
        if raw and signed:
            uri = fspiop_uri(path)
            signature = sign(
                key or SIGNING_KEYS[source], method=method, uri=uri, source=source, destination=destination, body=raw
            )
            all_headers |= {"FSPIOP-Signature": signature, "FSPIOP-URI": uri, "FSPIOP-HTTP-Method": method}
        all_headers["x-gateway-secret"] = GATEWAY_SECRET
        if self.traceparent is not None:
            all_headers["traceparent"] = self.traceparent
        changed = {name.lower(): value for name, value in all_headers.items()} | (headers or {})
        final = {name: value for name, value in changed.items() if value is not None}
        return await self.client.request(method, f"/fspiop{path}", content=raw, headers=final)


@dataclass
class Stage:
    """A shop that may ask for money, and everyone it takes to pay it."""

    service: Service
    world: World
    client: httpx.AsyncClient
    hub: StubHub
    worker: Worker
    merchant: Merchant
    counter: Counter
    key: dict[str, str]

    # --- the shop ---

    async def create(self, **body: Any) -> httpx.Response:
        """POST a payment request; by default 10 KES of a phone's owner, `payer=None` for a code to scan."""
        document: dict[str, Any] = {
            "counter_id": str(self.counter.id),
            "payer": {"type": "MSISDN", "id": PAYER},
            "amount": {"amount": "10", "currency": "KES"},
        } | body
        given = {name: value for name, value in document.items() if value is not None}
        return await self.client.post(
            "/api/v1/payment-requests", json=given, headers=self.key | {"idempotency-key": uuid4().hex}
        )

    async def ask(self, **body: Any) -> dict[str, Any]:
        """A payment request that was taken, and, with a payer, is on its way to the hub."""
        response = await self.create(**body)
        assert response.status_code == 201, response.text
        await self.work()
        return dict(response.json())

    async def read(self, request: dict[str, Any]) -> dict[str, Any]:
        """The request as it is now."""
        response = await self.client.get(f"/api/v1/payment-requests/{request['id']}", headers=self.key)
        assert response.status_code == 200, response.text
        return dict(response.json())

    async def state(self, request: dict[str, Any]) -> str:
        """Its state."""
        return str((await self.read(request))["state"])

    async def history(self, request: dict[str, Any]) -> list[dict[str, Any]]:
        """Its steps."""
        response = await self.client.get(f"/api/v1/payment-requests/{request['id']}/events", headers=self.key)
        return list(response.json()["items"])

    async def payments(self) -> list[dict[str, Any]]:
        """Money that arrived, newest first."""
        return list((await self.client.get("/api/v1/payments", headers=self.key)).json()["items"])

    async def rows(self, sql: str, *values: Any) -> list[asyncpg.Record]:
        """Rows of the database."""
        async with self.service.db.system_statements() as tx:
            return await tx.fetch(sql, *values)

    # --- time ---

    async def work(self) -> None:
        """Run every job that is due, and the jobs those make."""
        while await self.worker.run_due():
            pass

    async def tick(self) -> None:
        """Run the timers once, then the jobs they made."""
        await run_timers(self.service)
        await self.work()

    # --- the hub and the payer's DFSP ---

    async def tell(self, method: str, path: str, body: WireBody | bytes | None = None, **how: Any) -> None:
        """A message that the service takes, and works on."""
        response = await self.hub.say(method, path, body, **how)
        assert response.status_code in (200, 202), response.text
        await self.work()

    async def find_payer(self, payer: str = PAYER, fsp_id: str = MOBILE) -> None:
        """The answer to a look-up: the payer is at this DFSP."""
        party = Party(PartyIdInfo("MSISDN", payer, None, fsp_id))
        await self.tell("PUT", f"/parties/MSISDN/{payer}", PartiesPut(party), source=fsp_id)

    async def asked(self, **body: Any) -> dict[str, Any]:
        """A request that was put to its payer."""
        request = await self.ask(**body)
        await self.find_payer()
        return request

    async def answer_request(
        self, request: dict[str, Any], said: str, *, transaction_id: str | None = None, source: str = MOBILE
    ) -> None:
        """PUT /transactionRequests: RECEIVED, PENDING, ACCEPTED, REJECTED."""
        path = f"/transactionRequests/{request['hub']['transaction_request_id']}"
        await self.tell("PUT", path, TransactionRequestsPut(said, transaction_id), source=source)  # type: ignore[arg-type]

    def quote_body(self, request: dict[str, Any] | None = None, **more: Any) -> QuotesPost:
        """What a payer's DFSP asks: `amount, currency, sub_id, note, reference, alias, payer, fsp_id` may be given."""
        fsp_id = more.pop("fsp_id", MOBILE)
        reference = more.pop("reference", None)
        names = ("alias", "sub_id", "amount", "currency", "payer")
        own = {name: more.pop(name, None) for name in names}
        wanted = request["amount"] if request else {"amount": "10", "currency": "KES"}
        return QuotesPost(
            **{
                "quote_id": str(uuid4()),
                "transaction_id": str(uuid4()),
                "transaction_request_id": request["hub"]["transaction_request_id"] if request else None,
                "payee": Party(PartyIdInfo("ALIAS", own["alias"] or self.counter.alias, own["sub_id"], DFSP)),
                "payer": Party(PartyIdInfo("MSISDN", own["payer"] or PAYER, None, fsp_id)),
                "amount_type": "RECEIVE" if request else "SEND",
                "amount": WireMoney(own["currency"] or wanted["currency"], own["amount"] or wanted["amount"]),
                "transaction_type": _WITH_REQUEST if request else _SCANNED,
                "extension_list": ExtensionList([Extension("QrReference", reference)]) if reference else None,
            }
            | more
        )

    async def send_quote(self, body: QuotesPost, source: str = MOBILE) -> Sent:
        """POST /quotes, and what came back."""
        await self.tell("POST", "/quotes", body, source=source)
        return self.hub.to(f"/quotes/{body.quote_id}", "PUT")[-1]

    async def quote(self, request: dict[str, Any] | None = None, *, source: str = MOBILE, **more: Any) -> Sent:
        """A quote, and what came back."""
        return await self.send_quote(self.quote_body(request, fsp_id=source, **more), source)

    def transfer_body(self, quoted: Sent, *, source: str = MOBILE, **more: Any) -> TransfersPost:
        """The transfer that a quote's answer allows; fields may be replaced."""
        assert quoted.error_code is None, quoted.body
        amount = quoted.body["transferAmount"]
        return TransfersPost(
            **{
                "transfer_id": str(uuid4()),
                "payer_fsp": source,
                "payee_fsp": DFSP,
                "amount": WireMoney(amount["currency"], amount["amount"]),
                "ilp_packet": quoted.body["ilpPacket"],
                "condition": quoted.body["condition"],
                "expiration": in_s(30),
            }
            | more
        )

    async def send_transfer(self, body: TransfersPost, source: str = MOBILE) -> Sent:
        """POST /transfers, and what came back."""
        await self.tell("POST", "/transfers", body, source=source)
        return self.hub.to(f"/transfers/{body.transfer_id}", "PUT")[-1]

    async def transfer(self, quoted: Sent, *, source: str = MOBILE, **more: Any) -> tuple[str, Sent]:
        """A transfer's id, and what came back."""
        body = self.transfer_body(quoted, source=source, **more)
        return body.transfer_id, await self.send_transfer(body, source)

    async def reserved(self, request: dict[str, Any] | None = None, **more: Any) -> str:
        """The id of a transfer that the service has fulfilled and the hub not yet ended."""
        transfer_id, answer = await self.transfer(await self.quote(request, **more))
        assert answer.error_code is None, answer.body
        return transfer_id

    async def end_transfer(self, transfer_id: str, state: str, method: str = "PATCH") -> None:
        """The hub's last word: COMMITTED or ABORTED, by PATCH or as the answer (PUT) to a question."""
        await self.tell(method, f"/transfers/{transfer_id}", TransfersPatch(state, in_s(0)), source=HUB)  # type: ignore[arg-type]

    async def pay(self, request: dict[str, Any] | None = None, **more: Any) -> str:
        """Quote, transfer, COMMITTED."""
        transfer_id = await self.reserved(request, **more)
        await self.end_transfer(transfer_id, "COMMITTED")
        return transfer_id


def in_s(seconds: float) -> str:
    """An FSPIOP time so many seconds from now."""
    return format_datetime(clock.now() + timedelta(seconds=seconds))


@asynccontextmanager
async def running_hub(client: httpx.AsyncClient) -> AsyncIterator[StubHub]:
    """A stub hub on a free port of loopback."""
    hub = StubHub(client)
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", hub.take)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        hub.url = f"http://{host}:{port}"
        yield hub
    finally:
        await runner.cleanup()


async def connect(service: Service, hub: StubHub) -> None:
    """Point the DFSPs at the hub and trust its participants' keys; STRANGER's key nobody knows.

    The DFSPs' RSA keys give way to ones that load in no time.
    """
    async with service.db.system() as tx:
        await tx.execute("UPDATE dfsp SET hub_url = $1", hub.url)
        await tx.execute("DELETE FROM scheme_key WHERE purpose = $1", keys.JWS_SIGN)
        for dfsp in await tx.fetch("SELECT id, fsp_id FROM dfsp"):
            await keys.add_private(tx, service.vault, dfsp["id"], dfsp["fsp_id"], keys.JWS_SIGN, new_key_pem())
        for fsp_id in (HUB, MOBILE, BANK):
            await keys.add_public(tx, fsp_id, public_pem_of(fsp_id))


async def open_shop(service: Service, world: World, document: dict[str, Any] | None = None) -> tuple[Merchant, Counter]:
    """An approved merchant and its first counter, of the DFSP that the hub knows."""
    merchant, counters = await builders.create_merchant(service, world, DFSP, document)
    return merchant, counters[0]
