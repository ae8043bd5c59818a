"""The review of a case on a page: what it shows and to whom, its hits, its documents, and every decision."""

import re
from typing import Any

import httpx
import pytest

from merchant.compliance.cases.models import Application
from merchant.core import clock
from merchant.core.service import Service
from tests import builders
from tests.builders import World
from tests.merchant.portal.browsing import Browser

pytestmark = pytest.mark.anyio
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")


async def read(client: httpx.AsyncClient, world: World, case: Application, part: str = "") -> Any:
    response = await client.get(f"/api/v1/applications/{case.id}{part}", headers=world.checker.headers)
    assert response.status_code == 200, response.text
    return response.json()


def here(case: Application, page: str = "review") -> str:
    return f"/applications/{case.id}/{page}"


async def test_the_review_shows_answers_owners_requirements_and_history_without_ids(
    client: httpx.AsyncClient, world: World, shop: Application
) -> None:
    browser = Browser(client, world.checker)
    await browser.open(here(shop))
    assert browser.status == 200
    for told in ("Mama Njeri", "Made by maker", "Amina", "1980-**-**", "Who owns it", "Version 1 submitted", "Kenya"):
        assert told in browser.words, told
    assert not _ID.search(browser.words)
    await browser.open(f"/cases/{shop.id}/review")
    assert browser.status == 200


async def test_makers_see_the_decision_locked_and_the_api_refuses_them_all_the_same(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    both = world["greenbankfsp"]["both"]
    own = await builders.create_application(service, both, submitted=True)
    browser = Browser(client, both)
    await browser.open(here(own))
    assert "Four eyes need another checker" in browser.words
    assert f"{here(own, 'approve')}" not in browser.page.text
    await browser.open(here(own, "approve"))
    await browser.send(here(own, "approve"))
    assert browser.status == 403
    assert (await read(client, world, own))["state"] == "in_review"


async def test_a_maker_reads_but_does_not_decide(client: httpx.AsyncClient, world: World, shop: Application) -> None:
    browser = Browser(client, world["greenbankfsp"]["maker2"])
    await browser.open(here(shop))
    assert "checkers decide" in browser.words
    await browser.open(here(shop, "approve"))
    assert browser.status == 403


@pytest.mark.parametrize("page", ["review", "approve", "return", "reject", "risk", "waive"])
async def test_another_dfsps_case_is_no_page(
    client: httpx.AsyncClient, world: World, shop: Application, page: str
) -> None:
    browser = Browser(client, world["lakemfi"]["checker"])
    await browser.open(here(shop, page))
    assert (browser.status, "Mama Njeri" in browser.words) == (404, False)


async def test_the_hub_reviews_without_seeing_people(
    client: httpx.AsyncClient, world: World, listed: Application
) -> None:
    browser = Browser(client, world.operator)
    await browser.open(here(listed))
    assert browser.status == 200
    assert "Zawahiri" not in browser.page.text
    assert "ZAWAHIRI" not in browser.page.text


async def test_an_approval_names_its_effect_and_ends_at_the_merchant_with_its_number(
    client: httpx.AsyncClient, world: World, shop: Application
) -> None:
    browser = Browser(client, world.checker)
    await browser.open(here(shop, "approve"), version=shop.version_hash)
    assert "becomes a merchant at once" in browser.words
    assert "a payment" in browser.words
    await browser.send(here(shop, "approve"))
    assert "Mama Njeri is approved; its number is" in browser.words
    assert (await read(client, world, shop))["state"] == "approved"


async def test_a_version_that_changed_since_it_was_read_is_not_approved(
    client: httpx.AsyncClient, world: World, shop: Application
) -> None:
    browser = Browser(client, world.checker)
    await browser.open(here(shop, "approve"), version="0" * 64)
    assert "read the new version" in browser.words
    await browser.send(here(shop, "approve"))
    assert browser.status == 412
    assert (await read(client, world, shop))["state"] == "in_review"


async def test_open_hits_keep_an_approval_back_and_the_page_says_why(
    client: httpx.AsyncClient, world: World, listed: Application
) -> None:
    browser = Browser(client, world.checker)
    await browser.open(here(listed, "approve"))
    await browser.send(here(listed, "approve"))
    assert browser.status == 409
    assert "<title>Error:" in browser.page.text


async def test_a_likely_hit_stands_beside_its_entry_and_two_checkers_release_it(
    client: httpx.AsyncClient, world: World, listed: Application
) -> None:
    [hit] = [one for one in (await read(client, world, listed, "/hits"))["items"] if one["hit"]["band"] == "likely"][:1]
    first, second = (Browser(client, world["greenbankfsp"][who]) for who in ("checker", "checker2"))
    await first.open(here(listed))
    assert "1951-06-19" in first.words  # the entry's; the owner's own is masked
    assert "1951-**-**" in first.words
    action, reason = here(listed, f"hits/{hit['id']}"), {f"reason__{hit['id']}": "Seen the passport."}
    await first.send(action, decision="false_positive", **reason)
    assert "a second checker must say the same" in first.words
    await second.open(here(listed))
    assert "checker says that it is another one" in second.words
    await second.send(action, decision="false_positive", **reason)
    assert "Your decision on the hit is kept." in second.words
    assert (await read(client, world, listed))["hit_states"][hit["id"]] == "decided"


async def test_a_hit_without_a_reason_is_told_beside_its_own_field(
    client: httpx.AsyncClient, world: World, listed: Application
) -> None:
    [hit, *_] = (await read(client, world, listed, "/hits"))["items"]
    browser = Browser(client, world.checker)
    await browser.open(here(listed))
    await browser.send(here(listed, f"hits/{hit['id']}"), decision="true_match")
    assert browser.status == 422
    assert f'href="#f-reason.{hit["id"]}"' in browser.page.text
    assert (await read(client, world, listed))["hit_decisions"] == {}


async def test_returning_keeps_what_was_typed_and_ends_with_the_makers(
    client: httpx.AsyncClient, world: World, shop: Application
) -> None:
    browser = Browser(client, world.checker)
    await browser.open(here(shop, "return"))
    await browser.send(here(shop, "return"))
    assert (browser.status, "at one place at least" in browser.words) == (422, True)
    where, why = "items[2]__path", "items[2]__reason"
    await browser.send(here(shop, "return"), **{where: "business.mcc"})
    assert browser.status == 422
    assert 'value="business.mcc" selected' in browser.page.text
    await browser.send(here(shop, "return"), **{why.replace("2", "0"): "It sells phones."})
    assert "is back with its makers" in browser.words
    case = await read(client, world, shop)
    assert case["state"] == "returned"
    assert [(one["path"], one["reason"]) for one in case["returned_items"]] == [("business.mcc", "It sells phones.")]


async def test_more_rows_come_without_losing_any(client: httpx.AsyncClient, world: World, shop: Application) -> None:
    browser = Browser(client, world.checker)
    await browser.open(here(shop, "return"))
    fields = browser.fields(here(shop, "return")) | {"items[4].path": "owners[0]", "items[4].reason": "Who is it?"}
    page = await client.post(
        here(shop, "return") + "?more=1", data=fields, headers={"cookie": f"session={world.checker.token}"}
    )
    assert page.status_code == 200
    assert 'name="items[5].path"' in page.text
    assert "Who is it?" in page.text
    assert (await read(client, world, shop))["state"] == "in_review"


async def test_a_rejection_says_why_in_words(client: httpx.AsyncClient, world: World, shop: Application) -> None:
    browser = Browser(client, world.checker)
    await browser.open(here(shop, "reject"))
    assert "They may appeal once" in browser.words
    await browser.send(here(shop, "reject"), why="", reason="")
    assert browser.status == 422
    await browser.send(here(shop, "reject"), why="trade", reason="No lotteries.")
    assert "Mama Njeri is rejected." in browser.words
    case = await read(client, world, shop)
    assert (case["state"], case["reject_reason"]) == ("rejected", "The trade is not accepted. No lotteries.")


async def test_a_raised_risk_counts_at_once(client: httpx.AsyncClient, world: World, shop: Application) -> None:
    browser = Browser(client, world.checker)
    await browser.open(here(shop, "risk"))
    await browser.send(here(shop, "risk"), band="high", reason="Cash only.", until="")
    assert "is noted" in browser.words
    assert (await read(client, world, shop))["risk"] == "high"


async def test_a_waiver_is_a_proposal_until_a_second_checker_says_the_same(
    client: httpx.AsyncClient, world: World, shop: Application
) -> None:
    until = clock.now().date().replace(day=1).isoformat()
    browser = Browser(client, world.checker)
    await browser.open(here(shop, "waive"))
    await browser.send(here(shop, "waive"), what="registration|business", expires_on=until, reason="Closed.")
    assert (browser.status, "within a year" in browser.words) == (422, True)
    year = clock.now().date().year
    later = f"{year + 1}-01-15" if clock.now().date().month > 1 else f"{year}-12-15"
    for who in ("checker", "checker2"):
        browser = Browser(client, world["greenbankfsp"][who])
        await browser.open(here(shop, "waive"))
        await browser.send(here(shop, "waive"), what="registration|business", expires_on=later, reason="Closed.")
        assert browser.status == 200, browser.words
    found = (await read(client, world, shop, "/verifications"))["items"]
    assert [one["outcome"] for one in found if one["attribute"] == "registration"] == ["waived"]


async def test_claiming_and_releasing_are_one_press(client: httpx.AsyncClient, world: World, shop: Application) -> None:
    browser = Browser(client, world.checker)
    await browser.open(here(shop))
    await browser.send(here(shop, "claim"))
    assert "You work on it now" in browser.words
    assert (await read(client, world, shop))["claimed_by"] == str(world.checker.actor.id)
    other = Browser(client, world["greenbankfsp"]["checker2"])
    await other.open(here(shop))
    assert "checker works on it" in other.words
    await browser.send(here(shop, "release"))
    assert (await read(client, world, shop))["claimed_by"] is None


async def test_a_hidden_value_is_shown_once_for_a_reason_and_recorded(
    client: httpx.AsyncClient, world: World, shop: Application
) -> None:
    browser = Browser(client, world.checker)
    await browser.open(here(shop))
    assert "1980-02-03" not in browser.page.text
    await browser.send(here(shop, "reveal") + "#answers", path="owners[0].birth_date", reason="review")
    assert browser.page.url.path == here(shop, "reveal")
    assert "1980-02-03" in browser.words
    auditor = world["greenbankfsp"]["auditor"].headers
    entries = (await client.get("/api/v1/audit", headers=auditor)).json()["items"]
    assert entries[0]["action"] == "personal_data.read"
    await browser.open(here(shop))
    assert "1980-02-03" not in browser.page.text


async def test_what_changed_since_the_version_before_is_told_as_was_and_is_now(
    client: httpx.AsyncClient, service: Service, world: World, shop: Application
) -> None:
    path = f"/api/v1/applications/{shop.id}"
    items = {"items": [{"path": "business.mcc", "reason": "Wrong."}]}
    tag = (await client.post(f"{path}/return", json=items, headers=world.checker.headers)).headers["etag"]
    changed = {"contact": {"name": "Amina Odhiambo", "phone": "+254711999888"}}
    maker = world.maker.headers
    assert (await client.patch(path, json=changed, headers={**maker, "if-match": tag})).status_code == 200
    assert (await client.post(f"{path}/submit", headers=maker)).status_code == 200
    await builders.work(service)
    browser = Browser(client, world.checker)
    page = await browser.open(here(shop))
    assert "Against the version before" in browser.words
    assert '<ins class="new"><bdi>+254711999888</bdi></ins>' in page.text
    assert '<del class="old"><bdi>+254711' in page.text


async def test_a_change_of_a_live_merchant_is_held_against_it(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    merchant, _ = await builders.create_merchant(service, world)
    body = {"kind": "change", "contact": {"name": "Amina Odhiambo", "phone": "+254711777666"}}
    maker = world.maker.headers
    opened = await client.post(f"/api/v1/merchants/{merchant.id}/cases", json=body, headers=maker)
    case_id = opened.json()["id"]
    assert (await client.post(f"/api/v1/cases/{case_id}/submit", headers=maker)).status_code == 200
    await builders.work(service)
    browser = Browser(client, world.checker)
    page = await browser.open(f"/cases/{case_id}/review")
    assert "Against the merchant as it is" in browser.words
    assert "+254711777666" in page.text
    await browser.open(f"/cases/{case_id}/approve")
    assert "counts for" in browser.words


async def test_makers_and_checkers_compare_a_case_with_the_same_answers(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    merchant, _ = await builders.create_merchant(service, world)
    maker, checker = world.maker.headers, world.checker.headers

    async def change(phone: str) -> str:
        """Open a case that changes the phone, and approve it; its page."""
        body = {"kind": "change", "contact": {"name": "Amina Odhiambo", "phone": phone}}
        opened = await client.post(f"/api/v1/merchants/{merchant.id}/cases", json=body, headers=maker)
        page = f"/cases/{opened.json()['id']}"
        assert (await client.post(f"/api/v1{page}/submit", headers=maker)).status_code == 200
        await builders.work(service)
        read = {"version_hash": (await client.get(f"/api/v1{page}", headers=checker)).json()["version_hash"]}
        approved = await client.post(f"/api/v1{page}/approve", json=read, headers=checker)
        assert approved.status_code == 200, approved.text
        return page

    async def compared(page: str) -> list[set[str]]:
        """The phones that are told as old, on the page of the makers and on that of the checkers."""
        found = []
        for person, path in ((world.maker, page), (world.checker, f"{page}/review")):
            shown = await Browser(client, person).open(path)
            found.append(set(re.findall(r'class="old"><bdi>(\+254[^<]*)<', shown.text)))
        return found

    first, second = await change("+254711777661"), await change("+254711777662")
    assert await compared(second) == [{"+254711777661"}] * 2
    [before, same] = await compared(first)
    assert before == same and len(before) == 1 and before != {"+254711777662"}


async def test_a_document_is_shown_as_a_picture_of_ours_and_the_look_is_recorded(
    client: httpx.AsyncClient, service: Service, world: World, shop: Application
) -> None:
    document_id = await builders.create_document(service, world.maker, shop)
    browser = Browser(client, world.checker)
    await browser.open(here(shop))
    assert f"/documents/{document_id}/view" in browser.page.text
    page = await browser.open(f"/documents/{document_id}/view")
    assert f'src="/api/v1/documents/{document_id}/content?reason=review"' in page.text
    cookie = {"cookie": f"session={world.checker.token}"}
    content = await client.get(f"/api/v1/documents/{document_id}/content?reason=review", headers=cookie)
    assert (content.status_code, content.headers["content-type"]) == (200, "image/jpeg")
    for person, status in ((world["lakemfi"]["checker"], 404), (world["greenbankfsp"]["admin"], 403)):
        other = Browser(client, person)
        await other.open(f"/documents/{document_id}/view")
        assert other.status == status


@pytest.mark.parametrize("page", ["claim", "screen", "reject", "approve", "return"])
async def test_a_form_without_the_sessions_secret_does_nothing(
    client: httpx.AsyncClient, world: World, shop: Application, page: str
) -> None:
    cookie = {"cookie": f"session={world.checker.token}"}
    refused = await client.post(here(shop, page), data={"reason": "x"}, headers=cookie)
    assert refused.status_code == 403
    assert (await read(client, world, shop))["state"] == "in_review"
