"""0006 on a database where aliases share a form, keys have no issuer and nobody counted claims."""

from pathlib import Path

import asyncpg
import pytest

from merchant import migrations
from merchant.core.service import open_service
from merchant.registry.aliases import operations as aliases
from tests.migrations import fill

pytestmark = pytest.mark.anyio
SHARED = """
INSERT INTO alias_claim (alias_type, alias, dfsp_id, external_merchant_id, claimed_at)
SELECT alias_type, unnest(ARRAY['Corner-Shop2', 'corner.shop.2']), dfsp_id, 'x', claimed_at + interval '1 minute'
FROM alias_claim WHERE alias = 'CornerShop2'
"""
ISSUERS = """
SELECT k.issued_by, u.roles FROM api_key k JOIN app_user u ON u.id = k.issued_by AND u.dfsp_id = k.dfsp_id
"""


@pytest.mark.parametrize("revision", ["0005"])
async def test_what_is_there_keeps_its_aliases_and_the_form_is_nobody_elses(past: str, tmp_path: Path) -> None:
    connection = await asyncpg.connect(past)
    try:
        await connection.execute(SHARED)
        await migrations.upgrade(past)
        marked = await connection.fetch("SELECT alias FROM alias_claim WHERE shares_form ORDER BY alias")
        assert {row["alias"] for row in marked} == {"Corner-Shop2", "corner.shop.2"}
        dfsp_id = await connection.fetchval("SELECT dfsp_id FROM alias_claim WHERE alias = 'CornerShop2'")
        async with open_service(fill.settings(tmp_path), past) as service, service.db.system() as tx:
            for alias in ("corner_shop_2", "CornerShop2", "Corner-Shop2", "corner.shop.2"):
                assert not await aliases.claim(tx, "ALIAS", alias, dfsp_id, external_id="y"), alias
    finally:
        await connection.close()


@pytest.mark.parametrize("revision", ["0005"])
async def test_keys_have_their_issuer_from_the_audit_record_and_claims_are_counted(past: str) -> None:
    connection = await asyncpg.connect(past)
    try:
        claimed = await connection.fetchval("SELECT count(*) FROM alias_claim WHERE counter_id IS NULL")
        await migrations.upgrade(past)
        issuers = await connection.fetch(ISSUERS)
        assert len(issuers) == await connection.fetchval("SELECT count(*) FROM api_key")
        assert all("dfsp_admin" in row["roles"] for row in issuers)
        assert await connection.fetchval("SELECT sum(claimed) FROM alias_count") == claimed > 0
    finally:
        await connection.close()
