"""What a person does with passkeys over the API, with a device played in software; for the tests of passkeys."""

from typing import Any

import httpx

from merchant.core.evidence import EventBuffer
from merchant.core.service import Service
from tests.authenticator import Authenticator
from tests.builders import PASSWORD, Person

ME, OWN, DOOR = "/api/v1/users/me", "/api/v1/users/me/passkeys", "/api/v1/sessions/passkey"
ORIGIN = "http://localhost:8000"


async def begin(client: httpx.AsyncClient, person: Person) -> dict[str, Any]:
    """The options of a new passkey."""
    begun = await client.post(f"{OWN}/options", json={"password": PASSWORD}, headers=person.headers)
    assert begun.status_code == 200, begun.text
    options: dict[str, Any] = begun.json()["public_key"]
    return options


async def send(client: httpx.AsyncClient, person: Person, credential: Any, name: str = "phone") -> httpx.Response:
    return await client.post(OWN, json={"credential": credential, "name": name}, headers=person.headers)


async def add(client: httpx.AsyncClient, person: Person, **how: Any) -> Authenticator:
    """A passkey that a person has added."""
    device = Authenticator(ORIGIN, **how)
    added = await send(client, person, device.create(await begin(client, person)))
    assert added.status_code == 201, added.text
    return device


async def knock(client: httpx.AsyncClient) -> dict[str, Any]:
    """The options of a sign-in."""
    begun = await client.post(f"{DOOR}/options")
    assert begun.status_code == 200, begun.text
    options: dict[str, Any] = begun.json()["public_key"]
    return options


async def enter(client: httpx.AsyncClient, device: Authenticator, **wrong: Any) -> httpx.Response:
    """Sign in with a passkey."""
    credential = device.get(await knock(client), **wrong)
    return await client.post(DOOR, json={"credential": credential})


async def events(service: Service) -> list[dict[str, Any]]:
    """What was noted so far, oldest first."""
    await service.shared(EventBuffer).store()
    async with service.db.system_reads() as tx:
        rows = await tx.fetch("SELECT kind, source, subject, detail FROM security_event ORDER BY id")
    return [dict(row) for row in rows]


def bearer(answer: httpx.Response) -> dict[str, str]:
    return {"authorization": f"Bearer {answer.json()['access_token']}"}


def refused(answer: httpx.Response) -> tuple[int, str]:
    """How adding or signing in was refused: the status, and the code of the problem or of its one field."""
    found = answer.json()
    code: str = found["errors"][0]["code"] if found.get("errors") else found["code"]
    return answer.status_code, code
