"""Every route of the JSON API, found in the application itself, and one of every thing that a route can name.

Tests of tenancy, credentials, roles and bad input walk over all of it: a new route that these tables do not know fails
them until someone says how it is called.
"""

import base64
import re
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
from litestar.handlers import HTTPRouteHandler
from msgspec import Struct

from merchant.channels.pictures import CodeLogo
from merchant.core import clock, ids
from merchant.core.access import KEY_SCOPES, MERCHANT_KEY_SCOPES, Actor, Permission, Role
from merchant.core.http import route as declared
from merchant.core.phone import Msisdn
from merchant.core.service import Service
from merchant.payments.book_saving import payer_context
from merchant.payments.models import Payment, Transfer
from merchant.payments.refunds.models import Refund, RefundEvent
from merchant.people import sessions
from merchant.people.registration.addresses import Address
from merchant.people.registration.claims import CLAIMANT
from merchant.people.registration.models import CLAIMANT_ADDRESS, CLAIMANT_NAME, MerchantClaim
from merchant.programs.openapi.examples import EXAMPLES
from merchant.registry.codes import reports
from merchant.registry.codes.reports import ReportReason
from merchant.registry.merchants.models import Counter
from merchant.scheme.keys import new_private_pem, public_pem
from tests import builders
from tests.apps import app_on
from tests.builders import PASSWORD, Person, World
from tests.merchant.exchange.files import as_csv, seller

_PARTNER_PEM = public_pem(new_private_pem())
OWN_LIST = base64.b64encode(
    b"id,kind,name,aliases,birth_date,country,id_number,reason\n1,person,Amara Kiprop,,,,,fraud\n"
).decode()
# Shaped as a browser's, and no one's.
_CREATED = {"id": "AAAA", "type": "public-key", "response": {"clientDataJSON": "e30", "attestationObject": "oA"}}
_USED = {
    "id": "AAAA",
    "type": "public-key",
    "response": {"clientDataJSON": "e30", "authenticatorData": "AAAA", "signature": "AAAA"},
}
# Path parameters that identify nothing by themselves.
NUMBERS = {"version": "1", "token": "no-such-link"}


class Route(Struct, frozen=True):
    """One method of one path of the JSON API, as it is declared."""

    declared: declared.Route

    @property
    def method(self) -> str:
        """Its HTTP method."""
        return self.declared.method

    @property
    def path(self) -> str:
        """Its path, with {names}."""
        return self.declared.path

    @property
    def names(self) -> list[str]:
        """The path's parameters."""
        return re.findall(r"\{(\w+)\}", self.path)

    @property
    def permission(self) -> Permission | None:
        """What it demands; None is any signed-in actor."""
        return self.declared.permission

    @property
    def shape(self) -> str | None:
        """The name of the struct that its body is."""
        return self.declared.body.__name__ if self.declared.body is not None else None

    @property
    def is_me(self) -> bool:
        """Whether it only says who calls."""
        return (self.method, self.path) == ("GET", "/api/v1/users/me")

    @property
    def is_list(self) -> bool:
        """Whether it answers page by page."""
        return self.declared.paged

    @property
    def filters(self) -> dict[str, tuple[str, ...]]:
        """Its filters with their allowed values, none where any will do."""
        return {one.name: one.allowed() for one in self.declared.filters}

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def walled_routes(service: Service) -> list[Route]:
    """Every route that asks who is there."""
    return [route for route in _routes(service) if not route.declared.public]


def routes_on_things(service: Service) -> list[Route]:
    """Those of them that are about something else than the caller's own sessions, password and second factor, which
    would sign out whoever walks over them (tests/merchant/people has those).
    """
    return [route for route in walled_routes(service) if route.permission is not None or route.names or route.is_me]


def routes_with_a_body(service: Service) -> list[Route]:
    """Every route that reads JSON, signing in among them."""
    declared = [(route, route.declared) for route in _routes(service)]
    return [route for route, one in declared if one.body is not None and one.upload is None and one.spooled is None]


def _routes(service: Service) -> list[Route]:
    """All of them, read once of the application that the tests share."""
    app = app_on(service)
    return [
        Route(handler.opt["route"])
        for route in app.routes
        for handler in getattr(route, "route_handlers", ())
        if isinstance(handler, HTTPRouteHandler) and "route" in handler.opt and route.path.startswith("/api/")
    ]


class Things(Struct, frozen=True):
    """What greenbankfsp has: ids by the name of the path parameter, and what else a body may name."""

    ids: dict[str, str]
    version_hash: str
    location_id: str
    payload: str

    def path(self, route: Route, **changes: str) -> str:
        """The route's path, naming these things, or others by the name of their parameter."""
        named = self.ids | NUMBERS | changes
        return re.sub(r"\{(\w+)\}", lambda found: named[found[1]], route.path)

    def body(self, route: Route) -> dict[str, Any] | None:
        """A good body for the route, naming these things where it can."""
        return None if route.shape is None else self._bodies()[route.shape]

    def file(self) -> dict[str, Any]:
        """The file of a form. It is empty and refused, from whoever may send it: to look at one takes time."""
        return {"file": ("a.pdf", b"")}

    def _bodies(self) -> dict[str, dict[str, Any]]:
        ids = self.ids
        return {
            "SignIn": {"email": "maker@greenbankfsp.example", "password": PASSWORD},
            "NewDfsp": {"fsp_id": "newfsp", "name": "New"},
            "PasswordChange": {"current": PASSWORD, "new": "seven quiet baobabs"},
            "NewPassword": {"password": "seven quiet baobabs"},
            "ResetRequest": {"email": "maker@greenbankfsp.example"},
            "CodeRequest": {"phone": "+254711000111"},
            "CodeSignIn": {"phone": "+254711000111", "code": "123456"},
            "NewRegistration": {
                "phone": "+254711000111",
                "code": "123456",
                "dfsp_id": ids["dfsp_id"],
                "name": "Njeri",
            },
            "NewClaim": {"number": "23187645", "phone": "+254711000111", "code": "123456", "name": "Njeri"},
            "OwnSections": {"business": {"trading_name": "Changed"}},
            "ChosenDfsp": {"dfsp_id": ids["dfsp_id"]},
            "Wish": {"kind": "change", "contact": {"phone": "+254711999000"}},
            "TotpStart": {"password": PASSWORD},
            "AccountClosing": {"password": PASSWORD},
            "FirstOperator": {"name": "First", "email": "first@hub.example", "password": "seven quiet baobabs"},
            "NewAuditCheck": {"dfsp_id": ids["dfsp_id"]},
            "TotpCode": {"code": "123456"},
            "TotpRemoval": {"code": "123456"},
            "PasskeyStart": {"password": PASSWORD},
            "PasskeyRemoval": {"password": PASSWORD},
            "NewPasskey": {"credential": _CREATED, "name": "Phone"},
            "PasskeySignIn": {"credential": _USED},
            "UserChange": {"name": "Renamed"},
            "Enabled": {"enabled": False},
            "DfspChange": {"name": "Changed"},
            "NewHubKey": {"fsp_id": "partnerfsp", "public_pem": _PARTNER_PEM},
            "Retirement": {},
            "Rotation": {},
            "SchemeChangeBody": {"name": "Changed"},
            "NewPolicy": {"layer": "dfsp", "text": "[tiers.T3.requires]\nall = ['account']"},
            "NewUser": {
                "email": "new@greenbankfsp.example",
                "name": "New",
                "roles": ["merchant_owner"],
                "dfsp_id": ids["dfsp_id"],
                "merchant_id": ids["merchant_id"],
            },
            "NewApiKey": {"name": "New", "scopes": ["merchants:read"], "merchant_id": ids["merchant_id"]},
            "NewApplication": builders.company(),
            "ChangedSections": {"business": {"trading_name": "Changed"}},
            "Approval": {"version_hash": self.version_hash},
            "ReasonGiven": {"reason": "Because."},
            "NewPhoneCode": {},
            "CodeReadOut": {"code": "123456"},
            "NewBlock": {"reason_code": "excessive_fraud", "reason": "Because."},
            "NewRiskBand": {"band": "high", "reason": "Because."},
            "Returned": {"items": [{"path": "business.mcc", "reason": "Wrong."}]},
            "HitDecision": {"decision": "false_positive", "reason": "Another person."},
            "NewCase": {"kind": "change", "contact": {"phone": "+254711999000"}},
            "NewVerification": {
                "attribute": "identity",
                "subject": "owners[0]",
                "outcome": "verified",
                "method": "document",
            },
            "NewWaiver": {
                "attribute": "identity",
                "subject": "owners[0]",
                "expires_on": (clock.now() + timedelta(days=30)).date().isoformat(),
                "reason": "The register is closed.",
            },
            "Appeal": {"reason": "It is another person."},
            "CounterChange": {"name": "Till 8"},
            "NewDocument": {"purpose": "licence", "path": "business"},
            "Reveal": {"path": "owners[0].id_number", "reason": "review"},
            "PersonSought": {"id_number": "AB1234567", "reason": "customer_request"},
            "PersonToErase": {"id_number": "AB1234567", "reason": "person_asked"},
            "NewCounter": {"location_id": self.location_id, "name": "Till 9"},
            "ScannedCode": {"payload": self.payload},
            "StaticCode": {"payload": self.payload, "amount": "2.50"},
            "NewSticker": {"reason": "It was worn."},
            "CodeLogo": EXAMPLES[CodeLogo],
            "NewBatch": {"page": "A6", "merchant_ids": [ids["merchant_id"]]},
            "NewPaymentRequest": {
                "counter_id": ids["counter_id"],
                "amount": {"amount": "2.50", "currency": "KES"},
                "payer": {"type": "MSISDN", "id": "254711000001"},
            },
            "NewEndpoint": {"url": "https://shop.example/hooks"},
            "Replay": {"from": "2026-03-02T00:00:00Z"},
            "RetryDeadJobs": {"topic": "hub.send"},
            "DiscardDeadJob": {"reason": "It was settled by hand."},
            "SkipJob": {"reason": "It was settled by hand."},
            "RefundRequest": {"amount": {"amount": "1", "currency": "KES"}, "reason": "CUST"},
            "NewPriceKey": {"label": "Tea", "amount": {"amount": "50", "currency": "KES"}},
            "PriceKeyChange": {"label": "Tea with milk"},
            "NewNotificationChoices": {"choices": [{"kind": "not_paid", "channel": "sms", "sent": True}]},
            "StaffNotificationChoices": {"email": ["application_returned"]},
            "NewScreeningList": {"form": "own", "content": OWN_LIST},
        }


def headers_for(route: Route, who: dict[str, str]) -> dict[str, str]:
    """What a well-behaved caller of this route sends."""
    asked = {"idempotency-key": "key-1"} if route.declared.idempotency_key == "required" else {}
    versioned = {"if-match": '"1"'} if route.declared.if_match else {}
    return {**who, **asked, **versioned}


async def call(
    client: httpx.AsyncClient, route: Route, things: Things, who: dict[str, str], **changes: Any
) -> httpx.Response:
    """Call a route as it should be called, about these things."""
    body, path = changes.pop("json", things.body(route)), changes.pop("path", None) or things.path(route)
    if route.declared.upload is not None:
        form = {"data": body, "files": things.file()}
        return await client.request(route.method, path, headers=headers_for(route, who), **(form | changes))
    if route.declared.spooled is not None:
        changes["files"] = {"file": ("shops.csv", as_csv([seller(1)]))}
    return await client.request(route.method, path, json=body, headers=headers_for(route, who), **changes)


def listed_company() -> dict[str, Any]:
    """A complete application whose owner is on the UN list."""
    document = builders.company()
    owner = {"given_name": "Ayman Muhammed Rabi", "family_name": "al-Zawahiri", "birth_date": "1951-06-19"}
    document["owners"][0] |= owner
    return document


async def make_things(service: Service, client: httpx.AsyncClient, world: World) -> Things:
    """One of everything at greenbankfsp."""
    staff = world["greenbankfsp"]
    application = await builders.create_application(service, staff["maker"], listed_company(), submitted=True)
    document_id = await builders.create_document(service, staff["maker"], application)
    merchant, counters = await builders.create_merchant(service, world)
    user = await add_user(service, staff["admin"], "user@greenbankfsp.example", [Role.DFSP_AUDITOR])
    owner = await builders.issue_key(service, staff["admin"], sorted(MERCHANT_KEY_SCOPES), merchant_id=merchant.id)
    created = {
        path: (await client.post(path, json=body, headers={**owner, "idempotency-key": "things"})).json()
        for path, body in {
            "/api/v1/webhook-endpoints": {"url": "https://shop.example/hooks"},
            "/api/v1/price-keys": {
                "counter_id": str(counters[0].id),
                "label": "Tea",
                "amount": {"amount": "50", "currency": "KES"},
            },
            "/api/v1/payment-requests": {
                "counter_id": str(counters[0].id),
                "amount": {"amount": "2.50", "currency": "KES"},
                "payer": {"type": "MSISDN", "id": "254711000001"},
            },
        }.items()
    }
    checker = staff["checker"].headers
    maker = {**staff["maker"].headers, "idempotency-key": "things"}
    batch = (await client.post("/api/v1/poster-batches", json={"page": "A6"}, headers=maker)).json()
    check = (await client.post("/api/v1/audit/checks", json={}, headers=staff["admin"].headers)).json()
    layer = {"layer": "dfsp", "text": "grace = '29d'"}
    policy = (await client.post("/api/v1/policies", json=layer, headers=staff["admin"].headers)).json()
    table = {"file": ("shops.csv", as_csv([seller(1)]))}
    imported = (await client.post("/api/v1/imports", files=table, headers=maker)).json()
    for move in ("suspend", "reinstate"):
        moved = await client.post(f"/api/v1/merchants/{merchant.id}/{move}", json={"reason": "test"}, headers=checker)
        assert moved.status_code == 200, moved.text
    async with service.db.system() as tx:
        key_id = await tx.fetchval("SELECT id FROM api_key WHERE merchant_id = $1", merchant.id)
        own_key = "SELECT id FROM scheme_key WHERE dfsp_id = $1 AND purpose = 'jws_sign'"
        hub_key_id = await tx.fetchval(own_key, merchant.dfsp_id)
        delivery = await tx.fetchrow("SELECT id, event_id FROM webhook_delivery LIMIT 1")
        payment = Payment(
            dfsp_id=merchant.dfsp_id,
            merchant_id=merchant.id,
            counter_id=counters[0].id,
            payer_fsp_id="payerfsp",
            transfer_id=str(uuid4()),
            transaction_id=(transaction_id := str(uuid4())),
            amount_minor=250,
            currency="KES",
            note="A note of greenbankfsp's",
            payer_sealed=service.vault.seal(b"MSISDN:254711000001", payer_context(transaction_id)),
        )
        tx.session.add(payment)
        transfer = Transfer(
            dfsp_id=merchant.dfsp_id,
            merchant_id=merchant.id,
            payer_fsp_id="payerfsp",
            transfer_id=payment.transfer_id,
            quote_id=str(uuid4()),
            state="COMMITTED",
            amount_minor=250,
            currency="KES",
            usage_day="2026-01-01",
            body_hash=b"x",
            answer=b"{}",
        )
        tx.session.add(transfer)
        await tx.flush()
        refund = Refund(
            dfsp_id=merchant.dfsp_id,
            merchant_id=merchant.id,
            counter_id=counters[0].id,
            payment_id=payment.id,
            state="pending_approval",
            amount_minor=100,
            currency="KES",
            reason="CUST",
            payee_type="MSISDN",
            payee_fsp_id="payerfsp",
            transaction_id=str(uuid4()),
            quote_id=str(uuid4()),
            transfer_id=str(uuid4()),
            gives_back=True,
            maker_id=uuid4(),
            maker_name="A cashier of greenbankfsp's",
            channel="api",
        )
        tx.session.add(refund)
        await tx.flush()
        tx.session.add(
            RefundEvent(refund_id=refund.id, seq=1, dfsp_id=merchant.dfsp_id, state=refund.state, cause="api")
        )
        # A long number is not found by chance in ids of other things.
        dead = "UPDATE outbox SET dead_at = run_at, id = 123456789012345678 WHERE topic = $1 RETURNING id"
        job_id = await tx.fetchval(dead, "payments.look_up")
    qr = await client.get(f"/api/v1/counters/{counters[0].id}/qr?format=payload", headers=checker)
    [session] = await sessions.list_sessions(service, staff["maker2"].actor.id)
    ids = {
        "session_id": session.id,
        "dfsp_id": merchant.dfsp_id,
        "application_id": application.id,
        "case_id": application.id,
        "document_id": document_id,
        "merchant_id": merchant.id,
        "counter_id": counters[0].id,
        "user_id": user.id,
        "key_id": key_id,
        "delivery_id": delivery["id"],
        "event_id": delivery["event_id"],
        "payment_id": payment.id,
        "refund_id": refund.id,
        "message_id": f"transfers.payerfsp.{payment.transfer_id}",
        "request_id": created["/api/v1/payment-requests"]["id"],
        "endpoint_id": created["/api/v1/webhook-endpoints"]["id"],
        "price_key_id": created["/api/v1/price-keys"]["id"],
        "hit_id": builders.report_of(application)["hits"][0]["id"],
        "batch_id": batch["id"],
        "check_id": check["id"],
        "job_id": job_id,
        "import_id": imported["id"],
        "hub_key_id": hub_key_id,
        "list_id": uuid4(),  # lists are the hub's, and nobody of a DFSP reaches any
        "policy_id": policy["id"],
        "passkey_id": await _add_passkey(service, staff["maker2"].actor.id),
        "claim_id": await add_claim(service, merchant.dfsp_id, merchant.id),
        "report_id": await add_report(service, counters[0]),
    }
    return Things(
        {name: str(value) for name, value in ids.items()},
        application.version_hash,
        str(counters[0].location_id),
        qr.text,
    )


async def _add_passkey(service: Service, user_id: UUID) -> UUID:
    """A person's passkey, which no device has."""
    add = """
    INSERT INTO passkey (id, user_id, credential_id, public_key, sign_count, name, transports, backed_up, created_at)
    VALUES ($1, $2, 'credential', 'key', 0, 'Phone', '{}', false, $3)
    """
    passkey_id = uuid4()
    async with service.db.system() as tx:
        await tx.execute(add, passkey_id, user_id, clock.now())
    return passkey_id


async def add_report(service: Service, counter: Counter) -> UUID:
    """A shopper's report of a counter's code."""
    actor = Actor(kind="service", id=UUID(int=0), name="pay page", dfsp_id=counter.dfsp_id)
    async with service.db.tenant(counter.dfsp_id) as tx:
        row = await reports.report_code(
            tx, actor, counter.id, counter.alias, ReportReason.OTHER, "A bakery", 1, "127.0.0.1"
        )
        return row.id


async def add_claim(service: Service, dfsp_id: UUID, merchant_id: UUID) -> UUID:
    """Somebody's claim on a merchant."""
    address, vault, claim_id = Address(phone=Msisdn("254711000999")), service.vault, ids.uuid7()
    claim = MerchantClaim(
        id=claim_id,
        dfsp_id=dfsp_id,
        merchant_id=merchant_id,
        claimant_digest=address.digest(vault, CLAIMANT),
        name_sealed=vault.seal(b"Juma Otieno", CLAIMANT_NAME.format(id=claim_id)),
        address_sealed=vault.seal(address.text.encode(), CLAIMANT_ADDRESS.format(id=claim_id)),
    )
    async with service.db.system() as tx:
        tx.session.add(claim)
    return claim_id


async def add_user(
    service: Service, admin: Person, email: str, roles: list[Role], merchant_id: UUID | None = None
) -> Any:
    """A person at the admin's DFSP."""
    return await builders.add_person(service, email, roles, dfsp_id=admin.actor.dfsp_id, merchant_id=merchant_id)


async def strongest(service: Service, world: World, fsp_id: str) -> list[dict[str, str]]:
    """Credentials that hold, between them, every permission a DFSP can hold: two people's and a key's."""
    admin = world[fsp_id]["admin"]
    email = f"all@{fsp_id}.example"
    await add_user(service, admin, email, [Role.DFSP_MAKER, Role.DFSP_CHECKER, Role.DFSP_AUDITOR])
    staff = await builders.signed_in(service, email)
    key = await builders.issue_key(service, admin, sorted(KEY_SCOPES))
    return [staff.headers, admin.headers, key]
