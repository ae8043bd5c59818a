"""`merchant hub test`: a real look-up through the hub, step by step, for whoever joins one.

The look-up leaves from here; its answer comes to the running service and is found in the database. Nothing is asked of
a customer and no money moves.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Final

import aiohttp
from msgspec import Struct

from merchant.core import clock, inbox
from merchant.core.inbox import Message
from merchant.core.service import Service
from merchant.hub import adapter
from merchant.hub.envelopes import OutgoingMessage
from merchant.hub.port import HubUnreachable
from merchant.payments.participants import HubConnection, HubConnections
from merchant.scheme import keys

POLL_S: Final = 0.2


class Step(Struct, frozen=True):
    """One thing that was tried: what it is, what was seen, and, where it is wrong, what to do."""

    name: str
    seen: str
    problem: str | None = None


async def probe_hub(
    service: Service, fsp_id: str, party: tuple[str, str] | None, timeout_s: float
) -> AsyncIterator[Step]:
    """Look a party up as one of our DFSPs: (type, id), by default the newest number of the DFSP's own.

    Ends after the first step with a problem.
    """
    async with service.db.system_reads() as tx:
        connection = await service.shared(HubConnections).connection(tx, fsp_id)
        is_ours = party is None
        if party is None and connection is not None:
            row = await tx.fetchrow(_NEWEST, connection.dfsp_id)
            party = (row["alias_type"], row["alias"]) if row is not None else None
        known = {
            name: len(await keys.usable_keys(tx, service.vault, name, keys.JWS_VERIFY, any_case=True))
            for name in _hub_ids(service)
        }
    for step in _ready(service, fsp_id, connection, known):
        yield step
        if step.problem:
            return
    assert connection is not None
    if party is None:
        yield Step("party", "none", "This DFSP has no number yet: give --payer or --alias.")
        return
    seen = await _seen(service)
    begun_s = time.monotonic()
    message = adapter.look_up(*party, fsp_id)
    yield Step("request", f"{message.method} {connection.url_for(message.resource)}{message.path}")
    sent = await _send(connection, message)
    yield sent
    if sent.problem:
        return
    while time.monotonic() - begun_s < timeout_s:
        if (answer := await _answer(service, message, seen)) is not None:
            took_s = time.monotonic() - begun_s
            async with service.db.system_reads() as tx:
                signed_by = await service.shared(HubConnections).partner_keys(tx, answer.source)
            yield _told(answer, took_s)
            yield _verdict(service, answer, bool(signed_by))
            if is_ours and adapter.party_told(answer.body).is_unknown:
                yield Step("number", "ours, and not known to the hub", _no_oracle(service, party[0]))
            return
        await asyncio.sleep(POLL_S)
    yield Step(
        "answer",
        f"none within {timeout_s:g} s",
        f"Is the service running, and {service.settings.base_url}/fspiop registered at the hub as this DFSP's callback"
        " address? An answer that was refused left message_refused in the service's log, with its reason.",
    )


_NEWEST = "SELECT alias_type, alias FROM alias WHERE dfsp_id = $1 ORDER BY counter_id DESC LIMIT 1"


def _ready(service: Service, fsp_id: str, connection: HubConnection | None, known: dict[str, int]) -> list[Step]:
    """What must be so before anything can be sent."""
    if connection is None:
        return [Step("participant", fsp_id, "No DFSP of this id is served here: POST /api/v1/dfsps.")]
    disabled = None if connection.enabled else "It is disabled: PATCH /api/v1/dfsps/{id}."
    url = connection.url_for("parties")
    key = connection.signing_key
    counts = ", ".join(f"{name}: {count}" for name, count in known.items())
    return [
        Step("participant", fsp_id, disabled),
        Step("hub", url or "none", None if url else "Set MERCHANT_HUB_URL, or hub_url of this DFSP."),
        Step("our key", key.key_id if key else "none", None if key else f"Run merchant hub key rotate {fsp_id}."),
        Step("hub's keys", counts, None if _is_believed(service, known) else _KEYLESS),
    ]


_KEYLESS = "No key of the hub is known, so all it says is refused: run merchant hub key import."


def _no_oracle(service: Service, alias_type: str) -> str:
    return (
        f"Register {service.settings.base_url}/oracle at the hub as its oracle for {alias_type} numbers, or customers"
        " find none of this DFSP's. A customer is looked up with --payer."
    )


def _hub_ids(service: Service) -> list[str]:
    return [name.strip() for name in service.settings.hub_fsp_ids.split(",") if name.strip()]


def _is_believed(service: Service, known: dict[str, int]) -> bool:
    """Whether the hub could say anything that would be believed."""
    settings = service.settings
    return not settings.require_signatures or any(known.values()) or any(settings.unsigned_kinds)


async def _send(connection: HubConnection, message: OutgoingMessage) -> Step:
    async with aiohttp.ClientSession() as http:
        try:
            result = await adapter.send(http, connection.url_for(message.resource), message, connection.signing_key)
        except HubUnreachable as error:
            return Step("status", "no answer", f"The hub could not be reached: {error}.")
    if result.is_accepted:
        return Step("status", str(result.status))
    why = f"{result.error_code} {result.error_description}" if result.error_code else "no error in its answer"
    return Step("status", str(result.status), f"The hub refused the look-up: {why}.")


_REPEATED = "SELECT digest, times FROM inbox WHERE resource = 'parties' AND method = 'PUT' AND times > 1"
_LATELY = """
SELECT digest, times, sealed FROM inbox
WHERE resource = 'parties' AND method = 'PUT' AND (received_at >= $1 OR times > 1)
"""


class _Seen(Struct, frozen=True):
    """What had come before: an answer like an earlier one is counted, not stored anew."""

    at: object
    times: dict[bytes, int]


async def _seen(service: Service) -> _Seen:
    async with service.db.system_reads() as tx:
        rows = await tx.fetch(_REPEATED)
    return _Seen(clock.now(), {row["digest"]: row["times"] for row in rows})


async def _answer(service: Service, asked: OutgoingMessage, seen: _Seen) -> Message | None:
    async with service.db.system_reads() as tx:
        rows = await tx.fetch(_LATELY, seen.at)
    for row in rows:
        if row["times"] > seen.times.get(row["digest"], 0):
            message = inbox.open_message(service.vault, row["sealed"])
            if adapter.answers_look_up(asked, message.path):
                return message
    return None


def _told(answer: Message, took_s: float) -> Step:
    """What the answer says, without the party's name."""
    about = f"from {answer.source} after {took_s:.1f} s"
    told = adapter.party_told(answer.body)
    if told.error is not None:
        return Step("answer", f"{about}: error {told.error}")
    if told.problem is not None:
        return Step("answer", about, f"It cannot be read: {told.problem}.")
    return Step("answer", f"{about}: the account is at {told.fsp_id or answer.source}")


def _verdict(service: Service, answer: Message, has_keys: bool) -> Step:
    """How the service came to take the answer."""
    if not service.settings.require_signatures:
        return Step("signature", "not checked", "MERCHANT_REQUIRE_SIGNATURES is false: anyone can speak as the hub.")
    if has_keys:
        return Step("signature", f"good, by a key of {answer.source}")
    return Step("signature", "none, as MERCHANT_UNSIGNED_FROM_HUB allows")
