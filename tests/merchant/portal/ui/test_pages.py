"""What all pages share: names in groups, files kept for ever, compression, forms of other sites refused."""

import gzip
import re

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from merchant.core.service import Service
from merchant.portal.ui.pages import grouped
from tests.apps import app_on
from tests.merchant.portal.shops import Shop, assert_safe

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("number", "spoken"),
    [
        ("40217756", "4021 7756"),
        ("4021775", "4021 775"),
        ("402177", "4021 77"),
        ("402177563", "402 177 563"),
        ("40217", "402 17"),
        ("duka.njeri", "duka.njeri"),
        ("٤٠٢١٧٧٥٦", "٤٠٢١٧٧٥٦"),
        ("", ""),
    ],
)
def test_numbers_are_grouped_for_reading_aloud(number: str, spoken: str) -> None:
    assert grouped(number) == spoken


@given(st.text("0123456789", min_size=2, max_size=12))
def test_grouping_keeps_every_digit_and_leaves_none_alone(number: str) -> None:
    groups = grouped(number).split(" ")
    assert "".join(groups) == number
    assert all(1 < len(group) <= 4 for group in groups)


async def test_files_carry_their_hash_and_are_kept_for_ever(client: httpx.AsyncClient, shop: Shop) -> None:
    page = await client.get(f"/q/{shop.counter.alias}")
    links = re.findall(r'<link rel="[a-z]+" href="([^"]+)"', page.text)
    assert len(links) == 2
    for url in links:
        assert re.fullmatch(r"/static/[a-z]+-[0-9a-f]{10}\.(css|svg)", url)
        found = await client.get(url)
        assert found.status_code == 200
        assert found.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert found.headers["content-type"].startswith(("text/css", "image/svg+xml"))
        assert found.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("name", ["style.css", "style-0000000000.css", "..%2Fpages.py", "%2e%2e", "x" * 999, "%00"])
async def test_no_other_file_is_served(client: httpx.AsyncClient, name: str) -> None:
    assert (await client.get(f"/static/{name}")).status_code == 404


@pytest.mark.parametrize(
    ("accepts", "zipped"),
    [
        ("gzip", True),
        ("deflate, gzip;q=0.5, br", True),
        ("", False),
        ("br", False),
        ("gzip;q=0", False),
        ("xgzip", False),
    ],
)
async def test_pages_are_compressed_for_those_who_can_read_it(
    client: httpx.AsyncClient, shop: Shop, accepts: str, zipped: bool
) -> None:
    async with client.stream("GET", f"/q/{shop.counter.alias}", headers={"accept-encoding": accepts}) as page:
        raw = b"".join([part async for part in page.aiter_raw()])
    assert page.headers.get("content-encoding") == ("gzip" if zipped else None)
    assert page.headers["vary"] == "accept-encoding, accept-language, cookie"
    assert b"</html>" in (gzip.decompress(raw) if zipped else raw)


async def test_outside_the_demo_the_start_page_says_what_this_is_and_no_more(client: httpx.AsyncClient) -> None:
    page = await client.get("/")
    assert page.status_code == 200
    assert_safe(page)
    assert 'href="/openapi.json"' in page.text
    assert 'href="/health/ready"' in page.text
    assert "<form" not in page.text


async def test_before_a_scheme_is_set_up_the_pages_answer_all_the_same(service: Service) -> None:
    async with service.db.system() as tx:
        await tx.execute("DELETE FROM scheme")
    fresh = Service(service.settings, service.db)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app_on(fresh)), base_url="http://test.local") as client:
        assert "Merchant registry and payments" in (await client.get("/")).text
        assert (await client.get("/q/40217756")).status_code == 404
