"""Numbers: issue one per counter, claim own aliases, and keep the oracle's look-up rows in step.

A claim on (type, alias) is for ever; the look-up rows (one per currency) come and go with the merchant's state.
Uniqueness is the database's: two approvals at once draw or ask for the same number, one insert wins.
"""

from collections.abc import Sequence
from uuid import UUID

import kyb
from merchant.core import clock, errors, ids
from merchant.core.db import Tx
from merchant.core.service import SchemeFacts
from merchant.core.texts import _
from merchant.hub.reserved import RESERVED_WORDS
from merchant.registry.aliases.problems import AliasTaken, NumbersExhausted

LIKE_A_NUMBER = _("An alias must not look like a number that is drawn; choose one with letters.")
# With 90 % of the numbers of a length taken, 64 draws still fail less than once in 800 calls.
_MAX_DRAWS = 64

_CLAIM = """
INSERT INTO alias_claim (alias_type, alias, dfsp_id, counter_id, external_merchant_id, claimed_at)
VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING
"""
_HELD = "SELECT true FROM alias_claim WHERE alias_type = $1 AND alias = $2"
_ROUTE = """
INSERT INTO alias (alias_type, alias, sub_id, currency, dfsp_id, merchant_id, counter_id, external_merchant_id, active)
SELECT $1, $2, '', currency, $3, $4, $5, $6, true FROM unnest($7::text[]) AS currency
ON CONFLICT (alias_type, alias, sub_id, currency) DO NOTHING
"""
_SET_ACTIVE = """
UPDATE alias a SET active = $2 AND c.closed_at IS NULL
FROM counter c WHERE c.id = a.counter_id AND a.merchant_id = $1
"""
_CLOSE_COUNTER = "UPDATE alias SET active = false WHERE counter_id = $1"
_ADD_CURRENCIES = """
INSERT INTO alias (alias_type, alias, sub_id, currency, dfsp_id, merchant_id, counter_id, active)
SELECT DISTINCT a.alias_type, a.alias, '', wanted.currency, a.dfsp_id, a.merchant_id, a.counter_id, a.active
FROM alias a, unnest($2::text[]) AS wanted (currency) WHERE a.merchant_id = $1 AND a.sub_id = ''
ON CONFLICT (alias_type, alias, sub_id, currency) DO NOTHING
"""
_DROP_CURRENCIES = "DELETE FROM alias WHERE merchant_id = $1 AND sub_id = '' AND currency <> ALL ($2::text[])"


def is_identifier(text: str) -> bool:
    """Whether a text can be an alias.

    Hubs cut the signed URI at the last segment that is a resource name, and dots alone are a path of their own.
    """
    return kyb.is_alias(text, RESERVED_WORDS)


def may_be_chosen(scheme: SchemeFacts, alias_type: str, text: str) -> bool:
    """Whether someone may choose an alias of this type.

    Numbers are drawn for the scheme's own type alone; in the others digits are what identifies a business.
    """
    return kyb.may_be_chosen(text, scheme.alias_length if alias_type == scheme.alias_type else None, RESERVED_WORDS)


async def claim(
    tx: Tx,
    alias_type: str,
    alias: str,
    dfsp_id: UUID,
    *,
    counter_id: UUID | None = None,
    external_id: str | None = None,
) -> bool:
    """Take an alias for ever; False when someone holds or held it, in any case and with any separators.

    Whether it may be chosen is asked before (`may_be_chosen`); drawn numbers need not ask.
    """
    return bool(await tx.execute(_CLAIM, alias_type, alias, dfsp_id, counter_id, external_id, clock.now()))


async def draw(
    tx: Tx,
    scheme: SchemeFacts,
    dfsp_id: UUID,
    *,
    counter_id: UUID | None = None,
    external_id: str | None = None,
) -> str:
    """Claim a fresh random number. Raises NumbersExhausted when nearly all are taken."""
    for _draw in range(_MAX_DRAWS):
        number = ids.merchant_number(scheme.alias_length)
        if await claim(tx, scheme.alias_type, number, dfsp_id, counter_id=counter_id, external_id=external_id):
            return number
    raise NumbersExhausted


async def issue_alias(
    tx: Tx,
    scheme: SchemeFacts,
    *,
    dfsp_id: UUID,
    merchant_id: UUID,
    counter_id: UUID,
    currencies: Sequence[str],
    own_alias: str | None,
) -> str:
    """A counter's number, or the alias it asks for, open to the oracle in the merchant's currencies.

    Raises InvalidFields for an own alias that cannot be one, AliasTaken, NumbersExhausted.
    """
    if own_alias is None:
        alias = await draw(tx, scheme, dfsp_id, counter_id=counter_id)
    else:
        alias = await _claim_own(tx, scheme, own_alias, dfsp_id, counter_id)
    await open_routes(tx, scheme.alias_type, alias, dfsp_id, currencies, merchant_id=merchant_id, counter_id=counter_id)
    return alias


async def _claim_own(tx: Tx, scheme: SchemeFacts, alias: str, dfsp_id: UUID, counter_id: UUID) -> str:
    if not is_identifier(alias):
        raise errors.invalid_field("own_alias", "reserved_alias", _("This word is reserved; choose another."))
    may_choose = may_be_chosen(scheme, scheme.alias_type, alias)
    if may_choose and await claim(tx, scheme.alias_type, alias, dfsp_id, counter_id=counter_id):
        return alias
    if may_choose or await tx.fetchval(_HELD, scheme.alias_type, alias):
        raise AliasTaken(_("The alias {alias} is taken; choose another.", alias=alias))
    raise errors.invalid_field("own_alias", "like_a_number", LIKE_A_NUMBER)


async def open_routes(
    tx: Tx,
    alias_type: str,
    alias: str,
    dfsp_id: UUID,
    currencies: Sequence[str],
    *,
    merchant_id: UUID | None = None,
    counter_id: UUID | None = None,
    external_id: str | None = None,
) -> int:
    """Make an alias visible to the oracle in some currencies; the number of rows that were new."""
    return await tx.execute(_ROUTE, alias_type, alias, dfsp_id, merchant_id, counter_id, external_id, list(currencies))


async def set_routes_active(tx: Tx, merchant_id: UUID, active: bool) -> None:
    """Show or hide a merchant's aliases, as its state demands; those of closed counters stay hidden."""
    await tx.execute(_SET_ACTIVE, merchant_id, active)


async def hide_counter(tx: Tx, counter_id: UUID) -> None:
    """Let a closed counter's number answer as unknown; it goes to nobody else."""
    await tx.execute(_CLOSE_COUNTER, counter_id)


async def keep_currencies(tx: Tx, merchant_id: UUID, currencies: Sequence[str]) -> None:
    """Let a merchant's numbers be found in these currencies and no others."""
    await tx.execute(_ADD_CURRENCIES, merchant_id, list(currencies))
    await tx.execute(_DROP_CURRENCIES, merchant_id, list(currencies))
