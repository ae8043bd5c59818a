"""The state of the simulated world, and the events that change it.

The state is rebuilt from the journal: `apply` is its only writer, live and at restart.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import msgspec

from merchant.hub.fspiop.messages import Party, TransfersPost, WireMoney

INBOX_LENGTH_MAX: Final = 100
Outcome = Literal["paid", "rejected", "ignored", "failed"]
Truth = Literal["RESERVED", "COMMITTED", "ABORTED"]
PhoneMessageKind = Literal["asked", "paid", "rejected", "failed", "refunded"]


class OwnKey(msgspec.Struct, frozen=True, tag=True):
    """A private key of one of this world's own FSPs."""

    fsp_id: str
    private_key_pem: str


class Fsp(msgspec.Struct, frozen=True, tag=True):
    """An acquiring DFSP: where its callbacks go and the key its signatures are checked with."""

    fsp_id: str
    callback_url: str
    public_key_pem: str


class Payer(msgspec.Struct, frozen=True, tag=True):
    """How one phone's owner behaves, as the control set it."""

    msisdn: str
    behaviour: str
    delay_s: float | None = None


class Attempt(msgspec.Struct, frozen=True, tag=True):
    """One payment that a payer's DFSP is asked to make; all its ids are fixed here, before the first message."""

    transaction_id: str
    quote_id: str
    transfer_id: str
    msisdn: str
    payer_fsp_id: str
    payee_fsp_id: str
    payee: Party
    amount: WireMoney
    note: str | None = None
    # Of a request to pay only:
    transaction_request_id: str | None = None
    request_hash: str | None = None
    expires_at: str | None = None
    # Of a scanned code only:
    qr_reference: str | None = None


class Returned(msgspec.Struct, frozen=True, tag=True):
    """A refund for which the customer's DFSP gave its promise; the shop is the payer."""

    transaction_id: str
    quote_id: str
    msisdn: str
    shop: Party
    amount: WireMoney
    refund_of: str  # the transaction that is given back


class AttemptClosed(msgspec.Struct, frozen=True, tag=True):
    """The payer's side is done with an attempt."""

    transaction_id: str
    outcome: Outcome


class Answered(msgspec.Struct, frozen=True, tag=True):
    """Whoever holds the phone said yes or no to a request that waited for it."""

    transaction_id: str
    accepts: bool


class TransferReserved(msgspec.Struct, frozen=True, tag=True):
    """The switch took a transfer: the payer's money is set aside."""

    transaction_id: str
    transfer: TransfersPost


class TransferSettled(msgspec.Struct, frozen=True, tag=True):
    """The switch decided; this is final."""

    transfer_id: str
    state: Literal["COMMITTED", "ABORTED"]
    completed_at: str
    fulfilment: str | None = None


class NoticeOwed(msgspec.Struct, frozen=True, tag=True):
    """The payee answered RESERVED, so the switch owes it a PATCH with the end."""

    transfer_id: str


class NoticeDelivered(msgspec.Struct, frozen=True, tag=True):
    """The payee answered 200 to the PATCH."""

    transfer_id: str


class PhoneMessage(msgspec.Struct, frozen=True, tag=True):
    """What a shopper reads on the phone."""

    msisdn: str
    at: str
    kind: PhoneMessageKind
    text: str
    transaction_id: str


Event = (
    OwnKey
    | Fsp
    | Payer
    | Attempt
    | Returned
    | AttemptClosed
    | Answered
    | TransferReserved
    | TransferSettled
    | NoticeOwed
    | NoticeDelivered
    | PhoneMessage
)


@dataclass
class LedgerEntry:
    """A transfer as the switch holds it."""

    transaction_id: str
    transfer: TransfersPost
    state: Truth = "RESERVED"
    completed_at: str | None = None
    fulfilment: str | None = None
    notice: Literal["none", "owed", "delivered"] = "none"


@dataclass
class World:
    """Everything known, by id."""

    own_keys: dict[str, str] = field(default_factory=dict)
    fsps: dict[str, Fsp] = field(default_factory=dict)
    payers: dict[str, Payer] = field(default_factory=dict)
    attempts: dict[str, Attempt] = field(default_factory=dict)
    attempt_of_request: dict[str, str] = field(default_factory=dict)
    returned: dict[str, Returned] = field(default_factory=dict)
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    answers: dict[str, bool] = field(default_factory=dict)
    ledger: dict[str, LedgerEntry] = field(default_factory=dict)
    inboxes: dict[str, deque[PhoneMessage]] = field(default_factory=dict)


def apply(world: World, event: Event) -> None:
    """Apply an event."""
    _APPLY[type(event)](world, event)


def _own_key(world: World, event: OwnKey) -> None:
    world.own_keys[event.fsp_id] = event.private_key_pem


def _fsp(world: World, event: Fsp) -> None:
    world.fsps[event.fsp_id] = event


def _payer(world: World, event: Payer) -> None:
    world.payers[event.msisdn] = event


def _attempt(world: World, event: Attempt) -> None:
    world.attempts[event.transaction_id] = event
    if event.transaction_request_id:
        world.attempt_of_request[event.transaction_request_id] = event.transaction_id


def _returned(world: World, event: Returned) -> None:
    world.returned[event.transaction_id] = event


def _attempt_closed(world: World, event: AttemptClosed) -> None:
    world.outcomes[event.transaction_id] = event.outcome


def _answered(world: World, event: Answered) -> None:
    world.answers[event.transaction_id] = event.accepts


def _transfer_reserved(world: World, event: TransferReserved) -> None:
    world.ledger[event.transfer.transfer_id] = LedgerEntry(event.transaction_id, event.transfer)


def _transfer_settled(world: World, event: TransferSettled) -> None:
    entry = world.ledger[event.transfer_id]
    assert entry.state == "RESERVED", "a transfer is settled once"
    entry.state, entry.completed_at, entry.fulfilment = event.state, event.completed_at, event.fulfilment


def _notice_owed(world: World, event: NoticeOwed) -> None:
    world.ledger[event.transfer_id].notice = "owed"


def _notice_delivered(world: World, event: NoticeDelivered) -> None:
    world.ledger[event.transfer_id].notice = "delivered"


def _phone_message(world: World, event: PhoneMessage) -> None:
    inbox = world.inboxes.setdefault(event.msisdn, deque(maxlen=INBOX_LENGTH_MAX))
    inbox.append(event)


_APPLY: dict[type, Callable[[World, Any], None]] = {
    OwnKey: _own_key,
    Fsp: _fsp,
    Payer: _payer,
    Attempt: _attempt,
    Returned: _returned,
    AttemptClosed: _attempt_closed,
    Answered: _answered,
    TransferReserved: _transfer_reserved,
    TransferSettled: _transfer_settled,
    NoticeOwed: _notice_owed,
    NoticeDelivered: _notice_delivered,
    PhoneMessage: _phone_message,
}
