"""Print runs: ordered, printed by the worker a slice at a time, fetched, and forgotten after a week."""

import asyncio
import base64
import fcntl
import hashlib
import io
import itertools
import os
from collections import Counter as Tally
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pypdfium2
import pytest
from PIL import Image
from sqlmodel import col, select

from merchant.channels import posters, press
from merchant.core import background, clock
from merchant.core.access import MERCHANT_KEY_SCOPES
from merchant.core.service import Service
from merchant.programs.worker import Worker
from merchant.registry.merchants.models import Counter, Merchant
from tests import builders
from tests.apps import patiently
from tests.builders import World
from tests.qr.posters.samples import mark
from tests.qr.symbols.pictures import of_pdf, texts

pytestmark = pytest.mark.anyio
BATCHES = "/api/v1/poster-batches"
_keys = (f"key-{number}" for number in itertools.count())


class Shop(msgspec.Struct):
    """Three merchants of greenbankfsp, the first of them with a key of its own."""

    service: Service
    client: httpx.AsyncClient
    merchants: list[Merchant]
    counters: list[Counter]
    maker: dict[str, str]
    owner: dict[str, str]

    async def order(self, who: dict[str, str] | None = None, **body: Any) -> httpx.Response:
        headers = {**(who or self.maker), "idempotency-key": next(_keys)}
        return await self.client.post(BATCHES, json={"page": "A6", **body}, headers=headers)

    async def read(self, batch_id: str, part: str = "") -> httpx.Response:
        return await self.client.get(f"{BATCHES}/{batch_id}{part}", headers=self.maker)

    async def print(self, **body: Any) -> dict[str, Any]:
        """Order, let the worker print, and read what came of it."""
        ordered = await self.order(**body)
        assert ordered.status_code == 202, ordered.text
        await builders.work(self.service)
        return (await self.read(ordered.json()["id"])).json()  # type: ignore[no-any-return]

    async def payloads(self, counters: list[Counter]) -> list[list[str]]:
        """What each of the counters' pages must read as."""
        paths = [f"/api/v1/counters/{counter.id}/qr?format=payload" for counter in counters]
        return [[(await self.client.get(path, headers=self.maker)).text] for path in paths]

    async def pages(self, batch: dict[str, Any]) -> list[list[str]]:
        """What zxing-cpp reads on each page of a run."""
        pdf = await self.read(batch["id"], "/pdf")
        assert (pdf.status_code, pdf.headers["content-type"]) == (200, "application/pdf")
        return [texts(page) for page in of_pdf(pdf.content, 150)]


async def open_three(service: Service, world: World) -> None:
    for number in (998, 999, 1000):
        await builders.create_merchant(service, world, document=builders.company(number=number))


@pytest.fixture(scope="session")
def template(stocked: Callable[[str, Any], str]) -> str:
    return stocked("three_shops", open_three)


@pytest.fixture
async def shop(service: Service, client: httpx.AsyncClient, world: World) -> Shop:
    async with service.db.tenant(None) as tx:
        merchants = list((await tx.session.exec(select(Merchant).order_by(col(Merchant.id)))).all())
        counters = list((await tx.session.exec(select(Counter).order_by(col(Counter.id)))).all())
    staff = world["greenbankfsp"]
    owner = await builders.issue_key(service, staff["admin"], sorted(MERCHANT_KEY_SCOPES), merchant_id=merchants[0].id)
    return Shop(service, client, merchants, counters, staff["maker"].headers, owner)


async def test_every_counter_gets_a_page_that_reads_as_its_code(shop: Shop) -> None:
    ordered = (await shop.order()).json()
    assert (ordered["state"], ordered["done"], ordered["total"]) == ("waiting", 0, 3)
    too_early = await shop.read(ordered["id"], "/pdf")
    assert (too_early.status_code, too_early.json()["code"]) == (409, "not_finished")
    await builders.work(shop.service)
    batch = (await shop.read(ordered["id"])).json()
    assert (batch["state"], batch["done"], batch["skipped"], batch["problem"]) == ("done", 3, [], None)
    assert await shop.pages(batch) == await shop.payloads(shop.counters)


async def test_the_manifest_tells_the_hashes_of_codes_and_file(shop: Shop) -> None:
    batch = await shop.print(page="sheet", languages=["sw", "en"])
    pdf = (await shop.read(batch["id"], "/pdf")).content
    manifest = await shop.read(batch["id"], "/manifest")
    assert manifest.headers["content-type"] == "application/x-ndjson"
    page, end = map(msgspec.json.decode, manifest.content.splitlines())
    assert batch["pdf_sha256"] == end["pdf_sha256"] == hashlib.sha256(pdf).hexdigest()
    assert [code["number"] for code in page["codes"]] == [counter.alias for counter in shop.counters]


async def test_some_merchants_may_be_named_and_suspended_ones_get_nothing(shop: Shop, world: World) -> None:
    named = [str(merchant.id) for merchant in shop.merchants[1:]]
    path = f"/api/v1/merchants/{named[1]}/suspend"
    await shop.client.post(path, json={"reason": "r"}, headers=world.checker.headers)
    batch = await shop.print(merchant_ids=named * 2)
    assert batch["total"] == 1
    assert await shop.pages(batch) == await shop.payloads(shop.counters[1:2])


async def test_a_new_sticker_is_what_is_printed(shop: Shop) -> None:
    headers = {**shop.maker, "idempotency-key": "k"}
    path = f"/api/v1/counters/{shop.counters[0].id}/stickers"
    await shop.client.post(path, json={"reason": "Worn."}, headers=headers)
    batch = await shop.print(merchant_ids=[str(shop.merchants[0].id)])
    [[payload]] = await shop.pages(batch)
    assert payload == (await shop.payloads(shop.counters[:1]))[0][0]
    assert "05012" in payload


async def test_a_merchants_own_key_prints_its_own_and_sees_no_other_run(shop: Shop) -> None:
    ordered = await shop.order(shop.owner)
    assert (ordered.status_code, ordered.json()["total"]) == (202, 1)
    theirs = (await shop.order()).json()["id"]
    assert (await shop.client.get(f"{BATCHES}/{theirs}", headers=shop.owner)).status_code == 404
    listed = (await shop.client.get(BATCHES, headers=shop.owner)).json()["items"]
    assert [one["id"] for one in listed] == [ordered.json()["id"]]
    refused = await shop.order(shop.owner, merchant_ids=[str(shop.merchants[1].id)])
    assert (refused.status_code, refused.json()["errors"][0]["path"]) == (422, "merchant_ids")


async def test_another_dfsps_merchants_are_unknown_and_none_is_nothing_to_print(shop: Shop, world: World) -> None:
    other = world["lakemfi"]["maker"].headers
    named = await shop.order(other, merchant_ids=[str(shop.merchants[0].id)])
    assert (named.status_code, named.json()["errors"][0]["code"]) == (422, "unknown")
    nothing = await shop.order(other)
    assert (nothing.status_code, nothing.json()["code"]) == (409, "nothing_to_print")
    assert (await shop.order(world.operator.headers)).status_code == 403


async def test_what_cannot_be_printed_is_refused_when_it_is_ordered(shop: Shop) -> None:
    wrong: list[dict[str, Any]] = [
        {"page": "A3"},
        {"page": None},
        {"languages": []},
        {"languages": ["tlh"]},
        {"languages": ["xx"]},
        {"languages": ["en", "fr", "sw"]},
        {"languages": ["EN"]},
        {"merchant_ids": ["x"]},
        {"columns": 0},
        {"rows": 11},
        {"accent": "red"},
        {"logo": "bm90IGEgcGljdHVyZQ=="},
        {"dfsp_mark": "no base64"},
        {"accepted": [{"name": ""}]},
        {"accepted": [{"name": "Wallet"}] * 9},
        {"accepted": [{"name": "ᏣᎳᎩ"}]},
        {"accepted": [{"name": "Savings and Credit Society of Kilimanjaro"[:40]}] * 8},
        {"frame": 3},
        {"merchant_ids": [str(shop.merchants[0].id)] * 1001},
    ]
    for body in wrong:
        assert (await shop.order(**body)).status_code == 422, body
    assert (await shop.client.get(BATCHES, headers=shop.maker)).json()["items"] == []


async def test_logos_accent_wallets_and_grid_are_printed_as_ordered(shop: Shop) -> None:
    picture = base64.b64encode(mark("#b3261e")).decode()
    look = {
        "accent": "#ffb703",
        "scheme_mark": picture,
        "dfsp_mark": picture,
        "logo": picture,
        "accepted": [{"name": "M-Pesa"}, {"name": "Airtel", "mark": picture}],
    }
    plain, dressed = await shop.print(), await shop.print(**look)
    assert (dressed["state"], dressed["done"], dressed["skipped"]) == ("done", 3, [])
    assert await shop.pages(dressed) == await shop.payloads(shop.counters)
    pdf = (await shop.read(dressed["id"], "/pdf")).content
    first = pypdfium2.PdfDocument(pdf)[0]
    colours = {colour for _, colour in first.render(scale=1).to_pil().convert("RGB").getcolors(1 << 20)}
    assert {(255, 183, 3), (179, 38, 30)} <= colours
    words = first.get_textpage().get_text_range()
    assert "M-Pesa" in words
    assert "Airtel" not in words  # its mark stands for it
    assert pdf != (await shop.read(plain["id"], "/pdf")).content


async def test_the_grid_of_a_sheet_may_be_chosen(shop: Shop) -> None:
    batch = await shop.print(page="sheet", columns=1, rows=2)
    assert [len(page) for page in await shop.pages(batch)] == [2, 1]


async def test_posters_tell_the_day_of_the_order_and_the_codes_version(shop: Shop) -> None:
    batch = await shop.print()
    pdf = (await shop.read(batch["id"], "/pdf")).content
    day = clock.local_date(clock.now(), (await shop.service.scheme()).time_zone)
    words = pypdfium2.PdfDocument(pdf)[0].get_textpage().get_text_range()
    assert f"v1 · {day.isoformat()}" in words


async def test_a_picture_is_kept_no_larger_than_it_is_printed(shop: Shop) -> None:
    drawn = io.BytesIO()
    Image.linear_gradient("L").resize((2000, 1000)).save(drawn, "PNG")
    ordered = await shop.order(logo=base64.b64encode(drawn.getvalue()).decode())
    assert ordered.status_code == 202, ordered.text
    async with shop.service.db.system_reads() as tx:
        look = await tx.fetchval("SELECT look FROM poster_batch WHERE id = $1", UUID(ordered.json()["id"]))
    kept = msgspec.convert(look if isinstance(look, dict) else msgspec.json.decode(look), posters.Look)
    assert Image.open(io.BytesIO(kept.logo)).size == (600, 300)


async def test_a_dfsp_has_three_runs_under_way_at_most(shop: Shop) -> None:
    assert [(await shop.order()).status_code for _ in range(3)] == [202, 202, 202]
    refused = await shop.order()
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_jobs")
    await builders.work(shop.service)
    assert (await shop.order()).status_code == 202


async def test_forty_ordered_at_once_are_three_runs(shop: Shop) -> None:
    answers = await asyncio.gather(*(patiently(shop.order) for _ in range(40)))
    assert Tally(answer.status_code for answer in answers) == {202: 3, 429: 37}
    assert len((await shop.client.get(BATCHES, headers=shop.maker)).json()["items"]) == 3


async def test_a_counters_key_orders_and_sees_no_posters(shop: Shop, world: World) -> None:
    admin = world["greenbankfsp"]["admin"]
    key = await builders.issue_key(shop.service, admin, ["merchants:read"], counter_id=shop.counters[0].id)
    made = (await shop.order()).json()
    refused = await shop.order(key)
    assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed")
    assert (await shop.client.get(BATCHES, headers=key)).json()["items"] == []
    for part in ("", "/pdf", "/manifest"):
        assert (await shop.client.get(f"{BATCHES}/{made['id']}{part}", headers=key)).status_code == 404


async def test_a_name_no_font_can_write_is_skipped_and_told_and_the_rest_is_printed(shop: Shop, world: World) -> None:
    document = builders.company(trading_name="ᏣᎳᎩ", ussd_name="Tsalagi")
    _, unprintable = await builders.create_merchant(shop.service, world, document=document)
    for page, pages in (("A6", 3), ("sheet", 1)):
        batch = await shop.print(page=page)
        assert (batch["state"], batch["done"], batch["total"]) == ("done", 3, 4)
        [skipped] = batch["skipped"]
        assert skipped["number"] == unprintable[0].alias
        assert "Ꮳ" in skipped["problem"]
        assert len(await shop.pages(batch)) == pages


async def test_a_run_of_nothing_printable_fails_with_its_reason(shop: Shop, world: World) -> None:
    document = builders.company(trading_name="ᏣᎳᎩ", ussd_name="Tsalagi")
    merchant, _ = await builders.create_merchant(shop.service, world, document=document)
    batch = await shop.print(merchant_ids=[str(merchant.id)])
    assert (batch["state"], batch["done"]) == ("failed", 0)
    assert "Ꮳ" in batch["problem"]
    assert (await shop.read(batch["id"], "/pdf")).status_code == 409


async def test_slices_end_in_the_same_bytes_and_runs_take_turns(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = await shop.print()
    monkeypatch.setattr(press, "SLICE_S", 0.0)  # one page a slice
    first, second = [(await shop.order()).json()["id"] for _ in range(2)]
    seen = []
    async with Worker(shop.service).by_hand() as worker:
        while await worker.run_due():
            seen.append(tuple([(await shop.read(one)).json()["done"] for one in (first, second)]))
    assert seen[:4] == [(1, 0), (1, 1), (2, 1), (2, 2)]
    for batch_id in (first, second):
        assert (await shop.read(batch_id)).json()["pdf_sha256"] == whole["pdf_sha256"]


async def test_a_run_whose_files_are_gone_is_printed_anew(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(press, "SLICE_S", 0.0)
    batch_id = (await shop.order()).json()["id"]
    async with Worker(shop.service).by_hand() as worker:
        await worker.run_due()
        for file in (shop.service.settings.data_dir / "posters").iterdir():
            file.unlink()
        while await worker.run_due():
            pass
    batch = (await shop.read(batch_id)).json()
    assert await shop.pages(batch) == await shop.payloads(shop.counters)


async def test_a_run_that_another_thread_still_prints_waits(shop: Shop, move_clock: Callable[[timedelta], Any]) -> None:
    batch_id = (await shop.order()).json()["id"]
    folder = shop.service.settings.data_dir / "posters"
    folder.mkdir()
    held = os.open(folder / f"{batch_id}.pdf", os.O_RDWR | os.O_CREAT)
    fcntl.flock(held, fcntl.LOCK_EX)
    await builders.work(shop.service)
    assert (await shop.read(batch_id)).json()["state"] == "waiting"
    os.close(held)
    move_clock(timedelta(minutes=1))
    await builders.work(shop.service)
    assert (await shop.read(batch_id)).json()["state"] == "done"


async def test_a_disk_that_fails_ends_the_run_and_not_the_next(shop: Shop) -> None:
    broken = (await shop.order()).json()["id"]
    (shop.service.settings.data_dir / "posters" / f"{broken}.pdf").mkdir(parents=True)
    batch = await shop.print()
    assert batch["state"] == "done"
    failed = (await shop.read(broken)).json()
    assert (failed["state"], failed["pdf_sha256"]) == ("failed", None)
    assert "order again" in failed["problem"]
    french = await shop.client.get(f"{BATCHES}/{broken}", headers={**shop.maker, "accept-language": "fr"})
    assert "commandez de nouveau" in french.json()["problem"]


async def test_a_repeated_job_of_a_finished_run_does_nothing(shop: Shop) -> None:
    batch = await shop.print()
    await background.run_slice(shop.service, posters.KIND, UUID(batch["id"]))
    assert (await shop.read(batch["id"])).json() == batch


async def test_runs_are_forgotten_after_a_week_with_their_files(
    shop: Shop, move_clock: Callable[[timedelta], Any]
) -> None:
    batch = await shop.print()
    pdf = background.path_of(shop.service, posters.KIND, UUID(batch["id"]), posters.PDF)
    move_clock(timedelta(days=6, hours=23))
    await background.prune(shop.service, posters.KIND)
    assert pdf.exists()
    move_clock(timedelta(hours=2))
    await background.prune(shop.service, posters.KIND)
    assert list(pdf.parent.iterdir()) == []
    async with shop.service.db.system() as tx:
        assert await tx.fetchval("SELECT count(*) FROM poster_batch") == 0


async def test_a_file_that_is_gone_is_not_found(shop: Shop) -> None:
    batch = await shop.print()
    background.path_of(shop.service, posters.KIND, UUID(batch["id"]), posters.PDF).unlink()
    response = await shop.read(batch["id"], "/pdf")
    assert (response.status_code, response.json()["code"]) == (404, "file_gone")
