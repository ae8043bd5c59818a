"""What a shop's owner chooses to be told: a form without a script, and what was sent."""

import pytest

from merchant.core.money import Money
from merchant.notify import sms
from tests import builders
from tests.merchant.portal.merchant.conftest import Stall

pytestmark = pytest.mark.anyio
HERE = "/shop/notifications"


async def chosen(stall: Stall) -> dict[str, object]:
    path = f"/api/v1/merchants/{stall.merchant.id}/notification-choices"
    answer = (await stall.client.get(path, headers=stall.owner.headers)).json()
    sent = sorted(f"{one['kind']} {one['channel']}" for one in answer["choices"] if one["sent"])
    return {"sent": sent, "quiet": (answer["quiet_from"], answer["quiet_until"])}


async def test_the_form_shows_what_is_sent_and_keeps_what_is_ticked(stall: Stall) -> None:
    browser = stall.browser()
    await browser.open("/shop/more")
    assert HERE in browser.page.text
    await browser.open(HERE)
    assert browser.fields(HERE).keys() >= {"paid.sms", "quiet_from", "csrf"}
    assert "paid.email" not in browser.fields(HERE)
    assert "always sent" in browser.words
    await browser.send(HERE, paid__email="yes", quiet_from="22:00", quiet_until="06:00")
    assert browser.status == 200
    assert "Kept." in browser.words
    assert await chosen(stall) == {
        "sent": ["paid email", "paid sms", "security email", "security sms"],
        "quiet": ("22:00", "06:00"),
    }
    assert browser.fields(HERE)["quiet_from"] == "22:00"


async def test_a_tick_that_is_taken_away_switches_it_off_and_safety_stays(stall: Stall) -> None:
    browser = stall.browser()
    await browser.open(HERE)
    form = {name: text for name, text in browser.fields(HERE).items() if name != "paid.sms"}
    answer = await stall.client.post(
        HERE, data=form | {"security.sms": ""}, headers={"cookie": f"session={stall.owner.token}"}
    )
    assert answer.status_code == 303
    assert (await chosen(stall))["sent"] == ["security email", "security sms"]


async def test_half_of_the_quiet_hours_is_told_beside_the_field_and_ticks_stay(stall: Stall) -> None:
    browser = stall.browser()
    await browser.open(HERE)
    await browser.send(HERE, not_paid__sms="yes", quiet_from="22:00")
    assert browser.status == 422
    assert "Quiet hours need a beginning and an end." in browser.words
    assert browser.fields(HERE)["not_paid.sms"] == "yes"
    assert browser.fields(HERE)["quiet_from"] == "22:00"
    assert (await chosen(stall))["quiet"] == (None, None)


async def test_a_cashier_finds_neither_the_way_nor_the_pages(stall: Stall) -> None:
    browser = stall.browser(stall.cashier)
    await browser.open("/shop/more")
    assert HERE not in browser.page.text
    for path in (HERE, "/shop/messages"):
        await browser.open(path)
        assert browser.status == 403, path


async def test_a_form_of_elsewhere_is_refused(stall: Stall) -> None:
    answer = await stall.client.post(HERE, data={"paid.sms": ""}, headers={"cookie": f"session={stall.owner.token}"})
    assert answer.status_code in (403, 409)
    assert "paid sms" in (await chosen(stall))["sent"]  # type: ignore[operator]


async def test_what_was_sent_is_listed_with_what_became_of_it(stall: Stall) -> None:
    service = stall.service
    async with service.db.system() as tx:
        await sms.notify_paid(tx, service, stall.merchant.id, Money(1000, "KES"), None, "7Z3K-90QW-5D2XH")
    await builders.work(service)
    browser = stall.browser()
    await browser.open("/shop/messages")
    assert "10.00 KES received at" in browser.words
    assert "Sent" in browser.words
    assert str(stall.merchant.id) not in browser.words
    await browser.open("/shop/messages", state="held")
    assert "10.00 KES received at" not in browser.words
