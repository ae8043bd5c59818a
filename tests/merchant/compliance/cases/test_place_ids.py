"""Places and counters that a case names by id: unknown ones and those that stand twice are refused before anybody reads
the case.
"""

from collections.abc import Callable
from typing import Any

import httpx
import msgspec
import pytest

from merchant.compliance.cases import answers
from merchant.compliance.cases.models import Application
from merchant.core.service import Service
from tests import builders
from tests.builders import World
from tests.merchant.compliance.cases.banks import Bank

pytestmark = pytest.mark.anyio
Places = list[dict[str, Any]]
Wrong = Callable[[Places], Places]
OTHER = "0197a000-0000-7000-8000-000000000001"


@pytest.fixture
def bank(client: httpx.AsyncClient, service: Service, world: World) -> Bank:
    return Bank(client, service, world, "greenbankfsp")


@pytest.fixture
async def merchant_id(service: Service, world: World) -> str:
    made, _ = await builders.create_merchant(service, world)
    return str(made.id)


def with_counters(places: Places, *wanted: str) -> Places:
    return [places[0] | {"counters": [{"id": one, "name": "Till"} for one in wanted]}]


def twice(places: Places) -> Places:
    return with_counters(places, *[places[0]["counters"][0]["id"]] * 2)


WRONG: list[tuple[Wrong, str, str]] = [
    (lambda places: [places[0] | {"id": OTHER}], "locations[0].id", "unknown"),
    (lambda places: with_counters(places, OTHER), "locations[0].counters[0].id", "unknown"),
    (lambda places: with_counters(places, places[0]["id"]), "locations[0].counters[0].id", "unknown"),
    (lambda places: [places[0], places[0] | {"counters": []}], "locations[1].id", "duplicate"),
    (twice, "locations[0].counters[1].id", "duplicate"),
]


def faults(answer: httpx.Response) -> list[tuple[str, str]]:
    assert answer.status_code == 422, answer.text
    return [(one["path"], one["code"]) for one in answer.json()["errors"]]


async def put_places(service: Service, case: str, places: Places) -> None:
    """Write answers into a draft that no route takes any more, as an older release did."""
    async with service.db.system() as tx:
        row = await tx.session.get(Application, case.partition("/")[2])
        assert row is not None
        before = answers.unseal(service.vault, row.id, row.sections_sealed)
        given = builders.sections({"locations": places}).locations
        answers.write(service.vault, row, msgspec.structs.replace(before, locations=given))


@pytest.mark.parametrize(("wrong", "path", "code"), WRONG)
async def test_a_case_that_names_no_place_of_its_merchant_or_one_twice_is_refused_when_opened_edited_and_submitted(
    bank: Bank, service: Service, merchant_id: str, wrong: Wrong, path: str, code: str
) -> None:
    case = await bank.open_case(merchant_id, "change")
    places = (await bank.send("GET", case))["locations"]
    assert faults(await bank.patch(case, {"locations": wrong(places)})) == [(path, code)]
    await put_places(service, case, wrong(places))
    assert faults(await bank.ask("POST", f"{case}/submit")) == [(path, code)]
    await bank.send("POST", f"{case}/withdraw")
    body = {"kind": "change", "locations": wrong(places)}
    assert faults(await bank.ask("POST", f"merchants/{merchant_id}/cases", body)) == [(path, code)]


async def test_a_case_that_names_its_merchants_places_and_new_ones_is_approved(bank: Bank, merchant_id: str) -> None:
    case = await bank.open_case(merchant_id, "change")
    [place] = (await bank.send("GET", case))["locations"]
    new = {"kind": "physical", "country": "KE", "city": "Kisumu", "counters": [{"name": "Till 9"}]}
    assert (await bank.patch(case, {"locations": [place, new]})).status_code == 200
    await bank.decide(case)
    assert len((await bank.send("GET", f"merchants/{merchant_id}"))["locations"]) == 2


async def test_a_dfsp_that_is_offered_a_merchant_names_only_its_places(
    bank: Bank, client: httpx.AsyncClient, service: Service, world: World, merchant_id: str
) -> None:
    await bank.decide(await bank.open_case(merchant_id, "transfer", to_fsp_id="lakemfi", reason="She signed for it."))
    other = Bank(client, service, world, "lakemfi")
    [offered] = (await other.send("GET", "cases?kind=transfer"))["items"]
    offer = f"cases/{offered['id']}"
    places = (await other.send("GET", offer))["locations"]
    assert faults(await other.patch(offer, {"locations": [places[0] | {"id": OTHER}]})) == [
        ("locations[0].id", "unknown")
    ]
    assert (await other.patch(offer, {"locations": places})).status_code == 200
