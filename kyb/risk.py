"""How risky a merchant is: a score of 0 to 100 whose every point is listed with its reason, and a band.

Takes facts that the caller gathered and the weights of `risk_weights`; nothing is learned. The same input gives the
same bytes. A person may set the band by hand within rules, and new weights are tried on old facts before they count.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Literal

from msgspec import Struct

from kyb.mcc_classes import MccClass
from kyb.risk_weights import BANDS, MAX_SCORE, Band, RiskWeights

PlaceClass = Literal["home", "other", "border", "grey", "black"]
_PLACES: tuple[PlaceClass, ...] = ("home", "other", "border", "grey", "black")  # from the best to the worst
Pattern = Literal["night", "round_amounts", "one_payer"]


class RiskFacts(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is known of a merchant; the defaults are of one that nobody has looked at yet.

    places are ISO 3166-1 or 3166-2 codes where it trades or has ties of business, never a person's nationality.
    Turnovers are of 30 days, in minor units of one currency. hits count likenesses to listed names. patterns are those
    of at least 60 per cent of its payments.
    """

    mcc_class: MccClass = "medium"
    home_country: str = ""
    places: tuple[str, ...] = ()
    owners_verified: bool = False
    ownership_complete: bool = False
    ownership_circular: bool = False
    ownership_layers: int = 0
    foreign_owner: bool = False
    nominee: bool = False
    pep: bool = False
    declared_turnover_minor: int | None = None
    observed_turnover_minor: int = 0
    observed_transactions: int = 0
    business_months: int | None = None
    relationship_months: int | None = None
    seen_on_site: bool = False
    hits_open: int = 0
    hits_cleared_by_one_fact: int = 0
    hits_cleared_by_two_facts: int = 0
    face_to_face: bool = False
    refund_rate_percent: Decimal = Decimal(0)
    patterns: tuple[Pattern, ...] = ()
    complaints: int = 0
    lei_active: bool = False
    registry_verified: bool = False
    months_since_site_visit: int | None = None
    account_name_matches: bool = False


class Contribution(Struct, frozen=True):
    """Points of one fact, as they count after the cap of their factor; negative for what speaks for the merchant."""

    factor: str
    points: int
    because: str


class Floor(Struct, frozen=True):
    """A fact that asks for a band at least."""

    code: str
    band: Band
    because: str


class Stop(Struct, frozen=True):
    """A fact that makes the risk unacceptable whatever the score."""

    code: str
    because: str


class Risk(Struct, frozen=True):
    """An assessment. score is the sum of the contributions, within 0 and 100; band follows it, the floors and stops."""

    score: int
    band: Band
    contributions: tuple[Contribution, ...]
    floors: tuple[Floor, ...]
    stops: tuple[Stop, ...]
    weights_version: str


_Found = Iterator[tuple[int, str]]


def assess_risk(facts: RiskFacts, weights: RiskWeights) -> Risk:
    """Score a merchant: what each fact adds or takes off, and the band that follows."""
    contributions = (
        *_capped("mcc", weights.mcc.cap, _mcc(facts, weights)),
        *_capped("geography", weights.geography.cap, _geography(facts, weights)),
        *_capped("ownership", weights.ownership.cap, _ownership(facts, weights)),
        *_capped("turnover", weights.turnover.cap, _turnover(facts, weights)),
        *_capped("age", weights.age.cap, _age(facts, weights)),
        *_capped("screening", weights.screening.cap, _screening(facts, weights)),
        *_capped("behaviour", weights.behaviour.cap, _behaviour(facts, weights)),
        *_capped("mitigants", weights.mitigants.cap, _mitigants(facts, weights), sign=-1),
    )
    score = max(0, min(MAX_SCORE, sum(one.points for one in contributions)))
    floors, stops = tuple(_floors(facts, weights)), tuple(_stops(facts, weights))
    band = _highest(band_of(score, weights), *(floor.band for floor in floors))
    return Risk(score, "unacceptable" if stops else band, contributions, floors, stops, weights.weights_version)


def band_of(score: int, weights: RiskWeights) -> Band:
    """The band of a score alone."""
    bands = weights.bands
    if score >= bands.unacceptable_from:
        return "unacceptable"
    if score >= bands.high_from:
        return "high"
    return "medium" if score >= bands.medium_from else "low"


def place_class(place: str, home_country: str, weights: RiskWeights) -> PlaceClass:
    """What the lists say of a place, an ISO 3166-1 or 3166-2 code; the home country is never grey or black."""
    country, lists = place.partition("-")[0], weights.geography
    if country != home_country and country in lists.black_countries:
        return "black"
    if country != home_country and country in lists.grey_countries:
        return "grey"
    if place in lists.border_places or country in lists.border_places:
        return "border"
    return "home" if country == home_country else "other"


def _capped(factor: str, cap: int, found: _Found, sign: int = 1) -> Iterator[Contribution]:
    """The facts of a factor in order; what goes beyond its cap counts nothing and stays listed."""
    left = cap
    for points, because in found:
        if points:
            counted = min(points, left)
            left -= counted
            yield Contribution(factor, sign * counted, because)


def _mcc(facts: RiskFacts, weights: RiskWeights) -> _Found:
    points = weights.mcc
    match facts.mcc_class:
        case "low":
            yield points.low, "The trade is an everyday one."
        case "medium":
            yield points.medium, "The trade is neither an everyday one nor a risky one."
        case "high":
            yield points.high, "The trade asks for a closer look."
        case "enhanced" | "prohibited":
            yield points.enhanced, "The trade asks for a licence or for the approval of a compliance officer."
        case "agent":
            yield points.agent, "The business takes in or pays out cash for others."


def _worst_place(facts: RiskFacts, weights: RiskWeights) -> PlaceClass:
    found = {place_class(place, facts.home_country, weights) for place in facts.places}
    return max(found, key=_PLACES.index, default="home")


def _geography(facts: RiskFacts, weights: RiskWeights) -> _Found:
    worst = _worst_place(facts, weights)
    if worst == "border":
        yield weights.geography.border, "A place is in a border or conflict district."
    if worst in ("grey", "black"):
        yield weights.geography.grey, "A place is in a country under increased monitoring."


def _ownership(facts: RiskFacts, weights: RiskWeights) -> _Found:
    points = weights.ownership
    if not (facts.owners_verified and facts.ownership_complete):
        yield points.incomplete, "Not every owner is known and verified."
    if facts.foreign_owner or facts.ownership_circular or facts.ownership_layers > points.most_layers:
        yield points.layered_or_foreign, "The ownership is layered, circular or foreign."
    if facts.nominee:
        yield points.nominee, "Somebody holds a part for another: a nominee, a bearer or a trust."
    if facts.pep:
        yield points.pep, "An owner is a politically exposed person."


def _turnover(facts: RiskFacts, weights: RiskWeights) -> _Found:
    declared, observed = facts.declared_turnover_minor, facts.observed_turnover_minor
    if declared is None or facts.observed_transactions < weights.turnover.least_transactions:
        return
    reached = [step for step in weights.turnover.steps if observed * 100 > declared * step.above_percent]
    if reached:
        times = Decimal(reached[-1].above_percent) / 100
        yield reached[-1].points, f"The turnover is more than {times} times what was declared."


def _age(facts: RiskFacts, weights: RiskWeights) -> _Found:
    """A business is as old as anybody knows; a new customer may be an old business."""
    known = [months for months in (facts.business_months, facts.relationship_months) if months is not None]
    months = max(known, default=0)
    for step in weights.age.steps:
        if months <= step.up_to_months:
            yield step.points, f"The business is known for {step.up_to_months} months at most."
            break
    if not facts.seen_on_site:
        yield weights.age.not_seen_on_site, "Nobody has seen the business on site."


def _screening(facts: RiskFacts, weights: RiskWeights) -> _Found:
    points = weights.screening
    if facts.hits_open:
        yield points.open, "A likeness to a listed name is not decided."
    if facts.hits_cleared_by_one_fact:
        yield points.cleared_by_one_fact, "A likeness to a listed name was cleared by one fact."
    if facts.hits_cleared_by_two_facts:
        yield points.cleared_by_two_facts, "A likeness to a listed name was cleared by two independent facts."


def _behaviour(facts: RiskFacts, weights: RiskWeights) -> _Found:
    points = weights.behaviour
    if not facts.face_to_face:
        yield points.not_face_to_face, "Nobody has met the merchant face to face."
    if facts.refund_rate_percent > points.refunds_above_percent:
        yield points.refunds, f"More than {points.refunds_above_percent} per cent of the turnover is refunded."
    if facts.patterns:
        yield points.pattern, "Most payments come at night, in round amounts or from one payer."
    if facts.complaints > 0:
        yield points.complaint * facts.complaints, f"Complaints were made: {facts.complaints}."


def _mitigants(facts: RiskFacts, weights: RiskWeights) -> _Found:
    points, visited = weights.mitigants, facts.months_since_site_visit
    if facts.lei_active:
        yield points.lei_active, "The LEI is active."
    if facts.registry_verified:
        yield points.registry_verified, "The entry in the company register was verified."
    if visited is not None and visited < points.site_visit_months:
        yield points.site_visit, f"The place was visited less than {points.site_visit_months} months ago."
    if facts.account_name_matches:
        yield points.account_name, "The settlement account is in the name of the business."


def _floors(facts: RiskFacts, weights: RiskWeights) -> Iterator[Floor]:
    floors = weights.floors
    if facts.pep:
        yield Floor("pep", floors.pep, "An owner is a politically exposed person.")
    by_class: dict[str, Band] = {"high": floors.mcc_high, "enhanced": floors.mcc_enhanced, "agent": floors.mcc_agent}
    if facts.mcc_class in by_class:
        yield Floor("mcc", by_class[facts.mcc_class], "The trade asks for a closer look whatever else is known.")


def _stops(facts: RiskFacts, weights: RiskWeights) -> Iterator[Stop]:
    if facts.mcc_class == "prohibited":
        yield Stop("mcc_prohibited", "The trade is prohibited.")
    if _worst_place(facts, weights) == "black":
        yield Stop("country_black", "A place is in a country with which no business may be done.")
    if facts.hits_open:
        yield Stop("screening_open", "A likeness to a listed name is not decided.")


def _highest(*bands: Band) -> Band:
    return max(bands, key=BANDS.index)


class Override(Struct, frozen=True, forbid_unknown_fields=True):
    """A band set by hand: by whom and why; lowering needs a second person and a time after which it ends."""

    band: Band
    by: str
    reason: str
    until: datetime | None = None
    second_by: str | None = None


OverrideFault = Literal[
    "reason_missing", "expired", "stop_binds", "below_floor", "expiry_missing", "second_person_missing", "same_person"
]


def override_fault(override: Override, current: Band, risk: Risk, now: datetime) -> OverrideFault | None:
    """Why a band set by hand does not count, None when it does.

    current is the band in force before it. Anybody who may do so raises with a reason. Nobody lowers a stop, or below
    a floor; anything else is lowered by two people, for a time.
    """
    if not override.by.strip() or not override.reason.strip():
        return "reason_missing"
    if override.until is not None and override.until <= now:
        return "expired"
    if BANDS.index(override.band) >= BANDS.index(current):
        return None
    if risk.stops:
        return "stop_binds"
    if any(BANDS.index(override.band) < BANDS.index(floor.band) for floor in risk.floors):
        return "below_floor"
    if override.until is None:
        return "expiry_missing"
    if not (override.second_by or "").strip():
        return "second_person_missing"
    return "same_person" if (override.second_by or "").strip() == override.by.strip() else None


def effective_band(risk: Risk, overrides: Iterable[Override], now: datetime) -> Band:
    """The band in force: the assessed one, changed by each override that counts, in the order they were made."""
    band = risk.band
    for override in overrides:
        if override_fault(override, band, risk, now) is None:
            band = override.band
    return band


class Migration(Struct, frozen=True):
    """How many merchants go from one band to another; both are the same for those that stay."""

    before: Band
    after: Band
    merchants: int


def shadow_weights(before: RiskWeights, after: RiskWeights, facts: Iterable[RiskFacts]) -> tuple[Migration, ...]:
    """Try new weights on the facts of many merchants: how many change their band, from which to which.

    Only bands that occur are listed, from low to unacceptable.
    """
    moves = Counter((assess_risk(one, before).band, assess_risk(one, after).band) for one in facts)
    return tuple(Migration(old, new, moves[old, new]) for old in BANDS for new in BANDS if moves[old, new])
