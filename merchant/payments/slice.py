"""What payments exports to the programs."""

import aiohttp

from merchant.core import inbox
from merchant.core.access import Permission as P
from merchant.core.db import Tx
from merchant.core.service import Service
from merchant.core.slices import Pruned, Timer, network, transactional
from merchant.hub.fspiop.client import HubUnreachable
from merchant.payments import outgoing, parties, quotes
from merchant.payments.ask import ASK_TOPIC, RequestJob, ask_payer
from merchant.payments.callbacks import fspiop_door
from merchant.payments.finding_routes import ROUTES as FINDING_ROUTES
from merchant.payments.inbound import interpret
from merchant.payments.limit_routes import ROUTES as LIMIT_ROUTES
from merchant.payments.outgoing import Retry, Sender, send_queued
from merchant.payments.participants import HubConnections
from merchant.payments.price_keys.routes import ROUTES as PRICE_KEY_ROUTES
from merchant.payments.reconcile import finish_reconciling
from merchant.payments.requests import LOOK_UP_TOPIC
from merchant.payments.routes import ROUTES as JSON_ROUTES
from merchant.payments.timers import run_timers
from merchant.payments.transfers import NotYet

_AGAIN = (HubUnreachable, Retry)


def _sender(service: Service, http: aiohttp.ClientSession) -> Sender:
    return Sender(service, service.shared(HubConnections), http)


async def _interpret(tx: Tx, service: Service, payload: bytes) -> None:
    await interpret(tx, service, inbox.open_message(service.vault, payload))


async def _look_up(service: Service, http: aiohttp.ClientSession, job: RequestJob) -> None:
    await parties.look_up_payer(_sender(service, http), job.request_id)


async def _ask(service: Service, http: aiohttp.ClientSession, job: RequestJob) -> None:
    await ask_payer(_sender(service, http), job.request_id)


async def _send(service: Service, http: aiohttp.ClientSession, payload: bytes) -> None:
    await send_queued(_sender(service, http), payload)


ROUTES = [*JSON_ROUTES, *FINDING_ROUTES, *PRICE_KEY_ROUTES, *LIMIT_ROUTES, fspiop_door]
JOBS = (
    transactional(inbox.TOPIC, bytes, _interpret, expected=(NotYet,)),
    network(LOOK_UP_TOPIC, RequestJob, _look_up, _AGAIN),
    network(ASK_TOPIC, RequestJob, _ask, _AGAIN),
    network(outgoing.TOPIC, bytes, _send, _AGAIN),
)
TIMERS = (Timer("payments.due", run_timers), Timer("payments.reconcile", finish_reconciling))
PRUNED = (Pruned("quotes", quotes.prune), Pruned("sent messages", outgoing.prune))
PERMISSIONS = {
    P.PAYMENTS_READ: "Read payment requests and payments.",
    P.PAYMENTS_REQUEST: "Ask for money, and take a request back.",
    P.PAYMENTS_RESOLVE: "Ask the hub what became of a payment in doubt.",
}
