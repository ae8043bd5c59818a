"""Party look-ups: which DFSP a payer has, asked of the hub, and who a merchant is, asked by others.

A payer is looked up before anything is asked of them; the answer queues the transaction request (ask.py).
"""

from urllib.parse import quote, unquote
from uuid import UUID

from merchant.core import clock, outbox, trace
from merchant.core.db import Tx
from merchant.core.inbox import Message
from merchant.core.phone import InvalidNumber, Msisdn
from merchant.core.service import Service
from merchant.hub.fspiop.client import OutgoingMessage
from merchant.hub.fspiop.error_codes import FspiopError
from merchant.hub.fspiop.messages import ErrorPut, PartiesPut, Party, PartyIdInfo, decode, safe_party_name
from merchant.payments import outgoing
from merchant.payments.ask import ASK_TOPIC, fail_if_refused, read_asked
from merchant.payments.outgoing import Sender, transmit
from merchant.payments.participants import HubConnection
from merchant.payments.quotes import find_payee
from merchant.payments.requests import MSISDN
from merchant.payments.settle import apply_bad_news
from merchant.payments.states import RequestCapability, lock_request, may, states_that_permit

_WAITING = f"""
payer_digest = ANY($1) AND dfsp_id = $2 AND payer_fsp_id IS NULL
  AND state IN {states_that_permit(RequestCapability.LOOK_UP_PAYER)}
"""
_WAITING_FOR_PAYER = f"SELECT id FROM payment_request WHERE {_WAITING} ORDER BY id LIMIT 100"  # noqa: S608 - constants
_JOB = outbox.job_cte(
    "FROM waiting",
    topic="$4",
    dfsp_id="$2",
    payload=outbox.json_payload(request_id="id"),
    now="$5",
    traceparent="$6",
)
_FOUND = f"""
WITH waiting AS (
  UPDATE payment_request SET payer_fsp_id = $3 WHERE {_WAITING} RETURNING id),
{_JOB}
SELECT
"""  # noqa: S608 - constants


async def look_up_payer(sender: Sender, request_id: UUID) -> None:
    """GET /parties: which DFSP has the payer? The answer comes as PUT /parties (receive_party)."""
    found = await read_asked(sender, request_id, RequestCapability.LOOK_UP_PAYER)
    if found is None:
        return
    _, payer, connection = found
    message = OutgoingMessage("GET", f"/parties/{MSISDN}/{quote(payer)}", connection.fsp_id)
    result = await transmit(sender, connection, message)
    await fail_if_refused(sender, request_id, result, "look_up_refused")


async def receive_party(tx: Tx, service: Service, connection: HubConnection, message: Message) -> None:
    """PUT /parties: where a payer whom we looked up has their account. Every request that waits for it is asked."""
    party = decode(PartiesPut, message.body).party.party_id_info
    fsp_id = party.fsp_id or message.source
    if fsp_id != message.source:
        raise FspiopError("3100", f"{message.source} cannot say that {fsp_id} has this account")
    payer = _payer_of(message)
    if payer is not None:
        digests = payer.payer_digests(service.vault)
        now = clock.now()
        await tx.execute(_FOUND, digests, connection.dfsp_id, fsp_id, ASK_TOPIC, now, trace.traceparent())


async def receive_party_error(tx: Tx, service: Service, connection: HubConnection, message: Message) -> None:
    """PUT /parties/…/error: nobody knows this payer, or their DFSP cannot be reached.

    Nothing was asked of anyone, so no money can move: the requests that wait fail.
    """
    error = decode(ErrorPut, message.body).error_information
    payer = _payer_of(message)
    if payer is None:
        return
    for row in await tx.fetch(_WAITING_FOR_PAYER, payer.payer_digests(service.vault), connection.dfsp_id):
        request = await lock_request(tx, request_id=row["id"])
        if request is not None and may(request.state, RequestCapability.LOOK_UP_PAYER):
            await apply_bad_news(tx, request, error.error_code, error.error_description, "look_up_failed")


def _payer_of(message: Message) -> Msisdn | None:
    """The payer whom an answer to a look-up names; None for anything but a number, since only numbers are looked up."""
    try:
        return Msisdn.of(unquote(message.path.partition("?")[0].split("/")[3]))
    except InvalidNumber:
        return None


async def answer_look_up(tx: Tx, service: Service, connection: HubConnection, message: Message) -> None:
    """GET /parties/{Type}/{ID}[/{SubId}]: who the merchant is."""
    path = message.path.partition("?")[0]
    parts = [unquote(part) for part in path.split("/")]
    alias_type, alias, sub_id = parts[2], parts[3], parts[4] if len(parts) > 4 else None
    payee = await find_payee(tx, connection.dfsp_id, alias_type, alias)
    if sub_id is not None and not await _is_open(tx, alias_type, alias, sub_id):
        raise FspiopError("3204", "This code is not open any more; ask the shop for a new one")
    party = Party(
        PartyIdInfo(alias_type, alias, sub_id, connection.fsp_id),
        merchant_classification_code=payee.mcc,
        name=safe_party_name(payee.trading_name, alias),
    )
    await outgoing.answer(tx, service, message, connection.dfsp_id, path, PartiesPut(party))


async def _is_open(tx: Tx, alias_type: str, alias: str, sub_id: str) -> bool:
    found = "SELECT 1 FROM open_reference WHERE alias_type = $1 AND alias = $2 AND sub_id = $3"
    return bool(await tx.fetchval(found, alias_type, alias, sub_id))
