"""What happens because nothing happened: expiry, silence, look-ups made again."""

import itertools
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from merchant.core import clock
from merchant.payments.timers import _DUE, BATCH
from tests.merchant.payments.stage import BANK, Stage

pytestmark = pytest.mark.anyio
Clock = Callable[[timedelta], datetime]


async def pass_time(stage: Stage, move_clock: Clock, seconds: float) -> None:
    """Let time pass, and let the timers see it."""
    move_clock(timedelta(seconds=seconds))
    await stage.tick()


# --- expiry ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("said", [None, "RECEIVED", "PENDING", "ACCEPTED"])
async def test_a_request_that_nobody_pays_expires(stage: Stage, move_clock: Clock, said: str | None) -> None:
    request = await stage.asked(expires_in_s=60)
    if said:
        await stage.answer_request(request, said)
    await pass_time(stage, move_clock, 59)
    assert await stage.state(request) in ("sent", "awaiting_payer", "accepted")
    await pass_time(stage, move_clock, 1)
    ended = await stage.read(request)
    assert (ended["state"], ended["reason"]["code"]) == ("expired", "request_expired")


async def test_a_look_up_that_nobody_answers_ends_with_the_request(stage: Stage, move_clock: Clock) -> None:
    request = await stage.ask(expires_in_s=60)
    await pass_time(stage, move_clock, 60)
    assert await stage.state(request) == "expired"


async def test_a_code_that_nobody_scans_expires_and_its_number_closes(stage: Stage, move_clock: Clock) -> None:
    request = await stage.ask(payer=None, expires_in_s=60)
    assert len(await stage.rows("SELECT 1 FROM open_reference")) == 1
    await pass_time(stage, move_clock, 60)
    assert await stage.state(request) == "expired"
    assert await stage.rows("SELECT 1 FROM open_reference") == []


@pytest.mark.parametrize("ending", ["paid", "rejected", "cancelled"])
async def test_an_end_is_not_an_expiry(stage: Stage, move_clock: Clock, ending: str) -> None:
    request = await stage.asked(expires_in_s=60)
    if ending == "paid":
        await stage.pay(request)
    elif ending == "rejected":
        await stage.answer_request(request, "REJECTED")
    else:
        await stage.client.post(f"/api/v1/payment-requests/{request['id']}/cancel", headers=stage.key)
    await pass_time(stage, move_clock, 3600)
    assert await stage.state(request) == ending


async def test_a_promise_made_in_time_is_waited_for_a_little(stage: Stage, move_clock: Clock) -> None:
    request = await stage.asked(expires_in_s=60)
    move_clock(timedelta(seconds=50))
    quoted = await stage.quote(request)
    await pass_time(stage, move_clock, 20)
    assert await stage.state(request) == "accepted", "the customer may be typing their PIN"
    transfer_id, _ = await stage.transfer(quoted)
    await stage.end_transfer(transfer_id, "COMMITTED")
    paid = await stage.read(request)
    assert (paid["state"], paid["late"]) == ("paid", False)


async def test_a_promise_made_in_time_is_not_waited_for_for_ever(stage: Stage, move_clock: Clock) -> None:
    request = await stage.asked(expires_in_s=60)
    move_clock(timedelta(seconds=50))
    await stage.quote(request)
    await pass_time(stage, move_clock, 41)
    assert await stage.state(request) == "expired"


async def test_a_request_that_expires_while_its_money_moves_is_in_doubt(stage: Stage, move_clock: Clock) -> None:
    request = await stage.asked(expires_in_s=60)
    move_clock(timedelta(seconds=55))
    transfer_id = await stage.reserved(request)
    await pass_time(stage, move_clock, 6)
    ended = await stage.read(request)
    assert (ended["state"], ended["reason"]["code"]) == ("in_doubt", "checking")
    await stage.end_transfer(transfer_id, "COMMITTED")
    paid = await stage.read(request)
    assert (paid["state"], paid["late"], paid["reason"]) == ("paid", True, None)


async def test_a_second_quote_does_not_end_a_request_whose_money_moves(stage: Stage, move_clock: Clock) -> None:
    request = await stage.asked(expires_in_s=60)
    move_clock(timedelta(seconds=55))
    await stage.reserved(request)
    move_clock(timedelta(seconds=6))
    await stage.quote(request)
    ended = await stage.read(request)
    assert (ended["state"], ended["reason"]["code"]) == ("in_doubt", "checking")


async def test_a_second_quote_does_not_break_a_promise_that_stands(stage: Stage, move_clock: Clock) -> None:
    request = await stage.asked(expires_in_s=60)
    move_clock(timedelta(seconds=55))
    await stage.quote(request)
    move_clock(timedelta(seconds=6))
    await stage.quote(request)
    assert await stage.state(request) == "accepted"


async def test_promises_that_stand_hold_up_nobody_elses_end(stage: Stage, move_clock: Clock) -> None:
    promised = [await stage.asked(expires_in_s=60) for _ in range(2)]
    other = await stage.ask(payer=None, expires_in_s=62)
    move_clock(timedelta(seconds=55))
    for request in promised:
        await stage.quote(request)
    move_clock(timedelta(seconds=8))
    async with stage.service.db.system() as tx:
        assert [row["id"] for row in await tx.fetch(_DUE, clock.now(), 1, clock.now() - timedelta(seconds=30))] == [
            UUID(other["id"])
        ]


async def test_more_than_a_batch_expires_in_a_few_rounds(stage: Stage, move_clock: Clock) -> None:
    request = await stage.ask(payer=None, expires_in_s=60)
    # Copies of one request, as a busy evening leaves them.
    await stage.rows(
        "WITH copied AS (INSERT INTO payment_request SELECT (jsonb_populate_record(p, jsonb_build_object("
        "'id', gen_random_uuid(), 'transaction_request_id', gen_random_uuid()::text, 'short_ref', 'COPY' || n))).*"
        " FROM payment_request p, generate_series(1, $1::int) n RETURNING *)"
        " INSERT INTO open_reference (alias_type, alias, sub_id, dfsp_id, counter_id, request_id, currency, expires_at)"
        " SELECT alias_type, alias, short_ref, dfsp_id, counter_id, id, currency, expires_at FROM copied",
        BATCH,
    )
    move_clock(timedelta(seconds=61))
    await stage.tick()
    await stage.tick()
    assert await stage.state(request) == "expired"
    [left] = await stage.rows("SELECT count(*) FROM payment_request WHERE state <> 'expired'")
    assert left["count"] == 0


async def test_accepted_requests_that_wait_do_not_hold_back_those_that_are_over(
    stage: Stage, move_clock: Clock
) -> None:
    waiting = await stage.asked(expires_in_s=60)
    over = await stage.ask(payer=None, expires_in_s=61)
    move_clock(timedelta(seconds=50))
    await stage.quote(waiting)
    await pass_time(stage, move_clock, 12)
    assert (await stage.state(waiting), await stage.state(over)) == ("accepted", "expired")


# --- silence after our answer ----------------------------------------------------------------------------------------


async def test_a_silent_hub_is_asked_and_the_request_is_in_doubt(stage: Stage, move_clock: Clock) -> None:
    request = await stage.asked()
    transfer_id = await stage.reserved(request)
    await pass_time(stage, move_clock, 9)
    assert await stage.state(request) == "accepted"
    await pass_time(stage, move_clock, 2)
    shown = await stage.read(request)
    assert (shown["state"], shown["reason"]["code"]) == ("in_doubt", "checking")
    [question] = stage.hub.to(f"/transfers/{transfer_id}", "GET")
    assert question.headers["fspiop-source"] == "greenbankfsp"


@pytest.mark.parametrize(("outcome", "state"), [("COMMITTED", "paid"), ("ABORTED", "failed")])
async def test_the_hubs_answer_ends_the_doubt(stage: Stage, move_clock: Clock, outcome: str, state: str) -> None:
    request = await stage.asked()
    transfer_id = await stage.reserved(request)
    await pass_time(stage, move_clock, 11)
    await stage.end_transfer(transfer_id, outcome, "PUT")
    assert await stage.state(request) == state
    await pass_time(stage, move_clock, 3600)
    assert len(stage.hub.to(f"/transfers/{transfer_id}", "GET")) == 1, "what is decided is not asked again"


async def test_a_hub_that_stays_silent_is_asked_again_with_growing_pauses(stage: Stage, move_clock: Clock) -> None:
    request = await stage.asked()
    transfer_id = await stage.reserved(request)
    asked_at, before = [], 0
    for second in range(400):
        await pass_time(stage, move_clock, 1)
        asked = len(stage.hub.to(f"/transfers/{transfer_id}", "GET"))
        if asked > before:
            asked_at.append(second + 1)
        before = asked
    pauses = [later - sooner for sooner, later in itertools.pairwise(asked_at)]
    assert asked_at[0] == 10
    assert pauses == sorted(pauses)
    assert 4 <= len(asked_at) <= 8
    assert await stage.state(request) == "in_doubt"


async def test_a_payment_without_a_request_is_asked_about_too(stage: Stage, move_clock: Clock) -> None:
    transfer_id = await stage.reserved()
    await pass_time(stage, move_clock, 11)
    assert len(stage.hub.to(f"/transfers/{transfer_id}", "GET")) == 1
    await stage.end_transfer(transfer_id, "COMMITTED", "PUT")
    assert len(await stage.payments()) == 1


async def test_doubt_does_not_end_by_itself(stage: Stage, move_clock: Clock) -> None:
    request = await stage.asked(expires_in_s=60)
    await stage.reserved(request)
    for _ in range(5):
        await pass_time(stage, move_clock, 24 * 3600)
    assert await stage.state(request) == "in_doubt"


async def test_a_payer_who_says_no_while_the_money_moves_changes_nothing(stage: Stage, move_clock: Clock) -> None:
    request = await stage.asked()
    await stage.reserved(request)
    await stage.answer_request(request, "REJECTED")
    assert await stage.state(request) == "accepted"
    await pass_time(stage, move_clock, 11)
    await stage.answer_request(request, "REJECTED", transaction_id=None)
    assert await stage.state(request) == "in_doubt"


# --- look-ups --------------------------------------------------------------------------------------------------------


async def test_a_look_up_without_an_answer_is_made_once_more(stage: Stage, move_clock: Clock) -> None:
    await stage.ask()
    for _ in range(10):
        await pass_time(stage, move_clock, 10)
    assert len(stage.hub.to("/parties/", "GET")) == 2


async def test_a_look_up_that_was_answered_is_not_made_again(stage: Stage, move_clock: Clock) -> None:
    await stage.asked()
    await pass_time(stage, move_clock, 20)
    assert len(stage.hub.to("/parties/", "GET")) == 1


async def test_a_code_to_scan_needs_no_look_up(stage: Stage, move_clock: Clock) -> None:
    await stage.ask(payer=None)
    await pass_time(stage, move_clock, 20)
    assert stage.hub.sent == []


async def test_a_late_answer_to_a_look_up_still_puts_the_request(stage: Stage, move_clock: Clock) -> None:
    request = await stage.ask()
    await pass_time(stage, move_clock, 20)
    await stage.find_payer(fsp_id=BANK)
    assert await stage.state(request) == "sent"
    [sent] = stage.hub.to("/transactionRequests", "POST")
    assert sent.headers["fspiop-destination"] == BANK
