"""Temporary: the ownership graph is another branch's."""

from decimal import Decimal

from msgspec import Struct


class BeneficialOwner(Struct, frozen=True):
    index: int
    effective_percent: Decimal
    is_director: bool
    is_beneficial: bool


class Reason(Struct, frozen=True):
    code: str
    message: str
    path: str


class Ownership(Struct, frozen=True):
    persons: tuple[BeneficialOwner, ...]
    reasons: tuple[Reason, ...] = ()


def beneficial_owners(owners, threshold_percent):
    return Ownership(
        tuple(
            BeneficialOwner(i, Decimal(100), bool(o.is_director), True)
            for i, o in enumerate(owners)
            if o.kind not in ("company", "unknown")
        )
    )
