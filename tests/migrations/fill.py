"""Writes the filled database that every later release must be able to migrate: `python -m tests.migrations.fill`.

A server of its own, today's schema, everything made through the service itself (its operations, its HTTP doors, its
worker), then pg_dump to dumps/NNNN.sql.gz. What is left undone at the end is what test_upgrade.py goes on with.
"""

import asyncio
import base64
import gzip
import re
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pyotp

from merchant import migrations
from merchant.channels.ussd.door import gateway_key
from merchant.channels.ussd.routes import NewRoute, add_route
from merchant.compliance.cases import apply
from merchant.compliance.cases.rights.models import Erasure
from merchant.compliance.documents.operations import destroy_document
from merchant.compliance.documents.queries import lock_document
from merchant.compliance.registers.operations import load_golden_copy
from merchant.core import clock, heartbeat, inbox, postgres
from merchant.core.access import SERVICE, Role
from merchant.core.evidence import EventBuffer
from merchant.core.service import Service, open_service
from merchant.core.settings import Settings
from merchant.notify import events
from merchant.payments import outgoing
from merchant.payments.timers import run_timers
from merchant.people import passkeys
from merchant.programs.app import create_app
from merchant.programs.worker import Worker
from tests import builders
from tests.authenticator import Authenticator
from tests.builders import DFSPS, GATEWAY_SECRET, SECRET_KEY, World
from tests.merchant.payments.stage import PAYER, Stage, connect, running_hub

DUMPS = Path(__file__).parent / "dumps"
SCOPES = ["payments:read", "payments:request", "payments:resolve", "payments:refund", "webhooks:write"]
# The same call is repeated years later, so neither its key nor its body may ever change.
REPEATED_KEY = "kept-in-the-dump"
REPEATED_BODY: dict[str, Any] = {"business": {"trading_name": "Asked for twice", "kind": "individual"}}
UNDECIDED = "Waits for a checker"
UNSCREENED = "Waits for the worker"
_GOLDEN_COPY = Path(__file__).parents[1] / "kyb/data/golden_copy.csv"
# Port 9 is discard: nobody listens there.
_SILENT = "http://127.0.0.1:9/hooks"
_ATTEMPTS_MAX = 20  # more than any job gets before it is dead
# Of pg_dump, for a driver that speaks SQL only and for servers older than pg_dump itself.
_NOT_SQL = re.compile(r"^(\\(un)?restrict .*|SET transaction_timeout = 0;)\n", re.MULTILINE)


def settings(data_dir: Path) -> Settings:
    """Settings of a service on a filled database."""
    return Settings(
        secret_key=SECRET_KEY,
        gateway_secret=GATEWAY_SECRET,
        data_dir=data_dir,
        database_pool_size=4,
        webhook_loopback=True,
        require_totp=False,
    )


@asynccontextmanager
async def open_stage(service: Service) -> AsyncIterator[tuple[Stage, World]]:
    """A stage without a shop: the whole application, a hub and a worker by hand."""
    world = await builders.load_world(service)
    transport = httpx.ASGITransport(create_app(service), raise_app_exceptions=False)
    async with (
        httpx.AsyncClient(transport=transport, base_url="http://test.local") as client,
        running_hub(client) as hub,
        Worker(service).by_hand() as worker,
    ):
        del client.headers["accept"]
        await connect(service, hub)
        yield Stage(service, world, client, hub, worker, None, None, {}), world  # type: ignore[arg-type]


async def fill(service: Service) -> None:
    """Make something of everything. Moves the clock, and leaves it moved."""
    await builders.seed_world(service)
    async with open_stage(service) as (stage, world):
        stage.key = await builders.issue_key(service, world[DFSPS[0]]["admin"], SCOPES)
        await _open_endpoints(stage)
        await _bury_a_job(stage)
        stage.world = world = await builders.load_world(service)  # hours have passed: everyone signs in again
        stage.merchant, counters = await builders.create_merchant(service, world, DFSPS[0])
        stage.counter = counters[0]
        await _manage_people(stage)
        await _onboard(stage)
        await _register_themselves(stage)
        await _set_rules(stage)
        await _register_externals(stage)
        await _print(stage)
        await _keep_a_price(stage)
        await _choose_notifications(stage)
        await _take_money(stage)
        await _dial(stage)
        await _leave_work(stage)
    await service.shared(EventBuffer).store()
    await check_that_every_table_is_filled(service)


async def _call(stage: Stage, who: dict[str, str], method: str, path: str, body: Any = None, **headers: str) -> Any:
    response = await stage.client.request(method, path, json=body, headers=who | headers)
    assert response.is_success, f"{method} {path}: {response.status_code} {response.text}"
    return response.json() if response.content else None


def _pass(**time: float) -> None:
    before = clock.source
    ahead = timedelta(**time)
    clock.source = lambda: before() + ahead


async def _open_endpoints(stage: Stage) -> None:
    for url in (f"{stage.hub.url}/hooks", _SILENT):
        await _call(stage, stage.key, "POST", "/api/v1/webhook-endpoints", {"url": url})


async def _keep_a_price(stage: Stage) -> None:
    admin, scopes = stage.world[DFSPS[0]]["admin"], ["payments:read", "payments:request"]
    own = await builders.issue_key(stage.service, admin, scopes, merchant_id=stage.merchant.id)
    tea = {"label": "Tea", "amount": {"amount": "5", "currency": "USD"}}
    await _call(stage, own, "POST", "/api/v1/price-keys", tea)


async def _choose_notifications(stage: Stage) -> None:
    wanted = {"email": ["application_submitted"]}
    await _call(stage, stage.world.maker.headers, "PUT", "/api/v1/users/me/notification-choices", wanted)


async def _bury_a_job(stage: Stage) -> None:
    await builders.create_application(stage.service, stage.world.maker, submitted=True)
    for _ in range(_ATTEMPTS_MAX):
        await stage.work()
        if await stage.rows("SELECT 1 FROM outbox WHERE dead_at IS NOT NULL"):
            return
        [row] = await stage.rows("SELECT min(run_at) AS next FROM outbox")
        _pass(seconds=(row["next"] - clock.now()).total_seconds())
    raise AssertionError("no job died")


async def _manage_people(stage: Stage) -> None:
    """Someone invited, a checker who waits for a second person, a second factor, sign-ins that worked and did not."""
    admin, auditor = stage.world[DFSPS[0]]["admin"].headers, stage.world[DFSPS[0]]["auditor"]
    await _call(stage, auditor.headers, "POST", "/api/v1/audit/checks", {})
    for number, role in enumerate(("dfsp_maker", "dfsp_checker")):
        person = {"email": f"invited{number}@greenbankfsp.example", "name": "Invited", "roles": [role]}
        await _call(stage, admin, "POST", "/api/v1/users", person)
    own = {"password": builders.PASSWORD}
    secret = (await _call(stage, auditor.headers, "POST", "/api/v1/users/me/totp", own))["secret"]
    first = {"code": pyotp.TOTP(secret).at(clock.now())}
    await _call(stage, auditor.headers, "POST", "/api/v1/users/me/totp/confirm", first)
    account = {"email": stage.world.maker.email, "password": builders.PASSWORD}
    await _call(stage, {}, "POST", "/api/v1/sessions", account)
    device = Authenticator(passkeys.relying_party(stage.service.settings).origin)
    options = await _call(stage, admin, "POST", "/api/v1/users/me/passkeys/options", own)
    made = {"credential": device.create(options["public_key"]), "name": "Phone"}
    await _call(stage, admin, "POST", "/api/v1/users/me/passkeys", made)
    await _call(stage, {}, "POST", "/api/v1/sessions/passkey/options")
    await stage.client.post("/api/v1/sessions", json={"email": "nobody@x.example", "password": "wrong"})


async def _onboard(stage: Stage) -> None:
    """Applications in every state but `expired`, decided as checkers decide."""
    service, world = stage.service, stage.world
    maker, checker = world.maker, world.checker
    applications = "/api/v1/applications"

    async def submitted(name: str, **more: Any) -> tuple[str, dict[str, Any]]:
        document = builders.company(trading_name=name) | more
        made = await builders.create_application(service, maker, document, submitted=True)
        return f"{applications}/{made.id}", await _call(stage, maker.headers, "GET", f"{applications}/{made.id}")

    begun = await builders.create_application(service, maker)
    await builders.create_document(service, maker, begun)
    erased = await builders.create_document(service, maker, begun, path="business")
    async with service.db.tenant(maker.actor.dfsp_id) as tx:
        await destroy_document(tx, maker.actor, await lock_document(tx, maker.actor, erased))
    await submitted(UNDECIDED)
    rejected, _ = await submitted("Was rejected")
    await _call(stage, checker.headers, "POST", f"{rejected}/claim")
    await _call(stage, checker.headers, "POST", f"{rejected}/reject", {"reason": "The business is not known there."})
    withdrawn, _ = await submitted("Was withdrawn")
    await _call(stage, maker.headers, "POST", f"{withdrawn}/withdraw")
    items = {"items": [{"path": "contact.phone", "reason": "Nobody answers."}]}
    returned, _ = await submitted("Was returned")
    await _call(stage, checker.headers, "POST", f"{returned}/return", items)
    again, _ = await submitted("Was returned and came back")
    await _call(stage, checker.headers, "POST", f"{again}/return", items)
    before = await stage.client.get(again, headers=maker.headers)
    contact = before.json()["contact"] | {"phone": "+254711999001"}
    changed = {"if-match": before.headers["etag"]}
    await _call(stage, maker.headers, "PATCH", again, {"contact": contact}, **changed)
    await _call(stage, maker.headers, "POST", f"{again}/submit")
    owner = {"given_name": "Ayman Muhammed Rabi", "family_name": "al-Zawahiri", "birth_date": "1951-06-19"}
    listed, view = await submitted("Is like a listed one", owners=[builders.company()["owners"][0] | owner])
    word = {"decision": "false_positive", "reason": "Born elsewhere."}
    second = world[DFSPS[0]]["checker2"]
    for who in (checker, second):  # two release a likely one
        await _call(stage, who.headers, "POST", f"{listed}/hits/{view['report']['hits'][0]['id']}", word)
    await _call(stage, checker.headers, "POST", f"{listed}/risk", {"band": "high", "reason": "A cash business."})
    await _call(stage, checker.headers, "POST", f"{rejected}/hold", {"reason": "A court asks for it."})
    async with service.db.system() as tx:  # what is erased is half a year old and older
        gone = UUID(withdrawn.rsplit("/", 1)[1])
        dfsp_id = stage.merchant.dfsp_id
        tx.session.add(Erasure(application_id=gone, dfsp_id=dfsp_id, why="person_asked", requested_by=maker.actor.id))
    await _call(stage, maker.headers, "POST", f"{applications}/{begun.id}/phone-code", {})
    seen = {"attribute": "address", "subject": "locations[0]", "outcome": "verified", "method": "agent_visit"}
    await _call(stage, maker.headers, "POST", f"{applications}/{begun.id}/verifications", seen | {"note": "Blue door."})
    await stage.work()
    suspended, _ = await builders.create_merchant(service, world, DFSPS[0])
    why = {"reason": "Complaints."}
    await _call(stage, checker.headers, "POST", f"/api/v1/merchants/{suspended.id}/suspend", why)
    await builders.create_merchant(service, world, DFSPS[1], builders.seller())
    places = (await _call(stage, maker.headers, "GET", f"/api/v1/merchants/{stage.merchant.id}"))["locations"]
    counter = {"location_id": places[0]["id"], "name": "Till 2", "own_alias": "CornerShop2"}
    path = f"/api/v1/merchants/{stage.merchant.id}/counters"
    await _call(stage, maker.headers, "POST", path, counter, **{"idempotency-key": "second-counter"})


async def _register_themselves(stage: Stage) -> None:
    """A merchant who has registered and handed in, and somebody who claims a shop."""

    async def proved(phone: str) -> dict[str, str]:
        await _call(stage, {}, "POST", "/api/v1/one-time-codes", {"phone": phone})
        await stage.work()
        mails = await _call(stage, stage.world.operator.headers, "GET", "/api/v1/outgoing-mail")
        [code] = re.findall(r"\b[0-9]{6}\b", next(one["text"] for one in mails["items"] if one["to"] == phone))
        return {"phone": phone, "code": code, "name": "Juma Otieno"}

    where = {"dfsp_id": str(stage.merchant.dfsp_id)}
    session = await _call(stage, {}, "POST", "/api/v1/registrations", await proved("+254700300001") | where)
    applicant = {"authorization": f"Bearer {session['access_token']}"}
    await _call(stage, applicant, "POST", "/api/v1/my-application/hand-in")
    claim = await proved("+254700300002") | {"number": stage.counter.alias}
    await _call(stage, {}, "POST", "/api/v1/registrations/claims", claim)
    await stage.work()


async def _set_rules(stage: Stage) -> None:
    """A proposed layer of policy, a list of the scheme's own in force, a copy of LEIs, and a blocked merchant."""
    admin, operator = stage.world[DFSPS[0]]["admin"], stage.world.operator
    layer = {"layer": "dfsp", "text": "grace = '29d'"}
    await _call(stage, admin.headers, "POST", "/api/v1/policies", layer)
    header = "id,kind,name,aliases,birth_date,country,id_number,reason\n"
    content = base64.b64encode(f"{header}1,person,Zebulon Quattrociocche,,,,,fraud\n".encode()).decode()
    new = {"form": "own", "content": content}
    put = await _call(stage, operator.headers, "POST", "/api/v1/screening-lists", new)
    await builders.add_person(stage.service, "second@hub.example", [Role.HUB_CHECKER])
    confirmer = await builders.signed_in(stage.service, "second@hub.example")
    await _call(stage, confirmer.headers, "POST", f"/api/v1/screening-lists/{put['id']}/confirm")
    await load_golden_copy(stage.service, SERVICE, _GOLDEN_COPY)
    blocked, _ = await builders.create_merchant(stage.service, stage.world, DFSPS[1], builders.seller())
    why = {"reason_code": "collusion", "reason": "It paid for stolen telephones."}
    for who in (operator, confirmer):
        await _call(stage, who.headers, "POST", f"/api/v1/merchants/{blocked.id}/block", why)
    await stage.work()


async def _register_externals(stage: Stage) -> None:
    """Numbers of another DFSP's own merchants, one of them retired."""
    key = await builders.issue_key(stage.service, stage.world[DFSPS[1]]["admin"], ["aliases:write"])
    rows = [
        {"merchant_id": "M-1", "currency": "KES"},
        {"merchant_id": "M-2", "currency": "KES", "alias_value": "LakeCafe"},
    ]
    await _call(stage, key, "POST", "/oracle/participants", rows)
    gateway = {"x-gateway-secret": GATEWAY_SECRET, "fspiop-source": DFSPS[1]}
    alias_type = (await stage.service.scheme()).alias_type
    await _call(stage, gateway, "DELETE", f"/oracle/participants/{alias_type}/LakeCafe")
    assert await stage.rows("SELECT 1 FROM alias_claim WHERE retired_at IS NOT NULL")


async def _print(stage: Stage) -> None:
    maker, path = stage.world.maker.headers, f"/api/v1/counters/{stage.counter.id}/stickers"
    sticker = {"reason": "It was torn.", "old_sticker": "revoked"}
    await _call(stage, maker, "POST", path, sticker, **{"idempotency-key": "new-sticker"})
    await _call(stage, maker, "POST", "/api/v1/poster-batches", {"page": "A6"}, **{"idempotency-key": "posters"})
    found = {"reason": "pasted_over", "text": "Under it is another.", "sticker": "1"}
    reported = await stage.client.post(f"/q/{stage.counter.alias}/report", data=found)
    assert reported.status_code == 200, reported.text
    table = {"file": ("shops.csv", b"external_ref,business.trading_name\nSHOP-1,Corner shop\n")}
    headers = maker | {"idempotency-key": "import"}
    ordered = await stage.client.post("/api/v1/imports", files=table, headers=headers)
    assert ordered.status_code == 202, ordered.text
    await stage.work()


async def _take_money(stage: Stage) -> None:
    """Requests in every state, those of the past first."""
    await stage.asked(expires_in_s=60)
    _pass(seconds=61)
    await run_timers(stage.service)
    await stage.work()
    doubtful = await stage.asked()
    await stage.reserved(doubtful)
    _pass(seconds=11)
    await stage.tick()
    await stage.pay(await stage.asked(note="Two coffees", reference="INV-1"))
    await stage.pay(currency="USD")
    await stage.answer_request(await stage.asked(), "REJECTED")
    cancelled = await stage.asked()
    await _call(stage, stage.key, "POST", f"/api/v1/payment-requests/{cancelled['id']}/cancel")
    stage.hub.statuses["transactionRequests"] = [(400, "3204")]
    await stage.asked()
    await stage.ask(payer=None)
    await stage.answer_request(await stage.asked(), "RECEIVED")
    await stage.quote(await stage.asked())
    await stage.asked()
    await stage.ask()
    [payment, *_] = await stage.payments()
    back, part = f"/api/v1/payments/{payment['id']}/refunds", {"amount": payment["amount"] | {"amount": "1"}}
    for who, key in ((stage.key, "at-the-hub"), (stage.world.maker.headers, "waits")):
        await _call(stage, who, "POST", back, part | {"reason": "CUST"}, **{"idempotency-key": key})
    await stage.work()
    found = {row["state"] for row in await stage.rows("SELECT DISTINCT state FROM payment_request")}
    assert found >= {
        "created",
        "sent",
        "awaiting_payer",
        "accepted",
        "paid",
        "rejected",
        "expired",
        "failed",
        "cancelled",
        "in_doubt",
    }, found


async def _dial(stage: Stage) -> None:
    form = {"sessionId": "s1", "serviceCode": "*384*123#", "phoneNumber": f"+{PAYER}", "networkCode": "1", "text": ""}
    path = f"/ussd/africastalking/{gateway_key(stage.service, 'africastalking')}"
    for text in ("", "9", "9*1"):
        assert (await stage.client.post(path, data=form | {"text": text})).text.startswith("CON ")
    # A language is chosen, and kept apart from its session; this phone was asked for nothing, so it begins at home.
    form |= {"sessionId": "s2", "phoneNumber": "+254711000777"}
    for text in ("", "9", "9*2"):
        assert (await stage.client.post(path, data=form | {"text": text})).text.startswith("CON ")
    async with stage.service.db.system() as tx:
        await add_route(tx, stage.service, NewRoute("hubtel", proof_name="x-proof", networks=("192.0.2.0/24",)))
        centre = {"smsc_url": "smpps://192.0.2.7:2775", "system_id": "registry", "password": "s3cret"}
        await add_route(tx, stage.service, NewRoute("smpp", **centre))
    await _call(stage, stage.world.maker.headers, "POST", "/api/v1/event-tickets")


async def _leave_work(stage: Stage) -> None:
    """What the worker of the next release finds: two quotes to answer, an application to screen, webhooks to repeat."""
    maker = stage.world.maker
    await _call(
        stage, maker.headers, "POST", "/api/v1/applications", REPEATED_BODY, **{"idempotency-key": REPEATED_KEY}
    )
    stage.hub.statuses["quotes"] = [(503, None)]
    await stage.tell("POST", "/quotes", stage.quote_body())
    unscreened = await builders.create_application(stage.service, maker, builders.company(trading_name=UNSCREENED))
    await _call(stage, maker.headers, "POST", f"/api/v1/applications/{unscreened.id}/submit")
    response = await stage.hub.say("POST", "/quotes", stage.quote_body())
    assert response.status_code == 202, response.text
    left = {row["topic"] for row in await stage.rows("SELECT topic FROM outbox WHERE dead_at IS NULL")}
    assert left >= {apply.SCREEN_TOPIC, inbox.TOPIC, outgoing.TOPIC, events.WEBHOOK_TOPIC}, left
    await heartbeat.beat(stage.service.db, uuid4())


async def check_that_every_table_is_filled(service: Service) -> None:
    """Raises AssertionError with the names of those that are empty."""
    async with service.db.system() as tx:
        names = await tx.fetch(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> $1", "alembic_version"
        )
        empty = [name for (name,) in names if not await tx.fetchval(f"SELECT EXISTS (SELECT FROM {name})")]
    assert not empty, f"nothing is in {empty}: let fill.py make some"


def dump(server: postgres.Running, binaries: postgres.Binaries) -> str:
    """The database as SQL text without psql's own commands."""
    command = [
        str(binaries.bin_dir / "pg_dump"),
        "--inserts",
        "--rows-per-insert=500",
        "--no-owner",
        server.url(),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return _NOT_SQL.sub("", done.stdout)


def main() -> None:
    """Write the dump of the newest revision."""
    with tempfile.TemporaryDirectory() as folder:
        binaries = postgres.find_binaries()
        with postgres.start(Path(folder) / "data", binaries=binaries) as server:

            async def make() -> str:
                await migrations.upgrade(server.url())
                async with open_service(settings(Path(folder)), server.url()) as service:
                    await fill(service)
                connection = await asyncpg.connect(server.url())
                revision: str = await connection.fetchval("SELECT version_num FROM alembic_version")
                await connection.close()
                return revision

            path = DUMPS / f"{asyncio.run(make())}.sql.gz"
            path.write_bytes(gzip.compress(dump(server, binaries).encode(), mtime=0))
    sys.stdout.write(f"{path}: {path.stat().st_size // 1024} kB\n")


if __name__ == "__main__":
    main()
