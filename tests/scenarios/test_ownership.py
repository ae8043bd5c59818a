"""Scenarios 24 and 25, and fault D1: who owns a company, through the API."""

from typing import Any

import pytest

from tests import builders
from tests.scenarios.desk import Desk

pytestmark = pytest.mark.anyio


def owner(name: str, percent: float | None, **more: Any) -> dict[str, Any]:
    """A person with identity and birth date."""
    number = sum(map(ord, name))
    return {
        "given_name": name,
        "family_name": "Otieno",
        "birth_date": "1980-02-03",
        "id_type": "national_id",
        "id_number": f"{31_000_000 + number}",
        "ownership_percent": percent,
    } | more


def firm(name: str, ref: str, percent: float | None, **more: Any) -> dict[str, Any]:
    """A company among the owners."""
    found = {
        "kind": "company",
        "legal_name": name,
        "country": "KE",
        "registration_number": f"C-2016-{sum(map(ord, name))}",
        "ref": ref,
    }
    return found | {"ownership_percent": percent} | more


async def outcome(desk: Desk, owners: list[dict[str, Any]]) -> tuple[str | None, set[str]]:
    """The tier that a company with these owners reaches, and the codes of what is due at the highest."""
    row = await builders.create_application(
        desk.service, desk.world["greenbankfsp"]["maker"], builders.company() | {"owners": owners}
    )
    needs = await desk.get(f"applications/{row.id}/requirements?tier=T3")
    answer = await desk.client.post(f"/api/v1/applications/{row.id}/submit", headers=await desk.headers("maker"))
    if answer.status_code != 200:
        return None, {one["code"] for one in answer.json()["errors"]}
    await builders.work(desk.service)
    approved = await desk.approve(f"applications/{row.id}")
    due = {one["code"] for one in (*needs["currently_due"], *needs["errors"])}
    return (approved.json()["tier"] if approved.status_code == 200 else None), due


async def test_scenario_24_companies_that_own_each_other_end_and_are_said(desk: Desk) -> None:
    owners = [
        owner("Amina", 10, is_director=True),
        firm("First Limited", "first", 45),
        firm("Second Limited", "second", 45),
        firm("Second Limited", "second2", 100, owns="first"),
        firm("First Limited", "first2", 100, owns="second"),
    ]
    tier, codes = await outcome(desk, owners)
    assert tier is None
    assert codes & {"owner_unknown", "circular", "owners_incomplete", "unknown_owner"}, codes


async def test_scenario_24_a_company_with_an_owner_nobody_knows_is_not_raised(desk: Desk) -> None:
    owners = [owner("Amina", 40, is_director=True), {"kind": "unknown", "ownership_percent": 60}]
    tier, codes = await outcome(desk, owners)
    assert tier is None
    assert codes & {"owner_unknown", "owners_incomplete", "unknown_owner"}, codes


@pytest.mark.parametrize(("percent", "asked"), [(24.9, False), (25, True)])
async def test_scenario_25_an_owner_is_asked_for_from_a_quarter_on(desk: Desk, percent: float, asked: bool) -> None:
    small = {"given_name": "Small", "family_name": "Holder", "ownership_percent": percent}
    document = builders.company() | {"owners": [owner("Amina", 100 - percent, is_director=True), small]}
    row = await builders.create_application(desk.service, desk.world["greenbankfsp"]["maker"], document)
    needs = await desk.get(f"applications/{row.id}/requirements?tier=T3")
    named = {
        one["path"] for one in (*needs["currently_due"], *needs["pending_verification"]) if "owners[1]" in one["path"]
    }
    assert ("owners[1].birth_date" in named) == asked, named


@pytest.mark.parametrize(
    "owners",
    [
        [{"given_name": "Q"}],
        [{"given_name": "Q", "id_type": "national_id", "id_number": "12345678"}],
        [],
    ],
)
async def test_fault_d1_no_company_is_raised_by_a_name_and_the_register_number_x(
    desk: Desk, owners: list[dict[str, Any]]
) -> None:
    document = builders.company(registration_number="x") | {"owners": owners}
    headers = {**await desk.headers("maker"), "idempotency-key": "k"}
    opened = await desk.client.post("/api/v1/applications", json=document, headers=headers)
    assert ("business.registration_number", "not_a_number") in {
        (one["path"], one["code"]) for one in opened.json()["errors"]
    }
    document["business"]["registration_number"] = "CPR/2009/1"
    opened = await desk.client.post("/api/v1/applications", json=document, headers={**headers, "idempotency-key": "l"})
    refused = await desk.refused(f"applications/{opened.json()['id']}/submit")
    assert refused == (422, "incomplete")
