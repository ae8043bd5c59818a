"""The provider over HTTP, against a stand-in for a register: a verdict is taken as it is said, and all else is none."""

from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from merchant.compliance.providers import http_provider
from merchant.compliance.providers.http_provider import HttpProvider
from merchant.compliance.providers.port import NoVerdict, Request, Verdict
from tests.merchant.compliance.providers.register import Reply, StandInRegister

pytestmark = pytest.mark.anyio
FACTS = {"given_name": "Njeri", "id_number": "20001001"}
REQUEST = Request("request-1", "identity", FACTS)


@pytest.fixture
async def register() -> AsyncIterator[StandInRegister]:
    async with StandInRegister().running() as running:
        yield running


async def ask(url: str, token_file: str = "") -> Verdict | NoVerdict:
    async with aiohttp.ClientSession() as http:
        return await HttpProvider(http, url, token_file).look_up(REQUEST)


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        ({"outcome": "verified"}, Verdict("verified")),
        (
            {"outcome": "verified", "reference": "R-7", "expires_on": "2027-01-31", "score": 0.9},
            Verdict("verified", reference="R-7", expires_on=date(2027, 1, 31)),
        ),
        ({"outcome": "rejected", "code": "name_differs"}, Verdict("rejected", "name_differs")),
        ({"outcome": "inconclusive", "code": "", "reference": None}, Verdict("inconclusive")),
    ],
)
async def test_a_verdict_is_taken_as_it_is_said(
    register: StandInRegister, reply: dict[str, Any], verdict: Verdict
) -> None:
    register.replies = [reply]
    assert await ask(register.url) == verdict
    # Asked with the facts alone, and with an id by which a second asking is known.
    assert register.asked == [{"attribute": "identity", "facts": FACTS}]
    assert register.headers[0]["idempotency-key"] == "request-1"
    assert "authorization" not in register.headers[0]


@pytest.mark.parametrize(
    "reply",
    [
        500,
        503,
        404,
        401,
        204,
        302,
        "",
        "verified",
        b"\xff\xfe",
        "[]",
        "null",
        '{"outcome": "verified"',
        {},
        {"outcome": "unavailable"},
        {"outcome": "VERIFIED"},
        {"outcome": True},
        {"outcome": ["verified"]},
        {"outcome": "verified", "expires_on": "soon"},
        {"outcome": "verified", "code": "Two words"},
        {"outcome": "verified", "reference": "x" * 65},
        {"outcome": "verified", "padding": "x" * 20_000},
    ],
)
async def test_what_is_no_verdict_is_unavailable_and_tells_no_facts(register: StandInRegister, reply: Reply) -> None:
    register.replies = [reply]
    answer = await ask(register.url)
    assert isinstance(answer, NoVerdict)
    assert answer.why
    assert not any(fact in answer.why for fact in FACTS.values())
    assert len(register.asked) == 1  # no redirect is followed


async def test_a_register_that_is_down_or_silent_is_unavailable(
    register: StandInRegister, monkeypatch: pytest.MonkeyPatch
) -> None:
    register.hangs = True
    monkeypatch.setattr(http_provider, "_TIMEOUT", aiohttp.ClientTimeout(total=0.2))
    assert isinstance(await ask(register.url), NoVerdict)
    assert isinstance(await ask("http://127.0.0.1:9/"), NoVerdict)
    assert isinstance(await ask("http://register.invalid/"), NoVerdict)


async def test_the_token_is_read_from_its_file_each_time(register: StandInRegister, tmp_path: Path) -> None:
    register.replies = [{"outcome": "verified"}]
    token = tmp_path / "token"
    for text in ("first-secret\n", "second-secret"):
        token.write_text(text)
        await ask(register.url, str(token))
    assert [one["authorization"] for one in register.headers] == ["Bearer first-secret", "Bearer second-secret"]


@pytest.mark.parametrize("content", [None, b"", b"\n", b"two words", b"a\nb", b"\xc3\xa9"])
async def test_without_a_token_nobody_is_asked(
    register: StandInRegister, tmp_path: Path, content: bytes | None
) -> None:
    register.replies = [{"outcome": "verified"}]
    token = tmp_path / "token"
    if content is not None:
        token.write_bytes(content)
    assert isinstance(await ask(register.url, str(token)), NoVerdict)
    assert register.asked == []
