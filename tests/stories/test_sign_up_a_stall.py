"""A woman at a stall registers with a telephone that runs no scripts, and ends with a number and a code."""

import re

import httpx
import pytest

from tests import builders
from tests.merchant.people.registration.conftest import Door, door, staff
from tests.merchant.portal.shops import read_code
from tests.merchant.portal.signup.conftest import Newcomer

__all__ = ["door"]
pytestmark = [pytest.mark.anyio, pytest.mark.database]


async def test_a_stall_signs_up_by_telephone_and_is_given_its_number_and_code(door: Door) -> None:
    njeri = Newcomer(door)
    await njeri.open("/register")
    await njeri.open("/register/address")
    await njeri.send("/register/address", **njeri.address)
    await njeri.send("/register/code", code=await njeri.code())
    await njeri.send("/register", name="Njeri Wanjiku", dfsp_id=door.dfsp_id)

    # She answers half of it, stops, and comes back on another telephone by a code.
    await njeri.answer("name", business__trading_name="Mama Njeri Fruit")
    later = Newcomer(door)
    later.address = njeri.address
    await later.ask_for_code("/sign-in/code")
    await later.send("/register/code", code=await later.code())
    assert later.page.url.path == "/my-application"
    await later.fill_in()
    await later.answer("name", business__trading_name="Mama Njeri Fruit")
    await later.open("/my-application/review")
    assert "All is right: hand it in" in later.words
    await later.open("/my-application/hand-in")
    await later.send("/my-application/hand-in")

    # At her bank a maker submits it and a checker approves.
    [found] = (await staff(door, "maker", "applications?handed_in=true", method="GET"))["items"]
    await staff(door, "maker", f"applications/{found['id']}/submit")
    await builders.work(door.service)
    read = await staff(door, "checker", f"applications/{found['id']}", method="GET")
    await staff(door, "checker", f"applications/{found['id']}/approve", {"version_hash": read["version_hash"]})

    await later.open("/my-application")
    [row] = await door.fetch("SELECT alias FROM counter")
    assert row["alias"] in later.words.replace(" ", "")
    code = re.search(r"<div class=\"code big-code\">(.*?)</div>", later.page.text, re.DOTALL)
    assert code is not None
    assert row["alias"] in read_code(httpx.Response(200, text=code[1]))
    assert "Ask for a payment" in later.words
