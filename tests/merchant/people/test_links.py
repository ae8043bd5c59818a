"""Invitations, forgotten passwords and changed ones: a link works once, and whoever held the old password is out."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import httpx
import pyotp
import pytest
import structlog

from merchant.core import clock
from merchant.core.service import Service
from merchant.people import links
from tests import builders
from tests.builders import PASSWORD, Person, World

pytestmark = pytest.mark.anyio
Move = Callable[[timedelta], datetime]
Links = Callable[..., Awaitable[list[str]]]
USERS, MAIL = "/api/v1/users", "/api/v1/outgoing-mail"
EMAIL, NEW_EMAIL = "maker@greenbankfsp.example", "new@x.example"
NEW_PASSWORD = "seven quiet baobabs"


@pytest.fixture
def admin(world: World) -> Person:
    return world["greenbankfsp"]["admin"]


@pytest.fixture
def sent(client: httpx.AsyncClient, service: Service, admin: Person) -> Links:
    """The paths of links that were mailed to the first DFSP's people, newest first."""

    async def read(to: str | None = None) -> list[str]:
        await builders.work(service)
        items = (await client.get(MAIL, headers=admin.headers)).json()["items"]
        assert all(item["link"] in item["text"] for item in items)
        prefix = service.settings.base_url + "/account"
        return [item["link"].replace(prefix, "/api/v1") for item in items if to in (None, item["to"])]

    return read


async def invite(client: httpx.AsyncClient, admin: Person) -> str:
    body = {"email": NEW_EMAIL, "name": "Amina Odhiambo", "roles": ["dfsp_maker"]}
    made = await client.post(USERS, json=body, headers=admin.headers)
    assert made.status_code == 201
    return str(made.json()["id"])


async def sign_in(client: httpx.AsyncClient, password: str, email: str = EMAIL) -> int:
    return (await client.post("/api/v1/sessions", json={"email": email, "password": password})).status_code


async def ask(client: httpx.AsyncClient, email: str = EMAIL) -> httpx.Response:
    return await client.post("/api/v1/password-resets", json={"email": email})


class TestInvitations:
    async def test_whoever_is_invited_sets_the_password_themselves_once(
        self, client: httpx.AsyncClient, admin: Person, sent: Links
    ) -> None:
        await invite(client, admin)
        [path] = await sent()
        accepted = await client.put(path, json={"password": NEW_PASSWORD})
        assert (accepted.status_code, accepted.content) == (204, b"")
        assert await sign_in(client, NEW_PASSWORD, NEW_EMAIL) == 201
        used = await client.put(path, json={"password": PASSWORD})
        unknown = await client.put("/api/v1/invitations/none", json={"password": PASSWORD})
        for refused in (used, unknown):
            assert (refused.status_code, refused.json()["code"]) == (404, "link_invalid")
        assert used.json() | {"request_id": 0} == unknown.json() | {"request_id": 0}
        assert await sign_in(client, PASSWORD, NEW_EMAIL) == 401

    async def test_a_link_used_by_two_at_once_counts_for_one(
        self, client: httpx.AsyncClient, admin: Person, sent: Links
    ) -> None:
        await invite(client, admin)
        [path] = await sent()
        passwords = [f"{number} quiet baobabs stand" for number in range(4)]
        answers = await asyncio.gather(*(client.put(path, json={"password": one}) for one in passwords))
        assert sorted(one.status_code for one in answers) == [204, 404, 404, 404]

    async def test_an_invitation_ends_after_three_days(
        self, client: httpx.AsyncClient, service: Service, move_clock: Move, world: World
    ) -> None:
        admin = world["greenbankfsp"]["admin"]
        await invite(client, admin)
        mail = (await client.get(MAIL, headers=admin.headers)).json()["items"][0]
        path = mail["link"].replace(service.settings.base_url + "/account", "/api/v1")
        move_clock(timedelta(hours=71, minutes=59))
        weak = await client.put(path, json={"password": "aaaaaaaaaaaa"})
        assert weak.status_code == 422
        move_clock(timedelta(minutes=2))
        assert (await client.put(path, json={"password": NEW_PASSWORD})).status_code == 404

    async def test_a_new_invitation_ends_the_older_one(
        self, client: httpx.AsyncClient, admin: Person, sent: Links
    ) -> None:
        user_id = await invite(client, admin)
        again = await client.post(f"{USERS}/{user_id}/invitation", headers=admin.headers)
        assert (again.status_code, set(again.json())) == (202, {"id", "expires_at"})
        newer, older = await sent()
        assert (await client.put(older, json={"password": NEW_PASSWORD})).status_code == 404
        assert (await client.put(newer, json={"password": NEW_PASSWORD})).status_code == 204
        late = await client.post(f"{USERS}/{user_id}/invitation", headers=admin.headers)
        assert (late.status_code, late.json()["code"]) == (409, "already_accepted")

    async def test_a_link_of_one_kind_is_none_of_the_other(
        self, client: httpx.AsyncClient, admin: Person, sent: Links
    ) -> None:
        await invite(client, admin)
        await ask(client)
        for path in await sent():
            token = path.rpartition("/")[2]
            other = "invitations" if "password-resets" in path else "password-resets"
            assert (await client.put(f"/api/v1/{other}/{token}", json={"password": NEW_PASSWORD})).status_code == 404

    async def test_the_link_of_someone_disabled_opens_nothing(
        self, client: httpx.AsyncClient, admin: Person, sent: Links
    ) -> None:
        user_id = await invite(client, admin)
        headers = {**admin.headers, "if-match": '"1"'}
        await client.patch(f"{USERS}/{user_id}", json={"enabled": False}, headers=headers)
        [path] = await sent()
        assert (await client.put(path, json={"password": NEW_PASSWORD})).status_code == 404

    async def test_another_dfsp_neither_invites_nor_reads_the_mail(
        self, client: httpx.AsyncClient, admin: Person, world: World
    ) -> None:
        user_id = await invite(client, admin)
        stranger = world["lakemfi"]["admin"].headers
        assert (await client.post(f"{USERS}/{user_id}/invitation", headers=stranger)).status_code == 404
        assert (await client.get(MAIL, headers=stranger)).json()["items"] == []
        assert (await client.get(MAIL, headers=world.maker.headers)).status_code == 403
        assert len((await client.get(MAIL, headers=world.operator.headers)).json()["items"]) == 1

    async def test_neither_the_link_nor_the_address_lies_open_in_the_database_or_the_log(
        self, client: httpx.AsyncClient, service: Service, admin: Person, sent: Links
    ) -> None:
        with structlog.testing.capture_logs() as logged:
            await invite(client, admin)
            await ask(client, NEW_EMAIL)
            [path] = await sent()
            token = path.rpartition("/")[2]
            await client.put(path, json={"password": NEW_PASSWORD})
        assert token not in str(logged)
        assert NEW_EMAIL not in str(logged)
        async with service.db.system() as tx:
            for table in ("account_token", "outgoing_mail", "outbox", "audit_entry"):
                rows = str(await tx.fetch(f"SELECT * FROM {table}"))
                assert token not in rows, table
                assert NEW_EMAIL not in rows, table


class TestResets:
    async def test_a_forgotten_password_is_replaced_and_everyone_who_was_in_is_out(
        self, client: httpx.AsyncClient, world: World, sent: Links
    ) -> None:
        asked = await ask(client, " Maker@GreenBankFSP.example")
        assert (asked.status_code, asked.json()) == (202, {"status": "accepted"})
        [path] = await sent()
        assert (await client.put(path, json={"password": NEW_PASSWORD})).status_code == 204
        assert (await client.get(f"{USERS}/me", headers=world.maker.headers)).status_code == 401
        assert (await sign_in(client, PASSWORD), await sign_in(client, NEW_PASSWORD)) == (401, 201)
        assert (await client.put(path, json={"password": PASSWORD})).status_code == 404

    async def test_a_reset_keeps_the_second_factor(
        self, client: httpx.AsyncClient, world: World, sent: Links, move_clock: Move
    ) -> None:
        totp, own = f"{USERS}/me/totp", world.maker.headers
        secret = (await client.post(totp, json={"password": PASSWORD}, headers=own)).json()["secret"]
        first = {"code": pyotp.TOTP(secret).at(clock.now())}
        assert (await client.post(f"{totp}/confirm", json=first, headers=own)).status_code == 200
        await ask(client)
        [path] = await sent(EMAIL)
        assert (await client.put(path, json={"password": NEW_PASSWORD})).status_code == 204
        account = {"email": EMAIL, "password": NEW_PASSWORD}
        refused = await client.post("/api/v1/sessions", json=account)
        assert (refused.status_code, refused.json()["code"]) == (401, "totp_required")
        move_clock(timedelta(seconds=30))
        code = {"totp": pyotp.TOTP(secret).at(clock.now())}
        assert (await client.post("/api/v1/sessions", json=account | code)).status_code == 201

    async def test_the_answer_is_the_same_whoever_has_the_address(
        self, client: httpx.AsyncClient, service: Service, admin: Person, sent: Links
    ) -> None:
        await invite(client, admin)
        async with service.db.system() as tx:
            await tx.execute("UPDATE app_user SET enabled = false WHERE email = 'auditor@greenbankfsp.example'")
        emails = (EMAIL, "nobody@x.example", NEW_EMAIL, "auditor@greenbankfsp.example", "", "' OR 1=1 --")
        answers = [await ask(client, email) for email in emails]
        assert {(one.status_code, one.text) for one in answers} == {(202, '{"status":"accepted"}')}
        assert [path for path in await sent() if "password-resets" in path] == await sent(EMAIL)

    async def test_a_reset_ends_after_an_hour(
        self, client: httpx.AsyncClient, service: Service, move_clock: Move, world: World
    ) -> None:
        await ask(client)
        await builders.work(service)
        mail = (await client.get(MAIL, headers=world.operator.headers)).json()["items"][0]
        path = mail["link"].replace(service.settings.base_url + "/account", "/api/v1")
        move_clock(timedelta(minutes=61))
        assert (await client.put(path, json={"password": NEW_PASSWORD})).status_code == 404

    async def test_a_strangers_requests_fill_no_mailbox_and_end_no_link(
        self, client: httpx.AsyncClient, sent: Links
    ) -> None:
        for _ in range(6):
            await ask(client)
        paths = await sent(EMAIL)
        assert len(paths) == 3
        assert (await client.put(paths[-1], json={"password": NEW_PASSWORD})).status_code == 204
        for path in paths[:-1]:  # used together with it
            assert (await client.put(path, json={"password": PASSWORD})).status_code == 404

    async def test_one_source_asks_only_so_often(self, client: httpx.AsyncClient) -> None:
        answers = [await ask(client, f"nobody{number}@x.example") for number in range(14)]
        assert [one.status_code for one in answers[:10]] == [202] * 10
        refused = answers[-1]
        assert (refused.status_code, int(refused.headers["retry-after"]) > 0) == (429, True)

    async def test_a_reset_lets_the_owner_in_after_someone_guessed(
        self, client: httpx.AsyncClient, sent: Links
    ) -> None:
        for _ in range(6):
            await sign_in(client, "wrong")
        await ask(client)
        [path] = await sent()
        assert await sign_in(client, PASSWORD) == 429
        await client.put(path, json={"password": NEW_PASSWORD})
        assert await sign_in(client, NEW_PASSWORD) == 201

    async def test_links_that_are_long_over_are_forgotten(
        self, client: httpx.AsyncClient, service: Service, move_clock: Move
    ) -> None:
        await ask(client)
        await builders.work(service)
        move_clock(timedelta(days=8))
        async with service.db.system() as tx:
            assert await links.prune(tx, 100) == 1


class TestChangingOnesPassword:
    async def change(self, client: httpx.AsyncClient, who: Person, **body: Any) -> httpx.Response:
        whole = {"current": PASSWORD, "new": NEW_PASSWORD, **body}
        return await client.put(f"{USERS}/me/password", json=whole, headers=who.headers)

    async def test_this_session_goes_on_and_all_others_end(
        self, client: httpx.AsyncClient, service: Service, world: World
    ) -> None:
        there = await builders.signed_in(service, EMAIL)
        assert (await self.change(client, world.maker)).status_code == 204
        assert (await client.get(f"{USERS}/me", headers=world.maker.headers)).status_code == 200
        assert (await client.get(f"{USERS}/me", headers=there.headers)).status_code == 401
        assert (await sign_in(client, PASSWORD), await sign_in(client, NEW_PASSWORD)) == (401, 201)
        async with service.db.system_reads() as tx:
            changed = await tx.fetchval("SELECT password_changed_at FROM app_user WHERE email = $1", EMAIL)
        assert abs(changed - clock.now()) < timedelta(minutes=1)

    async def test_a_stolen_session_cannot_guess_the_password(self, client: httpx.AsyncClient, world: World) -> None:
        answers = [await self.change(client, world.maker, current=f"wrong {guess}") for guess in range(7)]
        assert [one.status_code for one in answers] == [422] * 5 + [429] * 2
        assert answers[0].json()["errors"][0] == {
            "path": "current",
            "code": "wrong",
            "message": "The password is wrong.",
        }
        assert (await self.change(client, world.maker)).status_code == 429

    @pytest.mark.parametrize(
        ("new", "code"),
        [("password1234", "weak"), ("greenbankfsp greenbankfsp", "weak"), (EMAIL, "weak")],
    )
    async def test_a_weak_password_is_refused_by_name(
        self, client: httpx.AsyncClient, world: World, new: str, code: str
    ) -> None:
        refused = await self.change(client, world.maker, new=new)
        fault = refused.json()["errors"][0]
        assert (refused.status_code, fault["path"], fault["code"]) == (422, "new", code)
