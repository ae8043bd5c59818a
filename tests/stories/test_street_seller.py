"""The story of a street seller: a telephone, an identity number and a birth date, and minutes later a number to pay.

Scenario 1 of onboarding, told through the HTTP API by the people who would do it, under a policy that takes no
checker's word for a phone or an identity.
"""

import re
import time
from datetime import timedelta

import httpx
import pytest

from merchant.core.service import Service
from merchant.notify import sms
from tests import builders
from tests.builders import World
from tests.stories.test_onboarding import Colleague, parties

pytestmark = pytest.mark.anyio
STRICTER = """
[checks.phone]
by = ['one_time_code']
[checks.identity]
by = ['document', 'registry']
"""
FIVE_MINUTES = timedelta(minutes=5).total_seconds()


async def test_a_street_seller_takes_payments_within_minutes(
    client: httpx.AsyncClient, service: Service, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    received: list[tuple[str, str]] = []

    async def seller_phone(_message_id: str, phone: str, text: str) -> None:
        received.append((phone, text))

    monkeypatch.setattr(sms, "to_console", seller_phone)
    maker, checker, second = [await Colleague.sign_in(client, name) for name in ("maker", "checker", "checker2")]

    # The DFSP wants the phone proved by a code and, above T0, the identity by papers or a register.
    policy = await checker.post("policies", {"layer": "dfsp", "text": STRICTER}, 201)
    await second.post(f"policies/{policy['id']}/publish")

    # At the stall: who she is, her birth date, where she sells, and the number of her phone.
    began_s = time.monotonic()
    document = builders.seller()
    document["owners"][0]["birth_date"] = "1988-07-21"
    opened = await maker.post("applications", document, 201, **{"idempotency-key": "1"})
    application = f"applications/{opened['id']}"
    refused = await maker.post(f"{application}/submit", status=422)
    assert [(one["path"], one["code"]) for one in refused["errors"]] == [("contact", "not_verified")]

    # Her phone rings; she reads the code out, the maker mishears it once.
    await maker.post(f"{application}/phone-code", {}, 201)
    await builders.work(service)
    [(phone, text)] = received
    assert phone == document["contact"]["phone"]
    [code] = re.findall(r"\b[0-9]{6}\b", text)
    misheard = f"{(int(code) + 1) % 1_000_000:06}"
    told = await maker.post(f"{application}/phone-code/confirm", {"code": misheard}, 422)
    assert told["errors"][0]["message"] == "4 more tries are left."
    proved = await maker.post(f"{application}/phone-code/confirm", {"code": code})
    assert (proved["attribute"], proved["method"], proved["outcome"]) == ("phone", "one_time_code", "verified")

    # Submitted and screened while she waits; her name is clear.
    await maker.post(f"{application}/submit")
    await builders.work(service)
    seen = await checker.get(application)
    assert (seen["state"], seen["report"]["screening"]) == ("in_review", "clear")
    made = await checker.post(f"{application}/approve", {"version_hash": seen["version_hash"]})
    merchant = await maker.get(f"merchants/{made['merchant_id']}")
    assert (made["tier"], merchant["state"]) == ("T0", "active")
    assert time.monotonic() - began_s < FIVE_MINUTES

    # Her number works; a payment beyond her tier is refused with the reason.
    counter = made["counters"][0]
    assert set(await parties(client, counter["alias"])) == {"greenbankfsp"}
    admin = world["greenbankfsp"]["admin"]
    key = await builders.issue_key(service, admin, ["payments:request"], merchant_id=made["merchant_id"])
    for amount, status in (("2600.00", 201), ("2600.01", 422)):
        asked = {"counter_id": counter["id"], "amount": {"amount": amount, "currency": "KES"}}
        headers = {**key, "idempotency-key": f"for-{status}"}
        answer = await client.post("/api/v1/payment-requests", json=asked, headers=headers)
        assert answer.status_code == status, answer.text
    assert answer.json()["errors"][0]["code"] == "over_limit"
