"""/docs/guide serves the files of a built guide and nothing else; without one it says how to get it."""

import gzip
import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from merchant.core.http import guide
from tests.builders import World
from tests.merchant.portal.browsing import Browser

pytestmark = pytest.mark.anyio

PAGE, PICTURE, SHEET = b"<!doctype html><title>A</title>", b"\x89PNG\r\n\x1a\n...", b"main{margin:0}"
FRONT = "/docs/guide/index.html"


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A guide of few files, beside a file that nobody is to see."""
    folder = tmp_path / "guide"
    (folder / "reference" / "errors").mkdir(parents=True)
    (folder / "assets").mkdir()
    (folder / "index.html").write_bytes(PAGE)
    (folder / "reference" / "index.html").write_bytes(PAGE)
    (folder / "reference" / "errors" / "not_found.html").write_bytes(PAGE)
    (folder / "picture.png").write_bytes(PICTURE)
    (folder / "assets" / "guide-0123456789.css").write_bytes(SHEET)
    (folder / "notes.py").write_text("secret")
    (tmp_path / "secret.html").write_text("secret")
    (folder / "linked.html").symlink_to(tmp_path / "secret.html")
    monkeypatch.setattr(guide, "FOLDER", folder)
    yield folder


@pytest.mark.usefixtures("built")
async def test_a_page_is_public_tagged_compressed_and_under_the_strict_policy(client: httpx.AsyncClient) -> None:
    page = await client.get(FRONT, headers={"accept-encoding": "gzip"})
    assert (page.status_code, page.content) == (200, PAGE)
    assert page.headers["content-type"].startswith("text/html")
    assert page.headers["content-encoding"] == "gzip"
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'self'; img-src 'self'; ")
    assert "script" not in policy
    assert page.headers["x-frame-options"] == "DENY"
    plain = await client.get(FRONT, headers={"accept-encoding": "identity"})
    assert (plain.content, "content-encoding" in plain.headers) == (PAGE, False)


@pytest.mark.usefixtures("built")
async def test_what_a_browser_has_already_is_not_sent_again(client: httpx.AsyncClient) -> None:
    tag = (await client.get(FRONT)).headers["etag"]
    for named in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = await client.get(FRONT, headers={"if-none-match": named})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert (await client.get(FRONT, headers={"if-none-match": '"other"'})).status_code == 200


@pytest.mark.usefixtures("built")
async def test_what_is_named_by_its_content_is_kept_for_ever_and_the_rest_is_not(client: httpx.AsyncClient) -> None:
    sheet = await client.get("/docs/guide/assets/guide-0123456789.css")
    assert (sheet.status_code, sheet.content) == (200, SHEET)
    assert "immutable" in sheet.headers["cache-control"]
    picture = await client.get("/docs/guide/picture.png", headers={"accept-encoding": "gzip"})
    assert (picture.content, picture.headers["content-type"]) == (PICTURE, "image/png")
    assert "content-encoding" not in picture.headers
    assert picture.headers["cache-control"] == "public, max-age=300"


@pytest.mark.usefixtures("built")
async def test_an_address_without_its_ending_leads_to_the_page(client: httpx.AsyncClient) -> None:
    for path, page in {
        "/docs/guide": "index.html",
        "/docs/guide/": "index.html",
        "/docs/guide/reference": "reference/index.html",
        "/docs/guide/reference/errors/not_found": "reference/errors/not_found.html",
    }.items():
        answer = await client.get(path)
        assert (answer.status_code, answer.headers["location"]) == (307, f"/docs/guide/{page}")


@pytest.mark.usefixtures("built")
@pytest.mark.parametrize(
    "path",
    [
        "nothing.html",
        "notes.py",
        "linked.html",
        "../secret.html",
        "..%2Fsecret.html",
        "%2e%2e/secret.html",
        "reference/../../secret.html",
        "..%5Csecret.html",
        "%2Fetc%2Fpasswd",
        "//etc/passwd",
        "index.html%00.png",
        "reference/errors",
        "x" * 2000,
    ],
)
async def test_no_path_leads_out_of_the_guide(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(f"/docs/guide/{path}", headers={"accept": "text/html"})
    assert (answer.status_code, "secret" in answer.text) == (404, False)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_the_guide_is_only_read(client: httpx.AsyncClient, method: str) -> None:
    assert (await client.request(method, FRONT)).status_code == 405


async def test_without_a_guide_a_page_says_how_to_build_it(
    client: httpx.AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guide, "FOLDER", tmp_path / "none")
    for path in ("/docs/guide", FRONT, "/docs/guide/reference/errors/not_found"):
        page = await client.get(path)
        assert (page.status_code, "make guide" in page.text) == (404, True)


async def test_a_guide_built_anew_is_served_without_a_restart(client: httpx.AsyncClient, built: Path) -> None:
    first = await client.get(FRONT)
    (built / "index.html").write_bytes(gzip.compress(PAGE) + PAGE)
    os.utime(built / "index.html", ns=(1, 1))
    (built / "further.html").write_bytes(PAGE)
    os.utime(built, ns=(2, 2))
    again = await client.get(FRONT, headers={"if-none-match": first.headers["etag"]})
    assert again.status_code == 200
    assert (await client.get("/docs/guide/further.html")).status_code == 200


# --- what leads there ------------------------------------------------------------------------------------------------


@pytest.fixture
def unbuilt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation without a guide."""
    monkeypatch.setattr(guide, "FOLDER", tmp_path / "none")


@pytest.mark.usefixtures("built")
async def test_a_problem_names_the_page_of_its_code(client: httpx.AsyncClient) -> None:
    refused = await client.get("/api/v1/users/me")
    assert refused.json()["code"] == "not_signed_in"
    assert refused.headers["link"] == '</docs/guide/reference/errors/not_signed_in>; rel="help"'


@pytest.mark.usefixtures("unbuilt")
@pytest.mark.parametrize("path", ["/api/v1/users/me", "/api/v1/nothing", "/nothing"])
async def test_a_problem_leads_nowhere_where_there_is_no_guide(client: httpx.AsyncClient, path: str) -> None:
    refused = await client.get(path)
    assert refused.status_code in (401, 404)
    assert "link" not in refused.headers


PAGES = ("/docs", "/docs/errors", "/docs/merchant/create_payment_request", "/help")


@pytest.mark.usefixtures("built")
async def test_pages_lead_to_the_guide(client: httpx.AsyncClient, world: World) -> None:
    browser = Browser(client, world.maker)
    for path in PAGES:
        await browser.open(path)
        assert f'href="{FRONT}"' in browser.page.text, path
    await browser.open("/docs/errors")
    assert 'href="/docs/guide/reference/errors/not_found"' in browser.page.text


@pytest.mark.usefixtures("unbuilt")
async def test_no_page_leads_to_a_guide_that_is_not_there(client: httpx.AsyncClient, world: World) -> None:
    browser = Browser(client, world.maker)
    for path in PAGES:
        await browser.open(path)
        assert (browser.status, guide.ADDRESS in browser.page.text) == (200, False), path


async def test_the_guide_is_looked_for_once_in_a_process(
    client: httpx.AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refusal costs no look at the disk; what is built later is led to after the next start."""
    monkeypatch.setattr(guide, "FOLDER", tmp_path)
    assert "link" not in (await client.get("/api/v1/users/me")).headers
    (tmp_path / guide.FRONT).write_bytes(PAGE)
    assert "link" not in (await client.get("/api/v1/users/me")).headers
