"""Every slice of the service: adding one edits this list, and nothing else in the programs."""

from typing import Any

from merchant.channels import slice as channels
from merchant.compliance import slice as compliance
from merchant.core.access import Permission
from merchant.core.slices import JobKind, Pruned, Slice, Timer
from merchant.exchange import slice as exchange
from merchant.notify import slice as notify
from merchant.payments import slice as payments
from merchant.people import slice as people
from merchant.portal import slice as portal
from merchant.programs import system
from merchant.registry import slice as registry
from merchant.scheme import slice as scheme

SLICES: list[Slice] = [system, people, scheme, registry, compliance, payments, exchange, channels, notify, portal]

ROUTES: list[Any] = [route for each in SLICES for route in each.ROUTES]
JOBS: dict[str, JobKind] = {kind.topic: kind for each in SLICES for kind in each.JOBS}
TIMERS: tuple[Timer, ...] = tuple(timer for each in SLICES for timer in each.TIMERS)
PRUNED: tuple[Pruned, ...] = tuple(pruned for each in SLICES for pruned in each.PRUNED)
PERMISSIONS: dict[Permission, str] = {name: text for each in SLICES for name, text in each.PERMISSIONS.items()}
