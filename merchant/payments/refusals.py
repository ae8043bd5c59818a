"""What is told of a hub message that was refused: a figure, a log line and a security event, each without its content.

callbacks.py refuses in the HTTP answer, engine.py what was stored before its sender or its meaning was found wrong.
"""

import re
from typing import Any, Final, Literal

import structlog
from prometheus_client import Counter

from merchant.core import evidence
from merchant.core.evidence import SecurityEvent
from merchant.core.service import Service
from merchant.core.throttle import Throttle
from merchant.hub.adapter import known_resource
from merchant.hub.envelopes import FSP_ID_LENGTH_MAX

# Lines a minute about one sender, and about all: enough to find a fault by, and a flood stays cheap.
LINES_PER_MINUTE: Final = 30
ALL_LINES_PER_MINUTE: Final = 300
_QUOTED = re.compile(r"['`\"][^'`\"]*['`\"]")  # values out of a body stand in quotes; names of fields do too
_refused = Counter(
    "merchant_hub_messages_refused",
    "Messages of the hub that were refused: `door` in the HTTP answer, `answer` after they were stored, `request` by a"
    " PUT to /error.",
    ["at", "code"],
)
_log = structlog.get_logger()
At = Literal["door", "answer", "request"]


class Refusals:
    """What one process has told of refused messages."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._by_sender = Throttle(per_minute=LINES_PER_MINUTE, burst=LINES_PER_MINUTE)
        self._all = Throttle(per_minute=ALL_LINES_PER_MINUTE, burst=ALL_LINES_PER_MINUTE)
        self._untold = 0

    def note(
        self,
        at: At,
        code: str,
        why: str,
        *,
        method: str,
        resource: str,
        fsp_source: str | None,
        fsp_destination: str | None,
        client: str | None = None,
    ) -> None:
        """Count a refusal, and tell of it unless too many were told lately; the next line says how many were not."""
        _refused.labels(at, code).inc()
        sender = _name(fsp_source)
        if self._by_sender.wait_s(sender or "") or self._all.wait_s(""):
            self._untold += 1
            return
        about: dict[str, Any] = {
            "method": method,
            "resource": known_resource(resource),
            "fsp_source": sender,
            "fsp_destination": _name(fsp_destination),
            "code": code,
            "why": _QUOTED.sub("…", why),
        }
        _log.warning("message_refused", at=at, not_told=self._untold, **about)
        self._untold = 0
        if at != "request":
            evidence.note(self._service, SecurityEvent.MESSAGE_REFUSED, source=client, **about)


def _name(fsp_id: str | None) -> str | None:
    """A participant's id as its header has it, bounded; nobody has checked it yet."""
    return None if fsp_id is None else "".join(sign for sign in fsp_id[:FSP_ID_LENGTH_MAX] if sign.isprintable())
