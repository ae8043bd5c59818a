"""What payments exports to the programs."""

from merchant.core import inbox
from merchant.core.access import Permission as P
from merchant.core.slices import JobKind, Pruned, Timer
from merchant.hub.port import HubUnreachable
from merchant.payments import outgoing, pruning
from merchant.payments.ask import ASK_TOPIC, LOOK_UP_TOPIC, ask_payer, look_up_payer
from merchant.payments.callbacks import fspiop_door
from merchant.payments.engine import work_off
from merchant.payments.finding_routes import ROUTES as FINDING_ROUTES
from merchant.payments.limit_routes import ROUTES as LIMIT_ROUTES
from merchant.payments.outgoing import Retry, send_queued
from merchant.payments.price_keys.routes import ROUTES as PRICE_KEY_ROUTES
from merchant.payments.reconcile import finish_reconciling
from merchant.payments.refunds.routes import ROUTES as REFUND_ROUTES
from merchant.payments.routes import ROUTES as JSON_ROUTES
from merchant.payments.timers import run_timers
from merchant.payments.transfers import NotYet

_EXPECTED = (HubUnreachable, Retry, NotYet)

ROUTES = [*JSON_ROUTES, *FINDING_ROUTES, *PRICE_KEY_ROUTES, *LIMIT_ROUTES, *REFUND_ROUTES, fspiop_door]
# What a call to the hub came to goes on in the same batches as what the hub sends.
JOBS = (
    JobKind(inbox.TOPIC, batched=work_off, expected=_EXPECTED),
    JobKind(LOOK_UP_TOPIC, network=look_up_payer, batched=work_off, expected=_EXPECTED),
    JobKind(ASK_TOPIC, network=ask_payer, batched=work_off, expected=_EXPECTED),
    JobKind(outgoing.TOPIC, network=send_queued, batched=work_off, expected=_EXPECTED),
)
TIMERS = (Timer("payments.due", run_timers), Timer("payments.reconcile", finish_reconciling))
PRUNED = (
    Pruned("quotes", pruning.forget_answers),
    Pruned("payers", pruning.forget_payers),
    Pruned("sent messages", outgoing.prune),
)
PERMISSIONS = {
    P.PAYMENTS_READ: "Read payment requests and payments.",
    P.PAYMENTS_REQUEST: "Ask for money, and take a request back.",
    P.PAYMENTS_RESOLVE: "Ask the hub what became of a payment or a refund in doubt.",
    P.PAYMENTS_REFUND: "Give money back, or ask for it where a second person must agree.",
    P.PAYMENTS_REFUND_APPROVE: "Approve refunds that somebody else asked for.",
}
