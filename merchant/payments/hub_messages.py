"""A hub message as it was kept, for the hub's staff: what came, our refusals and questions, our answers.

What came and what we refused or asked is kept for inbox.KEPT_FOR, as a quote's answer is; a transfer's answer stays
with it. Names and telephone numbers are masked, and who looked is recorded.
"""

import re
from datetime import datetime
from typing import Any
from uuid import UUID

from merchant.core import audit, errors, evidence, inbox
from merchant.core.access import Actor
from merchant.core.db import Reads, Tx
from merchant.core.evidence import SecurityEvent
from merchant.core.http import json as web
from merchant.core.service import Service
from merchant.core.texts import _
from merchant.hub.adapter import masked_numbers, shown_body, shown_headers
from merchant.payments.finding_schemas import HubMessageView
from merchant.payments.outgoing import open_queued

_ID = re.compile(r"(in|out)\.([0-9a-f]{32})|(quotes|transfers)\.([A-Za-z0-9._-]{1,32})\.([0-9A-Za-z-]{1,36})")
_DIGEST_BYTES = 16  # of the inbox's key that its id shows: as rare as an UUID
_CAME = "SELECT sealed, received_at FROM inbox WHERE digest >= $1 AND digest <= $2 LIMIT 1"
_SENT = "SELECT sealed, sent_at FROM sent_message WHERE id = $1"
_QUOTED = """
SELECT q.answer, q.created_at AS at, d.fsp_id FROM quote q JOIN dfsp d ON d.id = q.dfsp_id
WHERE q.payer_fsp_id = $1 AND q.quote_id = $2 AND q.answer IS NOT NULL
"""
_FULFILLED = """
SELECT t.answer, t.reserved_at AS at, d.fsp_id FROM transfer t JOIN dfsp d ON d.id = t.dfsp_id
WHERE t.payer_fsp_id = $1 AND t.transfer_id = $2 AND t.answer IS NOT NULL
"""


def inbox_id(digest: bytes) -> str:
    """The id of a message that came."""
    return f"in.{digest[:_DIGEST_BYTES].hex()}"


def sent_id(message_id: UUID) -> str:
    """The id of a refusal or question of ours."""
    return f"out.{message_id.hex}"


def answer_id(resource: str, payer_fsp_id: str, subject: str) -> str:
    """The id of our answer to a quote or transfer."""
    return f"{resource}.{payer_fsp_id}.{subject}"


async def read_hub_message(tx: Tx, service: Service, actor: Actor, source: str, message_id: str) -> HubMessageView:
    """A kept message, masked; that it was read is recorded. Raises NotFound, NotAllowed for staff of a DFSP."""
    if actor.dfsp_id is not None:
        raise errors.NotAllowed(_("Only staff of the hub can read its messages."))
    async with service.db.system_reads() as reads:
        found = await _find(reads, service, message_id)
    evidence.note(
        service, SecurityEvent.PERSONAL_DATA_READ, actor=actor, source=source, subject=message_id, what="hub_message"
    )
    await audit.record(tx, actor, "hub_message.read", "hub_message", message_id, dfsp_id=None)
    return found


async def _find(tx: Reads, service: Service, message_id: str) -> HubMessageView:
    read = _ID.fullmatch(message_id)
    if read is None:
        raise errors.NotFound
    if read[1] == "in":
        low = bytes.fromhex(read[2])
        row = await tx.fetchrow(_CAME, low + b"\0" * _DIGEST_BYTES, low + b"\xff" * _DIGEST_BYTES)
        if row is None:
            raise errors.NotFound
        came = inbox.open_message(service.vault, row["sealed"])
        headers = shown_headers(came.source, came.destination, came.resource, came.version)
        if came.traceparent:
            headers["traceparent"] = came.traceparent
        return _view(message_id, "in", row["received_at"], (came.method, came.path), headers, came.body)
    if read[1] == "out":
        row = await tx.fetchrow(_SENT, UUID(read[2]))
        if row is None:
            raise errors.NotFound
        sent = open_queued(service, row["sealed"])
        headers = shown_headers(sent.source, sent.destination, sent.resource, sent.version)
        return _view(message_id, "out", row["sent_at"], (sent.method, sent.path), headers, sent.body)
    resource, payer_fsp_id, subject = read[3], read[4], read[5]
    row = await tx.fetchrow(_QUOTED if resource == "quotes" else _FULFILLED, payer_fsp_id, subject)
    if row is None:
        raise errors.NotFound
    body = service.vault.open(row["answer"], f"quote:{subject}") if resource == "quotes" else row["answer"]
    headers = shown_headers(row["fsp_id"], payer_fsp_id, resource, None)
    return _view(message_id, "out", row["at"], ("PUT", f"/{resource}/{subject}"), headers, body)


def _view(
    message_id: str,
    direction: Any,
    at: datetime,
    line: tuple[str, str],
    headers: dict[str, str],
    body: bytes | None,
) -> HubMessageView:
    method, path = line
    return HubMessageView(
        message_id=message_id,
        direction=direction,
        at=web.at(at),
        method=method,
        path=masked_numbers(path),
        headers=headers,
        body=shown_body(body),
    )
