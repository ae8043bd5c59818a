"""The oracle as the Account Lookup Service and external DFSPs use it: docs/contract.md, Alias and oracle."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import httpx
import msgspec
import pytest
from stdnum import luhn
from structlog.testing import capture_logs

from merchant.core import clock, ids
from merchant.core.http.source import FORWARDING
from merchant.core.service import Service
from merchant.registry.merchants import lifecycle
from merchant.registry.merchants.models import Counter, Merchant
from tests import builders
from tests.apps import app_on
from tests.builders import GATEWAY_SECRET, World

pytestmark = pytest.mark.anyio
HUB = {"x-gateway-secret": GATEWAY_SECRET}
ALIAS = "/oracle/participants/ALIAS"
JSON = {"content-type": "application/json"}
HOSTILE = [
    "1" * 33,
    "9" * 5000,
    "12 34",
    "o'neil",
    '"',
    "a;DROP TABLE alias",
    "a/b",
    "a%2Fb",
    "%2e%2e",
    "a%00b",
    "a\x7fb",
    "a%0ab",
    "سوق",
    "ຮ້ານ",
    "🙂",
    "a&b",
    "a=b",
    "ab&#x3D;c",
    "x%",
    "%FF%FE",
    "{$inputs.X}",
    "participants",
    "TransactionRequests",
    "quotes",
    "error",
]

BAD_ROUTES = [
    (b"", "3101"),
    (b"{", "3101"),
    (b"\xff\xfe", "3101"),
    (b'{"fspId":"lakemfi\\u0000"}', "3101"),
    (b"[" * 100_000, "3100"),
    (b'{"x":' * 100_000, "3101"),
    (b"null", "3100"),
    (b"[]", "3100"),
    (b"{}", "3100"),
    (b"7", "3100"),
    (b'{"fspId":7}', "3100"),
    (b'{"fspId":""}', "3100"),
    (b'{"fspId":"' + b"x" * 33 + b'"}', "3100"),
    (b'{"fspId":"nobody"}', "3201"),
    (b'{"fspId":"lakemfi","currency":"XXX"}', "3100"),
    (b'{"fspId":"lakemfi","currency":"kes"}', "3100"),
    (b'{"fspId":"lakemfi","partySubIdOrType":""}', "3100"),
    (b'{"fspId":"lakemfi","partySubIdOrType":"a b"}', "3100"),
    (b'{"fspId":"lakemfi","partySubIdOrType":"' + b"x" * 129 + b'"}', "3100"),
]
BAD_BATCHES = [
    (b"null", 422),
    (b"{}", 422),
    (b"[]", 422),
    (b"7", 422),
    (b'""', 422),
    (b"", 400),
    (b"[", 400),
    (b"[" * 100_000, 400),
    (b"\xff", 400),
    (b'[{"merchant_id":"\xc3("}]', 400),
    (b'[{"merchant_id":"m\\u0000","currency":"KES"}]', 400),
    (b'[{"merchant_id":"\\ud800"}]', 400),
    (b'[{"merchant_id":"m","currency":"KES","currency":"USD"}]', 400),
]
BAD_ROWS: list[Any] = [
    None,
    [],
    7,
    "",
    {},
    {"merchant_id": 7, "currency": "KES"},
    {"merchant_id": "", "currency": "KES"},
    {"merchant_id": "m"},
    {"currency": "KES"},
    {"merchant_id": "m" * 129, "currency": "KES"},
    {"merchant_id": "m", "currency": None},
    {"merchant_id": "m", "currency": "KES", "alias_value": 7},
    {"merchant_id": "m", "currency": "K" * 5000},
    {"merchant_id": "m", "currency": "KES", "alias_value": "x" * 5000},
]


@pytest.fixture
async def shop(service: Service, world: World) -> tuple[Merchant, Counter]:
    merchant, counters = await builders.create_merchant(service, world)
    return merchant, counters[0]


@pytest.fixture
async def key(service: Service, world: World) -> dict[str, str]:
    """greenbankfsp's key for batches."""
    return await builders.issue_key(service, world["greenbankfsp"]["admin"], ["aliases:write"])


async def party_list(client: httpx.AsyncClient, path: str) -> list[dict[str, str]]:
    response = await client.get(path, headers=HUB)
    assert response.status_code == 200, response.text
    found: list[dict[str, str]] = response.json()["partyList"]
    return found


def error_code(response: httpx.Response) -> str:
    information: dict[str, str] = response.json()["errorInformation"]
    assert 1 <= len(information["errorDescription"]) <= 128
    return information["errorCode"]


async def suspend(service: Service, world: World, merchant: Merchant) -> None:
    checker = world.checker.actor
    async with service.db.tenant(checker.dfsp_id) as tx:
        await lifecycle.suspend(tx, checker, merchant.id, "complaints")


class TestLookUp:
    async def test_a_number_is_served_by_its_dfsp_once_however_many_currencies_its_merchant_takes(
        self, client: httpx.AsyncClient, shop: tuple[Merchant, Counter]
    ) -> None:
        """The look-up service asks the DFSP of each row, and payers would get as many answers (project issue 2374)."""
        assert await party_list(client, f"{ALIAS}/{shop[1].alias}") == [{"fspId": "greenbankfsp"}]

    async def test_a_currency_in_the_query_narrows_the_answer(
        self, client: httpx.AsyncClient, shop: tuple[Merchant, Counter]
    ) -> None:
        path = f"{ALIAS}/{shop[1].alias}"
        assert await party_list(client, f"{path}?currency=KES") == [{"fspId": "greenbankfsp", "currency": "KES"}]
        assert await party_list(client, f"{path}?currency=JPY") == []

    @pytest.mark.parametrize("party_id_type", ["BUSINESS", "MERCHANT_PAYINTOID"])
    async def test_the_same_number_under_another_type_is_unknown(
        self, client: httpx.AsyncClient, shop: tuple[Merchant, Counter], party_id_type: str
    ) -> None:
        assert await party_list(client, f"/oracle/participants/{party_id_type}/{shop[1].alias}") == []

    async def test_an_unknown_number_answers_with_an_empty_list(self, client: httpx.AsyncClient) -> None:
        assert await party_list(client, f"{ALIAS}/12345674") == []

    async def test_a_suspended_merchant_is_unknown_until_it_is_reinstated(
        self, client: httpx.AsyncClient, service: Service, world: World, shop: tuple[Merchant, Counter]
    ) -> None:
        merchant, counter = shop
        await suspend(service, world, merchant)
        assert await party_list(client, f"{ALIAS}/{counter.alias}") == []
        async with service.db.tenant(merchant.dfsp_id) as tx:
            await lifecycle.reinstate(tx, world.checker.actor, merchant.id)
        assert len(await party_list(client, f"{ALIAS}/{counter.alias}")) == 1

    async def test_a_disabled_dfsp_is_unknown(
        self, client: httpx.AsyncClient, world: World, shop: tuple[Merchant, Counter]
    ) -> None:
        path = f"/api/v1/dfsps/{shop[0].dfsp_id}"
        for enabled, count in ((False, 0), (True, 1)):
            version = (await client.get(path, headers=world.operator.headers)).headers["etag"]
            headers = world.operator.headers | {"if-match": version}
            changed = await client.patch(path, json={"enabled": enabled}, headers=headers)
            assert changed.status_code == 200
            assert len(await party_list(client, f"{ALIAS}/{shop[1].alias}")) == count

    async def test_a_sub_id_that_no_open_request_carries_is_unknown(
        self, client: httpx.AsyncClient, shop: tuple[Merchant, Counter]
    ) -> None:
        assert await party_list(client, f"{ALIAS}/{shop[1].alias}?partySubIdOrType=ABCDEFGH") == []
        assert await party_list(client, f"{ALIAS}/{shop[1].alias}/ABCDEFGH") == []

    async def test_the_sub_id_of_an_open_request_is_answered_until_it_expires(
        self, client: httpx.AsyncClient, service: Service, shop: tuple[Merchant, Counter], move_clock: Any
    ) -> None:
        merchant, counter = shop
        async with service.db.system() as tx:
            await tx.execute(
                "INSERT INTO open_reference (alias_type, alias, sub_id, dfsp_id, counter_id, request_id, currency,"
                " expires_at) VALUES ('ALIAS', $1, 'ABCDEFGH', $2, $3, $4, 'KES', $5)",
                counter.alias,
                merchant.dfsp_id,
                counter.id,
                ids.uuid7(),
                clock.now() + timedelta(minutes=5),
            )
        expected = [{"fspId": "greenbankfsp", "currency": "KES", "partySubIdOrType": "ABCDEFGH"}]
        assert await party_list(client, f"{ALIAS}/{counter.alias}?partySubIdOrType=ABCDEFGH") == expected
        assert await party_list(client, f"{ALIAS}/{counter.alias}/ABCDEFGH") == expected
        assert all("partySubIdOrType" not in row for row in await party_list(client, f"{ALIAS}/{counter.alias}"))
        move_clock(timedelta(minutes=5))
        assert await party_list(client, f"{ALIAS}/{counter.alias}?partySubIdOrType=ABCDEFGH") == []

    async def test_a_type_that_is_not_served_is_refused(self, client: httpx.AsyncClient) -> None:
        for party_id_type in ("MSISDN", "EMAIL", "alias", "ALIAS%20", "%00", "A" * 5000):
            response = await client.get(f"/oracle/participants/{party_id_type}/12345674", headers=HUB)
            assert (response.status_code, error_code(response)) == (400, "3100"), party_id_type

    async def test_a_hostile_identifier_is_unknown_or_refused_and_harms_nothing(
        self, client: httpx.AsyncClient, shop: tuple[Merchant, Counter]
    ) -> None:
        for identifier in HOSTILE:
            path = f"{ALIAS}/{quote(identifier, safe='%' if '%' in identifier else '')}"
            for method, body in (
                ("GET", None),
                ("POST", {"fspId": "lakemfi"}),
                ("PUT", {"fspId": "lakemfi"}),
                ("DELETE", None),
            ):
                response = await client.request(method, path, json=body, headers=HUB)
                if method == "GET" and len(identifier) <= 128:  # what FSPIOP allows is unknown, not wrong
                    assert (response.status_code, response.json()) == (200, {"partyList": []}), identifier
                else:
                    assert (response.status_code, error_code(response)) == (400, "3100"), (method, identifier)
        assert len(await party_list(client, f"{ALIAS}/{shop[1].alias}")) == 1

    async def test_a_hostile_query_is_refused_or_finds_nothing(
        self, client: httpx.AsyncClient, shop: tuple[Merchant, Counter]
    ) -> None:
        for query in ("partySubIdOrType=" + "x" * 5000, "partySubIdOrType=a%00b", "currency=%00", "currency=%FF"):
            response = await client.get(f"{ALIAS}/{shop[1].alias}?{query}", headers=HUB)
            assert response.status_code in (200, 400), query
            assert response.status_code == 400 or response.json() == {"partyList": []}, query

    async def test_other_paths_and_methods_do_not_exist(self, client: httpx.AsyncClient) -> None:
        participants = "/oracle/participants"
        for path in ("/oracle", "/oracle/", "/oracle/parties/ALIAS/1", f"{participants}/A", f"{participants}/A/1/2/3"):
            response = await client.get(path, headers=HUB)
            assert (response.status_code, error_code(response)) == (404, "3002"), path
        for method, path in (("PATCH", f"{ALIAS}/12345674"), ("GET", participants), ("DELETE", participants)):
            response = await client.request(method, path, headers=HUB)
            assert (response.status_code, error_code(response)) == (405, "3000"), (method, path)


class TestGateway:
    async def test_without_the_shared_secret_nobody_is_let_in(self, client: httpx.AsyncClient) -> None:
        strangers: list[dict[str, str]] = [
            {},
            {"x-gateway-secret": "wrong"},
            {"x-gateway-secret": ""},
            {"x-api-key": "mk_forged"},
            {"authorization": "Bearer x"},
        ]
        for headers in strangers:
            for method in ("GET", "POST", "PUT", "DELETE"):
                response = await client.request(method, f"{ALIAS}/12345674", headers=headers)
                assert (response.status_code, error_code(response)) == (401, "3000"), (headers, method)

    async def test_a_secret_of_foreign_letters_is_wrong_and_no_fault_of_ours(self, client: httpx.AsyncClient) -> None:
        response = await client.get(f"{ALIAS}/1", headers={"x-gateway-secret": "é".encode()})
        assert response.status_code == 401

    async def test_the_account_lookup_services_bulk_needs_the_secret(self, client: httpx.AsyncClient) -> None:
        response = await client.post("/oracle/participants", json={"requestId": "r", "partyList": []})
        assert response.status_code == 401

    @pytest.fixture
    async def open_service_app(self, service: Service) -> Any:
        """The application without a shared secret."""
        service.settings = msgspec.structs.replace(service.settings, gateway_secret="")
        return app_on(service)

    async def test_without_a_secret_set_only_loopback_is_answered(self, open_service_app: Any) -> None:
        addresses = {
            "127.0.0.1": 200,
            "::1": 200,
            "127.8.8.8": 200,
            "10.0.0.5": 403,
            "2001:db8::1": 403,
            "unix": 403,
        }
        for address, status in addresses.items():
            transport = httpx.ASGITransport(open_service_app, client=(address, 4711))
            async with httpx.AsyncClient(transport=transport, base_url="http://test.local") as client:
                response = await client.get(f"{ALIAS}/12345674")
            assert response.status_code == status, address

    @pytest.mark.parametrize("name", sorted(FORWARDING))
    async def test_what_a_proxy_passed_on_is_never_from_this_machine(self, open_service_app: Any, name: str) -> None:
        """The proxy's own address is loopback, whoever stands before it."""
        transport = httpx.ASGITransport(open_service_app, client=("127.0.0.1", 4711))
        async with httpx.AsyncClient(transport=transport, base_url="http://test.local") as client:
            with capture_logs() as lines:
                calls = [
                    await client.request(method, f"{ALIAS}/STRANGER", headers={name: ""}, json={"fspId": "lakemfi"})
                    for method in ("GET", "POST", "PUT", "DELETE")
                ]
        assert [response.status_code for response in calls] == [403] * 4
        assert "MERCHANT_GATEWAY_SECRET" in calls[0].text
        assert [(line["security"], line["source"]) for line in lines] == [("gateway_refused", "127.0.0.1")] * 4

    @pytest.mark.parametrize(
        "changed",
        [
            {"public_url": "https://pay.example"},
            {"public_url": "http://10.0.0.5:8000"},
            {"host": "0.0.0.0"},
            {"host": "::"},
            {"host": "10.0.0.5"},
            {"host": "pay.example"},
        ],
    )
    async def test_a_service_that_others_reach_trusts_no_address(
        self, service: Service, open_service_app: Any, changed: dict[str, str]
    ) -> None:
        service.settings = msgspec.structs.replace(service.settings, **changed)
        transport = httpx.ASGITransport(open_service_app, client=("127.0.0.1", 4711))
        async with httpx.AsyncClient(transport=transport, base_url="http://test.local") as client:
            assert (await client.get(f"{ALIAS}/12345674")).status_code == 403

    @pytest.mark.parametrize(
        "headers",
        [
            {"sec-fetch-site": "cross-site"},
            {"sec-fetch-site": "same-site", "origin": "http://test.local"},
            {"origin": "https://evil.example"},
            {"origin": "null"},
        ],
    )
    async def test_a_page_of_another_site_in_a_browser_of_this_machine_is_refused(
        self, open_service_app: Any, headers: dict[str, str]
    ) -> None:
        transport = httpx.ASGITransport(open_service_app, client=("127.0.0.1", 4711))
        async with httpx.AsyncClient(transport=transport, base_url="http://test.local") as client:
            refused = await client.post(f"{ALIAS}/STRANGER", headers=headers, content=b'{"fspId": "lakemfi"}')
        assert refused.status_code == 403


class TestSingleRegistration:
    async def test_a_registered_identifier_is_found_and_the_answer_is_exactly_201(
        self, client: httpx.AsyncClient
    ) -> None:
        body = {"fspId": "lakemfi", "currency": "KES"}
        response = await client.post("/oracle/participants/BUSINESS/shop-1", json=body, headers=HUB)
        assert (response.status_code, response.content) == (201, b"")
        assert await party_list(client, "/oracle/participants/BUSINESS/shop-1") == [
            {"fspId": "lakemfi", "currency": "KES"}
        ]

    async def test_a_registration_without_a_currency_serves_every_currency(self, client: httpx.AsyncClient) -> None:
        await client.post(f"{ALIAS}/shop-1", json={"fspId": "lakemfi"}, headers=HUB)
        assert await party_list(client, f"{ALIAS}/shop-1?currency=KES") == [{"fspId": "lakemfi"}]

    async def test_the_same_registration_twice_is_one(self, client: httpx.AsyncClient) -> None:
        for _ in range(2):
            response = await client.post(f"{ALIAS}/shop-1", json={"fspId": "lakemfi", "currency": "KES"}, headers=HUB)
            assert response.status_code == 201
        assert len(await party_list(client, f"{ALIAS}/shop-1")) == 1

    async def test_a_sub_id_comes_in_the_body_and_is_asked_in_the_query(self, client: httpx.AsyncClient) -> None:
        body = {"fspId": "lakemfi", "currency": "KES", "partySubIdOrType": "till1"}
        assert (await client.post(f"{ALIAS}/shop-1", json=body, headers=HUB)).status_code == 201
        assert await party_list(client, f"{ALIAS}/shop-1?partySubIdOrType=till1") == [body]
        assert await party_list(client, f"{ALIAS}/shop-1") == []

    async def test_another_participants_identifier_is_refused(self, client: httpx.AsyncClient) -> None:
        await client.post(f"{ALIAS}/shop-1", json={"fspId": "lakemfi"}, headers=HUB)
        response = await client.post(f"{ALIAS}/shop-1", json={"fspId": "greenbankfsp"}, headers=HUB)
        assert (response.status_code, error_code(response)) == (400, "3003")
        assert await party_list(client, f"{ALIAS}/shop-1") == [{"fspId": "lakemfi"}]

    async def test_the_registrys_own_numbers_are_managed_here_and_refused(
        self, client: httpx.AsyncClient, shop: tuple[Merchant, Counter]
    ) -> None:
        for method in ("POST", "PUT", "DELETE"):
            response = await client.request(method, f"{ALIAS}/{shop[1].alias}", json={"fspId": "lakemfi"}, headers=HUB)
            assert 400 <= response.status_code < 500
            assert error_code(response).startswith("3")
        assert {row["fspId"] for row in await party_list(client, f"{ALIAS}/{shop[1].alias}")} == {"greenbankfsp"}

    @pytest.mark.parametrize("method", ["POST", "PUT"])
    async def test_a_bad_body_is_refused_with_a_code_and_nothing_changes(
        self, client: httpx.AsyncClient, method: str
    ) -> None:
        if method == "PUT":
            await client.post(f"{ALIAS}/shop-1", json={"fspId": "greenbankfsp"}, headers=HUB)
        before = await party_list(client, f"{ALIAS}/shop-1")
        for body, code in BAD_ROUTES:
            response = await client.request(method, f"{ALIAS}/shop-1", content=body, headers={**HUB, **JSON})
            assert (response.status_code, error_code(response)) == (400, code), body[:80]
            assert await party_list(client, f"{ALIAS}/shop-1") == before

    async def test_a_body_over_five_mebibytes_is_refused_unread(self, client: httpx.AsyncClient) -> None:
        response = await client.post(f"{ALIAS}/shop-1", content=b"x" * (5 * 1024 * 1024 + 1), headers=HUB)
        assert (response.status_code, error_code(response)) == (413, "3104")


class TestChange:
    async def test_a_change_answers_with_a_body_and_points_to_the_new_participant(
        self, client: httpx.AsyncClient
    ) -> None:
        await client.post(f"{ALIAS}/shop-1", json={"fspId": "lakemfi", "currency": "KES"}, headers=HUB)
        response = await client.put(f"{ALIAS}/shop-1", json={"fspId": "greenbankfsp"}, headers=HUB)
        assert (response.status_code, response.json()) == (200, {"fspId": "greenbankfsp"})
        assert await party_list(client, f"{ALIAS}/shop-1") == [{"fspId": "greenbankfsp", "currency": "KES"}]

    async def test_an_unknown_identifier_cannot_be_changed(self, client: httpx.AsyncClient) -> None:
        response = await client.put(f"{ALIAS}/shop-1", json={"fspId": "greenbankfsp"}, headers=HUB)
        assert (response.status_code, error_code(response)) == (404, "3204")

    async def test_a_sub_id_cannot_move_by_itself(self, client: httpx.AsyncClient) -> None:
        await client.post(f"{ALIAS}/shop-1", json={"fspId": "lakemfi", "partySubIdOrType": "till1"}, headers=HUB)
        for path, more in ((f"{ALIAS}/shop-1", {"partySubIdOrType": "till1"}), (f"{ALIAS}/shop-1/till1", {})):
            response = await client.put(path, json={"fspId": "greenbankfsp", **more}, headers=HUB)
            assert (response.status_code, error_code(response)) == (400, "3100")


class TestRemoval:
    async def test_taking_one_currency_out_leaves_the_others(self, client: httpx.AsyncClient) -> None:
        for currency in ("USD", "KES"):
            body = {"fspId": "lakemfi", "currency": currency}
            assert (await client.post(f"{ALIAS}/shop-1", json=body, headers=HUB)).status_code == 201
        assert (await client.delete(f"{ALIAS}/shop-1?currency=JPY", headers=HUB)).status_code == 404
        assert (await client.delete(f"{ALIAS}/shop-1?currency=KES", headers=HUB)).status_code == 204
        assert await party_list(client, f"{ALIAS}/shop-1") == [{"fspId": "lakemfi", "currency": "USD"}]
        assert (await client.delete(f"{ALIAS}/shop-1?currency=KES", headers=HUB)).status_code == 404
        assert (await client.delete(f"{ALIAS}/shop-1?currency=USD", headers=HUB)).status_code == 204
        assert await party_list(client, f"{ALIAS}/shop-1") == []

    async def test_an_external_identifier_is_taken_out(self, client: httpx.AsyncClient) -> None:
        await client.post(f"{ALIAS}/shop-1", json={"fspId": "lakemfi"}, headers=HUB)
        response = await client.delete(f"{ALIAS}/shop-1", headers={**HUB, "fspiop-source": "lakemfi"})
        assert (response.status_code, response.content) == (204, b"")
        assert await party_list(client, f"{ALIAS}/shop-1") == []

    async def test_a_second_removal_finds_nothing(self, client: httpx.AsyncClient) -> None:
        await client.post(f"{ALIAS}/shop-1", json={"fspId": "lakemfi"}, headers=HUB)
        await client.delete(f"{ALIAS}/shop-1", headers=HUB)
        response = await client.delete(f"{ALIAS}/shop-1", headers=HUB)
        assert (response.status_code, error_code(response)) == (404, "3204")

    async def test_another_participant_may_not_take_it_out(self, client: httpx.AsyncClient) -> None:
        await client.post(f"{ALIAS}/shop-1", json={"fspId": "lakemfi"}, headers=HUB)
        response = await client.delete(f"{ALIAS}/shop-1", headers={**HUB, "fspiop-source": "greenbankfsp"})
        assert response.status_code == 403
        assert len(await party_list(client, f"{ALIAS}/shop-1")) == 1

    async def test_a_parent_with_sub_ids_stays_because_the_hub_drops_the_sub_id(
        self, client: httpx.AsyncClient
    ) -> None:
        for sub_id in ({}, {"partySubIdOrType": "till1"}):
            await client.post(f"{ALIAS}/shop-1", json={"fspId": "lakemfi", **sub_id}, headers=HUB)
        response = await client.delete(f"{ALIAS}/shop-1", headers=HUB)
        assert (response.status_code, error_code(response)) == (400, "3000")
        assert len(await party_list(client, f"{ALIAS}/shop-1")) == 1

    async def test_a_sub_id_named_in_the_path_goes_alone(self, client: httpx.AsyncClient) -> None:
        for sub_id in ({}, {"partySubIdOrType": "till1"}):
            await client.post(f"{ALIAS}/shop-1", json={"fspId": "lakemfi", **sub_id}, headers=HUB)
        assert (await client.delete(f"{ALIAS}/shop-1/till2", headers=HUB)).status_code == 404
        assert (await client.delete(f"{ALIAS}/shop-1/till1", headers=HUB)).status_code == 204
        assert await party_list(client, f"{ALIAS}/shop-1?partySubIdOrType=till1") == []
        assert len(await party_list(client, f"{ALIAS}/shop-1")) == 1

    async def test_a_retired_identifier_goes_to_nobody_else(self, client: httpx.AsyncClient) -> None:
        await client.post(f"{ALIAS}/shop-1", json={"fspId": "lakemfi"}, headers=HUB)
        await client.delete(f"{ALIAS}/shop-1", headers=HUB)
        response = await client.post(f"{ALIAS}/shop-1", json={"fspId": "greenbankfsp"}, headers=HUB)
        assert (response.status_code, error_code(response)) == (400, "3003")

    async def test_its_holder_may_open_it_again_and_take_it_out_again(self, client: httpx.AsyncClient) -> None:
        for _ in range(2):
            registered = await client.post(f"{ALIAS}/shop-1", json={"fspId": "lakemfi"}, headers=HUB)
            assert registered.status_code == 201
            assert (await client.delete(f"{ALIAS}/shop-1", headers=HUB)).status_code == 204


class TestLetterCase:
    async def test_one_alias_in_another_case_is_the_same_alias(
        self, client: httpx.AsyncClient, key: dict[str, str]
    ) -> None:
        await client.post(f"{ALIAS}/Shop-One", json={"fspId": "lakemfi"}, headers=HUB)
        response = await client.post(f"{ALIAS}/shop-one", json={"fspId": "greenbankfsp"}, headers=HUB)
        assert (response.status_code, error_code(response)) == (400, "3003")
        rows = [{"merchant_id": "m1", "currency": "KES", "alias_value": "SHOP-ONE"}]
        assert (await client.post("/oracle/participants", json=rows, headers=key)).json()[0]["status"] == "error"


class TestBulk:
    async def test_parties_are_registered_and_answered_in_order_each_with_its_own_error(
        self, client: httpx.AsyncClient
    ) -> None:
        parties = [
            {"partyIdType": "ALIAS", "partyIdentifier": "shop-2", "fspId": "lakemfi", "currency": "KES"},
            {"partyIdType": "MSISDN", "partyIdentifier": "254711", "fspId": "lakemfi", "currency": "KES"},
            {"partyIdType": "ALIAS", "partyIdentifier": "shop-1", "fspId": "nobody", "currency": "KES"},
            {"partyIdType": "ALIAS", "partyIdentifier": "shop-1", "fspId": "greenbankfsp"},
        ]
        body = {"requestId": "r1", "partyList": parties, "currency": "USD"}
        response = await client.post("/oracle/participants", json=body, headers=HUB)
        assert response.status_code == 201
        answers = response.json()["partyList"]
        assert [answer["partyId"]["partyIdentifier"] for answer in answers] == ["shop-2", "254711", "shop-1", "shop-1"]
        assert [answer.get("errorInformation", {}).get("errorCode") for answer in answers] == [
            None,
            "3100",
            "3201",
            None,
        ]
        assert await party_list(client, f"{ALIAS}/shop-1") == [{"fspId": "greenbankfsp", "currency": "USD"}]

    async def test_rows_that_cannot_be_read_are_answered_in_their_place(self, client: httpx.AsyncClient) -> None:
        good = {"partyIdType": "ALIAS", "partyIdentifier": "shop-3", "fspId": "lakemfi"}
        body = {"requestId": "r", "partyList": [None, good, {"partyIdType": 7}, "x"]}
        response = await client.post("/oracle/participants", json=body, headers=HUB)
        assert response.status_code == 201
        answers = response.json()["partyList"]
        assert [answer.get("errorInformation", {}).get("errorCode") for answer in answers] == [
            "3100",
            None,
            "3100",
            "3100",
        ]
        assert await party_list(client, f"{ALIAS}/shop-3") == [{"fspId": "lakemfi"}]

    async def test_a_participant_registers_nobody_elses_parties(self, client: httpx.AsyncClient) -> None:
        rows = [
            {"partyIdType": "ALIAS", "partyIdentifier": f"shop-{one}", "fspId": one}
            for one in ("lakemfi", "greenbankfsp")
        ]
        body = {"requestId": "r", "partyList": rows}
        response = await client.post("/oracle/participants", json=body, headers={**HUB, "fspiop-source": "lakemfi"})
        assert ["errorInformation" in answer for answer in response.json()["partyList"]] == [False, True]
        assert await party_list(client, f"{ALIAS}/shop-greenbankfsp") == []

    async def test_a_bad_bulk_is_refused(self, client: httpx.AsyncClient) -> None:
        bodies = [
            b"null",
            b"7",
            b"{}",
            b'{"requestId":"r"}',
            b'{"requestId":"r","partyList":[]}',
            b'{"partyList":[null]}',
            b'{"requestId":"r","partyList":null}',
            b'{"requestId":"r","partyList":[null]}',
            b"\xc3\x28",
            b"",
        ]
        for body in bodies:
            response = await client.post("/oracle/participants", content=body, headers={**HUB, **JSON})
            assert response.status_code == 400, body
            assert error_code(response) in ("3100", "3101"), body

    async def test_two_bulks_in_opposite_order_at_once_both_succeed(self, client: httpx.AsyncClient) -> None:
        names = [f"shop-{number}" for number in range(30)]

        async def send(in_order: list[str]) -> httpx.Response:
            parties = [{"partyIdType": "ALIAS", "partyIdentifier": name, "fspId": "lakemfi"} for name in in_order]
            body = {"requestId": "r", "partyList": parties}
            return await client.post("/oracle/participants", json=body, headers=HUB)

        answers = await asyncio.gather(send(names), send(names[::-1]), send(names), send(names[::-1]))
        assert [answer.status_code for answer in answers] == [201] * 4
        assert not any("errorInformation" in answer.text for answer in answers)


class TestExternalBatches:
    async def test_a_merchant_without_a_wish_draws_a_number_of_the_scheme(
        self, client: httpx.AsyncClient, key: dict[str, str]
    ) -> None:
        rows = [{"merchant_id": "m1", "currency": "KES"}]
        response = await client.post("/oracle/participants", json=rows, headers=key)
        assert response.status_code == 200
        [row] = response.json()
        assert (row["merchant_id"], row["status"]) == ("m1", "registered")
        assert len(row["alias_value"]) == 8
        assert luhn.is_valid(row["alias_value"])
        assert await party_list(client, f"{ALIAS}/{row['alias_value']}") == [
            {"fspId": "greenbankfsp", "currency": "KES"}
        ]

    async def test_rows_are_answered_in_order_and_one_bad_row_harms_no_other(
        self, client: httpx.AsyncClient, key: dict[str, str], shop: tuple[Merchant, Counter]
    ) -> None:
        rows = [
            {"merchant_id": "m2", "currency": "KES", "alias_value": "zebra"},
            {"merchant_id": "m3", "currency": "XXX"},
            {"merchant_id": "m1", "currency": "KES", "alias_value": shop[1].alias},
            {"merchant_id": "m4", "currency": "KES", "alias_value": "a/b"},
            {"merchant_id": "m5", "currency": "KES", "alias_value": "quotes"},
            {"merchant_id": "m6", "currency": "KES"},
            {"merchant_id": "m2", "currency": "KES", "alias_value": "other"},
        ]
        response = await client.post("/oracle/participants", json=rows, headers=key)
        answers = response.json()
        assert [answer["merchant_id"] for answer in answers] == [row["merchant_id"] for row in rows]
        assert [answer["status"] for answer in answers] == [
            "error",
            "error",
            "error",
            "error",
            "error",
            "registered",
            "registered",
        ]
        assert all(answer["error"] for answer in answers if answer["status"] == "error")

    async def test_a_row_says_in_the_language_asked_for_what_is_wrong(
        self, client: httpx.AsyncClient, key: dict[str, str]
    ) -> None:
        rows = [{"merchant_id": "m1", "currency": "XXX"}, {"merchant_id": 7}]
        french = key | {"accept-language": "fr"}
        wrong, unreadable = (await client.post("/oracle/participants", json=rows, headers=french)).json()
        assert wrong["error"] == "XXX n’est pas un code de devise ISO 4217."
        assert unreadable["error"].startswith("Non valide")
        empty = await client.post("/oracle/participants", json=[], headers=french)
        assert empty.json()["title"] == "Certains champs sont incorrects\N{NO-BREAK SPACE}; voir errors"
        assert empty.json()["errors"][0]["message"] == "Envoyez de 1 à 10000 lignes."

    async def test_the_same_row_again_says_exists_with_the_same_alias(
        self, client: httpx.AsyncClient, key: dict[str, str]
    ) -> None:
        rows = [{"merchant_id": "m1", "currency": "KES"}]
        first, second = [(await client.post("/oracle/participants", json=rows, headers=key)).json() for _ in range(2)]
        assert second == [{"merchant_id": "m1", "alias_value": first[0]["alias_value"], "status": "exists"}]

    async def test_a_second_currency_shares_the_alias(self, client: httpx.AsyncClient, key: dict[str, str]) -> None:
        rows = [{"merchant_id": "m1", "currency": "KES"}, {"merchant_id": "m1", "currency": "USD"}]
        answers = (await client.post("/oracle/participants", json=rows, headers=key)).json()
        assert answers[0]["alias_value"] == answers[1]["alias_value"]
        assert [answer["status"] for answer in answers] == ["registered", "registered"]
        path = f"{ALIAS}/{answers[0]['alias_value']}"
        assert await party_list(client, path) == [{"fspId": "greenbankfsp"}]
        for currency in ("KES", "USD"):
            assert await party_list(client, f"{path}?currency={currency}") == [
                {"fspId": "greenbankfsp", "currency": currency}
            ]

    async def test_two_dfsps_may_use_the_same_merchant_id_but_not_the_same_alias(
        self, client: httpx.AsyncClient, service: Service, world: World, key: dict[str, str]
    ) -> None:
        other = await builders.issue_key(service, world["lakemfi"]["admin"], ["aliases:write"])
        rows = [{"merchant_id": "m1", "currency": "KES", "alias_value": "shop-1"}]
        assert (await client.post("/oracle/participants", json=rows, headers=key)).json()[0]["status"] == "registered"
        assert (await client.post("/oracle/participants", json=rows, headers=other)).json()[0]["status"] == "error"
        rows = [{"merchant_id": "m1", "currency": "KES"}]
        assert (await client.post("/oracle/participants", json=rows, headers=other)).json()[0]["status"] == "registered"

    async def test_batches_sent_many_times_at_once_register_each_merchant_once(
        self, client: httpx.AsyncClient, service: Service, key: dict[str, str]
    ) -> None:
        rows = [{"merchant_id": f"m{number}", "currency": "KES"} for number in range(10)]
        shuffled = [rows, rows[::-1], rows[5:] + rows[:5], rows, rows[::-1], rows]
        responses = await asyncio.gather(
            *(client.post("/oracle/participants", json=batch, headers=key) for batch in shuffled)
        )
        assert [response.status_code for response in responses] == [200] * 6
        given = {(row["merchant_id"], row["alias_value"]) for response in responses for row in response.json()}
        assert len(given) == 10
        statuses = [row["status"] for response in responses for row in response.json()]
        assert (statuses.count("registered"), statuses.count("exists")) == (10, 50)
        async with service.db.system() as tx:
            assert await tx.fetchval("SELECT count(*) FROM alias_claim") == 10

    async def test_ten_thousand_rows_are_taken_and_one_more_is_not(
        self, client: httpx.AsyncClient, key: dict[str, str]
    ) -> None:
        rows = [{"merchant_id": "m1", "currency": "XXX"}] * 10_000
        assert (await client.post("/oracle/participants", json=rows, headers=key)).status_code == 200
        response = await client.post("/oracle/participants", json=[*rows, rows[0]], headers=key)
        assert (response.status_code, response.json()["code"]) == (422, "invalid_fields")

    async def test_a_bad_batch_is_a_typed_problem_and_writes_nothing(
        self, client: httpx.AsyncClient, service: Service, key: dict[str, str]
    ) -> None:
        for body, status in BAD_BATCHES:
            response = await client.post("/oracle/participants", content=body, headers={**key, **JSON})
            assert response.status_code == status, (body[:80], response.text)
            assert response.headers["content-type"] == "application/problem+json"
            assert response.json()["code"]
        async with service.db.system() as tx:
            assert await tx.fetchval("SELECT count(*) FROM alias_claim") == 0

    async def test_a_row_that_cannot_be_read_is_answered_in_its_place_and_harms_no_other(
        self, client: httpx.AsyncClient, service: Service, key: dict[str, str]
    ) -> None:
        good = {"merchant_id": "good", "currency": "KES"}
        response = await client.post("/oracle/participants", json=[*BAD_ROWS, good], headers=key)
        assert response.status_code == 200, response.text
        *bad, last = response.json()
        assert [row["status"] for row in bad] == ["error"] * len(BAD_ROWS)
        assert all(1 < len(row["error"]) <= 200 for row in bad)
        assert (last["merchant_id"], last["status"]) == ("good", "registered")
        async with service.db.system() as tx:
            assert await tx.fetchval("SELECT count(*) FROM alias_claim") == 1

    async def test_what_is_wrong_with_a_row_is_said_in_words(
        self, client: httpx.AsyncClient, key: dict[str, str]
    ) -> None:
        rows = [{"merchant_id": " ", "currency": 7}, {"currency": "KES"}, "m1"]
        answered = (await client.post("/oracle/participants", json=rows, headers=key)).json()
        assert [one["error"] for one in answered] == [
            "Not valid: merchant_id: Must not be empty. currency: Must be text, not a whole number.",
            "Not valid: merchant_id: merchant_id is required.",
            "Not valid: $: Must be an object, not text.",
        ]

    async def test_another_content_type_is_refused(self, client: httpx.AsyncClient, key: dict[str, str]) -> None:
        rows = json.dumps([{"merchant_id": "m1", "currency": "KES"}])
        for content_type in ("text/plain", "application/x-www-form-urlencoded", ""):
            headers = {**key, "content-type": content_type}
            response = await client.post("/oracle/participants", content=rows, headers=headers)
            assert response.status_code == 415, content_type

    async def test_a_forged_key_is_refused(self, client: httpx.AsyncClient) -> None:
        rows = [{"merchant_id": "m1", "currency": "KES"}]
        response = await client.post("/oracle/participants", json=rows, headers={"x-api-key": "mk_forged"})
        assert (response.status_code, response.json()["code"]) == (401, "not_signed_in")

    async def test_a_key_without_the_scope_is_refused(
        self, client: httpx.AsyncClient, service: Service, world: World
    ) -> None:
        reader = await builders.issue_key(service, world["greenbankfsp"]["admin"], ["merchants:read"])
        rows = [{"merchant_id": "m1", "currency": "KES"}]
        response = await client.post("/oracle/participants", json=rows, headers=reader)
        assert (response.status_code, response.json()["code"]) == (403, "not_allowed")

    async def test_a_number_taken_out_by_the_hub_is_given_to_the_same_merchant_again(
        self, client: httpx.AsyncClient, key: dict[str, str]
    ) -> None:
        rows = [{"merchant_id": "m1", "currency": "KES", "alias_value": "shop-1"}]
        await client.post("/oracle/participants", json=rows, headers=key)
        await client.delete(f"{ALIAS}/shop-1", headers=HUB)
        thief = [{"merchant_id": "m2", "currency": "KES", "alias_value": "shop-1"}]
        assert (await client.post("/oracle/participants", json=thief, headers=key)).json()[0]["status"] == "error"
        assert (await client.post("/oracle/participants", json=rows, headers=key)).json()[0]["status"] == "registered"
        assert (await client.delete(f"{ALIAS}/shop-1", headers=HUB)).status_code == 204


async def test_a_crash_inside_the_oracle_is_told_in_one_sentence_and_the_next_call_works(
    service: Service, client: httpx.AsyncClient
) -> None:
    await service.db.close()  # the pools open again with the next call

    async def broken() -> AsyncIterator[None]:
        raise RuntimeError("secret detail")
        yield

    original = service.db.look_ups
    service.db.look_ups = broken  # type: ignore[method-assign,assignment]
    response = await client.get(f"{ALIAS}/12345674", headers=HUB)
    assert (response.status_code, error_code(response)) == (500, "2001")
    assert "secret" not in response.text
    service.db.look_ups = original  # type: ignore[method-assign]
    assert await party_list(client, f"{ALIAS}/12345674") == []
