"""Files of merchants sent by a form: told in words what became of each row."""

from typing import Any

import httpx
import pytest

from merchant.core.service import Service
from tests import builders
from tests.builders import World
from tests.merchant.portal.browsing import Browser

pytestmark = pytest.mark.anyio
NEW = "/imports/new"
TABLE = (
    "external_ref,business.trading_name,business.kind,business.mcc\n"
    "A1,Njeri Fruits,individual,5499\nA2,Wrong One,nonsense,5499\n"
)


@pytest.fixture
def browser(client: httpx.AsyncClient, world: World) -> Browser:
    """The maker's browser."""
    return Browser(client, world.maker)


async def send(
    client: httpx.AsyncClient, browser: Browser, file: tuple[str, Any] = ("shops.csv", TABLE), **typed: str
) -> httpx.Response:
    """Send the form with a file; where it leads."""
    await browser.open(NEW)
    fields = browser.fields(NEW) | typed
    fields.pop("file", None)
    cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    return await client.post(NEW, data=fields, files={"file": file}, headers={"cookie": cookies})


async def test_a_file_is_tried_then_taken_in_and_a_wrong_row_is_told(
    client: httpx.AsyncClient, service: Service, world: World, browser: Browser
) -> None:
    sent = await send(client, browser)
    assert sent.status_code == 303, sent.text
    await browser.open(sent.headers["location"])
    assert "Waiting" in browser.words
    assert '<meta http-equiv="refresh"' in browser.page.text
    await builders.work(service)
    await browser.open(sent.headers["location"])
    assert "Only tried" in browser.words
    assert "business.kind" in browser.words
    assert "Must be one of" in browser.words
    assert '<meta http-equiv="refresh"' not in browser.page.text
    taken = await send(client, browser, how="draft")
    await builders.work(service)
    await browser.open(taken.headers["location"])
    assert "Rows are taken in as drafts." in browser.words
    listed = await client.get("/api/v1/applications?q=Njeri", headers=world.maker.headers)
    assert len(listed.json()["items"]) == 1
    await browser.open("/imports")
    assert "shops.csv" in browser.words


async def test_a_form_sent_twice_imports_once(client: httpx.AsyncClient, browser: Browser, world: World) -> None:
    first = await send(client, browser, once="the-same")
    again = await send(client, browser, once="the-same")
    assert first.headers["location"] == again.headers["location"]
    listed = await client.get("/api/v1/imports", headers=world.maker.headers)
    assert len(listed.json()["items"]) == 1


@pytest.mark.parametrize(
    ("file", "typed", "field"),
    [
        (("", b""), {}, "file"),
        (("x.csv", "no,such,columns\n1,2,3\n"), {}, None),
        (("x.csv", ""), {}, "file"),
        (("x.csv", TABLE), {"how": "nonsense"}, "how"),
        (("x.csv", TABLE), {"once": "§"}, None),
    ],
)
async def test_what_cannot_be_imported_is_told_on_the_form(
    client: httpx.AsyncClient, browser: Browser, file: tuple[str, Any], typed: dict[str, str], field: str | None
) -> None:
    sent = await send(client, browser, file, **typed)
    assert sent.status_code in (400, 422), sent.text
    assert "Import a file" in sent.text
    if field is not None:
        assert f'id="w-{field}"' in sent.text


async def test_a_file_without_the_sessions_secret_is_refused(client: httpx.AsyncClient, browser: Browser) -> None:
    assert (await send(client, browser, csrf="")).status_code == 403


async def test_another_sites_form_is_refused(client: httpx.AsyncClient, browser: Browser) -> None:
    await browser.open(NEW)
    fields = browser.fields(NEW)
    fields.pop("file", None)
    cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    headers = {"cookie": cookies, "sec-fetch-site": "cross-site"}
    sent = await client.post(NEW, data=fields, files={"file": ("a.csv", TABLE)}, headers=headers)
    assert sent.status_code == 403


async def test_only_makers_import_and_each_dfsp_sees_its_own(
    client: httpx.AsyncClient, world: World, browser: Browser
) -> None:
    there = (await send(client, browser)).headers["location"]
    for person, status in (
        (world.checker, 403),
        (world["greenbankfsp"]["auditor"], 403),
        (world["lakemfi"]["maker"], 404),
        (world.operator, 404),
    ):
        other = Browser(client, person)
        await other.open(there)
        assert other.status in (status, 403)
        assert "shops.csv" not in other.words
    rows = f"/api/v1{there}/rows"
    assert (await client.get(rows, headers=world["lakemfi"]["maker"].headers)).status_code == 404
    assert (await client.get(rows, headers=world.checker.headers)).status_code == 403


async def test_rows_are_listed_by_outcome_a_hundred_at_a_time(
    client: httpx.AsyncClient, service: Service, world: World, browser: Browser
) -> None:
    table = TABLE + "".join(f"B{at},Wrong One,nonsense,5499\n" for at in range(150))
    there = (await send(client, browser, ("many.csv", table))).headers["location"]
    await builders.work(service)

    async def rows(query: str = "") -> list[dict[str, Any]]:
        told = await client.get(f"/api/v1{there}/rows{query}", headers=world.maker.headers)
        assert told.status_code == 200, told.text
        found: list[dict[str, Any]] = told.json()["items"]
        return found

    failed = await rows()
    assert (len(failed), failed[0]["row"], failed[0]["problems"][0]["path"]) == (100, 3, "business.kind")
    rest = await rows(f"?after={failed[-1]['row']}")
    assert len(rest) == 51
    assert [one["external_ref"] for one in await rows("?outcome=added")] == ["A1"]
    bad = await client.get(f"/api/v1{there}/rows?after=x", headers=world.maker.headers)
    assert (bad.status_code, bad.json()["code"]) == (400, "invalid_filter")
    await browser.open(there)
    assert f"after={failed[-1]['row']}" in browser.page.text
