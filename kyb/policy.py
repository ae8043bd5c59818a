"""The policy: tiers, what each asks for and how much it allows, read from one TOML text.

Loaded once by the caller and passed to kyb.requirements and kyb.assess. A policy that contradicts itself is
refused when it is loaded, so no other code has to check it. policies/generic.toml shows every key.
"""

import hashlib
from importlib.resources import files
from itertools import pairwise

import msgspec
from msgspec import Struct

from kyb import codes
from kyb.applicant import Business, Contact, Evidence, Location, Owner, SettlementAccount

# What the parts of a requirement path may name: section -> the fields of its struct.
_SECTIONS: dict[str, type[Struct]] = {
    "business": Business,
    "owners[]": Owner,
    "contact": Contact,
    "locations[]": Location,
    "settlement_account": SettlementAccount,
    "evidence": Evidence,
}
OR = " or "  # between alternatives of one requirement
_LISTS = frozenset({"owners[]", "locations[]"})


class PolicyError(ValueError):
    """The policy text is malformed or contradicts itself; the message says where."""


class UnknownTier(KeyError):
    """The policy has no tier of that name."""


class UnknownCurrency(KeyError):
    """The policy sets no limits for that currency."""


class Limits(Struct, frozen=True):
    """How much a merchant may receive, in minor units of one currency."""

    per_payment_minor: int
    per_day_minor: int
    per_month_minor: int
    payments_per_day: int


class TierLimits(Struct, frozen=True, forbid_unknown_fields=True):
    """A tier's limits as written in the policy: whole reference units, or minor units of a currency."""

    per_payment: int
    per_day: int
    per_month: int
    payments_per_day: int


class Tier(Struct, frozen=True, forbid_unknown_fields=True):
    """One tier: the kinds of business it is open to, requirements (path -> sentence) and limits.

    limits_minor overrides the reference amounts for a currency, in its minor units.
    """

    name: str
    title: str
    kinds: tuple[str, ...]
    requires: dict[str, str]
    limits: TierLimits
    limits_minor: dict[str, TierLimits] = {}


class _PolicyText(Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    version: str
    status: str
    requires: dict[str, str]
    tiers: tuple[Tier, ...]
    minor_per_reference: dict[str, int]


class Policy(_PolicyText, frozen=True, kw_only=True):
    """A checked policy; sha256 is that of its text, so that a report can name exactly what it applied."""

    sha256: str

    @property
    def policy_version(self) -> str:
        """Name, version and the first 12 hex digits of the hash, as reports carry it."""
        return f"{self.name}@{self.version}+{self.sha256[:12]}"

    def tier(self, name: str) -> Tier:
        """The tier of that name; raises UnknownTier."""
        for tier in self.tiers:
            if tier.name == name:
                return tier
        raise UnknownTier(name)

    def ladder(self, kind: str) -> tuple[Tier, ...]:
        """The tiers open to a kind of business, lowest first."""
        return tuple(tier for tier in self.tiers if kind in tier.kinds)

    def has_limits(self, currency: str) -> bool:
        """Whether limits are set for a currency; then they are in every tier."""
        return currency in self.minor_per_reference or any(currency in tier.limits_minor for tier in self.tiers)

    def limits(self, tier: str, currency: str) -> Limits:
        """What a merchant of the tier may receive; raises UnknownTier, UnknownCurrency."""
        found = self.tier(tier)
        written, scale = found.limits_minor.get(currency), 1
        if written is None:
            if currency not in self.minor_per_reference:
                raise UnknownCurrency(currency)
            written, scale = found.limits, self.minor_per_reference[currency]
        return Limits(
            per_payment_minor=written.per_payment * scale,
            per_day_minor=written.per_day * scale,
            per_month_minor=written.per_month * scale,
            payments_per_day=written.payments_per_day,
        )


def load_policy(toml_text: str) -> Policy:
    """Read and check a policy; raises PolicyError with the place of the first fault."""
    try:
        text = msgspec.toml.decode(toml_text, type=_PolicyText)
    except (msgspec.DecodeError, ValueError) as error:
        raise PolicyError(str(error)) from error
    digest = hashlib.sha256(toml_text.encode()).hexdigest()
    policy = Policy(**msgspec.structs.asdict(text), sha256=digest)
    _check_tiers(policy)
    _check_limits(policy)
    for requires in (policy.requires, *(tier.requires for tier in policy.tiers)):
        for path in requires:
            for alternative in path.split(OR):
                _check_path(alternative)
    return policy


def default_policy() -> Policy:
    """The policy that comes with the library, policies/generic.toml."""
    return load_policy(files("kyb").joinpath("policies/generic.toml").read_text(encoding="utf-8"))


def _check_tiers(policy: Policy) -> None:
    names = [tier.name for tier in policy.tiers]
    if not names or len(set(names)) < len(names):
        raise PolicyError("tiers: at least one is needed and each name may stand only once")
    for tier in policy.tiers:
        if unknown := set(tier.kinds) - set(codes.BUSINESS_KINDS):
            raise PolicyError(f"tiers.{tier.name}.kinds: unknown kind {min(unknown)}")
    for kind in codes.BUSINESS_KINDS:
        if not policy.ladder(kind):
            raise PolicyError(f"tiers: none is open to {kind}")


def _check_limits(policy: Policy) -> None:
    overridden = {currency for tier in policy.tiers for currency in tier.limits_minor}
    for currency in policy.minor_per_reference.keys() | overridden:
        if currency not in codes.currencies():
            raise PolicyError(f"minor_per_reference: {currency} is not an active ISO 4217 code")
        if policy.minor_per_reference.get(currency, 1) < 1:
            raise PolicyError(f"minor_per_reference.{currency}: must be at least 1")
        try:
            rungs = [policy.limits(tier.name, currency) for tier in policy.tiers]
        except UnknownCurrency as error:
            raise PolicyError(f"{currency}: limited in some tiers only") from error
        for tier, limits in zip(policy.tiers, rungs, strict=True):
            if not 0 < limits.per_payment_minor <= limits.per_day_minor <= limits.per_month_minor:
                raise PolicyError(f"tiers.{tier.name}: payment <= day <= month must hold for {currency}")
            if limits.payments_per_day < 1:
                raise PolicyError(f"tiers.{tier.name}: payments_per_day must be at least 1")
        for lower, higher in pairwise(rungs):
            pairs = zip(msgspec.structs.astuple(lower), msgspec.structs.astuple(higher), strict=True)
            if any(low > high for low, high in pairs):
                raise PolicyError(f"tiers: a higher tier allows less in {currency}")


def _check_path(path: str) -> None:
    section, _, rest = path.partition(".")
    if section not in _SECTIONS or not (rest or section in _LISTS):
        raise PolicyError(f"requires: {path} names no section")
    fields = _SECTIONS[section].__struct_fields__
    for name in rest.split("|") if rest else ():
        if name.removesuffix("[]") not in fields:
            raise PolicyError(f"requires: {path} names no field of {section}")
