"""Queues with fair shares: a batch takes from the tenants' lanes in turn; and how long to gather one.

Plain data structures: no clock but the caller's, no tasks.
"""

from collections import OrderedDict, deque
from collections.abc import Hashable
from typing import Final, Generic, TypeVar

T = TypeVar("T")


class Lanes(Generic[T]):
    """What waits, by lane. One lane's flood takes no more than its share of a batch while others wait too."""

    def __init__(self) -> None:
        self._lanes: OrderedDict[Hashable, deque[T]] = OrderedDict()
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def put(self, lane: Hashable, one: T) -> None:
        """Add to the end of a lane."""
        self._lanes.setdefault(lane, deque()).append(one)
        self._length += 1

    def take(self, most: int) -> list[T]:
        """Up to `most`, one of each lane in turn; the next call goes on with the lane that comes next."""
        taken: list[T] = []
        while self._lanes and len(taken) < most:
            lane, waiting = self._lanes.popitem(last=False)
            taken.append(waiting.popleft())
            if waiting:
                self._lanes[lane] = waiting
        self._length -= len(taken)
        return taken


# Below so many arrivals a second nothing is gathered: a lone payment must not wait. Above, a batch gathers for longer
# and longer, up to the longest: a statement spared is worth more than its milliseconds (decision 115).
QUIET_PER_S: Final = 25.0
BUSY_PER_S: Final = 60.0
LONGEST_S: Final = 0.05
_WINDOW_S = 1.0


class Pace:
    """How long to gather before a batch is worked off, from how much came lately."""

    def __init__(self) -> None:
        self._since_s = 0.0
        self._count = 0
        self._per_s = 0.0

    def note(self, now_s: float, count: int = 1) -> None:
        """So much has come. `now_s` is a monotonic clock."""
        passed_s = now_s - self._since_s
        if passed_s >= _WINDOW_S:
            self._per_s = self._count / passed_s
            self._since_s, self._count = now_s, 0
        self._count += count

    def gather_s(self, now_s: float) -> float:
        """How long to wait for more: 0 when it is quiet, LONGEST_S when it is busy."""
        passed_s = max(now_s - self._since_s, 1e-9)
        if passed_s >= 2 * _WINDOW_S:  # nothing came for a while
            return 0.0
        per_s = max(self._per_s, self._count / _WINDOW_S)
        share = (per_s - QUIET_PER_S) / (BUSY_PER_S - QUIET_PER_S)
        return LONGEST_S * min(1.0, max(0.0, share))
