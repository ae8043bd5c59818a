"""What happens inside the house and changes a payment: the hub took or refused a message of ours, or time passed."""

from uuid import UUID

from msgspec import Struct

from merchant.hub.port import BadNews


class Inside(Struct, frozen=True):
    """What no message of the hub brings."""


class LookUpTaken(Inside, frozen=True):
    """The hub took the look-up of a request's payer."""

    request_id: UUID


class QuestionTaken(Inside, frozen=True):
    """The hub took the question to a request's payer."""

    request_id: UUID


class NotTaken(Inside, frozen=True):
    """The hub refused either in its answer; `cause` is for the history."""

    request_id: UUID
    news: BadNews
    detail: str
    cause: str


class AnswerTaken(Inside, frozen=True):
    """The hub took our answer to a transfer, and commits what it has taken."""

    transfer_id: str


class RefundTaken(Inside, frozen=True):
    """The hub took a message of ours about a refund."""

    refund_id: UUID


class RefundNotTaken(Inside, frozen=True):
    """The hub refused a message of ours about a refund in its answer."""

    refund_id: UUID
    detail: str


class RefundDue(Inside, frozen=True):
    """A refund's time has come: to be asked about again, or to be given up."""

    refund_id: UUID
    fsp_id: str


class RequestDue(Inside, frozen=True):
    """A request's time is over."""

    request_id: UUID


class TransferSilent(Inside, frozen=True):
    """The hub has not said in time how a transfer to one of our DFSPs ended."""

    transfer_id: str
    fsp_id: str
