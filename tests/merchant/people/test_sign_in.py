"""Signing in: nobody learns who exists, nobody is shut out by strangers, and guessing stays slow."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import httpx
import pyotp
import pytest
from litestar import Litestar

from merchant.core import clock
from merchant.core.service import Service
from merchant.core.throttle import Throttle
from merchant.people import sign_in
from merchant.people.passwords import Hashing
from tests.apps import app_on
from tests.builders import PASSWORD, World

pytestmark = pytest.mark.anyio
Move = Callable[[timedelta], datetime]
EMAIL = "maker@greenbankfsp.example"
OWNER, STRANGER = "198.51.100.7", "203.0.113.9"


class Door:
    """The way in, from any address."""

    def __init__(self, app: Litestar) -> None:
        self._app = app

    async def __call__(
        self, password: str = PASSWORD, email: str = EMAIL, source: str = OWNER, headers: Any = None, **more: Any
    ) -> httpx.Response:
        transport = httpx.ASGITransport(self._app, raise_app_exceptions=False, client=(source, 1))  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://test.local") as client:
            body = {"email": email, "password": password, **more}
            return await client.post("/api/v1/sessions", json=body, headers=headers)


@pytest.fixture
def door(service: Service) -> Door:
    return Door(app_on(service))


@pytest.fixture
async def secret(service: Service, world: World) -> str:
    """The maker's authenticator app."""
    return await enrol(service, world.maker.actor.id)


async def enrol(service: Service, user_id: Any) -> str:
    found = pyotp.random_base32()
    async with service.db.system() as tx:
        await tx.execute(
            "UPDATE app_user SET totp_sealed = $2, totp_confirmed_at = $3 WHERE id = $1",
            user_id,
            service.vault.seal(found.encode(), f"totp:{user_id}"),
            clock.now(),
        )
    return found


def code(secret: str) -> str:
    return pyotp.TOTP(secret).at(clock.now())


async def test_a_right_password_gives_a_token_that_says_who_it_is(door: Door, world: World) -> None:
    response = await door(email="  Maker@GreenBankFSP.example ")
    assert response.status_code == 201
    session = response.json()
    assert session["token_type"] == "Bearer"
    assert session["user"] == {
        "id": str(world.maker.actor.id),
        "name": "maker",
        "roles": ["dfsp_maker"],
        "dfsp_id": str(world.dfsp_ids["greenbankfsp"]),
        "merchant_id": None,
        "counter_id": None,
    }
    assert session["expires_at"].endswith("Z")
    assert session["totp_enrolment_required"] is False
    assert response.headers["cache-control"] == "no-store"


async def test_a_password_does_not_age(door: Door, move_clock: Move) -> None:
    move_clock(timedelta(days=5 * 365))
    answered = await door()
    assert answered.status_code == 201
    assert "password" not in answered.text  # and nobody is asked to change it


async def test_known_and_unknown_addresses_are_told_the_same_until_the_end_and_cost_the_same(
    door: Door, service: Service, world: World
) -> None:
    told, cost = [], []
    for email in (EMAIL, "nobody@x.example", "both@greenbankfsp.example"):
        if email.startswith("both"):
            async with service.db.system() as tx:  # invited, without a password yet
                await tx.execute("UPDATE app_user SET password_hash = '!' WHERE email = $1", email)
        before = service.shared(Hashing).done
        answers = [await door(f"wrong {guess}", email, STRANGER) for guess in range(8)]
        cost.append(service.shared(Hashing).done - before)
        drop = {"x-request-id", "date"}
        told.append(
            [
                (
                    one.status_code,
                    one.json() | {"request_id": ""},
                    {k: v for k, v in one.headers.items() if k not in drop},
                )
                for one in answers
            ]
        )
    assert [status for status, *_ in told[0]] == [401] * 5 + [429] * 3
    for other in told[1:]:
        assert [(status, body["code"], set(headers)) for status, body, headers in other] == [
            (status, body["code"], set(headers)) for status, body, headers in told[0]
        ]
        assert other[:5] == told[0][:5]
    assert cost == [5, 5, 5]


async def test_a_strangers_guesses_shut_nobody_else_out(door: Door) -> None:
    for guess in range(7):
        await door(f"wrong {guess}", source=STRANGER)
    assert (await door(source=STRANGER)).status_code == 429  # whoever guesses waits, even with the right one
    assert (await door()).status_code == 201


async def test_the_owner_passes_from_the_strangers_own_address_on_a_known_device(door: Door) -> None:
    device = (await door(source=STRANGER)).json()["device_token"]
    for guess in range(7):
        await door(f"wrong {guess}", source=STRANGER)
    assert (await door(source=STRANGER)).status_code == 429
    again = await door(source=STRANGER, headers={"x-device-token": device})
    assert (again.status_code, again.json()["device_token"]) == (201, device)
    assert (await door(source=STRANGER, device=device)).status_code == 201


async def test_a_device_of_someone_else_or_made_up_is_no_known_device(door: Door) -> None:
    other = (await door(email="checker@greenbankfsp.example")).json()["device_token"]
    for device in (other, "made-up", ""):
        for guess in range(7):
            await door(f"wrong {guess}", source=STRANGER)
        assert (await door(source=STRANGER, device=device)).status_code == 429, device


async def test_a_known_device_guesses_no_faster(door: Door) -> None:
    device = (await door()).json()["device_token"]
    statuses = [(await door(f"wrong {guess}", device=device)).status_code for guess in range(7)]
    assert statuses == [401] * 5 + [429] * 2


async def test_a_known_device_is_forgotten_after_its_time(door: Door, move_clock: Move) -> None:
    device = (await door(source=STRANGER)).json()["device_token"]
    move_clock(timedelta(days=91))
    for guess in range(6):
        await door(f"wrong {guess}", source=STRANGER)
    assert (await door(source=STRANGER, device=device)).status_code == 429


async def test_a_right_code_passes_where_everyone_else_must_wait(door: Door, secret: str) -> None:
    for guess in range(7):
        await door(f"wrong {guess}", source=STRANGER)
    assert (await door(source=STRANGER)).status_code == 429
    assert (await door(source=STRANGER, totp=code(secret))).status_code == 201


@pytest.mark.parametrize("password", [PASSWORD, "wrong"])
async def test_a_made_up_code_tells_whoever_must_wait_nothing(door: Door, secret: str, password: str) -> None:
    for guess in range(6):
        await door(f"wrong {guess}", source=STRANGER)
    for _ in range(25):
        refused = await door(password, source=STRANGER, totp="000000")
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_requests")


async def test_many_strangers_together_are_slowed_and_the_owner_is_not(
    door: Door, service: Service, secret: str, move_clock: Move
) -> None:
    device = (await door(totp=code(secret))).json()["device_token"]
    move_clock(timedelta(minutes=1))
    async with service.db.system() as tx:
        account = service.vault.digest("sign-in account", EMAIL)
        await tx.execute(
            "INSERT INTO sign_in_failure (account, source, count, last_at, until) VALUES ($1, 'strangers', 99, $2, $3)"
            " ON CONFLICT (account, source) DO UPDATE SET count = 99",
            account,
            clock.now(),
            clock.now() + timedelta(hours=1),
        )
    assert (await door("wrong", source="192.0.2.1")).status_code == 401
    for address in range(2, 5):
        refused = await door(source=f"192.0.2.{address}")
        assert refused.status_code == 429
        assert 0 < int(refused.headers["retry-after"]) <= 3601
    assert (await door(source="192.0.2.9", totp=code(secret))).status_code == 201
    move_clock(timedelta(minutes=1))
    assert (await door(source="192.0.2.1", device=device, totp=code(secret))).status_code == 201
    move_clock(timedelta(hours=1))
    assert (await door(source="192.0.2.77", totp=code(secret))).status_code == 201


async def test_the_pause_grows_with_every_further_failure_up_to_an_hour(door: Door, move_clock: Move) -> None:
    pauses = []
    for _ in range(4):
        await door("wrong")
    for _ in range(9):
        await door("wrong")
        pauses.append(int((await door("wrong")).headers["retry-after"]))
        move_clock(timedelta(seconds=pauses[-1]))
    assert pauses == [31, 61, 121, 241, 481, 961, 1921, 3601, 3601]


async def test_a_pause_ends_and_a_success_forgets_the_failures(door: Door, move_clock: Move) -> None:
    for _ in range(5):
        await door("wrong")
    refused = await door()
    move_clock(timedelta(seconds=int(refused.headers["retry-after"])))
    for _ in range(2):
        assert (await door()).status_code == 201
        for _ in range(4):
            assert (await door("wrong")).status_code == 401


async def test_guesses_sent_at_once_are_counted_one_by_one(door: Door) -> None:
    responses = await asyncio.gather(*(door(f"guess {number}") for number in range(12)))
    assert sorted(response.status_code for response in responses) == [401] * 5 + [429] * 7


async def test_one_source_cannot_make_us_hash_without_end(door: Door, service: Service) -> None:
    hashing = service.shared(Hashing)
    hashing.rate = Throttle(per_minute=30, burst=5, now_s=lambda: 0.0)
    answers = [await door("wrong", f"nobody{number}@x.example", STRANGER) for number in range(9)]
    assert [one.status_code for one in answers] == [401] * 5 + [429] * 4
    assert all(int(one.headers["retry-after"]) >= 1 for one in answers[5:])
    assert hashing.done == 5
    assert (await door()).status_code == 201  # others are not held up


async def test_a_whole_bank_signs_in_from_one_address(door: Door, service: Service) -> None:
    service.shared(Hashing).rate = Throttle(per_minute=30, burst=2, now_s=lambda: 0.0)
    assert [(await door()).status_code for _ in range(5)] == [201] * 5


async def test_a_subscribers_whole_ipv6_network_is_one_source(door: Door) -> None:
    for number in range(6):
        await door("wrong", source=f"2001:db8:1:2::{number + 1}")
    assert (await door(source="2001:db8:1:2:ffff::1")).status_code == 429
    assert (await door(source="2001:db8:1:3::1")).status_code == 201


async def test_a_bad_form_is_told_so(door: Door) -> None:
    forms: list[tuple[dict[str, Any], int]] = [
        ({"password": ""}, 422),
        ({"password": "x" * 129}, 422),
        ({"email": "x" * 255}, 422),
        ({"email": 7}, 422),
        ({"totp": "12345"}, 422),
        ({"totp": "12345٦"}, 422),
        ({"recovery_code": ""}, 422),
        ({"device": "x" * 101}, 422),
        ({"admin": True}, 422),
        ({"email": "\0"}, 400),
        ({"email": ""}, 401),
        ({"email": "' OR 1=1 --"}, 401),
    ]
    for form, status in forms:
        response = await door(**form)
        assert response.status_code == status, form
        assert PASSWORD not in response.text


class TestSecondFactor:
    async def test_without_its_code_a_right_password_is_not_enough(self, door: Door, secret: str) -> None:
        refused = await door()
        assert (refused.status_code, refused.json()["code"]) == (401, "totp_required")
        assert (await door(totp=code(secret))).status_code == 201

    async def test_a_wrong_password_never_hears_of_the_code(self, door: Door, secret: str) -> None:
        for more in ({}, {"totp": code(secret)}, {"totp": "000000"}, {"recovery_code": "x"}):
            assert (await door("wrong", **more)).json()["code"] == "not_signed_in"

    async def test_a_code_works_once_and_for_a_minute_around_its_time(
        self, door: Door, secret: str, move_clock: Move
    ) -> None:
        first = code(secret)
        assert (await door(totp=first)).status_code == 201
        assert (await door(totp=first)).status_code == 401
        move_clock(timedelta(seconds=30))
        late = code(secret)
        move_clock(timedelta(seconds=30))
        assert (await door(totp=late)).status_code == 201
        assert (await door(totp=first)).status_code == 401
        old = code(secret)
        move_clock(timedelta(seconds=61))
        assert (await door(totp=old)).status_code == 401

    async def test_the_same_code_sent_twice_at_once_opens_one_session(self, door: Door, secret: str) -> None:
        statuses = [one.status_code for one in await asyncio.gather(*(door(totp=code(secret)) for _ in range(3)))]
        assert sorted(statuses) == [201, 401, 401]

    async def test_who_knows_the_password_cannot_try_codes_from_many_places(self, door: Door, secret: str) -> None:
        answers = [await door(source=f"192.0.2.{number}", totp="000000") for number in range(23)]
        assert [one.status_code for one in answers[:20]] == [401] * 20
        assert [one.status_code for one in answers[20:]] == [429] * 3

    async def test_who_has_the_password_and_a_known_device_cannot_try_codes_without_end(
        self, door: Door, service: Service, secret: str, move_clock: Move
    ) -> None:
        first = (await door(totp=code(secret))).json()["device_token"]
        move_clock(timedelta(minutes=1))
        second = (await door(totp=code(secret))).json()["device_token"]
        move_clock(timedelta(minutes=1))
        service.shared(Hashing).rate = Throttle(per_minute=9999, burst=9999)
        answers = [await door(device=first, totp="000000") for _ in range(20)]
        assert [one.status_code for one in answers] == [401] * 5 + [429] * 15
        assert (await door(device=first, totp=code(secret))).status_code == 429
        # Neither another device of the owner nor strangers are held up by it.
        assert (await door(device=second, totp="000000")).status_code == 401
        assert (await door(source=STRANGER, totp="000000")).status_code == 401
        move_clock(timedelta(hours=2))
        assert (await door(device=first, totp=code(secret))).status_code == 201

    async def test_strangers_who_try_codes_do_not_hold_up_a_known_device(
        self, door: Door, secret: str, move_clock: Move
    ) -> None:
        device = (await door(totp=code(secret))).json()["device_token"]
        for number in range(22):
            refused = await door(source=f"192.0.2.{number}", totp="000000")
        assert refused.status_code == 429
        move_clock(timedelta(minutes=1))
        assert (await door(device=device, totp=code(secret))).status_code == 201

    async def test_right_codes_of_a_known_device_are_not_counted(
        self, door: Door, service: Service, secret: str, move_clock: Move
    ) -> None:
        service.shared(Hashing).rate = Throttle(per_minute=9999, burst=9999)
        device = (await door(totp=code(secret))).json()["device_token"]
        for _ in range(22):
            move_clock(timedelta(minutes=1))
            assert (await door(device=device, totp=code(secret))).status_code == 201

    @pytest.mark.parametrize("more", [{"totp": "123456"}, {"recovery_code": "abcd"}])
    async def test_a_code_that_nobody_checks_is_refused_after_a_right_password_only(
        self, door: Door, more: dict[str, str]
    ) -> None:
        right, wrong = await door(**more), await door("wrong", **more)
        assert (right.status_code, right.json()["code"]) == (422, "totp_not_enabled")
        assert (wrong.status_code, wrong.json()["code"]) == (401, "not_signed_in")


async def test_signing_in_while_the_account_changes_opens_nothing(service: Service, world: World) -> None:
    from merchant.core import errors
    from merchant.people import sessions

    with pytest.raises(errors.NotSignedIn):
        await sessions.open_session(service, world.maker.actor.id, epoch=7)


async def test_failures_of_a_day_ago_are_forgotten_and_young_ones_kept(
    door: Door, service: Service, move_clock: Move
) -> None:
    await door("wrong")
    async with service.db.system() as tx:
        assert await sign_in.prune_failures(tx, 100) == 0
    move_clock(timedelta(days=1, seconds=1))
    async with service.db.system() as tx:
        assert await sign_in.prune_failures(tx, 100) == 2
