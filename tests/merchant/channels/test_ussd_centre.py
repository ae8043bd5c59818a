"""USSD over SMPP at an operator's own centre, over a real socket: bind, steps, copies, faults, and the end."""

import asyncio
import contextlib
import itertools
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from merchant.channels.ussd import centre_line, centres, routes
from merchant.channels.ussd.routes import BadRoute, NewRoute
from merchant.core.service import Service
from tests.merchant.channels.conftest import Lines, open_groceries
from tests.merchant.channels.test_ussd import broken
from tests.merchant.notify.gateways.test_smpp import certificate
from tests.simulated_smsc import (
    BIND_TRANSCEIVER,
    DELIVER,
    ENQUIRE,
    RESPONSE,
    SILENT,
    SUBMIT,
    THROTTLED,
    UNBIND,
    USSD_OP,
    Smsc,
    listening,
    unit,
    ussd_body,
)
from ussd.gateways.smpp.units import GENERIC_NACK

pytestmark = pytest.mark.anyio
REFERENCE = 0x2A5C
STARTED, TYPED, NOTED = 1, 18, 19
HOME = "Shop payments\n1 Pay a shop"
PASSWORD = "s3cret"


@pytest.fixture(scope="session")
def template(stocked: Callable[[str, Any], str]) -> str:
    return stocked("groceries", open_groceries)


@pytest.fixture
async def smsc() -> AsyncIterator[Smsc]:
    async with listening() as running:
        yield running


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(centres, "LOOK_EVERY_S", 0.02)
    monkeypatch.setattr(centres, "RETRY_FIRST_S", 0.02)
    monkeypatch.setattr(centres, "RETRY_LAST_S", 0.05)
    monkeypatch.setattr(centres, "ENDED_LAST_S", 0.05)
    monkeypatch.setattr(centres, "REFUSED_S", 0.05)
    monkeypatch.setattr(centre_line, "RESEND_S", 0.02)


async def add(service: Service, smsc: Smsc, name: str = "operator", **given: Any) -> routes.Made:
    new = {"smsc_url": f"smpp://127.0.0.1:{smsc.port}", "system_id": "registry", "password": PASSWORD}
    async with service.db.system() as tx:
        return await routes.add_route(tx, service, NewRoute("smpp", name=name, **{**new, **given}))


@asynccontextmanager
async def bound(lines: Lines, smsc: Smsc, **given: Any) -> AsyncIterator[Smsc]:
    """A centre at which the service has bound."""
    await add(lines.service, smsc, **given)
    async with centres.held(lines.service):
        await smsc.until(lambda: smsc.binds)
        yield smsc


async def typed(smsc: Smsc, *texts: str, first: int = 1, reference: int = REFERENCE, **given: str) -> tuple[str, bool]:
    """A call of a phone: the code, then these; the last screen."""
    answer = await smsc.answer_to(first, STARTED, "*384*123#", reference, **given)
    for number, text in enumerate(texts, start=first + 1):
        answer = await smsc.answer_to(number, TYPED, text, reference, **given)
    return answer.screen


async def change(service: Service, act: Callable[..., Awaitable[Any]], *values: Any, **given: Any) -> None:
    async with service.db.system() as tx:
        await act(tx, service, *values, **given)


async def test_a_shopper_pays_at_an_operators_own_centre(lines: Lines, smsc: Smsc) -> None:
    async with bound(lines, smsc):
        assert smsc.binds == [(BIND_TRANSCEIVER, "registry", PASSWORD)]
        assert (await typed(smsc))[0].startswith(HOME)
        shown, end = await typed(smsc, "1", lines.counter.alias, "25.50", first=10)
        assert shown.startswith("Pay 25.50 USD to Mama Njeri, Nairobi (")
        assert not end
        assert await lines.requests() == []
        answer = await smsc.answer_to(20, TYPED, "1", REFERENCE)
        [request] = await lines.requests()
        assert answer.screen[0].startswith("We asked your bank to pay 25.50 USD to Mama Njeri.")
        assert (answer.screen[1], request["amount_minor"], request["payer_masked"]) == (True, 2550, "2547*****001")
        assert (answer.source, answer.destination) == ((0, 1, "384"), (1, 1, "254733000001"))
        assert answer.tlvs == {USSD_OP: b"\x11", 0x1383: struct.pack(">H", REFERENCE | 1)}
        assert set(smsc.delivered.values()) == {0}


async def test_what_was_dialled_leads_to_the_question(lines: Lines, smsc: Smsc) -> None:
    async with bound(lines, smsc):
        answer = await smsc.answer_to(1, STARTED, f"*384*123*{lines.counter.alias}*25#", REFERENCE)
        assert answer.screen[0].startswith("Pay 25.00 USD to Mama Njeri, Nairobi (")
        assert await lines.requests() == []


async def test_a_unit_that_comes_again_gets_the_same_answer_and_asks_once(lines: Lines, smsc: Smsc) -> None:
    async with bound(lines, smsc):
        await typed(smsc, "1", lines.counter.alias, "25")
        first = await smsc.answer_to(9, TYPED, "1", REFERENCE)
        again = await smsc.answer_to(9, TYPED, "1", REFERENCE)
        other_number = await smsc.answer_to(10, TYPED, "1", REFERENCE)
        assert first.screen == again.screen == other_number.screen
        before = len(smsc.submitted)
        for number in range(11, 21):  # and all at once
            smsc.deliver(number, TYPED, "1", REFERENCE)
        await smsc.until(lambda: len(smsc.submitted) == before + 10)
        assert {one.screen for one in smsc.submitted[before:]} == {first.screen}
        assert len(await lines.requests()) == len(await lines.jobs()) == 1


async def test_of_a_unit_its_digest_is_kept_and_after_a_minute_nothing(
    lines: Lines, smsc: Smsc, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[centre_line.Line] = []
    bind = centre_line.Line.bind

    async def noted(line: centre_line.Line, password: str) -> None:
        kept.append(line)
        await bind(line, password)

    monkeypatch.setattr(centre_line.Line, "bind", noted)
    async with bound(lines, smsc):
        smsc.answers[:] = [SILENT]
        answer = await smsc.answer_to(1, STARTED, "*384*123*7421#", REFERENCE)
        [line] = kept
        assert (1 in line._taken, answer.sequence in line._sent) == (True, True)
        assert len(line._taken[1].digest) == 32
        monkeypatch.setattr(centre_line, "COPY_S", 0.0)
        smsc.say(unit(ENQUIRE, 0, 77))
        await smsc.until(lambda: (ENQUIRE | RESPONSE, 77) in smsc.heard)
        assert (list(line._taken), list(line._sent)) == ([], [])


async def test_the_same_key_twice_under_two_numbers_is_two_answers(lines: Lines, smsc: Smsc, move_clock: Any) -> None:
    async with bound(lines, smsc):
        await typed(smsc)
        assert (await smsc.answer_to(5, TYPED, "9", REFERENCE)).screen[0].startswith("Language")
        move_clock(timedelta(seconds=3))
        assert not (await smsc.answer_to(6, TYPED, "9", REFERENCE)).screen[0].startswith(HOME)


async def test_two_phones_may_have_one_reference(lines: Lines, smsc: Smsc) -> None:
    async with bound(lines, smsc):
        await typed(smsc, "1")
        await typed(smsc, "9", first=20, phone="254733000002")
        answer = await smsc.answer_to(40, TYPED, lines.counter.alias, REFERENCE)
        assert answer.screen[0].startswith("Mama Njeri")
        rows = await lines.rows("SELECT session_id, state FROM ussd_session")
        assert len(rows) == 2
        assert not any("733000001" in repr(tuple(row)) for row in rows)


async def test_the_end_of_a_session_is_told_without_an_answer_and_it_can_be_gone_on_with(
    lines: Lines, smsc: Smsc
) -> None:
    async with bound(lines, smsc):
        await typed(smsc, "1", lines.counter.alias, "25")
        before = len(smsc.submitted)
        smsc.deliver(8, TYPED, "", REFERENCE | 1)
        await smsc.until(lambda: 8 in smsc.delivered)
        smsc.deliver(9, NOTED, "", REFERENCE)
        await smsc.until(lambda: 9 in smsc.delivered)
        answer = await smsc.answer_to(10, STARTED, "*384*123#", 0x0102)
        assert answer.screen[0].startswith("Go on paying 25.00 USD to Mama Njeri?")
        assert len(smsc.submitted) == before + 1
        assert await lines.requests() == []


async def test_what_is_no_ussd_is_refused_and_the_line_goes_on(lines: Lines, smsc: Smsc) -> None:
    async with bound(lines, smsc):
        text_message = b"\0" + ussd_body(STARTED, "STOP", REFERENCE, "254733000001")[5:-11]
        for number, body in ((1, text_message), (2, b""), (3, b"\xff" * 60)):
            smsc.say(unit(DELIVER, 0, number, body))
        smsc.say(unit(0x103, 0, 4, b""))  # data_sm
        smsc.say(unit(0x102, 0, 5, b"\0\0\0\0\0\0"))  # alert_notification
        await smsc.until(lambda: (GENERIC_NACK, 4) in smsc.heard and len(smsc.delivered) == 3)
        assert set(smsc.delivered.values()) == {0x65}
        assert (await typed(smsc, first=20))[0].startswith(HOME)
        assert len(smsc.submitted) == 1


async def test_a_silent_centre_is_asked_and_one_that_asks_is_answered(
    lines: Lines, smsc: Smsc, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(centre_line, "ENQUIRE_S", 0.05)
    async with bound(lines, smsc):
        smsc.say(unit(ENQUIRE, 0, 77))
        await smsc.until(lambda: (ENQUIRE | RESPONSE, 77) in smsc.heard)
        await smsc.until(lambda: ENQUIRE in [command for command, _ in smsc.heard])
        assert len(smsc.binds) == 1


@pytest.mark.parametrize("how", ["cut", "unbind", "garbage", "half a unit"])
async def test_a_connection_that_ends_is_made_again(
    lines: Lines, smsc: Smsc, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(centre_line, "ANSWER_S", 0.1)
    async with bound(lines, smsc):
        await typed(smsc, "1")
        if how == "cut":
            smsc.lines[-1].transport.abort()
        else:
            smsc.say({"unbind": unit(UNBIND, 0, 9), "garbage": b"HTTP/1.1 200 OK\r\n\r\n", "half a unit": b"\0\0"}[how])
            if how == "half a unit":
                smsc.say(b"\0\x40" + struct.pack(">3I", DELIVER, 0, 1))
        await smsc.until(lambda: len(smsc.binds) == 2)
        answer = await smsc.answer_to(30, TYPED, lines.counter.alias, REFERENCE)  # the session goes on
        assert answer.screen[0].startswith("Mama Njeri")


async def test_workers_whom_a_centre_throws_off_for_one_another_wait_longer_each_time(
    lines: Lines, smsc: Smsc, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(centres, "ENDED_LAST_S", 60.0)
    smsc.is_replacing = True
    await add(lines.service, smsc)
    async with centres.held(lines.service), centres.held(lines.service):
        await smsc.until(lambda: len(smsc.binds) >= 12)
        waited_s = [later - sooner for sooner, later in itertools.pairwise(smsc.bound_at_s)]
        assert waited_s[-1] > 0.02 * 2**3 * 0.75
        assert (await typed(smsc))[0].startswith(HOME)


async def test_a_session_that_was_good_for_long_is_made_again_at_once(
    lines: Lines, smsc: Smsc, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(centres, "ENDED_LAST_S", 60.0)
    monkeypatch.setattr(centres, "SETTLED_S", 0.0)
    async with bound(lines, smsc):
        for times in range(2, 13):  # the last would be after 20 s
            await smsc.answer_to(times, STARTED, "*384*123#", REFERENCE)
            smsc.lines[-1].transport.abort()
            await smsc.until(lambda times=times: len(smsc.binds) == times)  # type: ignore[misc]
        assert max(later - sooner for sooner, later in itertools.pairwise(smsc.bound_at_s)) < 20


async def test_a_wrong_password_is_told_by_its_code_and_tried_again_under_the_right_one(
    lines: Lines, smsc: Smsc
) -> None:
    await add(lines.service, smsc, password="wrong")
    with capture_logs() as logged:
        async with centres.held(lines.service):
            await smsc.until(lambda: len(smsc.binds) >= 2)
            await change(lines.service, routes.set_password, "operator", PASSWORD)
            await smsc.until(lambda: smsc.binds[-1][2] == PASSWORD)
            assert (await typed(smsc))[0].startswith(HOME)
    refused = [one for one in logged if one["event"] == "ussd_centre_refuses_us"]
    assert refused[0]["status"] == "0x0e"
    assert not any(secret in repr(logged) for secret in ("wrong", PASSWORD, "733000001"))


async def test_a_route_that_is_disabled_unbinds_and_one_that_is_enabled_binds(lines: Lines, smsc: Smsc) -> None:
    async with bound(lines, smsc):
        await change(lines.service, routes.set_enabled, "operator", enabled=False)
        await smsc.until(lambda: UNBIND in [command for command, _ in smsc.heard])
        await change(lines.service, routes.set_enabled, "operator", enabled=True)
        await smsc.until(lambda: len(smsc.binds) == 2)
        assert (await typed(smsc))[0].startswith(HOME)


async def test_the_service_answers_what_it_has_taken_before_it_unbinds(lines: Lines, smsc: Smsc) -> None:
    async with bound(lines, smsc):
        await typed(smsc, "1", lines.counter.alias, "25")
        smsc.deliver(9, TYPED, "1", REFERENCE)
        await smsc.until(lambda: 9 in smsc.delivered)
    commands = [command for command, _ in smsc.heard]
    assert commands[-1] == UNBIND
    assert commands[-2] == SUBMIT
    assert smsc.submitted[-1].screen[0].startswith("We asked your bank")


@contextlib.asynccontextmanager
async def step_held_up(lines: Lines, smsc: Smsc, first: int) -> AsyncIterator[None]:
    """A payment's last step is at hand while the block runs."""
    await typed(smsc, "1", lines.counter.alias, "25", first=first)
    async with lines.service.db.system() as tx:
        await tx.fetch("SELECT 1 FROM ussd_session FOR UPDATE")
        smsc.deliver(first + 8, TYPED, "1", REFERENCE)
        await smsc.until(lambda: first + 8 in smsc.delivered)
        yield


async def test_what_comes_while_a_line_leaves_may_come_again_and_no_other_waits_for_it(
    lines: Lines, smsc: Smsc
) -> None:
    async with bound(lines, smsc), listening() as other:
        async with step_held_up(lines, smsc, 1):
            await change(lines.service, routes.set_enabled, "operator", enabled=False)
            await add(lines.service, other, "second")
            await other.until(lambda: other.binds)
            assert UNBIND not in [command for command, _ in smsc.heard]
            smsc.deliver(30, STARTED, "*384*123#", 0x0102)
            smsc.say(unit(ENQUIRE, 0, 77))
            await smsc.until(lambda: 30 in smsc.delivered and (ENQUIRE | RESPONSE, 77) in smsc.heard)
            assert smsc.delivered[30] == THROTTLED
            await change(lines.service, routes.set_enabled, "operator", enabled=True)
        await smsc.until(lambda: len(smsc.binds) == 2)
        assert smsc.submitted[-1].screen[0].startswith("We asked your bank")
        commands = [command for command, _ in smsc.heard]
        assert commands.index(UNBIND) < len(commands) - 1 - commands[::-1].index(BIND_TRANSCEIVER)


async def test_an_answer_for_which_the_centre_has_no_room_is_sent_again_and_not_for_ever(
    lines: Lines, smsc: Smsc
) -> None:
    async with bound(lines, smsc):
        smsc.answers[:] = [THROTTLED, 0x14]
        smsc.deliver(1, STARTED, "*384*123#", REFERENCE)
        await smsc.until(lambda: len(smsc.submitted) == 3)
        assert len({one.message for one in smsc.submitted}) == 1
        assert len({one.sequence for one in smsc.submitted}) == 3
        smsc.answers[:] = [THROTTLED] * 5
        smsc.deliver(2, TYPED, "9", REFERENCE)
        await smsc.until(lambda: len(smsc.submitted) == 6)
        assert (await smsc.answer_to(3, TYPED, "0", REFERENCE)).screen[0].startswith(HOME)
        assert [one.message for one in smsc.submitted[3:6]] == [smsc.submitted[3].message] * 3


async def test_a_fault_of_ours_is_a_screen_that_is_true(lines: Lines, smsc: Smsc, database_url: str) -> None:
    async with bound(lines, smsc):
        await typed(smsc, "1", lines.counter.alias, "25")
        async with broken(database_url, "outbox"):
            answer = await smsc.answer_to(9, TYPED, "1", REFERENCE)
        assert answer.screen == ("The service is busy. You were not charged. Please dial again later.", True)
        assert await lines.requests() == []


async def test_a_locked_session_holds_up_no_other_phone(lines: Lines, smsc: Smsc) -> None:
    async with bound(lines, smsc):
        await typed(smsc, "1", lines.counter.alias, "25")
        async with lines.service.db.system() as tx:
            await tx.fetch("SELECT 1 FROM ussd_session FOR UPDATE")
            smsc.deliver(9, TYPED, "1", REFERENCE)
            assert (await typed(smsc, first=20, phone="254733000002"))[0].startswith(HOME)
        await smsc.until(lambda: any(b"We asked" in one.message for one in smsc.submitted))


async def test_beyond_what_one_connection_may_have_under_way_the_centre_is_told_to_wait(
    lines: Lines, smsc: Smsc, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(centre_line, "STEPS_MAX", 3)
    async with bound(lines, smsc):
        for number in range(1, 31):
            smsc.say(unit(DELIVER, 0, number, ussd_body(STARTED, "*384*123#", number * 2, f"2547330{number:05}")))
        await smsc.until(lambda: len(smsc.delivered) == 30)
        assert set(smsc.delivered.values()) == {0, THROTTLED}
        taken = list(smsc.delivered.values()).count(0)
        await smsc.until(lambda: len(smsc.submitted) == taken)


@pytest.mark.parametrize("is_known", [True, False])
async def test_over_tls_the_centre_is_bound_at_only_if_its_certificate_is_believed(
    lines: Lines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_known: bool
) -> None:
    context, path = certificate(tmp_path, "127.0.0.1")
    if is_known:
        monkeypatch.setenv("SSL_CERT_FILE", str(path))
    async with listening(context) as smsc:
        await add(lines.service, smsc, smsc_url=f"smpps://127.0.0.1:{smsc.port}")
        with capture_logs() as logged:
            async with centres.held(lines.service), asyncio.timeout(10):
                while not logged:
                    await asyncio.sleep(0.01)
                if is_known:
                    assert (await typed(smsc))[0].startswith(HOME)
        assert bool(smsc.binds) == is_known
        told = {one["event"]: one.get("why") for one in logged}
        assert is_known or told == {"ussd_centre_lost": "SSLCertVerificationError"}


# --- the row ---------------------------------------------------------------------------------------------------------


async def test_the_password_is_sealed_and_stands_nowhere_else(lines: Lines, smsc: Smsc) -> None:
    made = await add(lines.service, smsc)
    assert made.path == ""
    rows = await lines.rows("SELECT u::text AS row, password_sealed FROM ussd_route u")
    entries = await lines.rows("SELECT a::text AS row FROM audit_entry a WHERE action LIKE 'ussd_route.%'")
    assert not any(PASSWORD in row["row"] for row in (*rows, *entries))
    context = routes.CENTRE.format(id=made.route.id)
    assert lines.service.vault.open(rows[0]["password_sealed"], context) == PASSWORD.encode()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"smsc_url": None}, "--smsc"),
        ({"smsc_url": "https://smsc.example:443"}, "--smsc"),
        ({"smsc_url": "smpps://smsc.example"}, "--smsc"),
        ({"smsc_url": "smpp://192.0.2.7:2775"}, "in clear"),
        ({"system_id": None}, "--system-id"),
        ({"system_id": "x" * 16}, "--system-id"),
        ({"password": None}, "1 to 8"),
        ({"password": "x" * 9}, "1 to 8"),
        ({"password": "a b"}, "1 to 8"),
        ({"networks": ("192.0.2.0/24",)}, "We call"),
        ({"proof_name": "x-proof"}, "We call"),
        ({"fields": {"text": "msg"}}, "The one field"),
        ({"fields": {"session": "none"}}, "The one field"),
    ],
)
async def test_a_centre_that_cannot_be_called_is_refused(
    lines: Lines, smsc: Smsc, given: dict[str, Any], told: str
) -> None:
    with pytest.raises(BadRoute, match=told):
        await add(lines.service, smsc, **given)
    assert await lines.rows("SELECT 1 FROM ussd_route") == []


async def test_a_private_line_may_be_in_clear_and_a_session_be_known_otherwise(lines: Lines, smsc: Smsc) -> None:
    made = await add(
        lines.service, smsc, smsc_url="smpp://192.0.2.7:2775", private_line=True, fields={"session": "opaque"}
    )
    assert (made.route.smsc_url, made.route.fields) == ("smpp://192.0.2.7:2775", {"session": "opaque"})


async def test_nobody_calls_a_route_of_a_centre_and_no_other_has_a_password(lines: Lines, smsc: Smsc) -> None:
    await add(lines.service, smsc)
    with pytest.raises(BadRoute, match="Nobody calls"):
        await change(lines.service, routes.rotate_route, "operator", timedelta(hours=1))
    with pytest.raises(BadRoute, match="Only its centre"):
        await change(lines.service, routes.open_trial, "operator")
    for name, password in (("operator", "x" * 9), ("hubtel", "short"), ("smpp", "short")):
        with pytest.raises(BadRoute):
            await change(lines.service, routes.set_password, name, password)
    with pytest.raises(BadRoute, match="calls us"):
        await change(lines.service, routes.add_route, NewRoute("hubtel", password="short"))
    response = await lines.post({}, f"/ussd/smpp/{'0' * 40}")
    assert response.status_code == 404
