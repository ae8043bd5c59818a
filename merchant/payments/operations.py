"""What people and machines do to payment requests: create them, take them back, ask the hub again.

create_request checks that the merchant may take this money, stores the request with its ids for the hub, and leaves a
job that looks the payer up (ask.py). A request without a payer waits for a shopper to scan its code.
"""

from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct

from merchant.compliance.policies.capabilities import check_capability, require_capability
from merchant.compliance.policies.in_force import policy_of
from merchant.core import audit, clock, errors, ids, sql, trace
from merchant.core.access import Actor
from merchant.core.db import Reads, Tx
from merchant.core.handover import Handover
from merchant.core.money import Money
from merchant.core.outbox import NEXT_ID, as_held, job_cte, json_payload
from merchant.core.phone import Msisdn, mask
from merchant.core.pressure import RETRY_AFTER_S, Pressure
from merchant.core.service import Service
from merchant.core.texts import _
from merchant.notify import events
from merchant.payments import ask, outgoing
from merchant.payments.book import Book, Decision, MerchantFacts, Request
from merchant.payments.book_loading import empty_book, load_request, load_used
from merchant.payments.book_saving import save_requests
from merchant.payments.limits import Room, room
from merchant.payments.participants import HubConnections
from merchant.payments.problems import BeingPaid, Busy, MerchantNotActive, Reconciling
from merchant.payments.quotes import MSISDN
from merchant.payments.reconcile import is_reconciling
from merchant.payments.requests import HasEnded, MoneyUnderWay, decide_cancel, decide_decline
from merchant.payments.states import RequestState
from merchant.payments.transfer_states import TransferCapability, transfer_may
from merchant.payments.transfers import ask_outcome
from merchant.registry.merchants.counters import CounterFacts, counter_by_id
from merchant.registry.merchants.states import Capability, merchant_may

# A look-up without an answer is repeated once; hubs answer within seconds or never.
LOOK_UP_AGAIN_AFTER = timedelta(seconds=15)


class NewRequest(Struct, frozen=True, kw_only=True):
    """A payment request to create, checked for form."""

    counter_id: UUID | None
    amount: Money
    payer: Msisdn | None = None
    reference: str | None = None
    note: str | None = None
    expires_in_s: int | None = None
    channel: str = "api"


async def find_counter(tx: Tx, actor: Actor, counter_id: UUID | None) -> CounterFacts:
    """The counter, or the actor's only one. Raises NotFound, InvalidFields."""
    counter_id = counter_id or actor.counter_id
    if counter_id is None and actor.merchant_id is not None:
        only = await tx.fetch("SELECT id FROM counter WHERE merchant_id = $1 LIMIT 2", actor.merchant_id)
        counter_id = only[0]["id"] if len(only) == 1 else None
    if counter_id is None:
        raise errors.invalid_field("counter_id", "missing", _("Say which counter asks for the money."))
    counter = await counter_by_id(tx, actor.own_dfsp(), counter_id)
    if (
        counter is None
        or actor.merchant_id not in (None, counter.merchant_id)
        or actor.counter_id not in (None, counter.counter_id)
    ):
        raise errors.NotFound(_("There is no such counter."))
    return counter


async def check_payable(tx: Tx, service: Service, counter: CounterFacts, amount: Money, now: datetime) -> None:
    """Refuse money this merchant may not take, or that would go over its limits as they stand now.

    Raises WrongState, CapabilityMissing or InvalidFields.
    """
    if not merchant_may(counter.state, Capability.TAKE_PAYMENT):
        raise MerchantNotActive
    policy = await policy_of(service, counter.dfsp_id)
    check_capability(policy, counter.tier, "receive_payment")
    if amount.currency not in counter.currencies:
        raise errors.invalid_field(
            "amount.currency",
            "not_taken",
            _("This merchant takes {currencies} only.", currencies=", ".join(counter.currencies)),
        )
    most = Money(policy.limits(counter.tier, amount.currency).per_payment_minor, amount.currency)
    if amount.minor > most.minor:
        raise errors.invalid_field(
            "amount.amount",
            "over_limit",
            _("A payment to this merchant is at most {most} (tier {tier}).", most=most, tier=counter.tier),
        )
    fits = await read_headroom(tx, service, counter, amount.currency, now)
    if amount.minor > fits.minor:
        raise errors.invalid_field("amount.amount", "over_limit", _over_limit(fits))


def _over_limit(fits: Money) -> str:
    if not fits.minor:
        return _("This merchant's limit for the day or month is used up.")
    return _("This would go over the merchant's limit for the day or month: at most {most} fits now.", most=fits)


async def read_headroom(tx: Tx, service: Service, counter: CounterFacts, currency: str, now: datetime) -> Money:
    """The most that one payment to a counter's merchant may be now."""
    return (await read_room(tx, service, counter, currency, now)).most


async def read_room(tx: Tx, service: Service, counter: CounterFacts, currency: str, now: datetime) -> Room:
    """As `read_headroom`, with the limit that says so."""
    group_id = counter.group_id or counter.merchant_id
    merchant = MerchantFacts(counter.merchant_id, counter.dfsp_id, counter.state, counter.tier, group_id)
    return room(await load_limits(tx, service, merchant, now), merchant, currency)


async def load_limits(tx: Reads, service: Service, merchant: MerchantFacts, now: datetime) -> Book:
    """A book with a merchant's policy and with what is taken of its limits: by all merchants of its owner."""
    book = await empty_book(service, now)
    book.policies[merchant.dfsp_id] = await policy_of(service, merchant.dfsp_id)
    if merchant.group_id == merchant.id:
        await load_used(tx, book, [merchant.group_id])
    else:  # counted in the row of another merchant, which may be one of another DFSP
        async with service.db.system_reads() as reads:
            await load_used(reads, book, [merchant.group_id])
    return book


# --- creating --------------------------------------------------------------------------------------------------------

_JOB = job_cte(
    "WHERE :payer_type::text IS NOT NULL",
    topic=f"'{ask.LOOK_UP_TOPIC}'",
    dfsp_id=":dfsp_id",
    payload=json_payload(request_id=":id::uuid"),
    moved=":moved",
    traceparent=":traceparent",
    held=":held::bool",
    job_id="(SELECT id FROM numbered)",
)
_INSERT = sql.Named(f"""
WITH numbered AS MATERIALIZED (SELECT {NEXT_ID} AS id),
request AS (
  INSERT INTO payment_request (id, dfsp_id, merchant_id, counter_id, alias_type, alias, state, amount_minor, currency,
    payer_type, payer_sealed, payer_digest, payer_masked, reference, note, short_ref, transaction_request_id, late,
    channel, steps, created_at, expires_at, looked_up_at)
  VALUES (:id, :dfsp_id, :merchant_id, :counter_id, :alias_type, :alias, :state, :amount_minor, :currency,
    :payer_type, :payer_sealed, :payer_digest, :payer_masked, :reference, :note, :short_ref, :transaction_request_id,
    false, :channel, 1, :now, :expires_at, :looked_up_at)),
event AS (
  INSERT INTO payment_event (request_id, seq, dfsp_id, at, state, cause)
  VALUES (:id, 1, :dfsp_id, :now, :state, :channel)),
{_JOB},
reference AS (
  INSERT INTO open_reference (alias_type, alias, sub_id, dfsp_id, counter_id, request_id, currency, expires_at,
    look_up_at)
  VALUES (:alias_type, :alias, :short_ref, :dfsp_id, :counter_id, :id, :currency, :expires_at, :look_up_at))
SELECT id FROM numbered
""")  # noqa: S608 - constants


async def create_request(tx: Tx, service: Service, actor: Actor, new: NewRequest) -> Request:
    """Store a payment request and, when it names a payer, the job that looks them up. Raises as the next."""
    return (await create_request_at(tx, service, actor, new))[0]


async def create_request_at(tx: Tx, service: Service, actor: Actor, new: NewRequest) -> tuple[Request, CounterFacts]:
    """As `create_request`, with the counter that asks.

    Raises NotFound, WrongState, CapabilityMissing, InvalidFields, Reconciling, Busy.
    """
    if service.shared(Pressure).refuses_new_work:
        raise Busy(headers={"retry-after": str(RETRY_AFTER_S)})
    if await is_reconciling(service):
        raise Reconciling(headers={"retry-after": "60"})
    counter = await find_counter(tx, actor, new.counter_id)
    now = clock.now()
    await check_payable(tx, service, counter, new.amount, now)
    if new.payer is None:
        await require_capability(service, counter.dfsp_id, counter.tier, "dynamic_qr")
    scheme = await service.scheme()
    expires_in_s = new.expires_in_s or scheme.request_expiry_s
    if not 1 <= expires_in_s <= scheme.request_expiry_max_s:
        raise errors.invalid_field(
            "expires_in_s", "out_of_range", _("A request lives 1 to {most} seconds.", most=scheme.request_expiry_max_s)
        )
    is_held = new.payer is not None and service.shared(Handover).is_open
    request = Request(
        id=ids.uuid7(),
        dfsp_id=counter.dfsp_id,
        fsp_id=counter.fsp_id,
        merchant_id=counter.merchant_id,
        counter_id=counter.counter_id,
        state=RequestState.CREATED if new.payer else RequestState.AWAITING_PAYER,
        amount_minor=new.amount.minor,
        currency=new.amount.currency,
        payer=new.payer.digits if new.payer else None,
        payer_masked=mask(new.payer.digits) if new.payer else None,
        payer_fsp_id=None,
        reference=new.reference,
        note=new.note,
        short_ref=ids.short_reference(),
        alias_type=counter.alias_type,
        alias=counter.alias,
        trading_name=counter.trading_name,
        mcc=counter.mcc,
        transaction_request_id=ids.wire_id(),
        transaction_id=None,
        transfer_id=None,
        created_at=now,
        expires_at=now + timedelta(seconds=expires_in_s),
        steps=1,
        # It is looked up at the commit; a worker elsewhere says itself when it does so.
        looked_up_at=now if is_held else None,
    )
    await _insert(tx, service, request, new, now, is_held=is_held)
    return request, counter


async def _insert(tx: Tx, service: Service, request: Request, new: NewRequest, now: datetime, *, is_held: bool) -> None:
    payer_sealed = payer_digest = None
    if new.payer:
        payer_sealed = service.vault.seal(new.payer.digits.encode(), f"payment_request:{request.id}")
        payer_digest = new.payer.digest(service.vault)
    traceparent = trace.traceparent()
    job_id = await tx.fetchval(
        *_INSERT(
            id=request.id,
            dfsp_id=request.dfsp_id,
            merchant_id=request.merchant_id,
            counter_id=request.counter_id,
            alias_type=request.alias_type,
            alias=request.alias,
            state=request.state,
            amount_minor=request.amount_minor,
            currency=request.currency,
            payer_type=MSISDN if new.payer else None,
            payer_sealed=payer_sealed,
            payer_digest=payer_digest,
            payer_masked=request.payer_masked,
            reference=new.reference,
            note=new.note,
            short_ref=request.short_ref,
            transaction_request_id=request.transaction_request_id,
            channel=new.channel,
            now=now,
            expires_at=request.expires_at,
            looked_up_at=request.looked_up_at,
            look_up_at=now + LOOK_UP_AGAIN_AFTER if new.payer else None,
            traceparent=traceparent,
            moved=clock.moved(),
            held=is_held,
        )
    )
    if is_held:
        jobs = as_held([ask.job(ask.LOOK_UP_TOPIC, request, traceparent)], [job_id])
        tx.on_commit(lambda: service.shared(Handover).give(jobs))


# --- taking back, asking again ---------------------------------------------------------------------------------------


async def cancel_request(tx: Tx, service: Service, actor: Actor, request_id: UUID) -> Request:
    """Take a request back. The protocol cannot tell the payer; a payment on its way may still arrive, flagged late.

    Raises NotFound, WrongState when it has ended or the customer's money is already under way.
    """
    now = clock.now()
    book, request = await _load_own(tx, service, actor, request_id, now)
    try:
        decision = decide_cancel(book, request, now)
    except HasEnded:
        raise errors.WrongState(_("A request that is {state} cannot be cancelled.", state=request.state)) from None
    except MoneyUnderWay:
        raise BeingPaid from None
    await save(tx, decision, now)
    return decision.requests.get(request_id, request)


async def decline_request(tx: Tx, service: Service, payer: Msisdn, request_id: UUID) -> Request:
    """End a request as its payer wishes, who was recognised by the phone: the merchant is told that they said no.

    Raises NotFound, WrongState when it has ended or the payer's money is already under way.
    """
    now = clock.now()
    book, request = await load_request(tx, service, request_id, now)
    if request is None or request.payer != payer.digits:
        raise errors.NotFound
    try:
        decision = decide_decline(book, request, now)
    except HasEnded:
        raise errors.WrongState(_("A request that is {state} cannot be declined.", state=request.state)) from None
    except MoneyUnderWay:
        raise BeingPaid from None
    await save(tx, decision, now)
    return decision.requests.get(request_id, request)


async def _load_own(tx: Tx, service: Service, actor: Actor, request_id: UUID, now: datetime) -> tuple[Book, Request]:
    """A request that the actor may change, locked. Raises NotFound."""
    book, request = await load_request(tx, service, request_id, now)
    return book, own_request(actor, request)


def own_request(actor: Actor, request: Request | None) -> Request:
    """A request that the actor may change. Raises NotFound."""
    if (
        request is None
        or request.dfsp_id != actor.dfsp_id
        or actor.merchant_id not in (None, request.merchant_id)
        or actor.counter_id not in (None, request.counter_id)
    ):
        raise errors.NotFound
    return request


async def save(tx: Tx, decision: Decision, now: datetime) -> None:
    """Save what was decided about requests alone, and announce it."""
    await save_requests(tx, list(decision.requests.values()), decision.steps)
    told = [
        events.ToAnnounce(one.event_type, one.dfsp_id, one.merchant_id, one.data, trace.traceparent())
        for one in decision.announcements
    ]
    await events.announce_all(tx, told, now)


async def ask_hub_again(tx: Tx, service: Service, actor: Actor, request_id: UUID) -> Request:
    """Ask the hub now what became of a request's transfer; the timers ask by themselves, with growing pauses.

    Raises NotFound, or WrongState when no transfer of this request is open.
    """
    now = clock.now()
    book, request = await load_request(tx, service, request_id, now)
    if request is None or actor.dfsp_id not in (None, request.dfsp_id):
        raise errors.NotFound
    under_way = [one for one in book.transfers_of(request.id) if transfer_may(one.state, TransferCapability.MOVE_MONEY)]
    connection = await service.shared(HubConnections).find(service, request.fsp_id)
    if not under_way or connection is None:
        raise errors.WrongState(_("No transfer of this request is open; there is nothing to ask the hub about."))
    transfer = max(under_way, key=lambda one: one.reserved_at)
    decision = Decision()
    ask_outcome(decision, transfer, now)
    for say in decision.says:
        await outgoing.queue_say(tx, service, connection, request.dfsp_id, say)
    await audit.record(
        tx,
        actor,
        "payment_request.checked",
        "payment_request",
        request.id,
        dfsp_id=request.dfsp_id,
        state=request.state,
        at=clock.rfc3339(now),
    )
    return request
