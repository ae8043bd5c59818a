"""Documents over the API: handed in, refused whole, listed, opened on the record, withdrawn; each by whom it may be."""

import asyncio
import hashlib
import io
from typing import Any

import httpx
import pytest
from PIL import Image

from merchant.compliance.documents import operations
from merchant.compliance.documents.loose_files import delete_loose_files
from merchant.compliance.documents.models import Document
from merchant.core.access import Role
from merchant.core.evidence import EventBuffer
from merchant.core.service import Service
from tests import builders
from tests.builders import Person, World
from tests.merchant.compliance.documents import samples
from tests.merchant.compliance.documents.desk import hand_in, look_up_state, rows, stored
from tests.merchant.compliance.documents.samples import pdf, picture

pytestmark = pytest.mark.anyio


@pytest.fixture
async def draft(service: Service, world: World) -> str:
    """An application that is being written, as part of a path."""
    return f"applications/{(await builders.create_application(service, world.maker)).id}"


def id_of(holder: str) -> str:
    return holder.rpartition("/")[2]


async def added(client: httpx.AsyncClient, who: Person, holder: str, data: bytes | None = None, **more: Any) -> Any:
    """A document that was taken."""
    answered = await hand_in(client, who, holder, data, **more)
    assert answered.status_code == 201, answered.text
    return answered.json()


async def opened(client: httpx.AsyncClient, who: Person, document_id: str, query: str = "") -> httpx.Response:
    return await client.get(f"/api/v1/documents/{document_id}/content{query}", headers=who.headers)


async def looks(client: httpx.AsyncClient, world: World) -> list[dict[str, Any]]:
    """Every look at personal data that the DFSP's auditor finds."""
    headers = world["greenbankfsp"]["auditor"].headers
    listed = await client.get("/api/v1/audit?action=personal_data.read", headers=headers)
    return list(listed.json()["items"])


async def test_an_application_lists_its_own_documents_and_no_other_ones(
    client: httpx.AsyncClient, service: Service, world: World, draft: str
) -> None:
    made = await added(client, world.maker, draft)
    other = await builders.create_application(service, world.maker)
    for holder, found in ((draft, [made["id"]]), (f"applications/{other.id}", [])):
        listed = await client.get(f"/api/v1/{holder}/documents", headers=world.maker.headers)
        assert [one["id"] for one in listed.json()["items"]] == found


@pytest.mark.parametrize("kind", ["applications", "cases"])
async def test_a_document_is_taken_told_of_listed_and_opened(
    client: httpx.AsyncClient, service: Service, world: World, draft: str, kind: str
) -> None:
    holder = f"{kind}/{id_of(draft)}"
    made = await added(client, world.maker, holder, name="C:\\scans\\Trade licence 2026.pdf.exe")
    assert made["bytes"] == len(pdf())
    assert made["sha256"] == hashlib.sha256(pdf()).hexdigest()
    assert (made["media_type"], made["pages"], made["purpose"]) == ("application/pdf", 1, "licence")
    assert (made["file_name"], made["application_id"]) == ("Trade licence 2026.pdf", id_of(draft))
    read = await client.get(f"/api/v1/documents/{made['id']}", headers=world.checker.headers)
    listed = await client.get(f"/api/v1/{holder}/documents", headers=world.checker.headers)
    assert read.json() == made
    assert listed.json() == {"items": [made], "next_cursor": None}
    content = await opened(client, world.checker, made["id"])
    assert content.content == pdf()
    assert {name: content.headers[name] for name in content.headers if name not in ("x-request-id", "server")} == {
        "content-type": "application/pdf",
        "content-length": str(len(pdf())),
        "content-disposition": 'attachment; filename="Trade licence 2026.pdf";'
        " filename*=UTF-8''Trade%20licence%202026.pdf",
        "content-security-policy": "default-src 'none'; sandbox",
        "cross-origin-resource-policy": "same-origin",
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        "referrer-policy": "same-origin",
    }


@pytest.mark.parametrize("name", ["a ZIP", "a PDF with a script", "nothing"])
async def test_what_is_refused_is_told_and_leaves_nothing(
    client: httpx.AsyncClient, service: Service, world: World, draft: str, name: str
) -> None:
    code, make = samples.REFUSED[name]
    answered = await hand_in(client, world.maker, draft, make())
    problem = answered.json()
    assert (answered.status_code, problem["code"]) == (422, code)
    assert [(one["path"], one["code"]) for one in problem["errors"]] == [("file", code)]
    assert (await rows(service), await rows(service, "loose_file"), stored(service)) == ([], [], [])


WRONG = [
    ({"purpose": "party"}, "purpose", "invalid"),
    ({"path": "owners[1]"}, "path", "unknown_path"),
    ({"path": "owners"}, "path", "unknown_path"),
    ({"path": "business[0]"}, "path", "unknown_path"),
    ({"path": "business.secrets"}, "path", "unknown_path"),
    ({"path": "../../etc"}, "path", "unknown_path"),
    ({"path": ""}, "path", "invalid"),
    ({"path": "x" * 101}, "path", "invalid"),
    ({"keep_place": "yes"}, "keep_place", "invalid"),
    ({"keep_place": "true"}, "keep_place", "not_for_purpose"),
    ({"colour": "red"}, "colour", "unknown"),
]


async def test_what_is_said_beside_the_file_is_checked(
    client: httpx.AsyncClient, service: Service, world: World, draft: str
) -> None:
    for fields, path, code in WRONG:
        answered = await hand_in(client, world.maker, draft, **fields)
        assert answered.status_code == 422, answered.text
        assert [(one["path"], one["code"]) for one in answered.json()["errors"]] == [(path, code)]
    assert stored(service) == []
    for path in ("owners[0].id_number", "locations[0]"):
        assert (await added(client, world.maker, draft, path=path))["path"] == path


async def test_a_picture_is_kept_without_what_it_says_and_its_place_only_where_declared(
    client: httpx.AsyncClient, service: Service, world: World, draft: str
) -> None:
    place = {"latitude": samples.LATITUDE, "longitude": samples.LONGITUDE}
    site = {"purpose": "site_photo", "path": "locations[0]"}
    plain = await added(client, world.maker, draft, picture(turned=6), **site, name="me.heic")
    declared = await added(client, world.maker, draft, picture("PNG"), **site, keep_place="true")
    assert (plain["place"], plain["file_name"], declared["place"]) == (None, "me.jpg", place)
    for one in (plain, declared):
        content = (await opened(client, world.checker, one["id"])).content
        assert samples.MAKER not in content
        assert dict(Image.open(io.BytesIO(content)).getexif()) == {}
    kept = {row["purpose"]: row["place_sealed"] for row in await rows(service)}
    assert str(samples.LATITUDE).encode() not in kept["site_photo"]


async def test_every_look_is_recorded_and_reading_about_a_document_is_none(
    client: httpx.AsyncClient, service: Service, world: World, draft: str
) -> None:
    made = await added(client, world.maker, draft)
    await client.get(f"/api/v1/documents/{made['id']}", headers=world.checker.headers)
    assert await looks(client, world) == []
    await opened(client, world.checker, made["id"])
    await opened(client, world["greenbankfsp"]["auditor"], made["id"], "?reason=audit")
    found = [
        (one["actor_name"], one["subject_type"], one["subject_id"], one["detail"]) for one in await looks(client, world)
    ]
    assert found == [
        ("auditor", "document", made["id"], {"path": "business", "why": "audit"}),
        ("checker", "document", made["id"], {"path": "business", "why": "review"}),
    ]
    await service.shared(EventBuffer).store()
    events = [row for row in await rows(service, "security_event") if row["kind"] == "personal_data_read"]
    assert {row["subject"] for row in events} == {made["id"]}
    assert len(events) == 2
    assert (await opened(client, world.checker, made["id"], "?reason=curiosity")).status_code == 400


async def test_only_staff_who_may_see_people_open_a_document_and_the_hub_never(
    client: httpx.AsyncClient, service: Service, world: World, draft: str
) -> None:
    made = await added(client, world.maker, draft)
    staff = world["greenbankfsp"]
    statuses = {who: (await opened(client, staff[who], made["id"])).status_code for who in staff}
    assert {who for who, status in statuses.items() if status == 200} == {
        "maker", "maker2", "checker", "checker2", "auditor", "both",
    }  # fmt: skip
    assert statuses["admin"] == 403
    assert (await opened(client, world.operator, made["id"])).status_code == 403
    key = await builders.issue_key(service, staff["admin"], ["applications:write", "applications:read"])
    assert (await hand_in(client, key, draft, picture())).status_code == 201
    machine = await client.get(f"/api/v1/documents/{made['id']}/content", headers=key)
    assert machine.status_code == 403
    assert len(await looks(client, world)) == 6


async def test_the_hub_sees_that_there_is_a_document_and_not_what_it_is_called(
    client: httpx.AsyncClient, world: World, draft: str
) -> None:
    given = {"purpose": "site_photo", "path": "locations[0]", "keep_place": "true"}
    await added(client, world.maker, draft, picture(), **given, name="Njeri.jpg")
    [seen] = (await client.get(f"/api/v1/{draft}/documents", headers=world.operator.headers)).json()["items"]
    assert (seen["purpose"], seen["file_name"], seen["place"]) == ("site_photo", "****", None)
    assert (await hand_in(client, world.operator, draft)).status_code == 403


async def test_who_may_not_write_adds_and_withdraws_nothing(
    client: httpx.AsyncClient, service: Service, world: World, draft: str
) -> None:
    made = await added(client, world.maker, draft)
    path = f"/api/v1/documents/{made['id']}/withdraw"
    for who in ("checker", "auditor", "admin"):
        person = world["greenbankfsp"][who]
        assert (await hand_in(client, person, draft, picture())).status_code == 403
        assert (await client.post(path, headers=person.headers)).status_code == 403
    assert (await hand_in(client, {}, draft)).status_code == 401
    assert len(await rows(service)) == 1


async def test_another_dfsps_documents_are_not_found(
    client: httpx.AsyncClient, service: Service, world: World, draft: str
) -> None:
    made = await added(client, world.maker, draft)
    merchant, _ = await builders.create_merchant(service, world)
    for name, person in world["lakemfi"].items():
        statuses = {
            (await client.get(f"/api/v1/documents/{made['id']}", headers=person.headers)).status_code,
            (await opened(client, person, made["id"])).status_code,
            (await client.post(f"/api/v1/documents/{made['id']}/withdraw", headers=person.headers)).status_code,
            (await hand_in(client, person, draft)).status_code,
            (await hand_in(client, person, f"merchants/{merchant.id}")).status_code,
            (await client.get(f"/api/v1/{draft}/documents", headers=person.headers)).status_code,
            (await client.get(f"/api/v1/merchants/{merchant.id}/documents", headers=person.headers)).status_code,
        }
        assert statuses <= {403, 404}, name
        assert 404 in statuses, name
    assert await looks(client, world) == []
    # The same file elsewhere is another file, so that nobody learns who else has it.
    theirs = await builders.create_application(service, world["lakemfi"]["maker"])
    await added(client, world["lakemfi"]["maker"], f"applications/{theirs.id}")
    one, other = await rows(service)
    assert one["sha256"] == other["sha256"]
    assert one["stored_sha256"] != other["stored_sha256"]


async def test_a_document_makes_its_sender_a_maker_and_begins_the_next_version_of_what_was_returned(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    application = await builders.create_application(service, world.maker, submitted=True)
    path, both = f"/api/v1/applications/{application.id}", world["greenbankfsp"]["both"]
    items = {"items": [{"path": "business", "reason": "Show the licence."}]}
    await client.post(f"{path}/return", json=items, headers=world.checker.headers)
    refused = await hand_in(client, both, f"applications/{application.id}", samples.zipped())
    assert refused.status_code == 422
    assert (await look_up_state(service, application.id))[:2] == ("returned", 1)
    await added(client, both, f"applications/{application.id}")
    state, version, makers = await look_up_state(service, application.id)
    assert (state, version) == ("draft", 2)
    assert both.actor.id in makers
    assert (await client.post(f"{path}/submit", headers=world.maker.headers)).status_code == 200
    await builders.screen(service, application.id)
    found = (await client.get(path, headers=world.checker.headers)).json()
    approval = {"version_hash": found["version_hash"]}
    mine = await client.post(f"{path}/approve", json=approval, headers=both.headers)
    assert mine.json()["code"] == "checker_is_maker"
    assert (await client.post(f"{path}/approve", json=approval, headers=world.checker.headers)).status_code == 200


async def test_what_is_decided_on_changes_no_more(client: httpx.AsyncClient, service: Service, world: World) -> None:
    application = await builders.create_application(service, world.maker)
    holder = f"applications/{application.id}"
    made = await added(client, world.maker, holder)
    await client.post(f"/api/v1/{holder}/submit", headers=world.maker.headers)
    for state in ("submitted", "in_review"):
        assert (await look_up_state(service, application.id))[0] == state
        late = await hand_in(client, world.maker, holder, picture())
        taken = await client.post(f"/api/v1/documents/{made['id']}/withdraw", headers=world.maker.headers)
        assert [(one.status_code, one.json()["code"]) for one in (late, taken)] == [(409, "wrong_state")] * 2
        await builders.screen(service, application.id)
    assert len(await rows(service)) == len(stored(service)) == 1


async def test_a_withdrawn_document_stays_on_record_and_is_withdrawn_once(
    client: httpx.AsyncClient, service: Service, world: World, draft: str
) -> None:
    made = await added(client, world.maker, draft)
    path = f"/api/v1/documents/{made['id']}/withdraw"
    first, second = [await client.post(path, headers=world.maker.headers) for _ in range(2)]
    assert (first.status_code, second.json()["code"]) == (200, "wrong_state")
    assert first.json()["withdrawn_at"] is not None
    assert (await opened(client, world.checker, made["id"])).status_code == 200
    again = await added(client, world.maker, draft)
    assert again["id"] != made["id"]


async def test_a_merchants_documents_are_its_own_and_those_of_its_application_until_it_is_closed(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    application = await builders.create_application(service, world.maker)
    first = await added(client, world.maker, f"applications/{application.id}")
    headers = world.maker.headers
    await client.post(f"/api/v1/applications/{application.id}/submit", headers=headers)
    await builders.screen(service, application.id)
    found = (await client.get(f"/api/v1/applications/{application.id}", headers=headers)).json()
    approved = await client.post(
        f"/api/v1/applications/{application.id}/approve",
        json={"version_hash": found["version_hash"]},
        headers=world.checker.headers,
    )
    holder = f"merchants/{approved.json()['merchant_id']}"
    second = await added(client, world.maker, holder, picture(), purpose="address")
    listed = (await client.get(f"/api/v1/{holder}/documents", headers=headers)).json()["items"]
    assert [one["id"] for one in listed] == [second["id"], first["id"]]
    only = await client.get(f"/api/v1/{holder}/documents?purpose=address", headers=headers)
    assert [one["id"] for one in only.json()["items"]] == [second["id"]]
    assert (await hand_in(client, world.maker, holder, path="owners[2000]")).status_code == 422
    async with service.db.system() as tx:
        await tx.execute("UPDATE merchant SET state = 'closed'")
    assert (await hand_in(client, world.maker, holder)).json()["code"] == "wrong_state"
    taken = await client.post(f"/api/v1/documents/{second['id']}/withdraw", headers=headers)
    assert taken.json()["code"] == "wrong_state"


async def test_a_merchants_own_people_have_no_documents(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    merchant, _ = await builders.create_merchant(service, world)
    place = {"dfsp_id": merchant.dfsp_id, "merchant_id": merchant.id}
    await builders.add_person(service, "owner@shop.example", [Role.MERCHANT_OWNER], **place)
    owner = await builders.signed_in(service, "owner@shop.example")
    path = f"/api/v1/merchants/{merchant.id}/documents"
    assert (await client.get(path, headers=owner.headers)).status_code == 403
    assert (await hand_in(client, owner, f"merchants/{merchant.id}")).status_code == 403


async def test_the_same_call_twice_makes_one_document(
    client: httpx.AsyncClient, service: Service, world: World, draft: str
) -> None:
    key = {"idempotency-key": "one-scan"}
    first, second = [await hand_in(client, world.maker, draft, headers=key) for _ in range(2)]
    assert (second.status_code, second.json()) == (201, first.json())
    assert second.headers["idempotency-replayed"] == "true"
    other = await hand_in(client, world.maker, draft, picture(), headers=key)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
    bad = await hand_in(client, world.maker, draft, headers={"idempotency-key": "a b"})
    assert bad.json()["code"] == "idempotency_key_malformed"
    await client.post(f"/api/v1/{draft}/submit", headers=world.maker.headers)
    assert (await hand_in(client, world.maker, draft, headers=key)).json() == first.json()
    assert len(await rows(service)) == len(stored(service)) == 1


async def test_many_at_once_of_the_same_content_are_one_document(
    client: httpx.AsyncClient, service: Service, world: World, draft: str
) -> None:
    answered = await asyncio.gather(*(hand_in(client, world.maker, draft) for _ in range(3)))
    assert {(one.status_code, one.json()["id"]) for one in answered} == {(201, answered[0].json()["id"])}
    assert len(await rows(service)) == 1
    async with service.db.system() as tx:
        await tx.execute("UPDATE loose_file SET due_at = now()")
    assert await delete_loose_files(service) == 2
    assert len(stored(service)) == 1


async def test_no_more_documents_than_may_be(
    client: httpx.AsyncClient, service: Service, world: World, draft: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operations, "MOST_DOCUMENTS", 1)
    made = await added(client, world.maker, draft)
    assert (await hand_in(client, world.maker, draft, picture())).json()["code"] == "too_many_documents"
    await client.post(f"/api/v1/documents/{made['id']}/withdraw", headers=world.maker.headers)
    await added(client, world.maker, draft, picture())


async def test_an_erased_document_is_told_of_and_never_opened_again(
    client: httpx.AsyncClient, service: Service, world: World, draft: str
) -> None:
    made = await added(client, world.maker, draft, name="Njeri.pdf")
    async with service.db.tenant(world.maker.actor.dfsp_id) as tx:
        row = await tx.session.get(Document, made["id"])
        assert row is not None
        await operations.destroy_document(tx, world.maker.actor, row)
    gone = await opened(client, world.checker, made["id"])
    assert (gone.status_code, gone.json()["code"]) == (410, "document_erased")
    [kept] = await rows(service)
    assert [kept[name] for name in ("key_sealed", "file_name_sealed", "place_sealed")] == [None] * 3
    told = (await client.get(f"/api/v1/documents/{made['id']}", headers=world.checker.headers)).json()
    assert (told["file_name"], told["sha256"]) == (None, made["sha256"])
    await delete_loose_files(service)
    assert (stored(service), await rows(service, "loose_file")) == ([], [])
    assert len(await looks(client, world)) == 0
