"""Writing an application: sections, versions, makers, ETags, submission, withdrawal."""

from typing import Any

import httpx
import pytest

from merchant.compliance.cases.models import Application
from merchant.core.service import Service
from tests import builders
from tests.builders import Person, World

pytestmark = pytest.mark.anyio
APPLICATIONS = "/api/v1/applications"


class Desk:
    """A person at the API, with an application in hand."""

    def __init__(self, client: httpx.AsyncClient, person: Person) -> None:
        self.client = client
        self.person = person

    async def open(self, document: dict[str, Any], key: str = "k") -> httpx.Response:
        headers = {**self.person.headers, "idempotency-key": key}
        return await self.client.post(APPLICATIONS, json=document, headers=headers)

    async def read(self, application_id: str) -> httpx.Response:
        return await self.client.get(f"{APPLICATIONS}/{application_id}", headers=self.person.headers)

    async def change(self, application_id: str, changes: dict[str, Any], etag: str | None) -> httpx.Response:
        headers = self.person.headers | ({} if etag is None else {"if-match": etag})
        return await self.client.patch(f"{APPLICATIONS}/{application_id}", json=changes, headers=headers)

    async def move(self, application_id: str, name: str, body: Any = None) -> httpx.Response:
        path = f"{APPLICATIONS}/{application_id}/{name}"
        return await self.client.post(path, json=body, headers=self.person.headers)


@pytest.fixture
def maker(client: httpx.AsyncClient, world: World) -> Desk:
    return Desk(client, world.maker)


@pytest.fixture
def maker2(client: httpx.AsyncClient, world: World) -> Desk:
    return Desk(client, world["greenbankfsp"]["maker2"])


@pytest.fixture
def checker(client: httpx.AsyncClient, world: World) -> Desk:
    return Desk(client, world.checker)


class TestDrafts:
    async def test_an_application_may_start_empty_and_says_what_is_still_due(self, maker: Desk) -> None:
        response = await maker.open({})
        assert response.status_code == 201
        body = response.json()
        assert (body["state"], body["version"], body["makers"]) == ("draft", 1, [str(maker.person.actor.id)])
        assert (body["report"], body["checker"], body["merchant_id"]) == (None, None, None)
        due = {item["path"] for item in body["requirements"]["currently_due"]}
        assert {"business.kind", "business.trading_name", "business.mcc", "locations"} <= due
        assert len(body["version_hash"]) == 64

    async def test_what_is_written_is_read_back_whole(self, maker: Desk) -> None:
        document = builders.company(lei="5493001KJTIIGC8Y1R12")
        document["external_ref"] = "CORE-1"
        written = (await maker.open(document)).json()
        read = (await maker.read(written["id"])).json()
        assert read == written
        document["owners"][0] |= {name: read["owners"][0][name] for name in ("id_number", "birth_date")}  # masked
        for section in ("business", "owners", "contact", "locations", "settlement_account", "external_ref"):
            assert read[section] == document[section], section

    async def test_answers_are_tidied_before_they_are_kept(self, maker: Desk) -> None:
        document = {
            "business": {"trading_name": "  Mama  Njeri ", "currencies": ["kes"]},
            "contact": {"phone": "0711 000 001"},
            "locations": [{"country": "ke"}],
        }
        body = (await maker.open(document)).json()
        assert body["business"] == {"trading_name": "Mama Njeri", "currencies": ["KES"]}
        assert body["contact"] == {"phone": "+254711000001"}
        assert body["locations"] == [{"country": "KE"}]

    async def test_a_patch_replaces_the_sections_it_names_and_no_other(self, maker: Desk) -> None:
        opened = await maker.open(builders.company())
        before = opened.json()
        changes = {"business": {"trading_name": "New name"}, "external_ref": "R"}
        changed = await maker.change(before["id"], changes, opened.headers["etag"])
        after = changed.json()
        assert after["business"] == {"trading_name": "New name"}
        assert after["external_ref"] == "R"
        assert (after["owners"], after["contact"], after["locations"]) == (
            before["owners"],
            before["contact"],
            before["locations"],
        )
        assert after["version_hash"] != before["version_hash"]
        assert after["version"] == 1

    async def test_a_section_may_be_emptied_and_a_reference_taken_away(self, maker: Desk) -> None:
        opened = await maker.open({**builders.company(), "external_ref": "R"})
        changed = await maker.change(opened.json()["id"], {"owners": [], "external_ref": None}, opened.headers["etag"])
        assert (changed.json()["owners"], changed.json()["external_ref"]) == ([], None)

    async def test_everyone_who_wrote_a_version_is_one_of_its_makers(self, maker: Desk, maker2: Desk) -> None:
        opened = await maker.open({})
        changed = await maker2.change(opened.json()["id"], {"external_ref": "R"}, opened.headers["etag"])
        assert changed.json()["makers"] == [str(maker.person.actor.id), str(maker2.person.actor.id)]
        again = await maker2.change(opened.json()["id"], {"external_ref": "S"}, changed.headers["etag"])
        assert len(again.json()["makers"]) == 2

    async def test_a_reference_is_unique_within_a_dfsp_only(
        self, client: httpx.AsyncClient, maker: Desk, world: World
    ) -> None:
        assert (await maker.open({"external_ref": "R"}, "k1")).status_code == 201
        taken = await maker.open({"external_ref": "R"}, "k2")
        assert (taken.status_code, taken.json()["code"]) == (409, "external_ref_taken")
        other = await maker.open({}, "k3")
        clash = await maker.change(other.json()["id"], {"external_ref": "R"}, other.headers["etag"])
        assert (clash.status_code, clash.json()["code"]) == (409, "external_ref_taken")
        elsewhere = Desk(client, world["lakemfi"]["maker"])
        assert (await elsewhere.open({"external_ref": "R"})).status_code == 201


class TestVersionTags:
    async def test_a_change_without_if_match_is_refused(self, maker: Desk) -> None:
        opened = await maker.open({})
        response = await maker.change(opened.json()["id"], {"external_ref": "R"}, None)
        assert (response.status_code, response.json()["code"]) == (428, "if_match_missing")

    async def test_a_stale_or_foreign_tag_is_refused(self, maker: Desk) -> None:
        application_id = (await maker.open({})).json()["id"]
        for tag in ('"0"', '"2"', '"x"', "*", "", '"-1"', '"99999999999999999999"', '"١"', '"1", "2"'):
            headers = {b"if-match": tag.encode()} | {
                name.encode(): value.encode() for name, value in maker.person.headers.items()
            }
            response = await maker.client.patch(
                f"{APPLICATIONS}/{application_id}", json={"external_ref": "R"}, headers=headers
            )
            assert (response.status_code, response.json()["code"]) == (412, "stale_version"), tag
        assert (await maker.read(application_id)).json()["external_ref"] is None

    async def test_of_two_who_read_the_same_state_the_second_to_write_is_told(self, maker: Desk, maker2: Desk) -> None:
        opened = await maker.open({})
        tag = opened.headers["etag"]
        assert (await maker.change(opened.json()["id"], {"external_ref": "A"}, tag)).status_code == 200
        assert (await maker2.change(opened.json()["id"], {"external_ref": "B"}, tag)).status_code == 412

    async def test_every_move_changes_the_tag_and_reading_gives_the_newest(
        self, service: Service, maker: Desk, checker: Desk
    ) -> None:
        application_id = (await maker.open(builders.company())).json()["id"]
        tags = [(await maker.read(application_id)).headers["etag"]]
        await maker.move(application_id, "submit")
        tags.append((await maker.read(application_id)).headers["etag"])
        await builders.work(service)
        tags.append((await maker.read(application_id)).headers["etag"])
        claimed = await checker.move(application_id, "claim")
        tags.append(claimed.headers["etag"])
        assert len(set(tags)) == 4
        assert (await maker.read(application_id)).headers["etag"] == tags[-1]


class TestSubmission:
    async def test_an_incomplete_application_is_told_what_it_lacks(self, maker: Desk) -> None:
        document = builders.company()
        del document["business"]["mcc"], document["business"]["legal_name"]
        application_id = (await maker.open(document)).json()["id"]
        response = await maker.move(application_id, "submit")
        assert (response.status_code, response.json()["code"]) == (422, "incomplete")
        assert {error["path"] for error in response.json()["errors"]} == {"business.mcc", "business.legal_name"}
        assert (await maker.read(application_id)).json()["state"] == "draft"

    async def test_a_currency_that_the_policy_has_no_limits_for_is_told(self, maker: Desk) -> None:
        application_id = (await maker.open(builders.company(currencies=["XPF"]))).json()["id"]
        response = await maker.move(application_id, "submit")
        if response.status_code != 200:  # the policy may learn of more currencies
            assert (response.status_code, response.json()["errors"][0]["path"]) == (422, "business.currencies")

    async def test_a_submitted_version_is_screened_by_the_worker_and_opened_for_review(
        self, service: Service, maker: Desk
    ) -> None:
        application_id = (await maker.open(builders.company())).json()["id"]
        submitted = await maker.move(application_id, "submit")
        assert (submitted.status_code, submitted.json()["state"]) == (200, "submitted")
        assert submitted.json()["report"] is None
        await builders.work(service)
        body = (await maker.read(application_id)).json()
        assert body["state"] == "in_review"
        assert (body["report"]["screening"], body["report"]["tier"]) == ("clear", "T3")

    async def test_whoever_submits_is_a_maker_too(self, maker: Desk, maker2: Desk) -> None:
        application_id = (await maker.open(builders.company())).json()["id"]
        submitted = await maker2.move(application_id, "submit")
        assert submitted.json()["makers"] == [str(maker.person.actor.id), str(maker2.person.actor.id)]

    async def test_a_returned_application_is_changed_before_it_is_submitted_again(
        self, service: Service, maker: Desk, checker: Desk
    ) -> None:
        application_id = (await maker.open(builders.company())).json()["id"]
        await maker.move(application_id, "submit")
        await builders.work(service)
        items = {"items": [{"path": "business.mcc", "reason": "Which trade?"}]}
        assert (await checker.move(application_id, "return", items)).status_code == 200
        refused = await maker.move(application_id, "submit")
        assert (refused.status_code, refused.json()["code"]) == (409, "wrong_state")
        assert "change what was asked for first" in refused.json()["detail"]

    async def test_what_is_submitted_or_under_review_is_frozen(self, service: Service, maker: Desk) -> None:
        application_id = (await maker.open(builders.company())).json()["id"]
        await maker.move(application_id, "submit")
        for _ in range(2):
            tag = (await maker.read(application_id)).headers["etag"]
            response = await maker.change(application_id, {"external_ref": "R"}, tag)
            assert (response.status_code, response.json()["code"]) == (409, "wrong_state")
            assert (await maker.move(application_id, "submit")).status_code == 409
            await builders.work(service)

    @pytest.mark.parametrize(
        ("document", "tier"),
        [
            (builders.seller(), "T0"),
            (builders.company(), "T3"),
            ({**builders.company(kind="individual"), "owners": builders.company()["owners"]}, "T1"),
        ],
    )
    async def test_what_was_answered_decides_the_tier(
        self, service: Service, world: World, document: dict[str, Any], tier: str
    ) -> None:
        application = await builders.create_application(service, world.maker, document, submitted=True)
        assert builders.report_of(application)["tier"] == tier

    async def test_every_submitted_version_is_kept_as_it_was(
        self, service: Service, maker: Desk, checker: Desk
    ) -> None:
        application_id = (await maker.open(builders.company(trading_name="First"))).json()["id"]
        hashes = []
        for name in ("First", "Second"):
            read = await maker.read(application_id)
            business = {**read.json()["business"], "trading_name": name}
            await maker.change(application_id, {"business": business}, read.headers["etag"])
            hashes.append((await maker.move(application_id, "submit")).json()["version_hash"])
            await builders.work(service)
            await checker.move(application_id, "return", {"items": [{"path": "business", "reason": "again"}]})
        async with service.db.system() as tx:
            rows = await tx.fetch(
                "SELECT version, version_hash, report_sealed FROM application_version ORDER BY version"
            )
        assert [row["version"] for row in rows] == [1, 2]
        assert [row["version_hash"] for row in rows] == hashes
        assert all(row["report_sealed"] is not None for row in rows)


class TestWithdrawal:
    @pytest.mark.parametrize("state", ["draft", "submitted", "in_review", "returned"])
    async def test_whatever_is_open_may_be_withdrawn_and_is_then_closed(
        self, service: Service, maker: Desk, checker: Desk, state: str
    ) -> None:
        application_id = (await maker.open(builders.company())).json()["id"]
        if state != "draft":
            await maker.move(application_id, "submit")
        if state in ("in_review", "returned"):
            await builders.work(service)
        if state == "returned":
            await checker.move(application_id, "return", {"items": [{"path": "owners", "reason": "who?"}]})
        assert (await maker.read(application_id)).json()["state"] == state
        withdrawn = await maker.move(application_id, "withdraw")
        assert (withdrawn.status_code, withdrawn.json()["state"]) == (200, "withdrawn")
        await builders.work(service)  # a screening that was queued finds nothing to do
        tag = withdrawn.headers["etag"]
        assert (await maker.change(application_id, {"external_ref": "R"}, tag)).status_code == 409
        for name in ("submit", "withdraw"):
            assert (await maker.move(application_id, name)).status_code == 409
        approved = await checker.move(application_id, "approve", {"version_hash": withdrawn.json()["version_hash"]})
        assert approved.status_code == 409
        assert (await maker.read(application_id)).json()["state"] == "withdrawn"


class TestAtRest:
    """Identity numbers, birth dates and phones are nowhere in the open."""

    SECRETS = ("NID-SECRET-77", "1971-03-09", "711987654", "owner77@example.org", "AC-SECRET-77", "TAX-SECRET-77")

    async def test_nothing_that_identifies_a_person_by_number_is_readable_in_any_table_or_log(
        self, client: httpx.AsyncClient, service: Service, world: World, capfd: pytest.CaptureFixture[str]
    ) -> None:
        document = builders.company(tax_id="TAX-SECRET-77")
        document["owners"][0] |= {
            "id_number": "NID-SECRET-77",
            "birth_date": "1971-03-09",
            "phone": "+254711987654",
            "email": "owner77@example.org",
        }
        document["contact"] = {"owner_index": 0}
        document["settlement_account"]["account_id"] = "AC-SECRET-77"
        desk = Desk(client, world.maker)
        application_id = (await desk.open(document)).json()["id"]
        assert (await desk.open({**document, "business": {"mcc": "0000"}}, "k2")).status_code == 422
        await desk.move(application_id, "submit")
        await builders.work(service)
        version_hash = (await desk.read(application_id)).json()["version_hash"]
        approved = await Desk(client, world.checker).move(application_id, "approve", {"version_hash": version_hash})
        assert approved.status_code == 200
        logged = "".join(capfd.readouterr())
        async with service.db.system() as tx:
            tables = [
                row["tablename"]
                for row in await tx.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
                if row["tablename"] != "alembic_version"
            ]
            assert len(tables) > 25
            for table in tables:
                rows = await tx.fetch(f"SELECT t::text AS line FROM {table} t")
                binary = await tx.fetch(f"SELECT encode(convert_to(t::text, 'UTF8'), 'escape') AS line FROM {table} t")
                stored = " ".join(row["line"] for row in (*rows, *binary))
                for secret in self.SECRETS:
                    assert secret not in stored, (secret, table)
                    assert secret.encode().hex() not in stored, (secret, table)
        for secret in self.SECRETS:
            assert secret not in logged, secret

    async def test_the_same_person_is_found_again_by_a_blind_index(self, service: Service, world: World) -> None:
        first, second = builders.company(), builders.company()
        second["owners"][0]["id_number"] = first["owners"][0]["id_number"]
        made = [await builders.create_application(service, world.maker, document) for document in (first, second)]
        digest = service.vault.digest("id_number", first["owners"][0]["id_number"])
        async with service.db.tenant(world.maker.actor.dfsp_id) as tx:
            rows = await tx.fetch("SELECT application_id, path FROM application_identifier WHERE digest = $1", digest)
        assert {row["application_id"] for row in rows} == {application.id for application in made}
        assert {row["path"] for row in rows} == {"owners[0].id_number"}

    async def test_an_edited_number_leaves_no_old_index(self, service: Service, world: World, maker: Desk) -> None:
        document = builders.company()
        opened = await maker.open(document)
        owner = {**document["owners"][0], "id_number": "OTHER-1"}
        await maker.change(opened.json()["id"], {"owners": [owner]}, opened.headers["etag"])
        async with service.db.system() as tx:
            digests = {row["digest"] for row in await tx.fetch("SELECT digest FROM application_identifier")}
        assert service.vault.digest("id_number", "OTHER1") in digests
        assert service.vault.digest("id_number", document["owners"][0]["id_number"]) not in digests

    async def test_the_sealed_answers_of_one_application_do_not_open_as_anothers(
        self, service: Service, world: World, maker: Desk
    ) -> None:
        first = await builders.create_application(service, world.maker)
        second = await builders.create_application(service, world.maker)
        async with service.db.system() as tx:
            row = await tx.session.get(Application, second.id)
            assert row is not None
            row.sections_sealed = first.sections_sealed
        assert (await maker.read(str(second.id))).status_code == 500
        assert (await maker.read(str(first.id))).status_code == 200
