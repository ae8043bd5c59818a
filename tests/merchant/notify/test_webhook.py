"""Webhooks as a shop's own server sees them: signed, repeated until taken, in order, and never sent where they must
not go.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
import pytest
from aiohttp import web

from merchant.core import clock, errors, outbox
from merchant.core.settings import Settings
from merchant.notify import events, webhook
from tests import builders
from tests.merchant.notify.conftest import Heard, Telling, hang_up

pytestmark = pytest.mark.anyio
CLOSED, OPEN = Settings(), Settings(webhook_loopback=True)
LONG_ENOUGH = timedelta(hours=2)  # more than the longest pause between two tries


def signed_by(secret: str, event_id: str, timestamp: str, body: bytes) -> str:
    """Standard Webhooks, "Signature scheme": `v1,` and base64 of HMAC-SHA256 over `id.timestamp.body`."""
    key = base64.b64decode(secret.partition("whsec_")[2])
    content = b".".join([event_id.encode(), timestamp.encode(), body])
    return "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()


def assert_signed(heard: Heard, secret: str) -> None:
    expected = signed_by(secret, heard.headers["webhook-id"], heard.headers["webhook-timestamp"], heard.body)
    assert heard.headers["webhook-signature"] == expected


# --- what arrives ----------------------------------------------------------------------------------------------------


def test_the_signature_is_that_of_the_specifications_example() -> None:
    made = webhook.signature(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
    )
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


async def test_an_event_arrives_signed_with_the_endpoints_secret(telling: Telling) -> None:
    endpoint = await telling.listen()
    before = int(clock.now().timestamp())
    await telling.announce(number=7)
    await telling.work()
    [heard] = telling.ear.heard
    assert_signed(heard, endpoint["secret"])
    assert before <= int(heard.headers["webhook-timestamp"]) <= clock.now().timestamp()
    assert heard.headers["content-type"] == "application/json"


async def test_the_body_is_id_type_created_at_and_data(telling: Telling) -> None:
    await telling.listen()
    await telling.announce(number=7)
    await telling.work()
    [heard] = telling.ear.heard
    body = json.loads(heard.body)
    assert list(body) == ["id", "type", "created_at", "data"]
    assert (body["id"], body["type"]) == (heard.headers["webhook-id"], "merchant.suspended")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", body["created_at"])
    assert body["data"] == {
        "merchant_id": str(telling.merchant.id),
        "dfsp_id": str(telling.merchant.dfsp_id),
        "state": "7",
    }


async def test_every_endpoint_has_a_secret_of_its_own_as_long_as_the_specification_asks(telling: Telling) -> None:
    secrets = [(await telling.listen(path))["secret"] for path in ("/a", "/b")]
    assert len(set(secrets)) == 2
    assert {len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) for secret in secrets} == {32}
    await telling.announce()
    await telling.work()
    for path, secret in zip(("/a", "/b"), secrets, strict=True):
        [heard] = telling.ear.at(path)
        assert_signed(heard, secret)


async def test_an_event_whose_transaction_is_rolled_back_is_told_to_nobody(telling: Telling) -> None:
    endpoint = await telling.listen()
    with pytest.raises(RuntimeError, match="it did not happen"):
        async with telling.service.db.tenant(telling.merchant.dfsp_id) as tx:
            await events.announce(
                tx,
                "merchant.suspended",
                telling.merchant.dfsp_id,
                telling.merchant.id,
                builders.suspended(telling.merchant.id),
            )
            raise RuntimeError("it did not happen")
    await telling.work()
    assert telling.ear.heard == []
    assert await telling.deliveries(endpoint) == []


# --- tried again -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [500, 503, 429, 404, 301, pytest.param(hang_up, id="hang up")])
async def test_an_event_that_was_not_taken_comes_again_with_the_same_id(
    telling: Telling, later: Callable[[timedelta], None], bad: int | Callable[[web.Request], web.StreamResponse]
) -> None:
    endpoint = await telling.listen()
    telling.ear.answers["/hooks"] = [bad]
    await telling.announce()
    await telling.work()
    [delivery] = await telling.deliveries(endpoint)
    assert (delivery["state"], delivery["attempts"], delivery["delivered_at"]) == ("failed", 1, None)
    assert delivery["response_status"] == (bad if isinstance(bad, int) else None)
    later(LONG_ENOUGH)
    await telling.work()
    first, second = telling.ear.heard
    assert (first.body, first.headers["webhook-id"]) == (second.body, second.headers["webhook-id"])
    assert_signed(second, endpoint["secret"])
    assert int(second.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) >= 7200
    [delivery] = await telling.deliveries(endpoint)
    assert (delivery["state"], delivery["attempts"], delivery["response_status"]) == ("delivered", 2, 204)


async def test_nothing_comes_again_before_its_pause_is_over(telling: Telling) -> None:
    await telling.listen()
    telling.ear.answers["/hooks"] = [500]
    await telling.announce()
    await telling.work()
    await telling.work()
    assert len(telling.ear.heard) == 1


async def test_an_event_that_was_taken_does_not_come_again(
    telling: Telling, later: Callable[[timedelta], None]
) -> None:
    await telling.listen()
    await telling.announce()
    await telling.work()
    later(LONG_ENOUGH)
    await telling.work()
    assert len(telling.ear.heard) == 1


async def test_after_the_last_try_the_event_is_listed_as_failed_and_the_next_one_flows(
    telling: Telling, later: Callable[[timedelta], None]
) -> None:
    endpoint = await telling.listen()
    telling.ear.answers["/hooks"] = [500] * outbox.MAX_ATTEMPTS
    for number in range(2):
        await telling.announce(number=number)
    for _ in range(outbox.MAX_ATTEMPTS):
        assert len(await telling.deliveries(endpoint)) == 2
        await telling.work()
        later(LONG_ENOUGH)
    await telling.work()
    second, first = await telling.deliveries(endpoint)
    assert (first["state"], first["attempts"]) == ("failed", outbox.MAX_ATTEMPTS)
    assert (second["state"], second["attempts"]) == ("delivered", 1)


async def test_no_redirect_is_followed(telling: Telling) -> None:
    endpoint = await telling.listen()
    telling.ear.answers["/hooks"] = [
        lambda request: web.Response(status=307, headers={"location": f"{telling.ear.url}/elsewhere"})
    ]
    await telling.announce()
    await telling.work()
    assert telling.ear.at("/elsewhere") == []
    assert (await telling.deliveries(endpoint))[0]["response_status"] == 307


# --- in order --------------------------------------------------------------------------------------------------------


async def test_an_endpoint_hears_events_in_order_and_a_failing_one_holds_back_only_itself(
    telling: Telling, later: Callable[[timedelta], None]
) -> None:
    await telling.listen("/slow")
    await telling.listen("/quick")
    telling.ear.answers["/slow"] = [500, hang_up]
    for number in range(3):
        await telling.announce(number=number)
    await telling.work()
    assert numbers(telling.ear.at("/quick")) == [0, 1, 2]
    assert numbers(telling.ear.at("/slow")) == [0]
    later(LONG_ENOUGH)
    await telling.work()
    assert numbers(telling.ear.at("/slow")) == [0, 0]
    later(LONG_ENOUGH)
    await telling.work()
    assert numbers(telling.ear.at("/slow")) == [0, 0, 0, 1, 2]
    assert len(telling.ear.at("/quick")) == 3


def numbers(heard: list[Heard]) -> list[int]:
    return [int(json.loads(one.body)["data"]["state"]) for one in heard]


# --- what is kept of the answers -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        (web.Response(text="x" * 100_000), "x" * webhook.KEPT_ANSWER_CHARS),
        (web.Response(body=b"a\x00b\xff"), "ab\ufffd"),
        (web.Response(body=b"no gzip", headers={"content-encoding": "gzip"}), None),
        (web.Response(body=b""), ""),
    ],
    ids=["long", "binary", "not what it says", "empty"],
)
async def test_the_start_of_any_answer_is_kept(telling: Telling, answer: web.Response, kept: str | None) -> None:
    endpoint = await telling.listen()
    telling.ear.answers["/hooks"] = [lambda _: answer]
    await telling.announce()
    await telling.work()
    [delivery] = await telling.deliveries(endpoint)
    assert delivery["attempts"] == 1
    if kept is not None:
        assert (delivery["state"], delivery["response_start"]) == ("delivered", kept)


async def test_an_event_is_delivered_whatever_follows_the_status(telling: Telling) -> None:
    """An answer that breaks off after 200 was an answer."""
    endpoint = await telling.listen()

    def break_off(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc")
        request.transport.close()
        return web.Response()

    telling.ear.answers["/hooks"] = [break_off]
    await telling.announce()
    await telling.work()
    [delivery] = await telling.deliveries(endpoint)
    assert (delivery["state"], delivery["response_status"]) == ("delivered", 200)


# --- where events may go -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.example/hooks",
        "ftp://shop.example/hooks",
        "//shop.example/hooks",
        "https:///hooks",
        "https://user:pass@shop.example/hooks",
        "https://user@shop.example/hooks",
        "https://127.0.0.1/hooks",
        "https://10.1.2.3/hooks",
        "https://192.168.0.1:8443/hooks",
        "https://169.254.169.254/latest/meta-data",
        "https://100.64.0.1/hooks",
        "https://0.0.0.0/hooks",
        "https://[::1]/hooks",
        "https://[fd00::1]/hooks",
        "https://[fe80::1%25eth0]/hooks",
        "https://[::ffff:127.0.0.1]/hooks",
        "https://[::1/hooks",
        "https://shop.example:99999/hooks",
        "https://shop.example:port/hooks",
        "https://" + "a" * 64 + ".example/hooks",
        "https://shop..example/hooks",
        "https://sh op.example/hooks",
        "https://localhost/hooks",
        "https://2130706433/hooks",
        "https://\uff11\uff12\uff17.0.0.1/hooks",
    ],
)
def test_an_address_that_is_no_public_https_is_refused(url: str) -> None:
    for settings in (CLOSED, OPEN):
        with pytest.raises(errors.InvalidFields):
            webhook.check_url(settings, url)


@pytest.mark.parametrize(
    "url",
    [
        "https://shop.example/hooks",
        "https://shop.example:8443/hooks?till=1&x=%20",
        "https://93.184.215.14/hooks",
        "https://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]/hooks",
        "https://xn--caf-dma.example/",
        "https://café.example/",
    ],
)
def test_a_public_https_address_is_taken(url: str) -> None:
    webhook.check_url(CLOSED, url)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_http_on_this_machine_is_taken_only_where_the_setting_says_so(host: str) -> None:
    webhook.check_url(OPEN, f"http://{host}:9000/hooks")
    with pytest.raises(errors.InvalidFields):
        webhook.check_url(CLOSED, f"http://{host}:9000/hooks")


@pytest.mark.parametrize("host", ["10.0.0.1", "127.0.0.1.shop.example", "127.0.0.1@shop.example", "shop.example"])
def test_http_to_other_machines_is_never_taken(host: str) -> None:
    with pytest.raises(errors.InvalidFields):
        webhook.check_url(OPEN, f"http://{host}/hooks")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::ffff:127.0.0.1]", "2130706433"])
async def test_an_endpoint_that_leads_into_our_own_network_is_never_connected_to(telling: Telling, host: str) -> None:
    """A name may point anywhere by the time of sending, and an endpoint may be older than the setting."""
    endpoint = await telling.listen()
    touched: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda _, writer: touched.append(writer), "127.0.0.1", 0)
    async with server:
        url = f"https://{host}:{server.sockets[0].getsockname()[1]}/hooks"
        async with telling.service.db.system() as tx:
            await tx.execute("UPDATE webhook_endpoint SET url = $1", url)
        telling.service.settings = msgspec.structs.replace(telling.service.settings, webhook_loopback=False)
        await telling.announce()
        await telling.work()
        assert touched == []
    [delivery] = await telling.deliveries(endpoint)
    assert (delivery["state"], delivery["attempts"], delivery["response_status"]) == ("failed", 1, None)


async def test_an_endpoint_of_the_demo_is_not_served_once_the_setting_is_off(telling: Telling) -> None:
    endpoint = await telling.listen()
    telling.service.settings = msgspec.structs.replace(telling.service.settings, webhook_loopback=False)
    await telling.announce()
    await telling.work()
    assert telling.ear.heard == []
    assert (await telling.deliveries(endpoint))[0]["state"] == "failed"


# --- what is kept at rest ------------------------------------------------------------------------------------------


async def test_the_secret_is_not_to_be_read_in_the_database(telling: Telling) -> None:
    endpoint = await telling.listen()
    async with telling.service.db.system() as tx:
        row = await tx.fetchrow("SELECT * FROM webhook_endpoint WHERE id = $1", UUID(endpoint["id"]))
    assert row is not None
    key = endpoint["secret"].removeprefix("whsec_")
    assert not any(part in repr(tuple(row)).encode() for part in (key.encode(), base64.b64decode(key)))


async def test_two_workers_at_once_send_an_event_once(telling: Telling, move_clock: Callable[..., datetime]) -> None:
    await telling.listen()
    for number in range(5):
        await telling.announce(number=number)
    for _ in range(5):
        await asyncio.gather(*(telling.worker.run_due() for _ in range(4)))
    assert numbers(telling.ear.heard) == [0, 1, 2, 3, 4]
