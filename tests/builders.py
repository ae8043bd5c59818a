"""Makes what tests need, through the same operations as the service: a world, applications, merchants, keys.

`seed_world` fills the template database once; `recall_world` reads it back in a test, with fresh tokens.
"""

import itertools
from collections.abc import Sequence
from datetime import timedelta
from functools import cache
from typing import Any
from uuid import UUID

import msgspec
from sqlmodel import select

import kyb
from merchant.compliance.cases import apply, review, sealed_fields
from merchant.compliance.cases.assess import screen_submitted
from merchant.compliance.cases.models import Application
from merchant.compliance.documents.kinds import Checked, Place
from merchant.compliance.documents.models import Document
from merchant.compliance.documents.operations import Desk, NewFile, keep_document
from merchant.compliance.documents.queries import Holder
from merchant.compliance.policies.in_force import policy_of
from merchant.core import clock, vault
from merchant.core.access import SERVICE, Actor, Role
from merchant.core.db import Tx
from merchant.core.http.multipart import SentFile
from merchant.core.money import Money
from merchant.core.service import Service
from merchant.core.vault import Vault
from merchant.payments.book import Decision, MerchantFacts
from merchant.payments.book_loading import empty_book, load_request, load_used, lock_limits
from merchant.payments.book_saving import save_decisions
from merchant.payments.limits import headroom, periods, usage_keys
from merchant.payments.operations import save
from merchant.payments.states import RequestState, move
from merchant.people import operations, sessions, users
from merchant.people.models import AppUser
from merchant.people.registration.addresses import Address
from merchant.people.registration.register import add_account
from merchant.programs.seed import NewScheme, seed_scheme
from merchant.registry.merchants.models import Counter, Merchant

SECRET_KEY = "test:" + "QUFB" * 10 + "QUE="  # 32 bytes that protect nothing
GATEWAY_SECRET = "test-gateway-secret"
PASSWORD = "correct horse battery"
DFSPS = ("greenbankfsp", "lakemfi")
OPERATOR = "operator@hub.example"
SCHEME = NewScheme(
    name="Test scheme",
    domain="pay.test.example",
    country="KE",
    currencies=["USD", "KES", "JPY"],
    time_zone="Africa/Nairobi",
    ussd_code="*384*123#",
)
_STAFF = {
    "admin": Role.DFSP_ADMIN,
    "maker": Role.DFSP_MAKER,
    "maker2": Role.DFSP_MAKER,
    "checker": Role.DFSP_CHECKER,
    "checker2": Role.DFSP_CHECKER,
    "auditor": Role.DFSP_AUDITOR,
    # One person may hold several roles; four eyes must hold all the same.
    "both": (Role.DFSP_MAKER, Role.DFSP_CHECKER),
}
_LIFETIME = timedelta(hours=8)  # of a session
_numbers = itertools.count(1001)  # "Shop 39" is like a listed "Office 39"


class Person(msgspec.Struct, frozen=True):
    """Someone who is signed in."""

    actor: Actor
    email: str
    token: str

    @property
    def headers(self) -> dict[str, str]:
        """What they send."""
        return {"authorization": f"Bearer {self.token}"}


class World:
    """The people and DFSPs of a test's database: `world["greenbankfsp"]["maker"]`, `world.operator`."""

    def __init__(self, dfsp_ids: dict[str, UUID], people: dict[str, dict[str, Person]], operator: Person) -> None:
        self.dfsp_ids = dfsp_ids
        self._people = people
        self.operator = operator

    def __getitem__(self, fsp_id: str) -> dict[str, Person]:
        return self._people[fsp_id]

    @property
    def maker(self) -> Person:
        """The first DFSP's maker."""
        return self._people[DFSPS[0]]["maker"]

    @property
    def checker(self) -> Person:
        """The first DFSP's checker."""
        return self._people[DFSPS[0]]["checker"]


async def seed_world(service: Service) -> None:
    """The scheme, two DFSPs and their staff."""
    await seed_scheme(service, SCHEME, OPERATOR, PASSWORD)
    async with service.db.tenant(None) as tx:
        ids = [(await operations.create_dfsp(tx, service, SERVICE, one, one.title())).id for one in DFSPS]
    for dfsp_id, fsp_id in zip(ids, DFSPS, strict=True):
        for title, roles in _STAFF.items():
            held = list(roles) if isinstance(roles, tuple) else [roles]
            await add_person(service, f"{title}@{fsp_id}.example", held, dfsp_id=dfsp_id, name=title)


@cache
def password_hash() -> str:
    """The hash of everybody's password, made once: hashing is slow on purpose."""
    return vault.hash_password(PASSWORD)


async def add_person(
    service: Service,
    email: str,
    roles: Sequence[str],
    *,
    dfsp_id: UUID | None = None,
    merchant_id: UUID | None = None,
    counter_id: UUID | None = None,
    name: str | None = None,
) -> AppUser:
    """A person with roles in force and a password, without mail or a second pair of eyes."""
    async with service.db.tenant(dfsp_id) as tx:
        made = await users.create_user(
            tx,
            service,
            SERVICE,
            email=email,
            name=name or email,
            roles=roles,
            dfsp_id=dfsp_id,
            merchant_id=merchant_id,
            counter_id=counter_id,
        )
        made.password_hash = password_hash()
    return made


async def add_applicant(service: Service, email: str, dfsp_id: UUID) -> AppUser:
    """Somebody who registered themselves, without an application."""
    async with service.db.system() as tx:
        return await add_account(tx, Address(email=email), email, dfsp_id, Role.MERCHANT_APPLICANT, language="en")


async def applicant(service: Service, world: World) -> Person:
    """One of them at the first DFSP, signed in; the same each time."""
    email = "applicant@shop.example"
    async with service.db.system_reads() as tx:
        known = await tx.fetchval("SELECT true FROM app_user WHERE email = $1", email)
    if not known:
        await add_applicant(service, email, world.dfsp_ids[DFSPS[0]])
    return await signed_in(service, email)


async def signed_in(service: Service, email: str) -> Person:
    """A person by e-mail address, with a fresh session."""
    async with service.db.system_reads() as tx:
        user_id = await tx.fetchval("SELECT id FROM app_user WHERE email = $1", email)
    actor = await sessions.user_actor(service, user_id)
    opened = await sessions.open_session(service, user_id, lifetime=_LIFETIME)
    return Person(msgspec.structs.replace(actor, session_id=opened.id), email, opened.access_token)


async def load_world(service: Service) -> World:
    """Everyone in the database, signed in."""
    async with service.db.system_reads() as tx:
        found = await tx.fetch("SELECT id FROM app_user WHERE email IS NOT NULL")
    for row in found:
        await sessions.open_session(service, row["id"], lifetime=_LIFETIME)
    return await recall_world(service)


# The sessions that were opened last begin anew.
_AGAIN = """
WITH newest AS (SELECT DISTINCT ON (user_id) id FROM user_session ORDER BY user_id, id DESC)
UPDATE user_session s SET created_at = $1, last_seen_at = $1, expires_at = $2, ended_at = NULL, epoch = u.session_epoch
FROM newest, app_user u WHERE s.id = newest.id AND u.id = s.user_id
"""
# Everyone by DFSP, and what tells these people from another database's.
_SIGNED_IN = """
WITH began AS (SELECT DISTINCT ON (user_id) id, user_id FROM user_session ORDER BY user_id, id DESC),
person AS (SELECT * FROM app_user WHERE email IS NOT NULL)
SELECT person.id, person.email, dfsp.id AS dfsp_id, dfsp.fsp_id, began.id AS session_id,
  md5(string_agg(concat(person, dfsp, began), '') OVER ()) AS digest
FROM person LEFT JOIN began ON began.user_id = person.id FULL JOIN dfsp ON dfsp.id = person.dfsp_id
ORDER BY person.id
"""
_actors: dict[tuple[str, bool], dict[UUID, Actor]] = {}


async def recall_world(service: Service) -> World:
    """Everyone in a database where each of them has signed in before: as `load_world`, for a tenth of the work."""
    now = clock.now()
    async with service.db.system() as tx:
        await tx.execute(_AGAIN, now, now + _LIFETIME)
        rows = await tx.fetch(_SIGNED_IN)
    found = [row for row in rows if row["id"] is not None]
    if any(row["session_id"] is None for row in found):
        return await load_world(service)
    known = rows[0]["digest"], service.settings.require_totp
    if known not in _actors:
        bare = [Actor(kind="user", id=one["id"], name="", dfsp_id=None, session_id=one["session_id"]) for one in found]
        actors = await sessions.find_actors(service, bare)
        _actors[known] = {one.id: actors[one.key] for one in bare}
    dfsp_ids = {row["fsp_id"]: row["dfsp_id"] for row in rows if row["fsp_id"] is not None}
    people: dict[str, dict[str, Person]] = {fsp_id: {} for fsp_id in dfsp_ids}
    operator: Person | None = None
    for row in found:
        token = sessions.issue_token(service, row["id"], row["session_id"], now + _LIFETIME)
        person = Person(_actors[known][row["id"]], row["email"], token)
        if row["fsp_id"] is not None:
            people[row["fsp_id"]][row["email"].split("@")[0]] = person
        elif operator is None or row["email"] == OPERATOR:
            operator = person
    assert operator is not None
    return World(dfsp_ids, people, operator)


def company(number: int | None = None, **business: Any) -> dict[str, Any]:
    """A complete application of a company (tier T3), as JSON; keyword arguments change its business."""
    number = number or next(_numbers)
    return {
        "business": {
            "trading_name": f"Shop {number}",
            "legal_name": f"Shop {number} Limited",
            "kind": "company",
            "mcc": "5411",
            "registration_number": f"REG-{number}",
            "currencies": ["USD", "KES"],
        }
        | business,
        "owners": [
            {
                "given_name": "Amina",
                "family_name": "Odhiambo",
                "birth_date": "1980-02-03",
                "id_type": "national_id",
                "id_number": f"{30_000_000 + number}",
                "nationality": "KE",
                "ownership_percent": 100,
                "is_director": True,
            }
        ],
        "contact": {"name": "Amina Odhiambo", "phone": f"+254711{number:06}", "email": "amina@example.org"},
        "locations": [
            {
                "name": "Main street",
                "kind": "physical",
                "country": "KE",
                "city": "Nairobi",
                "counters": [{"name": "Till 1"}],
            }
        ],
        "settlement_account": {"account_id": f"AC{number:06}", "account_name": f"Shop {number}", "currency": "USD"},
    }


async def take_of_limits(service: Service, merchant_id: UUID | str, amount: Money) -> bool:
    """Take an amount of a merchant's limits of today, as a transfer does; False, with nothing taken, when it does not
    fit.
    """
    async with service.db.system() as tx:
        row = await tx.fetchrow(_OF_LIMITS, UUID(str(merchant_id)))
        assert row is not None
        merchant, book = MerchantFacts(**row), await empty_book(service, clock.now())
        book.policies[merchant.dfsp_id] = await policy_of(service, merchant.dfsp_id)
        await lock_limits(tx, [merchant.group_id])
        await load_used(tx, book, [merchant.group_id])
        if amount.minor > headroom(book, merchant, amount.currency).minor:
            return False
        decision = Decision()
        decision.use(usage_keys(merchant, book.rules.day, amount.currency), amount.minor, 1)
        await save_decisions(tx, service, book, [decision])
    return True


_OF_LIMITS = "SELECT id, dfsp_id, state, tier, coalesce(limit_group, id) AS group_id FROM merchant WHERE id = $1"


async def use_limit(service: Service, merchant: Merchant, amount: Money) -> None:
    """Let an amount count in a merchant's limits of today."""
    decision = Decision()
    async with service.db.system() as tx:
        book = await empty_book(service, clock.now())
        decision.use([(merchant.id, period, amount.currency) for period in periods(book.rules.day)], amount.minor, 1)
        await save_decisions(tx, service, book, [decision])


async def move_request(service: Service, request_id: UUID | str, target: str) -> bool:
    """Put a payment request into a state, as a decision would; False for a move that the table lacks."""
    now, decision = clock.now(), Decision()
    async with service.db.system() as tx:
        _book, request = await load_request(tx, service, UUID(str(request_id)), now)
        assert request is not None
        before = request.steps
        after = move(decision, request, RequestState(target), "test", now)
        await save(tx, decision, now)
    return after.steps > before


def seller(**business: Any) -> dict[str, Any]:
    """A street seller known by phone and identity number (tier T0), as JSON."""
    number = next(_numbers)
    return {
        "business": {"trading_name": f"Stall {number}", "kind": "individual", "mcc": "5499", "currencies": ["KES"]}
        | business,
        "owners": [
            {
                "given_name": "Njeri",
                "family_name": "Wanjiku",
                "id_type": "national_id",
                "id_number": f"{20_000_000 + number}",
            }
        ],
        "contact": {"name": "Njeri Wanjiku", "phone": f"+254722{number:06}"},
        "locations": [{"kind": "physical", "country": "KE", "city": "Nakuru", "counters": [{"name": "Stall"}]}],
    }


def sections(document: dict[str, Any]) -> kyb.Sections:
    """An application's JSON as kyb's struct."""
    return msgspec.convert(document, kyb.Sections)


async def create_application(
    service: Service, maker: Person, document: dict[str, Any] | None = None, *, submitted: bool = False
) -> Application:
    """An application: a draft, or submitted and screened."""
    async with service.db.tenant(maker.actor.dfsp_id) as tx:
        application = await apply.open_application(tx, service, maker.actor, sections(document or company()))
        if submitted:
            application = await apply.submit(tx, service, maker.actor, application.id)
    if submitted:
        await screen(service, application.id)
        async with service.db.tenant(maker.actor.dfsp_id) as tx:
            found = await tx.session.get(Application, application.id)
            assert found is not None
            application = found
    return application


async def create_document(
    service: Service, maker: Person, application: Application, *, path: str = "locations[0]"
) -> UUID:
    """A document of an application in whatever state, with a place; its file is in the store."""
    made: list[UUID] = []

    async def holder(_tx: Tx) -> Holder:
        return Holder(application.dfsp_id, application_id=application.id)

    def show(row: Document) -> bytes:
        made.append(row.id)
        return b"{}"

    new = NewFile(SentFile("Njeri.jpg", b""), "site_photo", path)
    checked = Checked("image/jpeg", b"\xff\xd8\xff\xd9", place=Place(-1.292, 36.821944))
    await keep_document(service, maker.actor, Desk(holder, holder), new, checked, None, show)
    return made[0]


def report_of(application: Application) -> dict[str, Any]:
    """What the screening of an application found."""
    report = sealed_fields.report_of(Vault(SECRET_KEY), application)
    assert report is not None
    return report


async def screen(service: Service, application_id: UUID) -> None:
    """What the worker does after a submission."""
    async with service.db.system() as tx:
        await screen_submitted(tx, service, application_id)


async def create_merchant(
    service: Service, world: World, fsp_id: str = DFSPS[0], document: dict[str, Any] | None = None
) -> tuple[Merchant, list[Counter]]:
    """An approved merchant with its counters."""
    maker, checker = world[fsp_id]["maker"], world[fsp_id]["checker"]
    application = await create_application(service, maker, document, submitted=True)
    async with service.db.tenant(checker.actor.dfsp_id) as tx:
        made = await review.approve(tx, service, checker.actor, application.id, application.version_hash)
    return made.merchant, made.counters


async def open_shop(service: Service, world: World, **business: Any) -> None:
    """The merchant of a template, whose number no merchant of a test has."""
    await create_merchant(service, world, document=company(number=1000, **business))


async def find_shop(service: Service) -> tuple[Merchant, Counter]:
    """The one merchant of a database cloned from a template with one, and its counter."""
    async with service.db.tenant(None) as tx:
        [merchant] = (await tx.session.exec(select(Merchant))).all()
        [counter] = (await tx.session.exec(select(Counter))).all()
    return merchant, counter


async def issue_key(service: Service, person: Person, scopes: list[str], **place: Any) -> dict[str, str]:
    """The header of a new API key of the person's DFSP."""
    async with service.db.tenant(person.actor.dfsp_id) as tx:
        issued = await operations.issue_key(tx, person.actor, name="test key", scopes=scopes, **place)
    return {"x-api-key": issued.text}


async def work(service: Service) -> None:
    """Run every job that is due, and the jobs those make, until none is left."""
    from merchant.programs.worker import Worker

    async with Worker(service).by_hand() as worker:
        while await worker.run_due():
            pass


def suspended(merchant_id: UUID, number: int = 0) -> dict[str, Any]:
    """The data of a merchant event; its state holds a number by which tests tell events apart."""
    return {"merchant_id": merchant_id, "state": str(number)}
