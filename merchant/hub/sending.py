"""What passes between the rules of payments and a hub when we send money: part of the port (hub/port.py)."""

from datetime import datetime

from msgspec import Struct

from merchant.core.money import Money


class QuoteAnswered(Struct, frozen=True, kw_only=True):
    """A payee's DFSP answers our own quote: so much leaves us, so much arrives (None: it does not say).

    `promise` goes into the transfer as it came, `lock` is what its proof must open; `problem` says what is wrong with
    them, where anything is.
    """

    quote_id: str
    leaves: Money
    arrives: Money | None
    promise: str
    lock: str
    problem: str | None
    expires_at: datetime


class AskQuote(Struct, frozen=True, kw_only=True):
    """What does it cost to give this money back? The merchant pays, and `amount` is to arrive in full.

    The same on every retry, so that a repeat is known as one.
    """

    quote_id: str
    transaction_id: str
    original_transaction_id: str
    reason: str
    alias_type: str
    alias: str
    trading_name: str
    mcc: str
    payee_type: str
    payee: str
    payee_fsp_id: str
    amount: Money
    expires_at: datetime


class SendTransfer(Struct, frozen=True, kw_only=True):
    """Move this money to the payee, as its DFSP promised. The same on every retry."""

    transfer_id: str
    payee_fsp_id: str
    amount: Money
    promise: str
    lock: str
    expires_at: datetime
