"""One step of a dialogue, and the sessions it is kept in.

Most steps have no effect: they are read and stored in two statements (in one where this process stored the step before,
recent.py), and stored only if the session is still the one that was read, so of copies that arrive together one is
stored and the others find its words. An answer that may have an effect locks the session's row instead: the request for
payment is written in the transaction that stores the answer.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import cast

import structlog
from msgspec import Struct
from msgspec.structs import replace

import ussd
from merchant.channels.ussd import metrics
from merchant.channels.ussd.backend import ServiceBackend
from merchant.channels.ussd.recent import Recent
from merchant.channels.ussd.sealing import open_state, seal_state
from merchant.core import clock
from merchant.core.db import Reads, Tx, forget
from merchant.core.http.json import passing_problem
from merchant.core.phone import Msisdn
from merchant.core.service import Service

KEPT_FOR = timedelta(days=1)  # of sessions after the call began; a call is over in minutes
LANGUAGE_KEPT_FOR = timedelta(days=400)  # after the last call: so long a phone is spoken to in the language it chose
_LANGUAGE_NOTED_EVERY = timedelta(days=30)
# Gateways wait 10 to 15 s for a screen. To this come at most 2 s in which a silent connection is given up (db.py).
DEADLINE_S = 5.0
_TURNS_MAX = 10  # of one step that others overtake; each of them was one step of the same phone
_log = structlog.get_logger()

# What a call that begins needs besides, the phone's call before and its language, is looked for only then.
_SESSION = """
SELECT s.state, s.msisdn_digest, s.expires_at, e.state AS earlier, e.expires_at AS earlier_expires_at,
       p.language, p.noted_at
FROM (VALUES ($3::bytea)) AS phone (digest)
LEFT JOIN ussd_session s ON s.gateway = $1 AND s.session_id = $2
LEFT JOIN LATERAL (
    SELECT state, expires_at FROM ussd_session
    WHERE msisdn_digest = phone.digest AND (s.msisdn_digest IS DISTINCT FROM phone.digest OR s.expires_at <= $4)
    ORDER BY touched_at DESC LIMIT 1
) e ON true
LEFT JOIN ussd_phone p
    ON p.msisdn_digest = phone.digest AND (s.msisdn_digest IS DISTINCT FROM phone.digest OR s.expires_at <= $4)
"""
_LOCKED_SESSION = "SELECT state FROM ussd_session WHERE gateway = $1 AND session_id = $2 FOR UPDATE"
_PHONE = "SELECT msisdn_digest FROM ussd_session WHERE gateway = $1 AND session_id = $2"
# Not to wait for the disk saves a third of a step, and only a step without effect may do so: what a crash of the
# database's machine takes of the last half second is walked again from the next text, up to the screen that commits.
_WITHOUT_WAITING = "set_config('synchronous_commit', 'off', true) = 'off'"
_STORE_FIRST = f"""
INSERT INTO ussd_session (gateway, session_id, msisdn_digest, state, expires_at, touched_at)
SELECT $1::varchar, $2::varchar, $3::bytea, $4::bytea, $5::timestamptz, $6::timestamptz WHERE {_WITHOUT_WAITING}
ON CONFLICT (gateway, session_id) DO NOTHING
"""
# Every sealing is unique, so that comparing with the one that was read leaves alone what someone has just written.
_STORE = """
UPDATE ussd_session SET msisdn_digest = $3, state = $4, expires_at = $5, touched_at = coalesce($6, touched_at)
WHERE gateway = $1 AND session_id = $2 AND state = $7
"""
_STORE_WITHOUT_WAITING = f"{_STORE} AND {_WITHOUT_WAITING}"
_NOTE_LANGUAGE = """
INSERT INTO ussd_phone (msisdn_digest, language, noted_at) VALUES ($1, $2, $3)
ON CONFLICT (msisdn_digest) DO UPDATE SET language = $2, noted_at = $3
"""


class _Found(Struct, frozen=True):
    """What was read: the phone's session, the stored bytes of its row (None for no row), and the call before."""

    session: ussd.Session | None
    stored: bytes | None
    earlier: ussd.Session | None = None
    language: str | None = None
    noted_at: datetime | None = None


class _Taken(Struct):
    """How far a step has come, and so what may be said should it fail now: nothing that is not certain."""

    apology: Callable[[ussd.Session | None], ussd.Reply]
    session: ussd.Session | None = None


class _Turn:
    """The deliveries of one session's steps that are in this process."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.waiting = 0


async def take_step(service: Service, step: ussd.Step) -> ussd.Reply:
    """One step of a dialogue, durable, within the deadline; of a fault of ours the phone is told what is certain."""
    taken = _Taken(_unread(step))
    try:
        async with asyncio.timeout(DEADLINE_S):
            return await _take(service, step, taken)
    except Exception as error:
        if isinstance(error, TimeoutError):
            metrics.count_deadline_missed()
        elif passing_problem(service, error) is None:
            _log.exception("ussd_step_failed", gateway=step.gateway)
    return taken.apology(taken.session)


def _unread(step: ussd.Step) -> Callable[[ussd.Session | None], ussd.Reply]:
    """What is certain of a step while its session is not read: that the first of a call asks for nothing."""
    return ussd.later if step.event == "begin" else ussd.unsure


async def _take(service: Service, step: ussd.Step, taken: _Taken) -> ussd.Reply:
    digest = Msisdn.of(step.msisdn).digest(service.vault) if step.msisdn else None
    if digest is not None and not step.session_id:  # some gateways know a session by its phone alone
        step = replace(step, session_id=digest.hex())
    elif digest is not None and step.of_phone:
        step = replace(step, session_id=f"{step.session_id}@{digest.hex()}")
    async with _one_at_a_time(service, step):
        reply = await _try_kept(service, step, digest, taken) if digest is not None and step.event == "reply" else None
        if reply is not None:
            return reply
        for _ in range(_TURNS_MAX):
            taken.apology = _unread(step)  # the session was another's meanwhile
            reply = await _try(service, step, digest, taken)
            if reply is not None:
                return reply
    raise TimeoutError


async def _try_kept(service: Service, step: ussd.Step, digest: bytes, taken: _Taken) -> ussd.Reply | None:
    """Take the next step of a session that this process stored last, without reading it; None where it must be read.

    Only what is stored counts, and it is stored only over the very bytes that were kept.
    """
    recent, now = service.shared(Recent), clock.now()
    kept = recent.take(step, digest)
    if kept is None or now >= kept.session.expires_at or ussd.may_act(kept.session, step):
        return None
    taken.session = kept.session  # for its language: it may be old, and the step one that has an effect
    found = _Found(kept.session, kept.stored, language=kept.session.language)
    async with service.db.reads_when_needed() as reads:
        backend = ServiceBackend(cast("Tx", reads), service, digest, found.language)
        session, reply = await ussd.step(kept.session, step, backend, now)
    # A copy, a step that overtook another, or a further call under the same id.
    if session is None or session.began or session.step != kept.session.step + 1:
        return None
    async with service.db.system_statements() as tx:
        stored = await _store(service, tx, step, digest, found, session, now, _STORE_WITHOUT_WAITING)
    if stored is None:
        recent.distrust()
        return None
    recent.keep(step, digest, stored, session)
    return reply


async def _try(service: Service, step: ussd.Step, digest: bytes | None, taken: _Taken) -> ussd.Reply | None:
    """Take the step once; None when another was stored meanwhile, so that this one must be taken anew."""
    now = clock.now()
    async with service.db.system_reads() as reads:
        if digest is None:
            digest = await reads.fetchval(_PHONE, step.gateway, step.session_id)
            if digest is None:
                return ussd.Reply("", end=True)
        found = await _read(service, reads, step, digest, now)
        taken.session = found.session
        if step.event == "status":
            return ussd.Reply("", end=not ussd.session_goes_on(found.session, now))
        acts = ussd.may_act(found.session, step)
        if not acts:
            taken.apology = ussd.later
            # This connection only reads: a screen that has an effect and is not said to have one fails.
            backend = ServiceBackend(cast("Tx", reads), service, digest, found.language)
            session, reply = await ussd.step(found.session, step, backend, now, found.earlier)
    if acts:
        taken.apology = ussd.unsure
        return await _act(service, step, digest, found, taken, now)
    if session is None or session is found.session:
        return reply
    async with service.db.system_statements() as tx:
        stored = await _store(service, tx, step, digest, found, session, now, _STORE_WITHOUT_WAITING)
    if stored is None:
        return None
    service.shared(Recent).keep(step, digest, stored, session)
    return reply


async def _act(
    service: Service, step: ussd.Step, digest: bytes, read: _Found, taken: _Taken, now: datetime
) -> ussd.Reply | None:
    """Take a step that may have an effect, in the transaction that stores it."""
    async with service.db.system() as tx:
        row = await tx.fetchrow(_LOCKED_SESSION, step.gateway, step.session_id)
        if row is None or row["state"] != read.stored:
            return None
        taken.apology = ussd.busy  # the session stands where it stood: no copy has been taken
        backend = ServiceBackend(tx, service, digest, read.language)
        session, reply = await ussd.step(read.session, step, backend, now, read.earlier)
        if session is not None and session is not read.session:
            await _store(service, tx, step, digest, read, session, now, _STORE)
        taken.apology = ussd.unsure  # whether this is committed is known only at the end
    return reply


async def _read(service: Service, reads: Reads, step: ussd.Step, digest: bytes, now: datetime) -> _Found:
    row = await reads.fetchrow(_SESSION, step.gateway, step.session_id, digest, now)
    assert row is not None, "a row for the phone, at least"
    session = None
    if row["state"] and row["msisdn_digest"] == digest:
        session = _opened(service, digest, row["state"], row["expires_at"])
    earlier = None
    if row["earlier"]:
        earlier = _opened(service, digest, row["earlier"], row["earlier_expires_at"])
    known = row["language"] or (earlier.language if earlier else "") or (session.language if session else "")
    return _Found(session, row["state"], earlier, known or None, row["noted_at"])


def _opened(service: Service, digest: bytes, stored: bytes, expires_at: datetime) -> ussd.Session:
    session = ussd.decode_session(open_state(service.vault, digest, stored))
    return session if session.unreadable else replace(session, expires_at=expires_at)


async def _store(
    service: Service,
    tx: Tx,
    step: ussd.Step,
    digest: bytes,
    found: _Found,
    session: ussd.Session,
    now: datetime,
    statement: str,
) -> bytes | None:
    """Keep the session, and the language that was chosen with it; its bytes; None if another was stored since."""
    state = seal_state(service.vault, digest, ussd.encode_session(session))
    row = (step.gateway, step.session_id, digest, state, session.expires_at)
    if found.stored is None:
        changed = await tx.execute(_STORE_FIRST, *row, now)
    else:
        changed = await tx.execute(statement, *row, now if session.began else None, found.stored)
    if not changed:
        return None
    is_old = session.began and found.noted_at is not None and now - found.noted_at > _LANGUAGE_NOTED_EVERY
    if session.chose or is_old:
        # A line of 7-bit letters alone may speak another language than the phone's.
        language = session.language if session.chose else found.language or session.language
        await tx.execute(_NOTE_LANGUAGE, digest, language, now)
    _count(found, session)
    return state


def _count(found: _Found, session: ussd.Session) -> None:
    before = found.session or found.earlier
    if session.guesses > (before.guesses if before else 0):
        metrics.count_wrong_number()
    if (
        found.session is not None
        and found.session.screen == "confirm"
        and session.screen == "home"
        and not session.ended
    ):
        metrics.count_decline()
    if found.session is not None and found.session.screen == "resume" and session.screen not in {"resume", "home"}:
        metrics.count_resume()


@asynccontextmanager
async def _one_at_a_time(service: Service, step: ussd.Step) -> AsyncIterator[None]:
    """Copies of a step wait here for one another, without a connection: other phones have need of those."""
    turns, key = service.shared(_turns), (step.gateway, step.session_id)
    turn = turns.get(key) or turns.setdefault(key, _Turn())
    turn.waiting += 1
    try:
        async with turn.lock:
            yield
    finally:
        turn.waiting -= 1
        if not turn.waiting:
            del turns[key]


def _turns(_service: Service) -> dict[tuple[str, str], _Turn]:
    return {}


async def prune(tx: Tx, limit: int) -> int:
    """Forget sessions older than KEPT_FOR; the number forgotten, at most `limit`."""
    return await forget(tx, "ussd_session", "gateway, session_id", "touched_at", clock.now() - KEPT_FOR, limit)


async def prune_languages(tx: Tx, limit: int) -> int:
    """Forget the languages of phones that have not called for LANGUAGE_KEPT_FOR; how many, at most `limit`."""
    return await forget(tx, "ussd_phone", "msisdn_digest", "noted_at", clock.now() - LANGUAGE_KEPT_FOR, limit)
