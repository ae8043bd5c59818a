"""One's own application: written, handed in, completed by staff, returned, decided; and nobody else's, ever."""

import asyncio
from typing import Any

import httpx
import pytest

from merchant.core.service import Service
from tests import builders
from tests.builders import World
from tests.merchant.compliance.documents import samples
from tests.merchant.people.registration.conftest import Applicant, Door, staff

pytestmark = [pytest.mark.anyio, pytest.mark.database]


@pytest.fixture
async def njeri(door: Door) -> Applicant:
    """Somebody who has just registered."""
    return await door.register(door.phone())


def steps(application: dict[str, Any]) -> list[str]:
    return [one["state"] for one in application["steps"]]


class TestWriting:
    async def test_sections_are_written_one_after_the_other_by_the_version_that_was_read(
        self, njeri: Applicant
    ) -> None:
        document = builders.seller()
        for section in ("business", "owners", "locations"):
            assert (await njeri.write({section: document[section]})).status_code == 200
        read = await njeri.read()
        # One's own words come back whole, so that they can be sent again.
        assert read["owners"][0]["id_number"] == document["owners"][0]["id_number"]
        assert steps(read) == ["current", "todo", "todo", "todo"]
        assert (await njeri.call("PATCH", "my-application", {"business": {}})).status_code == 428
        stale = await njeri.call("PATCH", "my-application", {"business": {}}, **{"if-match": '"1"'})
        assert (stale.status_code, stale.json()["code"]) == (412, "stale_version")

    @pytest.mark.parametrize(
        "body",
        [{"state": "approved"}, {"external_ref": "x"}, {"business": {"mcc": "99999"}}, {"makers": []}, {"owners": 1}],
    )
    async def test_bad_input_is_refused(self, njeri: Applicant, body: dict[str, Any]) -> None:
        assert (await njeri.write(body)).status_code == 422

    async def test_the_requirements_say_what_is_due_and_that_the_phone_is_not(self, njeri: Applicant) -> None:
        due = (await njeri.call("GET", "my-application/requirements")).json()
        assert "business.trading_name" in {one["path"] for one in due["currently_due"]}
        await njeri.fill_in()
        due = (await njeri.call("GET", "my-application/requirements?tier=T0")).json()
        assert due["currently_due"] == []
        assert all(one["key"] != "phone" for one in due["pending_verification"])
        assert (await njeri.call("GET", "my-application/requirements?tier=T9")).status_code == 422

    async def test_documents_are_added_and_listed_until_it_is_handed_in(self, njeri: Applicant) -> None:
        await njeri.fill_in()

        async def add() -> httpx.Response:
            form = {"data": {"purpose": "licence", "path": "business"}, "files": {"file": ("a.jpg", samples.picture())}}
            return await njeri.door.client.post("/api/v1/my-application/documents", headers=njeri.headers, **form)

        added = await add()
        assert added.status_code == 201, added.text
        listed = (await njeri.call("GET", "my-application/documents")).json()["items"]
        assert [one["id"] for one in listed] == [added.json()["id"]]
        await njeri.hand_in()
        assert (await add()).json()["code"] == "handed_in"
        other = await njeri.door.register(njeri.door.phone())
        assert (await other.call("GET", "my-application/documents")).json()["items"] == []


class TestHandingIn:
    async def test_until_then_nobody_of_the_dfsp_sees_it_and_then_makers_find_it_in_their_inbox(
        self, door: Door, njeri: Applicant
    ) -> None:
        await njeri.fill_in()
        path = f"applications/{(await njeri.read())['id']}"
        for title in ("maker", "checker", "auditor"):
            await staff(door, title, path, method="GET", status=404)
            for inbox in ("applications", "applications?handed_in=true", "cases", "cases?handed_in=false"):
                assert (await staff(door, title, inbox, method="GET"))["items"] == [], inbox
        await staff(door, "maker", f"{path}/submit", status=404)
        assert (await door.client.get(f"/api/v1/{path}", headers=door.world.operator.headers)).status_code == 404
        handed = await njeri.hand_in()
        assert steps(handed) == ["done", "current", "todo", "todo"]
        assert handed["handed_in_at"] == handed["steps"][0]["at"]
        for inbox in ("applications?handed_in=true&state=draft", "applications", "cases?handed_in=true"):
            [found] = (await staff(door, "maker", inbox, method="GET"))["items"]
            assert (found["id"], found["handed_in_at"]) == (handed["id"], handed["handed_in_at"])
        assert (await staff(door, "maker", "applications?handed_in=false", method="GET"))["items"] == []
        await staff(door, "maker", "applications?handed_in=maybe", method="GET", status=400)

    async def test_it_is_announced_once_to_the_dfsp(self, door: Door, njeri: Applicant) -> None:
        admin = door.world["greenbankfsp"]["admin"].headers
        hook = {"url": "https://bank.example/hooks", "event_types": ["application.handed_in"]}
        assert (await door.client.post("/api/v1/webhook-endpoints", json=hook, headers=admin)).status_code == 201
        first = await njeri.hand_in()
        assert await njeri.hand_in() == first
        rows = await door.fetch("SELECT event_type, body FROM webhook_delivery")
        assert [row["event_type"] for row in rows] == ["application.handed_in"]
        assert first["id"].encode() in rows[0]["body"] and njeri.address["phone"].encode() not in rows[0]["body"]

    async def test_of_two_at_once_one_hands_it_in(self, door: Door, njeri: Applicant) -> None:
        handed = await asyncio.gather(*(njeri.call("POST", "my-application/hand-in") for _ in range(3)))
        assert {one.status_code for one in handed} == {200}
        assert len({one.json()["handed_in_at"] for one in handed}) == 1
        assert len(await door.fetch("SELECT 1 FROM audit_entry WHERE action = 'application.handed_in'")) == 1

    async def test_what_was_handed_in_is_not_changed_and_its_numbers_are_masked(self, njeri: Applicant) -> None:
        await njeri.fill_in()
        await njeri.hand_in()
        refused = await njeri.write({"business": {"trading_name": "Other"}})
        assert (refused.status_code, refused.json()["code"]) == (409, "handed_in")
        assert (await njeri.read())["owners"][0]["id_number"].startswith("****")

    async def test_a_maker_completes_and_submits_it_and_neither_of_the_two_decides(
        self, door: Door, njeri: Applicant
    ) -> None:
        await njeri.fill_in()
        path = f"applications/{(await njeri.hand_in())['id']}"
        await staff(door, "both", f"{path}/submit")
        await builders.work(door.service)
        read = await staff(door, "checker", path, method="GET")
        both = str(door.world["greenbankfsp"]["both"].actor.id)
        assert set(read["makers"]) == {njeri.id, both}
        approval = {"version_hash": read["version_hash"]}
        refused = await staff(door, "both", f"{path}/approve", approval, status=403)
        assert refused["code"] == "checker_is_maker"
        own = await njeri.call("POST", f"{path}/approve", approval)
        assert (own.status_code, own.json()["code"]) == (403, "checker_is_maker")
        assert steps(await njeri.read()) == ["done", "done", "current", "todo"]
        again = await njeri.call("POST", "my-application/hand-in")
        assert (again.status_code, again.json()["code"]) == (409, "wrong_state")

    async def test_what_is_returned_comes_back_to_the_applicant_who_hands_it_in_again(
        self, door: Door, njeri: Applicant
    ) -> None:
        await njeri.fill_in()
        path = f"applications/{(await njeri.hand_in())['id']}"
        await staff(door, "maker", f"{path}/submit")
        await builders.work(door.service)
        items = [{"path": "business.trading_name", "reason": "The sign says something else."}]
        await staff(door, "checker", f"{path}/return", {"items": items})
        back = await njeri.read()
        assert (back["state"], steps(back)) == ("returned", ["problem", "todo", "todo", "todo"])
        assert back["returned_items"] == [items[0] | {"resolved": False}]
        assert (await njeri.call("POST", "my-application/hand-in")).status_code == 409
        mended = await njeri.write({"business": builders.seller(trading_name="As the sign says")["business"]})
        assert mended.status_code == 200, mended.text
        assert (mended.json()["state"], mended.json()["version"], steps(mended.json())[0]) == ("draft", 2, "problem")
        assert mended.json()["returned_items"][0]["resolved"] is True
        # Staff still see it, and find it in the inbox once it is handed in.
        assert (await staff(door, "maker", "applications?handed_in=true", method="GET"))["items"] == []
        assert (await staff(door, "maker", path, method="GET"))["state"] == "draft"
        assert steps(await njeri.hand_in()) == ["done", "current", "todo", "todo"]
        await staff(door, "maker", f"{path}/submit")

    async def test_it_is_taken_back_until_it_is_decided(self, door: Door, njeri: Applicant) -> None:
        await njeri.fill_in()
        await njeri.hand_in()
        back = await njeri.call("POST", "my-application/withdraw")
        assert (back.status_code, steps(back.json())) == (200, ["done", "done", "done", "problem"])
        for path in ("withdraw", "hand-in"):
            assert (await njeri.call("POST", f"my-application/{path}")).status_code == 409
        assert (await njeri.write({"business": {}})).status_code == 409

    async def test_a_rejection_tells_why(self, door: Door, njeri: Applicant) -> None:
        await njeri.fill_in()
        path = f"applications/{(await njeri.hand_in())['id']}"
        await staff(door, "maker", f"{path}/submit")
        await builders.work(door.service)
        await staff(door, "checker", f"{path}/reject", {"reason": "We do not serve this trade."})
        read = await njeri.read()
        assert (read["state"], read["reason"]) == ("rejected", "We do not serve this trade.")
        again = await door.send(njeri.address, await door.code(njeri.address))
        assert again.status_code == 200


class TestAnotherDfsp:
    async def test_a_draft_that_nobody_saw_goes_with_its_documents_and_its_person(
        self, door: Door, njeri: Applicant, world: World
    ) -> None:
        await njeri.fill_in()
        form = {"data": {"purpose": "licence", "path": "business"}, "files": {"file": ("a.jpg", samples.picture())}}
        added = await door.client.post("/api/v1/my-application/documents", headers=njeri.headers, **form)
        assert added.status_code == 201
        other = str(world.dfsp_ids["lakemfi"])
        moved = await njeri.call("POST", "my-application/dfsp", {"dfsp_id": other})
        assert (moved.status_code, moved.json()["dfsp"]["id"]) == (200, other), moved.text
        read = await njeri.read()
        assert read["dfsp"]["id"] == other
        assert (await njeri.call("GET", "users/me")).json()["dfsp_id"] == other
        assert len((await njeri.call("GET", "my-application/documents")).json()["items"]) == 1
        for table in ("application", "application_identifier", "verification", "document"):
            assert {str(row["dfsp_id"]) for row in await door.fetch(f"SELECT dfsp_id FROM {table}")} == {other}, table
        assert (await njeri.write({"business": {"trading_name": "Elsewhere"}})).status_code == 200
        handed = await njeri.hand_in()
        maker = world["lakemfi"]["maker"].headers
        assert (await door.client.get(f"/api/v1/applications/{handed['id']}", headers=maker)).status_code == 200
        await staff(door, "maker", f"applications/{handed['id']}", method="GET", status=404)

    async def test_not_once_it_is_handed_in_nor_to_a_dfsp_that_there_is_not(
        self, door: Door, njeri: Applicant, world: World
    ) -> None:
        unknown = await njeri.call("POST", "my-application/dfsp", {"dfsp_id": njeri.id})
        assert unknown.status_code == 422
        other = str(world.dfsp_ids["lakemfi"])
        async with door.service.db.system() as tx:
            await tx.execute("UPDATE dfsp SET enabled = false WHERE fsp_id = 'lakemfi'")
        assert (await njeri.call("POST", "my-application/dfsp", {"dfsp_id": other})).status_code == 422
        async with door.service.db.system() as tx:
            await tx.execute("UPDATE dfsp SET enabled = true")
        await njeri.hand_in()
        refused = await njeri.call("POST", "my-application/dfsp", {"dfsp_id": other})
        assert (refused.status_code, refused.json()["code"]) == (409, "handed_in")


class TestApproval:
    async def test_the_applicant_is_the_owner_at_once_in_the_same_session_and_is_told_the_number(
        self, door: Door, njeri: Applicant
    ) -> None:
        made = await njeri.approved()
        number = made["counters"][0]["alias"]
        read = await njeri.read()
        assert (read["state"], steps(read)) == ("approved", ["done"] * 4)
        assert (read["merchant_id"], read["counters"]) == (made["merchant_id"], [{"alias": number}])
        assert (await njeri.call("GET", "users/me")).json()["roles"] == ["merchant_owner"]
        listed = (await njeri.call("GET", "merchants")).json()["items"]
        assert [one["id"] for one in listed] == [made["merchant_id"]]
        await builders.work(door.service)
        told = (await door.messages(njeri.address))[0]
        assert number in told and door.service.settings.base_url in told
        # The application is decided: nothing of it changes any more.
        for path in ("hand-in", "withdraw"):
            assert (await njeri.call("POST", f"my-application/{path}")).status_code == 409
        refused = await njeri.write({"business": {"trading_name": "Other"}})
        assert refused.status_code == 409
        signed = await door.sign_in(njeri.address, await door.code(njeri.address))
        assert signed.json()["user"]["roles"] == ["merchant_owner"]
        again = await door.send(njeri.address, await door.code(njeri.address))
        assert (again.status_code, again.json()["user"]["id"]) == (200, njeri.id)

    async def test_the_session_of_a_person_who_was_shut_out_meanwhile_stays_shut(
        self, door: Door, njeri: Applicant
    ) -> None:
        await njeri.fill_in()
        path = f"applications/{(await njeri.hand_in())['id']}"
        await staff(door, "maker", f"{path}/submit")
        await builders.work(door.service)
        async with door.service.db.system() as tx:
            await tx.execute("UPDATE app_user SET enabled = false WHERE id::text = $1", njeri.id)
        read = await staff(door, "checker", path, method="GET")
        await staff(door, "checker", f"{path}/approve", {"version_hash": read["version_hash"]})
        assert (await njeri.call("GET", "my-application")).status_code == 401

    async def test_the_role_change_is_in_the_audit_record(self, door: Door, njeri: Applicant) -> None:
        await njeri.approved()
        rows = await door.fetch("SELECT action FROM audit_entry WHERE subject_id = $1 ORDER BY seq", njeri.id)
        assert [row["action"] for row in rows] == ["user.registered", "user.roles_changed"]


class TestOthers:
    async def test_nobody_else_has_such_an_application(self, door: Door, service: Service, world: World) -> None:
        merchant, _ = await builders.create_merchant(service, world)
        place = {"dfsp_id": merchant.dfsp_id, "merchant_id": merchant.id}
        await builders.add_person(service, "owner@shop.example", ["merchant_owner"], **place)
        owner = (await builders.signed_in(service, "owner@shop.example")).headers
        await builders.add_person(service, "cash@shop.example", ["merchant_cashier"], **place)
        cashier = (await builders.signed_in(service, "cash@shop.example")).headers
        machine = await builders.issue_key(service, world["greenbankfsp"]["admin"], ["applications:read"])
        for headers, status in ((owner, 404), (cashier, 403), (world.maker.headers, 403), (machine, 403)):
            for method, path in (("GET", "my-application"), ("POST", "my-application/hand-in")):
                answered = await door.client.request(method, f"/api/v1/{path}", headers=headers)
                assert answered.status_code == status, answered.text
        assert (await door.client.get("/api/v1/my-application")).status_code == 401

    async def test_one_applicant_reaches_nothing_of_another(self, door: Door, njeri: Applicant) -> None:
        other = await door.register(door.phone())
        await other.fill_in()
        handed = await other.hand_in()
        assert (await njeri.read())["id"] != handed["id"]
        for path in ("applications", f"applications/{handed['id']}", f"cases/{handed['id']}", "merchants", "users"):
            assert (await njeri.call("GET", path)).status_code == 403, path
