"""Shapes of the JSON API of blocked merchants, which only the hub reads."""

from typing import Literal
from uuid import UUID

from msgspec import Struct

from merchant.compliance.cases.blocking.models import MerchantBlock
from merchant.compliance.cases.blocking.reasons import BlockReason
from merchant.core.http import json as web
from merchant.core.http.fields import Instant, ReasonText

BlockState = Literal["proposed", "blocked", "unblock_proposed", "ended"]


class NewBlock(Struct, frozen=True, forbid_unknown_fields=True):
    """Why a merchant is blocked: a code, and words for the hub's own record."""

    reason_code: BlockReason
    reason: ReasonText


class BlockView(Struct, frozen=True):
    """A block of a merchant: who of the hub proposed and confirmed it, and its end."""

    id: UUID
    merchant_id: UUID
    state: BlockState
    reason_code: BlockReason
    proposed_by: UUID
    proposed_at: Instant
    confirmed_by: UUID | None
    confirmed_at: Instant | None
    unblock_proposed_by: UUID | None
    unblock_proposed_at: Instant | None
    ended_by: UUID | None
    ended_at: Instant | None


def block_view(row: MerchantBlock) -> BlockView:
    """A block as the hub sees it."""
    return BlockView(
        id=row.id,
        merchant_id=row.merchant_id,
        state=_state_of(row),
        reason_code=BlockReason(row.reason_code),
        proposed_by=row.proposed_by,
        proposed_at=web.at(row.proposed_at),
        confirmed_by=row.confirmed_by,
        confirmed_at=web.at_or_none(row.confirmed_at),
        unblock_proposed_by=row.unblock_proposed_by,
        unblock_proposed_at=web.at_or_none(row.unblock_proposed_at),
        ended_by=row.ended_by,
        ended_at=web.at_or_none(row.ended_at),
    )


def _state_of(row: MerchantBlock) -> BlockState:
    if row.ended_at is not None:
        return "ended"
    if row.confirmed_at is None:
        return "proposed"
    return "blocked" if row.unblock_proposed_at is None else "unblock_proposed"
