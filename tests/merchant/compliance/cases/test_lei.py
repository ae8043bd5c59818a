"""The LEI of a business is looked up: another's, or one that is not in force, reaches no tier that asks for an LEI."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

import kyb
from merchant.compliance.cases import bulk, clockwork, lei
from merchant.core.service import Service
from tests import builders
from tests.builders import World
from tests.merchant.compliance.registers.gleif_simulator import Gleif, running_gleif
from tests.merchant.compliance.registers.stage import APPLE, KIOSK, SHOP, entity, golden_copy, load

pytestmark = pytest.mark.anyio
Clock = Callable[[timedelta], datetime]
OURS = {"lei": SHOP, "trading_name": "Baraka", "legal_name": "Baraka Stores Ltd"}
APPLES = entity(APPLE, "Apple Inc.", "US")
LONG_ENOUGH = timedelta(hours=2)  # more than the longest pause between two tries


class Desk:
    """People of a DFSP at work on one case, through the API."""

    def __init__(self, client: httpx.AsyncClient, service: Service, world: World, fsp_id: str = "greenbankfsp") -> None:
        self.client, self.service, self.staff = client, service, world[fsp_id]
        self.path = ""

    async def apply(self, **business: Any) -> dict[str, Any]:
        """A company applies, and is screened."""
        headers = {**self.staff["maker"].headers, "idempotency-key": f"lei-{id(self)}"}
        opened = await self.client.post("/api/v1/applications", json=builders.company(**business), headers=headers)
        assert opened.status_code == 201, opened.text
        self.path = f"/api/v1/applications/{opened.json()['id']}"
        return await self.submit()

    async def submit(self) -> dict[str, Any]:
        submitted = await self.post("submit", who="maker")
        assert submitted.status_code == 200, submitted.text
        await builders.work(self.service)
        return await self.read()

    async def read(self, name: str = "", who: str = "checker") -> dict[str, Any]:
        found = await self.client.get(f"{self.path}{name}", headers=self.staff[who].headers)
        assert found.status_code == 200, found.text
        body: dict[str, Any] = found.json()
        return body

    async def post(self, name: str, body: Any = None, who: str = "checker") -> httpx.Response:
        return await self.client.post(f"{self.path}/{name}", json=body, headers=self.staff[who].headers)

    async def approve(self) -> httpx.Response:
        return await self.post("approve", {"version_hash": (await self.read())["version_hash"]})

    async def change(self, **business: Any) -> None:
        """The checker returns the case, and the maker writes the business anew."""
        returned = await self.post("return", {"items": [{"path": "business.lei", "reason": "not yours"}]})
        assert returned.status_code == 200, returned.text
        read = await self.client.get(self.path, headers=self.staff["maker"].headers)
        body = {"business": {**read.json()["business"], **business}}
        headers = {**self.staff["maker"].headers, "if-match": read.headers["etag"]}
        changed = await self.client.patch(self.path, json=body, headers=headers)
        assert changed.status_code == 200, changed.text

    async def looked_up(self) -> list[tuple[str, str]]:
        """Outcome and code of every look-up that the service noted."""
        items = (await self.read("/verifications"))["items"]
        return [(one["outcome"], one["code"]) for one in items if one["by_kind"] == "service"]


@pytest.fixture
def desk(client: httpx.AsyncClient, service: Service, world: World) -> Desk:
    return Desk(client, service, world)


@pytest.fixture
async def gleif(service: Service) -> AsyncIterator[Gleif]:
    async with running_gleif() as running:
        service.settings = msgspec.structs.replace(service.settings, lei_url=running.url)
        yield running


def leis(needs: dict[str, Any], part: str) -> list[tuple[str, str]]:
    """Code and sentence of what the projection says of the LEI."""
    return [(one["code"], one["message"]) for one in needs[part] if one["key"] == "lei"]


# --- in our copy ------------------------------------------------------------------------------------------------------


async def test_wrong_check_digits_are_a_field_error(client: httpx.AsyncClient, world: World) -> None:
    headers = {**world.maker.headers, "idempotency-key": "digits"}
    document = builders.company(**{**OURS, "lei": f"{SHOP[:-2]}00"})
    refused = await client.post("/api/v1/applications", json=document, headers=headers)
    assert refused.status_code == 422
    assert [(one["path"], one["code"]) for one in refused.json()["errors"]] == [("business.lei", "bad_check_digits")]


async def test_an_lei_of_the_business_in_force_is_verified_by_the_register_until_its_renewal(
    desk: Desk, service: Service, tmp_path: Path
) -> None:
    await load(service, tmp_path, golden_copy(entity(), APPLES))
    body = await desk.apply(**OURS)
    assert {"code": "lei", "path": "business", "outcome": "passed"}.items() <= next(
        one for one in body["report"]["checks"] if one["code"] == "lei"
    ).items()
    [found] = [one for one in (await desk.read("/verifications"))["items"] if one["attribute"] == "lei"]
    assert (found["outcome"], found["method"], found["by_kind"], found["expires_on"]) == (
        "verified",
        "registry",
        "service",
        "2999-01-02",
    )
    assert found["details"]["registered_name"] == "Baraka Stores Limited"
    assert (await desk.approve()).json()["tier"] == "T3"


async def test_apples_lei_on_a_kiosk_is_rejected_and_no_checker_can_vouch_for_it(
    desk: Desk, service: Service, tmp_path: Path
) -> None:
    await load(service, tmp_path, golden_copy(entity(), APPLES))
    body = await desk.apply(lei=APPLE, trading_name="Mama Njeri Kiosk", legal_name="Mama Njeri Kiosk")
    assert body["report"]["tier"] is None
    assert await desk.looked_up() == [("rejected", "another_name")]
    told = [("another_name", "The LEI belongs to an entity of another name.")]
    assert leis(body["requirements"], "errors") == leis(body["requirements"], "currently_due") == told
    refused = await desk.approve()
    assert (refused.status_code, refused.json()["code"]) == (409, "no_tier")
    # Nor does the maker's word that they asked the register themselves, given later, outweigh the register's own.
    await desk.change(employees_band="1-5")
    word = {"attribute": "lei", "subject": "business", "outcome": "verified", "method": "registry"}
    assert (await desk.post("verifications", word, "maker")).status_code == 201
    body = await desk.submit()
    assert leis(body["requirements"], "errors") == told
    assert (await desk.approve()).json()["code"] == "no_tier"
    assert await desk.looked_up() == [("rejected", "another_name")]


async def test_what_was_rejected_is_looked_up_anew_once_the_answers_change(
    desk: Desk, service: Service, tmp_path: Path
) -> None:
    await load(service, tmp_path, golden_copy(entity(), APPLES))
    await desk.apply(**{**OURS, "lei": APPLE})
    await desk.change(lei=SHOP)
    await desk.submit()
    assert await desk.looked_up() == [("rejected", "another_name"), ("verified", "")]
    assert (await desk.approve()).json()["tier"] == "T3"


async def test_two_people_may_waive_what_the_register_rejected(desk: Desk, service: Service, tmp_path: Path) -> None:
    await load(service, tmp_path, golden_copy(entity(status="LAPSED")))
    body = await desk.apply(**OURS)
    assert leis(body["requirements"], "errors") == [("lapsed", "The LEI was not renewed in time.")]
    assert (await desk.approve()).json()["code"] == "no_tier"
    until = (await service_today(service) + timedelta(days=60)).isoformat()
    waiver = {"attribute": "lei", "subject": "business", "expires_on": until, "reason": "It renews next week."}
    for who in ("checker", "checker2"):
        assert (await desk.approve()).status_code == 409
        assert (await desk.post("waivers", waiver, who)).status_code == 201
    # Screened again the register says the same, which is no news.
    assert (await desk.post("screen")).status_code == 200
    assert await desk.looked_up() == [("rejected", "lapsed")]
    assert (await desk.approve()).json()["tier"] == "T3"


async def service_today(service: Service) -> Any:
    from merchant.compliance.cases.policy import local_now

    return (await local_now(service)).date()


async def test_a_name_that_differs_a_little_waits_for_a_person(desk: Desk, service: Service, tmp_path: Path) -> None:
    await load(service, tmp_path, golden_copy(entity(name="Baraka Stores Kenya Limited")))
    body = await desk.apply(**OURS)
    told = [("inconclusive", "The name in the register differs a little: compare the two.")]
    assert leis(body["requirements"], "pending_verification") == told
    assert (await desk.approve()).json()["code"] == "no_tier"
    await desk.change(employees_band="1-5")
    seen = {"attribute": "lei", "subject": "business", "outcome": "verified", "method": "registry", "note": "one firm"}
    assert (await desk.post("verifications", seen, "maker")).status_code == 201
    await desk.submit()
    assert await desk.looked_up() == [("inconclusive", "name_differs")]
    assert (await desk.approve()).json()["tier"] == "T3"


async def test_a_newer_copy_counts_when_a_checker_screens_again_and_a_smaller_one_takes_nothing_back(
    desk: Desk, service: Service, tmp_path: Path
) -> None:
    await load(service, tmp_path, golden_copy(entity(status="LAPSED"), APPLES))
    await desk.apply(**OURS)
    await load(service, tmp_path, golden_copy(APPLES))
    assert (await desk.post("screen")).status_code == 200
    assert await desk.looked_up() == [("rejected", "lapsed")]
    await load(service, tmp_path, golden_copy(entity(), APPLES))
    shown = (await desk.post("screen")).json()
    assert shown["report"]["tier"] == "T3"
    assert await desk.looked_up() == [("rejected", "lapsed"), ("verified", "")]
    assert (await desk.approve()).status_code == 200


@pytest.mark.parametrize(
    ("countries", "noted"),
    [((), [("inconclusive", "not_found")]), (("KE",), [("inconclusive", "not_found")]), (("US",), [])],
)
async def test_an_lei_that_the_copy_lacks_is_in_doubt_only_where_the_copy_would_have_it(
    desk: Desk, service: Service, tmp_path: Path, countries: tuple[str, ...], noted: list[tuple[str, str]]
) -> None:
    await load(service, tmp_path, golden_copy(entity(KIOSK, "Kiosk"), APPLES), *countries)
    await desk.apply(**OURS)
    assert await desk.looked_up() == noted


async def test_without_a_register_nothing_is_noted_and_the_policys_own_rule_says_who_may_vouch(desk: Desk) -> None:
    body = await desk.apply(**OURS)
    assert await desk.looked_up() == []
    assert leis(body["requirements"], "pending_verification") == [
        ("not_verified", "Look the LEI up in the register of legal entities.")
    ]
    assert (await desk.approve()).json()["tier"] == "T3"


async def test_another_dfsp_sees_nothing_of_a_look_up(
    desk: Desk, client: httpx.AsyncClient, service: Service, world: World, tmp_path: Path
) -> None:
    await load(service, tmp_path, golden_copy(APPLES))
    await desk.apply(**{**OURS, "lei": APPLE})
    stranger = world["lakemfi"]["checker"].headers
    for name in ("/verifications", "", "/requirements"):
        assert (await client.get(desk.path + name, headers=stranger)).status_code == 404
    async with service.db.tenant(world.dfsp_ids["lakemfi"]) as tx:
        assert await tx.fetchval("SELECT count(*) FROM verification") == 0
    async with service.db.tenant(world.dfsp_ids["greenbankfsp"]) as tx:
        assert await tx.fetchval("SELECT count(*) FROM verification") == 1


async def test_a_merchant_whose_lei_lapses_keeps_its_tier_for_the_grace(
    desk: Desk, service: Service, tmp_path: Path, move_clock: Clock
) -> None:
    await load(service, tmp_path, golden_copy(entity()))
    await desk.apply(**OURS)
    merchant = (await desk.approve()).json()["merchant_id"]
    await load(service, tmp_path, golden_copy(entity(status="LAPSED")))
    staff = {name: (await builders.signed_in(service, f"{name}@greenbankfsp.example")) for name in ("maker", "checker")}
    opened = await desk.client.post(
        f"/api/v1/merchants/{merchant}/cases", json={"kind": "review"}, headers=staff["maker"].headers
    )
    assert opened.status_code == 201, opened.text
    desk.path = f"/api/v1/cases/{opened.json()['id']}"
    body = await desk.submit()
    assert leis(body["requirements"], "past_due") == [("lapsed", "The LEI was not renewed in time.")]
    assert (await desk.approve()).status_code == 409
    seen = []
    for days in (0, 29, 1):
        move_clock(timedelta(days=days))
        await clockwork.check_all(service)
        async with service.db.system_reads() as tx:
            row = await tx.fetchrow("SELECT state, stopped_for FROM merchant WHERE id = $1::text::uuid", merchant)
        assert row is not None
        seen.append(tuple(row))
    assert seen == [("active", None), ("active", None), ("suspended", "requirements.past_due")]


@pytest.mark.parametrize(
    ("newer", "state"),
    [
        (entity(renewal="2998-01-01"), "active"),  # it was renewed
        (entity(status="LAPSED"), "suspended"),
        (None, "suspended"),  # nobody loaded a newer copy
    ],
)
async def test_time_looks_a_merchants_lei_up_anew_in_the_newest_copy(
    desk: Desk, service: Service, tmp_path: Path, move_clock: Clock, newer: Any, state: str
) -> None:
    renewal = (await service_today(service) + timedelta(days=60)).isoformat()
    await load(service, tmp_path, golden_copy(entity(renewal=renewal)))
    await desk.apply(**OURS)
    merchant = (await desk.approve()).json()["merchant_id"]
    if newer is not None:
        await load(service, tmp_path, golden_copy(newer))
    for _ in range(95):
        move_clock(timedelta(days=1))
        await clockwork.check_all(service)
    async with service.db.system_reads() as tx:
        found = await tx.fetchval("SELECT state FROM merchant WHERE id = $1::text::uuid", merchant)
    assert found == state


# --- at the register itself -------------------------------------------------------------------------------------------


async def test_a_register_that_is_down_leaves_the_case_waiting_until_it_is_back(
    desk: Desk, service: Service, gleif: Gleif, move_clock: Clock
) -> None:
    gleif.status = 503
    body = await desk.apply(**OURS)
    assert body["state"] == "in_review"
    assert await desk.looked_up() == [("unavailable", "not_asked_yet")]
    assert leis(body["requirements"], "pending_verification") == [
        ("unavailable", "Look the LEI up in the register of legal entities.")
    ]
    assert (await desk.approve()).json()["code"] == "no_tier"
    tries = len(gleif.asked)
    assert tries == 1  # the next is later
    gleif.status = 200
    gleif.know(entity())
    move_clock(timedelta(minutes=1))
    await builders.work(service)
    assert len(gleif.asked) == 2
    assert await desk.looked_up() == [("unavailable", "not_asked_yet"), ("verified", "")]
    body = await desk.read()
    assert (body["report"]["tier"], leis(body["requirements"], "pending_verification")) == ("T3", [])
    assert (await desk.approve()).json()["tier"] == "T3"
    async with service.db.system_reads() as tx:
        told = await tx.fetch("SELECT action FROM audit_entry WHERE subject_id = $1 ORDER BY seq", body["id"])
    assert [row["action"] for row in told][-3:] == [
        "verification.recorded",
        "application.screened_again",
        "application.approved",
    ]


@pytest.mark.parametrize(
    ("known", "noted"),
    [
        (entity(name="Apple Inc."), ("rejected", "another_name")),
        (entity(status="LAPSED"), ("rejected", "lapsed")),
        (None, ("inconclusive", "not_found")),
    ],
)
async def test_what_the_register_says_is_noted_once(
    desk: Desk, service: Service, gleif: Gleif, known: Any, noted: tuple[str, str]
) -> None:
    if known is not None:
        gleif.know(known)
    await desk.apply(**OURS)
    assert await desk.looked_up() == [("unavailable", "not_asked_yet"), noted]
    assert (await desk.approve()).json()["code"] == "no_tier"
    await desk.post("screen")
    await builders.work(service)
    assert [one for one in await desk.looked_up() if one == noted] == [noted]


async def test_the_register_is_asked_only_for_what_the_copy_lacks_or_holds_too_old(
    desk: Desk, service: Service, gleif: Gleif, tmp_path: Path
) -> None:
    await load(service, tmp_path, golden_copy(entity(), entity(KIOSK, "Kiosk", renewal="2020-01-01")))
    await desk.apply(**OURS)
    assert (gleif.asked, await desk.looked_up()) == ([], [("verified", "")])
    gleif.know(entity(KIOSK, "Kiosk"))
    await Desk(desk.client, service, builders_world(desk)).apply(lei=KIOSK, trading_name="Kiosk", legal_name="Kiosk")
    assert gleif.asked == [KIOSK]


def builders_world(desk: Desk) -> World:
    """The same staff for a second case."""
    return World({}, {"greenbankfsp": desk.staff}, desk.staff["admin"])


async def test_an_answer_that_comes_after_the_case_was_returned_is_not_noted(
    desk: Desk, service: Service, gleif: Gleif, move_clock: Clock
) -> None:
    gleif.status = 503
    await desk.apply(**OURS)
    await desk.change(lei=None)
    gleif.status = 200
    gleif.know(entity())
    move_clock(LONG_ENOUGH)
    await builders.work(service)
    assert gleif.asked == [SHOP]
    await desk.submit()
    assert await desk.looked_up() == [("unavailable", "not_asked_yet")]
    assert (await desk.approve()).status_code == 200


async def test_a_checker_who_screens_again_and_again_asks_the_register_once(
    desk: Desk, service: Service, gleif: Gleif, move_clock: Clock
) -> None:
    gleif.status = 503
    await desk.apply(**OURS)
    for _ in range(3):
        assert (await desk.post("screen")).status_code == 200
    async with service.db.system_reads() as tx:
        assert await tx.fetchval("SELECT count(*) FROM outbox WHERE topic = 'compliance.lei'") == 1
    move_clock(timedelta(hours=13))
    desk.staff = (await builders.load_world(service))["greenbankfsp"]
    assert (await desk.post("screen")).status_code == 200
    async with service.db.system_reads() as tx:
        assert await tx.fetchval("SELECT count(*) FROM outbox WHERE topic = 'compliance.lei'") == 2


# --- submitting -------------------------------------------------------------------------------------------------------


def test_an_lei_that_only_the_register_may_verify_keeps_nobody_from_submitting_where_it_will_be_asked() -> None:
    text = kyb.preset("generic").replace('by = ["registry", "checker"]', 'by = ["registry"]')
    policy, now = kyb.load_policy(text), datetime(2026, 11, 29, 12, tzinfo=UTC)
    case = kyb.Case(builders.sections(builders.company(**OURS)))
    for is_looked_up, due in ((False, ["lei"]), (True, [])):
        asked = lei.before_look_up(case, is_looked_up, now)
        assert [one.key for one in kyb.requirements(asked, policy, "T3", now).currently_due] == due


# --- imports ----------------------------------------------------------------------------------------------------------


async def test_the_lei_of_an_imported_case_is_looked_up_after_it_is_stored(
    desk: Desk, service: Service, world: World, tmp_path: Path
) -> None:
    await load(service, tmp_path, golden_copy(entity(), APPLES))
    actor = world.maker.actor
    documents = [builders.company(**{**OURS, "lei": APPLE}), builders.company(), builders.company(**OURS)]
    rules = await bulk.desk_of(service, actor.own_dfsp())
    prepared = [
        bulk.prepare(service, actor, builders.sections(one | {"external_ref": f"row-{at}"}), 8, rules, submit=True)
        for at, one in enumerate(documents)
    ]
    async with service.db.system() as tx:
        opened = await bulk.open_applications(tx, actor, prepared)
    found = []
    for worked in (False, True):
        if worked:
            await builders.work(service)
        for one in opened:
            desk.path = f"/api/v1/applications/{one.application_id}"
            found.append([outcome for outcome, _ in await desk.looked_up()])
    assert found == [
        ["unavailable"],
        [],
        ["unavailable"],
        ["unavailable", "rejected"],
        [],
        ["unavailable", "verified"],
    ]
    assert (await desk.approve()).json()["tier"] == "T3"
