"""Shops to pay, requests in any state, and pages measured as they cross the wire."""

import asyncio
import html
import io
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import httpx
import msgspec
import pytest
import resvg_py
import zxingcpp
from PIL import Image

from merchant.core.access import Actor
from merchant.core.money import Money
from merchant.core.phone import Msisdn
from merchant.core.service import Service
from merchant.core.settings import Settings
from merchant.demo.hub import exchange_keys, hold_phone
from merchant.demo.pages.routes import demo_routes
from merchant.demo.payments import HELD_PHONE
from merchant.demo.simulator import SimulatorConfig
from merchant.demo.world import DemoWorld
from merchant.payments.operations import NewRequest, create_request
from merchant.payments.states import RequestState
from merchant.programs import runtime
from merchant.programs.app import with_doors
from merchant.programs.worker import Worker
from merchant.registry.merchants.models import Counter, Merchant
from tests import builders
from tests.apps import app_on
from tests.builders import GATEWAY_SECRET, SECRET_KEY, World
from tests.merchant.demo.simulator.conftest import FAST, free_port, new_journal, running_simulator

DEMO_ROUTES = demo_routes()
TEN = Money(1000, "USD")


def read_code(page: httpx.Response) -> str:
    """The text of the page's QR code, read from its picture by someone else's reader."""
    svg = re.search(r"(?<=<div class=\"code\">)<svg.*?</svg>|^\s*<svg.*?</svg>", page.text, re.DOTALL)
    assert svg is not None
    picture = Image.open(io.BytesIO(bytes(resvg_py.svg_to_bytes(svg_string=svg[0], dpi=150))))
    return str(zxingcpp.read_barcodes(picture.convert("L"))[0].text)


class Shop(msgspec.Struct):
    """A merchant of the tests, its counter and the service that knows them."""

    service: Service
    merchant: Merchant
    counter: Counter

    async def ask(
        self, amount: Money = TEN, state: RequestState | None = None, payer: str | None = None, **more: Any
    ) -> str:
        """Ask for money; the code of the request's page."""
        dfsp_id = self.merchant.dfsp_id
        actor = Actor(kind="service", id=UUID(int=0), name="test", dfsp_id=dfsp_id)
        new = NewRequest(counter_id=self.counter.id, amount=amount, payer=Msisdn.of(payer) if payer else None, **more)
        async with self.service.db.tenant(dfsp_id) as tx:
            made = await create_request(tx, self.service, actor, new)
        assert state in (None, made.state) or await builders.move_request(self.service, made.id, state)
        return f"{made.alias}.{made.short_ref}"

    async def put_into(self, state: str) -> None:
        """Bring the merchant into a state."""
        async with self.service.db.system() as tx:
            await tx.execute("UPDATE merchant SET state = $2 WHERE id = $1", self.merchant.id, state)


async def open_shop(service: Service, world: World) -> None:
    """The shop, in a template or in a test's own database."""
    await builders.open_shop(service, world, trading_name="Mama Njeri & Sons")


@pytest.fixture
async def shop(service: Service, world: World) -> Shop:
    async with service.db.system_reads() as tx:
        is_open = await tx.fetchval("SELECT EXISTS (SELECT FROM merchant)")
    if not is_open:
        await open_shop(service, world)
    return Shop(service, *await builders.find_shop(service))


async def wire_bytes(host: str, port: int, path: str, *, gzip: bool = True) -> tuple[int, bytes]:
    """GET a path over a bare socket: the bytes of the whole answer, status line and headers among them."""
    reader, writer = await asyncio.open_connection(host, port)
    accept = "accept-encoding: gzip\r\n" if gzip else ""
    writer.write(f"GET {path} HTTP/1.1\r\nhost: {host}:{port}\r\n{accept}connection: close\r\n\r\n".encode())
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    return len(answer), answer


def demo_settings(data_dir: Path) -> Settings:
    """Settings of a demo on free ports."""
    return Settings(
        secret_key=SECRET_KEY,
        gateway_secret=GATEWAY_SECRET,
        data_dir=data_dir,
        database_pool_size=4,
        worker_poll_s=0.05,
        port=free_port(),
        hub_url=f"http://127.0.0.1:{free_port()}",
        require_totp=False,
    )


@asynccontextmanager
async def running_demo(service: Service, folder: Path, known: DemoWorld | None = None) -> AsyncIterator[None]:
    """The server, the worker and the simulated world of a service with demo settings; `known` are its people."""
    settings = service.settings
    config = SimulatorConfig(
        service_url=settings.base_url, journal_path=new_journal(folder), gateway_secret=GATEWAY_SECRET, timings=FAST
    )
    async with AsyncExitStack() as stack:
        app = app_on(service, DEMO_ROUTES)
        app.state.demo = known
        await stack.enter_async_context(runtime.serving(with_doors(app), settings.host, settings.port))
        await stack.enter_async_context(running_simulator(config, int(settings.hub_url.rsplit(":", 1)[1])))
        http = await stack.enter_async_context(aiohttp.ClientSession())
        await exchange_keys(service, http, settings.hub_url)
        await hold_phone(http, settings.hub_url, HELD_PHONE)
        await stack.enter_async_context(Worker(service).running())
        yield


def assert_safe(page: httpx.Response, ancestors: str = "'none'", *, scripts: bool = False) -> None:
    """A page of ours: its headers forbid what we do not use, and it names no other host."""
    policy = dict(part.strip().split(" ", 1) for part in page.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == ancestors
    assert set(policy.values()) <= {"'none'", "'self'"}
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["referrer-policy"] == "same-origin"
    ours = (
        re.findall(r'<script src="/static/[a-z]+-[0-9a-f]{10}\.js" defer(?: data-[a-z]+="[^"]*")*>', page.text)
        if scripts
        else []
    )
    assert re.findall(r"<script[^>]*>", page.text) == ours
    assert " style=" not in page.text
    assert "://" not in page.text.replace('xmlns="http://www.w3.org/2000/svg"', "")


def words_of(page: httpx.Response) -> str:
    """What a page says, without its tags."""
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page.text)))
