"""Scenarios 3, 7 to 11, 27, 31 and 32: evidence, returns, trades, appeals and waivers, through the API."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from merchant.compliance.cases import clockwork
from merchant.core import clock
from merchant.core.evidence import EventBuffer
from merchant.core.money import Money
from tests import builders
from tests.scenarios.desk import Desk, paths, sole_proprietor

pytestmark = pytest.mark.anyio
Clock = Callable[[timedelta], datetime]


async def test_scenario_3_whoever_made_it_is_refused_and_the_refusal_is_on_record(desk: Desk) -> None:
    row = await builders.create_application(
        desk.service, desk.world["greenbankfsp"]["both"], sole_proprietor(), submitted=True
    )
    path = f"applications/{row.id}"
    own = await desk.approve(path, "both")
    assert (own.status_code, own.json()["code"]) == (403, "checker_is_maker")
    await desk.service.shared(EventBuffer).store()
    told = (await desk.get("security-events?kind=not_allowed", "admin"))["items"]
    assert {(one["actor_id"], one["detail"]["code"]) for one in told} == {
        (str(desk.world["greenbankfsp"]["both"].actor.id), "checker_is_maker")
    }
    assert (await desk.approved(path))["tier"] == "T1"


async def test_scenario_7_what_the_next_tier_lacks_is_told_with_what_it_unlocks_and_a_letter_will_do(
    desk: Desk,
) -> None:
    merchant = await desk.merchant(sole_proprietor())
    needs = await desk.get(f"{merchant}/requirements?tier=T2")
    assert {"business.registration_number", "settlement_account.account_id"} <= paths(needs["currently_due"])
    assert (needs["unlocks"]["tier"], needs["unlocks"]["limits"]["KES"]["payments_per_day"]) == ("T2", 300)
    assert needs["alternatives"], needs
    account = {"account_id": "AC-9", "account_name": "Njeri", "currency": "KES"}
    case = await desk.case(merchant, kind="upgrade", target_tier="T2", settlement_account=account)
    letter = {"attribute": "community", "subject": "merchant", "outcome": "verified", "method": "community_letter"}
    await desk.post(f"{case}/verifications", letter | {"reference": "Market association 12"}, status=201)
    await desk.submit(case)
    assert (await desk.approved(case))["tier"] == "T2"


async def test_scenario_8_what_will_expire_is_announced_then_past_due_and_costs_its_tier_after_the_grace(
    desk: Desk, move_clock: Clock
) -> None:
    merchant = await desk.merchant(
        sole_proprietor(tax_id="A123456789") | {"settlement_account": {"account_id": "AC-8", "account_name": "Njeri"}}
    )
    seen = []
    for days in (700, 8, 30, 5, 30):  # the licence stands for 24 months and is announced 30 days before
        move_clock(timedelta(days=days))
        await clockwork.check_all(desk.service)
        needs = await desk.get(f"{merchant}/requirements")
        shown = await desk.get(merchant)
        soon = [one for one in needs["eventually_due"] if one["code"] == "expires"]
        seen.append((shown["tier"], bool(soon), paths(needs["past_due"]) == {"business"}))
    assert seen == [
        ("T2", False, False),
        ("T2", True, False),
        ("T2", False, True),
        ("T2", False, True),
        ("T1", False, False),
    ]


async def test_scenario_9_a_lowered_merchant_keeps_what_it_took_and_takes_no_more_until_the_window_has_passed(
    desk: Desk, move_clock: Clock
) -> None:
    merchant = await desk.merchant(
        sole_proprietor(tax_id="A123456789") | {"settlement_account": {"account_id": "AC-8", "account_name": "Njeri"}}
    )
    merchant_id = merchant.partition("/")[2]
    month = timedelta(days=31)

    async def fits(units: int) -> bool:
        return await builders.take_of_limits(desk.service, merchant_id, Money(units * 13_000, "KES"))

    for _ in range(3):
        assert await fits(400)
    case = await desk.case(merchant, kind="downgrade", target_tier="T1", reason="The licence was taken away.")
    await desk.submit(case)
    assert (await desk.approved(case))["tier"] == "T1"
    assert not await fits(1)
    async with desk.service.db.system_reads() as tx:
        taken = await tx.fetchval("SELECT max(taken_minor) FROM limit_usage WHERE merchant_id = $1", merchant_id)
    assert taken == 1_200 * 13_000
    move_clock(month)
    assert await fits(1)


async def test_scenario_10_of_a_returned_case_its_maker_sees_the_two_items_and_what_stands_is_not_asked_again(
    desk: Desk,
) -> None:
    path = await desk.submitted(sole_proprietor(tax_id="A123456789"))
    items = [
        {"path": "owners[0].birth_date", "reason": "It is 1985 on the card."},
        {"path": "business.trading_name", "reason": "The board says Njeri's."},
    ]
    unknown = {"items": [{"path": "owners[7].shoe_size", "reason": "No."}]}
    assert await desk.refused(f"{path}/return", unknown, "checker") == (422, "invalid_fields")
    await desk.post(f"{path}/return", {"items": items}, "checker")
    shown = await desk.get(path, "maker")
    assert [(one["path"], one["reason"]) for one in shown["returned_items"]] == [
        (one["path"], one["reason"]) for one in items
    ]
    assert [one["resolved"] for one in shown["returned_items"]] == [False, False]
    assert paths(shown["requirements"]["currently_due"]) & {"contact.phone", "owners[0].id_number"} == set()
    owner = sole_proprietor()["owners"][0] | {"birth_date": "1985-05-17"}
    tag = (await desk.client.get(f"/api/v1/{path}", headers=await desk.headers("maker"))).headers["etag"]
    headers = {**await desk.headers("maker"), "if-match": tag}
    changed = await desk.client.patch(f"/api/v1/{path}", json={"owners": [owner]}, headers=headers)
    assert [one["resolved"] for one in changed.json()["returned_items"]] == [True, False]
    await desk.submit(path)  # the checker sees what was answered, also in the next version
    assert [one["resolved"] for one in (await desk.get(path))["returned_items"]] == [True, False]


async def test_scenario_11_what_changed_after_submission_is_not_approved_by_what_was_read_before(desk: Desk) -> None:
    path = await desk.submitted(sole_proprietor())
    before = (await desk.get(path))["version_hash"]
    await desk.post(f"{path}/return", {"items": [{"path": "owners[0]", "reason": "Look."}]}, "checker")
    tag = (await desk.client.get(f"/api/v1/{path}", headers=await desk.headers("maker"))).headers["etag"]
    changed = await desk.client.patch(
        f"/api/v1/{path}", json={"external_ref": "R"}, headers={**await desk.headers("maker"), "if-match": tag}
    )
    assert changed.status_code == 200
    await desk.submit(path)
    status = await desk.refused(f"{path}/approve", {"version_hash": before}, "checker")
    assert status in ((409, "stale_version"), (412, "stale_version"))


@pytest.mark.parametrize("mcc", ["7995", "6051", "4829", "6010", "6011", "7273", "5967", "9406"])
async def test_scenario_27_a_seller_may_not_carry_on_a_trade_that_is_for_licensed_firms(desk: Desk, mcc: str) -> None:
    document = builders.seller(mcc=mcc)
    row = await builders.create_application(desk.service, desk.world["greenbankfsp"]["maker"], document)
    answer = await desk.client.post(f"/api/v1/applications/{row.id}/submit", headers=await desk.headers("maker"))
    assert answer.status_code == 422
    assert ("business.mcc", "mcc_refused") in {(one["path"], one["code"]) for one in answer.json()["errors"]}


async def test_scenario_27_a_trade_that_is_prohibited_is_open_to_nobody(desk: Desk) -> None:
    row = await builders.create_application(
        desk.service, desk.world["greenbankfsp"]["maker"], builders.company(mcc="9950")
    )
    answer = await desk.client.post(f"/api/v1/applications/{row.id}/submit", headers=await desk.headers("maker"))
    assert ("business.mcc", "mcc_prohibited") in {(one["path"], one["code"]) for one in answer.json()["errors"]}


async def test_scenario_27_a_live_merchant_changes_its_trade_by_a_case_that_is_judged_anew(desk: Desk) -> None:
    merchant = await desk.merchant(sole_proprietor(mcc="5499"))
    shown = await desk.get(merchant)
    assert shown["mcc"] == "5499"
    business: dict[str, Any] = {"trading_name": shown["trading_name"], "kind": "sole_proprietor", "currencies": ["KES"]}
    refused = await desk.case(merchant, kind="change", business=business | {"mcc": "7995"})
    assert (await desk.refused(f"{refused}/submit"))[0] == 422
    assert (await desk.get(merchant))["mcc"] == "5499"
    await desk.post(f"{refused}/withdraw")
    allowed = await desk.case(merchant, kind="change", business=business | {"mcc": "5993"})
    assert (await desk.refused(f"{allowed}/submit"))[0] == 422  # tobacco is for the highest tier alone
    await desk.post(f"{allowed}/withdraw")
    harmless = await desk.case(merchant, kind="change", business=business | {"mcc": "5411"})
    await desk.submit(harmless)
    await desk.approved(harmless)
    assert (await desk.get(merchant))["mcc"] == "5411"


async def test_scenario_31_an_appeal_is_written_and_decided_by_others_and_a_second_rejection_is_final(
    desk: Desk,
) -> None:
    path = await desk.submitted(sole_proprietor())
    await desk.post(f"{path}/reject", {"reason": "Not convinced."}, "checker")
    appeal = {"reason": "The association knows her."}
    assert await desk.refused(f"{path}/appeal", appeal, "maker") == (403, "checker_is_maker")
    await desk.post(f"{path}/appeal", appeal, "maker2")
    await builders.work(desk.service)
    own = await desk.approve(path, "checker")
    assert (own.status_code, own.json()["code"]) == (403, "checker_is_maker")
    assert (await desk.approved(path, "checker2"))["tier"] == "T1"
    path_of_another = await desk.submitted(sole_proprietor())
    await desk.post(f"{path_of_another}/reject", {"reason": "No."}, "checker")
    await desk.post(f"{path_of_another}/appeal", appeal, "maker2")
    await builders.work(desk.service)
    own = await desk.refused(f"{path_of_another}/reject", {"reason": "Still no."}, "checker")
    assert own == (403, "checker_is_maker")
    await desk.post(f"{path_of_another}/reject", {"reason": "Nor I."}, "checker2")
    assert (await desk.refused(f"{path_of_another}/appeal", appeal, "maker2"))[1] == "not_rejected"


@pytest.mark.parametrize("days", [None, 0, 400])
async def test_scenario_32_a_waiver_without_an_end_or_with_one_too_far_is_refused(desk: Desk, days: int | None) -> None:
    path = await desk.submitted(sole_proprietor(tax_id="A123456789"))
    waiver: dict[str, Any] = {"attribute": "licence", "subject": "business", "reason": "The office is closed."}
    if days is not None:
        waiver["expires_on"] = (clock.now() + timedelta(days=days)).date().isoformat()
    assert (await desk.refused(f"{path}/waivers", waiver, "checker"))[0] == 422


async def test_scenario_32_a_waiver_takes_two_checkers(desk: Desk) -> None:
    document = sole_proprietor() | {"settlement_account": {"account_id": "AC-7", "account_name": "Njeri"}}
    path = await desk.submitted(document)
    end = (clock.now() + timedelta(days=30)).date().isoformat()
    waiver = {"attribute": "community", "subject": "merchant", "reason": "The chair is away.", "expires_on": end}
    for _ in range(2):  # once more by the same person is no second person
        first = await desk.post(f"{path}/waivers", waiver, "checker", 201)
        assert first["outcome"] == "waiver_proposed"
    assert (await desk.get(path))["report"]["tier"] == "T1"
    second = await desk.post(f"{path}/waivers", waiver, "checker2", 201)
    assert (second["outcome"], second["expires_on"]) == ("waived", end)
    assert (await desk.get(path))["report"]["tier"] == "T2"  # without anybody screening again
    assert (await desk.approved(path))["tier"] == "T2"
