"""Keypads only: a dialled payment, from the aggregator's form to the shopper's bank and the shop's own phone."""

import asyncio
import itertools
from typing import Any

import pytest

from merchant.channels.ussd.door import gateway_key, ussd_door
from tests.stories.town import Town

pytestmark = pytest.mark.anyio
AGREES, SAYS_NO, UNKNOWN = "254711000001", "254711000002", "254711000009"
_sessions = itertools.count(1)


@pytest.fixture
def more_routes() -> list[Any]:
    return [ussd_door]


class Keypad:
    """A telephone: its aggregator posts every step with all that was typed so far."""

    def __init__(self, town: Town, msisdn: str) -> None:
        self._town = town
        self._msisdn = msisdn
        self._form: dict[str, str] = {}

    async def dial(self, digits: str = "") -> str:
        """Dial the scheme's code, perhaps with more digits behind it; what the phone shows."""
        self._form = {
            "sessionId": f"ATUid_{next(_sessions)}",
            "serviceCode": "*384*123#",
            "networkCode": "63902",
            "phoneNumber": f"+{self._msisdn}",
            "text": digits,
        }
        return await self.post()

    async def type(self, text: str) -> str:
        """Answer the screen."""
        self._form["text"] = f"{self._form['text']}*{text}".lstrip("*")
        return await self.post()

    async def post(self) -> str:
        """The aggregator posts the step, once more if it did so before."""
        service = self._town.service
        url = f"{service.settings.base_url}/ussd/africastalking/{gateway_key(service, 'africastalking')}"
        async with self._town.http.post(url, data=self._form) as response:
            assert response.status == 200, await response.text()
            return await response.text()


def owners_phone(town: Town) -> Keypad:
    """The merchant's own telephone."""
    merchant = town.merchant
    assert merchant.phone_sealed is not None
    number = town.service.vault.open(merchant.phone_sealed, f"merchant:{merchant.id}").decode()
    return Keypad(town, number.lstrip("+"))


async def only_request(town: Town) -> dict[str, Any]:
    """The one request there is."""
    [request] = (await town.get("payment-requests"))["items"]
    return dict(request)


async def test_a_dialled_payment_is_confirmed_paid_and_seen_on_the_shops_phone(town: Town) -> None:
    shopper, shop = Keypad(town, AGREES), owners_phone(town)
    screen = await shopper.dial(f"{town.counter.alias}*750")
    assert screen.startswith(f"CON Pay 750.00 USD to {town.merchant.trading_name}, ")
    # Aggregators repeat what they think was lost; the customer is asked once.
    answer = await shopper.type("1")
    assert answer.startswith("END We asked your bank to pay 750.00 USD")
    assert set(await asyncio.gather(*(shopper.post() for _ in range(4)))) == {answer}

    paid = await town.ends(await only_request(town), "paid")
    assert (paid["amount"]["amount"], paid["payer"]["id"]) == ("750", "2547*****001")
    await town.phone_shows(AGREES, "paid")
    assert (await shopper.dial()).startswith("CON Paid: 750.00 USD to ")
    assert (await shop.dial()).startswith("CON Shop payments")
    await town.books_agree()


async def test_a_shopper_finds_the_way_through_the_menu(town: Town) -> None:
    shopper = Keypad(town, AGREES)
    screen = await shopper.dial()
    for text in ("1", town.counter.alias, "USD", "12.50"):
        screen = await shopper.type(text)
    assert screen.startswith("CON Pay 12.50 USD")
    assert (await shopper.type("1")).startswith("END We asked your bank")
    await town.ends(await only_request(town), "paid")
    await town.books_agree()


@pytest.mark.parametrize(
    ("payer", "end", "told"),
    [(SAYS_NO, "rejected", "your bank said no to"), (UNKNOWN, "failed", "no bank knows your phone for")],
)
async def test_a_dialled_payment_that_comes_to_nothing_is_told_and_in_nobodys_way(
    town: Town, payer: str, end: str, told: str
) -> None:
    shopper = Keypad(town, payer)
    await shopper.dial(f"{town.counter.alias}*20")
    await shopper.type("1")
    await town.ends(await only_request(town), end)
    assert await town.ledger() == []
    assert (await shopper.dial()).startswith(f"CON Not paid: {told} 20.00 USD")
    await shopper.dial(f"{town.counter.alias}*20")
    assert (await shopper.type("1")).startswith("END We asked your bank")


async def test_a_shopper_waits_at_the_screen_until_the_end_is_known(town: Town) -> None:
    await town.behave(AGREES, "accept", delay_s=1)
    shopper = Keypad(town, AGREES)
    await shopper.dial(f"{town.counter.alias}*20")
    await shopper.type("1")
    assert "is waiting for your bank" in await shopper.dial()
    await town.ends(await only_request(town), "paid")
    assert (await shopper.type("1")).startswith("CON Paid: 20.00 USD")


async def test_a_shopper_who_does_not_confirm_asks_nobody(town: Town) -> None:
    shopper = Keypad(town, AGREES)
    await shopper.dial(f"{town.counter.alias}*20")
    await shopper.type("2")
    assert (await town.get("payment-requests"))["items"] == []
