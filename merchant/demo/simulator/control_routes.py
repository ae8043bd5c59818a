"""Routes that control the simulator: who is in it, how they behave, what shoppers do, and the ledger.

The demo and tests call them over HTTP. A change becomes an event in the journal; a purchase becomes a flow of
shopper.py that goes on after the answer.
"""

from typing import Annotated, Any, Final

import msgspec
from litestar import Request, get, post, put
from litestar.exceptions import ClientException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from merchant.core import ids
from merchant.demo.simulator.behaviours import Behaviour, behaviour_of, normal_msisdn
from merchant.demo.simulator.hub import home_of
from merchant.demo.simulator.payer import NotAsked, answer_request
from merchant.demo.simulator.shopper import BadPurchase, Purchase, pay_merchant, read_purchase
from merchant.demo.simulator.simulation import Simulation, public_key_pem
from merchant.demo.simulator.world import (
    Fsp,
    LedgerEntry,
    Payer,
    PhoneMessage,
    PhoneMessageKind,
    Returned,
    Truth,
)
from merchant.hub.fspiop.jws import BadKey, load_verify_key

DELAY_S_MAX: Final = 3600.0
AnyRequest = Request[Any, Any, Any]


class FspControl(msgspec.Struct, frozen=True):
    """An acquiring DFSP's registration."""

    callback_url: Annotated[str, Meta(pattern=r"^https?://")]
    public_key_pem: str


class PublicKey(msgspec.Struct, frozen=True):
    """The key that one of this world's FSPs signs with."""

    fsp_id: str
    public_key_pem: str


class PayerControl(msgspec.Struct, frozen=True):
    """How a payer shall behave from now on."""

    behaviour: Behaviour
    delay_s: Annotated[float, Meta(ge=0, le=DELAY_S_MAX)] | None = None


class PayerView(msgspec.Struct, frozen=True):
    """A payer as the control shows it."""

    msisdn: str
    fsp_id: str
    behaviour: str
    delay_s: float | None


class Started(msgspec.Struct, frozen=True):
    """A shopper's payment has begun; its end is in the inbox and in the ledger."""

    transaction_id: str


class PhoneAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What whoever holds a phone says to a request that waits for them."""

    transaction_request_id: str
    accept: bool


class InboxItem(msgspec.Struct, frozen=True, omit_defaults=True):
    """One message on a phone; `waits` says that the request it tells of waits for an answer."""

    at: str
    kind: PhoneMessageKind
    text: str
    transaction_id: str
    transaction_request_id: str | None = None
    waits: bool = False


class Inbox(msgspec.Struct, frozen=True):
    """A phone's messages, newest first."""

    items: list[InboxItem]


class LedgerView(msgspec.Struct, frozen=True, omit_defaults=True):
    """One transfer as the switch holds it."""

    transfer_id: str
    transaction_id: str
    payer: str
    payee_alias: str
    amount: str
    currency: str
    state: Truth
    transaction_request_id: str | None = None
    refund_of: str | None = None  # the transaction that is given back: then the shop is the payer


@put("/control/fsps/{fsp_id:str}")
async def register_fsp(request: AnyRequest, fsp_id: FromPath[str], data: JSONBody[FspControl]) -> Fsp:
    """Register an acquiring DFSP: where callbacks go and how to check its signatures."""
    try:
        load_verify_key(data.public_key_pem, fsp_id)
    except BadKey as error:
        raise ClientException(str(error)) from error
    fsp = Fsp(fsp_id, data.callback_url, data.public_key_pem)
    sim = _simulation(request)
    if sim.world.fsps.get(fsp_id) != fsp:
        sim.record(fsp)
    return fsp


@get("/control/keys")
async def list_keys(request: AnyRequest) -> list[PublicKey]:
    """The public keys of the hub and the payer DFSPs."""
    own_keys = _simulation(request).world.own_keys
    return [PublicKey(fsp_id, public_key_pem(pem)) for fsp_id, pem in own_keys.items()]


@put("/control/payers/{msisdn:str}")
async def set_payer(request: AnyRequest, msisdn: FromPath[str], data: JSONBody[PayerControl]) -> PayerView:
    """Set how a payer behaves."""
    sim, number = _simulation(request), _number(msisdn)
    sim.record(Payer(number, data.behaviour, data.delay_s))
    return PayerView(number, home_of(sim, number), behaviour_of(sim.world, number), data.delay_s)


@post("/shoppers/{msisdn:str}/pay", status_code=202)
async def start_payment(request: AnyRequest, msisdn: FromPath[str], data: JSONBody[Purchase]) -> Started:
    """A shopper pays a merchant number or a scanned code."""
    sim, number = _simulation(request), _number(msisdn)
    try:
        scanned = read_purchase(data)
    except BadPurchase as error:
        raise ClientException(str(error)) from error
    transaction_id = ids.wire_id()
    sim.spawn(pay_merchant(sim, number, transaction_id, scanned))
    return Started(transaction_id)


@post("/shoppers/{msisdn:str}/answer", status_code=202)
async def answer(request: AnyRequest, msisdn: FromPath[str], data: JSONBody[PhoneAnswer]) -> Started:
    """Whoever holds a phone accepts or declines a request that waits for them (behaviour `ask`)."""
    sim, number = _simulation(request), _number(msisdn)
    try:
        attempt = answer_request(sim, number, data.transaction_request_id, accepts=data.accept)
    except NotAsked as error:
        raise ClientException(str(error), status_code=409) from error
    return Started(attempt.transaction_id)


@get("/shoppers/{msisdn:str}/inbox")
async def read_inbox(request: AnyRequest, msisdn: FromPath[str]) -> Inbox:
    """What a shopper's phone shows."""
    sim = _simulation(request)
    return Inbox([_item(sim, each) for each in reversed(sim.world.inboxes.get(_number(msisdn), ()))])


def _item(sim: Simulation, message: PhoneMessage) -> InboxItem:
    attempt = sim.world.attempts.get(message.transaction_id)
    return InboxItem(
        message.at,
        message.kind,
        message.text,
        message.transaction_id,
        attempt.transaction_request_id if attempt else None,
        message.kind == "asked" and message.transaction_id in sim.asked,
    )


@get("/ledger")
async def read_ledger(request: AnyRequest) -> list[LedgerView]:
    """Every transfer the switch holds, oldest first: the truth about money."""
    world = _simulation(request).world
    views = []
    for entry in world.ledger.values():
        attempt, transfer = world.attempts.get(entry.transaction_id), entry.transfer
        if attempt is None:
            views.append(_refund_view(world.returned[entry.transaction_id], entry))
            continue
        views.append(
            LedgerView(
                transfer_id=transfer.transfer_id,
                transaction_id=entry.transaction_id,
                payer=attempt.msisdn,
                payee_alias=attempt.payee.party_id_info.party_identifier,
                amount=transfer.amount.amount,
                currency=transfer.amount.currency,
                state=entry.state,
                transaction_request_id=attempt.transaction_request_id,
            )
        )
    return views


def _refund_view(returned: Returned, entry: LedgerEntry) -> LedgerView:
    return LedgerView(
        transfer_id=entry.transfer.transfer_id,
        transaction_id=entry.transaction_id,
        payer=returned.shop.party_id_info.party_identifier,
        payee_alias=returned.msisdn,
        amount=entry.transfer.amount.amount,
        currency=entry.transfer.amount.currency,
        state=entry.state,
        refund_of=returned.refund_of,
    )


def _simulation(request: AnyRequest) -> Simulation:
    return request.app.state.simulation  # type: ignore[no-any-return]


def _number(text: str) -> str:
    try:
        return normal_msisdn(text)
    except ValueError as error:
        raise ClientException(str(error)) from error


CONTROL_ROUTES: Final[list[HTTPRouteHandler]] = [
    register_fsp,
    list_keys,
    set_payer,
    start_payment,
    answer,
    read_inbox,
    read_ledger,
]
