"""Scenarios 13 to 18, and the faults D2, D6 and D15: names and numbers on lists, through the API."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests import builders
from tests.api.everything import listed_company
from tests.scenarios.desk import Desk, paths

pytestmark = pytest.mark.anyio
LISTED = "Ayman Muhammed Rabi", "al-Zawahiri"


def owned_by(given: str, family: str | None, birth_date: str | None, **more: Any) -> dict[str, Any]:
    """A seller's application with this owner."""
    document = builders.seller()
    document["owners"][0] |= {"given_name": given, "family_name": family, "birth_date": birth_date} | more
    document["contact"]["name"] = "Shop"
    return document


async def hits(desk: Desk, document: dict[str, Any]) -> tuple[str, Any]:
    """The case, and its hits that wait for a person."""
    path = await desk.submitted(document)
    found = (await desk.get(path))["report"]["hits"]
    return path, [one for one in found if not one["hit"]["set_aside"]]


async def test_scenario_13_an_equal_name_born_twenty_years_apart_is_set_aside_and_kept_as_evidence(desk: Desk) -> None:
    path, waiting = await hits(desk, owned_by(*LISTED, "1971-06-19"))
    assert waiting == []
    kept = (await desk.get(path))["report"]["hits"]
    assert {(one["hit"]["set_aside"], one["hit"]["birth_year"]) for one in kept} == {(True, "differs")}
    assert (await desk.approved(path))["tier"] in ("T0", "T1")


async def test_scenario_14_an_equal_name_without_a_birth_date_is_held_and_the_date_is_asked_for(desk: Desk) -> None:
    path, waiting = await hits(desk, owned_by(*LISTED, None))
    assert waiting
    assert (await desk.approve(path)).json()["code"] == "screening_hits_open"
    shown = await desk.get(path)
    assert "owners[0].birth_date" in paths(shown["requirements"]["currently_due"])


@pytest.mark.parametrize("number", ["OB 0243318", "ob-0243318", "OB0243318"])
async def test_scenario_15_a_listed_number_is_a_likely_match_whatever_the_name(desk: Desk, number: str) -> None:
    """Fault D6."""
    path, waiting = await hits(desk, owned_by("Rose", "Achieng", "1990-01-01", id_type="passport", id_number=number))
    assert {(one["hit"]["identifier"], one["hit"]["band"]) for one in waiting} == {("agrees", "likely")}
    assert (await desk.approve(path)).json()["code"] == "screening_hits_open"


@pytest.mark.parametrize(
    ("given", "family"),
    [
        ("Аyman Muhammеd Rаbi", "al-Zawahiri"),  # look-alike letters
        ("Ay\u200bman Muham\u2060med Rabi", "al-Zawahiri"),
        ("al-Zawahiri", "Ayman Muhammed Rabi"),
        ("Ayman", "al-Zawahiri"),
        ("Sheikh Dr. Ayman Muhammed Rabi", "al-Zawahiri"),
        ("Mr Dr " * 8 + "Ayman Muhammed Rabi", "al-Zawahiri"),  # fault D2: 16 titles before the name
        ("Aymn Mhmd Rabi", "al-Zwahri"),
    ],
)
async def test_scenario_16_a_listed_name_is_found_however_it_is_written(desk: Desk, given: str, family: str) -> None:
    headers = {**await desk.headers("maker"), "idempotency-key": "k"}
    opened = await desk.client.post("/api/v1/applications", json=owned_by(given, family, "1951-06-19"), headers=headers)
    if opened.status_code == 422:  # a name that mixes scripts or hides letters is not even taken
        assert {one["path"] for one in opened.json()["errors"]} == {"owners[0].given_name"}
        return
    path = f"applications/{opened.json()['id']}"
    await desk.submit(path)
    refused = await desk.approve(path)
    assert (refused.status_code, refused.json()["code"]) == (409, "screening_hits_open")


@pytest.mark.parametrize(
    "name", ["Corp", "Emma LLC", "Acme", "xxxxx", "Aman", "Ansar", "Rahma", "General Trading", "Shop A"]
)
async def test_scenario_17_one_everyday_word_is_no_alarm(desk: Desk, name: str) -> None:
    """Fault D15."""
    document = builders.company(trading_name=name, legal_name=name)
    _, waiting = await hits(desk, document)
    assert waiting == []


async def test_scenario_18_without_lists_nobody_is_approved_live_merchants_are_paid_and_it_is_said(
    desk: Desk, tmp_path: Path
) -> None:
    merchant = await desk.merchant(builders.company())
    desk.service.settings = msgspec.structs.replace(desk.service.settings, screening_list=tmp_path / "gone.xml")
    path = await desk.submitted(listed_company())
    assert (await desk.get(path))["report"]["screening"] == "not_checked"
    refused = await desk.approve(path)
    assert (refused.status_code, refused.json()["code"]) == (409, "screening_not_checked")
    counter = (await desk.get(merchant))["counters"][0]
    key = await builders.issue_key(desk.service, desk.world["greenbankfsp"]["admin"], ["payments:request"])
    asked = {"counter_id": counter["id"], "amount": {"amount": "1", "currency": "KES"}}
    paid = await desk.client.post("/api/v1/payment-requests", json=asked, headers={**key, "idempotency-key": "k"})
    assert paid.status_code == 201
    told = {one["name"]: one["status"] for one in (await desk.client.get("/health/ready")).json()["checks"]}
    assert told["lists"] == "failed"
