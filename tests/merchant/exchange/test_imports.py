"""Imports: every row becomes an application by the rules of a single one, or is refused alone, whatever is killed."""

import asyncio
import contextlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest

from merchant.core import audit, background
from merchant.core.db import Tx
from merchant.core.service import Service
from merchant.exchange import imports, template
from tests import builders
from tests.builders import Person, World
from tests.merchant.exchange.files import as_csv, as_xlsx, imported, report, seller, send, view

pytestmark = pytest.mark.anyio


async def test_rows_become_applications_of_whoever_sent_them(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    found = await imported(client, service, world.maker, as_csv([seller(1), seller(2)]))
    assert (found["state"], found["rows"], found["added"], found["existing"], found["failed"]) == ("done", 2, 2, 0, 0)
    rows = await report(client, world.maker, found["id"])
    assert [(row["row"], row["external_ref"], row["outcome"], row["problems"]) for row in rows] == [
        ("2", "R-1", "added", ""),
        ("3", "R-2", "added", ""),
    ]
    answer = await client.get(f"/api/v1/applications/{rows[0]['application_id']}", headers=world.maker.headers)
    application = answer.json()
    assert application["state"] == "draft"
    assert application["makers"] == [str(world.maker.actor.id)]
    assert application["business"]["trading_name"] == "Stall 1"
    assert application["locations"][0]["counters"] == [{"name": "Stall"}]


async def test_submitted_rows_are_screened_and_await_a_checker(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    found = await imported(client, service, world.maker, as_xlsx([seller(1), seller(2, phone="")]), submit="true")
    assert (found["added"], found["failed"]) == (1, 1), [
        row["problems"] for row in await report(client, world.maker, found["id"])
    ]
    good, bad = await report(client, world.maker, found["id"])
    assert "phone" in bad["problems"]
    path = f"/api/v1/applications/{good['application_id']}"
    application = (await client.get(path, headers=world.maker.headers)).json()
    assert application["state"] == "in_review"
    assert application["report"]["screening"] == "clear"
    body = {"version_hash": application["version_hash"]}
    own = await client.post(f"{path}/approve", json=body, headers=world.maker.headers)
    assert own.status_code == 403
    approved = await client.post(f"{path}/approve", json=body, headers=world.checker.headers)
    assert approved.status_code == 200, approved.text


async def counts(client: httpx.AsyncClient, service: Service, person: Person, content: bytes, **fields: str) -> Any:
    """(added, existing, failed) of an import."""
    found = await imported(client, service, person, content, **fields)
    assert found["state"] == "done", found
    assert found["done"] == found["rows"] == found["added"] + found["existing"] + found["failed"]
    return found["added"], found["existing"], found["failed"]


async def test_each_bad_row_is_refused_alone_with_a_path_and_a_sentence(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    bad: dict[str, dict[str, str]] = {
        "external_ref": {"external_ref": ""},
        "business.trading_name": {"trading_name": "=HYPERLINK(1)"},
        "business.kind": {"kind": "circus"},
        "business.mcc": {"mcc": "0000"},
        "business.currencies[0]": {"currencies": "BTC"},
        "owners[0].given_name": {"given_name": "\u202eeman"},
        "contact.phone": {"phone": "12"},
        "locations[0].country": {"country": "XX"},
        "locations[0].city": {"city": "\0"},
        "contact.name": {"contact": "x" * 500},
        "business": {"currencies": "KPW"},  # no limits
    }
    rows = [seller(100 + place, **changes) for place, changes in enumerate(bad.values())]
    content = as_csv([seller(1), *rows, seller(2)])
    found = await imported(client, service, world.maker, content, submit="true")
    assert (found["added"], found["failed"]) == (2, len(bad))
    told = await report(client, world.maker, found["id"])
    assert [row["outcome"] for row in told] == ["added", *["failed"] * len(bad), "added"]
    for row, path in zip(told[1:-1], bad, strict=True):
        assert row["application_id"] == ""
        assert row["problems"].startswith(path), row
        assert len(row["problems"]) > len(path) + 10, row


async def test_the_report_speaks_the_language_of_its_reader(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    found = await imported(client, service, world.maker, as_csv([seller(1, city="x" * 71)]))
    [english], [french] = [await report(client, world.maker, found["id"], one) for one in ("en", "fr")]
    assert english["problems"] == "locations[0].city: Must not be longer than 70 characters."
    assert french["problems"] != english["problems"]
    assert "70" in french["problems"]


async def test_a_repeated_import_adds_nothing(client: httpx.AsyncClient, service: Service, world: World) -> None:
    content = as_csv([seller(1), seller(2)])
    assert await counts(client, service, world.maker, content) == (2, 0, 0)
    assert await counts(client, service, world.maker, content, key="k2") == (0, 2, 0)
    assert await counts(client, service, world.maker, as_xlsx([seller(2), seller(3)]), key="k3") == (1, 1, 0)
    found = await client.get("/api/v1/applications?external_ref=R-2", headers=world.maker.headers)
    assert len(found.json()["items"]) == 1


async def test_a_reference_that_stands_twice_in_a_file_is_told_and_taken_once(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    rows = [
        seller(1),
        seller(2, external_ref=" R-1 "),
        seller(3, external_ref="Ré"),
        seller(4, external_ref="Re\u0301"),
    ]
    found = await imported(client, service, world.maker, as_csv(rows))
    assert (found["added"], found["failed"]) == (2, 2)
    told = await report(client, world.maker, found["id"])
    assert [row["problems"] for row in told] == [
        "",
        "external_ref: Row 2 has the same reference.",
        "",
        "external_ref: Row 4 has the same reference.",
    ]


async def test_the_same_reference_of_another_dfsp_is_another_merchant(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    content = as_csv([seller(1)])
    assert await counts(client, service, world.maker, content) == (1, 0, 0)
    assert await counts(client, service, world["lakemfi"]["maker"], content) == (1, 0, 0)


async def test_a_dry_run_tells_everything_and_stores_nothing(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    await counts(client, service, world.maker, as_csv([seller(1)]))
    content = as_csv([seller(1), seller(2), seller(3, mcc="x"), seller(4, phone="")])
    before = await rows_of(service)
    found = await imported(client, service, world.maker, content, key="k2", dry_run="true", submit="true")
    assert (found["dry_run"], found["added"], found["existing"], found["failed"]) == (True, 1, 1, 2)
    assert await rows_of(service) == before
    told = await report(client, world.maker, found["id"])
    assert [(row["outcome"], bool(row["application_id"])) for row in told] == [
        ("exists", True),
        ("added", False),
        ("failed", False),
        ("failed", False),
    ]


async def rows_of(service: Service) -> tuple[int, ...]:
    """How many rows the tables have that an import fills."""
    tables = ("application", "application_version", "application_identifier", "webhook_delivery")
    async with service.db.system_reads() as tx:
        return tuple([await tx.fetchval(f"SELECT count(*) FROM {table}") for table in tables])


async def test_an_imported_application_is_recorded_as_a_single_one_is(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    """The same audit entries, index, version and report as by the three calls of one application."""
    found = await imported(client, service, world.maker, as_csv([seller(1)]), submit="true")
    [row] = await report(client, world.maker, found["id"])
    document = {
        "business": {"trading_name": "Stall 9", "kind": "individual", "mcc": "5499", "currencies": ["KES"]},
        "owners": [
            {"given_name": "Njeri", "family_name": "Wanjiku", "id_type": "national_id", "id_number": "20000009"}
        ],
        "contact": {"name": "Njeri Wanjiku", "phone": "+254722000009"},
        "locations": [{"kind": "physical", "country": "KE", "city": "Nakuru", "counters": [{"name": "Stall"}]}],
        "external_ref": "R-9",
    }
    single = await builders.create_application(service, world.maker, document, submitted=True)
    async with service.db.system() as tx:
        entries = [
            [
                (entry["action"], entry["actor_kind"], entry["actor_id"], sorted(msgspec.json.decode(entry["detail"])))
                for entry in await tx.fetch(
                    "SELECT action, actor_kind, actor_id, detail::text FROM audit_entry"
                    " WHERE subject_id = $1 ORDER BY seq",
                    application_id,
                )
            ]
            for application_id in (row["application_id"], str(single.id))
        ]
        assert entries[0] == entries[1]
        assert [action for action, *_ in entries[0]] == [
            "application.opened",
            "application.submitted",
            "application.screened",
        ]
        kept = [
            dict(one)
            for one in await tx.fetch(
                "SELECT state, version, revision, makers, merchant_id, mcc,"
                " report_sealed IS NOT NULL AS reported, submitted_at IS NOT NULL AS submitted,"
                " (SELECT array_agg(path ORDER BY path) FROM application_identifier i WHERE i.application_id = a.id)"
                " AS paths, (SELECT array_agg((v.version, v.makers, v.report_sealed IS NOT NULL)::text)"
                " FROM application_version v WHERE v.application_id = a.id) AS versions FROM application a"
            )
        ]
        assert kept[0] == kept[1]
        assert await audit.verify(tx, world.dfsp_ids["greenbankfsp"]) is not None
        _good, broken = await audit.verify(tx, world.dfsp_ids["greenbankfsp"])
        assert broken is None


async def test_submitted_rows_are_announced_to_whoever_asked(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    admin = world["greenbankfsp"]["admin"]
    for url in ("https://a.example/hooks", "https://b.example/hooks"):
        made = await client.post("/api/v1/webhook-endpoints", json={"url": url}, headers=admin.headers)
        assert made.status_code == 201, made.text
    ordered = await send(client, world.maker, as_csv([seller(1), seller(2), seller(3, mcc="x")]), submit="true")
    async with service.db.system_reads() as tx:
        job = await tx.fetchval("SELECT id FROM import_job WHERE id = $1", UUID(ordered.json()["id"]))
    await background.run_slice(service, imports.KIND, job)
    async with service.db.system_reads() as tx:
        told = await tx.fetch(
            "SELECT endpoint_id, convert_from(body, 'UTF8')::json->'data'->>'application_id' AS id"
            " FROM webhook_delivery WHERE event_type = 'application.submitted'"
        )
    assert len({row["endpoint_id"] for row in told}) == 2
    assert len(told) == 4
    assert {row["id"] for row in told} == {
        row["application_id"] for row in await report(client, world.maker, str(job)) if row["application_id"]
    }


@pytest.mark.parametrize("killed_after", [1, 2, 3, 5, 8, 13, 21])
async def test_killed_anywhere_it_goes_on_and_does_nothing_twice(
    client: httpx.AsyncClient, service: Service, world: World, killed_after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slice dies at its nth statement, as by kill -9: its transaction is gone; the next slice does the rest."""
    monkeypatch.setattr(imports, "BATCH_ROWS", 3)
    ordered = await send(client, world.maker, as_csv([seller(n, mcc="x" if n == 5 else "5499") for n in range(10)]))
    import_id = UUID(ordered.json()["id"])
    statements = 0

    async def dying(tx: Tx, sql: str, *values: Any) -> Any:
        nonlocal statements
        statements += 1
        if statements == killed_after:
            raise asyncio.CancelledError
        return await execute(tx, sql, *values)

    execute = Tx.execute
    with monkeypatch.context() as patch:
        patch.setattr(Tx, "execute", dying)
        with contextlib.suppress(asyncio.CancelledError):
            await background.run_slice(service, imports.KIND, import_id)
    await builders.work(service)
    found = await view(client, world.maker, str(import_id))
    assert (found["state"], found["added"], found["failed"], found["done"]) == ("done", 9, 1, 10)
    told = await report(client, world.maker, str(import_id))
    assert [row["row"] for row in told] == [str(number) for number in range(2, 12)]
    async with service.db.system() as tx:
        assert await tx.fetchval("SELECT count(*) FROM application") == 9
        assert await tx.fetchval("SELECT count(*) FROM import_batch WHERE rows_sealed IS NOT NULL") == 0
        assert await tx.fetchval("SELECT count(*) FROM audit_entry WHERE action = 'application.opened'") == 9


async def test_two_workers_share_an_import_without_doing_a_row_twice(
    client: httpx.AsyncClient, service: Service, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "BATCH_ROWS", 2)
    ordered = await send(client, world.maker, as_csv([seller(n) for n in range(12)]))
    import_id = UUID(ordered.json()["id"])
    both = [background.run_slice(service, imports.KIND, import_id) for _ in range(2)]
    await asyncio.gather(*both, return_exceptions=True)
    await builders.work(service)
    found = await view(client, world.maker, str(import_id))
    assert (found["state"], found["added"], found["existing"]) == ("done", 12, 0)


async def test_remarks_and_empty_rows_are_passed_over(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    rows = [seller(1, external_ref="# an example"), [""] * len(seller(1)), seller(2)]
    assert await counts(client, service, world.maker, as_csv(rows)) == (1, 0, 0)


async def test_the_templates_examples_are_good_once_their_remark_is_taken_away(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    for kind in ("csv", "xlsx"):
        answer = await client.get(f"/api/v1/import-template?format={kind}", headers=world.maker.headers)
        assert answer.status_code == 200
        assert f"import-template.{kind}" in answer.headers["content-disposition"]
        refused = await send(client, world.maker, answer.content, key=f"t-{kind}")
        assert refused.json()["errors"][0]["code"] == "no_rows", refused.text
    header, *remarks = template.rows("en")
    examples = [[row[0].removeprefix("# "), *row[1:]] for row in remarks[1:]]
    assert await counts(client, service, world.maker, as_csv(examples, header), submit="true") == (2, 0, 0)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "no_rows"),
        (b"\n\n", "no_rows"),
        (as_csv([]), "no_rows"),
        (as_csv([["R-1", "x"]], ["external_ref", "business.name"]), "unknown_column"),
        (as_csv([["x"]], ["business.trading_name"]), "missing_column"),
        (
            as_csv([["R-1", "Café"]], ["external_ref", "business.trading_name"]).decode().encode("latin-1"),
            "bad_encoding",
        ),
        (b"PK\x03\x04", "unreadable"),
    ],
)
async def test_a_file_that_is_no_table_of_ours_is_refused_at_once(
    client: httpx.AsyncClient, service: Service, world: World, content: bytes, code: str
) -> None:
    refused = await send(client, world.maker, content)
    assert (refused.status_code, refused.json()["code"]) == (422, "bad_spreadsheet"), refused.text
    assert refused.json()["errors"][0]["code"] == code
    async with service.db.system_reads() as tx:
        assert await tx.fetchval("SELECT count(*) FROM import_job") == 0


async def test_too_many_rows_are_refused(
    client: httpx.AsyncClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "MAX_ROWS", 2)
    refused = await send(client, world.maker, as_csv([seller(n) for n in range(3)]))
    assert refused.json()["errors"][0]["code"] == "too_many_rows"


async def test_who_may_not_write_applications_imports_nothing_and_sees_none(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    found = await imported(client, service, world.maker, as_csv([seller(1)]))
    staff = world["greenbankfsp"]
    for person in (staff["auditor"], staff["checker"], staff["admin"], world.operator):
        assert (await send(client, person, as_csv([seller(2)]))).status_code == 403, person.email
        for path in ("", f"/{found['id']}", f"/{found['id']}/report"):
            answer = await client.get(f"/api/v1/imports{path}", headers=person.headers)
            assert answer.status_code == 403, (person.email, path)
    stranger = world["lakemfi"]["maker"]
    for path in (f"/{found['id']}", f"/{found['id']}/report"):
        assert (await client.get(f"/api/v1/imports{path}", headers=stranger.headers)).status_code == 404
    assert (await client.get("/api/v1/imports", headers=stranger.headers)).json()["items"] == []


async def test_a_key_imports_for_whoever_issued_it(client: httpx.AsyncClient, service: Service, world: World) -> None:
    staff = world["greenbankfsp"]
    key = await builders.issue_key(service, staff["admin"], ["applications:write"])
    table = {"file": ("shops.csv", as_csv([seller(1)]))}
    ordered = await client.post("/api/v1/imports", files=table, headers={**key, "idempotency-key": "k"})
    assert ordered.status_code == 202, ordered.text
    await builders.work(service)
    async with service.db.system_reads() as tx:
        makers = await tx.fetchval("SELECT makers FROM application")
    assert staff["admin"].actor.id in makers
    assert len(makers) == 2


async def test_a_key_stands_for_one_file_and_one_way_of_taking_it(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    first = await send(client, world.maker, as_csv([seller(1)]))
    again = await send(client, world.maker, as_csv([seller(1)]))
    assert again.headers["idempotency-replayed"] == "true"
    assert first.json() == again.json()
    for content, fields in ((as_csv([seller(2)]), {}), (as_csv([seller(1)]), {"dry_run": "true"})):
        other = await send(client, world.maker, content, **fields)
        assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")


async def test_nothing_of_a_file_is_kept_in_clear_and_its_rows_only_until_they_are_done(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    ordered = await send(client, world.maker, as_csv([seller(1, family_name="Wanjikusecret")]))
    async with service.db.system_reads() as tx:
        waiting = await tx.fetchval("SELECT rows_sealed FROM import_batch")
    assert b"Wanjikusecret" not in waiting
    await builders.work(service)
    async with service.db.system_reads() as tx:
        row = await tx.fetchrow("SELECT rows_sealed, outcomes_sealed FROM import_batch")
    assert row is not None and row["rows_sealed"] is None and row["outcomes_sealed"] is not None
    files = [path for path in service.settings.data_dir.rglob("*") if path.is_file()]
    assert not any(b"Wanjikusecret" in path.read_bytes() for path in files)
    assert ordered.status_code == 202


async def test_an_import_is_forgotten_after_a_week(
    client: httpx.AsyncClient, service: Service, world: World, move_clock: Callable[[timedelta], datetime]
) -> None:
    await imported(client, service, world.maker, as_csv([seller(1)]))
    move_clock(timedelta(days=6))
    await background.prune(service, imports.KIND)
    async with service.db.system_reads() as tx:
        assert await tx.fetchval("SELECT count(*) FROM import_batch") == 1
    move_clock(timedelta(days=1, minutes=1))
    await background.prune(service, imports.KIND)
    async with service.db.system_reads() as tx:
        assert await tx.fetchval("SELECT count(*) FROM import_job") == 0
        assert await tx.fetchval("SELECT count(*) FROM import_batch") == 0
        assert await tx.fetchval("SELECT count(*) FROM application") == 1


async def test_submitted_rows_show_what_a_checker_should_look_at(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    """The same as of a single application: who stands elsewhere, also in the same file, and the risk."""
    theirs = builders.seller()
    await builders.create_application(service, world["lakemfi"]["maker"], theirs, submitted=True)
    elsewhere = theirs["contact"]["phone"]
    rows = [seller(1), seller(2, id_number="20000001"), seller(3, phone=elsewhere)]
    found = await imported(client, service, world.maker, as_csv(rows), submit="true")
    reports = []
    for row in await report(client, world.maker, found["id"]):
        answer = await client.get(f"/api/v1/applications/{row['application_id']}", headers=world.checker.headers)
        reports.append(answer.json()["report"])
    told = [[(one["code"], one["path"]) for one in each["doubts"]] for each in reports]
    assert told == [
        [("same_identity", "owners[0].id_number")],
        [("same_identity", "owners[0].id_number")],
        [("same_phone_elsewhere", "contact.phone")],
    ]
    assert {each["risk"]["band"] for each in reports} == {"low"}


async def test_a_row_with_a_protected_name_is_refused_as_a_single_application_is(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    rows = [seller(1, trading_name="SafariC0m"), seller(2)]
    found = await imported(client, service, world.maker, as_csv(rows), submit="true")
    assert (found["added"], found["failed"]) == (1, 1)
    told = (await report(client, world.maker, found["id"]))[0]["problems"]
    assert told.startswith("business.trading_name: "), told
