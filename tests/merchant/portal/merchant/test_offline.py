"""The pages as an app, also without a line: what is kept, for whom, and how little the first load weighs."""

import re

import httpx
import pytest

from tests.builders import World
from tests.merchant.portal.browsing import Browser
from tests.merchant.portal.merchant.conftest import Stall
from tests.merchant.portal.shops import words_of

pytestmark = pytest.mark.anyio
FIRST_LOAD_BYTES = 20_000  # 30,000 are what is allowed; the rest is for what comes
SCRIPT_BYTES = 4_096


async def fetched(stall: Stall, path: str) -> tuple[httpx.Response, int]:
    """A page or file, and its bytes on the wire with headers."""
    headers = {"cookie": f"session={stall.owner.token}", "accept-encoding": "gzip"}
    async with stall.client.stream("GET", path, headers=headers) as answer:
        raw = b"".join([part async for part in answer.aiter_raw()])
    assert answer.status_code == 200, path
    head = sum(len(name) + len(value) + 4 for name, value in answer.headers.raw)
    return answer, len(raw) + head


def files_of(page: httpx.Response) -> set[str]:
    """What a page loads, with what its first script loads for it."""
    later = re.findall(r'data-files="([^"]+)"', page.text)
    named = set(re.findall(r'(?:href|src)="(/static/[^"]+|/manifest[^"]+)"', page.text))
    return named | {file for files in later for file in files.split()}


async def test_the_first_load_of_the_start_page_is_light(stall: Stall) -> None:
    for _payment in range(6):
        await stall.pay(250_00)
    page = await Browser(stall.client, stall.owner).open("/shop")
    files = files_of(page)
    assert len(files) >= 5
    weights = {path: (await fetched(stall, path))[1] for path in ("/shop", "/shop/sw.js", *files)}
    assert sum(weights.values()) <= FIRST_LOAD_BYTES, weights
    assert "htmx" not in page.text
    [script] = [weight for path, weight in weights.items() if "/shop-" in path and path.endswith(".js")]
    assert script <= SCRIPT_BYTES + 600  # and its headers


async def test_the_worker_may_serve_the_shop_and_keeps_the_files_of_this_release(stall: Stall) -> None:
    answer, _bytes = await fetched(stall, "/shop/sw.js")
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["service-worker-allowed"] == "/shop"
    assert answer.headers["cache-control"] == "no-cache"
    assert "connect-src 'self'" in answer.headers["content-security-policy"]
    worker = (await stall.client.get("/shop/sw.js")).text
    assert "__" not in worker
    for path in re.findall(r'"(/static/[^"]+)"', worker):
        assert (await stall.client.get(path)).status_code == 200
    kept = set(re.findall(r'"(/static/[^"]+)"', worker))
    for path in ("/shop", "/shop/code", "/shop/ask", "/shop/offline"):
        page = await Browser(stall.client, stall.owner).open(path)
        assert {file for file in files_of(page) if file.startswith("/static/")} <= kept


async def test_the_worker_keeps_no_page_about_money(stall: Stall) -> None:
    worker = (await stall.client.get("/shop/sw.js")).text
    assert re.search(r"KEPT = (\[[^\]]*\])", worker)[1] == '["/shop/code", "/shop/ask", "/shop/offline"]'  # type: ignore[index]
    await stall.pay(4_321_00)
    for path in ("/shop/code", "/shop/ask", "/shop/offline"):
        page = await Browser(stall.client, stall.owner).open(path)
        assert "4,321" not in page.text
        assert "2547" not in words_of(page)


async def test_nothing_but_the_server_says_paid(stall: Stall) -> None:
    page = await Browser(stall.client, stall.owner).open("/shop")
    script = next(path for path in files_of(page) if "/shop-" in path and path.endswith(".js"))
    text = (await stall.client.get(script)).text
    # What the script says, it takes from the page's own sentences, of which none says so.
    assert {one.strip() for one in re.findall(r"textContent = ([^;]+);", text)} >= {"told(sentence, entry.amount)"}
    sentences = re.findall(r'data-[a-z]+="([^"]* [^"]*)"', page.text)
    assert len(sentences) >= 4
    assert not [one for one in sentences if re.search(r"\bpaid\b", one, re.IGNORECASE)]


async def test_the_manifest_makes_an_app_of_it(stall: Stall) -> None:
    answer = await stall.client.get("/manifest.webmanifest")
    told = answer.json()
    assert answer.headers["content-type"].startswith("application/manifest+json")
    assert (told["start_url"], told["scope"], told["display"]) == ("/shop", "/shop", "standalone")
    assert (await stall.client.get(told["icons"][0]["src"])).status_code == 200


async def test_signing_out_clears_what_the_browser_kept(stall: Stall) -> None:
    browser = stall.browser()
    await browser.open("/shop")
    cookie = {"cookie": f"session={stall.owner.token}"}
    out = await stall.client.post("/sign-out", data=browser.fields("/sign-out"), headers=cookie)
    assert out.status_code == 303
    assert out.headers["clear-site-data"] == '"cache", "storage"'


async def test_staff_pages_load_no_script_of_the_shop(client: httpx.AsyncClient, world: World) -> None:
    page = await Browser(client, world["greenbankfsp"]["maker"]).open("/merchants")
    assert "/static/shop-" not in page.text
    assert "manifest" not in page.text
    assert "/static/htmx-" in page.text
