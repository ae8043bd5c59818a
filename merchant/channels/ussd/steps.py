"""One step of a dialogue in one transaction, and the sessions it is kept in.

The session's row is locked for the step, so a step that a gateway delivers twice, even at once, finds what the first
one wrote and answers the same words; the request for payment is written in that same transaction.
"""

from datetime import datetime, timedelta

import structlog
from msgspec.structs import replace

import ussd
from merchant.channels.ussd.backend import ServiceBackend
from merchant.channels.ussd.sealing import open_state, seal_state
from merchant.core import clock
from merchant.core.db import Tx, forget
from merchant.core.http.json import passing_problem
from merchant.core.phone import Msisdn
from merchant.core.service import Service

KEPT_FOR = timedelta(days=30)  # of sessions: so long a phone is spoken to in the language it used last
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
                session = ussd.decode_session(open_state(service.vault, digest, row["state"]))
            session, reply = await ussd.step(session, step, ServiceBackend(tx, service, digest), now)
            state = seal_state(service.vault, digest, ussd.encode_session(session))
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
        session = ussd.decode_session(open_state(service.vault, digest, row["state"]))
        if step.event == "status":
            return ussd.Reply("", end=not ussd.session_goes_on(session, now))
        session, reply = await ussd.step(session, step, ServiceBackend(tx, service, digest), now)
        state = seal_state(service.vault, digest, ussd.encode_session(session))
        await tx.execute(_STORE, step.gateway, step.session_id, digest, state, session.expires_at)
        return reply


async def prune(tx: Tx, limit: int) -> int:
    """Forget sessions older than KEPT_FOR; the number forgotten, at most `limit`."""
    return await forget(tx, "ussd_session", "gateway, session_id", "touched_at", clock.now() - KEPT_FOR, limit)
