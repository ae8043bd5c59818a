"""Requests to pay against every payer of the simulated world, over real HTTP."""

import asyncio
from typing import Any

import pytest

from merchant.core import ids
from merchant.hub.fspiop.client import OutgoingMessage
from tests.merchant.demo.simulator.conftest import IMPATIENT
from tests.merchant.demo.simulator.stub_dfsp import ALIAS, FSP_ID, StubDfsp

pytestmark = pytest.mark.anyio

# The last digit chooses the behaviour; the digit before it, the payer's DFSP (0: mobilemoney).
ACCEPTS, REJECTS, SILENT, LATE = "255700000001", "255700000002", "255700000003", "255700000004"
TWICE, REORDERS, ALTERS, DROPS = "255700000005", "255700000006", "255700000007", "255700000008"
UNKNOWN = "255700000009"


async def test_a_payer_who_accepts_is_quoted_transferred_and_committed(stub: StubDfsp) -> None:
    request_id = ids.wire_id()
    assert (await stub.ask_for_money(ACCEPTS, request_id)).status == 202
    patch = (await stub.seen("PATCH", "/transfers/"))[0]
    assert [f"{each.method} {each.path.split('/')[1]}" for each in stub.arrivals] == [
        "PUT transactionRequests",
        "POST quotes",
        "POST transfers",
        "PATCH transfers",
    ]
    received, quote, transfer, _ = (each.body for each in stub.arrivals)
    assert received["transactionRequestState"] == "RECEIVED"
    assert quote["transactionRequestId"] == request_id
    assert quote["transactionId"] == received["transactionId"]
    assert quote["payer"]["partyIdInfo"] == {
        "fspId": "mobilemoney",
        "partyIdType": "MSISDN",
        "partyIdentifier": ACCEPTS,
    }
    assert patch.source == "hub"
    assert patch.body["transferState"] == "COMMITTED"
    assert await stub.ledger_state("COMMITTED") == {
        "transfer_id": transfer["transferId"],
        "transaction_id": quote["transactionId"],
        "transaction_request_id": request_id,
        "payer": ACCEPTS,
        "payee_alias": ALIAS,
        "amount": "10",
        "currency": "KES",
        "state": "COMMITTED",
    }
    assert (await stub.phone_shows(ACCEPTS, "paid"))["text"] == "You paid 10 KES to Corner Shop."
    assert (await stub.phone_shows(ACCEPTS, "asked"))["text"] == "Corner Shop asks you to pay 10 KES."


async def test_a_payee_that_commits_itself_gets_no_patch(stub: StubDfsp) -> None:
    stub.transfer_state = "COMMITTED"
    await stub.ask_for_money(ACCEPTS, ids.wire_id())
    await stub.ledger_state("COMMITTED")
    await stub.phone_shows(ACCEPTS, "paid")
    assert not [each for each in stub.arrivals if each.method == "PATCH"]


async def test_a_payer_who_rejects_says_so_and_no_money_moves(stub: StubDfsp) -> None:
    await stub.ask_for_money(REJECTS, ids.wire_id())
    states = await stub.seen("PUT", "/transactionRequests/", 2)
    assert [each.body["transactionRequestState"] for each in states] == ["RECEIVED", "REJECTED"]
    await stub.phone_shows(REJECTS, "rejected")
    assert await stub.get_json("/ledger") == []


async def test_a_silent_payer_is_heard_of_once(stub: StubDfsp) -> None:
    await stub.ask_for_money(SILENT, ids.wire_id())
    await stub.seen("PUT", "/transactionRequests/")
    request_id = ids.wire_id()
    await stub.ask_for_money(ACCEPTS, request_id)
    await stub.seen("PATCH", "/transfers/")
    assert len(stub.arrivals) == 5  # one of the silent payer, four of the other


async def test_a_late_payer_quotes_and_pays_after_the_expiry(stub: StubDfsp) -> None:
    stub_started = asyncio.get_running_loop().time()
    await stub.ask_for_money(LATE, ids.wire_id(), expires_in_s=0.4)
    await stub.seen("POST", "/quotes")
    assert asyncio.get_running_loop().time() - stub_started >= 0.4
    await stub.ledger_state("COMMITTED")


async def test_a_late_payer_refused_by_the_payee_moves_no_money(stub: StubDfsp) -> None:
    stub.quote_refusal = "3301"
    await stub.ask_for_money(LATE, ids.wire_id(), expires_in_s=0.1)
    assert "(3301)" in (await stub.phone_shows(LATE, "failed"))["text"]
    assert await stub.get_json("/ledger") == []


async def test_a_doubling_payer_sends_everything_twice_and_pays_once(stub: StubDfsp) -> None:
    await stub.ask_for_money(TWICE, ids.wire_id())
    await stub.seen("PATCH", "/transfers/", 2)
    await stub.ledger_state("COMMITTED")
    for method, path in (("PUT", "/transactionRequests/"), ("POST", "/quotes"), ("POST", "/transfers")):
        first, second = await stub.seen(method, path, 2)
        assert first.body == second.body


async def test_a_reordering_payer_quotes_first_and_patches_before_the_answer(stub: StubDfsp) -> None:
    await stub.ask_for_money(REORDERS, ids.wire_id())
    await stub.seen("PATCH", "/transfers/")
    assert [each.method for each in stub.arrivals] == ["POST", "PUT", "POST", "PATCH"]
    # Our PUT /transfers is answered only after the PATCH has arrived.
    answered = len(stub.put_results)
    await stub.until(lambda: len(stub.put_results) > answered or len(stub.put_results) == 2)
    await stub.ledger_state("COMMITTED")
    await stub.phone_shows(REORDERS, "paid")
    assert len([each for each in stub.arrivals if each.method == "PATCH"]) == 1


async def test_an_altering_payer_quotes_another_amount(stub: StubDfsp) -> None:
    stub.quote_refusal = "5103"
    await stub.ask_for_money(ALTERS, ids.wire_id(), amount="10.5")
    quote = (await stub.seen("POST", "/quotes"))[0]
    assert quote.body["amount"] == {"amount": "11.5", "currency": "KES"}
    assert "(5103)" in (await stub.phone_shows(ALTERS, "failed"))["text"]


async def test_a_lost_patch_is_replaced_by_the_answer_to_get(stub: StubDfsp) -> None:
    await stub.ask_for_money(DROPS, ids.wire_id())
    row = await stub.ledger_state("COMMITTED")
    await stub.phone_shows(DROPS, "paid")
    path = f"/transfers/{row['transfer_id']}"
    assert (await stub.send(OutgoingMessage("GET", path, FSP_ID, "mobilemoney"))).status == 202
    answer = (await stub.seen("PUT", path))[0]
    assert (answer.source, answer.body["transferState"]) == ("hub", "COMMITTED")
    assert set(answer.body) == {"transferState", "fulfilment", "completedTimestamp"}
    assert not [each for each in stub.arrivals if each.method == "PATCH"]


async def test_a_number_unknown_to_the_hub_is_3204_on_look_up_and_on_request(stub: StubDfsp) -> None:
    for resource in ("parties", "participants"):
        path = f"/{resource}/MSISDN/{UNKNOWN}"
        assert (await stub.send(OutgoingMessage("GET", path, FSP_ID))).status == 202
        answer = (await stub.seen("PUT", path + "/error"))[0]
        assert answer.source == "hub"
        assert answer.content_type.endswith("version=2.0")  # as the Account Lookup Service writes
        assert answer.body["errorInformation"]["errorCode"] == "3204"
    request_id = ids.wire_id()
    await stub.ask_for_money(UNKNOWN, request_id)
    answer = (await stub.seen("PUT", f"/transactionRequests/{request_id}/error"))[0]
    assert answer.body["errorInformation"]["errorCode"] == "3204"


@pytest.mark.parametrize("party", ["ALIAS/10000008", "MSISDN/0", "MSISDN/+255700000001", "MSISDN/255700000001/x"])
async def test_other_parties_are_unknown(stub: StubDfsp, party: str) -> None:
    await stub.send(OutgoingMessage("GET", f"/parties/{party}", FSP_ID))
    assert (await stub.seen("PUT", f"/parties/{party}/error"))[0].source == "hub"


async def test_a_look_up_tells_name_and_dfsp(stub: StubDfsp) -> None:
    number = "255700000011"  # last digit but one: the second DFSP
    await stub.send(OutgoingMessage("GET", f"/parties/MSISDN/{number}", FSP_ID, version="1.0", accept="1.0"))
    party = (await stub.seen("PUT", f"/parties/MSISDN/{number}"))[0]
    assert (party.source, party.body["party"]["partyIdInfo"]["fspId"]) == ("savingsbank", "savingsbank")
    assert party.body["party"]["name"] == "Customer 0011"
    assert party.content_type.endswith("version=1.0")
    await stub.send(OutgoingMessage("GET", f"/participants/MSISDN/{number}", FSP_ID))
    participant = (await stub.seen("PUT", f"/participants/MSISDN/{number}"))[0]
    assert participant.body == {"fspId": "savingsbank"}


async def test_the_control_overrides_the_last_digit(stub: StubDfsp) -> None:
    view = await stub.put_json(f"/control/payers/+{ACCEPTS}", {"behaviour": "reject", "delay_s": 0})
    assert view == {"msisdn": ACCEPTS, "fsp_id": "mobilemoney", "behaviour": "reject", "delay_s": 0}
    await stub.ask_for_money(ACCEPTS, ids.wire_id())
    await stub.phone_shows(ACCEPTS, "rejected")


async def test_a_repeated_request_is_answered_again_and_never_asked_twice(stub: StubDfsp) -> None:
    request_id = ids.wire_id()
    await stub.put_json(f"/control/payers/{ACCEPTS}", {"behaviour": "silent"})
    message = OutgoingMessage("GET", f"/transactionRequests/{request_id}", FSP_ID, "mobilemoney")
    await stub.send(message)
    missing = (await stub.seen("PUT", f"/transactionRequests/{request_id}/error"))[0]
    assert missing.body["errorInformation"]["errorCode"] == "3206"
    await stub.ask_for_money(ACCEPTS, request_id, expires_in_s=60)
    await stub.seen("PUT", f"/transactionRequests/{request_id}", 2)
    await stub.send(message)
    states = await stub.seen("PUT", f"/transactionRequests/{request_id}", 3)
    assert states[1].body == states[2].body
    inbox = await stub.get_json(f"/shoppers/{ACCEPTS}/inbox")
    assert len(inbox["items"]) == 1


async def test_a_request_with_a_used_id_and_other_content_is_3106(stub: StubDfsp) -> None:
    request_id = ids.wire_id()
    await stub.ask_for_money(SILENT, request_id, amount="10")
    await stub.seen("PUT", f"/transactionRequests/{request_id}")
    await stub.ask_for_money(SILENT, request_id, amount="11")
    error = (await stub.seen("PUT", f"/transactionRequests/{request_id}/error"))[0]
    assert error.body["errorInformation"]["errorCode"] == "3106"


async def test_a_request_to_an_unknown_dfsp_comes_back_as_3201(stub: StubDfsp) -> None:
    request_id = ids.wire_id()
    await stub.ask_for_money(ACCEPTS, request_id, destination="nobank")
    error = (await stub.seen("PUT", f"/transactionRequests/{request_id}/error"))[0]
    assert (error.source, error.body["errorInformation"]["errorCode"]) == ("hub", "3201")


@pytest.mark.parametrize(
    "changes",
    [
        {"transferAmount": {"amount": "9", "currency": "KES"}},
        {"transferAmount": {"amount": "10", "currency": "USD"}},
        {"expiration": "2020-01-01T00:00:00.000Z"},
        {"ilpPacket": "AYIB"},
    ],
)
async def test_a_wrong_quote_is_not_paid(stub: StubDfsp, changes: dict[str, Any]) -> None:
    stub.quote_changes = changes
    await stub.ask_for_money(ACCEPTS, ids.wire_id())
    assert "(5103)" in (await stub.phone_shows(ACCEPTS, "failed"))["text"]
    assert await stub.get_json("/ledger") == []


async def test_a_refused_transfer_is_aborted(stub: StubDfsp) -> None:
    stub.transfer_refusal = "5105"
    await stub.ask_for_money(ACCEPTS, ids.wire_id())
    await stub.ledger_state("ABORTED")
    assert "(5105)" in (await stub.phone_shows(ACCEPTS, "failed"))["text"]
    assert not [each for each in stub.arrivals if each.method == "PATCH"]


@pytest.mark.parametrize(("state", "status"), [("RESERVED", 200), ("COMMITTED", 400)])
async def test_a_wrong_fulfilment_aborts_and_its_payee_is_told(stub: StubDfsp, state: str, status: int) -> None:
    stub.transfer_state, stub.fulfilment_secret = state, b"not the one of the quote"
    await stub.ask_for_money(ACCEPTS, ids.wire_id())
    await stub.ledger_state("ABORTED")
    await stub.until(lambda: len(stub.put_results) == 2)
    assert stub.put_results[1].status == status
    if state == "RESERVED":
        assert (await stub.seen("PATCH", "/transfers/"))[0].body["transferState"] == "ABORTED"


@pytest.mark.parametrize("timings", [IMPATIENT])
@pytest.mark.parametrize(("state", "status"), [("RESERVED", 200), ("COMMITTED", 400)])
async def test_a_transfer_never_answered_is_aborted_and_a_late_fulfilment_learns_it(
    stub: StubDfsp, state: str, status: int
) -> None:
    stub.transfer_state, stub.transfer_delay = state, asyncio.Event()
    await stub.ask_for_money(ACCEPTS, ids.wire_id())
    transfers = await stub.seen("POST", "/transfers", 3)  # asked again with the same message
    assert transfers[0].body == transfers[2].body
    await stub.ledger_state("ABORTED")
    stub.transfer_delay.set()
    await stub.until(lambda: len(stub.put_results) == 4)
    assert {result.status for result in stub.put_results[1:]} == {status}
    if state == "RESERVED":
        assert (await stub.seen("PATCH", "/transfers/"))[0].body["transferState"] == "ABORTED"


async def test_a_patch_is_sent_until_it_is_taken(stub: StubDfsp) -> None:
    stub.patch_statuses = [503, 500]
    await stub.ask_for_money(ACCEPTS, ids.wire_id())
    notices = await stub.seen("PATCH", "/transfers/", 3)
    assert [notice.body for notice in notices] == [notices[0].body] * 3
    assert notices[0].body["transferState"] == "COMMITTED"
    await stub.ledger_state("COMMITTED")


@pytest.mark.parametrize("timings", [IMPATIENT])
async def test_a_quote_without_an_answer_is_asked_again_with_the_same_id_then_given_up(stub: StubDfsp) -> None:
    stub.status_of = lambda _, path: 202 if path == "/quotes" else None
    await stub.ask_for_money(ACCEPTS, ids.wire_id())
    quotes = await stub.seen("POST", "/quotes", 3)
    assert quotes[0].body == quotes[1].body == quotes[2].body
    assert "does not answer" in (await stub.phone_shows(ACCEPTS, "failed"))["text"]


async def test_a_message_refused_at_once_ends_the_attempt(stub: StubDfsp) -> None:
    stub.status_of = lambda _, path: 400 if path == "/transfers" else None
    await stub.ask_for_money(ACCEPTS, ids.wire_id())
    await stub.ledger_state("ABORTED")
    assert "(3000)" in (await stub.phone_shows(ACCEPTS, "failed"))["text"]


async def test_a_transfer_nobody_made_is_3208(stub: StubDfsp) -> None:
    transfer_id = ids.wire_id()
    await stub.send(OutgoingMessage("GET", f"/transfers/{transfer_id}", FSP_ID, "mobilemoney"))
    error = (await stub.seen("PUT", f"/transfers/{transfer_id}/error"))[0]
    assert (error.source, error.body["errorInformation"]["errorCode"]) == ("hub", "3208")
