"""How late this process is: what waits longer and longer is refused at the door, while what is under way goes on.

Lateness is the age of the oldest work that waits here, and how late the event loop itself is. New requests for money
are refused first, quotes of payers' DFSPs later, transfers never: they move money that has been promised.
"""

import asyncio
import time
from typing import Final

from merchant.core.service import Service

# From so late on nothing new is begun; a little later nobody is promised anything. Both are far above what a healthy
# process shows, and far below the seconds after which payers give up.
NEW_WORK_LATE_S: Final = 1.0
PROMISES_LATE_S: Final = 2.5
RETRY_AFTER_S: Final = 2
_LOOK_EVERY_S: Final = 0.1
_SMOOTH: Final = 0.3  # how much a new look counts: one long step of the loop is no crowd


class Pressure:
    """The lateness of one process."""

    def __init__(self, _service: Service) -> None:
        self.queued_s = 0.0  # the age of the oldest work that waits, as the worker last said
        self.loop_s = 0.0

    @property
    def late_s(self) -> float:
        """How late this process is."""
        return max(self.queued_s, self.loop_s)

    @property
    def refuses_new_work(self) -> bool:
        """Whether a request for money should be refused now."""
        return self.late_s > NEW_WORK_LATE_S

    @property
    def refuses_promises(self) -> bool:
        """Whether a quote should be refused now."""
        return self.late_s > PROMISES_LATE_S

    async def watch(self) -> None:
        """Look again and again how late the loop wakes us."""
        while True:
            began_s = time.monotonic()
            await asyncio.sleep(_LOOK_EVERY_S)
            late_s = max(0.0, time.monotonic() - began_s - _LOOK_EVERY_S)
            self.loop_s += _SMOOTH * (late_s - self.loop_s)
