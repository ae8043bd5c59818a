"""Files of requests and answers: each row tells what became of it, and nothing is taken twice or for other facts."""

import csv
import io
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlmodel import select

from merchant.compliance.cases import apply, review, withdrawals
from merchant.compliance.cases.models import Application, Verification
from merchant.compliance.cases.verifications import details_of
from merchant.compliance.providers import answer_files
from merchant.compliance.providers.answer_files import BadAnswerFile, import_answers, read_rows, report_text
from merchant.compliance.providers.request_files import export_requests
from merchant.core import clock
from merchant.core.service import Service
from tests import builders
from tests.builders import World

pytestmark = pytest.mark.anyio
HEADER = "request_id,attribute,outcome,code,expires_on,reference"


async def exported(service: Service, *attributes: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO((await export_requests(service, attributes)).text)))


def answers(rows: list[dict[str, str]], **filled: str) -> bytes:
    """A file as a register gives it back, with its answer in every row."""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows([row | filled for row in rows])
    return out.getvalue().encode()


async def results(service: Service, data: bytes) -> list[str]:
    return [one.result for one in await import_answers(service, data, "answers.csv")]


async def recorded(service: Service) -> list[Verification]:
    async with service.db.system_reads() as tx:
        return list((await tx.session.exec(select(Verification).order_by(Verification.id))).all())  # type: ignore[arg-type]


async def case_of(service: Service, application_id: UUID) -> Application:
    async with service.db.system_reads() as tx:
        found: Application = await tx.one(select(Application).where(Application.id == application_id))
        return found


@pytest.mark.database
async def test_requests_hold_the_facts_of_cases_under_review_and_are_in_the_record(
    service: Service, world: World
) -> None:
    document = builders.company() | {"external_ref": "=REF"}
    case = await builders.create_application(service, world.maker, document, submitted=True)
    await builders.create_application(service, world.maker)  # a draft
    rows = await exported(service)
    assert [(row["attribute"], row["subject"]) for row in rows] == [
        ("registration", "business"),
        ("identity", "owners[0]"),
    ]
    person = rows[1]
    assert person["id_number"] == document["owners"][0]["id_number"]
    # No cell is a formula to a spreadsheet, and what the answer does not rest on is not there.
    assert (person["dfsp"], person["external_ref"]) == ("greenbankfsp", "'=REF")
    assert (person["registration_number"], person["phone"], person["account_id"]) == ("", "", "")
    assert all(row[name] == "" for row in rows for name in ("outcome", "code", "expires_on", "reference"))
    assert [row["attribute"] for row in await exported(service, "identity")] == ["identity"]
    assert await exported(service, "tax") == []
    async with service.db.system_reads() as tx:
        read = "SELECT detail->>'path' AS path FROM audit_entry WHERE action = $1 AND subject_id = $2"
        told = await tx.fetch(read, "personal_data.read", str(case.id))
    assert [row["path"] for row in told] == ["business", "owners[0]", "owners[0]"]


@pytest.mark.database
async def test_answers_are_recorded_once_and_the_checker_sees_them(service: Service, world: World) -> None:
    case = await builders.create_application(service, world.maker, submitted=True)
    rows = await exported(service)
    await exported(service)
    data = answers(rows[:1], outcome="rejected", code="struck_off", reference="R-9")
    data += answers(rows[1:], outcome="verified", expires_on="2027-06-30").partition(b"\r\n")[2]
    before = (await case_of(service, case.id)).version_hash
    assert await results(service, data) == ["recorded", "recorded"]
    made = await recorded(service)
    assert [(one.attribute, one.outcome, one.method, one.by_kind, one.code) for one in made] == [
        ("registration", "rejected", "registry", "service", "struck_off"),
        ("identity", "verified", "registry", "service", ""),
    ]
    assert details_of(service.vault, made[0]) == {"reference": "R-9", "source": "answers.csv"}
    after = await case_of(service, case.id)
    assert after.version_hash == before
    found = {(one["code"], one["outcome"]) for one in builders.report_of(after)["checks"]}
    assert {("registration", "failed"), ("identity", "passed")} <= found
    async with service.db.system_reads() as tx:
        actions = await tx.fetch("SELECT action FROM audit_entry ORDER BY seq DESC LIMIT 4")
    assert {row["action"] for row in actions} == {"verification.recorded", "application.screened_again"}
    # The same file again, and nothing left to ask.
    assert await results(service, data) == ["unchanged", "unchanged"]
    assert (len(await recorded(service)), await exported(service)) == (2, [])


@pytest.mark.database
async def test_what_a_register_could_not_say_is_asked_again(service: Service, world: World) -> None:
    await builders.create_application(service, world.maker, submitted=True)
    rows = await exported(service)
    assert await results(service, answers(rows, outcome="unavailable")) == ["unavailable"] * 2
    assert (await recorded(service), await exported(service)) == ([], rows)
    for told in (["recorded"] * 2, ["unchanged"] * 2):
        assert await results(service, answers(rows, outcome="inconclusive")) == told
    assert await exported(service) == rows
    assert await results(service, answers(rows, outcome="verified")) == ["recorded"] * 2
    assert await exported(service) == []


@pytest.mark.database
async def test_an_answer_about_other_facts_is_refused_and_told(service: Service, world: World) -> None:
    document = builders.company()
    case = await builders.create_application(service, world.maker, document, submitted=True)
    data = answers(await exported(service), outcome="verified")
    checker, maker = world.checker.actor, world.maker.actor
    async with service.db.tenant(checker.dfsp_id) as tx:
        returned = await review.return_for_changes(tx, checker, case.id, [{"path": "owners[0]", "reason": "Who?"}])
    changed = builders.sections({"owners": [document["owners"][0] | {"birth_date": "1981-02-03"}]})
    async with service.db.tenant(maker.dfsp_id) as tx:
        await apply.change_sections(tx, service, maker, case.id, returned.revision, {"owners": changed.owners})
    outcomes = await import_answers(service, data, "answers.csv")
    assert [one.result for one in outcomes] == ["recorded", "facts_changed"]
    assert [one.attribute for one in await recorded(service)] == ["registration"]
    # The report names the row, and nothing of the person.
    report = report_text(outcomes)
    assert "facts_changed" in report
    assert document["owners"][0]["id_number"] not in report


@pytest.mark.database
async def test_a_case_is_found_by_its_reference_and_a_decided_one_takes_nothing(service: Service, world: World) -> None:
    document = builders.company() | {"external_ref": "REF-1"}
    case = await builders.create_application(service, world.maker, document, submitted=True)

    async def result(fsp_id: str, reference: str, subject: str, attribute: str = "identity") -> str:
        row = f"{fsp_id},{reference},{subject},{attribute},verified"
        [found] = await results(service, f"dfsp,external_ref,subject,attribute,outcome\n{row}\n".encode())
        return found

    assert await result("lakemfi", "REF-1", "owners[0]") == "unknown_case"
    assert await result("greenbankfsp", "REF-2", "owners[0]") == "unknown_case"
    assert await result("greenbankfsp", "REF-1", "owners[1]") == "unknown_subject"
    assert await result("greenbankfsp", "REF-1", "business") == "unknown_subject"
    assert await result("greenbankfsp", "REF-1", "business", "tax") == "unknown_subject"  # it has no tax number
    assert await result("greenbankfsp", "REF-1", "merchant", "community") == "unknown_subject"
    assert await result("greenbankfsp", "REF-1", "owners[0]", "lei") == "malformed"
    assert await result("greenbankfsp", "", "owners[0]") == "malformed"
    assert await recorded(service) == []
    assert await result("greenbankfsp", "REF-1", "owners[0]") == "recorded"
    async with service.db.tenant(world.maker.actor.dfsp_id) as tx:
        await withdrawals.withdraw(tx, world.maker.actor, case.id)
    assert await result("greenbankfsp", "REF-1", "owners[0]") == "not_open"


@pytest.mark.database
async def test_one_bad_row_holds_up_no_other(service: Service, world: World) -> None:
    await builders.create_application(service, world.maker, submitted=True)
    [row] = await exported(service, "identity")
    good = row["request_id"]
    foreign = f"{uuid4()}-{'0' * 32}"
    lines = [
        HEADER,
        f"{good},identity,approved,,,",
        f"{good},identity,verified,,31.12.2026,",
        f"{good},identity,verified,Two Words,,",
        f"{good},identity,verified,,,{'x' * 65}",
        f"{good},wealth,verified,,,",
        f"{good}0,identity,verified,,,",
        f"{foreign},identity,verified,,,",
        f"{good},phone,verified,,,",
        "",
        f"{good},identity,verified,,,R-1",
    ]
    outcomes = await import_answers(service, "\r\n".join(lines).encode(), "answers.csv")
    assert [one.result for one in outcomes] == ["malformed"] * 6 + ["unknown_case", "facts_changed", "recorded"]
    assert [one.line for one in outcomes] == [2, 3, 4, 5, 6, 7, 8, 9, 11]
    assert all(one.message for one in outcomes if not one.is_done)


@pytest.mark.database
async def test_what_is_wrong_with_a_cell_is_said_in_words(service: Service) -> None:
    text = f"{HEADER}\nx,identity,approved,Two Words,31.12.2026,\n"
    [told] = await import_answers(service, text.encode(), "answers.csv")
    assert told.message == (
        "outcome: Must be one of inconclusive, rejected, unavailable, verified."
        " code: Must be a word of lower-case letters, digits and underscores, such as tax_id."
        " expires_on: Must be a date as YYYY-MM-DD."
    )


@pytest.mark.database
@pytest.mark.parametrize("days", [-400, -1, 0])
async def test_what_has_run_out_verifies_nothing_and_is_refused(service: Service, world: World, days: int) -> None:
    await builders.create_application(service, world.maker, submitted=True)
    rows = await exported(service, "identity")
    day = (clock.now() + timedelta(days=days)).date().isoformat()
    [told] = await import_answers(service, answers(rows, outcome="verified", expires_on=day), "answers.csv")
    assert (told.result, told.is_done) == ("expired", False)
    assert "expires_on" in told.message
    assert (await recorded(service), await exported(service, "identity")) == ([], rows)


@pytest.mark.database
async def test_two_answers_to_one_request_are_both_refused_and_the_same_twice_is_not(
    service: Service, world: World
) -> None:
    await builders.create_application(service, world.maker, submitted=True)
    rows = await exported(service)
    data = answers(rows, outcome="verified") + answers(rows[:1], outcome="rejected").partition(b"\r\n")[2]
    outcomes = await import_answers(service, data, "answers.csv")
    assert [one.result for one in outcomes] == ["contradicts", "recorded", "contradicts"]
    assert [one.attribute for one in await recorded(service)] == ["identity"]
    assert "differently" in outcomes[0].message
    twice = answers(rows[:1] * 2, outcome="verified") + answers(rows[:1], outcome="unavailable").partition(b"\r\n")[2]
    assert await results(service, twice) == ["recorded", "unchanged", "unavailable"]


@pytest.mark.database
async def test_a_verification_that_lapsed_is_asked_for_and_taken_anew(
    service: Service, world: World, move_clock: Any
) -> None:
    await builders.create_application(service, world.maker, submitted=True)
    rows = await exported(service, "identity")
    soon = (clock.now() + timedelta(days=2)).date().isoformat()
    assert await results(service, answers(rows, outcome="verified", expires_on=soon)) == ["recorded"]
    assert await exported(service, "identity") == []
    move_clock(timedelta(days=3))
    assert await exported(service, "identity") == rows
    assert await results(service, answers(rows, outcome="verified")) == ["recorded"]
    assert await exported(service, "identity") == []


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "attribute"),
        (b"\xff\xfe\x00", "UTF-8"),
        (b"attribute,outcome\n", "request_id"),
        (b"request_id,outcome\n", "attribute"),
        (b"request_id,attribute,outcome,verdict\n", "verdict"),
        (b"request_id,attribute,outcome,outcome\n", "twice"),
        (b"request_id,attribute,outcome\na,b\n", "2 cells"),
        (b"request_id,attribute,outcome\na,b,c,d\n", "4 cells"),
        (b'request_id,attribute,outcome\n"a"b,c,d\n', "Line 2"),
        (b"request_id,attribute,outcome\n" + b"a" * 200_000 + b",b,c\n", "Line"),
    ],
)
def test_a_file_that_is_no_list_of_answers_is_refused_whole(data: bytes, told: str) -> None:
    with pytest.raises(BadAnswerFile, match=told):
        read_rows(data)


def test_a_file_has_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    header = b"request_id,attribute,outcome\n"
    monkeypatch.setattr(answer_files, "MAX_ROWS", 2)
    assert len(read_rows(header + b"a,b,c\n" * 2)) == 2
    with pytest.raises(BadAnswerFile, match="2 rows"):
        read_rows(header + b"a,b,c\n" * 3)
    with pytest.raises(BadAnswerFile, match="16 MiB"):
        read_rows(b"a" * (answer_files.MAX_BYTES + 1))


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_spreadsheet_may_write_it_in_its_own_manner(delimiter: str) -> None:
    lines = ("Request_ID| Attribute|OUTCOME|given_name", "r-1|identity| verified |Njeri", "|||")
    text = "\r\n".join(lines).replace("|", delimiter)
    assert read_rows(("\ufeff" + text).encode()) == [
        (2, {"request_id": "r-1", "attribute": "identity", "outcome": "verified"})
    ]
