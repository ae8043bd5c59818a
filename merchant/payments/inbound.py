"""The hub's stored messages: a table of the handler of each, run in one transaction with the message's job.

The worker calls `interpret` for every message that callbacks.py stored. A refusal (MessageRefused) becomes a PUT to
/error in the same transaction, so handlers refuse before they write.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import msgspec
import structlog

from merchant.core.db import Tx
from merchant.core.inbox import Message
from merchant.core.service import Service
from merchant.hub.fspiop.error_codes import FspiopError, error_of
from merchant.hub.fspiop.paths import read_path
from merchant.hub.port import MessageRefused, Refusal
from merchant.payments import ask, outgoing, parties, quotes, transfers
from merchant.payments.participants import HubConnection, HubConnections
from merchant.payments.refusals import At, Refusals

_log = structlog.get_logger()
Handler = Callable[[Tx, Service, HubConnection, Message], Awaitable[None]]


async def interpret(tx: Tx, service: Service, message: Message) -> None:
    """Act on a stored message. Raises transfers.NotYet when it came too early."""
    connection = await service.shared(HubConnections).connection(tx, message.destination)
    if connection is None:
        return
    # Messages that the release before stored may still have their query.
    message = msgspec.structs.replace(message, path=message.path.partition("?")[0])
    try:
        place = read_path(message.method, message.path)
        handler = _HANDLERS.get((message.method, place.resource, place.is_error))
        if handler is None:
            _log.info("message_without_handler", method=message.method, resource=message.resource)
            return
        await handler(tx, service, connection, message)
    except MessageRefused as refused:
        await _refuse(tx, service, connection, message, error_of(refused))
    except FspiopError as unreadable:
        await _refuse(tx, service, connection, message, unreadable)


async def _refuse(tx: Tx, service: Service, connection: HubConnection, message: Message, error: FspiopError) -> None:
    """Tell the sender of a request; of a bad answer only our own people learn, since nobody waits for ours."""
    at: At = "request" if message.method in ("GET", "POST") else "answer"
    service.shared(Refusals).note(
        at,
        error.code,
        error.description,
        method=message.method,
        resource=message.resource,
        fsp_source=message.source,
        fsp_destination=message.destination,
    )
    if at == "answer":
        return
    path = message.path
    if message.method == "POST":
        path = f"/{message.resource}/{_own_id(message)}"
    await outgoing.refuse(tx, service, message, connection.dfsp_id, path, error)


# The field that names a posted resource.
_ID_FIELDS: Final = {
    "quotes": "quoteId",
    "transfers": "transferId",
    "transactionRequests": "transactionRequestId",
}


def _own_id(message: Message) -> str:
    return str(msgspec.json.decode(message.body).get(_ID_FIELDS[message.resource], ""))


async def _cannot_pay(_tx: Tx, _service: Service, _connection: HubConnection, _message: Message) -> None:
    raise MessageRefused(
        Refusal.CANNOT_PAY, "This participant acquires merchants; its customers cannot be asked to pay here"
    )


async def _no_one_time_passwords(_tx: Tx, _service: Service, _connection: HubConnection, _message: Message) -> None:
    raise MessageRefused(Refusal.NOT_ANSWERED_HERE, "Payers are not asked for one-time passwords here")


async def _not_told(_tx: Tx, _service: Service, _connection: HubConnection, _message: Message) -> None:
    raise MessageRefused(Refusal.NOT_ANSWERED_HERE, "This is not answered here")


async def _unknown_request(_tx: Tx, _service: Service, _connection: HubConnection, _message: Message) -> None:
    raise MessageRefused(Refusal.REQUEST_UNKNOWN, "There is no such transaction request")


# (method, resource, whether the path ends in /error) → its handler. A PUT that answers nothing we ask has none.
_HANDLERS: Mapping[tuple[str, str, bool], Handler] = {
    ("GET", "parties", False): parties.answer_look_up,
    ("PUT", "parties", False): parties.receive_party,
    ("PUT", "parties", True): parties.receive_party_error,
    ("GET", "participants", False): _not_told,
    ("GET", "transactions", False): _not_told,
    ("POST", "transactionRequests", False): _cannot_pay,
    ("GET", "transactionRequests", False): _unknown_request,
    ("PUT", "transactionRequests", False): ask.receive_answer,
    ("PUT", "transactionRequests", True): ask.receive_error,
    ("POST", "quotes", False): quotes.answer_quote,
    ("GET", "quotes", False): quotes.repeat_quote,
    ("GET", "authorizations", False): _no_one_time_passwords,
    ("POST", "transfers", False): transfers.answer_transfer,
    ("GET", "transfers", False): transfers.repeat_transfer,
    ("PUT", "transfers", False): transfers.receive_outcome,
    ("PUT", "transfers", True): transfers.receive_error,
    ("PATCH", "transfers", False): transfers.receive_outcome,
    ("PATCH", "transfers", True): transfers.receive_error,
}
