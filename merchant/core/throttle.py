"""Limits of rate, kept in the process's memory: how often one key (an address, a telephone) may do something.

A token bucket for each key. Each process counts by itself, so a limit is per process; what must hold across processes
(failed sign-ins of an account) is counted in the database instead.
"""

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable

MAX_KEYS = 50_000  # about 10 MB; beyond that the key that was seen longest ago is forgotten


class Throttle:
    """At most `burst` at once and `per_minute` in the long run, for each key."""

    def __init__(self, *, per_minute: float, burst: int, now_s: Callable[[], float] = time.monotonic) -> None:
        self._per_s = per_minute / 60
        self._burst = burst
        self._now_s = now_s
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # key → tokens left, as of when

    def wait_s(self, key: str) -> float:
        """Count one more of this key: 0.0 when it may go on, else the seconds until the next may."""
        now = self._now_s()
        left, since = self._buckets.pop(key, (float(self._burst), now))
        left = min(self._burst, left + (now - since) * self._per_s)
        wait = 0.0 if left >= 1 else (1 - left) / self._per_s
        self._buckets[key] = (left if wait else left - 1, now)
        if len(self._buckets) > MAX_KEYS:
            self._buckets.popitem(last=False)
        return wait

    def give_back(self, key: str) -> None:
        """Take back one that was counted: only what fails shall count, and that is known afterwards."""
        if key in self._buckets:
            left, since = self._buckets[key]
            self._buckets[key] = (min(self._burst, left + 1), since)


def source_key(address: str) -> str:
    """The key of a client's address: of IPv6 its network of 64 bits, in which one visitor may take any address."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return address
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, 64), strict=False))
