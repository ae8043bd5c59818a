"""The switch: look-ups, and the transfers, with the ledger of record.

A transfer is reserved when the payer's DFSP sends it, committed when the payee's fulfilment opens the
condition in time, aborted otherwise. A payee that answered RESERVED is owed a PATCH with the end.
"""

import asyncio
from typing import Final, Literal

import structlog

from merchant.demo.simulator.behaviours import MSISDN, Plan, behaviour_of, plan_of
from merchant.demo.simulator.link import NoAnswer, ask, deliver, resolve, send_once
from merchant.demo.simulator.simulation import Simulation, seconds_until, wire_time
from merchant.demo.simulator.world import LedgerEntry, NoticeDelivered, NoticeOwed, TransferReserved, TransferSettled
from merchant.hub.fspiop import ilp
from merchant.hub.fspiop.client import OutgoingMessage
from merchant.hub.fspiop.error_codes import FspiopError, meaning_of
from merchant.hub.fspiop.messages import (
    ParticipantsPut,
    PartiesPut,
    Party,
    PartyIdInfo,
    TransfersPatch,
    TransfersPost,
    TransfersPut,
    encode,
    encode_error,
)

# The Account Lookup Service writes its own callbacks in 2.0, whatever the request asked for.
LOOKUP_VERSION: Final = "2.0"

_log = structlog.get_logger()


# --- look-ups ------------------------------------------------------------------------------------------------


def home_of(sim: Simulation, msisdn: str) -> str:
    """The payer DFSP of a number: its last digit but one decides, so that each behaviour exists at each."""
    fsp_ids = sim.config.payer_fsp_ids
    return fsp_ids[int(msisdn[-2]) % len(fsp_ids)]


def find_payer(sim: Simulation, party_type: str, party_id: str) -> Party | None:
    """The customer behind a look-up, None when the hub knows no such number."""
    if party_type != "MSISDN" or not MSISDN.match(party_id) or behaviour_of(sim.world, party_id) == "unknown":
        return None
    return customer(sim, party_id)


def customer(sim: Simulation, msisdn: str) -> Party:
    """A phone's owner as their DFSP names them."""
    return Party(PartyIdInfo("MSISDN", msisdn, None, home_of(sim, msisdn)), name=f"Customer {msisdn[-4:]}")


async def answer_lookup(
    sim: Simulation, path: str, resource: str, asker: str, found: Party | None, version: str
) -> None:
    """Call back on a look-up's own path: the payer's DFSP tells who, the hub tells where or that nobody is."""
    source, answer_version = sim.config.hub_fsp_id, LOOKUP_VERSION
    if found is None or found.party_id_info.fsp_id is None:
        path, body = path + "/error", encode_error(FspiopError("3204", meaning_of("3204")))
    elif resource == "participants":
        body = encode(ParticipantsPut(found.party_id_info.fsp_id))
    else:
        source, answer_version = found.party_id_info.fsp_id, version
        body = encode(PartiesPut(found))
    await deliver(sim, OutgoingMessage("PUT", path, source, asker, body, answer_version))


async def refuse(sim: Simulation, resource: str, identifier: str, asker: str, error: FspiopError) -> None:
    """Call back with the hub's own refusal of a message."""
    path = f"/{resource}/{identifier}/error"
    await deliver(sim, OutgoingMessage("PUT", path, sim.config.hub_fsp_id, asker, encode_error(error)))


# --- transfers -----------------------------------------------------------------------------------------------


def take_transfer(sim: Simulation, transaction_id: str, transfer: TransfersPost) -> bool:
    """Set a transfer's money aside, once; whether it is new."""
    is_new = transfer.transfer_id not in sim.world.ledger
    if is_new:
        sim.record(TransferReserved(transaction_id, transfer))
    return is_new


async def carry_transfer(
    sim: Simulation, transaction_id: str, transfer: TransfersPost, plan: Plan
) -> FspiopError | None:
    """Take a transfer from the payer's DFSP to its end; the ledger then tells which.

    Returns the payee's refusal, if that ended it. Taken up again after a restart with the same message.
    """
    transfer_id = transfer.transfer_id
    take_transfer(sim, transaction_id, transfer)
    if sim.world.ledger[transfer_id].state != "RESERVED":
        return None
    message = OutgoingMessage("POST", "/transfers", transfer.payer_fsp, transfer.payee_fsp, encode(transfer))
    refusal: FspiopError | None = None
    try:
        async with asyncio.timeout(max(seconds_until(transfer.expiration), 0)):
            await ask(sim, message, ("transfers", transfer_id), TransfersPut, plan.copies)
    except FspiopError as error:
        refusal = error
    except (NoAnswer, TimeoutError):
        await asyncio.sleep(max(seconds_until(transfer.expiration), 0))
    settle(sim, transfer_id, "ABORTED")
    return refusal


async def take_fulfilment(sim: Simulation, transfer_id: str, source: str, answer: TransfersPut) -> None:
    """Receive the payee's answer to a transfer: commit it, or abort it, once.

    Raises FspiopError for an answer that cannot stand: from another DFSP, to an unknown transfer, or a
    COMMITTED of what has been aborted (its payee must not believe in the money).
    """
    entry = sim.world.ledger.get(transfer_id)
    if entry is None or entry.transfer.payee_fsp != source:
        raise FspiopError("3208", meaning_of("3208"))
    if answer.transfer_state not in ("RESERVED", "COMMITTED"):
        return
    if seconds_until(entry.transfer.expiration) <= 0:
        settle(sim, transfer_id, "ABORTED")
    elif not _opens(entry.transfer.condition, answer.fulfilment):
        _log.warning("simulator_fulfilment_wrong", transfer_id=transfer_id)
        settle(sim, transfer_id, "ABORTED")
    else:
        settle(sim, transfer_id, "COMMITTED", answer.fulfilment)
    resolve(sim, ("transfers", transfer_id), answer)
    if answer.transfer_state == "RESERVED":
        await _owe_notice(sim, transfer_id, entry)
    elif entry.state == "ABORTED":
        raise FspiopError("3303", "Too late or with a wrong fulfilment: the transfer is aborted")


def take_refusal(sim: Simulation, transfer_id: str, source: str, error: FspiopError) -> None:
    """Receive the payee's refusal of a transfer. Raises FspiopError for another DFSP or an unknown transfer."""
    entry = sim.world.ledger.get(transfer_id)
    if entry is None or entry.transfer.payee_fsp != source:
        raise FspiopError("3208", meaning_of("3208"))
    settle(sim, transfer_id, "ABORTED")
    resolve(sim, ("transfers", transfer_id), error)


async def send_transfer_state(sim: Simulation, transfer_id: str, asker: str, version: str) -> None:
    """Answer GET /transfers/{id} with what the ledger holds."""
    entry = sim.world.ledger.get(transfer_id)
    if entry is None or asker not in (entry.transfer.payee_fsp, entry.transfer.payer_fsp):
        await refuse(sim, "transfers", transfer_id, asker, FspiopError("3208", meaning_of("3208")))
        return
    body = encode(TransfersPut(entry.state, entry.fulfilment, entry.completed_at))
    path = f"/transfers/{transfer_id}"
    await deliver(sim, OutgoingMessage("PUT", path, sim.config.hub_fsp_id, asker, body, version))


async def notify_payee(sim: Simulation, transfer_id: str) -> None:
    """PATCH the end of a transfer to a payee that waits in RESERVED, until it answers 200."""
    entry = sim.world.ledger[transfer_id]
    plan = plan_of(sim.world, sim.world.attempts[entry.transaction_id].msisdn)
    if plan.loses_notice or transfer_id in sim.notifying:
        return
    sim.notifying.add(transfer_id)
    try:
        if await deliver(sim, _notice(sim, entry), plan.copies):
            sim.record(NoticeDelivered(transfer_id))
    finally:
        sim.notifying.discard(transfer_id)


async def _owe_notice(sim: Simulation, transfer_id: str, entry: LedgerEntry) -> None:
    if entry.notice != "none":
        return  # a repeated answer
    sim.record(NoticeOwed(transfer_id))
    plan = plan_of(sim.world, sim.world.attempts[entry.transaction_id].msisdn)
    if plan.swaps_order and not plan.loses_notice:
        # The payee learns the end while its own PUT still waits for our 200.
        result = await send_once(sim, _notice(sim, entry))
        if result is not None and result.is_accepted:
            sim.record(NoticeDelivered(transfer_id))
            return
    sim.spawn(notify_payee(sim, transfer_id))


def _notice(sim: Simulation, entry: LedgerEntry) -> OutgoingMessage:
    transfer = entry.transfer
    body = encode(TransfersPatch(entry.state, entry.completed_at))
    path = f"/transfers/{transfer.transfer_id}"
    return OutgoingMessage("PATCH", path, sim.config.hub_fsp_id, transfer.payee_fsp, body)


def settle(
    sim: Simulation, transfer_id: str, state: Literal["COMMITTED", "ABORTED"], fulfilment: str | None = None
) -> None:
    """Decide a reserved transfer; one that is decided stays as it is."""
    if sim.world.ledger[transfer_id].state == "RESERVED":
        sim.record(TransferSettled(transfer_id, state, wire_time(), fulfilment))


def _opens(condition: str, fulfilment: str | None) -> bool:
    try:
        return fulfilment is not None and ilp.condition_of(fulfilment) == condition
    except ilp.IlpError:
        return False
