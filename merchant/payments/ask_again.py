"""Asking again: the same demand to the same customer as a new request, which takes the earlier one's place.

Of requests that took each other's place one is open at most, and none of them is put again once one was paid.
"""

from uuid import UUID

from merchant.core import clock, errors
from merchant.core.access import Actor
from merchant.core.db import Tx
from merchant.core.phone import Msisdn
from merchant.core.service import Service
from merchant.core.texts import _
from merchant.payments.book import Request
from merchant.payments.book_loading import empty_book, load_book
from merchant.payments.needs import Needs
from merchant.payments.operations import NewRequest, create_request, own_request, save
from merchant.payments.problems import BeingPaid
from merchant.payments.requests import HasEnded, MoneyUnderWay, decide_ask_again

# The request, those whose place it took, and those that took its place: in the order in which they were made, which is
# that of their ids. A successor is always made just then: no chain is a circle.
_IN_LANE = "/*distributed: AND p.dfsp_id = $lane*/"
_CHAIN = f"""
WITH RECURSIVE earlier (id) AS (
  SELECT p.id FROM payment_request p WHERE p.id = $1 {_IN_LANE}
  UNION ALL SELECT p.id FROM earlier JOIN payment_request p ON p.successor_id = earlier.id {_IN_LANE}),
later (id, successor_id) AS (
  SELECT p.id, p.successor_id FROM payment_request p WHERE p.id = $1 {_IN_LANE}
  UNION ALL SELECT p.id, p.successor_id FROM later JOIN payment_request p ON p.id = later.successor_id {_IN_LANE})
SELECT id FROM earlier UNION SELECT id FROM later ORDER BY id
"""  # noqa: S608 - constants
_SUCCEED = f"UPDATE payment_request p SET successor_id = $2 WHERE p.id = $1 {_IN_LANE}"  # noqa: S608 - constants


async def ask_again(tx: Tx, service: Service, actor: Actor, request_id: UUID, channel: str = "api") -> Request:
    """Put the same demand to the same customer again: a new request with counter, payer, amount, reference and note of
    an earlier one, which ends where it is open; or the request that took its place before, while that is open.

    Raises NotFound, WrongState when one of them was paid, is being paid or is in doubt, and what create_request raises.
    """
    now = clock.now()
    tx.enter_lane(actor.own_dfsp())
    book, asked = await empty_book(service, now), list[Request]()
    # Whoever presses at the same time waits for the last one's lock, and then finds what was made meanwhile.
    while (chain := [row["id"] for row in await tx.fetch(_CHAIN, request_id)]) != [one.id for one in asked]:
        book = await load_book(tx, service, Needs(request_ids=set(chain)), now)
        asked = [book.requests[one] for one in chain]
    request = own_request(actor, book.requests.get(request_id))
    try:
        decision, open_one = decide_ask_again(book, asked, request, now)
    except HasEnded as ended:
        raise errors.WrongState(_("A request that is {state} cannot be asked again.", state=ended.state)) from None
    except MoneyUnderWay:
        raise BeingPaid from None
    if open_one is not None:
        return open_one
    await save(tx, decision, now)
    again = NewRequest(
        counter_id=request.counter_id,
        amount=request.amount,
        payer=Msisdn(request.payer) if request.payer is not None else None,
        reference=request.reference,
        note=request.note,
        channel=channel,
    )
    made = await create_request(tx, service, actor, again)
    await tx.execute(_SUCCEED, asked[-1].id, made.id)
    return made
