"""A policy: tiers, what each asks for and permits, and how cases are decided.

text.py reads one from TOML, layers.py lays a stricter one over it, and both have check.py refuse what contradicts
itself, so no other code has to. policies/generic.toml shows every key.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Any, Literal

import msgspec
from msgspec import Struct

from kyb.policy.conditions import Condition
from kyb.policy.durations import Span, span
from kyb.risk_weights import RiskWeights, load_weights

Layer = Literal["jurisdiction", "scheme", "dfsp"]
LAYERS: tuple[Layer, ...] = ("jurisdiction", "scheme", "dfsp")  # each may only tighten what those before it say
Band = Literal["low", "medium", "high"]
BANDS: tuple[Band, ...] = ("low", "medium", "high")
Strictness = Literal["allow", "hint", "review", "refuse"]
STRICTNESS: tuple[Strictness, ...] = ("allow", "hint", "review", "refuse")
Direction = Literal["credit", "debit"]
DIRECTIONS: tuple[Direction, ...] = ("credit", "debit")
CheckType = Literal[
    "document",
    "attribute_verified",
    "phone_code",
    "screening_clear",
    "owner_kyc",
    "site_visit",
    "registry_lookup",
    "lei_active",
    "licence_for_mcc",
    "account_ownership",
    "attestation",
    "questionnaire",
    "volume_observed",
    "risk_band",
    "manual",
]
CAPABILITIES = ("receive_payment", "payout", "refund", "dynamic_qr", "sub_locations", "api_keys", "cross_border")
# In the manner of the ladder: a checker vouches by approving, the rest are looked at by someone or something else.
METHODS = (
    "checker",  # the checker compared the answer with what the DFSP holds, and approved
    "one_time_code",  # the phone's holder read back a code
    "document",  # a document was seen
    "registry",  # a register was asked
    "biometric",  # a face or finger matched a register
    "agent_visit",  # someone went there
    "community_letter",  # an association or elder vouches
    "account_statement",  # the account's holder was compared
    "manual",  # a named person decided, with a reason
)


class PolicyError(ValueError):
    """The policy text is malformed or contradicts itself; the message says where."""


class UnknownTier(KeyError):
    """The policy has no tier of that name."""


class UnknownCurrency(KeyError):
    """The policy sets no limits for that currency."""


class Limits(Struct, frozen=True):
    """How much may pass in one direction, in minor units of one currency; balance_minor None is no limit."""

    per_payment_minor: int
    per_day_minor: int
    per_month_minor: int
    payments_per_day: int
    balance_minor: int | None = None


class LimitsText(Struct, frozen=True, forbid_unknown_fields=True):
    """Limits as written: whole units of the policy's reference, or minor units of a currency."""

    per_payment: int
    per_day: int
    per_month: int
    payments_per_day: int
    balance: int | None = None


class Requires(Struct, frozen=True, forbid_unknown_fields=True):
    """Keys of answers and checks: `all` of them, and of each choice in `any` one alternative whole."""

    all: tuple[str, ...] = ()
    any: tuple[tuple[tuple[str, ...], ...], ...] = ()

    def keys(self) -> frozenset[str]:
        """Every key that it names."""
        return frozenset(self.all).union(*(alternative for choice in self.any for alternative in choice))


class Check(Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    """Something that must be verified, by one of the methods in `by`, again after `valid`.

    `attribute` says what of the case (kyb/attributes.py); other fields are of single types: threshold_percent of
    owner_kyc, minimum_units of volume_observed, band of risk_band.
    """

    type: CheckType
    says: str
    attribute: str = ""
    by: tuple[str, ...] = ("checker",)
    valid: str | None = None
    when: Condition | None = None
    threshold_percent: float = 25.0
    high_risk_threshold_percent: float = 10.0
    minimum_units: int = 0
    band: Band = "medium"

    @cached_property
    def span(self) -> Span | None:
        """How long a verification lasts; None for good."""
        return span(self.valid) if self.valid else None


class TierText(Struct, frozen=True, forbid_unknown_fields=True):
    """One tier as written. `expires_after` makes it provisional."""

    title: str
    kinds: tuple[str, ...]
    limits: LimitsText
    requires: Requires = Requires()
    debit: LimitsText | None = None
    limits_minor: dict[str, LimitsText] = {}
    debit_minor: dict[str, LimitsText] = {}
    expires_after: str | None = None
    review: dict[Band, str] = {}
    approvals: dict[Band, int] = {}
    mcc_refused: tuple[str, ...] = ()
    automatic: bool = False


class Tier(TierText, frozen=True, kw_only=True):
    """One tier: the kinds of business it is open to, what it asks for, its limits and how it is decided."""

    name: str

    def approvals_for(self, band: str | None) -> int:
        """How many checkers must approve a case of a risk band; unknown counts as high where that asks for more."""
        if band in self.approvals:
            return self.approvals[band]
        return max(self.approvals.values(), default=1) if band is None or band not in BANDS else 1


class Duplicates(Struct, frozen=True, forbid_unknown_fields=True):
    """What follows when another merchant has the same; `hint` shows it, `review` asks a reason, `refuse` ends it."""

    identity: Strictness = "hint"
    phone: Strictness = "hint"
    registration: Strictness = "hint"
    account: Strictness = "hint"
    name: Strictness = "hint"


class Names(Struct, frozen=True, forbid_unknown_fields=True):
    """Names that shoppers must not be shown: words of protected names, by who they belong to."""

    protected: dict[str, tuple[str, ...]] = {}


class Refunds(Struct, frozen=True, forbid_unknown_fields=True):
    """Money that merchants give back: how long after a payment, from which amount on a second person must agree, and
    whether a refund frees the limits that its payment used. `approval_above` is in whole units of the reference.
    """

    window: str = "180d"
    approval_above: int = 100
    gives_back_limits: bool = True


class PolicyText(Struct, frozen=True, forbid_unknown_fields=True):
    """A policy as its TOML text has it. A text with `extends` is a layer: it holds only what it changes."""

    name: str
    version: str
    status: str
    tiers: dict[str, TierText]
    answers: dict[str, str]
    minor_per_unit: dict[str, int]
    extends: str = ""
    unit: str = "USD"
    source: tuple[str, ...] = ()
    checks: dict[str, Check] = {}
    requires: Requires = Requires()
    capabilities: dict[str, str] = {}
    countries: tuple[str, ...] = ()
    mcc_classes: dict[str, str] = {}  # code → class, where it is not the one of kyb/mcc_classes.toml
    risk: dict[str, Any] = {}  # over kyb/risk_weights.toml
    own_duplicates: Duplicates = Duplicates()
    other_duplicates: Duplicates = Duplicates()
    names: Names = Names()
    refunds: Refunds = Refunds()
    notice: str = "30d"
    grace: str = "30d"
    open_cases: Literal["keep", "regrade"] = "keep"  # whether a submitted case ends under the policy it began with
    sla_hours: int = 48
    abandon: str = "180d"
    screening_max_age_hours: int = 0
    approvals_to_reinstate: int = 1
    lower_risk_lasts: str = "12m"
    retention_days: dict[str, int] = {}  # over kyb/policy/retention.py


class Policy(Struct, frozen=True, kw_only=True, dict=True):
    """A checked policy; sha256 is that of the texts of its layers, so that a report can name exactly what it applied.

    `tiers` are in order, the lowest first; the fields of PolicyText are reached through `text`.
    """

    text: PolicyText
    tiers: tuple[Tier, ...]
    sha256: str
    layers: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The name of the lowest layer."""
        return self.text.name

    @property
    def policy_version(self) -> str:
        """Name, version and the first 12 hex digits of the hash, as reports carry it."""
        return f"{self.text.name}@{self.text.version}+{self.sha256[:12]}"

    @cached_property
    def _by_name(self) -> Mapping[str, Tier]:
        return {tier.name: tier for tier in self.tiers}

    @cached_property
    def _ladders(self) -> Mapping[str, tuple[Tier, ...]]:
        kinds = {kind for tier in self.tiers for kind in tier.kinds}
        return {kind: tuple(tier for tier in self.tiers if kind in tier.kinds) for kind in kinds}

    @cached_property
    def _limits(self) -> dict[tuple[str, str, str], Limits]:
        return {}

    @cached_property
    def risk_weights(self) -> RiskWeights:
        """What each fact counts in the risk score."""
        return load_weights(self.text.risk)

    def tier(self, name: str) -> Tier:
        """The tier of that name; raises UnknownTier."""
        try:
            return self._by_name[name]
        except KeyError:
            raise UnknownTier(name) from None

    def rank(self, name: str) -> int:
        """The place of a tier, 0 the lowest; raises UnknownTier."""
        return self.tiers.index(self.tier(name))

    def ladder(self, kind: str) -> tuple[Tier, ...]:
        """The tiers open to a kind of business, lowest first."""
        return self._ladders.get(kind, ())

    def has_limits(self, currency: str) -> bool:
        """Whether limits are set for a currency; then they are in every tier."""
        return currency in self.text.minor_per_unit or any(currency in tier.limits_minor for tier in self.tiers)

    def limits(self, tier: str, currency: str, direction: Direction = "credit") -> Limits:
        """What a merchant of the tier may receive, or with debit pay out; raises UnknownTier, UnknownCurrency."""
        key = (tier, currency, direction)
        if key not in self._limits:
            self._limits[key] = self._read_limits(self.tier(tier), currency, direction)
        return self._limits[key]

    def _read_limits(self, tier: Tier, currency: str, direction: Direction) -> Limits:
        written, absolute = tier.limits, tier.limits_minor
        if direction == "debit" and tier.debit is not None:
            written, absolute = tier.debit, tier.debit_minor
        found, scale = absolute.get(currency), 1
        if found is None:
            if currency not in self.text.minor_per_unit:
                raise UnknownCurrency(currency)
            found, scale = written, self.text.minor_per_unit[currency]
        return Limits(
            per_payment_minor=found.per_payment * scale,
            per_day_minor=found.per_day * scale,
            per_month_minor=found.per_month * scale,
            payments_per_day=found.payments_per_day,
            balance_minor=None if found.balance is None else found.balance * scale,
        )

    def refund_approval_above(self, currency: str) -> int:
        """The largest refund, in minor units, that one person may give; 0 in a currency without limits."""
        return self.text.refunds.approval_above * self.text.minor_per_unit.get(currency, 0)

    def asked(self, tier: Tier) -> Requires:
        """What a tier asks for by itself, with what is asked of everybody."""
        return Requires((*self.text.requires.all, *tier.requires.all), (*self.text.requires.any, *tier.requires.any))

    def says(self, key: str) -> str:
        """The sentence for people of an answer or a check."""
        check = self.text.checks.get(key)
        return self.text.answers[key] if check is None else check.says

    def permits(self, capability: str, tier: str | None) -> bool:
        """Whether a tier has a capability; one that the policy does not name is everyone's."""
        least = self.text.capabilities.get(capability)
        return least is None or (tier is not None and self.rank(tier) >= self.rank(least))


def document_of(text: PolicyText) -> dict[str, object]:
    """A policy's text as plain values, for comparison and for export."""
    document: dict[str, object] = msgspec.to_builtins(text)
    return document
