"""What came of a text message at a gateway: taken (nothing is raised), refused for good, or to be tried again.

The sentences are kept and logged: they hold codes and never what a gateway wrote, which may quote the number or text.
"""

import asyncio
from collections import OrderedDict
from pathlib import Path
from uuid import UUID

from merchant.core.service import Service
from merchant.core.settings import Settings

_REMEMBERED = 10_000  # messages, a few MB: hours of a busy service, far longer than a retry takes
_SECRET_MAX_BYTES = 4096


class NotSent(Exception):
    """The gateway did not take the message, or nobody knows: the outbox tries again."""


class Refused(Exception):
    """The gateway will never take this message, such as one to an invalid number: it has failed for good."""


class Taken:
    """Which parts of which messages a gateway has taken while this process ran: none of them is handed over again.

    It bridges the time between a gateway's answer and the note of it in the database. Where the note cannot be written,
    or the answer comes after its deadline, the retry finds the message here and sends nothing.
    """

    def __init__(self, _service: Service | None = None) -> None:
        self._parts: OrderedDict[UUID, set[int]] = OrderedDict()

    def add(self, message_id: UUID, part: int = 0) -> None:
        """Note that a part was taken."""
        self._parts.setdefault(message_id, set()).add(part)
        while len(self._parts) > _REMEMBERED:
            self._parts.popitem(last=False)

    def parts(self, message_id: UUID) -> frozenset[int]:
        """The parts of a message that were taken."""
        return frozenset(self._parts.get(message_id, ()))


async def read_secret(settings: Settings) -> str:
    """The secret of the gateway, from its file where one is set. Raises NotSent."""
    if not settings.sms_secret_file:
        return settings.sms_secret
    try:
        return await asyncio.to_thread(_read, settings.sms_secret_file)
    except (OSError, ValueError) as error:
        raise NotSent(f"MERCHANT_SMS_SECRET_FILE cannot be used: {type(error).__name__}.") from None


def _read(path: str) -> str:
    with Path(path).open("rb") as file:
        text = file.read(_SECRET_MAX_BYTES).decode("ascii").strip()
    if not text or not text.isprintable():
        raise ValueError("the file holds no secret")
    return text
