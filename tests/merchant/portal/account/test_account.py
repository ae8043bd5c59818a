"""The pages behind mailed links, as a browser without JavaScript sees them."""

import re

import httpx
import pytest

from merchant.core.service import Service
from merchant.people import links
from tests import builders
from tests.builders import PASSWORD, World

pytestmark = pytest.mark.anyio
NEW = "seven quiet baobabs"
BROWSER = {"sec-fetch-site": "same-origin", "origin": "null", "accept": "text/html"}


@pytest.fixture
async def link(client: httpx.AsyncClient, service: Service, world: World) -> str:
    """An invitation's path."""
    admin = world["greenbankfsp"]["admin"].headers
    body = {"email": "new@x.example", "name": "New", "roles": ["dfsp_maker"]}
    assert (await client.post("/api/v1/users", json=body, headers=admin)).status_code == 201
    mail = (await client.get("/api/v1/outgoing-mail", headers=admin)).json()["items"][0]
    return str(mail["link"].removeprefix(service.settings.base_url))


async def send(client: httpx.AsyncClient, path: str, password: str, again: str | None = None) -> httpx.Response:
    form = {"password": password, "again": password if again is None else again}
    return await client.post(path, data=form, headers=BROWSER)


async def test_password_managers_and_pasting_are_not_hindered(client: httpx.AsyncClient, link: str) -> None:
    shown = await client.get(link)
    fields = re.findall(r"<input[^>]*>", shown.text)
    assert len(fields) == 2
    for field in fields:
        assert 'type="password"' in field
        assert 'autocomplete="new-password"' in field
    assert not re.search(r"<script|\son[a-z]+=|readonly", shown.text)
    assert "script-src" not in shown.headers["content-security-policy"]  # so that default-src holds
    assert "default-src 'none'" in shown.headers["content-security-policy"]


async def test_an_invitation_is_accepted_by_typing_a_password_twice(client: httpx.AsyncClient, link: str) -> None:
    shown = await client.get(link)
    assert shown.status_code == 200
    assert shown.text.count('type="password"') == 2
    assert "<script" not in shown.text
    assert link.rpartition("/")[2] not in shown.text  # the form goes where it came from
    done = await send(client, link, NEW)
    assert (done.status_code, "Your password is set" in done.text) == (200, True)
    signed = await client.post("/api/v1/sessions", json={"email": "new@x.example", "password": NEW})
    assert signed.status_code == 201


@pytest.mark.parametrize("password", [f" {NEW}", f"{NEW} ", f"  {NEW}\t"])
async def test_a_password_is_taken_exactly_as_it_was_typed(client: httpx.AsyncClient, link: str, password: str) -> None:
    assert (await send(client, link, password, NEW)).status_code == 422
    assert (await send(client, link, password)).status_code == 200
    for tried, status in ((password.strip(), 401), (password, 201)):
        signed = await client.post("/api/v1/sessions", json={"email": "new@x.example", "password": tried})
        assert signed.status_code == status


async def test_a_forgotten_password_is_replaced_the_same_way(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    await links.request_reset(service, world.maker.email, "")
    await builders.work(service)
    mail = (await client.get("/api/v1/outgoing-mail", headers=world.operator.headers)).json()["items"][0]
    path = mail["link"].removeprefix(service.settings.base_url)
    assert path.startswith("/account/password-resets/")
    assert (await send(client, path, NEW)).status_code == 200
    assert (await send(client, path, PASSWORD)).status_code == 404


async def test_what_is_wrong_is_said_and_the_link_still_works(client: httpx.AsyncClient, link: str) -> None:
    for password, again, sentence in (
        (NEW, "seven quiet baobab", "The two passwords differ"),
        ("short", "short", "Use at least 12 characters"),
        ("aaaaaaaaaaaa", "aaaaaaaaaaaa", "easily guessed"),
        ("x" * 200, "x" * 200, "Use at most 128 characters"),
        ("", "", "Use at least 12 characters"),
    ):
        refused = await send(client, link, password, again)
        assert (refused.status_code, sentence in refused.text) == (422, True), sentence
        assert not password or password not in refused.text
    assert (await send(client, link, NEW)).status_code == 200


async def test_a_used_an_unknown_and_a_foreign_link_look_the_same(client: httpx.AsyncClient, link: str) -> None:
    await send(client, link, NEW)
    token = link.rpartition("/")[2]
    pages = [
        await client.request(
            method, path, headers=BROWSER, data={"password": NEW, "again": NEW} if method == "POST" else None
        )
        for method in ("GET", "POST")
        for path in (link, "/account/invitations/none", f"/account/password-resets/{token}")
    ]
    assert {(page.status_code, page.text) for page in pages} == {(404, pages[0].text)}
    assert "This link does not work" in pages[0].text


async def test_the_secret_address_is_not_told_on_nor_kept(client: httpx.AsyncClient, link: str) -> None:
    for page in (await client.get(link), await send(client, link, "short")):
        assert page.headers["referrer-policy"] == "no-referrer"
        assert page.headers["cache-control"] == "no-store"
        assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
        assert '<meta name="robots" content="noindex">' in page.text
