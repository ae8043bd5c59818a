"""Letters to the hub: written, sealed, into the outbox by whoever has something to say; sent by dispatch.py.

A letter leaves only if the transaction that wrote it commits, and its body is sealed because it holds personal data.
dispatch.py asks with it; inbound.py, quotes.py and transfers.py answer and refuse.
"""

from datetime import datetime
from uuid import UUID

import msgspec

from merchant.core import outbox
from merchant.core.db import Tx
from merchant.core.inbox import Message
from merchant.core.service import Service
from merchant.hub.fspiop.error_codes import FspiopError
from merchant.hub.fspiop.messages import Message as WireMessage
from merchant.hub.fspiop.messages import encode, encode_error

TOPIC = "hub.send"
CONTEXT = "hub.send"


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """One message to send. `transfer` names a transfer that counts as committed once the hub has taken this."""

    method: str
    path: str
    source: str
    destination: str
    version: str | None = None
    body: bytes | None = None
    useless_after: datetime | None = None
    transfer: tuple[str, str] | None = None  # payer FSP, transfer id

    @property
    def resource(self) -> str:
        """The first segment of the path."""
        return self.path.split("/", 2)[1].partition("?")[0]


async def send(tx: Tx, service: Service, letter: Letter, dfsp_id: UUID) -> None:
    """Leave a letter in the caller's transaction."""
    sealed = service.vault.seal(msgspec.json.encode(letter), CONTEXT)
    await outbox.add(tx, TOPIC, sealed, dfsp_id=dfsp_id)


def open_letter(service: Service, payload: bytes) -> Letter:
    """A letter out of the outbox."""
    return msgspec.json.decode(service.vault.open(payload, CONTEXT), type=Letter)


async def answer(
    tx: Tx,
    service: Service,
    message: Message,
    dfsp_id: UUID,
    path: str,
    body: WireMessage | bytes,
    *,
    useless_after: datetime | None = None,
    transfer: tuple[str, str] | None = None,
) -> None:
    """Answer a request by a PUT to whoever sent it, in the version they asked for."""
    await send(
        tx,
        service,
        Letter(
            method="PUT",
            path=path,
            source=message.destination,
            destination=message.source,
            version=message.version,
            body=body if isinstance(body, bytes) else encode(body),
            useless_after=useless_after,
            transfer=transfer,
        ),
        dfsp_id,
    )


async def refuse(
    tx: Tx, service: Service, message: Message, dfsp_id: UUID, path: str, code: str, description: str
) -> None:
    """Answer a request by a PUT to its /error."""
    await answer(tx, service, message, dfsp_id, f"{path}/error", encode_error(FspiopError(code, description)))
