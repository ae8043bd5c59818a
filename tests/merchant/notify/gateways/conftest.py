"""An SMSC of the tests' own, and sessions with it that end with the test."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from merchant.core.settings import Settings
from merchant.notify.gateways import smpp
from merchant.notify.gateways.outcomes import Taken
from merchant.notify.gateways.smpp import Session
from tests.simulated_smsc import Smsc, listening

Opening = Callable[..., Session]


@pytest.fixture
async def smsc() -> AsyncIterator[Smsc]:
    async with listening() as running:
        yield running


@pytest.fixture
async def opened(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Opening]:
    """Sessions: `opened(smsc, sms_sender="SHOP")`. A failed connection is tried again at once."""
    monkeypatch.setattr(smpp, "HOLD_OFF_S", 0.0)
    made: list[Session] = []

    def open_session(smsc: Smsc | None = None, taken: Taken | None = None, **changed: Any) -> Session:
        given = {"sms_user": "registry", "sms_secret": "s3cret", "sms_timeout_s": 5.0}
        if smsc is not None:
            given["sms_url"] = f"smpp://127.0.0.1:{smsc.port}"
        made.append(Session(Settings(**{**given, **changed}), taken or Taken()))
        return made[-1]

    yield open_session
    for one in made:
        await asyncio.to_thread(one.close)
