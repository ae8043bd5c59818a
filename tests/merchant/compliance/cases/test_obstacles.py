"""What submit or approve would refuse stands in the requirements before anybody presses the button."""

import json
import time
from typing import Any

import httpx
import pytest

import kyb
from merchant.compliance.cases import doubts
from merchant.compliance.cases.obstacles import limit_errors, protected_errors
from merchant.core.service import Service
from tests import builders
from tests.builders import World
from tests.merchant.compliance.cases.blocking.stage import list_blocked
from tests.merchant.compliance.cases.risky import Desk

pytestmark = [pytest.mark.anyio, pytest.mark.database]


async def ask(client: httpx.AsyncClient, world: World, path: str, language: str = "en") -> Any:
    answer = await client.get(path, headers={**world.maker.headers, "accept-language": language})
    assert answer.status_code == 200, answer.text
    return answer.json()


def places(errors: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    return [(one["path"], one["code"], one["message"]) for one in errors]


async def submitted_and_shown(
    client: httpx.AsyncClient, service: Service, world: World, document: dict[str, Any]
) -> tuple[str, list[tuple[str, str, str]]]:
    """The code with which a submit is refused; that its places are those that the requirements told before."""
    made = await builders.create_application(service, world.maker, document)
    path = f"/api/v1/applications/{made.id}"
    needs = await ask(client, world, f"{path}/requirements")
    assert (await ask(client, world, path))["requirements"] == needs
    refused = await client.post(f"{path}/submit", headers=world.maker.headers)
    assert refused.status_code == 422, refused.text
    assert places(needs["errors"]) == places(refused.json()["errors"])
    return refused.json()["code"], places(needs["errors"])


async def test_a_protected_name_stands_among_the_errors_before_it_is_submitted(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    code, told = await submitted_and_shown(client, service, world, builders.seller(trading_name="Safaricom"))
    assert code == "protected_name"
    assert [one[:2] for one in told] == [("business.trading_name", "protected_name")]


async def test_a_currency_without_limits_stands_among_the_errors_in_the_language_asked_for(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    document = builders.seller(currencies=["KPW"])
    code, told = await submitted_and_shown(client, service, world, document)
    assert code == "invalid_fields"
    assert told == [("business.currencies", "no_limits", "The policy sets no limits for KPW.")]
    made = await builders.create_application(service, world.maker, document)
    french = await ask(client, world, f"/api/v1/applications/{made.id}/requirements", "fr")
    assert french["errors"][0]["message"] != told[0][2]
    assert "KPW" in french["errors"][0]["message"]


async def test_a_block_listed_phone_stands_among_the_errors_and_nothing_says_why(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    document = builders.seller()
    await list_blocked(service, f"msisdn,{document['contact']['phone']},13")
    code, told = await submitted_and_shown(client, service, world, document)
    assert code == "block_listed"
    assert [one[:2] for one in told] == [("contact.phone", "block_listed")]
    assert not [word for word in ("illegal", "13", "blocked") if word in json.dumps(told).lower()]


async def test_a_returned_case_and_a_case_of_a_merchant_show_what_their_next_submit_refuses(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    document = builders.company()
    merchant, _ = await builders.create_merchant(service, world, document=document)
    opened = await client.post(
        f"/api/v1/merchants/{merchant.id}/cases",
        json={"kind": "change", "business": document["business"] | {"currencies": ["KPW"]}},
        headers={**world.maker.headers, "idempotency-key": "change"},
    )
    assert opened.status_code == 201, opened.text
    needs = await ask(client, world, f"/api/v1/cases/{opened.json()['id']}/requirements")
    assert [one["code"] for one in needs["errors"]] == ["no_limits"]


async def test_an_unacceptable_risk_stands_among_the_errors_of_a_case_under_review(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    document = builders.company()
    document["locations"].append({"country": "KP", "city": "Pyongyang"})
    desk = await Desk.open(client, service, world, document)
    refused = await desk.approve("checker", 409)
    errors = (await desk.read())["requirements"]["errors"]
    assert [(one["path"], one["code"], one["message"]) for one in errors] == [
        ("risk", "risk_unacceptable", refused["title"])
    ]


async def test_what_a_policy_refuses_stands_among_the_errors_of_a_case_under_review(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    document = builders.seller()
    desk = await Desk.open(client, service, world, document)
    await list_blocked(service, f"msisdn,{document['contact']['phone']},13")
    await desk.send("checker", "POST", "/screen")
    assert (await desk.approve("checker", 409))["code"] == "doubt_refused"
    assert [one["code"] for one in (await desk.read())["requirements"]["errors"]] == ["block_listed"]


async def test_a_case_in_order_has_no_errors_and_one_that_ended_is_held_against_nothing(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    made = await builders.create_application(service, world.maker, builders.seller())
    path = f"/api/v1/applications/{made.id}"
    assert (await ask(client, world, path))["requirements"]["errors"] == []
    named = await builders.create_application(service, world.maker, builders.seller(currencies=["KPW"]))
    path = f"/api/v1/applications/{named.id}"
    assert (await client.post(f"{path}/withdraw", headers=world.maker.headers)).status_code == 200
    assert (await ask(client, world, path))["requirements"]["errors"] == []


async def test_looking_at_the_names_of_a_case_takes_a_few_milliseconds(service: Service) -> None:
    policy = kyb.default_policy()
    sections = builders.sections(builders.company())
    protected = await doubts.protected_names(service, policy)
    protected_errors(sections, protected)  # the first reads files
    began = time.process_time()
    for _ in range(20):
        protected_errors(sections, protected)
        limit_errors(sections, policy)
    assert (time.process_time() - began) / 20 < 0.02


class TestTiers:
    @pytest.mark.parametrize("tier", ["T9", "T3", ""])
    async def test_a_tier_that_is_not_open_is_refused_with_those_that_are(
        self, client: httpx.AsyncClient, service: Service, world: World, tier: str
    ) -> None:
        made = await builders.create_application(service, world.maker, builders.seller())
        merchant, _ = await builders.create_merchant(service, world, document=builders.seller())
        for path in (f"applications/{made.id}", f"cases/{made.id}", f"merchants/{merchant.id}"):
            refused = await client.get(f"/api/v1/{path}/requirements?tier={tier}", headers=world.maker.headers)
            assert (refused.status_code, refused.json()["code"]) == (422, "invalid_fields"), path
            [told] = refused.json()["errors"]
            assert (told["path"], told["code"]) == ("tier", "not_allowed")
            assert "T0, T1" in told["message"]
            assert "T3" not in told["message"]

    async def test_a_tier_that_is_open_is_answered_for(
        self, client: httpx.AsyncClient, service: Service, world: World
    ) -> None:
        made = await builders.create_application(service, world.maker, builders.seller())
        needs = await ask(client, world, f"/api/v1/applications/{made.id}/requirements?tier=T1")
        assert needs["target_tier"] == "T1"

    async def test_while_the_kind_is_not_known_any_tier_of_the_policy_may_be_asked_for(
        self, client: httpx.AsyncClient, service: Service, world: World
    ) -> None:
        made = await builders.create_application(service, world.maker, {"external_ref": "R-1"})
        path = f"/api/v1/applications/{made.id}/requirements"
        assert (await ask(client, world, f"{path}?tier=T3"))["currently_due"]
        refused = await client.get(f"{path}?tier=T9", headers=world.maker.headers)
        assert refused.status_code == 422
        assert "T0, T1, T2, T3" in refused.json()["errors"][0]["message"]


UNSPELT = "متجر بلتك"  # vowels are not written, and the second word is in no list


async def test_a_shop_whose_name_no_rule_spells_is_asked_for_its_latin_name_before_and_at_the_submit(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    made = await builders.create_application(service, world.maker, _without_short_name(UNSPELT))
    path = f"/api/v1/applications/{made.id}"
    due = (await ask(client, world, f"{path}/requirements"))["currently_due"]
    assert [one[:2] for one in places(due)] == [("business.ussd_name", "missing")]
    refused = await client.post(f"{path}/submit", headers=world.maker.headers)
    assert (refused.status_code, refused.json()["code"]) == (422, "incomplete")
    assert places(refused.json()["errors"]) == places(due)


@pytest.mark.parametrize(
    ("name", "short"), [(UNSPELT, "Beltek"), ("متجر النور", None), ("ရွှေတောင်ကြီးဈေး", None), ("Café Élan", None)]
)
async def test_a_shop_whose_latin_name_is_given_or_sure_is_asked_nothing(
    client: httpx.AsyncClient, service: Service, world: World, name: str, short: str | None
) -> None:
    document = _without_short_name(name)
    document["business"] |= {"ussd_name": short} if short else {}
    made = await builders.create_application(service, world.maker, document)
    path = f"/api/v1/applications/{made.id}"
    assert (await ask(client, world, f"{path}/requirements"))["currently_due"] == []
    submitted = await client.post(f"{path}/submit", headers=world.maker.headers)
    assert submitted.status_code == 200, submitted.text


def _without_short_name(name: str) -> dict[str, Any]:
    document = builders.company(trading_name=name)
    document["business"].pop("ussd_name", None)
    return document
