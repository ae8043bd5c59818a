"""Finding merchants: which words lead to whom, in which order, and who sees what."""

import unicodedata
from datetime import timedelta
from typing import Any

import asyncpg
import httpx
import pytest

from merchant.core import clock
from merchant.core.errors import InvalidFilter
from merchant.core.paging import NAME, OLDEST, Page
from merchant.core.service import Service
from merchant.core.vault import Vault
from merchant.registry.merchants import finding, lifecycle, lookups
from merchant.registry.merchants.finding import Sought, find_merchants, read_query
from tests import builders
from tests.builders import DFSPS, SECRET_KEY, World

pytestmark = pytest.mark.anyio


def document(name: str, *, city: str = "Nakuru", owner: tuple[str, str] = ("Amina", "Odhiambo"), **more: Any) -> Any:
    """A company with one counter, as JSON."""
    made = builders.company(trading_name=name, legal_name=name, **more)
    made["owners"][0] |= {"given_name": owner[0], "family_name": owner[1]}
    made["contact"] |= {"name": " ".join(owner)}
    made["locations"][0] |= {"name": "Branch", "city": city}
    return made


class Desk:
    """Someone who looks for merchants."""

    def __init__(self, client: httpx.AsyncClient, headers: dict[str, str]) -> None:
        self.client, self.headers = client, headers

    async def ask(self, **query: str) -> httpx.Response:
        return await self.client.get("/api/v1/merchants", params=query, headers=self.headers)

    async def find(self, q: str | None = None, **query: str) -> list[str]:
        """The trading names that are found, in their order."""
        response = await self.ask(**({} if q is None else {"q": q}), **query)
        assert response.status_code == 200, response.text
        return [item["trading_name"] for item in response.json()["items"]]


@pytest.fixture
def desk(client: httpx.AsyncClient, world: World) -> Desk:
    """A maker of greenbankfsp."""
    return Desk(client, world.maker.headers)


async def test_words_are_found_in_any_order_accent_and_case_begun_or_misspelt(
    service: Service, world: World, desk: Desk
) -> None:
    await builders.create_merchant(service, world, document=document("Café Mama Njeri", city="Kisumu"))
    await builders.create_merchant(service, world, document=document("Duka la Papa", mcc="5499"))
    cafe = ["Café Mama Njeri"]
    for q in (
        "cafe",
        "CAFÉ",
        unicodedata.normalize("NFD", "Café"),
        "njeri mama café",
        "  mama,njeri  ",
        "njer maM",
        "njerri",
        "njeir cafe",
        "kisumu cafe",
        "kisumi",
        "mama mama",
        "branch njeri",
        "till cafe",
    ):
        assert await desk.find(q) == cafe, q
    for q in ("papa njeri", "njaru", "mama kampala", "ama", "eri", "cafés noir", "zz"):
        assert await desk.find(q) == [], q
    assert await desk.find("") == await desk.find("  ") == await desk.find() == ["Duka la Papa", *cafe]
    assert await desk.find("papa", mcc="5411") == []
    assert await desk.find("papa", mcc="5499") == ["Duka la Papa"]


async def test_signs_are_never_wildcards_and_find_nothing(service: Service, world: World, desk: Desk) -> None:
    await builders.create_merchant(service, world, document=document("Mama 50% Shop_1"))
    for q in (
        "%",
        "_",
        "ma%",
        "m_ma",
        "*",
        "ma*",
        "'",
        "\\",
        "'; DROP TABLE merchant; --",
        "🍎",
        "::",
        ":*",
        "ma & !x",
    ):
        assert await desk.find(q) == [], q
    for q in ("50%", "shop_1", "mama | 50", "(mama)", "mama 🍎"):
        assert await desk.find(q) == ["Mama 50% Shop_1"], q


async def test_a_query_without_end_is_refused_and_so_is_nul(world: World, desk: Desk) -> None:
    for q in ("x" * (finding.MAX_QUERY_CHARS + 1), " ".join("abcdefghijk"), "-".join("abcdefghijk")):
        refused = await desk.ask(q=q)
        assert (refused.status_code, refused.json()["code"]) == (400, "invalid_filter"), q
    nul = await desk.ask(q="mama\0")
    assert (nul.status_code, nul.json()["code"]) == (400, "nul_character")
    for q in ("x" * finding.MAX_QUERY_CHARS, " ".join("abcdefghij"), "\ud7ff\uffff", "\u202emama"):
        assert (await desk.ask(q=q)).status_code == 200, q


async def test_numbers_are_found_however_they_are_written(service: Service, world: World, desk: Desk) -> None:
    made = document("Shop A", registration_number="PVT/2016-00123", tax_id="P051 234 567 X")
    made["contact"]["phone"] = "+254711222333"
    made["locations"][0]["counters"] = [{"name": "Till 1"}, {"name": "Till 2", "own_alias": "till-b.2"}]
    _, counters = await builders.create_merchant(service, world, document=made)
    await builders.create_merchant(service, world, document=document("Shop B"))
    alias = counters[0].alias
    id_number = made["owners"][0]["id_number"]
    for q in (
        alias,
        f"{alias[:4]} {alias[4:]}",
        f"00{alias}",
        "till-b.2",
        "TILLB2",
        "+254711222333",
        "254711222333",
        "0711222333",
        "0711 222-333",
        "(0711) 222.333",
        "00254 711 222 333",
        "PVT/2016-00123",
        "pvt 2016 00123",
        "p051234567x",
        id_number,
        id_number.lower(),
        "amina@example.org" if made["contact"]["email"] == "amina@example.org" else "",
        f"shop {alias}",
        "odhiambo 0711222333",
    ):
        assert "Shop A" in await desk.find(q), q
    assert await desk.find(alias) == await desk.find("0711222333") == await desk.find("PVT/2016-00123") == ["Shop A"]
    for q in (alias[:-1], "0711222334", "711222333 nairobi", "PVT/2016-00124", f"b {alias}", id_number[:-1]):
        assert await desk.find(q) == [], q


async def test_owners_are_found_by_whole_words_of_their_names_alone(service: Service, world: World, desk: Desk) -> None:
    made = document("Shop A", owner=("Wanjikũ", "wa Thiong'o"))
    await builders.create_merchant(service, world, document=made)
    for q in ("wanjiku", "thiong'o wanjikũ", "THIONGO", "shop wanjiku", "wanjiku nakuru"):
        assert await desk.find(q) == ["Shop A"], q
    for q in ("wanjik", "wanjikuu", "thion", "kamau", "shop kamau"):
        assert await desk.find(q) == [], q
    async with service.db.system_reads() as tx:
        for table in ("merchant_search", "search_key"):
            kept = str(await tx.fetch(f"SELECT * FROM {table}")).lower()
            assert "shop" in kept
            for clear in ("wanjik", "thiong", made["contact"]["phone"][4:], made["owners"][0]["id_number"].lower()):
                assert clear not in kept, (table, clear)


async def test_what_is_equal_comes_first_then_what_goes_on_then_what_is_misspelt(
    service: Service, world: World, desk: Desk
) -> None:
    names = ["Maria one", "Mariana", "Marla", "Maria two", "Mario"]
    for name in names:
        await builders.create_merchant(service, world, document=document(name))
    ranked = ["Maria two", "Maria one", "Mariana", "Mario", "Marla"]
    assert await desk.find("maria") == ranked
    assert await desk.find("maria one") == ["Maria one"]
    paged, cursor = [], ""
    while True:
        body = (await desk.ask(q="maria", limit="2", cursor=cursor)).json()
        paged.append([item["trading_name"] for item in body["items"]])
        if len(paged) == 1:  # what is approved between two pages disturbs neither
            await builders.create_merchant(service, world, document=document("Maria three"))
        if (cursor := body["next_cursor"]) is None:
            break
    assert paged == [ranked[:2], ranked[2:4], ranked[4:]]
    foreign = (await desk.ask(limit="1")).json()["next_cursor"]
    refused = await desk.ask(q="maria", cursor=foreign)
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_page")


async def test_no_more_than_so_many_are_found_and_the_newest_of_them(
    service: Service, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    actor = world.maker.actor
    made = [await builders.create_merchant(service, world, document=document("Duka")) for _ in range(3)]
    monkeypatch.setattr(finding, "MAX_RESULTS", 2)
    async with service.db.tenant(actor.dfsp_id) as tx:
        found = await find_merchants(tx, actor, Page(25), Sought(q="duka"), "KE")
    assert [one.merchant.id for one in found] == [merchant.id for merchant, _ in made[:0:-1]]


@pytest.mark.parametrize(("looked_at", "common"), [(1, 1), (1, 0), (2, 1), (3, 3), (2_000, 40)])
async def test_the_same_is_found_among_the_newest_and_by_the_index(
    service: Service, world: World, desk: Desk, monkeypatch: pytest.MonkeyPatch, looked_at: int, common: int
) -> None:
    monkeypatch.setattr(lookups, "_LOOKED_AT", looked_at)
    monkeypatch.setattr(lookups, "_COMMON", common)
    for number in range(3):
        await builders.create_merchant(service, world, document=document(f"Duka {number} njeri", city="Thika"))
    await builders.create_merchant(service, world, document=document("Duka njeri", city="Nyeri", mcc="5499"))
    assert await desk.find("duka njeri thika") == ["Duka 2 njeri", "Duka 1 njeri", "Duka 0 njeri"]
    assert await desk.find("njeri duk", city="nyeri") == ["Duka njeri"]
    assert await desk.find("duka", mcc="5499", tier="T3", state="active") == ["Duka njeri"]
    assert await desk.find("duka", mcc="5812") == await desk.find("duk nijeri", state="closed") == []


async def test_filters_narrow_alone_and_together(service: Service, world: World, desk: Desk) -> None:
    before = clock.rfc3339(clock.now() - timedelta(seconds=1))
    first, _ = await builders.create_merchant(service, world, document=document("First", city="São Tomé"))
    made = document("Second")
    made["locations"].append(made["locations"][0] | {"city": "Kampala", "country": "UG", "counters": []})
    second, _ = await builders.create_merchant(service, world, document=made)
    async with service.db.tenant(first.dfsp_id) as tx:
        await tx.execute("UPDATE merchant SET risk = 'high' WHERE id = $1", first.id)
        await tx.execute("UPDATE merchant SET created_at = created_at + interval '1 day' WHERE id = $1", second.id)
    after = clock.rfc3339(clock.now() + timedelta(minutes=5))
    both, maker, checker = ["Second", "First"], str(world.maker.actor.id), str(world.checker.actor.id)
    expected: list[tuple[dict[str, str], list[str]]] = [
        ({"city": "sao tome"}, ["First"]),
        ({"city": "SÃO TOMÉ", "state": "active"}, ["First"]),
        ({"city": "tome"}, []),
        ({"city": "Kampala"}, ["Second"]),
        ({"country": "ug"}, ["Second"]),
        ({"country": "KE"}, both),
        ({"risk": "high"}, ["First"]),
        ({"risk": "low"}, ["Second"]),
        ({"tier": first.tier, "mcc": first.mcc}, both),
        ({"tier": "T0"}, []),
        ({"added_by": maker}, both),
        ({"added_by": checker}, []),
        ({"approved_by": checker}, both),
        ({"approved_by": maker}, []),
        ({"added_by": maker, "approved_by": checker, "city": "kampala"}, ["Second"]),
        ({"from": before}, both),
        ({"from": after}, ["Second"]),
        ({"to": after}, ["First"]),
        ({"from": before, "to": before}, []),
        ({"q": "first", "city": "Kampala"}, []),
        ({"q": "second", "added_by": maker, "from": after}, ["Second"]),
        ({"q": "second", "from": before, "to": "9999-12-31T23:59:59Z"}, ["Second"]),
        ({"q": "second", "from": "9999-12-01T00:00:00Z", "to": "9999-12-31T23:59:59Z"}, []),
        ({"q": "second", "from": "0001-01-01T00:00:00Z", "to": before}, []),
        ({"q": "first", "risk": "high"}, ["First"]),
        ({"q": "first", "risk": "low"}, []),
        ({"q": "nakuru", "tier": first.tier, "mcc": first.mcc, "state": "active"}, ["Second"]),
        ({"search": "IRS"}, ["First"]),
        ({"search": "%"}, []),
        ({"search": "s", "city": "Kampala"}, ["Second"]),
    ]
    for query, names in expected:
        assert await desk.find(**query) == names, query
    for name in ("added_by", "approved_by", "from", "to", "risk"):
        assert (await desk.ask(**{name: "x"})).status_code == 400, name


async def test_pages_of_a_filter_hold_every_merchant_once(service: Service, world: World, desk: Desk) -> None:
    for number in range(3):
        await builders.create_merchant(service, world, document=document(f"Shop {number}", city="Thika"))
    first = (await desk.ask(city="thika", limit="2")).json()
    rest = (await desk.ask(city="thika", limit="2", cursor=first["next_cursor"])).json()
    names = [item["trading_name"] for item in first["items"] + rest["items"]]
    assert (names, rest["next_cursor"]) == (["Shop 2", "Shop 1", "Shop 0"], None)


async def test_a_merchant_that_was_stopped_is_still_found_with_its_state(
    service: Service, world: World, desk: Desk
) -> None:
    checker = world.checker.actor
    for name, move in (("Shop one", lifecycle.suspend), ("Shop two", lifecycle.close)):
        merchant, _ = await builders.create_merchant(service, world, document=document(name))
        async with service.db.tenant(merchant.dfsp_id) as tx:
            await move(tx, checker, merchant.id, "Complaints.")
    items = (await desk.ask(q="shop")).json()["items"]
    assert [(item["trading_name"], item["state"]) for item in items] == [
        ("Shop two", "closed"),
        ("Shop one", "suspended"),
    ]
    assert await desk.find("shop", state="suspended") == ["Shop one"]
    assert await desk.find("shop", state="active") == []


async def test_a_new_counter_is_found_at_once(
    client: httpx.AsyncClient, service: Service, world: World, desk: Desk
) -> None:
    merchant, counters = await builders.create_merchant(service, world, document=document("Shop"))
    new = {"location_id": str(counters[0].location_id), "name": "Rooftop"}
    path = f"/api/v1/merchants/{merchant.id}/counters"
    added = (await client.post(path, json=new, headers=world.maker.headers)).json()
    for q in ("rooftop", "roof", added["alias"], counters[0].alias, "odhiambo rooftop"):
        assert await desk.find(q) == ["Shop"], q
    assert await desk.find(added_by=str(world.maker.actor.id)) == ["Shop"]


class TestWalls:
    """Nobody finds what is another's, by whatever it is looked for."""

    @pytest.fixture
    async def theirs(self, service: Service, world: World) -> dict[str, str]:
        """What a merchant of another DFSP is found by."""
        made = document("Kiosk Zawadi", city="Voi", owner=("Halima", "Barasa"), registration_number="REG-OTHER-1")
        _, counters = await builders.create_merchant(service, world, DFSPS[1], document=made)
        staff = world[DFSPS[1]]
        return {
            "name": "zawadi",
            "beginning": "zawa",
            "slip": "zawaid",
            "owner": "halima",
            "phone": made["contact"]["phone"],
            "register": "REG-OTHER-1",
            "identity": made["owners"][0]["id_number"],
            "number": counters[0].alias,
            "city": "voi",
            "added_by": str(staff["maker"].actor.id),
            "approved_by": str(staff["checker"].actor.id),
        }

    async def test_another_dfsps_merchants_are_never_found(
        self, client: httpx.AsyncClient, world: World, theirs: dict[str, str]
    ) -> None:
        queries = [
            {name if name in ("city", "added_by", "approved_by") else "q": value} for name, value in theirs.items()
        ]
        queries += [{"q": theirs["city"]}, {"country": "KE"}, {"mcc": "5411"}, {"state": "active"}, {}]
        for query in queries:
            assert await Desk(client, world.maker.headers).find(**query) == [], query
            assert await Desk(client, world[DFSPS[1]]["maker"].headers).find(**query) == ["Kiosk Zawadi"], query
            assert await Desk(client, world.operator.headers).find(**query) == ["Kiosk Zawadi"], query

    async def test_the_tables_themselves_show_a_dfsp_its_own_words_alone(
        self, service: Service, world: World, theirs: dict[str, str]
    ) -> None:
        dfsps = [person.actor.dfsp_id for person in (world.maker, world[DFSPS[1]]["maker"])]
        wanted = lookups.Wanted((theirs["name"],))
        async with service.db.tenant(world.maker.actor.dfsp_id) as tx:
            for table in ("merchant_search", "merchant_findable", "merchant_by_name", "search_key"):
                assert await tx.fetchval(f"SELECT count(*) FROM {table}") == 0, table
            # Also where a statement names another DFSP, the wall stands.
            some = (lookups.Columns(), lookups.Columns(named="kiosk"), lookups.Columns(until=clock.now()))
            for columns in (*some, lookups.Columns(sort=OLDEST), lookups.Columns(sort=NAME)):
                assert await lookups.having(tx, dfsps, wanted, columns, 10) == []
                assert await lookups.listed(tx, dfsps, columns, 10) == []
            assert await lookups.continued(tx, dfsps, ["zaw"]) == [[]]
            assert await lookups.words_by_key(tx, dfsps, [{"zawadi"}]) == [set()]
        async with service.db.tenant(dfsps[1]) as tx:
            assert await tx.fetchval("SELECT count(*) FROM merchant_findable") == 1
            for columns in (lookups.Columns(), lookups.Columns(named="kiosk"), lookups.Columns(until=clock.now())):
                assert len(await lookups.having(tx, dfsps, wanted, columns, 10)) == 1
            assert await lookups.continued(tx, dfsps, ["zaw"]) == [["zawadi"]]

    async def test_nobody_without_a_tenant_reads_the_view_and_nobody_writes_it(
        self, service: Service, database_url: str, theirs: dict[str, str]
    ) -> None:
        connection = await asyncpg.connect(database_url)
        await connection.execute("SET ROLE merchant_app")
        for view in ("merchant_findable", "merchant_by_name"):
            assert await connection.fetchval(f"SELECT count(*) FROM {view}") == 0
            await connection.execute("SET app.dfsp_id = ''")
            assert await connection.fetchval(f"SELECT count(*) FROM {view}") == 0
            await connection.execute("SET app.dfsp_id = 'hub'")
            assert await connection.fetchval(f"SELECT count(*) FROM {view}") == 1
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(f"DELETE FROM {view}")
            await connection.execute("SET app.dfsp_id = ''")
        await connection.close()

    async def test_a_merchants_own_people_find_their_merchant_alone_and_not_by_what_is_sealed(
        self, client: httpx.AsyncClient, service: Service, world: World
    ) -> None:
        own, counters = await builders.create_merchant(service, world, document=document("Duka moja", city="Thika"))
        await builders.create_merchant(service, world, document=document("Duka mbili", city="Thika"))
        admin, scopes = world["greenbankfsp"]["admin"], ["merchants:read"]
        counter = counters[0]
        for place in (
            {"merchant_id": own.id},
            {"merchant_id": own.id, "counter_id": counter.id},
        ):
            key = await builders.issue_key(service, admin, scopes, **place)
            mine = Desk(client, key)
            for query in (
                {"q": "duka"},
                {"q": "thik"},
                {"q": counter.alias},
                {"city": "thika"},
                {"state": "active"},
                {},
            ):
                assert await mine.find(**query) == ["Duka moja"], (place, query)
            for query in ({"q": "mbili"}, {"q": "odhiambo"}, {"q": "mbilli"}, {"city": "voi"}):
                assert await mine.find(**query) == [], (place, query)


def test_a_query_says_what_it_may_be() -> None:
    both = read_query(Vault(SECRET_KEY), "M-Pesa", "KE", sealed=True)
    assert [[typed.word for typed in reading] for reading in both] == [[None], ["m", "pesa"], ["mpesa"]]
    assert read_query(Vault(SECRET_KEY), "🍎 !", "KE", sealed=True) == []
    plain = read_query(Vault(SECRET_KEY), "mama 12", "KE", sealed=False)
    assert not any("owner=" in word or "id=" in word for reading in plain for typed in reading for word in typed.equal)
    with pytest.raises(InvalidFilter):
        read_query(Vault(SECRET_KEY), "a " * 11, "KE", sealed=True)
