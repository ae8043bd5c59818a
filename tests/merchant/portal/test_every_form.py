"""Every form of every page: refused without the session's secret, to the wrong people and about others' things.

A screen that is declared is tried without a word here; one whose route asks for the permission stands in `ASKED_LATER`.
"""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from litestar.handlers import HTTPRouteHandler
from msgspec import Struct

from merchant.core import clock
from merchant.core.access import Role
from merchant.core.service import Service
from merchant.portal.ui import layout, session
from merchant.portal.ui.layout import Kind
from merchant.portal.ui.screen import EVERYONE, Screen
from merchant.programs.slices import ROUTES
from tests import builders
from tests.api.everything import Things, make_things
from tests.browser.places import NAMES, may_see
from tests.builders import DFSPS, PASSWORD, Person, World

pytestmark = pytest.mark.anyio
# What any form asks for: a form takes the fields that it has and leaves the rest.
ANSWERS = {
    "reason": "Because.",
    "name": "New",
    "label": "Tea",
    "amount": "2.50",
    "currency": "KES",
    "kind": "change",
    "password": PASSWORD,
    "current": PASSWORD,
    "new": "seven quiet baobabs",
    "email": "new@forms.example",
    "roles": "dfsp_auditor",
    "url": "https://shop.example/other",
    "path": "owners[0].id_number",
    "decision": "false_positive",
    "once": "form-1",
    "revision": "1",
    "text": "grace = '29d'",
    "layer": "dfsp",
    "band": "high",
    "reason_code": "other",
    "code": "123456",
    "attribute": "identity",
    "subject": "owners[0]",
    "outcome": "verified",
    "method": "document",
    "purpose": "licence",
    "expires_on": (clock.now() + timedelta(days=30)).date().isoformat(),
    "what": "identity|owners[0]",
    "items[0].path": "business.mcc",
    "items[0].reason": "Wrong.",
}
OF_FILE = {"purpose": "licence", "path": "business", "revision": "1", "once": "form-1"}
# Screens whose route asks for the permission, and who of the right kind lacks it.
_DECISIONS = "claim|release|screen|hits/.*|approve|reject|risk|waive|return"
ASKED_LATER = {
    rf"/(applications|cases)/\{{application_id\}}/({_DECISIONS})": ("maker", "auditor"),
    r"/merchants/\{merchant_id\}/counters/add": ("auditor",),
    r"/users/(invite|\{user_id\}/(change|disable|enable))": ("maker", "checker", "auditor", "hub checker"),
    r"/shop/(counters|people)/.*": ("cashier",),
    r"/payments/refunds/\{refund_id\}/cancel": ("auditor",),
}
# One's own account is everyone's.
NO_PERMISSION = re.compile(r"/account/.*|/sign-out")
# What a request leaves behind besides what it does: who was refused what, and that a session is used.
TRACES = frozenset({"security_event", "user_session"})


class Form(Struct, frozen=True):
    """A screen that takes a form, and whether the form may carry a file."""

    screen: Screen
    multipart: bool

    @property
    def names(self) -> list[str]:
        """The names in its path."""
        return re.findall(r"\{(\w+)\}", self.screen.path)


def forms() -> list[Form]:
    """Every one that is declared."""
    found = [one for one in ROUTES if isinstance(one, HTTPRouteHandler) and "screen" in one.opt]
    return [
        Form(one.opt["screen"], one.request_max_body_size is None)
        for one in found
        if one.opt["screen"].method == "POST"
    ]


class House:
    """One of everything at the first DFSP, people of every kind, and a browser that any of them may use."""

    def __init__(self, service: Service, client: httpx.AsyncClient, things: Things, people: dict[str, Person]) -> None:
        self.service, self.client, self.things, self.people = service, client, things, people
        self.others: dict[Kind, dict[str, Person]] = {}

    def right_for(self, screen: Screen) -> Person | None:
        """Somebody who may send the form."""
        return next((one for one in self.people.values() if may_see(one, screen)), None)

    async def send(
        self, form: Form, person: Person | None, *, csrf: bool = True, secret_of: Person | None = None
    ) -> httpx.Response:
        """Send a form as it should be sent, or without the session's secret, or with that of another session."""
        ids = self.ids(person)
        of_hit = {f"reason.{ids['hit_id']}": "Another person."}
        # What holds a file has few fields, and takes no more.
        fields = dict(OF_FILE) if form.multipart else ANSWERS | of_hit | {"version_hash": self.things.version_hash}
        if csrf and person is not None:
            fields[session.CSRF_FIELD] = session.csrf_token(self.service, (secret_of or person).actor)
        headers = {"cookie": f"session={person.token}"} if person is not None else {}
        what: dict[str, Any] = {"files": {"file": ("a.pdf", b"")}} if form.multipart else {}
        path = form.screen.path.format(**NAMES | ids)
        return await self.client.post(path, data=fields, headers=headers, **what)

    def ids(self, person: Person | None) -> dict[str, str]:
        """What the names in a path stand for: among a shop's people, the cashier."""
        shop = person is not None and layout.kind_of(person.actor) is Kind.SHOP
        return self.things.ids | ({"user_id": str(self.people["cashier"].actor.id)} if shop else {})

    async def kept(self) -> dict[str, tuple[int, int | None]]:
        """What the database holds, table by table: how many rows, and a sum of what they say."""
        async with self.service.db.system_reads() as tx:
            tables = await tx.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
            names = sorted(row["tablename"] for row in tables if row["tablename"] not in TRACES)
            kept = (
                "SELECT '{0}' AS name, count(*) AS rows, coalesce(sum(hashtext(t::text)), 0)::bigint AS said FROM {0} t"
            )
            union = " UNION ALL ".join(kept.format(name) for name in names)
            return {row["name"]: (row["rows"], row["said"]) for row in await tx.fetch(union)}


@pytest.fixture
async def house(client: httpx.AsyncClient, service: Service, world: World) -> House:
    things, staff = await make_things(service, client, world), world[DFSPS[0]]
    people = {name: staff[name] for name in ("maker", "checker", "admin", "auditor")} | {"operator": world.operator}

    async def add(email: str, role: Role, **place: Any) -> Person:
        await builders.add_person(service, email, [role], **place)
        return await builders.signed_in(service, email)

    shop = {"dfsp_id": world.dfsp_ids[DFSPS[0]], "merchant_id": things.ids["merchant_id"]}
    people["hub checker"] = await add("checker@hub.example", Role.HUB_CHECKER)
    people["owner"] = await add("owner@forms.example", Role.MERCHANT_OWNER, **shop)
    people["cashier"] = await add("cashier@forms.example", Role.MERCHANT_CASHIER, **shop)
    people["applicant"] = await builders.applicant(service, world)
    made = House(service, client, things, people)
    neighbour, _ = await builders.create_merchant(service, world)
    beside = {"dfsp_id": neighbour.dfsp_id, "merchant_id": neighbour.id}
    made.others = {
        Kind.DFSP: {name: world[DFSPS[1]][name] for name in ("maker", "checker", "admin")},
        Kind.SHOP: {"owner": await add("owner@beside.example", Role.MERCHANT_OWNER, **beside)},
    }
    return made


async def test_without_a_session_every_form_leads_to_the_sign_in(house: House) -> None:
    before = await house.kept()
    for form in forms():
        led = await house.send(form, None)
        assert (led.status_code, led.headers.get("location")) == (303, "/sign-in"), form.screen.path
    assert await house.kept() == before


async def test_a_form_without_the_sessions_secret_does_nothing(house: House) -> None:
    before = await house.kept()
    for form in forms():
        person = house.right_for(form.screen)
        assert person is not None, f"nobody may send {form.screen.path}"
        for wrong in (
            {"csrf": False},
            {"secret_of": house.people["cashier" if person.email.startswith("owner") else "owner"]},
        ):
            refused = await house.send(form, person, **wrong)
            assert refused.status_code == 403, (form.screen.path, person.email, refused.status_code)
            assert "This form is from an earlier session" in refused.text, form.screen.path
    assert await house.kept() == before


def strangers(house: House, screen: Screen) -> Iterator[Person]:
    """One person of each kind that has no such page: who holds the permission, if anyone does."""
    for kind in EVERYONE - screen.kinds:
        people = [one for one in house.people.values() if layout.kind_of(one.actor) is kind]
        yield next((one for one in people if may_see(one, for_everyone(screen))), people[0])


async def test_other_kinds_of_people_have_no_such_page(house: House) -> None:
    before, tried = await house.kept(), 0
    for form in forms():
        for person in strangers(house, form.screen):
            refused = await house.send(form, person)
            holds = form.screen.permission is None or may_see(person, for_everyone(form.screen))
            # Who holds the permission is of another kind; the others are told that they lack it.
            assert refused.status_code == (404 if holds else 403), (form.screen.path, person.email)
            tried += 1
    assert tried > 200
    assert await house.kept() == before


def for_everyone(screen: Screen) -> Screen:
    """The screen as if it were everyone's."""
    return Screen(screen.method, screen.path, screen.permission, EVERYONE, screen.own_permission)


def lacking(house: House, screen: Screen) -> list[Person]:
    """People of the right kind who may not."""
    if screen.permission is not None:
        return [
            one
            for one in house.people.values()
            if layout.kind_of(one.actor) in screen.kinds and not may_see(one, screen)
        ]
    return [house.people[name] for name in asked_later(screen)]


def asked_later(screen: Screen) -> tuple[str, ...]:
    """Who lacks the permission that the screen's route asks for."""
    return next((who for path, who in ASKED_LATER.items() if re.fullmatch(path, screen.path)), ())


async def test_whoever_lacks_the_permission_is_refused(house: House) -> None:
    before = await house.kept()
    for form in forms():
        screen = form.screen
        people = lacking(house, screen)
        told = screen.permission is not None or people or NO_PERMISSION.fullmatch(screen.path)
        assert told, f"say in ASKED_LATER who may not send {screen.path}"
        for person in people:
            refused = await house.send(form, person)
            assert refused.status_code == 403, (screen.path, person.email, refused.status_code)
    assert await house.kept() == before


async def test_what_another_tenant_has_is_not_found(house: House) -> None:
    before, tried = await house.kept(), 0
    for form in forms():
        if not set(form.names) & set(house.things.ids):
            continue
        for kind in form.screen.kinds & {Kind.DFSP, Kind.SHOP}:
            for name, person in house.others[kind].items():
                if may_see(person, form.screen) and name not in asked_later(form.screen):
                    refused = await house.send(form, person)
                    assert refused.status_code == 404, (form.screen.path, person.email, refused.status_code)
                    tried += 1
    assert tried > 80
    assert await house.kept() == before
