"""Party look-ups: which DFSP a payer has, asked of the hub, and who a merchant is, asked by others.

A payer is looked up before anything is asked of them; the answer queues the transaction request (ask.py).
"""

from datetime import timedelta
from typing import Any
from urllib.parse import quote
from uuid import UUID

import structlog
from prometheus_client import Counter

from merchant.core import clock, evidence, outbox, trace
from merchant.core.db import Tx
from merchant.core.errors import Reason
from merchant.core.evidence import SecurityEvent
from merchant.core.inbox import Message
from merchant.core.phone import InvalidNumber, Msisdn
from merchant.core.service import Service
from merchant.core.texts import _
from merchant.hub.fspiop.client import OutgoingMessage
from merchant.hub.fspiop.error_codes import bad_news_of
from merchant.hub.fspiop.messages import ErrorPut, PartiesPut, Party, PartyIdInfo, decode, safe_party_name
from merchant.hub.fspiop.paths import read_path
from merchant.hub.port import MessageRefused, Refusal
from merchant.payments import outgoing
from merchant.payments.ask import ASK_TOPIC, fail_if_refused, read_asked, transmit_about
from merchant.payments.outgoing import Sender
from merchant.payments.participants import HubConnection
from merchant.payments.quotes import find_payee
from merchant.payments.requests import MSISDN
from merchant.payments.settle import apply_bad_news
from merchant.payments.states import RequestCapability, RequestState, lock_request, may, move, states_that_permit

# A hub answers a look-up within seconds; what comes later, or unasked, is nobody's answer.
ANSWERED_WITHIN = timedelta(minutes=2)
PAYER_AMBIGUOUS = Reason(
    "payer_ambiguous",
    _("Two banks or wallets say that they have this customer; nobody was asked. Let the customer scan the code."),
)
# IS TRUE keeps the planner from the index on DFSPs, which it takes when it has no statistics of a new database yet, and
# then reads every request of the DFSP.
_OF_PAYER = "payer_digest = ANY($1) AND (dfsp_id = $2) IS TRUE"
_WAITING = f"""
{_OF_PAYER} AND payer_fsp_id IS NULL AND looked_up_at > $3
  AND state IN {states_that_permit(RequestCapability.LOOK_UP_PAYER)}
"""
_WAITING_FOR_PAYER = f"SELECT id FROM payment_request WHERE {_WAITING} ORDER BY id LIMIT 100"  # noqa: S608 - constants
_JOB = outbox.job_cte(
    "FROM waiting",
    topic="$5",
    dfsp_id="$2",
    payload=outbox.json_payload(request_id="id"),
    moved="$6",
    traceparent="$7",
)
_FOUND = f"""
WITH waiting AS (
  UPDATE payment_request SET payer_fsp_id = $4 WHERE {_WAITING} RETURNING id),
{_JOB}
SELECT
"""  # noqa: S608 - constants
# A statement of its own: it must see an answer that another transaction took at the same time.
_LOOKED_UP = f"""
SELECT id, payer_fsp_id FROM payment_request WHERE {_OF_PAYER} AND looked_up_at > $3 ORDER BY id DESC LIMIT 100
"""  # noqa: S608 - constants
# A party that no request looked up is what `merchant hub test` asks about; its answer changes nothing.
_ONCE_LOOKED_UP = f"SELECT 1 FROM payment_request WHERE {_OF_PAYER} LIMIT 1"  # noqa: S608 - constants
_contradicted = Counter(
    "merchant_payer_contradictions",
    "Look-ups of a payer that two DFSPs answered, by whether the payer had been asked.",
    ["asked"],
)
_log = structlog.get_logger()


async def look_up_payer(sender: Sender, request_id: UUID) -> None:
    """GET /parties: which DFSP has the payer? The answer comes as PUT /parties (receive_party)."""
    found = await read_asked(sender, request_id, RequestCapability.LOOK_UP_PAYER)
    if found is None:
        return
    asked, payer, connection = found
    async with sender.service.db.system_statements() as tx:
        # Before the question leaves: its answer may overtake the hub's 202.
        await tx.execute("UPDATE payment_request SET looked_up_at = $2 WHERE id = $1", request_id, clock.now())
    message = OutgoingMessage("GET", f"/parties/{MSISDN}/{quote(payer)}", connection.fsp_id)
    result = await transmit_about(sender, asked, connection, message)
    await fail_if_refused(sender, request_id, result, "look_up_refused")


async def receive_party(tx: Tx, service: Service, connection: HubConnection, message: Message) -> None:
    """PUT /parties: where a payer whom we looked up has their account. Every request that waits for it is asked.

    A second answer that names another DFSP ends what has not been asked yet, since either may be the liar.
    """
    party = decode(PartiesPut, message.body).party.party_id_info
    fsp_id = party.fsp_id or message.source
    if fsp_id != message.source:
        raise MessageRefused(Refusal.SENDER_NOT_ASKED, f"{message.source} cannot say that {fsp_id} has this account")
    payer = _payer_of(message)
    if payer is None:
        return
    about = (payer.payer_digests(service.vault), connection.dfsp_id, clock.now() - ANSWERED_WITHIN)
    await tx.execute(_FOUND, *about, fsp_id, ASK_TOPIC, clock.moved(), trace.traceparent())
    looked_up = await tx.fetch(_LOOKED_UP, *about)
    if not looked_up and await tx.fetchval(_ONCE_LOOKED_UP, *about[:2]):
        raise MessageRefused(Refusal.INVALID, "This party was not looked up lately")
    for row in looked_up:
        if row["payer_fsp_id"] not in (None, fsp_id):
            await _contradict(tx, service, row["id"], fsp_id)


async def _contradict(tx: Tx, service: Service, request_id: UUID, fsp_id: str) -> None:
    """Another DFSP says that it has a payer who was found before: fail closed, or raise the alarm when it is too
    late for that.
    """
    request = await lock_request(tx, request_id=request_id)
    if request is None or request.payer_fsp_id == fsp_id:
        return
    asked = not may(request.state, RequestCapability.ASK_PAYER)
    if not asked:
        detail = f"{request.payer_fsp_id}, {fsp_id}"
        await move(tx, request, RequestState.FAILED, "payer_ambiguous", reason=PAYER_AMBIGUOUS, detail=detail)
    elif not may(request.state, RequestCapability.EXPIRE):
        return
    _contradicted.labels("yes" if asked else "no").inc()
    about: dict[str, Any] = {"fsp_source": fsp_id, "found_at": request.payer_fsp_id, "asked": str(asked)}
    _log.error("payer_contradicted", request_id=str(request_id), **about)
    evidence.note(service, SecurityEvent.MESSAGE_REFUSED, subject=str(request_id), **about)


async def receive_party_error(tx: Tx, service: Service, connection: HubConnection, message: Message) -> None:
    """PUT /parties/…/error: nobody knows this payer, or their DFSP cannot be reached.

    Nothing was asked of anyone, so no money can move: the requests that wait fail.
    """
    error = decode(ErrorPut, message.body).error_information
    payer = _payer_of(message)
    if payer is None:
        return
    since = clock.now() - ANSWERED_WITHIN
    for row in await tx.fetch(_WAITING_FOR_PAYER, payer.payer_digests(service.vault), connection.dfsp_id, since):
        request = await lock_request(tx, request_id=row["id"])
        if request is not None and may(request.state, RequestCapability.LOOK_UP_PAYER):
            await apply_bad_news(
                tx,
                request,
                bad_news_of(error.error_code),
                f"{error.error_code} {error.error_description}",
                "look_up_failed",
            )


def _payer_of(message: Message) -> Msisdn | None:
    """The payer whom an answer to a look-up names; None for anything but a number, since only numbers are looked up."""
    ids = read_path(message.method, message.path).ids
    try:
        return Msisdn.of(ids[1]) if ids[0] == MSISDN and len(ids) == 2 else None
    except InvalidNumber:
        return None


async def answer_look_up(tx: Tx, service: Service, connection: HubConnection, message: Message) -> None:
    """GET /parties/{Type}/{ID}[/{SubId}]: who the merchant is."""
    alias_type, alias, *more = read_path(message.method, message.path).ids
    sub_id = more[0] if more else None
    payee = await find_payee(tx, connection.dfsp_id, alias_type, alias)
    if sub_id is not None and not await _is_open(tx, alias_type, alias, sub_id):
        raise MessageRefused(Refusal.CODE_CLOSED, "This code is not open any more; ask the shop for a new one")
    party = Party(
        PartyIdInfo(alias_type, alias, sub_id, connection.fsp_id),
        merchant_classification_code=payee.mcc,
        name=safe_party_name(payee.trading_name, alias),
    )
    await outgoing.answer(tx, service, message, connection.dfsp_id, message.path, PartiesPut(party))


async def _is_open(tx: Tx, alias_type: str, alias: str, sub_id: str) -> bool:
    found = "SELECT 1 FROM open_reference WHERE alias_type = $1 AND alias = $2 AND sub_id = $3"
    return bool(await tx.fetchval(found, alias_type, alias, sub_id))
