"""The key table: newest valid key first, overlaps while partners rotate, private parts sealed."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from merchant.core import clock
from merchant.core.service import Service
from merchant.scheme import keys
from tests.builders import World

pytestmark = pytest.mark.anyio
PRIVATE = keys.new_private_pem()


async def test_a_dfsp_is_enabled_with_a_signing_key_and_an_ilp_secret_of_its_own(
    service: Service, world: World
) -> None:
    async with service.db.system() as tx:
        found = {
            (fsp_id, purpose): await keys.valid_keys(tx, service.vault, fsp_id, purpose)
            for fsp_id in ("greenbankfsp", "lakemfi")
            for purpose in (keys.JWS_SIGN, keys.ILP)
        }
    assert all(len(some) == 1 for some in found.values())
    assert len({some[0].text for some in found.values()}) == 4
    assert "PRIVATE KEY" in found["lakemfi", keys.JWS_SIGN][0].text


async def test_private_parts_are_sealed_and_move_to_no_other_row(service: Service, world: World) -> None:
    async with service.db.system() as tx:
        rows = await tx.fetch("SELECT id, private_sealed, public_pem FROM scheme_key")
    assert all(b"PRIVATE" not in row["private_sealed"] for row in rows)
    assert all("PRIVATE" not in (row["public_pem"] or "") for row in rows)


async def test_keys_overlap_newest_first_and_end_when_they_end(
    service: Service, move_clock: Callable[[timedelta], datetime]
) -> None:
    async with service.db.system() as tx:
        old = await keys.add_public(tx, "partner", keys.public_pem(PRIVATE))
    move_clock(timedelta(days=1))
    async with service.db.system() as tx:
        new = await keys.add_public(tx, "partner", keys.public_pem(keys.new_private_pem()))
        await tx.execute(
            "UPDATE scheme_key SET valid_until = $2 WHERE id = $1", old.id, clock.now() + timedelta(hours=1)
        )
        both = await keys.valid_keys(tx, service.vault, "partner", keys.JWS_VERIFY)
        assert [key.key_id for key in both] == [new.key_id, old.key_id]
        move_clock(timedelta(hours=1))
        left = await keys.valid_keys(tx, service.vault, "partner", keys.JWS_VERIFY)
        assert [key.key_id for key in left] == [new.key_id]


async def test_a_key_for_tomorrow_is_not_valid_today(
    service: Service, move_clock: Callable[[timedelta], datetime]
) -> None:
    async with service.db.system() as tx:
        key = await keys.add_public(tx, "partner", keys.public_pem(PRIVATE))
        tomorrow = clock.now() + timedelta(days=1)
        await tx.execute("UPDATE scheme_key SET valid_from = $2 WHERE id = $1", key.id, tomorrow)
        assert await keys.valid_keys(tx, service.vault, "partner", keys.JWS_VERIFY) == []
        move_clock(timedelta(days=1))
        assert len(await keys.valid_keys(tx, service.vault, "partner", keys.JWS_VERIFY)) == 1


async def test_keys_of_another_purpose_or_participant_are_not_found(service: Service, world: World) -> None:
    async with service.db.system() as tx:
        for fsp_id, purpose in (("greenbankfsp", keys.JWS_VERIFY), ("nobody", keys.JWS_SIGN), ("", keys.ILP)):
            assert await keys.valid_keys(tx, service.vault, fsp_id, purpose) == []


@pytest.mark.parametrize("pem", ["", "x", PRIVATE, "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"])
async def test_what_is_no_public_key_is_refused(service: Service, pem: str) -> None:
    async with service.db.system() as tx:
        with pytest.raises(ValueError):
            await keys.add_public(tx, "partner", pem)
