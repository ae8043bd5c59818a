"""Throttles of doors, with a security event when one closes: throttle.py counts, evidence.py notes."""

from collections.abc import Callable

from merchant.core import evidence
from merchant.core.access import Actor
from merchant.core.evidence import SecurityEvent
from merchant.core.service import Service
from merchant.core.throttle import Throttle


def wait_s(
    service: Service, limit: Callable[[Service], Throttle], key: str, door: str, *, actor: Actor | None = None
) -> float:
    """Count one more of this key against a limit of the process: 0.0 when it may go on, else the seconds to wait.

    One refusal a minute is noted of each key: whoever knocks a thousand times a second must not fill the record.
    """
    wait = service.shared(limit).wait_s(key)
    if wait and not service.shared(_noted).wait_s(f"{door} {key}"):
        evidence.note(service, SecurityEvent.THROTTLED, actor=actor, source=key, door=door)
    return wait


def _noted(_service: Service) -> Throttle:
    return Throttle(per_minute=1, burst=1)
