"""The examples work as they stand: each is what its struct takes, and every body that the API reads has one."""

from typing import Any

import httpx
import msgspec
import pytest
from litestar.handlers import HTTPRouteHandler

import qr
from merchant.channels.qr import ScannedCode
from merchant.compliance.cases.schemas import NewApplication
from merchant.core.http import json as web
from merchant.programs.openapi.examples import EXAMPLES
from merchant.programs.slices import ROUTES
from tests.builders import World
from tests.cases import every_case

DECLARED = [one.opt["route"] for one in ROUTES if isinstance(one, HTTPRouteHandler) and "route" in one.opt]
BODIES = {one.body for one in DECLARED if one.body is not None}


@every_case("shape", EXAMPLES, ids=lambda shape: shape.__name__)
def test_an_example_is_what_its_struct_takes(shape: Any) -> None:
    assert isinstance(web.decode(msgspec.json.encode(EXAMPLES[shape]), shape), shape)


def test_every_body_has_an_example_and_no_example_is_left_over() -> None:
    assert set(EXAMPLES) == BODIES


def test_the_example_of_a_scanned_code_reads() -> None:
    report = qr.explain(EXAMPLES[ScannedCode]["payload"])
    assert report.strict
    assert report.code is not None


@pytest.mark.anyio
@pytest.mark.database
async def test_the_example_of_an_application_can_be_submitted(client: httpx.AsyncClient, world: World) -> None:
    opened = await client.post(
        "/api/v1/applications",
        json=EXAMPLES[NewApplication],
        headers=world.maker.headers | {"idempotency-key": "example"},
    )
    assert opened.status_code == 201, opened.text
    submitted = await client.post(f"/api/v1/applications/{opened.json()['id']}/submit", headers=world.maker.headers)
    assert submitted.status_code == 200, submitted.text
