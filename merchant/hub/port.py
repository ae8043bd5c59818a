"""What passes between the rules of payments and a hub of any kind: values of our own, without codes or messages.

An adapter (hub/fspiop) turns what arrives into an `Event` and a `Say` into a message. Ids are the hub's own, as text;
amounts are minor units with a currency; instants are aware and in UTC.
"""

from datetime import datetime
from enum import StrEnum
from typing import Protocol

from msgspec import Struct

from merchant.core.money import Money
from merchant.hub.sending import AskQuote as AskQuote
from merchant.hub.sending import QuoteAnswered as QuoteAnswered
from merchant.hub.sending import SendTransfer as SendTransfer


class Refusal(StrEnum):
    """Why we refuse what a hub or a DFSP sent us."""

    MERCHANT_UNKNOWN = "merchant_unknown"
    CODE_CLOSED = "code_closed"  # the request of a dynamic QR code has ended
    MERCHANT_BLOCKED = "merchant_blocked"
    NOT_OUR_DFSP = "not_our_dfsp"  # the payee, or the addressee, is said to be another DFSP
    KIND_NOT_TAKEN = "kind_not_taken"  # a withdrawal, a deposit or a refund: merchants take payments
    CURRENCY_NOT_TAKEN = "currency_not_taken"
    OVER_LIMIT = "over_limit"
    REPEAT_CHANGED = "repeat_changed"  # an id that came before, with another content
    QUOTED_REQUEST_UNKNOWN = "quoted_request_unknown"
    QUOTE_NOT_WANTED = "quote_not_wanted"  # the request is not to be paid, or not with this amount
    QUOTE_UNKNOWN = "quote_unknown"
    QUOTE_EXPIRED = "quote_expired"
    TRANSFER_NOT_WANTED = "transfer_not_wanted"  # the request is not to be paid, or another transfer pays it
    TRANSFER_UNKNOWN = "transfer_unknown"
    TRANSFER_EXPIRED = "transfer_expired"
    AMOUNT_CHANGED = "amount_changed"
    PACKET_CHANGED = "packet_changed"
    REQUEST_UNKNOWN = "request_unknown"
    CANNOT_PAY = "cannot_pay"  # we are asked to pay, and acquire only
    NOT_ANSWERED_HERE = "not_answered_here"
    SENDER_NOT_HUB = "sender_not_hub"
    SENDER_NOT_ASKED = "sender_not_asked"
    BUSY = "busy"  # more is under way than can be worked off in time
    INVALID = "invalid"
    SIGNATURE = "signature"  # none, or none that holds


class MessageRefused(Exception):
    """A rule refuses a message; its sender is told the kind, as their wire says it, and one sentence."""

    def __init__(self, refusal: Refusal, description: str) -> None:
        super().__init__(f"{refusal} {description}")
        self.refusal = refusal
        self.description = description


class HubUnreachable(Exception):
    """No answer: refused, timed out or cut off. The message may or may not have arrived, unless it never left."""

    def __init__(self, reason: str, *, never_left: bool = False) -> None:
        super().__init__(reason)
        self.never_left = never_left


class Stored(StrEnum):
    """What of ours a message may name by its id."""

    QUOTE = "quote"
    TRANSFER = "transfer"
    REQUEST = "request"


class Addressee(Struct, frozen=True, kw_only=True):
    """What a message that names no destination tells of whom it is for: the DFSP itself, else the payee's type and
    number, else what we have stored and the hub's id of it, else nothing.
    """

    fsp_id: str | None = None
    alias: tuple[str, str] | None = None
    stored: tuple[Stored, str] | None = None


class PayerAnswer(StrEnum):
    """What the payer's DFSP says of a request to pay."""

    WAITING = "waiting"  # it has the request, or asks the payer now
    ACCEPTED = "accepted"
    REJECTED = "rejected"


class BadNews(StrEnum):
    """What an error from the hub, or from the payer's DFSP, means for a request to pay."""

    PAYER_REJECTED = "payer_rejected"
    PAYER_NOT_FOUND = "payer_not_found"
    PAYER_CANNOT_PAY = "payer_cannot_pay"
    PAYER_CURRENCY = "payer_currency"
    PAYER_LIMIT = "payer_limit"
    PAYER_NOT_PERMITTED = "payer_not_permitted"
    PAYER_BLOCKED = "payer_blocked"
    PAYER_DFSP_UNREACHABLE = "payer_dfsp_unreachable"
    PAYER_DFSP_UNSUPPORTED = "payer_dfsp_unsupported"
    PAYEE_REFUSED = "payee_refused"
    PAYEE_CURRENCY = "payee_currency"
    PAYEE_LIMIT = "payee_limit"
    PAYEE_BLOCKED = "payee_blocked"
    HUB_BUSY = "hub_busy"
    REQUEST_REFUSED = "request_refused"
    REQUEST_EXPIRED = "request_expired"


class PaymentKind(StrEnum):
    """What a quote is for."""

    PAYMENT = "payment"  # to a merchant, or a transfer between people, which a merchant's number may receive
    OTHER = "other"


class Outcome(StrEnum):
    """What the hub says became of a transfer."""

    COMMITTED = "committed"
    ABORTED = "aborted"
    OPEN = "open"  # not decided yet


# --- what a hub can say ----------------------------------------------------------------------------------------------


class PartyAsked(Struct, frozen=True):
    """Who has this number? `sub_id` is the reference of a dynamic QR code."""

    alias_type: str
    alias: str
    sub_id: str | None = None


class PayerFound(Struct, frozen=True):
    """A payer whom we looked up has an account at this DFSP. `payer` is a telephone number's digits."""

    payer: str
    fsp_id: str


class PayerNotFound(Struct, frozen=True):
    """Nobody knows a payer whom we looked up, or their DFSP cannot be reached."""

    payer: str
    news: BadNews
    detail: str


class RequestAnswered(Struct, frozen=True):
    """What the payer's DFSP says of a request to pay; `said` is the wire's own word, for the request's history."""

    hub_request_id: str
    answer: PayerAnswer
    said: str
    transaction_id: str | None = None  # the only id that a quote on an ISO 20022 hub names


class RequestFailed(Struct, frozen=True):
    """A request to pay cannot be paid, says the payer's DFSP, or a hub that could not reach it."""

    hub_request_id: str
    news: BadNews
    detail: str


class QuoteAsked(Struct, frozen=True, kw_only=True):
    """What would it cost to pay this number? `amount` is what would arrive, after the fees that the payer's DFSP keeps.

    `hints` are texts in which a payer may have written a reference; `content` tells this message from another with the
    same id; `answer_by` is until when the payer's DFSP waits.
    """

    quote_id: str
    transaction_id: str
    kind: PaymentKind
    hub_request_id: str | None
    alias_type: str
    alias: str
    sub_id: str | None
    payee_fsp_id: str | None
    payer_type: str
    payer: str
    amount: Money
    hints: tuple[str, ...]
    note: str | None
    answer_by: datetime | None
    content: bytes


class QuoteAskedAgain(Struct, frozen=True):
    """What did we answer to this quote?"""

    quote_id: str


class TransferPrepared(Struct, frozen=True, kw_only=True):
    """Money is reserved for one of our merchants. `lock` is what our quote's answer named; `problem` says what is wrong
    with the promise that comes with it, where anything is.
    """

    transfer_id: str
    payer_fsp_id: str
    payee_fsp_id: str
    amount: Money
    lock: str
    problem: tuple[Refusal, str] | None
    expires_at: datetime
    content: bytes


class TransferAskedAgain(Struct, frozen=True):
    """What became of this transfer, as we know it?"""

    transfer_id: str


class TransferEnded(Struct, frozen=True):
    """The hub's word on a transfer; `how` is the wire's own word for the way it came, for histories.

    `opens` is the lock that the proof in it opens, where it has a proof: the payee's DFSP shows it to a payer's.
    """

    transfer_id: str
    outcome: Outcome
    how: str
    opens: str | None = None


class TransferFailed(Struct, frozen=True):
    """The hub answers with an error about a transfer; `is_certain` when it says for certain that no money will move.

    `news` is what it means to whoever sends the money.
    """

    transfer_id: str
    is_certain: bool
    detail: str
    news: BadNews = BadNews.REQUEST_REFUSED


class QuoteFailed(Struct, frozen=True):
    """Our own quote is refused, by the payee's DFSP or by a hub that could not reach it."""

    quote_id: str
    news: BadNews
    detail: str


class Unanswerable(Struct, frozen=True):
    """A question that is refused whatever it asks."""

    refusal: Refusal
    description: str


Event = (
    PartyAsked
    | PayerFound
    | PayerNotFound
    | RequestAnswered
    | RequestFailed
    | QuoteAsked
    | QuoteAskedAgain
    | TransferPrepared
    | TransferAskedAgain
    | TransferEnded
    | TransferFailed
    | QuoteAnswered
    | QuoteFailed
    | Unanswerable
)


# --- what a hub is told ----------------------------------------------------------------------------------------------


class LookUpPayer(Struct, frozen=True):
    """Which DFSP has this payer?"""

    payer: str


class AskPayer(Struct, frozen=True, kw_only=True):
    """Ask this payer for the money. The same on every retry, so that the hub can tell a repeat."""

    hub_request_id: str
    alias_type: str
    alias: str
    trading_name: str
    mcc: str
    payer: str
    payer_fsp_id: str | None
    amount: Money
    note: str | None
    expires_at: datetime


class TellParty(Struct, frozen=True):
    """Who has this number: the answer to PartyAsked."""

    alias_type: str
    alias: str
    sub_id: str | None
    trading_name: str
    mcc: str


class AnswerQuote(Struct, frozen=True):
    """The quote's answer: this amount will arrive until then."""

    quote_id: str
    amount: Money
    expires_at: datetime


class AnswerTransfer(Struct, frozen=True):
    """We take the money, and prove that the quote was ours."""

    transfer_id: str
    at: datetime


class RepeatQuote(Struct, frozen=True):
    """The answer that a quote got, once more."""

    quote_id: str
    answer: bytes


class RepeatTransfer(Struct, frozen=True):
    """The answer that a transfer got, with the state that it has now."""

    transfer_id: str
    answer: bytes
    outcome: Outcome
    ended_at: datetime | None


class AskOutcome(Struct, frozen=True):
    """What became of this transfer?"""

    transfer_id: str


class Refuse(Struct, frozen=True):
    """No, and why."""

    refusal: Refusal
    description: str


Say = (
    LookUpPayer
    | AskPayer
    | TellParty
    | AnswerQuote
    | AnswerTransfer
    | RepeatQuote
    | RepeatTransfer
    | AskOutcome
    | AskQuote
    | SendTransfer
    | Refuse
)


class Participant(Protocol):
    """One of our DFSPs, as an adapter needs to know it."""

    @property
    def fsp_id(self) -> str: ...
    @property
    def ilp_secret(self) -> bytes: ...
    @property
    def transfer_mode(self) -> str: ...
