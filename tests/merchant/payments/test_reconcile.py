"""After a restore no payment is taken before the hub was asked about what was under way; its word is always heard."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from merchant.payments.reconcile import GIVE_UP_AFTER, finish_reconciling, is_reconciling
from tests.merchant.payments.stage import HUB, Stage

pytestmark = pytest.mark.anyio
Clock = Callable[[timedelta], datetime]


async def restored(stage: Stage) -> None:
    """What `merchant restore` leaves behind, and a program that starts on it."""
    async with stage.service.db.system() as tx:
        await tx.execute("UPDATE installation SET restored_at = now() + interval '1 minute', reconciled_at = NULL")
        await tx.execute("UPDATE transfer SET check_at = now() - interval '1 minute' WHERE state = 'RESERVED'")
    stage.service.reconciling = True


async def test_nothing_new_is_taken_and_the_hubs_word_is_heard(stage: Stage) -> None:
    request = await stage.asked()
    transfer_id = await stage.reserved(request)
    await restored(stage)
    await finish_reconciling(stage.service)
    assert await is_reconciling(stage.service), "the hub was not asked yet"
    refused = await stage.create()
    assert (refused.status_code, refused.json()["code"]) == (503, "reconciling")
    assert refused.headers["retry-after"] == "60"
    for body in (stage.quote_body(),):
        answer = await stage.hub.say("POST", "/quotes", body)
        assert (answer.status_code, answer.json()["errorInformation"]["errorCode"]) == (503, "2003")
    await stage.tick()
    assert stage.hub.to(f"/transfers/{transfer_id}", "GET"), "the hub is asked at once"
    await stage.end_transfer(transfer_id, "COMMITTED", method="PUT")
    assert await stage.state(request) == "paid"
    await finish_reconciling(stage.service)
    assert not await is_reconciling(stage.service)
    assert (await stage.create()).status_code == 201
    assert await stage.pay()


async def test_what_the_hub_does_not_answer_stays_in_doubt_and_holds_up_nobody_for_ever(
    stage: Stage, move_clock: Clock
) -> None:
    request = await stage.asked()
    await stage.reserved(request)
    move_clock(timedelta(minutes=1))
    await restored(stage)
    await finish_reconciling(stage.service)
    await stage.tick()
    await finish_reconciling(stage.service)
    assert await is_reconciling(stage.service)
    move_clock(GIVE_UP_AFTER)
    await finish_reconciling(stage.service)
    assert await is_reconciling(stage.service), "the hub is due to be asked again"
    await stage.tick()
    await finish_reconciling(stage.service)
    assert not await is_reconciling(stage.service)
    assert await stage.state(request) == "in_doubt"


async def test_a_restore_with_nothing_under_way_is_over_at_once(stage: Stage) -> None:
    await stage.pay(await stage.asked())
    await restored(stage)
    await finish_reconciling(stage.service)
    assert not await is_reconciling(stage.service)


async def test_an_installation_that_was_never_restored_is_not_asked_about_it(stage: Stage) -> None:
    assert not stage.service.reconciling
    await finish_reconciling(stage.service)
    assert (await stage.rows("SELECT reconciled_at FROM installation"))[0]["reconciled_at"] is None
    assert (await stage.hub.say("GET", "/transfers/unknown", source=HUB)).status_code != 503
