"""Transfers: held against their quote, fulfilled once, ended by the hub's last word."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from merchant.hub.fspiop import base64url, ilp
from merchant.hub.fspiop.error_codes import FspiopError
from merchant.hub.fspiop.messages import TransfersPatch, WireMoney, encode, encode_error
from tests.merchant.payments.stage import BANK, HUB, MOBILE, Stage, in_s

pytestmark = pytest.mark.anyio

Clock = Callable[[timedelta], datetime]
FAR_AHEAD = timedelta(minutes=10)


# --- the promise kept ------------------------------------------------------------------------------------------------


async def test_a_request_is_paid_when_the_hub_says_committed(stage: Stage) -> None:
    request = await stage.asked()
    assert await stage.state(request) == "sent"
    transfer_id = await stage.reserved(request)
    assert await stage.state(request) == "accepted"
    await stage.end_transfer(transfer_id, "COMMITTED")
    paid = await stage.read(request)
    assert (paid["state"], paid["late"], paid["reason"]) == ("paid", False, None)
    assert paid["paid_at"] is not None
    assert paid["hub"]["transfer_id"] == transfer_id


async def test_the_fulfilment_opens_the_condition_and_the_answer_says_reserved(stage: Stage) -> None:
    quoted = await stage.quote(await stage.asked())
    _, answer = await stage.transfer(quoted)
    assert answer.body["transferState"] == "RESERVED"
    assert ilp.condition_of(answer.body["fulfilment"]) == quoted.body["condition"]


async def test_a_repeated_transfer_gets_the_same_answer_and_takes_no_more_room(stage: Stage) -> None:
    body = stage.transfer_body(await stage.quote(await stage.asked()))
    first = await stage.send_transfer(body)
    again = await stage.send_transfer(body)
    assert first.raw == again.raw
    assert await usage(stage) == [(1000, 1), (1000, 1)]


async def test_a_question_for_a_transfer_gets_its_answer_again(stage: Stage) -> None:
    transfer_id, answer = await stage.transfer(await stage.quote())
    await stage.tell("GET", f"/transfers/{transfer_id}")
    answers = stage.hub.to(f"/transfers/{transfer_id}", "PUT")
    assert [sent.raw for sent in answers] == [answer.raw, answer.raw]


async def test_an_unknown_transfer_is_said_to_be_unknown(stage: Stage) -> None:
    transfer_id = str(uuid4())
    await stage.tell("GET", f"/transfers/{transfer_id}")
    assert stage.hub.to(f"/transfers/{transfer_id}/error", "PUT")[-1].error_code == "3208"


async def test_another_payer_dfsp_cannot_ask_for_a_transfers_answer(stage: Stage) -> None:
    transfer_id = await stage.reserved()
    await stage.tell("GET", f"/transfers/{transfer_id}", source=BANK)
    assert stage.hub.to(f"/transfers/{transfer_id}/error", "PUT")[-1].error_code == "3208"


# --- refusals ---------------------------------------------------------------------------------------------------------


async def refused(stage: Stage, code: str, **changes: Any) -> None:
    """A transfer of a good quote, with something changed, is refused with this code and takes nothing."""
    request = await stage.asked()
    body = stage.transfer_body(await stage.quote(request), **changes)
    answer = await stage.send_transfer(body)
    assert answer.error_code == code, answer.body
    assert await stage.rows("SELECT 1 FROM transfer") == []
    assert all(taken == (0, 0) for taken in await usage(stage))
    assert await stage.state(request) == "accepted"


async def usage(stage: Stage) -> list[tuple[int, int]]:
    """What day and month hold: minor units and payments."""
    rows = await stage.rows("SELECT taken_minor, payments FROM limit_usage ORDER BY period")
    return [(row["taken_minor"], row["payments"]) for row in rows]


async def test_a_condition_that_no_quote_has_is_refused(stage: Stage) -> None:
    await refused(stage, "3205", condition=base64url.encode(bytes(32)))


@pytest.mark.parametrize("amount", [WireMoney("KES", "9.99"), WireMoney("KES", "10.01"), WireMoney("USD", "10")])
async def test_another_amount_or_currency_than_quoted_is_refused(stage: Stage, amount: WireMoney) -> None:
    await refused(stage, "3106", amount=amount)


async def test_an_invalid_amount_is_refused(stage: Stage) -> None:
    await refused(stage, "3100", amount=WireMoney("KES", "0"))


async def test_a_transfer_that_has_expired_is_refused(stage: Stage) -> None:
    await refused(stage, "3303", expiration=in_s(-1))


async def test_a_date_that_the_calendar_lacks_is_refused(stage: Stage) -> None:
    await refused(stage, "3101", expiration="2027-02-29T00:00:00.000Z")


async def test_a_packet_that_cannot_be_read_is_refused(stage: Stage) -> None:
    await refused(stage, "3100", ilp_packet="AAAA")


async def test_the_packet_of_another_quote_is_refused(stage: Stage) -> None:
    other = await stage.quote(amount="11")
    await refused(stage, "5105", ilp_packet=other.body["ilpPacket"])


@pytest.mark.parametrize("field", ["payer_fsp", "payee_fsp"])
async def test_a_transfer_between_others_is_refused(stage: Stage, field: str) -> None:
    await refused(stage, "3100", **{field: BANK})


async def test_a_quote_may_be_paid_only_by_whoever_asked_for_it(stage: Stage) -> None:
    quoted = await stage.quote(source=MOBILE)
    _, answer = await stage.transfer(quoted, source=BANK)
    assert answer.error_code == "3205"


async def test_the_same_id_with_other_content_is_refused(stage: Stage) -> None:
    body = stage.transfer_body(await stage.quote())
    await stage.send_transfer(body)
    changed = stage.transfer_body(await stage.quote(), transfer_id=body.transfer_id)
    assert (await stage.send_transfer(changed)).error_code == "3106"


async def test_a_second_transfer_for_the_same_quote_is_refused(stage: Stage) -> None:
    quoted = await stage.quote()
    await stage.transfer(quoted)
    _, answer = await stage.transfer(quoted)
    assert answer.error_code == "5104"


async def test_a_quote_whose_transfer_was_aborted_is_used_up(stage: Stage) -> None:
    quoted = await stage.quote()
    transfer_id, _ = await stage.transfer(quoted)
    await stage.end_transfer(transfer_id, "ABORTED")
    _, answer = await stage.transfer(quoted)
    assert answer.error_code == "5104"


async def test_a_second_transfer_for_the_same_request_is_refused(stage: Stage) -> None:
    request = await stage.asked()
    first, second = await stage.quote(request), await stage.quote(request)
    await stage.transfer(first)
    _, answer = await stage.transfer(second)
    assert answer.error_code == "5104"
    assert await usage(stage) == [(1000, 1), (1000, 1)]


async def test_only_the_dfsp_that_was_asked_may_quote_a_request(stage: Stage) -> None:
    request = await stage.asked()
    answer = await stage.quote(request, source=BANK)
    assert answer.error_code == "3200"
    assert await stage.state(request) == "sent"


async def test_a_mistyped_scan_is_refused_and_leaves_the_request_open(stage: Stage) -> None:
    request = await stage.asked()
    sub_id = request["pay_url"].rpartition(".")[2]
    answer = await stage.quote(sub_id=sub_id, amount="999")
    assert answer.error_code == "5101"
    assert await stage.state(request) == "sent"


async def test_a_transfer_for_a_request_that_was_cancelled_meanwhile_is_refused(stage: Stage) -> None:
    request = await stage.asked()
    quoted = await stage.quote(request)
    await stage.client.post(f"/api/v1/payment-requests/{request['id']}/cancel", headers=stage.key)
    _, answer = await stage.transfer(quoted)
    assert answer.error_code == "5104"
    assert await stage.state(request) == "cancelled"


async def test_a_quote_that_has_expired_is_not_paid(stage: Stage, move_clock: Clock) -> None:
    quoted = await stage.quote()
    move_clock(timedelta(minutes=3))
    _, answer = await stage.transfer(quoted)
    assert answer.error_code == "3302"


async def test_a_shop_suspended_after_the_quote_takes_nothing(stage: Stage) -> None:
    quoted = await stage.quote()
    await stage.rows("UPDATE merchant SET state = 'suspended'")
    _, answer = await stage.transfer(quoted)
    assert answer.error_code == "5400"


async def test_transfers_that_fit_alone_but_not_together_leave_the_last_one_refused(stage: Stage) -> None:
    quotes = [await stage.quote(amount="10000", currency="USD") for _ in range(6)]
    answers = [(await stage.transfer(quoted))[1] for quoted in quotes]
    assert [answer.error_code for answer in answers] == [None] * 5 + ["5200"]
    assert await usage(stage) == [(5_000_000, 5), (5_000_000, 5)]


async def test_a_request_ends_at_once_when_its_quote_would_go_over_the_limit_and_may_be_paid_later(
    stage: Stage,
) -> None:
    """Fault D12: it stayed open, and ended as if the customer had not answered."""
    request = await stage.asked(amount={"amount": "10000", "currency": "USD"})
    for amount in ("10000", "10000", "10000", "10000", "5000"):
        await stage.reserved(amount=amount, currency="USD")
    refused = await stage.quote(request)
    assert refused.error_code == "5200"
    read = await stage.read(request)
    assert (read["state"], read["reason"]["code"]) == ("failed", "over_limit")
    assert "at most 5,000.00 USD fits now" in read["reason"]["message"]
    await stage.rows("DELETE FROM limit_usage")  # the next day
    await stage.pay(request)
    assert await stage.state(request) == "paid"


async def test_a_request_ends_at_once_when_others_took_its_place_between_quote_and_transfer(stage: Stage) -> None:
    request = await stage.asked(amount={"amount": "10000", "currency": "USD"})
    quoted = await stage.quote(request)
    for _ in range(5):
        await stage.reserved(amount="10000", currency="USD")
    _, answer = await stage.transfer(quoted)
    assert answer.error_code == "5200"
    read = await stage.read(request)
    assert (read["state"], read["reason"]["code"]) == ("failed", "over_limit")


# --- the hub's last word ----------------------------------------------------------------------------------------------


async def test_a_notice_said_twice_pays_once(stage: Stage) -> None:
    request = await stage.asked()
    transfer_id = await stage.reserved(request)
    for seconds in (0, 1):  # not the same bytes, so not only the inbox tells them apart
        body = TransfersPatch("COMMITTED", in_s(seconds))
        await stage.tell("PATCH", f"/transfers/{transfer_id}", body, source=HUB)
    assert await stage.state(request) == "paid"
    assert len(await stage.payments()) == 1
    assert [step["state"] for step in await stage.history(request)].count("paid") == 1


async def test_a_notice_that_overtakes_its_transfer_is_understood_later(stage: Stage, move_clock: Clock) -> None:
    request = await stage.asked()
    body = stage.transfer_body(await stage.quote(request))
    notice = TransfersPatch("COMMITTED", in_s(0))
    await stage.tell("PATCH", f"/transfers/{body.transfer_id}", notice, source=HUB)
    assert await stage.state(request) == "accepted"
    await stage.send_transfer(body)
    move_clock(timedelta(seconds=5))
    await stage.work()
    assert await stage.state(request) == "paid"


@pytest.mark.parametrize("bent", ["amount_minor = amount_minor - 1", "currency = 'UGX'"])
async def test_a_transfer_of_another_amount_than_the_request_never_makes_it_paid(
    stage: Stage, move_clock: Clock, bent: str
) -> None:
    request = await stage.asked()
    transfer_id = await stage.reserved(request)
    async with stage.service.db.system() as tx:
        await tx.execute(f"UPDATE payment_request SET {bent} WHERE id = $1", UUID(request["id"]))
    await stage.end_transfer(transfer_id, "COMMITTED")
    assert await stage.state(request) == "accepted"
    assert await stage.payments() == []
    [job] = await stage.rows("SELECT last_error FROM outbox WHERE topic = 'hub.message'")
    assert job["last_error"].startswith("AmountMismatch")
    async with stage.service.db.system() as tx:
        await tx.execute("UPDATE payment_request SET amount_minor = 1000, currency = 'KES'")
    move_clock(timedelta(seconds=10))
    await stage.work()
    assert await stage.state(request) == "paid", "the notice is kept until the books are right"


async def test_an_aborted_transfer_fails_the_request_and_gives_the_room_back(stage: Stage) -> None:
    request = await stage.asked()
    transfer_id = await stage.reserved(request)
    await stage.end_transfer(transfer_id, "ABORTED")
    failed = await stage.read(request)
    assert (failed["state"], failed["reason"]["code"]) == ("failed", "aborted_by_network")
    assert await usage(stage) == [(0, 0), (0, 0)]
    assert await stage.payments() == []


async def test_committed_after_aborted_is_the_truth_and_late(stage: Stage) -> None:
    request = await stage.asked()
    transfer_id = await stage.reserved(request)
    await stage.end_transfer(transfer_id, "ABORTED")
    await stage.end_transfer(transfer_id, "COMMITTED")
    paid = await stage.read(request)
    assert (paid["state"], paid["late"], paid["reason"]) == ("paid", True, None)
    assert await usage(stage) == [(1000, 1), (1000, 1)]
    assert len(await stage.payments()) == 1


async def test_aborted_after_committed_changes_nothing(stage: Stage) -> None:
    request = await stage.asked()
    transfer_id = await stage.pay(request)
    await stage.end_transfer(transfer_id, "ABORTED")
    assert await stage.state(request) == "paid"
    assert await usage(stage) == [(1000, 1), (1000, 1)]


async def test_a_customer_may_try_again_after_the_network_called_the_first_transfer_off(stage: Stage) -> None:
    request = await stage.asked()
    await stage.end_transfer(await stage.reserved(request), "ABORTED")
    second = await stage.pay(request)
    paid = await stage.read(request)
    assert (paid["state"], paid["late"], paid["hub"]["transfer_id"]) == ("paid", True, second)


async def test_money_that_comes_twice_for_one_request_is_two_payments_but_one_paid_request(stage: Stage) -> None:
    request = await stage.asked()
    first = await stage.reserved(request)
    await stage.end_transfer(first, "ABORTED")
    second = await stage.pay(request)
    await stage.end_transfer(first, "COMMITTED")
    paid = await stage.read(request)
    assert (paid["state"], paid["hub"]["transfer_id"]) == ("paid", second)
    assert {(one["hub"]["transfer_id"], one["payment_request_id"]) for one in await stage.payments()} == {
        (first, None),
        (second, request["id"]),
    }
    assert await usage(stage) == [(2000, 2), (2000, 2)]


@pytest.mark.parametrize("word", ["COMMITTED", "ABORTED"])
async def test_a_question_gets_the_state_that_a_transfer_has_now(stage: Stage, word: str) -> None:
    transfer_id = await stage.reserved(await stage.asked())
    await stage.tell("GET", f"/transfers/{transfer_id}")
    first = stage.hub.to(f"/transfers/{transfer_id}", "PUT")[-1].body
    assert first["transferState"] == "RESERVED"
    await stage.end_transfer(transfer_id, word)
    await stage.tell("GET", f"/transfers/{transfer_id}")
    said = stage.hub.to(f"/transfers/{transfer_id}", "PUT")[-1].body
    assert said["transferState"] == word
    assert said.get("fulfilment") == (first["fulfilment"] if word == "COMMITTED" else None)
    assert said["completedTimestamp"] >= first["completedTimestamp"]


@pytest.mark.parametrize("state", ["RECEIVED", "RESERVED"])
async def test_a_word_that_decides_nothing_changes_nothing(stage: Stage, state: str) -> None:
    request = await stage.asked()
    transfer_id = await stage.reserved(request)
    await stage.end_transfer(transfer_id, state, "PUT")
    assert await stage.state(request) == "accepted"


@pytest.mark.parametrize("code", ["3208", "3303", "3100"])
async def test_a_hub_that_moves_no_money_for_certain_ends_a_transfer_once_it_has_expired(
    stage: Stage, move_clock: Clock, code: str
) -> None:
    """Not found; expired, as older ledgers say (mojaloop/project#3078); a fulfilment that was found invalid."""
    request = await stage.asked()
    transfer_id = await stage.reserved(request)
    error = encode_error(FspiopError(code, "unknown"))
    await stage.tell("PUT", f"/transfers/{transfer_id}/error", error, source=HUB)
    assert await stage.state(request) == "accepted", "the hub may not have stored it yet"
    move_clock(timedelta(seconds=31))
    await stage.tell("PUT", f"/transfers/{transfer_id}/error", error, source=HUB)  # in the very same words
    assert await stage.state(request) == "failed"
    assert await usage(stage) == [(0, 0), (0, 0)]
    await stage.end_transfer(transfer_id, "COMMITTED")
    assert await stage.state(request) == "paid", "a later truth wins"
    assert await usage(stage) == [(1000, 1), (1000, 1)]


@pytest.mark.parametrize("source", [MOBILE, BANK])
@pytest.mark.parametrize("method", ["PATCH", "PUT"])
@pytest.mark.parametrize("outcome", ["COMMITTED", "ABORTED"])
async def test_nobody_but_the_hub_ends_a_transfer(stage: Stage, source: str, method: str, outcome: str) -> None:
    request = await stage.asked()
    transfer_id = await stage.reserved(request)
    await stage.tell(method, f"/transfers/{transfer_id}", TransfersPatch(outcome, in_s(0)), source=source)  # type: ignore[arg-type]
    assert await stage.state(request) == "accepted"
    assert await stage.payments() == []
    assert await usage(stage) == [(1000, 1), (1000, 1)]


@pytest.mark.parametrize("source", [MOBILE, BANK])
async def test_nobody_but_the_hub_says_that_there_is_no_such_transfer(
    stage: Stage, move_clock: Clock, source: str
) -> None:
    request = await stage.asked()
    transfer_id = await stage.reserved(request)
    move_clock(timedelta(seconds=31))
    error = encode_error(FspiopError("3208", "unknown"))
    for method in ("PUT", "PATCH"):
        await stage.tell(method, f"/transfers/{transfer_id}/error", error, source=source)
    assert await stage.state(request) == "accepted"


async def test_room_is_reserved_for_a_day_at_most(stage: Stage) -> None:
    await refused(stage, "3100", expiration="9998-12-31T23:59:59.000Z")


@pytest.mark.parametrize("code", ["1001", "2003", "3105", "3201", "5000"])
async def test_any_other_error_about_a_transfer_decides_nothing(stage: Stage, move_clock: Clock, code: str) -> None:
    request = await stage.asked()
    transfer_id = await stage.reserved(request)
    move_clock(timedelta(seconds=31))
    error = encode_error(FspiopError(code, "something else"))
    await stage.tell("PUT", f"/transfers/{transfer_id}/error", error, source=HUB)
    assert await stage.state(request) == "accepted"


async def test_an_error_about_an_unknown_transfer_is_no_matter(stage: Stage) -> None:
    error = encode_error(FspiopError("3208", "unknown"))
    await stage.tell("PUT", f"/transfers/{uuid4()}/error", error, source=HUB)
    assert await stage.rows("SELECT 1 FROM outbox") == []


async def test_the_hub_tells_the_same_about_anothers_transfer_in_vain(stage: Stage) -> None:
    request = await stage.asked()
    transfer_id = await stage.reserved(request)
    body = TransfersPatch("COMMITTED", in_s(0))
    response = await stage.hub.say("PATCH", f"/transfers/{transfer_id}", body, source=HUB, destination="lakemfi")
    assert response.status_code == 200
    await stage.work()
    assert await stage.state(request) == "accepted"


# --- COMMITTED mode ---------------------------------------------------------------------------------------------------


async def committed_mode(stage: Stage) -> None:
    await stage.rows("UPDATE dfsp SET transfer_mode = 'COMMITTED'")


async def test_in_committed_mode_it_is_paid_once_the_hub_has_taken_our_answer(stage: Stage) -> None:
    await committed_mode(stage)
    request = await stage.asked()
    _, answer = await stage.transfer(await stage.quote(request))
    assert answer.body["transferState"] == "COMMITTED"
    assert await stage.state(request) == "paid"


@pytest.mark.parametrize("status", [400, 404, 500, 503])
async def test_in_committed_mode_it_is_not_paid_while_the_hub_refuses_our_answer(stage: Stage, status: int) -> None:
    await committed_mode(stage)
    request = await stage.asked()
    quoted = await stage.quote(request)
    stage.hub.statuses["transfers"] = [(status, "2003" if status >= 500 else "3303")]
    await stage.transfer(quoted)
    assert await stage.state(request) == "accepted"
    assert await stage.payments() == []


async def test_in_committed_mode_an_answer_the_hub_could_not_take_is_sent_again(
    stage: Stage, move_clock: Clock
) -> None:
    await committed_mode(stage)
    request = await stage.asked()
    quoted = await stage.quote(request)
    stage.hub.statuses["transfers"] = [(503, None)]
    transfer_id, first = await stage.transfer(quoted)
    move_clock(timedelta(seconds=5))
    await stage.work()
    assert [sent.raw for sent in stage.hub.to(f"/transfers/{transfer_id}", "PUT")] == [first.raw, first.raw]
    assert await stage.state(request) == "paid"


async def test_in_committed_mode_an_answer_that_came_too_late_is_asked_about(stage: Stage, move_clock: Clock) -> None:
    await committed_mode(stage)
    request = await stage.asked()
    quoted = await stage.quote(request)
    stage.hub.statuses["transfers"] = [(503, None)]
    transfer_id, _ = await stage.transfer(quoted)
    move_clock(timedelta(seconds=31))
    await stage.work()
    assert len(stage.hub.to(f"/transfers/{transfer_id}", "PUT")) == 1, "nobody listens to it any more"
    await stage.tick()
    assert await stage.state(request) == "in_doubt"
    assert len(stage.hub.to(f"/transfers/{transfer_id}", "GET")) == 1
    await stage.end_transfer(transfer_id, "ABORTED", "PUT")
    assert await stage.state(request) == "failed"


async def test_two_copies_at_once_reserve_once(stage: Stage) -> None:
    body = stage.transfer_body(await stage.quote())
    for _ in range(4):
        await stage.hub.say("POST", "/transfers", encode(body))
    await stage.work()
    answers = stage.hub.to(f"/transfers/{body.transfer_id}", "PUT")
    assert len({sent.raw for sent in answers}) == 1
    assert await usage(stage) == [(1000, 1), (1000, 1)]


async def test_transfers_of_two_quotes_at_once_pay_a_request_once(stage: Stage) -> None:
    request = await stage.asked()
    bodies = [stage.transfer_body(await stage.quote(request)) for _ in range(2)]
    for body in bodies:
        await stage.hub.say("POST", "/transfers", body, source=body.payer_fsp)
    await stage.work()
    answers = [stage.hub.to(f"/transfers/{body.transfer_id}", "PUT")[-1] for body in bodies]
    assert sorted(answer.error_code or "" for answer in answers) == ["", "5104"]
    assert await usage(stage) == [(1000, 1), (1000, 1)]
