"""Payment requests: created durably in one transaction, or cancelled.

create_request checks that the merchant may take this money, stores the request with its ids for the hub, and leaves
a job that looks the payer up (parties.py). A request without a payer waits for a shopper to scan its code.
"""

from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct

from merchant.compliance.policies.capabilities import check_capability, require_capability
from merchant.compliance.policies.in_force import policy_of
from merchant.core import clock, errors, ids, outbox, sql, trace
from merchant.core.access import Actor
from merchant.core.db import Tx
from merchant.core.money import Money
from merchant.core.phone import Msisdn, mask
from merchant.core.service import Service
from merchant.core.texts import _
from merchant.payments.problems import BeingPaid, MerchantNotActive, Reconciling
from merchant.payments.reconcile import is_reconciling
from merchant.payments.states import LockedRequest, RequestCapability, RequestState, lock_request, may, move
from merchant.payments.transfer_states import money_under_way
from merchant.registry.merchants.counters import CounterFacts, counter_by_id
from merchant.registry.merchants.states import Capability, merchant_may

LOOK_UP_TOPIC = "payments.look_up"
# A look-up without an answer is repeated once; hubs answer within seconds or never.
LOOK_UP_AGAIN_AFTER = timedelta(seconds=15)
MSISDN = "MSISDN"


class NewRequest(Struct, frozen=True, kw_only=True):
    """A payment request to create, checked for form."""

    counter_id: UUID | None
    amount: Money
    payer: Msisdn | None = None
    reference: str | None = None
    note: str | None = None
    expires_in_s: int | None = None
    channel: str = "api"


_JOB = outbox.job_cte(
    "WHERE :payer_type::text IS NOT NULL",
    topic=":topic",
    dfsp_id=":dfsp_id",
    payload=outbox.json_payload(request_id=":id::uuid"),
    moved=":moved",
    traceparent=":traceparent",
)
_INSERT = sql.Named(f"""
WITH request AS (
  INSERT INTO payment_request (id, dfsp_id, merchant_id, counter_id, alias_type, alias, state, amount_minor, currency,
    payer_type, payer_sealed, payer_digest, payer_masked, reference, note, short_ref, transaction_request_id, late,
    channel, steps, created_at, expires_at)
  VALUES (:id, :dfsp_id, :merchant_id, :counter_id, :alias_type, :alias, :state, :amount_minor, :currency,
    :payer_type, :payer_sealed, :payer_digest, :payer_masked, :reference, :note, :short_ref, :transaction_request_id,
    false, :channel, 1, :now, :expires_at)),
event AS (
  INSERT INTO payment_event (request_id, seq, dfsp_id, at, state, cause)
  VALUES (:id, 1, :dfsp_id, :now, :state, :channel)),
{_JOB},
reference AS (
  INSERT INTO open_reference (alias_type, alias, sub_id, dfsp_id, counter_id, request_id, currency, expires_at,
    look_up_at)
  VALUES (:alias_type, :alias, :short_ref, :dfsp_id, :counter_id, :id, :currency, :expires_at, :look_up_at))
SELECT
""")  # noqa: S608 - constants


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


async def check_payable(service: Service, counter: CounterFacts, amount: Money) -> None:
    """Refuse money this merchant may not take. Raises WrongState, CapabilityMissing or InvalidFields."""
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
    limits = policy.limits(counter.tier, amount.currency)
    most = Money(limits.per_payment_minor, amount.currency)
    if amount.minor > most.minor:
        raise errors.invalid_field(
            "amount.amount",
            "over_limit",
            _("A payment to this merchant is at most {most} (tier {tier}).", most=most, tier=counter.tier),
        )


async def create_request(tx: Tx, service: Service, actor: Actor, new: NewRequest) -> LockedRequest:
    """Store a payment request and, when it names a payer, the job that looks them up.

    Raises NotFound, WrongState, CapabilityMissing, InvalidFields, Reconciling.
    """
    if await is_reconciling(service):
        raise Reconciling(headers={"retry-after": "60"})
    counter = await find_counter(tx, actor, new.counter_id)
    await check_payable(service, counter, new.amount)
    if new.payer is None:
        await require_capability(service, counter.dfsp_id, counter.tier, "dynamic_qr")
    scheme = await service.scheme()
    expires_in_s = new.expires_in_s or scheme.request_expiry_s
    if not 1 <= expires_in_s <= scheme.request_expiry_max_s:
        raise errors.invalid_field(
            "expires_in_s", "out_of_range", _("A request lives 1 to {most} seconds.", most=scheme.request_expiry_max_s)
        )
    now = clock.now()
    request = LockedRequest(
        id=ids.uuid7(),
        dfsp_id=counter.dfsp_id,
        merchant_id=counter.merchant_id,
        counter_id=counter.counter_id,
        state=RequestState.CREATED if new.payer else RequestState.AWAITING_PAYER,
        amount_minor=new.amount.minor,
        currency=new.amount.currency,
        payer_masked=mask(new.payer.digits) if new.payer else None,
        reference=new.reference,
        short_ref=ids.short_reference(),
        alias_type=counter.alias_type,
        alias=counter.alias,
        transaction_request_id=ids.wire_id(),
        payer_fsp_id=None,
        transfer_id=None,
        expires_at=now + timedelta(seconds=expires_in_s),
    )
    await _insert(tx, service, request, new, now)
    return request


async def _insert(tx: Tx, service: Service, request: LockedRequest, new: NewRequest, now: datetime) -> None:
    payer_sealed = payer_digest = None
    if new.payer:
        payer_sealed = service.vault.seal(new.payer.digits.encode(), f"payment_request:{request.id}")
        payer_digest = new.payer.digest(service.vault)
    await tx.execute(
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
            topic=LOOK_UP_TOPIC,
            look_up_at=now + LOOK_UP_AGAIN_AFTER if new.payer else None,
            traceparent=trace.traceparent(),
            moved=clock.moved(),
        )
    )


async def cancel_request(tx: Tx, actor: Actor, request_id: UUID) -> LockedRequest:
    """Take a request back. The protocol cannot tell the payer; a payment on its way may still arrive, flagged late.

    Raises NotFound, WrongState when it has ended or the customer's money is already under way.
    """
    request = await lock_request(tx, request_id=request_id)
    seen = request is not None and (
        request.dfsp_id == actor.dfsp_id
        and actor.merchant_id in (None, request.merchant_id)
        and actor.counter_id in (None, request.counter_id)
    )
    if request is None or not seen:
        raise errors.NotFound
    if not may(request.state, RequestCapability.CANCEL):
        raise errors.WrongState(_("A request that is {state} cannot be cancelled.", state=request.state))
    if await money_under_way(tx, request):
        raise BeingPaid
    await move(tx, request, RequestState.CANCELLED, "cancelled_by_merchant")
    return request
