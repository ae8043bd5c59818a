"""A customer who says no to us and not to their bank: what it ends, when it is too late, and who may say it."""

from uuid import UUID

import pytest

from merchant.core import errors
from merchant.core.phone import Msisdn
from merchant.payments.book import Request
from merchant.payments.operations import decline_request
from merchant.payments.problems import BeingPaid
from tests.merchant.payments.stage import PAYER, Stage

pytestmark = pytest.mark.anyio


async def decline(stage: Stage, request_id: str, payer: str = PAYER) -> Request:
    async with stage.service.db.system() as tx:
        return await decline_request(tx, stage.service, Msisdn.of(payer), UUID(request_id))


async def test_a_customer_says_no_and_the_merchant_is_told_so(stage: Stage) -> None:
    request = await stage.asked()
    assert (await decline(stage, request["id"])).state == "rejected"
    told = await stage.read(request)
    assert (told["state"], told["reason"]["code"]) == ("rejected", "payer_rejected")
    assert (await stage.history(request))[-1]["cause"] == "declined_by_payer"


async def test_money_that_is_under_way_is_not_declined(stage: Stage) -> None:
    request = await stage.asked()
    await stage.reserved(request)
    with pytest.raises(BeingPaid):
        await decline(stage, request["id"])
    assert await stage.state(request) == "accepted"


async def test_what_has_ended_is_not_declined(stage: Stage) -> None:
    request = await stage.asked()
    await decline(stage, request["id"])
    with pytest.raises(errors.WrongState):
        await decline(stage, request["id"])


async def test_nobody_declines_for_another_phone(stage: Stage) -> None:
    request = await stage.asked()
    with pytest.raises(errors.NotFound):
        await decline(stage, request["id"], "+254711999999")
    assert await stage.state(request) == "sent"


async def test_a_request_without_a_payer_is_nobodys_to_decline(stage: Stage) -> None:
    request = await stage.ask(payer=None)
    with pytest.raises(errors.NotFound):
        await decline(stage, request["id"])
