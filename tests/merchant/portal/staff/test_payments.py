"""Finding a payment by what a customer says, the lists with their filters, and one payment with all its messages."""

import re
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from merchant.core.access import Role
from merchant.core.service import Service
from merchant.payments.states import RequestState
from merchant.portal.staff.payments import VERDICTS
from merchant.programs.worker import Worker
from tests import builders
from tests.builders import World
from tests.merchant.exchange.reports.till import ask
from tests.merchant.payments.stage import Stage, connect, running_hub
from tests.merchant.portal.browsing import Browser

pytestmark = pytest.mark.anyio
SCOPES = ["payments:read", "payments:request", "payments:resolve"]


@pytest.fixture
async def stage(client: httpx.AsyncClient, service: Service, world: World) -> AsyncIterator[Stage]:
    """A shop that is asked for money and paid through a stub hub."""
    document = builders.company(trading_name="Mama Njeri")
    merchant, [counter] = await builders.create_merchant(service, world, document=document)
    async with running_hub(client) as hub, Worker(service).by_hand() as worker:
        await connect(service, hub)
        key = await builders.issue_key(service, world["greenbankfsp"]["admin"], SCOPES)
        yield Stage(service, world, client, hub, worker, merchant, counter, key)


@pytest.fixture
def staff(client: httpx.AsyncClient, world: World) -> Browser:
    """Whoever answers the telephone."""
    return Browser(client, world["greenbankfsp"]["auditor"])


async def paid(stage: Stage, **body: Any) -> dict[str, Any]:
    """A payment with its request."""
    request = await stage.asked(**body)
    await stage.answer_request(request, "RECEIVED")
    await stage.pay(request)
    return (await stage.payments())[0]


async def test_one_look_says_that_it_was_paid_when_and_where(stage: Stage, staff: Browser) -> None:
    payment = await paid(stage, reference="INV-77", note="two coffees")
    for typed in ("0711 000 001", "INV-77", "10.00", payment["id"], payment["hub"]["transfer_id"], stage.counter.alias):
        page = await staff.open("/payments", q=typed)
        assert "to Mama Njeri , Till 1" in staff.words, typed
        assert '<p class="verdict good">' in page.text
        assert f'href="/payments/{payment["id"]}"' in page.text
        assert page.text.count('class="verdict') == 1


@pytest.mark.parametrize("state", [one for one in RequestState if one != RequestState.PAID])
async def test_one_look_says_why_it_is_not_paid(stage: Stage, staff: Browser, state: RequestState) -> None:
    request_id = await ask(stage.service, stage.counter, state, reference="INV-1")
    page = await staff.open("/payments", q="INV-1")
    assert VERDICTS[state] in staff.words
    assert VERDICTS[state].startswith("Not")
    assert 'class="verdict good"' not in page.text
    assert "Mama Njeri" in staff.words
    await staff.open(f"/payments/requests/{request_id}")
    assert staff.status == 200
    assert VERDICTS[state] in staff.words


async def test_what_nobody_knows_is_told_with_what_to_try(stage: Stage, staff: Browser) -> None:
    await staff.open("/payments", q="nothing like it")
    assert "No payment fits this" in staff.words
    await staff.open("/payments", q="x" * 500)
    assert staff.status == 422
    await staff.open("/payments", q="INV-1", state="nonsense")
    assert staff.status == 422


async def test_before_anything_is_typed_the_latest_are_shown_by_name(stage: Stage, staff: Browser) -> None:
    payment = await paid(stage)
    await staff.open("/payments")
    assert "The latest payments" in staff.words
    assert "Mama Njeri" in staff.words
    assert payment["id"] not in staff.words


@pytest.mark.parametrize(
    "query",
    [
        {"payer": "0711000001"},
        {"amount": "10", "currency": "KES"},
        {"reference": "INV-77"},
        {"id": "shown below"},
    ],
)
async def test_lists_are_narrowed_by_what_is_known(stage: Stage, staff: Browser, query: dict[str, str]) -> None:
    payment = await paid(stage, reference="INV-77")
    query = query | ({"id": payment["hub"]["transfer_id"]} if "id" in query else {})
    for path in ("/payments/received", "/payments/requests"):
        await staff.open(path, **query)
        assert "Mama Njeri" in staff.words, (path, query)
        await staff.open(path, **query | {"from": "2020-01-01", "to": "2020-02-01"})
        assert "Nothing fits these filters" in staff.words
    await staff.open("/payments/received", payer="not a number")
    assert staff.status == 422


async def test_a_merchants_payments_are_on_its_page_and_no_others(stage: Stage, staff: Browser) -> None:
    payment = await paid(stage)
    other, _counters = await builders.create_merchant(stage.service, stage.world)
    page = await staff.open(f"/merchants/{stage.merchant.id}/payments")
    assert f'href="/payments/{payment["id"]}"' in page.text
    assert f"merchant_id={stage.merchant.id}&amp;format=csv" in page.text
    await staff.open(f"/merchants/{other.id}/payments")
    assert "No payment yet" in staff.words
    await staff.open("/payments/requests", merchant_id=str(stage.merchant.id))
    assert "Only Mama Njeri ." in staff.words


async def test_a_payment_tells_its_messages_in_words_with_the_time_between(stage: Stage, staff: Browser) -> None:
    payment = await paid(stage, reference="INV-77")
    page = await staff.open(f"/payments/{payment['id']}")
    for told in (
        "We asked the hub whose customer this is",
        "The customer’s DFSP asked for our terms",
        "The money was set aside for us",
        "The hub said its last word",
        "The money arrived",
    ):
        assert told in staff.words, told
    assert "INV-77" in staff.words
    assert "/payments/messages/" not in page.text  # the hub's alone
    for kind, media_type in (("pdf", "application/pdf"), ("text", "text/plain")):
        href = f"/api/v1/payments/{payment['id']}/receipt?format={kind}"
        assert f'href="{href}"' in page.text
        receipt = await staff.open(href)
        assert receipt.headers["content-type"].startswith(media_type)
    page = await staff.open(f"/payments/requests/{payment['payment_request_id']}")
    assert f'href="/payments/{payment["id"]}"' in page.text
    assert "Customer reached" in staff.words


async def test_the_hub_reads_a_message_as_it_was_kept_and_that_is_recorded(stage: Stage) -> None:
    payment = await paid(stage)
    hub = Browser(stage.client, stage.world.operator)
    page = await hub.open(f"/payments/{payment['id']}")
    paths = re.findall(r'href="(/payments/messages/[^"]+)"', page.text)
    assert len(paths) >= 4
    for path in paths:
        await hub.open(path)
        assert hub.status == 200, path
        assert "254711000001" not in hub.words
    await hub.open("/audit", action="hub_message.read")
    assert "hub message: read" in hub.words
    for who in (stage.world["greenbankfsp"]["admin"], stage.world.maker):
        other = Browser(stage.client, who)
        await other.open(paths[0])
        assert other.status in (403, 404)
    await hub.open("/payments/messages/in.nonsense")
    assert hub.status == 404


async def test_what_is_in_doubt_is_asked_again_with_a_press(stage: Stage) -> None:
    request = await stage.asked()
    transfer_id = await stage.reserved(request)
    async with stage.service.db.system() as tx:
        await tx.execute("UPDATE payment_request SET state = 'in_doubt' WHERE id = $1", UUID(request["id"]))
    here, press = f"/payments/requests/{request['id']}", f"/queues/doubt/{request['id']}/ask"
    admin = Browser(stage.client, stage.world["greenbankfsp"]["admin"])
    await admin.open(here)
    assert "Not known yet" in admin.words
    await admin.send(press, csrf="")
    assert admin.status == 403
    await stage.work()
    assert stage.hub.to(f"/transfers/{transfer_id}", "GET") == []
    await admin.open(here)
    await admin.send(press)
    await stage.work()
    assert len(stage.hub.to(f"/transfers/{transfer_id}", "GET")) == 1
    auditor = Browser(stage.client, stage.world["greenbankfsp"]["auditor"])
    page = await auditor.open(here)
    assert press not in page.text


async def test_payments_of_others_are_no_pages(stage: Stage, world: World) -> None:
    payment = await paid(stage)
    paths = [f"/payments/{payment['id']}", f"/payments/requests/{payment['payment_request_id']}"]
    paths += [f"/payments/{uuid4()}", f"/payments/requests/{uuid4()}", "/payments/nonsense"]
    paths.append(f"/merchants/{stage.merchant.id}/payments")
    stranger = Browser(stage.client, world["lakemfi"]["admin"])
    for path in paths:
        await stranger.open(path)
        assert (stranger.status, "Mama Njeri" in stranger.words) == (404, False), path
    for typed in ("0711000001", payment["id"], stage.counter.alias):
        await stranger.open("/payments", q=typed)
        assert "No payment fits this" in stranger.words
    await builders.add_person(
        stage.service,
        "owner@shop.example",
        [Role.MERCHANT_OWNER],
        dfsp_id=stage.merchant.dfsp_id,
        merchant_id=stage.merchant.id,
        name="Owner",
    )
    owner = Browser(stage.client, await builders.signed_in(stage.service, "owner@shop.example"))
    await owner.open("/payments")
    assert owner.status in (403, 404)
