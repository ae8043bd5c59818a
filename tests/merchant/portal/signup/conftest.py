"""A person who registers with a browser; `door` reads the codes that they are sent."""

import httpx
import pytest

from merchant.core.service import Service
from tests import builders
from tests.builders import World
from tests.merchant.people.registration.conftest import Door, door
from tests.merchant.portal.browsing import Browser

__all__ = ["door"]


class Newcomer(Browser):
    """Somebody with a telephone, a browser without JavaScript, and a stall."""

    def __init__(self, door: Door) -> None:
        super().__init__(door.client)
        self.door, self.address = door, door.phone()

    async def code(self) -> str:
        """The newest code that was sent, which the worker sends now."""
        await builders.work(self.door.service)
        return (await self.door.messages(self.address))[0][:6]

    async def ask_for_code(self, path: str = "/register/address", **typed: str) -> None:
        """Have a code sent from a page."""
        await self.open(path)
        await self.send("/register/address", **{**self.address, **typed})

    async def register(self) -> None:
        """Register at the first DFSP."""
        await self.ask_for_code()
        await self.send("/register/code", code=await self.code())
        await self.send("/register", name="Njeri Wanjiku", dfsp_id=self.door.dfsp_id)
        assert self.status == 200, self.words

    async def answer(self, name: str, **typed: str) -> None:
        """Answer one question and save it."""
        await self.open(f"/my-application/{name}")
        await self.send(f"/my-application/{name}", **typed)
        assert self.status == 200, self.words

    async def fill_in(self) -> None:
        """Answer what a stall is asked."""
        number = self.address["phone"][-7:]
        await self.answer("name", business__trading_name=f"Stall {number}")
        await self.answer("trade", business__mcc="5499")
        await self.answer("kind", business__kind="individual")
        owner = {"given_name": "Njeri", "family_name": "Wanjiku", "id_type": "national_id", "id_number": f"2{number}"}
        await self.answer("you", **{f"owners[0].{name}": text for name, text in owner.items()})
        await self.answer("place", **{"locations[0].city": "Nakuru"})


@pytest.fixture
def njeri(door: Door) -> Newcomer:
    return Newcomer(door)


@pytest.fixture
async def owner(client: httpx.AsyncClient, service: Service, world: World) -> Browser:
    """The browser of an approved merchant's owner."""
    merchant, _ = await builders.create_merchant(service, world, document=builders.seller(trading_name="Mama Njeri"))
    email = f"owner{merchant.id.hex}@shop.example"
    place = {"dfsp_id": merchant.dfsp_id, "merchant_id": merchant.id}
    await builders.add_person(service, email, ["merchant_owner"], **place)
    return Browser(client, await builders.signed_in(service, email))
