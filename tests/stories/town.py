"""What people in the town do: a shop asks for money, customers pay or do not, and everyone compares the books.

Everything passes over HTTP; waiting is asking again until a deadline.
"""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import msgspec

from merchant.core import clock
from merchant.core.service import Service
from merchant.demo.simulator.world import Event, OwnKey
from merchant.hub.fspiop.headers import outbound_headers
from merchant.hub.fspiop.jws import SigningKey, load_signing_key, sign
from merchant.registry.merchants.models import Counter, Merchant
from tests.builders import GATEWAY_SECRET

PATIENCE_S = 15.0  # a busy machine; each story takes a second or two on an idle one
T = TypeVar("T")


@dataclass
class Town:
    """A shop with an API key, the hub, and the customers' phones."""

    service: Service
    http: aiohttp.ClientSession
    hub_url: str
    journal: Path
    merchant: Merchant
    counter: Counter
    key: dict[str, str]

    # --- the shop ---

    async def ask(self, payer: str | None, amount: str = "12.5", expires_in_s: int = 300) -> dict[str, Any]:
        """Ask a customer for US dollars, or (None) whoever scans the code."""
        body = {
            "counter_id": str(self.counter.id),
            "amount": {"amount": amount, "currency": "USD"},
            "expires_in_s": expires_in_s,
        } | ({"payer": {"type": "MSISDN", "id": payer}} if payer else {})
        url = f"{self.service.settings.base_url}/api/v1/payment-requests"
        async with self.http.post(url, json=body, headers=self.key | {"idempotency-key": uuid.uuid4().hex}) as response:
            assert response.status == 201, await response.text()
            return dict(await response.json())

    async def get(self, path: str) -> Any:
        """GET from the service's API."""
        async with self.http.get(f"{self.service.settings.base_url}/api/v1/{path}", headers=self.key) as response:
            assert response.status == 200, await response.text()
            return await response.json()

    async def request(self, asked: dict[str, Any]) -> dict[str, Any]:
        """A request as it is now."""
        return dict(await self.get(f"payment-requests/{asked['id']}"))

    async def ends(self, asked: dict[str, Any], state: str) -> dict[str, Any]:
        """Wait until a request is in a state."""

        async def ended() -> dict[str, Any] | None:
            shown = await self.request(asked)
            return shown if shown["state"] == state else None

        return await until(ended, f"the request becomes {state}")

    async def route(self, asked: dict[str, Any]) -> list[str]:
        """The states a request went through."""
        return [step["state"] for step in (await self.get(f"payment-requests/{asked['id']}/events"))["items"]]

    async def payments(self) -> list[dict[str, Any]]:
        """Money that arrived, newest first."""
        return list((await self.get("payments?limit=100"))["items"])

    async def payment_of(self, transaction_id: str) -> dict[str, Any]:
        """Wait until a shopper's money has arrived."""

        async def arrived() -> dict[str, Any] | None:
            return next((one for one in await self.payments() if one["hub"]["transaction_id"] == transaction_id), None)

        return await until(arrived, f"the payment {transaction_id} arrives")

    async def counter_code(self) -> str:
        """The payload of the counter's printed code."""
        url = f"{self.service.settings.base_url}/api/v1/counters/{self.counter.id}/qr?format=payload"
        async with self.http.get(url, headers=self.key) as response:
            assert response.status == 200, await response.text()
            return await response.text()

    # --- the customers and the hub ---

    async def behave(self, payer: str, behaviour: str, delay_s: float | None = None) -> None:
        """Tell a customer how to behave."""
        body = {"behaviour": behaviour, "delay_s": delay_s}
        async with self.http.put(f"{self.hub_url}/control/payers/{payer}", json=body) as response:
            assert response.status == 200, await response.text()

    async def scan(self, payer: str, **purchase: Any) -> str:
        """A shopper pays of their own accord; the transaction's id."""
        async with self.http.post(f"{self.hub_url}/shoppers/{payer}/pay", json=purchase) as response:
            assert response.status == 202, await response.text()
            return str((await response.json())["transaction_id"])

    async def phone_shows(self, payer: str, kind: str) -> str:
        """Wait for a message of this kind on a phone; its text."""

        async def shown() -> str | None:
            async with self.http.get(f"{self.hub_url}/shoppers/{payer}/inbox") as response:
                items = (await response.json())["items"]
            return next((item["text"] for item in items if item["kind"] == kind), None)

        return await until(shown, f"the phone shows {kind}")

    async def ledger(self) -> list[dict[str, Any]]:
        """Every transfer the hub holds."""
        async with self.http.get(f"{self.hub_url}/ledger") as response:
            return list(await response.json())

    async def books_agree(self) -> None:
        """The payments are the ledger's committed transfers to the shop, one for one."""
        committed = {
            (entry["transfer_id"], entry["transaction_id"], entry["amount"], entry["currency"])
            for entry in await self.ledger()
            if entry["state"] == "COMMITTED" and not entry.get("refund_of")
        }
        payments = await self.payments()
        received = {
            (
                one["hub"]["transfer_id"],
                one["hub"]["transaction_id"],
                one["amount"]["amount"],
                one["amount"]["currency"],
            )
            for one in payments
        }
        assert received == committed
        assert len(payments) == len(received), "a payment stands twice"

    # --- forgers ---

    def stolen_key(self, fsp_id: str) -> SigningKey:
        """The real signing key of one of the hub's participants."""
        for line in self.journal.read_bytes().splitlines():
            event = msgspec.json.decode(line, type=Event)
            if isinstance(event, OwnKey) and event.fsp_id == fsp_id:
                return load_signing_key(event.private_key_pem, fsp_id)
        raise LookupError(fsp_id)

    async def say(
        self,
        method: str,
        path: str,
        body: bytes,
        source: str,
        key: SigningKey | None,
        *,
        sent_body: bytes | None = None,
    ) -> tuple[int, str | None]:
        """Send the service a message as if from the hub: status and FSPIOP code. `sent_body` is not what was signed."""
        resource = path.split("/")[1]
        headers = outbound_headers(
            method=method, resource=resource, source=source, destination="greenbankfsp", date=clock.now()
        ) | {"x-gateway-secret": GATEWAY_SECRET}
        if key is not None:
            signature = sign(key, method=method, uri=path, source=source, destination="greenbankfsp", body=body)
            headers |= {"FSPIOP-Signature": signature, "FSPIOP-URI": path, "FSPIOP-HTTP-Method": method}
        url = f"{self.service.settings.base_url}/fspiop{path}"
        async with self.http.request(method, url, data=sent_body or body, headers=headers) as response:
            raw = await response.read()
            return response.status, msgspec.json.decode(raw)["errorInformation"]["errorCode"] if raw else None


async def until(found: Callable[[], Awaitable[T | None]], what: str) -> T:
    """Ask again until there is something."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            while (value := await found()) is None:
                await asyncio.sleep(0.02)
            return value
    except TimeoutError:
        raise AssertionError(f"waited in vain until {what}") from None
