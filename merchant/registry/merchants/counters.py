"""A counter with the facts of its merchant that a payment needs, found by its id or by its number.

payments/ asks it for whom money is requested (by id) and whom a quote would pay (by number); pages and USSD, in which
currency a shopper pays.
"""

from collections.abc import Sequence
from uuid import UUID

from msgspec import Struct

from merchant.core import sql
from merchant.core.db import Reads
from merchant.core.service import SchemeFacts


class CounterFacts(Struct, frozen=True):
    """A counter and its merchant: state, limits and currencies for the rules, names and places for other people."""

    counter_id: UUID
    merchant_id: UUID
    dfsp_id: UUID
    alias_type: str
    alias: str
    state: str
    tier: str
    currencies: list[str]
    trading_name: str
    mcc: str
    fsp_id: str
    group_id: UUID | None  # under whose id the limits of its owner's merchants are counted; None for its own
    name: str = ""  # of the counter; with the next for the code of a new request
    ussd_name: str = ""
    city: str = ""
    country: str = ""


def _select(where: str) -> str:
    return sql.select(
        CounterFacts,
        from_="counter c JOIN merchant m ON m.id = c.merchant_id JOIN dfsp d ON d.id = m.dfsp_id",
        columns={
            "counter_id": "c.id",
            "merchant_id": "m.id",
            "dfsp_id": "m.dfsp_id",
            "state": "CASE WHEN c.closed_at IS NULL THEN m.state ELSE 'closed' END",
            "group_id": "m.limit_group",
            "name": "c.name",
            "ussd_name": "m.ussd_name",
            "city": "m.city",
            "country": "m.country",
        },
        where=where,
    )


_BY_ID = _select("c.id = $1 AND m.dfsp_id = $2")
_BY_ALIAS = _select("c.alias = $1 AND c.alias_type = $2 AND m.dfsp_id = $3")


async def counter_by_id(tx: Reads, dfsp_id: UUID, counter_id: UUID) -> CounterFacts | None:
    """A DFSP's counter by its id; None when it has none of this id."""
    row = await tx.fetchrow(_BY_ID, counter_id, dfsp_id)
    return sql.row(CounterFacts, row) if row is not None else None


async def counter_by_alias(tx: Reads, dfsp_id: UUID, alias_type: str, alias: str) -> CounterFacts | None:
    """A DFSP's counter by its number on the hub; None when no counter has it."""
    row = await tx.fetchrow(_BY_ALIAS, alias, alias_type, dfsp_id)
    return sql.row(CounterFacts, row) if row is not None else None


def usual_currency(scheme: SchemeFacts, taken: Sequence[str]) -> str:
    """The currency of a shopper who is not asked to choose one: the scheme's first that the merchant takes."""
    return next((one for one in scheme.currencies if one in taken), taken[0])
