"""Codes with a logo over the API: read by both readers, bounded, and refused where they would not be read."""

import base64
from typing import Any

import httpx
import pytest

from merchant.channels import logo_codes
from merchant.core.service import Service
from merchant.core.throttle import Throttle
from qr.symbols import reading
from tests import builders
from tests.builders import World
from tests.merchant.channels.test_qr import Till, template, till
from tests.qr.symbols.marks import MARKS
from tests.qr.symbols.pictures import of_pdf, of_png, of_svg, texts

pytestmark = pytest.mark.anyio

__all__ = ["template", "till"]  # the fixtures

LOGO = base64.b64encode(MARKS["dark round"]).decode()
BAD_LOGOS = ["", "%%%", "AAAA", "R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7", LOGO[:400]]
BAD_QUERIES: list[dict[str, str]] = [
    {"format": "eps"},
    {"format": "payload"},
    {"level": "M"},
    {"module_px": "41"},
    {"currency": "EUR"},
    {"size": "x"},
    {"module_px": "3", "format": "png"},
    {"dark": "#ff0000"},
]


async def drawn(till: Till, logo: Any = LOGO, who: dict[str, str] | None = None, **query: str) -> httpx.Response:
    path = f"/api/v1/counters/{till.counter.id}/qr"
    return await till.client.post(path, params=query, json={"logo": logo}, headers=who or till.maker)


async def test_every_kind_of_picture_holds_the_logo_and_reads_as_the_payload(till: Till) -> None:
    payload = await till.payload()
    for mark in ("square", "ring", "black frame"):
        logo = base64.b64encode(MARKS[mark]).decode()
        png = await drawn(till, logo, format="png")
        assert (png.status_code, png.headers["content-type"]) == (200, "image/png")
        picture = of_png(png.content)
        assert texts(picture) == [payload]
        assert not reading.has_zbar() or reading.read_by_zbar(picture) == payload
    svg = (await drawn(till)).text
    assert "data:image/png;base64," in svg
    assert texts(of_svg(svg)) == [payload]
    assert [texts(page) for page in of_pdf((await drawn(till, format="pdf")).content)] == [[payload]]


async def test_it_has_a_file_name_and_is_not_the_plain_picture(till: Till) -> None:
    plain, branded = await till.code(level="H"), await drawn(till)
    assert branded.headers["content-disposition"] == plain.headers["content-disposition"]
    assert branded.headers["etag"] != plain.headers["etag"]


async def test_the_code_of_one_payment_takes_a_logo_while_it_may_be_paid(till: Till) -> None:
    asked = await till.ask()
    path = f"/api/v1/payment-requests/{asked['id']}"

    async def draw() -> httpx.Response:
        return await till.client.post(f"{path}/qr?format=png", json={"logo": LOGO}, headers=till.owner)

    assert texts(of_png((await draw()).content)) == [asked["qr_payload"]]
    await till.client.post(f"{path}/cancel", headers=till.owner)
    assert (await draw()).status_code == 409


async def test_what_is_no_logo_is_refused_by_its_path(till: Till) -> None:
    for logo in BAD_LOGOS:
        response = await drawn(till, logo)
        assert response.status_code == 422, logo
        assert response.json()["errors"][0]["path"] == "logo"


async def test_a_logo_has_bounds(till: Till) -> None:
    assert (await drawn(till, "A" * 900_001)).status_code == 422
    assert (await drawn(till, "A" * 1_100_000)).status_code == 413


async def test_a_look_that_cannot_bear_a_logo_is_refused(till: Till) -> None:
    for query in BAD_QUERIES:
        response = await drawn(till, **query)
        assert response.status_code == 400, query
        assert response.json()["detail"].endswith("."), query


async def test_a_body_of_another_shape_is_refused(till: Till) -> None:
    path = f"/api/v1/counters/{till.counter.id}/qr"
    for body in ({}, {"logo": None}, {"logo": LOGO, "shape": "rounded"}, [], {"logo": 1}):
        assert (await till.client.post(path, json=body, headers=till.maker)).status_code == 422, body


async def test_counters_of_others_are_not_found(till: Till, service: Service, world: World) -> None:
    assert (await drawn(till, who=world["lakemfi"]["maker"].headers)).status_code == 404
    other = await builders.create_merchant(service, world)
    key = await builders.issue_key(service, world["greenbankfsp"]["admin"], ["merchants:read"], merchant_id=other[0].id)
    assert (await drawn(till, who=key)).status_code == 404


async def test_one_actor_has_so_many_drawn_a_minute(till: Till, service: Service) -> None:
    service._shared[logo_codes.logos] = Throttle(per_minute=1, burst=2)
    assert [(await drawn(till)).status_code for _ in range(2)] == [200, 200]
    refused = await drawn(till)
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_requests")
    assert 0 < int(refused.headers["retry-after"]) <= 60
    assert (await drawn(till, who=till.owner)).status_code == 200
