"""What the hub's stored messages mean: one row a message kind, each worked on in one transaction with its job.

The worker calls `interpret` for every message that callbacks.py stored. A refusal (FspiopError) becomes a PUT to
/error in the same transaction, so interpreters refuse before they write.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final
from urllib.parse import unquote

import msgspec
import structlog

from merchant.core.db import Tx
from merchant.core.inbox import Message
from merchant.core.phone import InvalidNumber, Msisdn
from merchant.core.service import Service
from merchant.hub.fspiop.error_codes import FspiopError
from merchant.hub.fspiop.messages import (
    ErrorPut,
    PartiesPut,
    Party,
    PartyIdInfo,
    TransactionRequestsPut,
    decode,
    safe_party_name,
)
from merchant.payments import dispatch, outgoing, quotes, transfers
from merchant.payments.participants import HubConnection, HubConnections
from merchant.payments.settle import apply_bad_news, apply_payer_answer
from merchant.payments.states import lock_request

_log = structlog.get_logger()
Interpreter = Callable[[Tx, Service, HubConnection, Message], Awaitable[None]]


async def interpret(tx: Tx, service: Service, message: Message) -> None:
    """Act on a stored message. Raises transfers.NotYet when it came too early."""
    connection = await service.shared(HubConnections).connection(tx, message.destination)
    if connection is None:
        return
    is_error = message.path.endswith("/error")
    interpreter = _INTERPRETERS.get((message.method, message.resource, is_error))
    if interpreter is None:
        _log.info("message_without_meaning", method=message.method, resource=message.resource)
        return
    try:
        await interpreter(tx, service, connection, message)
    except FspiopError as refusal:
        if isinstance(refusal, quotes.AmountChanged):
            await quotes.fail_changed_amount(tx, refusal.request_id)
        await _refuse(tx, service, connection, message, refusal)


async def _refuse(tx: Tx, service: Service, connection: HubConnection, message: Message, refusal: FspiopError) -> None:
    """Tell the sender of a request; a bad answer is only logged, since nobody waits for ours."""
    if message.method not in ("GET", "POST"):
        _log.warning("answer_not_understood", resource=message.resource, code=refusal.code, why=refusal.description)
        return
    path = message.path.partition("?")[0]
    if message.method == "POST":
        path = f"/{message.resource}/{_own_id(message)}"
    await outgoing.refuse(tx, service, message, connection.dfsp_id, path, refusal.code, refusal.description)


# The field that names a posted resource.
_ID_FIELDS: Final = {
    "quotes": "quoteId",
    "transfers": "transferId",
    "transactionRequests": "transactionRequestId",
}


def _own_id(message: Message) -> str:
    return str(msgspec.json.decode(message.body).get(_ID_FIELDS[message.resource], ""))


async def tell_party(tx: Tx, service: Service, connection: HubConnection, message: Message) -> None:
    """GET /parties/{Type}/{ID}[/{SubId}]: who the merchant is."""
    parts = [unquote(part) for part in message.path.partition("?")[0].split("/")]
    alias_type, alias, sub_id = parts[2], parts[3], parts[4] if len(parts) > 4 else None
    shop = await quotes.find_shop(tx, connection.dfsp_id, alias_type, alias)
    if sub_id is not None and not await _is_open(tx, alias_type, alias, sub_id):
        raise FspiopError("3204", "This code is not open any more; ask the shop for a new one")
    party = Party(
        PartyIdInfo(alias_type, alias, sub_id, connection.fsp_id),
        merchant_classification_code=shop.mcc,
        name=safe_party_name(shop.trading_name, alias),
    )
    await outgoing.answer(tx, service, message, connection.dfsp_id, message.path.partition("?")[0], PartiesPut(party))


async def _is_open(tx: Tx, alias_type: str, alias: str, sub_id: str) -> bool:
    found = "SELECT 1 FROM open_reference WHERE alias_type = $1 AND alias = $2 AND sub_id = $3"
    return bool(await tx.fetchval(found, alias_type, alias, sub_id))


async def hear_party(tx: Tx, service: Service, connection: HubConnection, message: Message) -> None:
    """PUT /parties: where a payer whom we looked up has their account."""
    found = decode(PartiesPut, message.body).party.party_id_info
    fsp_id = found.fsp_id or message.source
    if fsp_id != message.source:
        raise FspiopError("3100", f"{message.source} cannot say that {fsp_id} has this account")
    payer = _payer_named(message)
    if payer is not None:
        await dispatch.payer_found(tx, service, connection, payer, fsp_id)


async def hear_no_party(tx: Tx, service: Service, connection: HubConnection, message: Message) -> None:
    """PUT /parties/…/error: the payer was not found."""
    error = decode(ErrorPut, message.body).error_information
    payer = _payer_named(message)
    if payer is not None:
        await dispatch.payer_not_found(tx, service, connection, payer, error.error_code, error.error_description)


def _payer_named(message: Message) -> Msisdn | None:
    """The payer of an answer to a look-up; None when it is no number, since only numbers are looked up."""
    try:
        return Msisdn.of(unquote(message.path.partition("?")[0].split("/")[3]))
    except InvalidNumber:
        return None


async def hear_payer(tx: Tx, _: Service, connection: HubConnection, message: Message) -> None:
    """PUT /transactionRequests/{id}: what the payer's DFSP says of our request."""
    said = decode(TransactionRequestsPut, message.body)
    request = await lock_request(tx, transaction_request_id=message.path.split("/")[2], dfsp_id=connection.dfsp_id)
    # Only the DFSP that was asked may answer for its customer.
    if request is not None and request.payer_fsp_id in (None, message.source):
        await apply_payer_answer(tx, request, said)


async def hear_request_error(tx: Tx, _: Service, connection: HubConnection, message: Message) -> None:
    """PUT /transactionRequests/{id}/error: from the payer's DFSP, or from a hub that could not reach it."""
    error = decode(ErrorPut, message.body).error_information
    request = await lock_request(tx, transaction_request_id=message.path.split("/")[2], dfsp_id=connection.dfsp_id)
    if request is not None:
        await apply_bad_news(tx, request, error.error_code, error.error_description, "hub_error")


async def _cannot_pay(_tx: Tx, _service: Service, _link: HubConnection, _message: Message) -> None:
    raise FspiopError("4102", "This participant acquires merchants; its customers cannot be asked to pay here")


async def _no_one_time_passwords(_tx: Tx, _service: Service, _link: HubConnection, _message: Message) -> None:
    raise FspiopError("2002", "Payers are not asked for one-time passwords here")


async def _unknown_request(_tx: Tx, _service: Service, _link: HubConnection, _message: Message) -> None:
    raise FspiopError("3206", "There is no such transaction request")


# (method, resource, whether the path ends in /error) → what it means. PUTs that answer nothing we ask are left out.
_INTERPRETERS: Mapping[tuple[str, str, bool], Interpreter] = {
    ("GET", "parties", False): tell_party,
    ("PUT", "parties", False): hear_party,
    ("PUT", "parties", True): hear_no_party,
    ("POST", "transactionRequests", False): _cannot_pay,
    ("GET", "transactionRequests", False): _unknown_request,
    ("PUT", "transactionRequests", False): hear_payer,
    ("PUT", "transactionRequests", True): hear_request_error,
    ("POST", "quotes", False): quotes.answer_quote,
    ("GET", "quotes", False): quotes.repeat_quote,
    ("GET", "authorizations", False): _no_one_time_passwords,
    ("POST", "transfers", False): transfers.answer_transfer,
    ("GET", "transfers", False): transfers.repeat_transfer,
    ("PUT", "transfers", False): transfers.hear_outcome,
    ("PUT", "transfers", True): transfers.hear_error,
    ("PATCH", "transfers", False): transfers.hear_outcome,
    ("PATCH", "transfers", True): transfers.hear_error,
}
