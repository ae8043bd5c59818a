"""Schemathesis against the application: what the documents allow and what they forbid is sent to every operation, and
each answer must be one that they promise.

The same cases every time, on a database of the test's own; a failure is told as a curl command. Hostile input that such
cases do not find is written out in test_bad_input.py.
"""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import anyio
import httpx
import hypothesis
import msgspec
import pytest
import requests
import schemathesis
from anyio import from_thread
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from merchant.core import heartbeat
from merchant.core.service import Service
from merchant.core.settings import Settings
from merchant.hub.fspiop.headers import media_type, version_for
from merchant.programs import health, openapi
from merchant.programs.app import ROUTES
from tests import builders
from tests.api.everything import Things, listed_company, strongest
from tests.builders import DFSPS, GATEWAY_SECRET, World

pytestmark = [pytest.mark.anyio, pytest.mark.database, pytest.mark.slow]
CASES = 6  # that the document allows, and as many that it forbids, for each operation: about 25 s of CPU in all
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
CLIENT = "http://test.local"
ENDLESS = "/api/v1/events"  # a stream

Headers = dict[str, str]
Send = Callable[[Case, Headers], httpx.Response]


class Target(msgspec.Struct):
    """An operation to be tried: who calls it (who calls often stands there often), and the path parameters and headers
    with which it is about something real.
    """

    operation: APIOperation
    callers: list[Headers]
    path: dict[str, str]
    headers: Headers = {}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """No message here is signed."""
    return msgspec.structs.replace(settings, require_signatures=False)


def operations(name: str, **properties: Any) -> list[APIOperation]:
    """The operations of a document, those on single things last.

    What the callers bring along is left out: security and FSPIOP's headers. `properties` narrows schemas by name, where
    a random value would never get far.
    """
    document = msgspec.json.decode(openapi.documents(ROUTES)[name])
    del document["components"]["securitySchemes"]
    for schema in document["components"]["schemas"].values():
        known = schema.get("properties", {})
        known |= {name: properties[name] for name in known.keys() & properties.keys()}
    for methods in document["paths"].values():
        for operation in methods.values():
            del operation["security"]
            operation["parameters"] = [
                one for one in operation["parameters"] if one["name"] != "Date" and not one["name"].startswith("FSPIOP")
            ]
    found = [result.ok() for result in schemathesis.openapi.from_dict(document).get_all_operations()]
    return sorted(
        (one for one in found if one.path != ENDLESS), key=lambda one: (one.path.count("{"), one.path, one.method)
    )


def named(operation: APIOperation, ids: dict[str, str]) -> dict[str, str]:
    """The ids that the operation's path names."""
    return {name: value for name, value in ids.items() if f"{{{name}}}" in operation.path}


async def try_all(client: httpx.AsyncClient, targets: list[Target]) -> None:
    """Send every operation its cases and check the answers. Hypothesis runs in a thread, the application here."""

    async def send(case: Case, who: Headers) -> httpx.Response:
        base_url = CLIENT + case.operation.schema.base_path.rstrip("/")
        request = requests.Request(**case.as_transport_kwargs(base_url=base_url)).prepare()
        headers = httpx.Headers(who)
        headers.update(request.headers)
        return await client.request(str(request.method), str(request.url), headers=headers, content=request.body or b"")

    def walk() -> None:
        for target in targets:
            for mode in GenerationMode:
                _try(target, mode, lambda case, who: from_thread.run(send, case, who))

    await anyio.to_thread.run_sync(walk)


def _try(target: Target, mode: GenerationMode, send: Send) -> None:
    # A random id is never found: two of three cases are about something real.
    cases = st.one_of(
        target.operation.as_strategy(mode, path_parameters=target.path, headers=target.headers),
        target.operation.as_strategy(mode, path_parameters=target.path),
        target.operation.as_strategy(mode),
    )

    @hypothesis.settings(
        max_examples=CASES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(case=cases, who=st.sampled_from(target.callers))
    def check(case: Case, who: Headers) -> None:
        try:
            case.validate_response(send(case, who), checks=CHECKS)
        except FailureGroup as failures:  # a group would end the event loop that fixtures share
            raise AssertionError(str(failures)) from None

    try:
        check()
    except Unsatisfiable:
        assert mode is GenerationMode.NEGATIVE  # nothing can be wrong where nothing is asked


async def test_the_api_keeps_its_document(
    client: httpx.AsyncClient, service: Service, world: World, things: Things, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "GONE_AFTER_S", 3600.0)  # a slow machine takes longer than half a minute
    staff, admin, key = await strongest(service, world, "greenbankfsp")
    await heartbeat.beat(service.db, uuid4())  # /health/ready wants a worker
    callers = [staff, staff, admin, admin, key, key, world.operator.headers, {}]
    # Of lakemfi: signs themselves out on the way, and nobody else.
    someone = world["lakemfi"]["auditor"].headers
    ids = things.ids | {"dfsp_id": str(world.dfsp_ids["lakemfi"])}  # disabled on the way, so not the callers' own
    targets = []
    for operation in operations("merchant.json"):
        if "{application_id}" in operation.path:
            document = listed_company() if "{hit_id}" in operation.path else builders.company()
            is_makers = operation.method == "patch" or operation.path.endswith("/submit")
            made = await builders.create_application(service, world.maker, document, submitted=not is_makers)
            ids["application_id"] = str(made.id)
        headers = {"If-Match": '"1"'} if operation.method == "patch" else {}
        is_own = operation.path.startswith(("/api/v1/sessions", "/api/v1/users/me"))
        who = [someone, someone, key, {}] if is_own else callers
        targets.append(Target(operation, who, named(operation, ids), headers))
    await try_all(client, targets)


async def test_the_oracle_keeps_its_document(client: httpx.AsyncClient, service: Service, world: World) -> None:
    gateway = {"x-gateway-secret": GATEWAY_SECRET}
    *_, key = await strongest(service, world, "greenbankfsp")
    ids = {"Type": "ALIAS", "ID": "external-1", "SubId": "till-1"}
    found = operations("oracle.json", fspId={"enum": [*DFSPS]}, partyIdType={"enum": ["ALIAS", "BUSINESS"]})
    await try_all(client, [Target(one, [gateway, gateway, gateway, key, {}], named(one, ids)) for one in found])


async def test_the_hubs_door_keeps_its_document(client: httpx.AsyncClient, world: World) -> None:
    ids = {"Type": "ALIAS", "ID": "5c7f6ea4-58b1-4a9b-a5e8-3f6a5c7e1f10", "SubId": "7K3M9QXT"}
    hub = {
        "x-gateway-secret": GATEWAY_SECRET,
        "date": "Sun, 22 Nov 2026 08:00:00 GMT",
        "fspiop-source": "mobilemoney",
        "fspiop-destination": "greenbankfsp",
    }
    targets = []
    for one in operations("fspiop.json"):
        resource = one.path.split("/")[1]
        whole = hub | {"content-type": media_type(resource, version_for(resource)), "accept": media_type(resource, "1")}
        targets.append(Target(one, [whole, whole, whole, hub, {}], named(one, ids)))
    await try_all(client, targets)
