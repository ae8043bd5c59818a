"""Who a merchant is, asked by payers' DFSPs before anything else.

A pure decision. Which DFSP a payer has, asked by us, is in requests.py.
"""

from uuid import UUID

from merchant.hub.port import MessageRefused, PartyAsked, Refusal, TellParty
from merchant.payments.book import Book, Decision, OurDfsp, Request
from merchant.payments.states import has_ended
from merchant.registry.merchants.counters import CounterFacts
from merchant.registry.merchants.states import Capability, merchant_may


def find_payee(book: Book, dfsp: OurDfsp, alias_type: str, alias: str) -> CounterFacts:
    """The counter behind a number of one of our DFSPs. Raises MessageRefused."""
    counter = book.counters.get((dfsp.dfsp_id, alias_type, alias))
    if counter is None:
        raise MessageRefused(Refusal.MERCHANT_UNKNOWN, "No merchant has this identifier here")
    if not merchant_may(counter.state, Capability.TAKE_PAYMENT):
        raise MessageRefused(Refusal.MERCHANT_BLOCKED, "This merchant may not take payments now")
    return counter


def request_of_code(book: Book, counter_id: UUID, short_ref: str) -> Request | None:
    """The newest request of a counter whose code has this reference."""
    found = [request for request in book.requests_of_counter(counter_id) if request.short_ref == short_ref]
    return found[-1] if found else None


def code_closed() -> MessageRefused:
    """The request of a dynamic QR code has ended, or never was."""
    return MessageRefused(Refusal.CODE_CLOSED, "This code is not open any more; ask the shop for a new one")


def decide_party(book: Book, dfsp: OurDfsp, source: str, asked: PartyAsked) -> Decision:
    """The merchant behind a number. Raises MessageRefused."""
    counter = find_payee(book, dfsp, asked.alias_type, asked.alias)
    if asked.sub_id is not None:
        request = request_of_code(book, counter.counter_id, asked.sub_id)
        if request is None or has_ended(request.state):
            raise code_closed()
    decision = Decision()
    decision.say(
        TellParty(asked.alias_type, asked.alias, asked.sub_id, counter.trading_name, counter.mcc), to_fsp_id=source
    )
    return decision
