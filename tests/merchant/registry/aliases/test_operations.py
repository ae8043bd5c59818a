"""Numbers: unique however many approve at once, own aliases first come first served, never reissued."""

import asyncio
from collections import Counter as Tally
from functools import partial
from typing import Any

import asyncpg
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import luhn

from merchant.compliance.cases.models import Application
from merchant.core import ids
from merchant.core.service import Service, open_service
from merchant.core.settings import Settings
from merchant.hub.fspiop.resources import RESERVED_WORDS
from merchant.registry.aliases import operations as aliases
from merchant.registry.aliases.problems import NumbersExhausted
from tests import builders
from tests.apps import patiently
from tests.builders import World

pytestmark = pytest.mark.anyio


async def set_alias_length(service: Service, length: int) -> None:
    async with service.db.system() as tx:
        await tx.execute("UPDATE scheme SET alias_length = $1", length)
    service._scheme = None  # read once a process; a restart reads it anew


async def submitted(service: Service, world: World, count: int, **changes: Any) -> list[Application]:
    made = []
    for number in range(count):
        document = builders.seller()
        for name, value in changes.items():
            document["locations"][0][name] = value(number)
        fsp_id = builders.DFSPS[number % 2]
        made.append(await builders.create_application(service, world[fsp_id]["maker"], document, submitted=True))
    return made


async def approve_all(client: httpx.AsyncClient, world: World, applications: list[Application]) -> list[httpx.Response]:
    fsp_ids = {dfsp_id: fsp_id for fsp_id, dfsp_id in world.dfsp_ids.items()}

    async def approve(application: Application) -> httpx.Response:
        return await client.post(
            f"/api/v1/applications/{application.id}/approve",
            json={"version_hash": application.version_hash},
            headers=world[fsp_ids[application.dfsp_id]]["checker"].headers,
        )

    return await asyncio.gather(*(patiently(partial(approve, application)) for application in applications))


async def test_thirty_approvals_at_once_in_a_tiny_number_space_get_thirty_numbers(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    applications = await submitted(service, world, 30)
    await set_alias_length(service, 3)  # ninety numbers in all
    responses = await approve_all(client, world, applications)
    assert Tally(response.status_code for response in responses) == {200: 30}
    numbers = [response.json()["counters"][0]["alias"] for response in responses]
    assert len(set(numbers)) == 30
    assert all(len(number) == 3 and number[0] != "0" and luhn.is_valid(number) for number in numbers)
    async with service.db.system() as tx:
        assert await tx.fetchval("SELECT count(*) FROM alias_claim") == 30
        assert await tx.fetchval("SELECT count(*) FROM counter") == 30


async def test_when_no_number_is_left_the_approval_fails_whole_and_says_so(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    applications = await submitted(service, world, 10)
    await set_alias_length(service, 2)  # nine numbers in all
    responses = await approve_all(client, world, applications)
    answered = Tally(response.json().get("code", "approved") for response in responses)
    # Whether the ninth is found is chance: one number is drawn 64 times.
    assert set(answered) <= {"approved", "numbers_exhausted", "busy"}
    assert 1 <= answered["approved"] <= 9
    async with service.db.system() as tx:
        assert await tx.fetchval("SELECT count(*) FROM merchant") == answered["approved"]


async def test_drawing_gives_up_after_a_while_rather_than_for_ever(service: Service, world: World) -> None:
    await set_alias_length(service, 2)
    scheme = await service.scheme()
    async with service.db.system() as tx:
        for first in "123456789":
            assert await aliases.claim(
                tx, "ALIAS", first + ids.luhn_digit(first), world.dfsp_ids["lakemfi"], external_id="x"
            )
        with pytest.raises(NumbersExhausted):
            await aliases.draw(tx, scheme, world.dfsp_ids["lakemfi"], external_id="y")


async def test_of_many_who_want_one_alias_at_once_one_gets_it(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    applications = await submitted(service, world, 8, counters=lambda _: [{"own_alias": "mama"}])
    responses = await approve_all(client, world, applications)
    assert Tally(response.status_code for response in responses) == {200: 1, 409: 7}
    assert {response.json()["code"] for response in responses if response.status_code == 409} == {"alias_taken"}


async def test_two_who_want_the_same_two_aliases_in_opposite_order_do_not_hang(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    pair = [{"own_alias": "one"}, {"own_alias": "two"}]
    applications = await submitted(service, world, 6, counters=lambda number: pair[:: 1 if number % 2 else -1])
    responses = await approve_all(client, world, applications)
    codes = Tally(response.json().get("code", "approved") for response in responses)
    assert codes["approved"] <= 1
    assert set(codes) <= {"approved", "alias_taken", "busy"}, codes
    async with service.db.system() as tx:
        assert await tx.fetchval("SELECT count(*) FROM alias_claim") == 2 * codes["approved"]


async def test_a_retired_alias_is_given_to_nobody_else(service: Service, world: World) -> None:
    merchant, counters = await builders.create_merchant(service, world)
    async with service.db.system() as tx:
        await tx.execute("DELETE FROM alias WHERE merchant_id = $1", merchant.id)
        await tx.execute("UPDATE alias_claim SET retired_at = now()")
        for fsp_id in builders.DFSPS:
            assert not await aliases.claim(tx, "ALIAS", counters[0].alias, world.dfsp_ids[fsp_id], external_id="x")


async def test_the_database_itself_keeps_numbers_unique(service: Service, world: World) -> None:
    merchant, counters = await builders.create_merchant(service, world)
    with pytest.raises(asyncpg.UniqueViolationError):
        async with service.db.system() as tx:
            await tx.execute(
                "INSERT INTO alias_claim (alias_type, alias, dfsp_id, claimed_at) VALUES ('ALIAS', $1, $2, now())",
                counters[0].alias,
                merchant.dfsp_id,
            )


async def test_an_alias_opens_once_for_each_currency(service: Service, world: World) -> None:
    merchant, counters = await builders.create_merchant(service, world)
    async with service.db.system() as tx:
        opened = await aliases.open_routes(
            tx, "ALIAS", counters[0].alias, merchant.dfsp_id, ["USD", "KES", "JPY"], merchant_id=merchant.id
        )
        assert opened == 1  # the other two were open already


@given(st.from_regex(r"[A-Za-z0-9._-]{1,32}", fullmatch=True))
def test_what_matches_the_contract_is_an_alias_unless_it_is_a_resource_or_only_dots(text: str) -> None:
    reserved = text.lower() in RESERVED_WORDS or not text.strip(".")
    assert aliases.is_identifier(text) != reserved


@given(st.text(max_size=40))
def test_nothing_else_is_an_alias(text: str) -> None:
    if aliases.is_identifier(text):
        assert 1 <= len(text) <= 32
        assert text.isascii()
        assert all(character.isalnum() or character in "._-" for character in text)


@pytest.mark.parametrize("word", ["participants", "Quotes", "TRANSFERS", "error", ".", "..", "", "a\n", "a/b", "ä"])
def test_reserved_words_and_path_signs_are_none(word: str) -> None:
    assert not aliases.is_identifier(word)


async def test_a_process_started_anew_draws_by_the_schemes_new_length(
    service: Service, world: World, settings: Settings, database_url: str
) -> None:
    async with service.db.system() as tx:
        await tx.execute("UPDATE scheme SET alias_length = 10")
    async with open_service(settings, database_url) as fresh:
        _, counters = await builders.create_merchant(fresh, world)
    assert len(counters[0].alias) == 10
