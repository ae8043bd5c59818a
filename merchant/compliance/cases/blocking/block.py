"""Block a merchant, and let it go again: each takes two people of the hub, and the first who blocks stops it at once.

The merchant's DFSP is told that it is stopped, then that it is blocked, and nothing of why or by whom: its own record
names the service, the hub's names the people, their reason code and their words. A block holds what identifies the
owners as keyed hashes for five years, so that they are refused wherever they apply (lookups.py).
"""

from typing import Any
from uuid import UUID

from sqlmodel import select

from kyb.lists.blocklist import LASTS_YEARS, in_years
from merchant.compliance.cases import merchant_cases
from merchant.compliance.cases.blocking import problems
from merchant.compliance.cases.blocking.lookups import NAME, identifiers
from merchant.compliance.cases.blocking.models import MerchantBlock
from merchant.compliance.cases.blocking.reasons import BlockReason
from merchant.core import audit, clock, outbox
from merchant.core.access import SERVICE, Actor
from merchant.core.db import Tx, forget
from merchant.registry.codes import stickers
from merchant.registry.merchants import lifecycle
from merchant.registry.merchants.lifecycle import STOPPED_BY_HUB
from merchant.registry.merchants.models import Merchant
from merchant.registry.merchants.queries import lock_merchant
from merchant.registry.merchants.states import Capability, MerchantState, may_become, merchant_may

BLOCKED_TOPIC = "compliance.blocked"  # the owners' other merchants are looked at (others.py)
BLOCKED = "blocked"  # why a merchant is stopped; it says nothing else
LET_GO = "let_go"  # likewise, after the hub ended its block or its proposal
_STILL_ACTS = "SELECT true FROM app_user WHERE id = $1 AND enabled AND dfsp_id IS NULL"
_ERASED = "SELECT erased_at IS NOT NULL FROM application WHERE id = $1"
_END_KEYS = "UPDATE api_key SET revoked_at = $2 WHERE merchant_id = $1 AND revoked_at IS NULL"
_ADD = """
INSERT INTO blocked_identifier (kind, digest, merchant_id, reason_code, blocked_at, expires_at)
SELECT DISTINCT kind, digest, $3::uuid, $4, $5::timestamptz, $6::timestamptz
FROM unnest($1::text[], $2::bytea[]) AS given (kind, digest)
ON CONFLICT DO NOTHING
"""
_DROP = "DELETE FROM blocked_identifier WHERE merchant_id = $1"


async def block_merchant(tx: Tx, actor: Actor, merchant_id: UUID, why: BlockReason, reason: str) -> MerchantBlock:
    """Propose to block a merchant, which stops it at once, or confirm what another person of the hub proposed.

    Needs the system's transaction. Saying the same again changes nothing. Raises NotFound, CannotBeBlocked,
    OtherBlockReason where two name different reasons, AlreadyBlocked.
    """
    merchant = await lock_merchant(tx, actor, merchant_id)
    block = await _standing(tx, merchant.id)
    if block is None:
        return await _propose(tx, actor, merchant, why, reason)
    if block.confirmed_at is not None:
        if actor.id in _blockers(block) and block.reason_code == why:
            return block
        raise problems.AlreadyBlocked
    if block.proposed_by == actor.id or not await tx.fetchval(_STILL_ACTS, block.proposed_by):
        return await _propose_again(tx, actor, block, why, reason)
    if block.reason_code != why:
        raise problems.OtherBlockReason
    return await _confirm(tx, actor, merchant, block, reason)


async def _propose(tx: Tx, actor: Actor, merchant: Merchant, why: BlockReason, reason: str) -> MerchantBlock:
    if not merchant_may(merchant.state, Capability.BE_BLOCKED):
        raise problems.CannotBeBlocked
    block = MerchantBlock(
        merchant_id=merchant.id,
        reason_code=why,
        case_id=merchant.case_id or merchant.application_id,
        proposed_by=actor.id,
    )
    tx.session.add(block)
    if may_become(merchant.state, MerchantState.SUSPENDED):
        await lifecycle.move(tx, SERVICE, merchant, MerchantState.SUSPENDED, STOPPED_BY_HUB, stopped_for=STOPPED_BY_HUB)
    merchant.stopped_for = STOPPED_BY_HUB  # whatever it was stopped for before: only the hub lets it go now
    await tx.flush()
    await _record(tx, actor, "merchant.block_proposed", block, reason)
    return block


async def _propose_again(tx: Tx, actor: Actor, block: MerchantBlock, why: BlockReason, reason: str) -> MerchantBlock:
    """Another reason of the same person; or another person in the place of one who acts no more."""
    if (block.proposed_by, block.reason_code) != (actor.id, why):
        block.proposed_by, block.reason_code, block.proposed_at = actor.id, why, clock.now()
        await tx.flush()
        await _record(tx, actor, "merchant.block_proposed", block, reason)
    return block


async def _confirm(tx: Tx, actor: Actor, merchant: Merchant, block: MerchantBlock, reason: str) -> MerchantBlock:
    block.confirmed_by, block.confirmed_at = actor.id, clock.now()
    await _hold_identifiers(tx, merchant, block)
    await lifecycle.move(tx, SERVICE, merchant, MerchantState.BLOCKED, BLOCKED, stopped_for=BLOCKED, by_hub=True)
    await tx.execute(_END_KEYS, merchant.id, clock.now())
    await stickers.revoke_stickers(tx, merchant.id, BLOCKED)
    await _record(tx, actor, "merchant.blocked", block, reason)
    await outbox.add(tx, BLOCKED_TOPIC, {"merchant_id": merchant.id}, dfsp_id=None)
    return block


async def _hold_identifiers(tx: Tx, merchant: Merchant, block: MerchantBlock) -> None:
    """Keep what identifies the owners: of the answers in force, and of those that were when the block was proposed, so
    that a change made in between takes nothing away.
    """
    held = {
        (one.kind, one.digest)
        for sections in (
            await merchant_cases.answers_in_force(tx, tx.vault, merchant),
            await merchant_cases.answers_of_case(tx, tx.vault, block.case_id),
        )
        for one in identifiers(tx.vault, sections)
        if one.kind != NAME
    }
    now = clock.now()
    kinds, digests = [kind for kind, _ in sorted(held)], [digest for _, digest in sorted(held)]
    await tx.execute(_ADD, kinds, digests, merchant.id, block.reason_code, now, in_years(now, LASTS_YEARS))


async def unblock_merchant(tx: Tx, actor: Actor, merchant_id: UUID, reason: str) -> MerchantBlock:
    """Withdraw a proposal; or propose to let a blocked merchant go, or confirm that. It stays suspended in either case.

    Needs the system's transaction. Saying the same again changes nothing. Raises NotFound, NotBlocked, BlockedByYou,
    AnswersErased.
    """
    merchant = await lock_merchant(tx, actor, merchant_id)
    block = await _standing(tx, merchant.id)
    if block is None:
        ended = await _last(tx, merchant.id)
        if ended is not None and actor.id in (ended.unblock_proposed_by, ended.ended_by):
            return ended
        raise problems.NotBlocked
    if block.confirmed_at is None:
        return await _end(tx, actor, merchant, block, "merchant.block_withdrawn", reason)
    if actor.id in _blockers(block):
        raise problems.BlockedByYou
    first = block.unblock_proposed_by
    if first is None or (first != actor.id and not await tx.fetchval(_STILL_ACTS, first)):
        block.unblock_proposed_by, block.unblock_proposed_at = actor.id, clock.now()
        await tx.flush()
        await _record(tx, actor, "merchant.unblock_proposed", block, reason)
    elif first != actor.id:
        if await tx.fetchval(_ERASED, merchant.case_id or merchant.application_id):
            raise problems.AnswersErased
        await tx.execute(_DROP, merchant.id)
        await lifecycle.move(tx, SERVICE, merchant, MerchantState.SUSPENDED, LET_GO, stopped_for=LET_GO, by_hub=True)
        return await _end(tx, actor, merchant, block, "merchant.unblocked", reason)
    return block


async def _end(
    tx: Tx, actor: Actor, merchant: Merchant, block: MerchantBlock, action: str, reason: str
) -> MerchantBlock:
    block.ended_by, block.ended_at = actor.id, clock.now()
    merchant.stopped_for = LET_GO
    await tx.flush()
    await _record(tx, actor, action, block, reason)
    return block


def _blockers(block: MerchantBlock) -> tuple[UUID | None, ...]:
    return block.proposed_by, block.confirmed_by


async def _standing(tx: Tx, merchant_id: UUID) -> MerchantBlock | None:
    """The block, or the proposal, that stands; the merchant's lock keeps it as it is."""
    table: Any = MerchantBlock
    statement = select(table).where(table.merchant_id == merchant_id, table.ended_at.is_(None))
    found: MerchantBlock | None = (await tx.session.exec(statement)).one_or_none()
    return found


async def _last(tx: Tx, merchant_id: UUID) -> MerchantBlock | None:
    table: Any = MerchantBlock
    statement = select(table).where(table.merchant_id == merchant_id).order_by(table.id.desc()).limit(1)
    found: MerchantBlock | None = (await tx.session.exec(statement)).first()
    return found


async def _record(tx: Tx, actor: Actor, action: str, block: MerchantBlock, reason: str) -> None:
    await audit.record(
        tx, actor, action, "merchant", block.merchant_id, dfsp_id=None, reason=reason, reason_code=block.reason_code
    )


async def prune(tx: Tx, limit: int) -> int:
    """Forget identifiers whose time is over; how many, at most `limit`."""
    return await forget(tx, "blocked_identifier", "kind, digest, merchant_id", "expires_at", clock.now(), limit)
