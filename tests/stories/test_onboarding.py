"""The story of a business: applied for, returned, listed by mistake, approved, given numbers, suspended, back again.

Told through the HTTP API only, by the people who would do it; the worker screens in between.
"""

from typing import Any

import httpx
import pytest
import zxingcpp
from PIL import Image

from merchant.core.service import Service
from tests import builders
from tests.api.everything import listed_company
from tests.builders import GATEWAY_SECRET, PASSWORD, World

pytestmark = pytest.mark.anyio


class Colleague:
    """Someone who signed in with a password."""

    def __init__(self, client: httpx.AsyncClient, token: str) -> None:
        self.client = client
        self.headers = {"authorization": f"Bearer {token}"}

    @classmethod
    async def sign_in(cls, client: httpx.AsyncClient, name: str) -> "Colleague":
        credentials = {"email": f"{name}@greenbankfsp.example", "password": PASSWORD}
        session = await client.post("/api/v1/sessions", json=credentials)
        assert session.status_code == 201
        return cls(client, session.json()["access_token"])

    async def get(self, path: str) -> Any:
        response = await self.client.get(f"/api/v1/{path}", headers=self.headers)
        assert response.status_code == 200, response.text
        return response.json()

    async def post(self, path: str, body: Any = None, status: int = 200, **headers: str) -> Any:
        response = await self.client.post(f"/api/v1/{path}", json=body, headers={**self.headers, **headers})
        assert response.status_code == status, response.text
        return response.json()

    async def change(self, application_id: str, changes: Any) -> Any:
        path = f"/api/v1/applications/{application_id}"
        tag = (await self.client.get(path, headers=self.headers)).headers["etag"]
        response = await self.client.patch(path, json=changes, headers={**self.headers, "if-match": tag})
        assert response.status_code == 200, response.text
        return response.json()


async def parties(client: httpx.AsyncClient, alias: str) -> list[str]:
    """The DFSPs that the hub's look-up service is told."""
    path = f"/oracle/participants/ALIAS/{alias}"
    response = await client.get(path, headers={"x-gateway-secret": GATEWAY_SECRET})
    return [row["fspId"] for row in response.json()["partyList"]]


async def test_a_company_from_first_word_to_scanned_code(
    client: httpx.AsyncClient, service: Service, world: World, tmp_path: Any
) -> None:
    maker, checker, second = [await Colleague.sign_in(client, name) for name in ("maker", "checker", "checker2")]
    document = listed_company()

    # The maker begins with what is known, is told what is missing, and goes on.
    opened = await maker.post("applications", {"business": document["business"]}, 201, **{"idempotency-key": "1"})
    application = f"applications/{opened['id']}"
    refused = await maker.post(f"{application}/submit", status=422)
    assert {"owners", "locations"} <= {error["path"] for error in refused["errors"]}
    await maker.change(opened["id"], {name: document[name] for name in document if name != "business"})
    await maker.post(f"{application}/submit")
    await builders.work(service)

    # The checker sees the likeness to a listed person and sends the application back.
    seen = await checker.get(application)
    assert (seen["state"], seen["report"]["screening"]) == ("in_review", "review")
    too_soon = await checker.post(f"{application}/approve", {"version_hash": seen["version_hash"]}, 409)
    assert too_soon["code"] == "screening_hits_open"
    await checker.post(f"{application}/return", {"items": [{"path": "owners[0]", "reason": "Is this the name?"}]})

    # The maker had mistaken the birth year; the likeness stays, and two checkers decide on it.
    owner = {**document["owners"][0], "birth_date": "1951-07-01"}
    changed = await maker.change(opened["id"], {"owners": [owner]})
    assert (changed["version"], changed["state"]) == (2, "draft")
    await maker.post(f"{application}/submit")
    await builders.work(service)
    stale = await checker.post(f"{application}/approve", {"version_hash": seen["version_hash"]}, 412)
    assert stale["code"] == "stale_version"
    seen = await checker.get(application)
    for hit in seen["report"]["hits"]:
        word = {"decision": "false_positive", "reason": "Another birthplace, seen in the passport."}
        for person in (checker, second):
            await person.post(f"{application}/hits/{hit['id']}", word)
    made = await checker.post(f"{application}/approve", {"version_hash": seen["version_hash"]})
    assert made["tier"] == "T3"
    counter = made["counters"][0]

    # The number works at once, and the printed code says what the counter is.
    assert set(await parties(client, counter["alias"])) == {"greenbankfsp"}
    picture = await client.get(f"/api/v1/counters/{counter['id']}/qr?format=png", headers=maker.headers)
    file = tmp_path / "code.png"
    file.write_bytes(picture.content)
    [read] = zxingcpp.read_barcodes(Image.open(file))
    said = await maker.post("qr/decode", {"payload": read.text})
    assert counter["alias"] in str(said)

    # A complaint stops the shop, its end opens it again.
    await checker.post(f"merchants/{made['merchant_id']}/suspend", {"reason": "Complaints of customers."})
    assert await parties(client, counter["alias"]) == []
    await checker.post(f"merchants/{made['merchant_id']}/reinstate")
    assert set(await parties(client, counter["alias"])) == {"greenbankfsp"}

    # The auditor reads who did what, in order.
    auditor = await Colleague.sign_in(client, "auditor")
    entries = [entry["action"] for entry in (await auditor.get("audit?limit=100"))["items"]][::-1]
    story = [action for action in entries if action.startswith(("application.", "merchant."))]
    assert story == [
        "application.opened",
        "application.changed",
        "application.submitted",
        "application.screened",
        "application.returned",
        "application.changed",
        "application.submitted",
        "application.screened",
        *["application.hit_release_proposed", "application.hit_decided"] * len(seen["report"]["hits"]),
        "application.risk_changed",  # no hit is open any more
        "application.risk_changed",  # the checker vouches for the owners
        "application.approved",
        "merchant.suspended",
        "merchant.reinstated",
    ]


async def test_a_street_seller_known_by_phone_has_a_number_in_three_steps(
    client: httpx.AsyncClient, service: Service
) -> None:
    maker, checker = [await Colleague.sign_in(client, name) for name in ("maker", "checker")]
    opened = await maker.post("applications", builders.seller(), 201, **{"idempotency-key": "1"})
    await maker.post(f"applications/{opened['id']}/submit")
    await builders.work(service)
    seen = await checker.get(f"applications/{opened['id']}")
    made = await checker.post(f"applications/{opened['id']}/approve", {"version_hash": seen["version_hash"]})
    assert made["tier"] == "T0"
    assert await parties(client, made["counters"][0]["alias"]) == ["greenbankfsp"]


async def test_the_checker_of_ones_own_work_is_always_another(client: httpx.AsyncClient, service: Service) -> None:
    both, checker = [await Colleague.sign_in(client, name) for name in ("both", "checker")]
    opened = await both.post("applications", builders.company(), 201, **{"idempotency-key": "1"})
    await both.post(f"applications/{opened['id']}/submit")
    await builders.work(service)
    approval = {"version_hash": (await both.get(f"applications/{opened['id']}"))["version_hash"]}
    refused = await both.post(f"applications/{opened['id']}/approve", approval, 403)
    assert refused["code"] == "checker_is_maker"
    assert (await checker.post(f"applications/{opened['id']}/approve", approval))["merchant_id"]
