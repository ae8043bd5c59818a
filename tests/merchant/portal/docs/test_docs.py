"""The API to read: every operation has its page, every link leads somewhere, nothing comes from elsewhere."""

import html
import re
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx
import msgspec
import pytest

from merchant.portal.docs.docs import BOOKS
from merchant.programs import openapi
from merchant.programs.slices import ROUTES
from tests.merchant.portal.shops import words_of

pytestmark = pytest.mark.anyio

PAGE_BYTES_MAX = 70_000  # before compression; the largest: the overview, and opening a case
GUIDE = "/docs/guide/"  # tests/docs walks over it
_VOID = {"meta", "link", "wbr", "br", "input", "img", "hr"}
_BLOCKS = {"p", "table", "ul", "pre", "section", "details", "h1", "h2", "h3", "nav", "div", "main"}
DOCUMENTS: dict[str, Any] = {name: msgspec.json.decode(text) for name, text in openapi.documents(ROUTES).items()}


class Checked(HTMLParser):
    """A page's links and ids; what is wrong with its tags goes into `faults`."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.faults: list[str] = []
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.ids: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        self.faults += [f"<{tag}> is not closed" for tag in self._open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.links += [given["href"]] if tag == "a" else []
        self.loaded += [
            given[name] for name in ("src", "href", "action", "data", "poster") if name in given and tag != "a"
        ]
        self.ids += [given["id"]] if "id" in given else []
        if len(given) != len(attrs):
            self.faults.append(f"<{tag}> has an attribute twice")
        if tag in _BLOCKS and "p" in self._open:
            self.faults.append(f"<{tag}> inside <p>")
        if tag not in _VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            self.faults.append(f"</{tag}> closes nothing")


def operations(name: str) -> dict[str, tuple[str, Any]]:
    """The operations of a document by id, each with its path."""
    document = DOCUMENTS[f"{name}.json"]
    every = {**document["paths"], **document.get("webhooks", {})}
    return {one["operationId"]: (path, one) for path, methods in every.items() for one in methods.values()}


async def test_every_operation_has_a_page_every_link_resolves_and_nothing_comes_from_elsewhere(
    client: httpx.AsyncClient,
) -> None:
    found: dict[str, Checked] = {}
    todo = ["/docs"]
    while todo:
        path = todo.pop()
        page = await client.get(path)
        assert page.status_code == 200, path
        if not page.headers["content-type"].startswith("text/html"):
            continue
        assert len(page.content) <= PAGE_BYTES_MAX, path
        assert page.headers["content-security-policy"].startswith("default-src 'none'; style-src 'self';")
        checked = found[path] = Checked(page.text)
        assert (path, checked.faults) == (path, [])
        assert len(set(checked.ids)) == len(checked.ids), path
        assert all(url.startswith("/static/") for url in checked.loaded), path
        assert "<script" not in page.text
        assert " style=" not in page.text
        targets = [urljoin(path, link).partition("#")[0] for link in checked.links]
        assert not [link for link in targets if urlsplit(link).netloc], path
        ours = [link for link in dict.fromkeys(targets) if link.startswith("/docs") and not link.startswith(GUIDE)]
        todo += [link for link in ours if link not in {*found, *todo}]
    for path, checked in found.items():
        for link in checked.links:
            target, _, fragment = urljoin(path, link).partition("#")
            assert not fragment or fragment in found[target].ids, (path, link)
    wanted = {f"/docs/{name}/{operation_id}" for name in BOOKS for operation_id in operations(name)}
    assert wanted <= found.keys()


@pytest.mark.parametrize("name", BOOKS)
async def test_a_documents_page_names_every_operation(client: httpx.AsyncClient, name: str) -> None:
    said = words_of(await client.get(f"/docs/{name}")).replace(" ", "")
    for path, operation in operations(name).values():
        assert path in said
        assert operation["summary"].replace(" ", "").replace("`", "") in said


async def test_an_operations_page_says_what_it_takes_and_what_it_answers(client: httpx.AsyncClient) -> None:
    page = await client.get("/docs/merchant/create_payment_request")
    said = words_of(page)
    for part in ("payments:request", "Idempotency-Key required", "curl -X POST", "One of MSISDN", "application/json"):
        assert part in said
    fields = re.findall(r'<th scope="row"><code>(.*?)</code>', page.text.replace("<wbr>", ""))
    assert {"amount.currency", "payer.type", "qr_payload", "hub.transfer_id"} <= set(fields)
    assert 'href="/docs/errors#invalid_fields"' in page.text


async def test_the_errors_page_shows_the_form_once_and_every_code_with_its_status_and_sentence(
    client: httpx.AsyncClient,
) -> None:
    page = await client.get("/docs/errors")
    sections = {
        code: html.unescape(re.sub("<[^>]*>", "", section))
        for code, section in re.findall(r'<section id="(.*?)">(.*?)</section>', page.text, re.DOTALL)
    }
    examples = [
        one["value"]
        for _, operation in operations("merchant").values()
        for response in operation["responses"].values()
        for one in response.get("content", {}).get("application/problem+json", {}).get("examples", {}).values()
    ]
    assert {one["code"] for one in examples} == set(sections)
    for one in examples:
        assert str(one["status"]) in sections[one["code"]]
        assert one["title"].replace("`", "") in sections[one["code"]]
    assert words_of(page).replace(" ", "").count('"code":"invalid_fields"') == 1


@pytest.mark.parametrize("name", BOOKS)
async def test_the_documents_themselves_are_there_for_generators(client: httpx.AsyncClient, name: str) -> None:
    found = await client.get(f"/docs/{name}.json")
    assert found.headers["content-type"] == "application/json"
    assert found.json() == DOCUMENTS[f"{name}.json"]


@pytest.mark.parametrize(
    "path",
    [
        "/docs/nothing",
        "/docs/nothing.json",
        "/docs/merchant/nothing",
        "/docs/nothing/create_payment_request",
        "/docs/oracle/create_payment_request",
        "/docs/errors/create_payment_request",
        "/docs/errors.json",
        "/docs/..%2Fmerchant",
        "/docs/.json",
        "/docs/merchant/%3Cscript%3E",
        "/docs/merchant/" + "x" * 999,
    ],
)
async def test_what_is_not_there_is_told_on_a_page(client: httpx.AsyncClient, path: str) -> None:
    page = await client.get(path)
    assert page.status_code == 404
    assert page.headers["content-type"].startswith("text/html")
    assert "There is no such page" in page.text


async def test_the_start_page_leads_there(client: httpx.AsyncClient) -> None:
    assert 'href="/docs"' in (await client.get("/")).text


def test_the_check_of_pages_bites() -> None:
    assert Checked("<p><b>x</p>").faults
    assert Checked("<p><table></table></p>").faults
    assert Checked('<a href="/" href="/x">x</a>').faults
    assert Checked("<p>x").faults
    assert Checked("<p>x<br><wbr></p>").faults == []


async def test_the_page_one_is_on_is_marked_for_screen_readers(client: httpx.AsyncClient) -> None:
    for path, title in (("/docs", "API"), ("/docs/webhooks", "Webhooks"), ("/docs/errors", "Errors")):
        page = (await client.get(path)).text
        assert re.findall(r'aria-current="page">(\w+)<', page) == [title]
