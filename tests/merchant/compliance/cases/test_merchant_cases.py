"""Cases of live merchants: what is refused at the opening, and what one person may not do alone after a list hit."""

from typing import Any

import httpx
import pytest

from merchant.core.service import Service
from tests import builders
from tests.builders import World
from tests.merchant.compliance.cases.banks import Bank, put_list

pytestmark = pytest.mark.anyio
HIT = "7,person,Amina Odhiambo,,1980-02-03,KE,,fraud"
WHY = {"reason": "We were asked to."}


@pytest.fixture
def bank(client: httpx.AsyncClient, service: Service, world: World) -> Bank:
    return Bank(client, service, world, "greenbankfsp")


@pytest.fixture
async def merchant(service: Service, world: World) -> str:
    made, _ = await builders.create_merchant(service, world)
    return f"merchants/{made.id}"


class TestReinstatementByOnePerson:
    @pytest.fixture(autouse=True)
    def _set(self, bank: Bank, merchant: str, world: World) -> None:
        self.bank, self.merchant, self.world = bank, merchant, world

    async def hit(self) -> str:
        """Bring a list that names the owner; the path of the review."""
        await put_list(self.bank.service, self.bank.client, self.world, HIT)
        merchant_id = self.merchant.partition("/")[2]
        [review] = (await self.bank.send("GET", f"cases?merchant_id={merchant_id}&kind=review"))["items"]
        return f"cases/{review['id']}"

    async def move(self, name: str, body: Any = None) -> Any:
        return await self.bank.send("POST", f"{self.merchant}/{name}", body, "checker")

    async def reinstate(self, who: str = "admin") -> tuple[int, str]:
        answer = await self.bank.ask("POST", f"{self.merchant}/reinstate", who=who)
        return answer.status_code, answer.json().get("code") or answer.json()["state"]

    async def release_hits(self, review: str) -> None:
        found = await self.bank.send("GET", review)
        for hit in found["report"]["hits"]:
            for who in ("checker", "checker2"):
                body = {"decision": "false_positive", "reason": f"{who} knows her."}
                await self.bank.send("POST", f"{review}/hits/{hit['id']}", body, who)

    async def test_is_refused_while_the_review_of_a_list_hit_is_undecided(self) -> None:
        review = await self.hit()
        assert await self.reinstate() == (409, "review_open")
        await self.release_hits(review)
        assert await self.reinstate() == (409, "review_open")
        await self.bank.approve(review)  # which lets the merchant go
        assert (await self.bank.send("GET", self.merchant))["state"] == "active"
        await self.move("suspend", WHY)
        assert await self.reinstate() == (200, "active")

    async def test_is_refused_too_when_staff_suspended_the_merchant_after_the_hit(self) -> None:
        await self.hit()
        await self.move("suspend", WHY)
        assert await self.reinstate() == (409, "review_open")

    async def test_is_refused_too_when_staff_had_restricted_the_merchant_before_the_hit(self) -> None:
        await self.move("restrict", WHY)
        await self.hit()
        assert await self.reinstate("checker") == (409, "review_open")

    @pytest.mark.parametrize("end", ["withdraw", "reject"])
    async def test_takes_a_case_once_the_review_ended_without_an_approval(self, end: str) -> None:
        review = await self.hit()
        await self.bank.send("POST", f"{review}/{end}", WHY, "checker" if end == "reject" else "maker")
        assert await self.reinstate() == (409, "case_needed")
        await self.move("suspend", WHY)
        assert await self.reinstate() == (409, "case_needed")
        case = await self.bank.open_case(self.merchant.partition("/")[2], "reinstatement", **WHY)
        await self.bank.submit(case)
        await self.release_hits(case)
        await self.bank.approve(case)
        assert (await self.bank.send("GET", self.merchant))["state"] == "active"
        await self.move("suspend", WHY)
        assert await self.reinstate() == (200, "active")

    async def test_is_refused_when_a_review_of_the_staff_was_open_before_the_hit(self) -> None:
        await self.bank.open_case(self.merchant.partition("/")[2], "review")
        await self.hit()
        assert await self.reinstate() == (409, "review_open")


async def test_a_transfer_to_the_dfsp_that_serves_the_merchant_already_is_refused(bank: Bank, merchant: str) -> None:
    body = {"kind": "transfer", "to_fsp_id": "greenbankfsp", "reason": "She signed for it."}
    answer = await bank.ask("POST", f"{merchant}/cases", body)
    assert answer.status_code == 422
    assert [(one["path"], one["code"]) for one in answer.json()["errors"]] == [("to_fsp_id", "same_dfsp")]
