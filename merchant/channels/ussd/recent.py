"""Sessions that this process stored a moment ago, so that the phone's next step need not read its own again.

What is kept is used only for a step that is then stored, and only if the row still holds the very bytes that were kept:
a session that another process moved on, that was forgotten, or that a crash of the database took back is read instead.
Where a gateway's calls alternate between processes that happens at every step, and keeping them would cost more than it
saves: then nothing is kept for a while. What is kept is not sealed, so a timer drops it where no further call does.
"""

import asyncio
import time
from collections import OrderedDict

from msgspec import Struct

import ussd
from merchant.core.service import Service

KEPT_S = 120.0  # a person who reads so long has mostly hung up
KEPT_MAX = 5_000  # of some 2 kB
DISTRUSTED_S = 60.0


class Kept(Struct, frozen=True):
    """A session as it was stored: whose, and in which bytes."""

    msisdn_digest: bytes
    stored: bytes
    session: ussd.Session
    kept_at_s: float


class Recent:
    """The sessions of one process, by `service.shared`."""

    def __init__(self, _service: Service) -> None:
        self._kept: OrderedDict[tuple[str, str], Kept] = OrderedDict()
        self._distrusted_until_s = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def keep(self, step: ussd.Step, msisdn_digest: bytes, stored: bytes, session: ussd.Session) -> None:
        """Keep what was stored just now, if there may be a next step, and it may be used then."""
        now_s, key = time.monotonic(), (step.gateway, step.session_id)
        self._kept.pop(key, None)
        if session.ended or now_s < self._distrusted_until_s:
            return
        self._kept[key] = Kept(msisdn_digest, stored, session, now_s)
        if len(self._kept) > KEPT_MAX:
            self._kept.popitem(last=False)
        if self._timer is None:
            self._drop_old()

    def take(self, step: ussd.Step, msisdn_digest: bytes) -> Kept | None:
        """What was kept of the session of a phone's step, if it may be used; it is kept no more."""
        kept = self._kept.pop((step.gateway, step.session_id), None)
        now_s = time.monotonic()
        if kept is None or now_s < self._distrusted_until_s or now_s - kept.kept_at_s > KEPT_S:
            return None
        return kept if kept.msisdn_digest == msisdn_digest else None

    def _drop_old(self) -> None:
        """Drop what has been kept for KEPT_S, and come again when that is so of the oldest of the others."""
        now_s, self._timer = time.monotonic(), None
        while self._kept:
            wait_s = next(iter(self._kept.values())).kept_at_s + KEPT_S - now_s
            if wait_s > 0:
                self._timer = asyncio.get_running_loop().call_later(wait_s, self._drop_old)
                return
            self._kept.popitem(last=False)

    def distrust(self) -> None:
        """Another process moved a session on of which this one had kept something else."""
        self._distrusted_until_s = time.monotonic() + DISTRUSTED_S
