"""What passes between the rules of payments and a hub of any kind: values of our own, without codes or messages.

hub/fspiop translates both ways: `code_of` gives a refusal its code, `bad_news_of` gives a code its meaning.
"""

from enum import StrEnum

from msgspec import Struct


class Refusal(StrEnum):
    """Why we refuse what a hub or a DFSP sent us."""

    MERCHANT_UNKNOWN = "merchant_unknown"
    CODE_CLOSED = "code_closed"  # the request of a dynamic QR code has ended
    MERCHANT_BLOCKED = "merchant_blocked"
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
    INVALID = "invalid"


class MessageRefused(Exception):
    """A rule refuses a message; its sender is told the kind, as their wire says it, and one sentence."""

    def __init__(self, refusal: Refusal, description: str) -> None:
        super().__init__(f"{refusal} {description}")
        self.refusal = refusal
        self.description = description


class PayerAnswer(StrEnum):
    """What the payer's DFSP says of a request to pay."""

    WAITING = "waiting"  # it has the request, or asks the payer now
    ACCEPTED = "accepted"
    REJECTED = "rejected"


class RequestAnswered(Struct, frozen=True):
    """An answer to a request to pay; `said` is the wire's own word, for the request's history."""

    answer: PayerAnswer
    said: str
    transaction_id: str | None = None  # the only id that a quote on an ISO 20022 hub names


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
