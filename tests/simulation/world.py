"""Time and chance: a clock that jumps to what happens next, one source of randomness, one hash of all that was."""

import hashlib
import heapq
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

# Shortly before a month ends, so that days and months end while payments are under way.
BEGIN = datetime(2027, 1, 31, 20, 0, tzinfo=UTC)


class World:
    """What is to happen, in order of time; of one time in the order in which it was arranged."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.now_s = 0.0
        self._to_come: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._arranged = 0
        self._told = hashlib.sha256()
        self.events = 0

    def after(self, delay_s: float, do: Callable[..., None], *about: Any) -> None:
        """Let something happen in so many seconds."""
        self._arranged += 1
        heapq.heappush(self._to_come, (self.now_s + delay_s, self._arranged, do, about))

    def run(self) -> None:
        """Let everything happen."""
        while self._to_come:
            self.now_s, _, do, about = heapq.heappop(self._to_come)
            self.events += 1
            do(*about)

    def now(self, skew_s: float = 0.0) -> datetime:
        """The time as a clock shows it that is off by so much."""
        return BEGIN + timedelta(seconds=self.now_s + skew_s)

    def is_so(self, share: float) -> bool:
        """Whether something happens that happens in this share of cases."""
        return self.chance.random() < share

    def new_id(self) -> UUID:
        """An id that the seed decides, in the order of time, as the service's own are."""
        head = int(self.now_s * 1000) + (1 << 40)
        return UUID(int=head << 80 | 0x7 << 76 | 0x2 << 62 | self.chance.getrandbits(60))

    def tell(self, what: str) -> None:
        """Add to the log, of which the hash is kept."""
        self._told.update(f"{self.now_s:.6f} {what}\n".encode())

    @property
    def log_hash(self) -> str:
        """Tells one run from another: two runs of a seed have the same."""
        return self._told.hexdigest()
