"""States of a transfer: the moves, what each state permits, and the locked row that settle.py moves.

The hub ends a transfer and may correct itself: money it called off may still arrive, never the other way round.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from msgspec import Struct

from merchant.core import sql
from merchant.core.db import Tx
from merchant.core.money import Money
from merchant.payments.states import LockedRequest


class TransferState(StrEnum):
    """States of a transfer, in the words of FSPIOP."""

    RESERVED = "RESERVED"
    COMMITTED = "COMMITTED"
    ABORTED = "ABORTED"


class TransferCapability(StrEnum):
    """What a state may permit."""

    BE_COMMITTED = "be_committed"
    BE_ABORTED = "be_aborted"
    MOVE_MONEY = "move_money"  # it is under way: the hub has not said how it ended
    USE_HEADROOM = "use_headroom"  # it counts in the merchant's limits, and its request takes no other transfer


_S, _C = TransferState, TransferCapability
MOVES: Mapping[TransferState, frozenset[TransferState]] = {
    _S.RESERVED: frozenset({_S.COMMITTED, _S.ABORTED}),
    _S.ABORTED: frozenset({_S.COMMITTED}),
    _S.COMMITTED: frozenset(),
}
CAPABILITIES: Mapping[TransferState, frozenset[TransferCapability]] = {
    _S.RESERVED: frozenset({_C.BE_COMMITTED, _C.BE_ABORTED, _C.MOVE_MONEY, _C.USE_HEADROOM}),
    _S.ABORTED: frozenset({_C.BE_COMMITTED}),
    _S.COMMITTED: frozenset({_C.USE_HEADROOM}),
}


def transfer_may(state: str, capability: TransferCapability) -> bool:
    """Whether a transfer in this state permits something."""
    return capability in CAPABILITIES[TransferState(state)]


# The states as SQL lists them.
UNDER_WAY = sql.literals(state for state in TransferState if transfer_may(state, _C.MOVE_MONEY))
COUNTED = sql.literals(state for state in TransferState if transfer_may(state, _C.USE_HEADROOM))


class LockedTransfer(Struct):
    """A transfer whose row this transaction has locked; settle.py keeps it in step with the row."""

    payer_fsp_id: str
    transfer_id: str
    dfsp_id: UUID
    merchant_id: UUID
    quote_id: str
    request_id: UUID | None
    state: str
    amount_minor: int
    currency: str
    usage_day: str
    expires_at: datetime
    reserved_at: datetime

    @property
    def amount(self) -> Money:
        """The amount under way."""
        return Money(self.amount_minor, self.currency)


_LOCK = sql.select(LockedTransfer, from_="transfer", where="transfer_id = $1 AND dfsp_id = $2", tail="FOR UPDATE")
_MONEY_UNDER_WAY = f"SELECT 1 FROM transfer WHERE request_id = $1 AND state IN {UNDER_WAY} LIMIT 1"  # noqa: S608


async def lock_transfer(tx: Tx, dfsp_id: UUID, transfer_id: str) -> LockedTransfer | None:
    """Lock a transfer to one of our DFSPs; None when there is none of this id."""
    row = await tx.fetchrow(_LOCK, transfer_id, dfsp_id)
    return None if row is None else sql.row(LockedTransfer, row)


async def money_under_way(tx: Tx, request: LockedRequest) -> bool:
    """Whether a transfer for this request is reserved and not yet ended."""
    return request.transfer_id is not None and bool(await tx.fetchval(_MONEY_UNDER_WAY, request.id))
