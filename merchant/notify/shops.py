"""What a text message needs to know of a merchant: its names, and the language that it reads.

A merchant reads the language that its owner chose, else the one in which its telephone uses the USSD menu.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import time
from uuid import UUID

from msgspec import Struct

import ussd
from merchant.core import money, sql
from merchant.core.db import Reads
from merchant.core.money import Money

_SHOPS = """
SELECT m.id, coalesce(m.ussd_name, m.trading_name) AS name, m.trading_name AS own_name,
       coalesce((SELECT u.language FROM app_user u
                 WHERE u.merchant_id = m.id AND u.enabled AND 'merchant_owner' = ANY(u.roles) AND u.language IS NOT NULL
                 ORDER BY u.id LIMIT 1), p.language) AS language
FROM merchant m LEFT JOIN ussd_phone p ON p.msisdn_digest = m.phone_digest
WHERE m.id = ANY($1)
"""
_LANGUAGES = "SELECT msisdn_digest, language FROM ussd_phone WHERE msisdn_digest = ANY($1)"


class Shop(Struct, frozen=True):
    """A merchant's name for handsets, the one in its own letters, and its language; None where nobody chose one."""

    id: UUID
    name: str
    own_name: str
    language: str | None

    def told(self, key: str, amount: Money, at: time, reference: str, payer: str | None = None) -> ussd.Told:
        """A payment as a text message tells it."""
        return ussd.Told(
            key=key,
            shop=self.name,
            own_name=self.own_name,
            amount_minor=amount.minor,
            currency=amount.currency,
            exponent=money.exponent(amount.currency),
            at=at,
            reference=reference,
            payer=payer or "",
        )


async def read_shops(tx: Reads, merchant_ids: Collection[UUID]) -> Mapping[UUID, Shop]:
    """Merchants by id."""
    rows = await tx.fetch(_SHOPS, list(merchant_ids))
    return {shop.id: shop for shop in sql.rows(Shop, rows)}


async def languages_of_phones(tx: Reads, digests: Sequence[bytes]) -> Mapping[bytes, str]:
    """The languages in which phones use the USSD menu, of those that chose one."""
    return {row["msisdn_digest"]: row["language"] for row in await tx.fetch(_LANGUAGES, list(digests))}
