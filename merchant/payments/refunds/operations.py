"""What people and machines do to refunds: ask for one, approve it, call it off, ask the hub what became of it.

request_refund checks that there is so much to give back and whether a second person must agree; what the hub answers
afterwards is decided in rules.py.
"""

from datetime import datetime
from uuid import UUID

import asyncpg
from msgspec import Struct

from merchant.compliance.policies.refund_rules import RefundRules, refund_rules
from merchant.core import audit, clock, errors, ids, trace
from merchant.core.access import Actor, Permission, Role
from merchant.core.db import Tx
from merchant.core.locks import take_turn
from merchant.core.money import Money
from merchant.core.service import Service
from merchant.core.texts import _
from merchant.notify import events
from merchant.payments import outgoing
from merchant.payments.book import Decision
from merchant.payments.book_loading import empty_book
from merchant.payments.book_saving import payer_context
from merchant.payments.participants import HubConnections
from merchant.payments.problems import Reconciling
from merchant.payments.quotes import MSISDN
from merchant.payments.reconcile import is_reconciling
from merchant.payments.refunds import problems, reasons
from merchant.payments.refunds.rules import (
    APPROVAL_LASTS,
    QUOTE_LASTS,
    OverRefundable,
    ask_refund_outcome,
    decide_approved,
    decide_begin,
    decide_rejected,
    refundable,
)
from merchant.payments.refunds.states import RefundCapability, RefundState, refund_may
from merchant.payments.refunds.storage import insert_refund, load_refunds, record_steps, save_refunds
from merchant.payments.refunds.values import Refund
from merchant.registry.merchants.states import Capability, merchant_may


class NewRefund(Struct, frozen=True, kw_only=True):
    """A refund to ask for, checked for form; without an amount all that is left. `reason` is a code of ISO 20022, or
    words.
    """

    amount: Money | None
    reason: str
    channel: str = "api"


_PAYMENT = """
SELECT p.id, p.dfsp_id, d.fsp_id, p.merchant_id, p.counter_id, p.amount_minor, p.currency, p.payer_fsp_id,
  p.payer_masked, p.payer_sealed, p.transaction_id, p.received_at, q.payer_sealed AS asked_sealed, q.id AS request_id,
  c.alias_type, c.alias, m.trading_name, m.mcc, m.state AS merchant_state, m.tier
FROM payment p JOIN dfsp d ON d.id = p.dfsp_id JOIN merchant m ON m.id = p.merchant_id
JOIN counter c ON c.id = p.counter_id LEFT JOIN payment_request q ON q.id = p.request_id
  /*distributed: AND q.dfsp_id = p.dfsp_id*/
WHERE p.id = $1 AND p.dfsp_id = $2 AND ($3::uuid IS NULL OR p.merchant_id = $3)
  AND ($4::uuid IS NULL OR p.counter_id = $4)
"""
_OTHERS = "SELECT state, amount_minor FROM refund WHERE payment_id = $1"


async def request_refund(tx: Tx, service: Service, actor: Actor, payment_id: UUID, new: NewRefund) -> Refund:
    """Give money back for a payment: at once, or once a second person has approved it.

    Raises NotFound, WrongState, CapabilityMissing, OverRefundable, Reconciling.
    """
    if await is_reconciling(service):
        raise Reconciling(headers={"retry-after": "60"})
    # Two refunds at once would each count the other as absent.
    await take_turn(tx, f"refunds {payment_id}")
    payment = await tx.fetchrow(_PAYMENT, payment_id, actor.own_dfsp(), actor.merchant_id, actor.counter_id)
    if payment is None:
        raise errors.NotFound
    now = clock.now()
    rules = await refund_rules(service, payment["dfsp_id"], payment["tier"], payment["currency"])
    _check_permitted(payment, rules, now)
    paid = Money(payment["amount_minor"], payment["currency"])
    others = [(row["state"], row["amount_minor"]) for row in await tx.fetch(_OTHERS, payment_id)]
    try:
        amount = refundable(paid, others, new.amount)
    except OverRefundable as over:
        raise problems.OverRefundable(
            _("At most {most} of this payment can still be given back.", most=over.left)
        ) from None
    waits = _needs_approval(actor, payment, rules, amount)
    refund = _new_refund(service, payment, new, amount, now, waits=waits, gives_back=rules.gives_back_limits)
    decision = decide_begin(refund, new.channel, now)
    await insert_refund(tx, service, decision.refunds[refund.id], actor, new.channel)
    await _carry_out(tx, service, refund, decision, now, is_new=True)
    await _record(tx, actor, "refund.requested", refund, now)
    return decision.refunds[refund.id]


def _check_permitted(payment: asyncpg.Record, rules: RefundRules, now: datetime) -> None:
    if not merchant_may(payment["merchant_state"], Capability.REFUND):
        raise problems.MerchantMayNotRefund
    if payment["received_at"] + rules.window <= now:
        raise problems.RefundWindowClosed


def _needs_approval(actor: Actor, payment: asyncpg.Record, rules: RefundRules, amount: Money) -> bool:
    """Whether a second person must agree: always for a cashier's or a till's refund, for one that the DFSP's staff ask
    for, and for a merchant that may not take payments; else above the policy's amount.
    """
    trusted = actor.merchant_id is not None and actor.counter_id is None and Role.MERCHANT_CASHIER not in actor.roles
    is_integration = not actor.roles and actor.counter_id is None
    if not (trusted or is_integration) or not merchant_may(payment["merchant_state"], Capability.TAKE_PAYMENT):
        return True
    return amount.minor > rules.alone_minor


def _new_refund(
    service: Service,
    payment: asyncpg.Record,
    new: NewRefund,
    amount: Money,
    now: datetime,
    *,
    waits: bool,
    gives_back: bool,
) -> Refund:
    payee_type, payee = _payer(service, payment)
    code, words = reasons.read_reason(new.reason)
    expires_at = now + (APPROVAL_LASTS if waits else QUOTE_LASTS)
    return Refund(
        id=ids.uuid7(),
        dfsp_id=payment["dfsp_id"],
        fsp_id=payment["fsp_id"],
        merchant_id=payment["merchant_id"],
        counter_id=payment["counter_id"],
        payment_id=payment["id"],
        state=RefundState.PENDING_APPROVAL if waits else RefundState.CREATED,
        amount_minor=amount.minor,
        currency=amount.currency,
        reason=code,
        words=words,
        payee_type=payee_type,
        payee=payee,
        payee_masked=payment["payer_masked"],
        payee_fsp_id=payment["payer_fsp_id"],
        alias_type=payment["alias_type"],
        alias=payment["alias"],
        trading_name=payment["trading_name"],
        mcc=payment["mcc"],
        original_transaction_id=payment["transaction_id"],
        transaction_id=ids.wire_id(),
        quote_id=ids.wire_id(),
        transfer_id=ids.wire_id(),
        usage_day=None,  # read again with the row
        gives_back=gives_back,
        created_at=now,
        expires_at=expires_at,
        check_at=expires_at,
        steps=1,
    )


def _payer(service: Service, payment: asyncpg.Record) -> tuple[str, str]:
    """Who paid, by type and identifier. Payments of an early release have it on their request alone."""
    if payment["payer_sealed"] is not None:
        context = payer_context(payment["transaction_id"])
        payer_type, _colon, payer = service.vault.open(payment["payer_sealed"], context).decode().partition(":")
        return payer_type, payer
    if payment["asked_sealed"] is not None:
        return MSISDN, service.vault.open(payment["asked_sealed"], f"payment_request:{payment['request_id']}").decode()
    raise problems.PayerNotKept


# --- deciding --------------------------------------------------------------------------------------------------------


async def approve_refund(tx: Tx, service: Service, actor: Actor, refund_id: UUID) -> Refund:
    """Agree to a refund that somebody else asked for. Raises NotFound, CheckerIsMaker, WrongState."""
    refund, maker_id = await _load_own(tx, service, actor, refund_id)
    if maker_id in actor.authors():
        raise errors.CheckerIsMaker(_("Who asked for a refund does not approve it; ask another person."))
    if not refund_may(refund.state, RefundCapability.BE_APPROVED):
        raise errors.WrongState(_("A refund that is {state} cannot be approved.", state=refund.state))
    now = clock.now()
    decision = decide_approved(refund, now)
    await tx.execute(
        "UPDATE refund SET checker_id = $2, checker_name = $3 WHERE id = $1", refund_id, actor.id, actor.name
    )
    await _carry_out(tx, service, refund, decision, now)
    await _record(tx, actor, "refund.approved", refund, now)
    return decision.refunds[refund_id]


async def cancel_refund(tx: Tx, service: Service, actor: Actor, refund_id: UUID) -> Refund:
    """Call a refund off before anything went to the hub. Raises NotAllowed, NotFound, WrongState."""
    may_ask = Permission.PAYMENTS_REFUND in actor.permissions
    actor.require(Permission.PAYMENTS_REFUND if may_ask else Permission.PAYMENTS_REFUND_APPROVE)
    refund, _maker_id = await _load_own(tx, service, actor, refund_id)
    if not refund_may(refund.state, RefundCapability.BE_REJECTED):
        raise errors.WrongState(_("A refund that is {state} cannot be called off.", state=refund.state))
    now = clock.now()
    decision = decide_rejected(refund, reasons.CALLED_OFF, "called_off", now)
    await _carry_out(tx, service, refund, decision, now)
    await _record(tx, actor, "refund.called_off", refund, now)
    return decision.refunds[refund_id]


async def check_refund(tx: Tx, service: Service, actor: Actor, refund_id: UUID) -> Refund:
    """Ask the hub now what became of a refund; the timers ask by themselves, with growing pauses.

    Raises NotFound, WrongState when nothing of it is open at the hub.
    """
    refund, _maker_id = await _load_own(tx, service, actor, refund_id)
    if not refund_may(refund.state, RefundCapability.MOVE_MONEY):
        raise errors.WrongState(_("Nothing of this refund is open; there is nothing to ask the hub about."))
    now = clock.now()
    decision = Decision()
    ask_refund_outcome(decision, refund, now)
    await _carry_out(tx, service, refund, decision, now)
    await _record(tx, actor, "refund.checked", refund, now)
    return refund


async def _load_own(tx: Tx, service: Service, actor: Actor, refund_id: UUID) -> tuple[Refund, UUID]:
    """A refund that the actor may change, locked, and who asked for it. Raises NotFound."""
    book = await empty_book(service, clock.now())
    await load_refunds(tx, service, book, [refund_id], [], [])
    refund = book.refunds.get(refund_id)
    if (
        refund is None
        or actor.dfsp_id not in (None, refund.dfsp_id)
        or actor.merchant_id not in (None, refund.merchant_id)
        or actor.counter_id not in (None, refund.counter_id)
    ):
        raise errors.NotFound
    return refund, await tx.fetchval("SELECT maker_id FROM refund WHERE id = $1", refund_id)


async def _carry_out(
    tx: Tx, service: Service, refund: Refund, decision: Decision, now: datetime, *, is_new: bool = False
) -> None:
    """Save what was decided, announce it, and queue what the hub is told. Raises WrongState without a hub."""
    if is_new:
        await record_steps(tx, decision.refund_steps)
    else:
        await save_refunds(tx, [decision])
    told = [
        events.ToAnnounce(one.event_type, one.dfsp_id, one.merchant_id, one.data, trace.traceparent())
        for one in decision.announcements
    ]
    await events.announce_all(tx, told, now)
    if decision.says:
        connection = await service.shared(HubConnections).find(service, refund.fsp_id)
        if connection is None:
            raise errors.WrongState(_("This DFSP does not take part in the hub at the moment."))
        for say in decision.says:
            await outgoing.queue_say(tx, service, connection, refund.dfsp_id, say)


async def _record(tx: Tx, actor: Actor, action: str, refund: Refund, now: datetime) -> None:
    await audit.record(
        tx,
        actor,
        action,
        "refund",
        refund.id,
        dfsp_id=refund.dfsp_id,
        payment=str(refund.payment_id),
        amount_minor=refund.amount_minor,
        currency=refund.currency,
        state=refund.state,
        at=clock.rfc3339(now),
    )
