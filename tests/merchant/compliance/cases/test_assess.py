"""Screening: hits hold an approval up, "not checked" is never "clear", and frozen reports say what was decided on."""

import gzip
import itertools
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from sqlmodel import select

from merchant.compliance.cases import sealed_fields
from merchant.compliance.cases.models import Application, ApplicationVersion
from merchant.compliance.lists.packaged import screening_index
from merchant.core.service import Service
from merchant.core.settings import Settings
from tests import builders
from tests.api.everything import listed_company
from tests.builders import World
from tests.merchant.compliance.lists.stage import eu_list, put

pytestmark = pytest.mark.anyio
FALSE_POSITIVE = {"decision": "false_positive", "reason": "Born elsewhere, another face."}
TRUE_MATCH = {"decision": "true_match", "reason": "The same passport."}


class Case:
    """An application under review, as the checker sees it."""

    def __init__(self, client: httpx.AsyncClient, world: World, application_id: object) -> None:
        self.client, self.world, self.application_id = client, world, application_id
        self.path = f"/api/v1/applications/{application_id}"

    async def read(self) -> dict[str, Any]:
        body: dict[str, Any] = (await self.client.get(self.path, headers=self.world.checker.headers)).json()
        return body

    async def post(self, name: str, body: Any = None, who: str = "checker") -> httpx.Response:
        headers = self.world["greenbankfsp"][who].headers
        return await self.client.post(f"{self.path}/{name}", json=body, headers=headers)

    async def approve(self) -> httpx.Response:
        return await self.post("approve", {"version_hash": (await self.read())["version_hash"]}, "checker2")

    async def decide_all(self, word: dict[str, str]) -> None:
        """Two checkers say the same of every hit."""
        for hit in (await self.read())["report"]["hits"]:
            for who in ("checker", "checker2"):
                assert (await self.post(f"hits/{hit['id']}", word, who)).status_code == 200


@pytest.fixture
async def listed(client: httpx.AsyncClient, service: Service, world: World) -> Case:
    """A case whose owner bears a listed name."""
    application = await builders.create_application(service, world.maker, listed_company(), submitted=True)
    return Case(client, world, application.id)


async def test_a_listed_owner_holds_the_approval_up_until_every_hit_is_decided(listed: Case) -> None:
    body = await listed.read()
    assert (body["state"], body["report"]["screening"]) == ("in_review", "review")
    hits = body["report"]["hits"]
    assert {hit["path"] for hit in hits} == {"owners[0]"}
    refused = await listed.approve()
    assert (refused.status_code, refused.json()["code"]) == (409, "screening_hits_open")
    await listed.decide_all(FALSE_POSITIVE)
    body = await listed.read()
    assert set(body["hit_decisions"].values()) == {"false_positive"}
    assert (await listed.approve()).status_code == 200


@pytest.mark.parametrize(
    ("given_name", "family_name"),
    [
        ("Ayman Muhammed Rabi", "al-Zawahiri"),
        ("AL-ZAWAHIRI AYMAN", "MUHAMMED RABI"),
        ("أيمن محمد ربيع", "الظواهري"),
        ("Aiman Muhammad Rabi", "Al Zawahiri"),
    ],
)
async def test_exact_reordered_and_transliterated_spellings_are_stopped(
    client: httpx.AsyncClient, service: Service, world: World, given_name: str, family_name: str
) -> None:
    document = listed_company()
    document["owners"][0] |= {"given_name": given_name, "family_name": family_name}
    application = await builders.create_application(service, world.maker, document, submitted=True)
    refused = await Case(client, world, application.id).approve()
    assert (refused.status_code, refused.json()["code"]) == (409, "screening_hits_open")


async def test_a_listed_legal_name_is_stopped_too(client: httpx.AsyncClient, service: Service, world: World) -> None:
    document = builders.company(legal_name="Al-Qaida", trading_name="Al Qaida")
    application = await builders.create_application(service, world.maker, document, submitted=True)
    assert (await Case(client, world, application.id).approve()).status_code == 409


async def test_a_true_match_cannot_be_approved_whatever_else_is_decided(listed: Case) -> None:
    hits = (await listed.read())["report"]["hits"]
    await listed.decide_all(FALSE_POSITIVE)
    assert (await listed.post(f"hits/{hits[0]['id']}", TRUE_MATCH)).status_code == 200
    refused = await listed.approve()
    assert (refused.status_code, refused.json()["code"]) == (409, "screening_hits_open")
    # A decision may be corrected, by two, and the correction is on the record.
    for who in ("checker", "checker2"):
        assert (await listed.post(f"hits/{hits[0]['id']}", FALSE_POSITIVE, who)).status_code == 200
    assert (await listed.approve()).status_code == 200


async def test_a_decision_needs_a_word_a_reason_and_a_hit_of_this_case(listed: Case) -> None:
    hit_id = (await listed.read())["report"]["hits"][0]["id"]
    assert (await listed.post("hits/000000000000", FALSE_POSITIVE)).status_code == 404
    for body in (
        {},
        {"decision": "false_positive"},
        {"decision": "maybe", "reason": "x"},
        {"decision": "true_match", "reason": " "},
    ):
        assert (await listed.post(f"hits/{hit_id}", body)).status_code == 422
    assert (await listed.read())["hit_decisions"] == {}


async def test_a_maker_does_not_decide_on_hits_of_their_own_version(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    both = world["greenbankfsp"]["both"]
    application = await builders.create_application(service, both, listed_company(), submitted=True)
    case = Case(client, world, application.id)
    hit_id = (await case.read())["report"]["hits"][0]["id"]
    response = await case.post(f"hits/{hit_id}", FALSE_POSITIVE, "both")
    assert (response.status_code, response.json()["code"]) == (403, "checker_is_maker")


@pytest.mark.parametrize(("people", "remembered"), [(("checker",), False), (("checker", "checker2"), True)])
async def test_the_next_version_remembers_what_two_released_and_nothing_that_one_proposed(
    client: httpx.AsyncClient, service: Service, world: World, listed: Case, people: tuple[str, ...], remembered: bool
) -> None:
    for hit in (await listed.read())["report"]["hits"]:
        for who in people:
            assert (await listed.post(f"hits/{hit['id']}", FALSE_POSITIVE, who)).status_code == 200
    await listed.post("return", {"items": [{"path": "business", "reason": "again"}]})
    tag = (await client.get(listed.path, headers=world.maker.headers)).headers["etag"]
    headers = {**world.maker.headers, "if-match": tag}
    await client.patch(listed.path, json={"external_ref": "R"}, headers=headers)
    await client.post(f"{listed.path}/submit", headers=world.maker.headers)
    await builders.work(service)
    assert (await listed.read())["hit_decisions"] == {}
    assert (await listed.approve()).status_code == (200 if remembered else 409)


async def test_hits_keep_their_names_when_screened_again_so_that_decisions_hold(listed: Case) -> None:
    before = [hit["id"] for hit in (await listed.read())["report"]["hits"]]
    await listed.decide_all(FALSE_POSITIVE)
    assert (await listed.post("screen")).status_code == 200
    assert [hit["id"] for hit in (await listed.read())["report"]["hits"]] == before
    assert (await listed.approve()).status_code == 200


def use_list(service: Service, path: Path) -> None:
    """Screen against the list at `path` from now on."""
    service.settings = msgspec.structs.replace(service.settings, screening_list=path)


async def reports(service: Service, application_id: object) -> tuple[Any, dict[int, Any]]:
    """The report on the application, and the report on each of its frozen versions."""
    async with service.db.system() as tx:
        [live] = (await tx.session.exec(select(Application).where(Application.id == application_id))).all()
        wanted = select(ApplicationVersion).where(ApplicationVersion.application_id == application_id)
        frozen = (await tx.session.exec(wanted)).all()
    found = {row.version: sealed_fields.report_of(service.vault, row) for row in frozen}
    return sealed_fields.report_of(service.vault, live), found


class TestFrozenReports:
    """The frozen version holds the report that the checker decided on."""

    async def test_they_equal_the_live_report_after_any_number_of_screenings(
        self, client: httpx.AsyncClient, service: Service, world: World, tmp_path: Path
    ) -> None:
        paths = {"gone": tmp_path / "gone.xml", "there": Settings().screening_list}
        for lists in itertools.product(paths, repeat=3):
            use_list(service, paths[lists[0]])
            application = await builders.create_application(service, world.maker, listed_company(), submitted=True)
            case = Case(client, world, application.id)
            for which in lists[1:]:
                use_list(service, paths[which])
                assert (await case.post("screen")).status_code == 200
                live, frozen = await reports(service, application.id)
                assert live["screening"] == ("review" if which == "there" else "not_checked"), lists
                assert frozen == {1: live}, lists
            await case.decide_all(FALSE_POSITIVE)
            assert (await case.approve()).status_code == (200 if lists[-1] == "there" else 409), lists
            live, frozen = await reports(service, application.id)
            assert frozen == {1: live}, lists

    async def test_a_later_versions_screening_leaves_the_earlier_versions_report_alone(
        self, client: httpx.AsyncClient, service: Service, world: World, tmp_path: Path, listed: Case
    ) -> None:
        use_list(service, tmp_path / "gone.xml")
        await listed.post("screen")
        await listed.post("return", {"items": [{"path": "owners", "reason": "again"}]})
        _, before = await reports(service, listed.application_id)
        use_list(service, Settings().screening_list)
        tag = (await client.get(listed.path, headers=world.maker.headers)).headers["etag"]
        headers = {**world.maker.headers, "if-match": tag}
        assert (await client.patch(listed.path, json={"external_ref": "R"}, headers=headers)).status_code == 200
        assert (await client.post(f"{listed.path}/submit", headers=world.maker.headers)).status_code == 200
        await builders.work(service)
        await listed.post("screen")
        live, frozen = await reports(service, listed.application_id)
        assert before[1]["screening"] == "not_checked"
        assert frozen == {1: before[1], 2: live}


class TestMissingLists:
    async def test_a_missing_list_means_not_checked_and_nothing_is_approved_until_it_is_back(
        self, client: httpx.AsyncClient, service: Service, world: World, tmp_path: Path
    ) -> None:
        use_list(service, tmp_path / "gone.xml")
        application = await builders.create_application(service, world.maker, submitted=True)
        case = Case(client, world, application.id)
        body = await case.read()
        assert (body["state"], body["report"]["screening"]) == ("in_review", "not_checked")
        refused = await case.approve()
        assert (refused.status_code, refused.json()["code"]) == (409, "screening_not_checked")
        assert (await case.post("screen")).json()["report"]["screening"] == "not_checked"
        use_list(service, Settings().screening_list)
        assert (await case.post("screen")).json()["report"]["screening"] == "clear"
        assert (await case.approve()).status_code == 200

    async def test_a_list_nobody_has_seen_to_be_current_for_a_week_checks_nobody_and_approves_nothing(
        self, client: httpx.AsyncClient, service: Service, move_clock: Callable[[timedelta], datetime]
    ) -> None:
        file = eu_list("2026-11-01", ["Tarik Sample"])
        await put(service, "eu", file)
        move_clock(timedelta(days=8))
        world = await builders.load_world(service)
        application = await builders.create_application(service, world.maker, submitted=True)
        case = Case(client, world, application.id)
        assert (await case.read())["report"]["screening"] == "not_checked"
        assert (await case.approve()).json()["code"] == "screening_not_checked"
        await put(service, "eu", file)
        assert (await case.post("screen")).json()["report"]["screening"] == "clear"
        report = (await case.read())["report"]
        assert [one["source"] for one in report["list_versions"]] == ["un_consolidated", "eu_fsf"]
        assert (await case.approve()).status_code == 200

    async def test_a_report_names_the_lists_it_used(self, listed: Case) -> None:
        report = (await listed.read())["report"]
        assert report["list_versions"]
        assert report["policy_version"]

    def test_a_list_that_cannot_be_read_is_none_and_never_a_crash(self, tmp_path: Path) -> None:
        whole = Settings().screening_list.read_bytes()
        bad = {
            "empty.xml": b"",
            "empty.xml.gz": b"",
            "text.xml": b"not xml",
            "text.xml.gz": b"not gzip",
            "cut.xml.gz": whole[: len(whole) // 2],
            "flipped.xml.gz": whole[:5000] + b"\0" * 100 + whole[5100:],
            "other.xml": b"<a/>",
            "bomb.xml": b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
            "packed.xml": whole,
            "binary.xml.gz": gzip.compress(b"\xff" * 1000),
        }
        for name, content in bad.items():
            path = tmp_path / name
            path.write_bytes(content)
            assert screening_index(path) is None, name
        assert screening_index(tmp_path) is None
        assert screening_index(tmp_path / "gone" / "x.xml") is None

    def test_a_list_that_was_replaced_is_read_anew(self, tmp_path: Path) -> None:
        path = tmp_path / "un.xml.gz"
        path.write_bytes(b"broken")
        assert screening_index(path) is None
        path.write_bytes(Settings().screening_list.read_bytes())
        first = screening_index(path)
        assert first is not None
        assert screening_index(path) is first  # indexed once

    async def test_only_what_is_under_review_is_screened_again(
        self, client: httpx.AsyncClient, service: Service, world: World
    ) -> None:
        draft = await builders.create_application(service, world.maker)
        case = Case(client, world, draft.id)
        for name, body in (("screen", None), ("hits/000000000000", FALSE_POSITIVE)):
            assert (await case.post(name, body)).status_code == 409
