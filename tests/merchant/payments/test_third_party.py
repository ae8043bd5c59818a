"""A shop paid through a third party (PISP): to the payee an ordinary look-up, quote and transfer, with two differences.

The look-up comes from the third party, which never quotes; the payer of the quote may be a THIRD_PARTY_LINK.
"""

from typing import Any

import pytest
from msgspec.structs import replace

from merchant.hub.fspiop.messages import Party, PartyIdInfo, QuotesPost
from tests.merchant.payments.refunds import payee
from tests.merchant.payments.stage import MOBILE, Stage

pytestmark = pytest.mark.anyio
PISP = "pispa"
LINK = "qwerty-123456"


def linked_quote(stage: Stage, request: dict[str, Any] | None = None, **more: Any) -> QuotesPost:
    """The payer's DFSP quotes for an account that its customer linked to a third party."""
    payer = Party(PartyIdInfo("THIRD_PARTY_LINK", LINK, None, MOBILE))
    return replace(stage.quote_body(request, **more), payer=payer)


async def pay_by_link(stage: Stage, body: QuotesPost) -> dict[str, Any]:
    """The payment that came of such a quote."""
    transfer_id, answer = await stage.transfer(await stage.send_quote(body))
    assert answer.error_code is None, answer.body
    await stage.end_transfer(transfer_id, "COMMITTED")
    return (await stage.payments())[0]


async def test_a_third_party_that_never_quotes_is_told_whose_a_number_is(stage: Stage) -> None:
    path = f"/parties/ALIAS/{stage.counter.alias}"
    await stage.tell("GET", path, source=PISP)
    answer = stage.hub.to(path, "PUT")[-1]
    assert answer.headers["fspiop-destination"] == PISP
    assert answer.body["party"]["name"] == stage.merchant.trading_name


async def test_a_shop_is_paid_from_a_linked_account_though_another_looked_it_up(stage: Stage) -> None:
    await stage.tell("GET", f"/parties/ALIAS/{stage.counter.alias}", source=PISP)
    payment = await pay_by_link(stage, linked_quote(stage, amount="12.5"))
    assert (payment["amount"], payment["payment_request_id"]) == ({"amount": "12.5", "currency": "KES"}, None)
    assert LINK not in str(payment)


async def test_the_code_of_a_request_is_paid_from_a_linked_account(stage: Stage) -> None:
    request = await stage.ask(payer=None, reference="order 7")
    payment = await pay_by_link(stage, linked_quote(stage, note="order 7"))
    assert payment["payment_request_id"] == request["id"]
    assert await stage.state(request) == "paid"


async def test_its_money_goes_back_to_the_linked_account(stage: Stage) -> None:
    payment = await pay_by_link(stage, linked_quote(stage))
    refund = await payee.asked(stage, payment)
    assert payee.quote_of(stage, refund).body["payee"]["partyIdInfo"] == {
        "partyIdType": "THIRD_PARTY_LINK",
        "partyIdentifier": LINK,
        "fspId": MOBILE,
    }


@pytest.mark.parametrize("path", [f"/parties/THIRD_PARTY_LINK/{LINK}", "/parties/CONSENT/c1"])
async def test_nobody_here_is_a_link_or_a_consent(stage: Stage, path: str) -> None:
    await stage.tell("GET", path, source=PISP)
    assert stage.hub.to(path, "PUT")[-1].error_code == "3204"


@pytest.mark.parametrize("resource", ["thirdpartyRequests/transactions", "consents", "consentRequests", "services/x"])
async def test_resources_of_third_parties_do_not_exist_here(stage: Stage, resource: str) -> None:
    answer = await stage.hub.say("POST", f"/{resource}", b"{}", source=MOBILE, signed=False)
    assert (answer.status_code, answer.json()["errorInformation"]["errorCode"]) == (404, "3002")
    assert stage.hub.sent == []
