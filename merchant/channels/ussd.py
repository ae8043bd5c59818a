"""The USSD door: joins the ussd dialogue to registry and payments, one transaction a step.

The session's row is locked for the step, so a step that a gateway delivers twice, even at once, finds what the first
one wrote and answers the same words; the request for payment is written in that same transaction. Raw ASGI below
/ussd/{gateway}/{key}: gateways sign nothing, so the key in the path is all that proves them. How each gateway writes is
in ussd/gateways/.
"""

import hmac
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import structlog
from litestar import asgi
from litestar.types import Receive, Scope, Send
from msgspec.structs import replace

import ussd
from merchant.compliance.policies.in_force import policy_of
from merchant.core import clock, errors, money, phone, throttling
from merchant.core.access import Actor
from merchant.core.db import Tx, forget
from merchant.core.http import raw
from merchant.core.http.json import passing_problem
from merchant.core.http.raw import Refused, respond
from merchant.core.http.source import client_address
from merchant.core.locks import take_turn
from merchant.core.money import Money
from merchant.core.phone import Msisdn
from merchant.core.service import Service
from merchant.core.throttle import Throttle, source_key
from merchant.core.vault import BadSecretKey
from merchant.payments.operations import NewRequest, create_request, read_headroom
from merchant.payments.states import RequestCapability, RequestState, states_that_permit
from merchant.registry.merchants.counters import counter_by_id, usual_currency
from merchant.registry.merchants.states import Capability, merchant_may
from merchant.registry.merchants.states import states_that_permit as merchants_that_permit

MOUNT = "/ussd"
CHANNEL = "ussd"
MAX_BODY_BYTES = 16_384  # a dozen short fields
MAX_OPEN_REQUESTS = 5  # of one phone at a time: more is a prank or a loop
STATUS_SHOWN_FOR = timedelta(minutes=5)
KEPT_FOR = timedelta(days=30)  # of sessions: so long a phone is spoken to in the language it used last
_TEXT = (b"content-type", b"text/plain; charset=utf-8")
_log = structlog.get_logger()

# Makes the row or locks it: the second of two first steps waits here for the first one's end.
_SESSION = """
INSERT INTO ussd_session (gateway, session_id, msisdn_digest, state, expires_at, touched_at)
VALUES ($1, $2, $3, '', $4, $4)
ON CONFLICT (gateway, session_id) DO UPDATE SET touched_at = $4
RETURNING state, msisdn_digest
"""
_KNOWN_SESSION = """
SELECT state, msisdn_digest FROM ussd_session WHERE gateway = $1 AND session_id = $2 FOR UPDATE
"""
_STORE = """
UPDATE ussd_session SET msisdn_digest = $3, state = $4, expires_at = $5 WHERE gateway = $1 AND session_id = $2
"""


@asgi(MOUNT, is_mount=True, copy_scope=False, opt={"public": True, "hidden": True})
async def ussd_door(scope: Scope, receive: Receive, send: Send) -> None:
    """Everything below /ussd."""
    service: Service = scope["litestar_app"].state.service
    try:
        call = await raw.read_call(scope, receive, raw.headers_of(scope), MOUNT, MAX_BODY_BYTES)
        gateway, rest = _gateway_of(service, scope, call)
        if call.method not in gateway.methods:
            raise Refused(405, "3000", f"This gateway sends its steps by {' or '.join(sorted(gateway.methods))}.")
        step = gateway.decode(ussd.Call(call.method, rest, call.query, call.headers, call.body), await _route(service))
        answer = gateway.encode(step, await take_step(service, step))
    except Refused as refused:
        await respond(send, refused.status, refused.description.encode(), _TEXT)
    except ussd.BadStep as problem:
        await respond(send, 400, str(problem).encode(), _TEXT)
    else:
        headers = tuple((name.lower().encode(), value.encode()) for name, value in answer.headers)
        content_type = next((one for one in headers if one[0] == b"content-type"), _TEXT)
        others = tuple(one for one in headers if one[0] != b"content-type")
        await respond(send, answer.status, answer.body, content_type, others)


def _gateway_of(service: Service, scope: Scope, call: raw.Call) -> tuple[ussd.Gateway, str]:
    """The gateway whose address this is, and the path below it. Raises Refused: 403 for a wrong key, else 404.

    Every refusal counts against its source, so that neither names nor keys can be guessed.
    """
    name, _, rest = call.path.removeprefix("/").partition("/")
    key, slash, rest = rest.partition("/")
    gateway = ussd.GATEWAYS.get(name)
    refused = Refused(404, "3002", "There is no such gateway.")
    if gateway is not None and key:
        if not hmac.compare_digest(key.encode(errors="replace"), gateway_key(service, name).encode()):
            refused = Refused(403, "3000", "This is not the key of this gateway.")
        elif gateway.has_path or not rest:
            return gateway, slash + rest
    _count_wrong_address(service, scope, call)
    raise refused


async def _route(service: Service) -> ussd.Route:
    """What calls do not say: the scheme's code, and the country whose phones dial it."""
    try:
        scheme = await service.scheme()
    except Exception as error:  # as a step that fails: its screen, if any, is told
        if passing_problem(service, error) is None:
            _log.exception("ussd_route_unknown")
        return ussd.Route()
    return ussd.Route(scheme.ussd_code, phone.calling_code(scheme.country))


def wrong_keys(_service: Service) -> Throttle:
    """Addresses below /ussd that one source may guess: a gateway is set up with one, by copy and paste."""
    return Throttle(per_minute=30, burst=30)


def _count_wrong_address(service: Service, scope: Scope, call: raw.Call) -> None:
    source = source_key(client_address(scope, call.headers, service.settings))
    if throttling.wait_s(service, wrong_keys, source, "ussd"):
        raise Refused(429, "2005", "Too many wrong addresses; try again in a minute.")


def gateway_key(service: Service, name: str) -> str:
    """The secret part of a gateway's address, the same for every process; it stays when secret keys are rotated."""
    return service.vault.digest("ussd-gateway", name).hex()[:40]


def gateway_path(service: Service, name: str) -> str:
    """The path to which a gateway posts its steps."""
    return f"{MOUNT}/{name}/{gateway_key(service, name)}"


async def take_step(service: Service, step: ussd.Step) -> ussd.Reply:
    """One step of a dialogue, durable; on a fault of ours nothing was asked and the phone is told so."""
    now = clock.now()
    session: ussd.Session | None = None
    try:
        if not step.msisdn:
            return await _take_notice(service, step, now)
        digest = Msisdn.of(step.msisdn).digest(service.vault)
        session_id = step.session_id or digest.hex()  # some gateways know a session by its phone alone
        step = replace(step, session_id=session_id)
        async with service.db.system() as tx:
            row = await tx.fetchrow(_SESSION, step.gateway, session_id, digest, now)
            if row is not None and row["state"] and row["msisdn_digest"] == digest:
                session = ussd.decode_session(_opened(service, digest, row["state"]))
            session, reply = await ussd.step(session, step, ServiceBackend(tx, service, digest), now)
            state = service.vault.seal(ussd.encode_session(session), _context(digest))
            await tx.execute(_STORE, step.gateway, session_id, digest, state, session.expires_at)
    except Exception as error:
        if passing_problem(service, error) is None:
            _log.exception("ussd_step_failed", gateway=step.gateway)
        return ussd.busy(session)
    return reply


async def _take_notice(service: Service, step: ussd.Step, now: datetime) -> ussd.Reply:
    """A notice or a question that names a session and no phone; an unknown session is over, and nothing is written."""
    async with service.db.system() as tx:
        row = await tx.fetchrow(_KNOWN_SESSION, step.gateway, step.session_id)
        if row is None or not row["state"]:
            return ussd.Reply("", end=True)
        digest = row["msisdn_digest"]
        session = ussd.decode_session(_opened(service, digest, row["state"]))
        if step.event == "status":
            return ussd.Reply("", end=not ussd.session_goes_on(session, now))
        session, reply = await ussd.step(session, step, ServiceBackend(tx, service, digest), now)
        state = service.vault.seal(ussd.encode_session(session), _context(digest))
        await tx.execute(_STORE, step.gateway, step.session_id, digest, state, session.expires_at)
        return reply


def _context(msisdn_digest: bytes) -> str:
    return f"ussd:{msisdn_digest.hex()}"


def _opened(service: Service, msisdn_digest: bytes, state: bytes) -> bytes:
    """A dialogue's state; the release before kept it in clear, as JSON."""
    if state.startswith(b"{"):
        return state
    try:
        return service.vault.open(state, _context(msisdn_digest))
    except BadSecretKey:
        return b""  # a key was dropped meanwhile: the shopper begins again, as with a state that cannot be read


async def prune(tx: Tx, limit: int) -> int:
    """Forget sessions older than KEPT_FOR; the number forgotten, at most `limit`."""
    return await forget(tx, "ussd_session", "gateway, session_id", "touched_at", clock.now() - KEPT_FOR, limit)


_MERCHANT = """
SELECT c.id, c.alias, m.id AS merchant_id, m.dfsp_id, m.tier,
       CASE WHEN c.closed_at IS NULL THEN m.state ELSE 'closed' END AS state, m.currencies, m.ussd_name, m.trading_name
FROM alias_claim a JOIN counter c ON c.id = a.counter_id
JOIN merchant m ON m.id = c.merchant_id JOIN dfsp d ON d.id = m.dfsp_id
WHERE a.alias_type = $2 AND lower(a.alias) = lower($1) AND d.enabled
"""
_SHOP = """
SELECT m.id, m.dfsp_id, m.tier
FROM counter c JOIN merchant m ON m.id = c.merchant_id JOIN dfsp d ON d.id = m.dfsp_id
WHERE c.id = $1 AND d.enabled
"""
_OWN = f"""
SELECT c.id, c.alias, c.name FROM counter c JOIN merchant m ON m.id = c.merchant_id
WHERE m.phone_digest = $1 AND c.closed_at IS NULL
  AND m.state IN {merchants_that_permit(Capability.SHOW_PAYMENTS)} ORDER BY c.id LIMIT 50
"""  # noqa: S608 - constants
_RECENT = """
SELECT amount_minor, currency, payer_masked, received_at FROM payment WHERE counter_id = $1 ORDER BY id DESC LIMIT $2
"""
_LAST_REQUEST = """
SELECT p.counter_id, p.amount_minor, p.currency, p.state, p.short_ref, m.ussd_name, m.trading_name
FROM payment_request p JOIN merchant m ON m.id = p.merchant_id
WHERE p.payer_digest = ANY($1) AND p.created_at > $2 AND p.channel = 'ussd'
ORDER BY p.id DESC LIMIT 1
"""
_OPEN_REQUESTS = f"""
SELECT count(*) FROM payment_request
WHERE payer_digest = ANY($1) AND channel = 'ussd' AND state IN {states_that_permit(RequestCapability.EXPIRE)}
  AND expires_at > $2
"""  # noqa: S608 - constants
_LAST_SESSION = """
SELECT state FROM ussd_session WHERE msisdn_digest = $1 AND state <> '' ORDER BY touched_at DESC LIMIT 1
"""
_TOLD: dict[str, Literal["waiting", "paid", "unknown"]] = {
    RequestState.CREATED: "waiting",
    RequestState.SENT: "waiting",
    RequestState.AWAITING_PAYER: "waiting",
    RequestState.ACCEPTED: "waiting",
    RequestState.PAID: "paid",
    RequestState.IN_DOUBT: "unknown",
}


class ServiceBackend:
    """What the dialogue may ask, answered from registry and payments within the step's transaction (ussd.Backend)."""

    def __init__(self, tx: Tx, service: Service, msisdn_digest: bytes) -> None:
        self._tx = tx
        self._service = service
        self._msisdn_digest = msisdn_digest

    async def find_merchant(self, number: str) -> ussd.MerchantView | None:
        """The counter with this number, letters in any case."""
        scheme = await self._service.scheme()
        row = await self._tx.fetchrow(_MERCHANT, number, scheme.alias_type)
        if row is None:
            return None
        currency = usual_currency(scheme, row["currencies"])
        return ussd.MerchantView(
            counter_id=str(row["id"]),
            number=row["alias"],
            name=row["ussd_name"] or row["trading_name"],
            currency=currency,
            exponent=money.exponent(currency),
            open=merchant_may(row["state"], Capability.TAKE_PAYMENT),
            max_minor=(await policy_of(self._service, row["dfsp_id"])).limits(row["tier"], currency).per_payment_minor,
        )

    async def request_payment(self, order: ussd.PaymentOrder) -> ussd.PaymentOutcome:
        """Ask the payer's own bank, after the checks that the merchant's own request would pass."""
        tx, service = self._tx, self._service
        shop = await tx.fetchrow(_SHOP, UUID(order.counter_id))
        if shop is None:
            return ussd.PaymentOutcome("refused", reason="closed")
        payer = Msisdn.of(order.payer_msisdn)
        now, amount = clock.now(), Money(order.amount_minor, order.currency)
        # Several sessions of one phone at the same moment would each count the others' requests as absent.
        await take_turn(tx, f"ussd payer {payer.digest(service.vault).hex()}")
        if await tx.fetchval(_OPEN_REQUESTS, payer.payer_digests(service.vault), now) >= MAX_OPEN_REQUESTS:
            return ussd.PaymentOutcome("refused", reason="too_many")
        counter = await counter_by_id(tx, shop["dfsp_id"], UUID(order.counter_id))
        if counter is None or amount.minor > (await read_headroom(tx, service, counter, amount.currency, now)).minor:
            return ussd.PaymentOutcome("refused", reason="daily_limit")
        actor = Actor(kind="service", id=UUID(int=0), name=CHANNEL, dfsp_id=shop["dfsp_id"])
        new = NewRequest(counter_id=UUID(order.counter_id), amount=amount, payer=payer, channel=CHANNEL)
        try:
            request = await create_request(tx, service, actor, new)
        except errors.WrongState:
            return ussd.PaymentOutcome("refused", reason="closed")
        except errors.InvalidFields:
            return ussd.PaymentOutcome("refused", reason="limit")
        return ussd.PaymentOutcome("sent", reference=request.short_ref)

    async def own_counters(self, msisdn: str) -> list[ussd.OwnCounter]:
        """The counters of the merchant whose phone this is."""
        rows = await self._tx.fetch(_OWN, Msisdn.of(msisdn).digest(self._service.vault))
        return [ussd.OwnCounter(str(row["id"]), row["alias"], row["name"]) for row in rows]

    async def recent_payments(self, counter_id: str, limit: int) -> list[ussd.PaymentLine]:
        """The counter's latest payments."""
        zone = await self._service.time_zone()
        return [
            ussd.PaymentLine(
                row["amount_minor"],
                row["currency"],
                money.exponent(row["currency"]),
                row["payer_masked"] or "",
                row["received_at"].astimezone(zone),
            )
            for row in await self._tx.fetch(_RECENT, UUID(counter_id), limit)
        ]

    async def last_request(self, msisdn: str) -> ussd.LastRequest | None:
        """This phone's last request by USSD, while it is fresh."""
        digests = Msisdn.of(msisdn).payer_digests(self._service.vault)
        row = await self._tx.fetchrow(_LAST_REQUEST, digests, clock.now() - STATUS_SHOWN_FOR)
        if row is None:
            return None
        return ussd.LastRequest(
            counter_id=str(row["counter_id"]),
            shop=row["ussd_name"] or row["trading_name"],
            amount_minor=row["amount_minor"],
            currency=row["currency"],
            exponent=money.exponent(row["currency"]),
            state=_TOLD.get(row["state"], "refused"),
            reference=row["short_ref"],
        )

    async def preferred_language(self, msisdn: str) -> str | None:
        """The language this phone used last."""
        stored = await self._tx.fetchval(_LAST_SESSION, self._msisdn_digest)
        if stored is None:
            return None
        return ussd.decode_session(_opened(self._service, self._msisdn_digest, stored)).language or None
