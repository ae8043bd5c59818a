"""An HTTP gateway as it is called: what it is sent, what its answers mean, and what leaves nobody's hands."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID, uuid4

import aiohttp
import pytest
from aiohttp import web

from merchant.core.settings import Settings
from merchant.notify.gateways import http_gateway
from merchant.notify.gateways.outcomes import NotSent, Refused

pytestmark = pytest.mark.anyio
PHONE, TEXT = "+254711555001", "Paid: 10.00 KES & more {id} = 100%, ŋ"
Answer = Callable[[web.Request], web.StreamResponse]


@dataclass
class Gateway:
    """A gateway of the tests' own: what came, and what it answers in turn, then 201."""

    url: str = ""
    heard: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)
    answers: list[int | Answer] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.heard.append((request.method, request.path_qs, headers, await request.read()))
        answer = self.answers.pop(0) if self.answers else 201
        return web.Response(status=answer, text=f"{PHONE} says {TEXT}") if isinstance(answer, int) else answer(request)


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    made = Gateway()
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", made.take)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/send"
        yield made
    finally:
        await runner.cleanup()


async def send(http: aiohttp.ClientSession, gateway: Gateway, message_id: UUID | None = None, **changed: Any) -> None:
    settings = Settings(**{"sms_url": gateway.url, "sms_secret": "Bearer t0ken", "sms_timeout_s": 5.0, **changed})
    await http_gateway.send(settings, http, message_id or uuid4(), PHONE, TEXT)


async def test_a_message_is_one_post_of_json_with_its_id_and_the_secret_in_the_header(
    http: aiohttp.ClientSession, gateway: Gateway
) -> None:
    message_id = uuid4()
    await send(http, gateway, message_id)
    [(method, path, headers, body)] = gateway.heard
    assert (method, path, headers["content-type"]) == ("POST", "/send", "application/json")
    assert json.loads(body) == {"to": PHONE, "text": TEXT, "id": str(message_id)}
    assert (headers["authorization"], headers["idempotency-key"]) == ("Bearer t0ken", str(message_id))


async def test_a_form_with_other_names_a_sender_and_digits_alone(http: aiohttp.ClientSession, gateway: Gateway) -> None:
    fields = "msisdn={digits}, message={text},from={from},kind=transactional"
    await send(http, gateway, sms_format="form", sms_fields=fields, sms_sender="GREENBANK", sms_header="apiKey")
    [(_, _, headers, body)] = gateway.heard
    assert headers["content-type"] == "application/x-www-form-urlencoded"
    assert parse_qsl(body.decode()) == [
        ("msisdn", "254711555001"),
        ("message", TEXT),
        ("from", "GREENBANK"),
        ("kind", "transactional"),
    ]
    assert headers["apikey"] == "Bearer t0ken"
    assert "authorization" not in headers


async def test_the_secret_is_read_from_its_file_each_time(
    http: aiohttp.ClientSession, gateway: Gateway, tmp_path: Path
) -> None:
    path = tmp_path / "token"
    for token in ("Bearer one", "Bearer two"):
        path.write_text(f"{token}\n")
        await send(http, gateway, sms_secret="", sms_secret_file=str(path))
    assert [headers["authorization"] for _, _, headers, _ in gateway.heard] == ["Bearer one", "Bearer two"]


@pytest.mark.parametrize("kept", [None, b"", b"\xff\xfe", b"a\nb"])
async def test_without_its_secret_nothing_is_sent(
    http: aiohttp.ClientSession, gateway: Gateway, tmp_path: Path, kept: bytes | None
) -> None:
    path = tmp_path / "token"
    if kept is not None:
        path.write_bytes(kept)
    with pytest.raises(NotSent, match="MERCHANT_SMS_SECRET_FILE cannot be used"):
        await send(http, gateway, sms_secret_file=str(path))
    assert gateway.heard == []


@pytest.mark.parametrize("status", [200, 201, 202])
async def test_what_the_setting_names_as_taken_is(http: aiohttp.ClientSession, gateway: Gateway, status: int) -> None:
    gateway.answers = [status]
    await send(http, gateway)


@pytest.mark.parametrize("status", [400, 413, 422])
async def test_an_invalid_number_is_refused_for_good(
    http: aiohttp.ClientSession, gateway: Gateway, status: int
) -> None:
    gateway.answers = [status]
    with pytest.raises(Refused) as refused:
        await send(http, gateway)
    assert str(refused.value) == f"The SMS gateway refuses the message: {status}."


@pytest.mark.parametrize("status", [204, 301, 307, 401, 403, 404, 408, 429, 500, 502, 503])
async def test_whatever_else_is_answered_is_tried_again_and_no_words_of_it_are_kept(
    http: aiohttp.ClientSession, gateway: Gateway, status: int
) -> None:
    gateway.answers = [status]
    with pytest.raises(NotSent) as told:
        await send(http, gateway)
    assert str(told.value) == f"The SMS gateway answered {status}."
    assert len(gateway.heard) == 1


async def test_which_statuses_mean_what_is_the_settings_to_say(http: aiohttp.ClientSession, gateway: Gateway) -> None:
    gateway.answers = [204, 404, 201]
    await send(http, gateway, sms_taken="204", sms_refused="404,410")
    with pytest.raises(Refused):
        await send(http, gateway, sms_taken="204", sms_refused="404,410")
    with pytest.raises(NotSent):
        await send(http, gateway, sms_taken="204")


async def test_a_redirect_is_not_followed(http: aiohttp.ClientSession, gateway: Gateway) -> None:
    gateway.answers = [lambda _: web.Response(status=307, headers={"location": f"{gateway.url}/elsewhere"})]
    with pytest.raises(NotSent, match="307"):
        await send(http, gateway)
    assert [path for _, path, _, _ in gateway.heard] == ["/send"]


async def test_a_connection_that_is_cut_after_the_message_is_tried_again_with_the_same_id(
    http: aiohttp.ClientSession, gateway: Gateway
) -> None:
    def cut(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    gateway.answers = [cut]
    message_id = uuid4()
    with pytest.raises(NotSent, match="gave no answer: ServerDisconnectedError"):
        await send(http, gateway, message_id)
    await send(http, gateway, message_id)
    assert {headers["idempotency-key"] for _, _, headers, _ in gateway.heard} == {str(message_id)}


async def test_without_an_answer_it_ends_at_the_deadline(http: aiohttp.ClientSession, gateway: Gateway) -> None:
    async with await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0) as silent:
        gateway.url = f"http://127.0.0.1:{silent.sockets[0].getsockname()[1]}/send"
        with pytest.raises(NotSent, match="gave no answer: TimeoutError"):
            await send(http, gateway, sms_timeout_s=0.3)


async def test_an_answer_that_is_no_http_and_nobody_who_listens(http: aiohttp.ClientSession, gateway: Gateway) -> None:
    def babble(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.write(b"\0\0\0\x10smpp")  # type: ignore[attr-defined]
        request.transport.close()
        return web.Response()

    gateway.answers = [babble]
    with pytest.raises(NotSent, match="gave no answer"):
        await send(http, gateway)
    gateway.url = "http://127.0.0.1:1/send"
    with pytest.raises(NotSent, match="ClientConnectorError"):
        await send(http, gateway)
