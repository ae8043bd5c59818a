"""Secret keys are rotated while people work: nobody is refused, signed out, or not found."""

import asyncio
import itertools
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from merchant.channels.ussd.door import gateway_path, ussd_door
from merchant.core import secret_key
from merchant.core.service import open_service
from merchant.core.vault import Vault
from merchant.people.slice import ROUTES as PEOPLE_ROUTES
from merchant.programs import rotation
from tests import builders
from tests.builders import GATEWAY_SECRET, PASSWORD, SECRET_KEY
from tests.stories.town import Town, until

pytestmark = pytest.mark.anyio
AGREES = "254711000001"


@pytest.fixture
def more_routes() -> list[Any]:
    return [ussd_door, *PEOPLE_ROUTES]


@pytest.fixture
def key_setting(tmp_path: Path) -> str:
    (tmp_path / secret_key.FILE_NAME).write_text(SECRET_KEY)
    return ""


@asynccontextmanager
async def at_work(*tasks: Callable[[], Awaitable[None]]) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Do each again and again until the block ends; yields what waits until each was done once more."""
    done = [0] * len(tasks)
    over = asyncio.Event()

    async def again(place: int) -> None:
        while not over.is_set():
            await tasks[place]()
            done[place] += 1

    async def once_more() -> None:
        goal = [count + 2 for count in done]  # the one under way may have begun before
        while any(count < least for count, least in zip(done, goal, strict=True)):
            for task in running:
                if task.done():
                    task.result()
            await asyncio.sleep(0.01)

    running = [asyncio.create_task(again(place)) for place in range(len(tasks))]
    try:
        await once_more()
        yield once_more
    finally:
        over.set()
        await asyncio.gather(*running)


class Day:
    """What goes on while the keys are rotated."""

    def __init__(self, town: Town, token: str) -> None:
        self.town = town
        self.token = token  # of before
        self.base_url = town.service.settings.base_url
        self.ussd = self.base_url + gateway_path(town.service, "africastalking")  # as the aggregator was told
        self._calls = itertools.count()

    async def call(self, method: str, path: str, status: int, **more: Any) -> Any:
        """A call that must be answered with this status."""
        async with self.town.http.request(method, self.base_url + path, **more) as response:
            assert response.status == status, (path, await response.text())
            return await response.json()

    async def staff_read(self) -> None:
        await self.call("GET", "/api/v1/users/me", 200, headers={"authorization": f"Bearer {self.token}"})

    async def old_session_ended(self) -> bool | None:
        headers = {"authorization": f"Bearer {self.token}"}
        async with self.town.http.get(f"{self.base_url}/api/v1/users/me", headers=headers) as response:
            return True if response.status == 401 else None

    async def staff_signs_in(self) -> None:
        account = {"email": builders.OPERATOR, "password": PASSWORD}
        session = await self.call("POST", "/api/v1/sessions", 201, json=account)
        await self.call("GET", "/api/v1/users/me", 200, headers={"authorization": f"Bearer {session['access_token']}"})

    async def the_hub_asks(self) -> None:
        path = f"/oracle/participants/ALIAS/{self.town.counter.alias}"
        await self.call("GET", path, 200, headers={"x-gateway-secret": GATEWAY_SECRET})

    async def a_shopper_dials(self) -> None:
        form = {
            "sessionId": f"ATUid_{next(self._calls)}",
            "serviceCode": "*384*123#",
            "phoneNumber": "+254711000002",
            "text": f"{self.town.counter.alias}",
        }
        async with self.town.http.post(self.ussd, data=form) as response:
            shown = await response.text()
            assert response.status == 200 and shown.startswith("CON"), shown

    async def a_customer_pays(self) -> None:
        asked = await self.town.ask(AGREES, amount="0.1")
        await self.town.ends(asked, "paid")


async def test_keys_are_rotated_under_a_running_service_and_no_request_fails(town: Town, database_url: str) -> None:
    settings = town.service.settings
    owner_phone = town.service.vault.open(town.merchant.phone_sealed or b"", f"merchant:{town.merchant.id}").decode()
    world = await builders.load_world(town.service)
    day = Day(town, world.operator.token)
    work = (day.staff_read, day.staff_signs_in, day.the_hub_asks, day.a_shopper_dials, day.a_customer_pays)
    # What `merchant rotate-keys --new` does, as another program.
    async with at_work(*work) as once_more, open_service(settings, database_url) as command:
        new_id = secret_key.put_in_front(settings)
        command.vault.look_again()
        await once_more()
        _ = [step async for step in rotation.rotate(command)]
        await once_more()
        _ = [step async for step in rotation.rotate(command)]
        assert set(await rotation.key_ids_in_use(command)) == {new_id}
        assert town.service.vault.key_id == new_id
        await rotation.check_unused(command)
        # --drop-old: sessions of before end, as they must when a key has leaked.
        long_ago = secret_key.path_of(settings).stat().st_mtime - 3600
        os.utime(secret_key.path_of(settings), (long_ago, long_ago))
        secret_key.check_age(settings)
    async with at_work(*work[1:]) as once_more:
        assert secret_key.drop_all_but_first(settings) == ["test"]
        await once_more()
        await until(day.old_session_ended, "what the dropped key signed is believed no longer")
    assert town.service.vault.digest("phone", owner_phone) == town.merchant.phone_digest
    async with open_service(settings, database_url) as after:
        assert after.vault.key_ids == [new_id]
        assert gateway_path(after, "africastalking") in day.ussd


async def test_a_key_that_is_still_used_is_not_dropped(town: Town, database_url: str) -> None:
    settings = town.service.settings
    new_id = secret_key.put_in_front(settings)
    async with open_service(settings, database_url) as command:
        _ = [step async for step in rotation.rotate(command)]
        late = Vault(SECRET_KEY).seal(b"+254700000001", f"merchant:{town.merchant.id}")
        async with command.db.system() as tx:
            await tx.execute("UPDATE merchant SET phone_sealed = $1", late)
        with pytest.raises(rotation.StillInUse, match=r"older key \(test: merchant\): run `merchant rotate-keys`"):
            await rotation.check_unused(command)
        _ = [step async for step in rotation.rotate(command)]
        await rotation.check_unused(command)
        assert command.vault.key_ids == [new_id, "test"]


async def test_keys_of_the_setting_are_not_rotated_under_programs_that_may_not_know_them(
    town: Town, database_url: str
) -> None:
    with pytest.raises(rotation.ProgramsRun, match=r"\d+ connections of other programs .*rotate-keys --all-know"):
        await rotation.check_programs(town.service.settings, database_url)
    await town.service.db.close()
