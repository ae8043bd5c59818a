"""What each fact counts in the risk score: data of a policy, checked when it is read.

`risk` applies it. risk_weights.toml holds the defaults, with the source of its lists of countries; a policy's table
replaces single values. Weights that would let a worse fact count less are refused, so that a score can be trusted.
"""

import hashlib
from collections.abc import Iterator, Mapping
from functools import cache, partial
from importlib.resources import files
from itertools import pairwise
from typing import Any, Final, Literal, get_args

import msgspec
from msgspec import Struct

from kyb import codes
from kyb.said_faults import said_fault

Band = Literal["low", "medium", "high", "unacceptable"]
BANDS: Final[tuple[Band, ...]] = get_args(Band)
MAX_SCORE: Final = 100


class WeightsError(ValueError):
    """The weights are malformed or contradict themselves; the message says where."""


class _Table(Struct, frozen=True, forbid_unknown_fields=True):
    """A table of the weights; the fields that are points are at least 0 and at most its cap."""


class BandWeights(_Table, frozen=True):
    """The lowest score of each band above low."""

    medium_from: int
    high_from: int
    unacceptable_from: int


class MccWeights(_Table, frozen=True):
    """Points by class of the merchant category; prohibited is a stop."""

    cap: int
    low: int
    medium: int
    high: int
    enhanced: int
    agent: int


class GeographyWeights(_Table, frozen=True):
    """Points for the worst place, and the lists that tell which it is; a black country is a stop."""

    cap: int
    border: int
    grey: int
    border_places: tuple[str, ...]
    grey_countries: tuple[str, ...]
    black_countries: tuple[str, ...]


class OwnershipWeights(_Table, frozen=True):
    """Points for what is known of the owners."""

    cap: int
    incomplete: int
    layered_or_foreign: int
    most_layers: int
    nominee: int
    pep: int


class TurnoverStep(_Table, frozen=True):
    """Points for a turnover above so many per cent of what was declared."""

    above_percent: int
    points: int


class TurnoverWeights(_Table, frozen=True):
    """Points for turnover above what was declared; steps rise."""

    cap: int
    least_transactions: int
    steps: tuple[TurnoverStep, ...]


class AgeStep(_Table, frozen=True):
    """Points for a business known for so many months at most."""

    up_to_months: int
    points: int


class AgeWeights(_Table, frozen=True):
    """Points for a young business; steps fall."""

    cap: int
    steps: tuple[AgeStep, ...]
    not_seen_on_site: int


class ScreeningWeights(_Table, frozen=True):
    """Points for likenesses to listed names; an open one is a stop as well."""

    cap: int
    cleared_by_two_facts: int
    cleared_by_one_fact: int
    open: int


class BehaviourWeights(_Table, frozen=True):
    """Points for the channel and for what payments show; complaint counts for each one."""

    cap: int
    not_face_to_face: int
    refunds: int
    refunds_above_percent: int
    pattern: int
    complaint: int


class MitigantWeights(_Table, frozen=True):
    """Points taken off, at most cap of them."""

    cap: int
    lei_active: int
    registry_verified: int
    site_visit: int
    site_visit_months: int
    account_name: int


class FloorWeights(_Table, frozen=True):
    """The band that a fact asks for at least."""

    pep: Band
    mcc_high: Band
    mcc_enhanced: Band
    mcc_agent: Band


class RiskWeights(_Table, frozen=True):
    """All weights; made by load_weights, which checks them."""

    version: str
    bands: BandWeights
    mcc: MccWeights
    geography: GeographyWeights
    ownership: OwnershipWeights
    turnover: TurnoverWeights
    age: AgeWeights
    screening: ScreeningWeights
    behaviour: BehaviourWeights
    mitigants: MitigantWeights
    floors: FloorWeights

    @property
    def weights_version(self) -> str:
        """The version and the first 12 hex digits of the content's hash, as an assessment carries it."""
        return f"{self.version}+{hashlib.sha256(msgspec.json.encode(self, order='deterministic')).hexdigest()[:12]}"


@cache
def _defaults() -> dict[str, Any]:
    text = files("kyb").joinpath("risk_weights.toml").read_text(encoding="utf-8")
    return msgspec.toml.decode(text, type=dict[str, Any])


@cache
def default_weights() -> RiskWeights:
    """The weights that come with the library, risk_weights.toml."""
    return load_weights({})


def load_weights(table: Mapping[str, Any]) -> RiskWeights:
    """The default weights with the values of a policy's table in their place; raises WeightsError."""
    whole = _laid_over(_defaults(), table)
    try:
        weights = msgspec.convert(whole, RiskWeights)
    except msgspec.ValidationError as error:
        told = said_fault(error, whole, partial(msgspec.convert, type=RiskWeights))
        raise WeightsError(f"risk.{told}" if ": " in told else f"risk: {told}") from error
    for place, fault in _faults(weights):
        raise WeightsError(f"risk.{place}: {fault}")
    return weights


def _laid_over(base: Mapping[str, Any], table: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for name, value in table.items():
        below = merged.get(name)
        merged[name] = _laid_over(below, value) if isinstance(below, dict) and isinstance(value, Mapping) else value
    return merged


# Fields of a factor that are no points.
_NO_POINTS = frozenset({"cap", "most_layers", "least_transactions", "refunds_above_percent", "site_visit_months"})
_FACTORS = ("mcc", "geography", "ownership", "turnover", "age", "screening", "behaviour", "mitigants")


def _faults(weights: RiskWeights) -> Iterator[tuple[str, str]]:
    bands = weights.bands
    if not 0 < bands.medium_from < bands.high_from < bands.unacceptable_from <= MAX_SCORE:
        yield "bands", f"0 < medium_from < high_from < unacceptable_from <= {MAX_SCORE} must hold"
    for name in _FACTORS:
        factor = msgspec.structs.asdict(getattr(weights, name))
        if not 0 <= factor["cap"] <= MAX_SCORE:
            yield f"{name}.cap", f"must be from 0 to {MAX_SCORE}"
        points = {field: value for field, value in factor.items() if isinstance(value, int)}
        points |= {f"steps[{index}]": step.points for index, step in enumerate(factor.get("steps", ()))}
        for field, value in points.items():
            if field in _NO_POINTS and value < 0:
                yield f"{name}.{field}", "must be at least 0"
            elif field not in _NO_POINTS and not 0 <= value <= factor["cap"]:
                yield f"{name}.{field}", "must be from 0 to the cap of its factor"
    if weights.mitigants.cap > bands.medium_from:
        yield "mitigants.cap", "good facts may not take off more than the width of the lowest band"
    yield from _disorders(weights)
    yield from _unknown_places(weights.geography)


def _disorders(weights: RiskWeights) -> Iterator[tuple[str, str]]:
    """Where a worse fact would count less than a better one."""
    mcc, place, hits = weights.mcc, weights.geography, weights.screening
    if not mcc.low <= mcc.medium <= mcc.high <= min(mcc.enhanced, mcc.agent):
        yield "mcc", "low <= medium <= high <= enhanced, agent must hold"
    if place.border > place.grey:
        yield "geography", "border <= grey must hold"
    if not hits.cleared_by_two_facts <= hits.cleared_by_one_fact <= hits.open:
        yield "screening", "cleared_by_two_facts <= cleared_by_one_fact <= open must hold"
    for low, high in pairwise(weights.turnover.steps):
        if low.above_percent >= high.above_percent or low.points > high.points:
            yield "turnover.steps", "must rise"
    for young, old in pairwise(weights.age.steps):
        if young.up_to_months >= old.up_to_months or young.points < old.points:
            yield "age.steps", "months must rise and points fall"
    ranks = [BANDS.index(one) for one in msgspec.structs.astuple(weights.floors)]
    if ranks[1] > min(ranks[2:]):
        yield "floors", "mcc_high <= mcc_enhanced, mcc_agent must hold"


def _unknown_places(geography: GeographyWeights) -> Iterator[tuple[str, str]]:
    for field in ("grey_countries", "black_countries"):
        for code in getattr(geography, field):
            if code not in codes.countries():
                yield f"geography.{field}", f"{code} is not a code of ISO 3166-1"
    for code in geography.border_places:
        if code not in codes.countries() | codes.subdivisions():
            yield "geography.border_places", f"{code} is not a code of ISO 3166-1 or 3166-2"
