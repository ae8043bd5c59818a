"""The book in memory: what a batch needs, out of a book that holds everything; the same keys as book_loading.py."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from merchant.payments.book import Book, OurDfsp, Request
from merchant.payments.limits import periods
from merchant.payments.needs import Needs, add_needs
from merchant.payments.refunds.values import Refund
from merchant.payments.requests import ANSWERED_WITHIN
from merchant.payments.states import CLOSED


def load(everything: Book, found: Iterable[tuple[Any, Any, OurDfsp | None, str, bool]], now: datetime) -> Book:
    """A book of what these events look at and of nothing else, so that a need that is missing shows."""
    needs = Needs()
    for _job, event, dfsp, source, _is_hub in found:
        add_needs(needs, event, dfsp, source)
    return load_needs(everything, needs, now)


def load_needs(everything: Book, needs: Needs, now: datetime) -> Book:
    """As book_loading.load_book."""
    book = Book(everything.rules, everything.policies)
    for place in needs.places:
        if place in everything.counters:
            counter = book.counters[place] = everything.counters[place]
            book.merchants[counter.merchant_id] = everything.merchants[counter.merchant_id]
    _load_transfers_and_quotes(everything, book, needs)
    for request in _requests(everything, book, needs, now):
        book.put_request(request)
        if request.transfer_id is not None:
            for transfer in everything.transfers_of(request.id):
                _put_transfer(everything, book, transfer.transfer_id)
        if request.expires_at <= now:
            for quote in everything.quotes_of(request.id):
                book.put_quote(quote)
    for dfsp_id, payer in needs.payers:
        if not book.requests_of_payer(dfsp_id, payer) and everything.requests_of_payer(dfsp_id, payer):
            book.once_looked_up.add((dfsp_id, payer))
    _load_used(everything, book, needs)
    _load_refunds(everything, book, needs)
    return book


def _put_transfer(everything: Book, book: Book, transfer_id: str) -> None:
    transfer = everything.transfers.get(transfer_id)
    if transfer is not None:
        book.put_transfer(transfer)
        book.merchants[transfer.merchant_id] = everything.merchants[transfer.merchant_id]
        book.loaded_transfers[transfer_id] = transfer.state


def _load_transfers_and_quotes(everything: Book, book: Book, needs: Needs) -> None:
    for transfer_id in needs.transfer_ids:
        _put_transfer(everything, book, transfer_id)
    by_lock = [quote for lock in needs.locks for quote in everything.quotes_with_lock(lock)]
    for quote in by_lock:
        used_up = everything.transfer_of_quote(quote)
        if used_up is not None:
            _put_transfer(everything, book, used_up.transfer_id)
    keys = needs.quotes | {(one.payer_fsp_id, one.quote_id) for one in book.transfers.values()}
    for quote in [*by_lock, *(everything.quotes[key] for key in keys if key in everything.quotes)]:
        book.put_quote(quote)
        book.merchants[quote.merchant_id] = everything.merchants[quote.merchant_id]


def _load_refunds(everything: Book, book: Book, needs: Needs) -> None:
    wanted = needs.refund_quotes | (needs.refund_transfers - book.transfers.keys())
    for refund in everything.refunds.values() if wanted else ():
        if refund.quote_id in wanted or refund.transfer_id in wanted:
            _put_refund(everything, book, refund)
    for refund_id in needs.refund_ids:
        if refund_id in everything.refunds:
            _put_refund(everything, book, everything.refunds[refund_id])


def _put_refund(everything: Book, book: Book, refund: Refund) -> None:
    book.put_refund(refund)
    book.merchants[refund.merchant_id] = everything.merchants[refund.merchant_id]


def _requests(everything: Book, book: Book, needs: Needs, now: datetime) -> list[Request]:
    wanted = set(needs.request_ids)
    wanted |= {one.request_id for one in book.transfers.values() if one.request_id is not None}
    wanted |= {one.request_id for one in book.quotes.values() if one.request_id is not None and one.lock in needs.locks}
    found = {one: everything.requests[one] for one in wanted if one in everything.requests}
    for hub_request_id in needs.hub_request_ids:
        request = everything.request_by_its_hub_id(hub_request_id)
        if request is not None:
            found[request.id] = request
    for dfsp_id, payer in needs.payers:
        for request in everything.requests_of_payer(dfsp_id, payer)[-100:]:
            if request.looked_up_at is not None and request.looked_up_at > now - ANSWERED_WITHIN:
                found[request.id] = request
    for request in _of_counters(everything, book, needs):
        found[request.id] = request
    return [found[one] for one in sorted(found)]


def _of_counters(everything: Book, book: Book, needs: Needs) -> list[Request]:
    found: list[Request] = []
    for place, short_ref in needs.codes:
        if place in book.counters:
            of_counter = everything.requests_of_counter(book.counters[place].counter_id)
            found += [one for one in of_counter if one.short_ref == short_ref][-1:]
    for place, transaction_id in needs.transactions:
        if place in book.counters:
            of_counter = everything.requests_of_counter(book.counters[place].counter_id)
            found += [one for one in of_counter if one.transaction_id == transaction_id]
    for place, words, amount in needs.hints:
        if place in book.counters:
            of_counter = everything.requests_of_counter(book.counters[place].counter_id)
            found += [
                one
                for one in of_counter
                if one.state not in CLOSED
                and one.amount == amount
                and (one.short_ref in words or one.reference in words)
            ][:1]
    return found


def _load_used(everything: Book, book: Book, needs: Needs) -> None:
    merchants = {book.counters[place].merchant_id for place in needs.headroom_of_places if place in book.counters}
    merchants |= {one.merchant_id for one in book.quotes.values() if one.lock in needs.headroom_of_locks}
    for merchant_id in merchants:
        group_id = book.merchants[merchant_id].group_id
        for period in periods(book.rules.day):
            if (group_id, period) in everything.used:
                book.used[group_id, period] = dict(everything.used[group_id, period])
