"""The words that are written of a merchant: when its answers change, and which forms one number has."""

import msgspec
import pytest

import kyb
from merchant.core import ids
from merchant.core.db import Tx
from merchant.core.phone import Msisdn
from merchant.core.service import Service
from merchant.core.vault import Vault
from merchant.registry.merchants import search_index
from merchant.registry.merchants.models import Counter, Location, Merchant
from tests import builders
from tests.builders import SECRET_KEY, World

pytestmark = pytest.mark.anyio
VAULT = Vault(SECRET_KEY)


async def words_of(tx: Tx, merchant: Merchant) -> set[str]:
    """A merchant's words."""
    await tx.flush()
    return set(await tx.fetchval("SELECT words FROM merchant_search WHERE merchant_id = $1", merchant.id))


async def test_changed_answers_change_the_words_and_leave_who_added_it(service: Service, world: World) -> None:
    document = builders.company(trading_name="Old Name")
    made, _ = await builders.create_merchant(service, world, document=document)
    sections = builders.sections(document)
    owner = msgspec.structs.replace(sections.owners[0], given_name="Zawadi", family_name=None, id_number="NEW-1")
    changed = msgspec.structs.replace(
        sections, owners=(owner,), contact=kyb.Contact(phone="+254700000009", name="Zawadi")
    )
    async with service.db.tenant(made.dfsp_id) as tx:
        merchant = await tx.session.get(Merchant, made.id)
        assert merchant is not None
        before = await words_of(tx, merchant)
        merchant.trading_name = merchant.ussd_name = "New Name"
        await search_index.index_merchant(tx, service, merchant, changed)
        after = await words_of(tx, merchant)
    vault = service.vault
    assert before - after == {
        "old",
        *(search_index.owner_word(vault, name) for name in ("amina", "odhiambo")),
        search_index.phone_word(vault, Msisdn.of(document["contact"]["phone"])),
        search_index.identity_word(vault, document["owners"][0]["id_number"]),
        search_index.identity_word(vault, "amina@example.org"),
    }
    assert after - before == {
        "new",
        search_index.owner_word(vault, "zawadi"),
        search_index.phone_word(vault, Msisdn.of("+254700000009")),
        search_index.identity_word(vault, "NEW-1"),
    }
    assert search_index.added_by_word(world.maker.actor.id) in after
    assert search_index.approved_by_word(world.checker.actor.id) in after


async def test_places_that_change_leave_what_is_sealed_as_it_is(service: Service, world: World) -> None:
    made, counters = await builders.create_merchant(service, world)
    async with service.db.tenant(made.dfsp_id) as tx:
        merchant = await tx.session.get(Merchant, made.id)
        counter, place = (
            await tx.session.get(Counter, counters[0].id),
            await tx.session.get(Location, counters[0].location_id),
        )
        assert merchant is not None and counter is not None and place is not None
        before = await words_of(tx, merchant)
        counter.name, place.city = "Garden", "Mombasa"
        await search_index.index_places(tx, merchant)
        after = await words_of(tx, merchant)
    # The merchant's own city is Nairobi still.
    assert (before - after, after - before) == ({"1", "till"}, {"garden", "mombasa", "city=mombasa"})


async def test_a_merchant_the_worker_has_not_reached_gets_no_half_of_its_words(service: Service, world: World) -> None:
    made, _ = await builders.create_merchant(service, world)
    async with service.db.tenant(made.dfsp_id) as tx:
        merchant = await tx.session.get(Merchant, made.id)
        assert merchant is not None
        merchant.indexed_at = None
        before = await words_of(tx, merchant)
        merchant.trading_name = "Another"
        await search_index.index_places(tx, merchant)
        assert await words_of(tx, merchant) == before
        assert merchant.indexed_at is None


@pytest.mark.parametrize(
    ("written", "typed"),
    [("12345678", "1234 5678"), ("12345678", "0012345678"), ("Till-B.2", "tillb2"), ("0007", "7"), ("000", "0")],
)
def test_one_number_of_a_counter_has_one_word(written: str, typed: str) -> None:
    assert search_index.number_word(written) == search_index.number_word(typed)


@pytest.mark.parametrize(
    ("written", "typed"),
    [("PVT/2016-00123", "pvt 2016 00123"), ("P051 234 567 X", "p051234567x"), ("A@B.example", "a@b.EXAMPLE")],
)
def test_one_identity_number_has_one_word(written: str, typed: str) -> None:
    assert search_index.identity_word(VAULT, written) == search_index.identity_word(VAULT, typed)


def test_equal_texts_of_two_kinds_have_two_digests() -> None:
    person = ids.uuid7()
    found = [
        search_index.owner_word(VAULT, "254711222333"),
        search_index.phone_word(VAULT, Msisdn.of("254711222333")),
        search_index.identity_word(VAULT, "254711222333"),
        search_index.added_by_word(person),
        search_index.approved_by_word(person),
    ]
    assert len({word.partition("=")[2] for word in found[:3]}) == 3
    assert len({word.partition("=")[0] for word in found}) == 5
