"""Codes over the API: drawn in every format, read back, made for one payment, and told apart by their stickers."""

import asyncio
import itertools
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import msgspec
import pytest

import qr
from merchant.channels import qr as qr_door
from merchant.core.access import MERCHANT_KEY_SCOPES, Role
from merchant.core.service import Service
from merchant.core.throttle import Throttle
from merchant.programs.app import with_doors
from merchant.registry.merchants.models import Counter, Merchant
from qr.reader import INPUT_CHARS_MAX
from tests import builders
from tests.api.everything import add_user
from tests.apps import app_on
from tests.builders import World
from tests.qr.symbols.pictures import of_pdf, of_png, of_svg, texts

pytestmark = pytest.mark.anyio
_keys = (f"key-{number}" for number in itertools.count())


BAD_LOOKS: list[dict[str, str]] = [
    {"format": "gif"},
    {"format": ""},
    {"format": "SVG"},
    {"module_px": "0"},
    {"module_px": "41"},
    {"module_px": "1.5"},
    {"module_px": "٣"},
    {"module_px": "-1"},
    {"module_px": ""},
    {"module_mm": "0.4"},
    {"module_mm": "11"},
    {"module_mm": "nan"},
    {"module_mm": "1e1"},
    {"module_mm": "0x1"},
    {"level": "L"},
    {"level": "m"},
    {"level": ""},
    {"dark": "red"},
    {"dark": "#fff"},
    {"dark": "#ffffff"},
    {"light": "#777777"},
    {"dark": "#ff0000"},
    {"dark": "#000000\n"},
    {"shape": "round"},
    {"currency": "EUR"},
    {"currency": "kes"},
    {"currency": ""},
    {"format": "png", "shape": "rounded", "module_px": "3"},
]
BAD_DEMANDS: list[tuple[dict[str, Any], str, str]] = [
    ({"payload": "hello"}, "payload", "bad_header"),
    ({"payload": ""}, "payload", "empty"),
    ({"amount": "0"}, "amount", "invalid_amount"),
    ({"amount": "1.005"}, "amount", "invalid_amount"),
    ({"amount": "-1"}, "amount", "invalid_amount"),
    ({"currency": "EUR"}, "amount.currency", "not_taken"),
    ({"currency": "JPY", "amount": "1.5"}, "amount", "invalid_amount"),
    ({"amount": "9999999999"}, "amount.amount", "over_limit"),
    ({"expires_in_s": 0}, "expires_in_s", "invalid"),
    ({"reference": "x" * 36}, "reference", "invalid"),
]


class Till(msgspec.Struct):
    """A counter, with who may do what to it."""

    client: httpx.AsyncClient
    merchant: Merchant
    counter: Counter
    maker: dict[str, str]
    owner: dict[str, str]

    async def code(self, **query: Any) -> httpx.Response:
        return await self.client.get(f"/api/v1/counters/{self.counter.id}/qr", params=query, headers=self.maker)

    async def payload(self, **query: Any) -> str:
        return (await self.code(format="payload", **query)).text

    async def replace(self, key: str | None = None, **body: Any) -> httpx.Response:
        path = f"/api/v1/counters/{self.counter.id}/stickers"
        headers = {**self.maker, "idempotency-key": key or next(_keys)}
        return await self.client.post(path, json={"reason": "It was worn.", **body}, headers=headers)

    async def scan(self, payload: str, who: dict[str, str] | None = None) -> dict[str, Any]:
        response = await self.client.post("/api/v1/qr/decode", json={"payload": payload}, headers=who or self.maker)
        assert response.status_code == 200, response.text
        return response.json()  # type: ignore[no-any-return]

    async def ask(self, amount: str = "2.50", **body: Any) -> dict[str, Any]:
        body = {"counter_id": str(self.counter.id), "amount": {"amount": amount, "currency": "KES"}, **body}
        headers = {**self.owner, "idempotency-key": next(_keys)}
        response = await self.client.post("/api/v1/payment-requests", json=body, headers=headers)
        assert response.status_code == 201, response.text
        return response.json()  # type: ignore[no-any-return]

    async def dynamic(self, key: str | None = None, who: dict[str, str] | None = None, **body: Any) -> httpx.Response:
        body = {"payload": await self.payload(), "amount": "2.50", **body}
        headers = {**(who or self.owner), "idempotency-key": key or next(_keys)}
        return await self.client.post("/api/v1/qr/dynamic", json=body, headers=headers)


@pytest.fixture(scope="session")
def template(shop_template: str) -> str:
    return shop_template


@pytest.fixture
async def till(client: httpx.AsyncClient, service: Service, world: World) -> Till:
    merchant, counter = await builders.find_shop(service)
    staff = world["greenbankfsp"]
    scopes = sorted(MERCHANT_KEY_SCOPES)
    owner = await builders.issue_key(service, staff["admin"], scopes, merchant_id=merchant.id)
    return Till(client, merchant, counter, staff["maker"].headers, owner)


class TestCounterCodes:
    async def test_every_picture_reads_as_the_payload(self, till: Till) -> None:
        payload = await till.payload()
        party = qr.mojaloop_party(qr.decode(payload, profile="mojaloop"), "pay.test.example")
        assert party == ("ALIAS", till.counter.alias, None)
        assert texts(of_svg((await till.code()).text)) == [payload]
        assert texts(of_png((await till.code(format="png")).content)) == [payload]
        assert [texts(page) for page in of_pdf((await till.code(format="pdf")).content)] == [[payload]]
        eps = await till.code(format="eps", module_mm=1)
        assert eps.headers["content-type"].startswith("application/postscript")
        assert eps.text == qr.render_eps(payload, qr.Look(module_mm=1))

    async def test_sizes_and_levels_are_as_asked(self, till: Till) -> None:
        sides = [of_png((await till.code(format="png", module_px=px)).content).width for px in (1, 10, 40)]
        assert sides == [sides[0], sides[0] * 10, sides[0] * 40]
        assert f'width="{sides[0] * 0.5:g}mm"' in (await till.code(module_mm="0.5")).text
        (page,) = of_pdf((await till.code(format="pdf", module_mm=2)).content, dpi=25.4)
        assert abs(page.width - sides[0] * 2) <= 1
        high = of_png((await till.code(format="png", module_px=1, level="H")).content)
        assert high.width > sides[0]

    async def test_a_file_has_a_name_that_tells_the_number_and_the_sticker(self, till: Till) -> None:
        alias = till.counter.alias
        for form, ending in (("payload", "txt"), ("svg", "svg"), ("png", "png"), ("pdf", "pdf"), ("eps", "eps")):
            named = (await till.code(format=form)).headers["content-disposition"]
            assert named == f'inline; filename="qr-{alias}-v1.{ending}"'
        await till.replace()
        assert (await till.code()).headers["content-disposition"] == f'inline; filename="qr-{alias}-v2.svg"'

    async def test_who_has_the_picture_already_is_told_so_until_it_changes(self, till: Till) -> None:
        path = f"/api/v1/counters/{till.counter.id}/qr"
        first = await till.code(format="png")
        tag = first.headers["etag"]
        assert first.headers["cache-control"] == "private, max-age=60"
        for known in (tag, f"W/{tag}", f'"other", {tag}'):
            again = await till.client.get(
                path, params={"format": "png"}, headers={**till.maker, "if-none-match": known}
            )
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        for known in ('"other"', "*", "", tag.strip('"')):
            again = await till.client.get(
                path, params={"format": "png"}, headers={**till.maker, "if-none-match": known}
            )
            assert (again.status_code, again.content) == (200, first.content), known
        assert (await till.code(format="png", level="H")).headers["etag"] != tag
        await till.replace()
        changed = await till.client.get(path, params={"format": "png"}, headers={**till.maker, "if-none-match": tag})
        assert (changed.status_code, changed.headers["etag"] == tag) == (200, False)

    async def test_head_tells_what_get_would_without_the_picture(self, till: Till, service: Service) -> None:
        path = f"/api/v1/counters/{till.counter.id}/qr?format=pdf"
        transport = httpx.ASGITransport(with_doors(app_on(service)))  # as it is served
        async with httpx.AsyncClient(transport=transport, base_url="http://test.local") as client:
            got, headed = [await client.request(method, path, headers=till.maker) for method in ("GET", "HEAD")]
        assert (headed.status_code, headed.content) == (200, b"")
        for name in ("content-type", "content-length", "content-disposition", "etag", "cache-control"):
            assert headed.headers[name] == got.headers[name], name

    async def test_what_the_query_does_not_know_is_refused_with_what_it_knows(self, till: Till) -> None:
        known = "format, module_px, module_mm, level, dark, light, shape, currency"
        for name in ("logo", "size", "Format", "module-px", "cursor", "limit", ""):
            refused = await till.code(**{name: "x"})
            assert (refused.status_code, refused.json()["code"]) == (400, "unknown_filter"), name
            assert repr(name) in refused.json()["detail"]
            assert known in refused.json()["detail"]

    async def test_a_name_that_is_given_twice_is_refused(self, till: Till) -> None:
        for query in ("format=png&format=svg", "format=png&format=png", "level=&level=H"):
            path = f"/api/v1/counters/{till.counter.id}/qr?{query}"
            refused = await till.client.get(path, headers=till.maker)
            assert (refused.status_code, refused.json()["code"]) == (400, "invalid_filter"), query

    async def test_a_branded_code_reads_too(self, till: Till) -> None:
        payload, look = await till.payload(), {"dark": "#7a0019", "shape": "rounded"}
        assert texts(of_png((await till.code(format="png", **look)).content)) == [payload]
        svg = (await till.code(**look)).text
        assert "#7a0019" in svg
        assert texts(of_svg(svg)) == [payload]

    async def test_another_currency_of_the_merchant_may_be_asked_for(self, till: Till) -> None:
        currencies = [qr.decode(await till.payload(**query)).currency for query in ({}, {"currency": "KES"})]
        assert currencies == ["840", "404"]

    async def test_a_name_in_another_script_stands_beside_its_latin_form(
        self, till: Till, service: Service, world: World
    ) -> None:
        document = builders.company(trading_name="မြို့မဈေး", ussd_name="Myoma")
        _, counters = await builders.create_merchant(service, world, document=document)
        path = f"/api/v1/counters/{counters[0].id}/qr?format=payload"
        code = qr.decode((await till.client.get(path, headers=till.maker)).text, profile="mojaloop")
        assert code.language is not None
        assert (code.language.language, code.language.name) == ("my", "မြို့မဈေး")
        assert code.name == "Myoma Zay"

    @pytest.mark.parametrize(("short", "shown"), [("Beltek", "Beltek"), ("Café Beltek", "Cafe Beltek")])
    async def test_a_name_that_no_rule_spells_is_shown_as_the_shop_writes_it_in_latin_letters(
        self, till: Till, service: Service, world: World, short: str, shown: str
    ) -> None:
        document = builders.company(trading_name="متجر بلتك", ussd_name=short)
        _, counters = await builders.create_merchant(service, world, document=document)
        path = f"/api/v1/counters/{counters[0].id}/qr?format=payload"
        code = qr.decode((await till.client.get(path, headers=till.maker)).text, profile="mojaloop")
        assert code.language is not None
        assert (code.name, code.language.name) == (shown, "متجر بلتك")

    async def test_what_cannot_be_drawn_is_refused_with_a_sentence(self, till: Till) -> None:
        for query in BAD_LOOKS:
            response = await till.code(**query)
            assert response.status_code == 400, query
            assert response.json()["code"] in ("bad_request", "invalid_filter"), query
            assert response.json()["detail"].endswith("."), query


class TestRequestCodes:
    async def test_its_picture_reads_as_its_payload_with_amount_and_reference(self, till: Till) -> None:
        asked = await till.ask()
        path = f"/api/v1/payment-requests/{asked['id']}/qr"
        picture = await till.client.get(path, params={"format": "png"}, headers=till.owner)
        assert texts(of_png(picture.content)) == [asked["qr_payload"]]
        code = qr.decode(asked["qr_payload"], profile="mojaloop")
        assert (code.amount, code.point_of_initiation) == ("2.50", "12")
        assert code.additional is not None
        name = f"qr-{code.additional.reference_label}.png"
        assert picture.headers["content-disposition"] == f'inline; filename="{name}"'
        assert picture.headers["etag"]

    async def test_a_closed_request_has_no_code_any_more(self, till: Till) -> None:
        asked = await till.ask()
        path = f"/api/v1/payment-requests/{asked['id']}"
        assert (await till.client.get(f"{path}/qr", headers=till.owner)).status_code == 200
        await till.client.post(f"{path}/cancel", headers=till.owner)
        response = await till.client.get(f"{path}/qr", headers=till.owner)
        assert (response.status_code, response.json()["code"]) == (409, "wrong_state")

    async def test_a_request_whose_time_is_over_has_none_though_no_timer_has_seen_it(
        self, till: Till, move_clock: Callable[[timedelta], Any]
    ) -> None:
        asked = await till.ask(expires_in_s=60)
        path = f"/api/v1/payment-requests/{asked['id']}/qr"
        move_clock(timedelta(seconds=59))
        assert (await till.client.get(path, headers=till.owner)).status_code == 200
        move_clock(timedelta(seconds=1))
        assert (await till.client.get(path, headers=till.owner)).status_code == 409

    async def test_the_look_is_checked_as_a_counters(self, till: Till) -> None:
        asked = await till.ask()
        path = f"/api/v1/payment-requests/{asked['id']}/qr"
        assert (await till.client.get(path, params={"module_px": 99}, headers=till.owner)).status_code == 400


class TestScannedCodes:
    async def test_the_report_says_what_the_code_is_and_which_sticker(self, till: Till) -> None:
        report = await till.scan(await till.payload())
        assert (report["strict"], report["initiation"], report["networks"][0]["profile"]) == (
            True,
            "static",
            "mojaloop",
        )
        assert report["sticker"] == {"version": 1, "standing": "current", "current_version": 1, "ended_at": None}

    async def test_a_code_that_a_scanner_spoilt_still_tells_its_sticker(self, till: Till) -> None:
        report = await till.scan("\ufeff" + (await till.payload()).replace(" ", "+") + "\r\n")
        assert report["cleaned"] == await till.payload()
        assert report["sticker"]["standing"] == "current"

    async def test_what_is_no_sticker_of_ours_has_none(self, till: Till) -> None:
        foreign = qr.find_profile("tanqr").golden[0].payload
        elsewhere = qr.encode(
            qr.mojaloop_code(
                domain="pay.other.example",
                identifier=till.counter.alias,
                name="X",
                city="X",
                country="KE",
                currency="KES",
                mcc="5411",
            )
        )
        unknown = qr.encode(
            qr.mojaloop_code(
                domain="pay.test.example",
                identifier="10000009",
                name="X",
                city="X",
                country="KE",
                currency="KES",
                mcc="5411",
            )
        )
        dynamic = (await till.ask())["qr_payload"]
        for payload in (foreign, elsewhere, unknown, dynamic, "", "hello", "0002", "\ud7ff", "000201" * 10_000):
            assert (await till.scan(payload))["sticker"] is None, payload[:80]

    async def test_the_text_is_bounded(self, till: Till) -> None:
        for chars, status in ((INPUT_CHARS_MAX, 200), (INPUT_CHARS_MAX + 1, 422)):
            body = {"payload": "9" * chars}
            response = await till.client.post("/api/v1/qr/decode", json=body, headers=till.maker)
            assert response.status_code == status

    async def test_one_actor_has_so_many_decoded_a_minute_and_another_is_not_held_up(
        self, till: Till, service: Service
    ) -> None:
        service._shared[qr_door.decodings] = Throttle(per_minute=1, burst=3)
        body = {"payload": "x"}

        async def decode(who: dict[str, str]) -> httpx.Response:
            return await till.client.post("/api/v1/qr/decode", json=body, headers=who)

        assert [(await decode(till.maker)).status_code for _ in range(3)] == [200] * 3
        refused = await decode(till.maker)
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_requests")
        assert int(refused.headers["retry-after"]) == 60
        world = await builders.load_world(service)
        key = await builders.issue_key(service, world["lakemfi"]["admin"], ["merchants:read"])
        assert (await decode(key)).status_code == 200


class TestStickers:
    async def test_a_new_sticker_carries_the_next_version_and_the_old_one_is_told(self, till: Till) -> None:
        first = await till.payload()
        response = await till.replace()
        assert (response.status_code, response.json()["version"]) == (201, 2)
        second = await till.payload()
        assert qr.sticker_version(qr.decode(second, profile="mojaloop")) == 2
        assert (await till.scan(second))["sticker"]["standing"] == "current"
        old = (await till.scan(first))["sticker"]
        assert (old["version"], old["standing"], old["current_version"]) == (1, "replaced", 2)
        assert old["ended_at"].endswith("Z")

    async def test_a_revoked_sticker_is_told_apart_from_a_replaced_one(self, till: Till) -> None:
        first = await till.payload()
        await till.replace(reason="Somebody pasted over it.", old_sticker="revoked")
        second = await till.payload()
        await till.replace()
        standings = [(await till.scan(payload))["sticker"]["standing"] for payload in (first, second)]
        assert standings == ["revoked", "replaced"]

    async def test_a_version_that_was_never_issued_is_told(self, till: Till) -> None:
        made_up = qr.encode(
            qr.mojaloop_code(
                domain="pay.test.example",
                identifier=till.counter.alias,
                name="X",
                city="X",
                country="KE",
                currency="KES",
                mcc="5411",
                sticker_version=7,
            )
        )
        assert (await till.scan(made_up))["sticker"]["standing"] == "never_issued"

    async def test_every_version_is_listed_with_its_reason_to_staff_only(self, till: Till, world: World) -> None:
        first = await till.payload()
        await till.replace(reason="The glass broke.")
        response = await till.client.get(f"/api/v1/counters/{till.counter.id}/stickers", headers=till.maker)
        items = response.json()["items"]
        assert [(item["version"], item["standing"], item["reason"]) for item in items] == [
            (2, "current", None),
            (1, "replaced", "The glass broke."),
        ]
        other = world["lakemfi"]["maker"].headers
        assert "glass" not in str(await till.scan(first, other))
        assert (await till.scan(first, other))["sticker"]["standing"] == "replaced"

    async def test_two_at_once_become_two_versions_and_a_repeat_none(self, till: Till) -> None:
        both = await asyncio.gather(till.replace("a"), till.replace("b"))
        assert sorted(one.json()["version"] for one in both) == [2, 3]
        assert (await till.replace("a")).json() == both[0].json()
        assert qr.sticker_version(qr.decode(await till.payload())) == 3

    async def test_it_is_on_the_audit_record(self, till: Till, service: Service) -> None:
        await till.replace(old_sticker="revoked")
        async with service.db.system() as tx:
            row = await tx.fetchrow("SELECT action, subject_id, detail FROM audit_entry ORDER BY at DESC LIMIT 1")
        assert row is not None
        assert (row["action"], row["subject_id"]) == ("sticker.revoked", str(till.counter.id))

    async def test_a_wrong_order_changes_nothing(self, till: Till) -> None:
        wrong: list[dict[str, Any]] = [
            {"reason": ""},
            {"reason": "  "},
            {"reason": "x" * 501},
            {"old_sticker": "lost"},
            {"version": 3},
        ]
        for body in wrong:
            assert (await till.replace(**body)).status_code == 422, body
        assert (await till.scan(await till.payload()))["sticker"]["current_version"] == 1

    async def test_the_shop_itself_and_checkers_may_not(self, till: Till, service: Service, world: World) -> None:
        path = f"/api/v1/counters/{till.counter.id}/stickers"
        for who in (till.owner, world.checker.headers):
            headers = {**who, "idempotency-key": "k"}
            assert (await till.client.post(path, json={"reason": "r"}, headers=headers)).status_code == 403


class TestDynamicCodes:
    async def test_a_printed_code_becomes_a_request_with_its_expiry(self, till: Till) -> None:
        response = await till.dynamic(reference="order 17", expires_in_s=120)
        assert response.status_code == 201, response.text
        made = response.json()
        assert (made["state"], made["counter_id"]) == ("awaiting_payer", str(till.counter.id))
        assert made["amount"] == {"amount": "2.5", "currency": "USD"}
        code = qr.decode(made["qr_payload"], profile="mojaloop")
        assert (code.amount, code.point_of_initiation, code.name) == ("2.50", "12", till.merchant.trading_name)
        read = await till.client.get(f"/api/v1/payment-requests/{made['id']}", headers=till.owner)
        assert read.json() == made

    async def test_a_worn_sticker_and_another_currency_do(self, till: Till) -> None:
        old = await till.payload()
        await till.replace()
        made = (await till.dynamic(payload=f"{old}\n", currency="KES")).json()
        assert made["amount"] == {"amount": "2.5", "currency": "KES"}
        assert qr.sticker_version(qr.decode(made["qr_payload"])) is None

    async def test_a_repeat_asks_once(self, till: Till) -> None:
        first, again = await till.dynamic("same"), await till.dynamic("same")
        assert (first.json(), again.headers["idempotency-replayed"]) == (again.json(), "true")

    async def test_codes_of_others_are_not_found(self, till: Till, service: Service, world: World) -> None:
        others = []
        for fsp_id in ("greenbankfsp", "lakemfi"):
            _, counters = await builders.create_merchant(service, world, fsp_id)
            headers = world[fsp_id]["maker"].headers
            path = f"/api/v1/counters/{counters[0].id}/qr?format=payload"
            others.append((await till.client.get(path, headers=headers)).text)
        others.append(qr.find_profile("tanqr").golden[0].payload)
        for payload in others:
            response = await till.dynamic(payload=payload)
            assert (response.status_code, response.json()["code"]) == (404, "not_found"), payload

    async def test_what_cannot_be_asked_is_refused_by_its_path(self, till: Till) -> None:
        for body, path, code in BAD_DEMANDS:
            response = await till.dynamic(**body)
            assert response.status_code == 422, response.text
            error = response.json()["errors"][0]
            assert (error["path"], error["code"]) == (path, code), body

    async def test_a_code_for_one_payment_is_not_made_into_another(self, till: Till) -> None:
        response = await till.dynamic(payload=(await till.ask())["qr_payload"])
        assert (response.status_code, response.json()["errors"][0]["code"]) == (422, "not_static")

    async def test_staff_who_may_not_ask_for_money_may_not(self, till: Till) -> None:
        assert (await till.dynamic(who=till.maker)).status_code == 403

    async def test_a_cashier_may(self, till: Till, service: Service, world: World) -> None:
        admin = world["greenbankfsp"]["admin"]
        await add_user(service, admin, "till@greenbankfsp.example", [Role.MERCHANT_CASHIER], till.merchant.id)
        cashier = await builders.signed_in(service, "till@greenbankfsp.example")
        assert (await till.dynamic(who=cashier.headers)).status_code == 201
