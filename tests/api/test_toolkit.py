"""The Mojaloop Testing Toolkit's own steps for a merchant registry, replayed from its collections.

Only alias registration (step 5) and look-up (step 7, and merchant-lookup.json): the other steps log in to another
product. The toolkit's assertions are JavaScript; each that these steps hold is written here once in Python.
"""

import json
from typing import Any

import httpx
import pytest

from merchant.core.service import Service
from tests import builders
from tests.builders import GATEWAY_SECRET, World
from tests.paths import VECTORS

pytestmark = pytest.mark.anyio
COLLECTIONS = VECTORS / "ttk"
INPUTS = {"MERCHANT_ID": "8472", "MERCHANT_CURRENCY": "USD", "MERCHANT_ALIAS_VALUE": "0000847201"}


def collection(name: str) -> list[dict[str, Any]]:
    found = json.loads((COLLECTIONS / name).read_text())
    return [request for case in found["test_cases"] for request in case["requests"]]


def step(name: str, method: str, path: str) -> dict[str, Any]:
    [found] = [one for one in collection(name) if (one["method"], one["operationPath"]) == (method, path)]
    return found


def filled(value: Any, environment: dict[str, str]) -> Any:
    """A request's part with the toolkit's variables put in."""
    text = json.dumps(value)
    for place, values in (("inputs", INPUTS), ("environment", environment)):
        for name, content in values.items():
            text = text.replace(f"{{${place}.{name}}}", content)
    assert "{$" not in text, text
    return json.loads(text)


ASSERTIONS = {
    "expect(response.status).to.equal(200)": lambda response: response.status_code == 200,
    "expect(response.body).to.be.an('array');": lambda response: isinstance(response.json(), list),
    "expect(response.body).to.have.length.above(0);": lambda response: len(response.json()) > 0,
    "expect(response.body).to.be.an('object');": lambda response: isinstance(response.json(), dict),
    "expect(response.body).to.have.property('partyList');": lambda response: "partyList" in response.json(),
    "expect(response.body.partyList).to.be.an('array');": lambda response: isinstance(
        response.json()["partyList"], list
    ),
    "expect(response.body.partyList).to.have.length.above(0);": lambda response: len(response.json()["partyList"]) > 0,
    "expect(response.body.partyList[0].fspId).to.equal('greenbankfsp');": lambda response: (
        response.json()["partyList"][0]["fspId"] == "greenbankfsp"
    ),
}


def check(request: dict[str, Any], response: httpx.Response) -> None:
    for assertion in request["tests"]["assertions"]:
        for line in assertion["exec"]:
            assert ASSERTIONS[line](response), (assertion["description"], response.status_code, response.text)


async def test_alias_registration_and_look_up_answer_as_the_toolkit_expects(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    key = await builders.issue_key(service, world["greenbankfsp"]["admin"], ["aliases:write"])
    environment = {
        "MERCHANT_GREEN_BANK_CLIENT_ACCESS_KEY": key["x-api-key"],
        "MERCHANT_ALIAS_VALUE": INPUTS["MERCHANT_ALIAS_VALUE"],
    }
    gateway = {"x-gateway-secret": GATEWAY_SECRET}  # what the scheme's gateway adds to the hub's calls
    register = step("merchant_setup.json", "post", "/participants")
    path = "/participants/ALIAS/{$environment.MERCHANT_ALIAS_VALUE}"
    look_ups = [step(name, "get", path) for name in ("merchant_setup.json", "merchant-lookup.json")]
    for _ in range(2):  # the collection may be run again
        response = await client.post(
            f"/oracle{register['path']}",
            json=filled(register["body"], environment),
            headers=filled(register["headers"], environment),
        )
        check(register, response)
        for look_up in look_ups:
            found = await client.get(f"/oracle{filled(look_up['path'], environment)}", headers=gateway)
            check(look_up, found)
