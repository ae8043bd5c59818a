"""A shopper who starts a payment: scans a code or types a number, and the payer's DFSP finds the merchant.

The look-up is the Account Lookup Service's: ask the service's oracle which DFSP the alias belongs to, then
ask that DFSP who the party is.
"""

from typing import Annotated
from urllib.parse import quote as percent_encode

import aiohttp
import msgspec
from msgspec import Meta

import qr
from merchant.core import clock, ids, money
from merchant.demo.simulator.hub import home_of
from merchant.demo.simulator.link import NoAnswer, ask
from merchant.demo.simulator.payer import run_attempt
from merchant.demo.simulator.simulation import Simulation, wire_time
from merchant.demo.simulator.world import Attempt, PhoneMessage
from merchant.hub.fspiop.client import ANSWER_TIMEOUT_S, OutgoingMessage
from merchant.hub.fspiop.error_codes import FspiopError, meaning_of
from merchant.hub.fspiop.headers import outbound_headers
from merchant.hub.fspiop.messages import PartiesPut, Party, PartyIdInfo, WireMoney, to_wire
from qr.iso import find_currency


class Purchase(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a shopper keys in: a merchant number or a scanned payload, and what to pay.

    Amount and currency may stand in the scanned code instead.
    """

    alias: Annotated[str, Meta(min_length=1, max_length=128)] | None = None
    qr_payload: Annotated[str, Meta(min_length=1, max_length=512)] | None = None
    amount: str | None = None
    currency: str | None = None
    note: Annotated[str, Meta(min_length=1, max_length=128)] | None = None


class Scanned(msgspec.Struct, frozen=True):
    """What a purchase comes to: whom, how much, and the reference of a dynamic code."""

    party_type: str
    party_id: str
    sub_id: str | None
    amount: WireMoney
    note: str | None
    reference: str | None


class _OracleRow(msgspec.Struct, frozen=True, rename="camel"):
    fsp_id: str


class _OracleAnswer(msgspec.Struct, frozen=True, rename="camel"):
    party_list: list[_OracleRow]


class BadPurchase(ValueError):
    """The purchase names no merchant or no amount; the message says what is wrong."""


def read_purchase(purchase: Purchase) -> Scanned:
    """Understand a purchase. Raises BadPurchase."""
    if (purchase.alias is None) == (purchase.qr_payload is None):
        raise BadPurchase("Give either alias or qr_payload.")
    if purchase.qr_payload is None:
        target = qr.Party("ALIAS", purchase.alias or "", None)
        amount, currency, reference = purchase.amount, purchase.currency, None
    else:
        try:
            code = qr.decode(purchase.qr_payload, "tolerant")
        except qr.DecodeError as error:
            raise BadPurchase(f"This code cannot be read: {error}") from error
        party = qr.mojaloop_party(code)
        if party is None:
            raise BadPurchase("This code is of no Mojaloop scheme.")
        target = party
        amount = purchase.amount or code.amount
        currency = _alphabetic(code.currency) or purchase.currency
        if purchase.currency not in (None, currency):
            raise BadPurchase(f"This code is to be paid in {currency}.")
        reference = code.additional.reference_label if code.additional else None
    try:
        asked = to_wire(money.parse_decimal(amount or "", currency or ""))
    except money.AmountProblem as error:
        raise BadPurchase(str(error)) from error
    return Scanned(target.party_id_type, target.identifier, target.sub_id, asked, purchase.note, reference)


async def pay_merchant(sim: Simulation, msisdn: str, transaction_id: str, scanned: Scanned) -> None:
    """Look the merchant up, then quote and transfer as the shopper's plan says."""
    payer_fsp_id = home_of(sim, msisdn)
    try:
        payee_fsp_id = await _ask_oracle(sim, payer_fsp_id, scanned)
        payee = await _ask_party(sim, payer_fsp_id, payee_fsp_id, scanned)
    except (FspiopError, NoAnswer) as error:
        text = f"Merchant {scanned.party_id} cannot be paid: {error}."
        sim.record(PhoneMessage(msisdn, wire_time(), "failed", text, transaction_id))
        return
    attempt = Attempt(
        transaction_id=transaction_id,
        quote_id=ids.wire_id(),
        transfer_id=ids.wire_id(),
        msisdn=msisdn,
        payer_fsp_id=payer_fsp_id,
        payee_fsp_id=payee_fsp_id,
        payee=payee,
        amount=scanned.amount,
        note=scanned.note,
        qr_reference=scanned.reference,
    )
    sim.record(attempt)
    await run_attempt(sim, attempt)


async def _ask_oracle(sim: Simulation, asker: str, scanned: Scanned) -> str:
    """The DFSP that the service's oracle names. Raises FspiopError as the Account Lookup Service maps it."""
    url = f"{sim.config.service_url.rstrip('/')}/oracle{_party_path('participants', scanned)[1]}"
    query = {"currency": scanned.amount.currency}
    if scanned.sub_id:
        query["partySubIdOrType"] = scanned.sub_id
    headers = outbound_headers(method="GET", resource="parties", source=asker, destination="Hub", date=clock.now())
    if sim.config.gateway_secret:
        headers["x-gateway-secret"] = sim.config.gateway_secret
    timeout = aiohttp.ClientTimeout(total=ANSWER_TIMEOUT_S)
    try:
        async with sim.http.get(url, params=query, headers=headers, timeout=timeout) as response:
            answer = msgspec.json.decode(await response.read(), type=_OracleAnswer)
    except (aiohttp.ClientError, TimeoutError) as error:
        raise FspiopError("1001", "the look-up service cannot be reached") from error
    except ValueError as error:
        raise FspiopError("3204", meaning_of("3204")) from error
    known = [row.fsp_id for row in answer.party_list if row.fsp_id in sim.world.fsps]
    if not known:
        raise FspiopError("3204", meaning_of("3204"))
    return known[0]


async def _ask_party(sim: Simulation, asker: str, payee_fsp_id: str, scanned: Scanned) -> Party:
    """Who the party is, by its own DFSP. Raises FspiopError and NoAnswer."""
    topic, path = _party_path("parties", scanned)
    message = OutgoingMessage("GET", path, asker, payee_fsp_id)
    party = (await ask(sim, message, ("parties", topic), PartiesPut)).party
    identity = PartyIdInfo(scanned.party_type, scanned.party_id, scanned.sub_id, payee_fsp_id)
    return msgspec.structs.replace(party, party_id_info=identity)


def _party_path(resource: str, scanned: Scanned) -> tuple[str, str]:
    """A party's topic (decoded) and its path (percent-encoded)."""
    parts = [scanned.party_type, scanned.party_id]
    if scanned.sub_id and resource == "parties":
        parts.append(scanned.sub_id)
    return "/".join(parts), "/".join(["", resource, *(percent_encode(part, safe="") for part in parts)])


def _alphabetic(numeric: str | None) -> str | None:
    """The currency's letters for the three digits of a code."""
    currency = find_currency(numeric) if numeric else None
    return currency.alpha if currency else None
