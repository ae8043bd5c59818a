"""The service is killed twenty times while customers pay; in the end its books agree with the hub's ledger.

Every party is a process of its own: the service with its embedded PostgreSQL (durable, as in production), the hub,
and the shops here, which repeat each demand under its Idempotency-Key until it is answered.
"""

import asyncio
import os
import random
import signal
import time
from collections import Counter as Count
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from merchant import money, postgres
from merchant.demo.hub import exchange_keys
from merchant.runtime import ready_service
from merchant.settings import Settings
from tests import builders
from tests.builders import SECRET_KEY
from tests.merchant.simulator.conftest import free_port, new_journal
from tests.stories.programs import answers, environment, simulated_hub, start

pytestmark = pytest.mark.slow

KILLS = 20
# With these kills the database's first process is killed too: before the service, and after it.
DATABASE_BEFORE, DATABASE_AFTER = 6, 13
SHOPS = 3  # at a time; each asks anew as soon as it has been answered, after a short pause
PAYERS = ("254711000001", "254711000005", "254711000006", "254711000008")  # accept, twice, reorder, drop
PATIENCE_S = 60.0
OPEN = ("created", "sent", "awaiting_payer", "accepted", "in_doubt")


class Scene(msgspec.Struct):
    """A shop with a key, and where its service and its hub answer."""

    settings: Settings
    counter_id: str
    headers: dict[str, str]
    http: aiohttp.ClientSession
    # Idempotency-Key → the ids that its answers named
    answered: dict[str, set[str]] = {}
    asked: dict[str, dict[str, Any]] = {}

    async def get(self, url: str) -> Any:
        async with self.http.get(url, headers=self.headers) as response:
            assert response.status == 200, await response.text()
            return await response.json()

    async def everything(self, path: str) -> list[dict[str, Any]]:
        """All items of a list."""
        items, cursor = [], ""
        while cursor is not None:
            page = await self.get(f"{self.settings.base_url}{path}?limit=100" + (f"&cursor={cursor}" if cursor else ""))
            items += page["items"]
            cursor = page["next_cursor"]
        return items
