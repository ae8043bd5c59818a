"""Puts lists, and screens names against what is in force, for the tests of this folder."""

from typing import Any

import httpx

import kyb
from merchant.compliance.lists import current, operations
from merchant.compliance.lists.queries import Version
from merchant.core import ids
from merchant.core.access import SERVICE, Actor
from merchant.core.service import Service
from tests.builders import Person


def own_list(*names: str) -> bytes:
    """A list of one's own with a person of each name."""
    rows = "".join(f"{number},person,{name},,,,,fraud\n" for number, name in enumerate(names, 1))
    return f"id,kind,name,aliases,birth_date,country,id_number,reason\n{rows}".encode()


def eu_list(day: str, names: list[str]) -> bytes:
    """The EU's list of a day, with a person of each name."""
    entries = "".join(
        f'<sanctionEntity logicalId="{number}"><subjectType classificationCode="P"/><nameAlias wholeName="{name}"/>'
        "</sanctionEntity>"
        for number, name in enumerate(names, 1)
    )
    return f'<export generationDate="{day}T00:00:00Z">{entries}</export>'.encode()


def un_list(day: str, names: list[str]) -> bytes:
    """The UN's list of a day, with a person of each name."""
    entries = "".join(
        f"<INDIVIDUAL><FIRST_NAME>{name}</FIRST_NAME><REFERENCE_NUMBER>QDi.{number}</REFERENCE_NUMBER></INDIVIDUAL>"
        for number, name in enumerate(names, 1)
    )
    return (
        f'<CONSOLIDATED_LIST dateGenerated="{day}T00:00:00Z"><INDIVIDUALS>{entries}</INDIVIDUALS></CONSOLIDATED_LIST>'
    ).encode()


def somebody() -> Actor:
    """Another person of the hub."""
    return Actor(kind="user", id=ids.uuid7(), name="somebody", dfsp_id=None)


async def put(service: Service, form: str, content: bytes, actor: Actor = SERVICE) -> Version:
    """Put a list, as the command and the route do."""
    prepared = await operations.prepare_list(service, form, content)
    async with service.db.system() as tx:
        version = await operations.put_list(tx, service, actor, prepared)
    current.look_again(service)
    return version


async def confirm(service: Service, version: Version, actor: Actor) -> Version:
    """Confirm a proposed list."""
    async with service.db.system() as tx:
        confirmed = await operations.confirm_list(tx, actor, version.id)
    current.look_again(service)
    return confirmed


async def is_listed(service: Service, name: str) -> bool | None:
    """Whether a person's name is like a listed one; None where names are not checked."""
    index = (await current.current_index(service)).index
    return None if index is None else bool(kyb.screen(name, index))


async def listed(client: httpx.AsyncClient, who: Person) -> dict[str, dict[str, Any]]:
    """What the API tells of each list, by its source."""
    answer = await client.get("/api/v1/screening-lists", headers=who.headers)
    assert answer.status_code == 200, answer.text
    return {one["source"]: one for one in answer.json()["items"]}
