"""Lay a stricter policy over another: a layer names what it changes, and may only tighten it.

The regulator's ceiling holds the scheme, the scheme holds its DFSPs. In a layer `requires` adds to what is asked above,
lists of what is refused grow, and everything else replaces what stands above, where `check_tightens` lets it.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from kyb.mcc_classes import MCC_CLASSES, mcc_among, mcc_class
from kyb.policy.check import directions, in_currencies, no_more
from kyb.policy.durations import span
from kyb.policy.model import BANDS, STRICTNESS, Duplicates, Policy, PolicyError, Refunds, Tier
from kyb.policy.retention import kept_days

_ADDED = frozenset({"mcc_refused"})
_WHOLE = frozenset({"limits", "debit", "when"})  # replaced as a whole
# How much a class of trades asks for. One that a policy names itself stands between those that are open and those that
# are not.


def lay_over(above: dict[str, Any], layer: dict[str, Any]) -> dict[str, Any]:
    """The document of a policy with a layer's changes in it. Raises PolicyError for a table over a value."""
    return _merged(above, layer, "")


def _merged(above: dict[str, Any], layer: dict[str, Any], place: str) -> dict[str, Any]:
    result = dict(above)
    for name, value in layer.items():
        before = above.get(name)
        if name == "requires" and isinstance(value, dict):
            result[name] = _required(before or {}, value, f"{place}{name}")
        elif name in _ADDED and isinstance(value, list):
            result[name] = [*(before or []), *(each for each in value if each not in (before or []))]
        elif isinstance(before, dict) and isinstance(value, dict) and name not in _WHOLE:
            result[name] = _merged(before, value, f"{place}{name}.")
        elif isinstance(before, dict) != isinstance(value, dict) and before is not None:
            raise PolicyError(
                f"{place}{name}: a table stands above it" if isinstance(before, dict) else f"{place}{name}"
            )
        else:
            result[name] = value
    return result


def _required(above: dict[str, Any], layer: dict[str, Any], place: str) -> dict[str, Any]:
    if unknown := layer.keys() - {"all", "any"}:
        raise PolicyError(f"{place}: unknown {min(unknown)}; a layer adds to `all` or `any`")
    result = dict(above)
    for name, value in layer.items():
        if not isinstance(value, list):
            raise PolicyError(f"{place}.{name}: must be a list")
        result[name] = [*above.get(name, []), *(each for each in value if each not in above.get(name, []))]
    return result


def check_tightens(above: Policy, below: Policy) -> None:
    """Refuse a layer that permits more than what is above it. Raises PolicyError with the place of the first."""
    for fault in loosened(above, below):
        raise PolicyError(fault)


def loosened(above: Policy, below: Policy) -> Iterator[str]:
    """Every place where a policy permits more than the one above it."""
    if [tier.name for tier in below.tiers] != [tier.name for tier in above.tiers]:
        yield "tiers: a layer may change tiers, but neither add nor drop one"
        return
    for before, after in zip(above.tiers, below.tiers, strict=True):
        yield from _tier_loosened(above, below, before, after)
    yield from _checks_loosened(above, below)
    for name, least in above.text.capabilities.items():
        if above.rank(below.text.capabilities[name]) < above.rank(least):
            yield f"capabilities.{name}: given to a lower tier than {least}"
    for field in ("own_duplicates", "other_duplicates"):
        yield from _duplicates_loosened(field, getattr(above.text, field), getattr(below.text, field))
    yield from _refunds_loosened(above.text.refunds, below.text.refunds)
    for name in ("grace", "lower_risk_lasts", "abandon"):
        if _longer(getattr(below.text, name), getattr(above.text, name)):
            yield f"{name}: longer than {getattr(above.text, name)}"
    # No country named means all of them.
    if above.text.countries and not set() < set(below.text.countries) <= set(above.text.countries):
        yield "countries: one that is not allowed above"
    if above.text.open_cases == "regrade" and below.text.open_cases == "keep":
        yield "open_cases: cases are regraded above"
    if below.text.approvals_to_reinstate < above.text.approvals_to_reinstate:
        yield "approvals_to_reinstate: fewer people than above"
    most_hours = above.text.screening_max_age_hours
    if most_hours and not 0 < below.text.screening_max_age_hours <= most_hours:
        yield f"screening_max_age_hours: more than {most_hours}"
    kept = kept_days(below.text.retention_days)
    for name, days in kept_days(above.text.retention_days).items():
        if kept[name] < days:
            yield f"retention_days.{name}: shorter than {days}"
    yield from _risk_loosened(msgspec.to_builtins(above.risk_weights), msgspec.to_builtins(below.risk_weights), "risk")
    yield from _trades_loosened(above, below)
    for owner, words in above.text.names.protected.items():
        if not set(words) <= set(below.text.names.protected.get(owner, ())):
            yield f"names.protected.{owner}: drops a name that stands above"


def _trades_loosened(above: Policy, below: Policy) -> Iterator[str]:
    """Trades that a layer moves to a class that asks for less, or that a tier refuses no longer."""
    upper, lower = above.text.mcc_classes, below.text.mcc_classes
    for code in sorted(upper.keys() | lower.keys()):
        before, after = mcc_class(code, upper), mcc_class(code, lower)
        if MCC_CLASSES.index(after) < MCC_CLASSES.index(before):
            yield f"mcc_classes.{code}: {after} is milder than {before}, which stands above"
        elif after != "prohibited":
            for high, low in zip(above.tiers, below.tiers, strict=True):
                if mcc_among(code, high.mcc_refused, upper) and not mcc_among(code, low.mcc_refused, lower):
                    yield f"tiers.{low.name}.mcc_refused: {code} is refused above"


def _tier_loosened(above: Policy, below: Policy, before: Tier, after: Tier) -> Iterator[str]:
    place = f"tiers.{before.name}"
    if not set(after.kinds) <= set(before.kinds):
        yield f"{place}.kinds: opened to more kinds of business"
    currencies = above.text.minor_per_unit.keys() | before.limits_minor.keys()
    for direction in directions((before, after)):
        more = []
        for currency in sorted(below.text.minor_per_unit.keys() | after.limits_minor.keys()):
            if currency not in currencies:
                yield f"{place}: sets limits for {currency}, which has none above"
                return
            limits = below.limits(after.name, currency, direction)
            if not no_more(limits, above.limits(before.name, currency, direction)):
                more.append(currency)
        if more:
            yield in_currencies(f"{place}: permits more than the layer above ({direction})", more, above)
    if before.expires_after and (not after.expires_after or _longer(after.expires_after, before.expires_after)):
        yield f"{place}.expires_after: longer than {before.expires_after}"
    for band in BANDS:
        if after.approvals_for(band) < before.approvals_for(band):
            yield f"{place}.approvals.{band}: fewer people than above"
        if band in before.review and (band not in after.review or _longer(after.review[band], before.review[band])):
            yield f"{place}.review.{band}: longer than {before.review[band]}"
    if after.automatic and not before.automatic:
        yield f"{place}.automatic: not allowed above"


def _checks_loosened(above: Policy, below: Policy) -> Iterator[str]:
    for key, before in above.text.checks.items():
        after, place = below.text.checks[key], f"checks.{key}"
        if after.type != before.type or after.attribute != before.attribute or after.when != before.when:
            yield f"{place}: type, attribute and condition are set above"
        if not set(after.by) <= set(before.by):
            yield f"{place}.by: a method that is not allowed above"
        if before.valid and (not after.valid or _longer(after.valid, before.valid)):
            yield f"{place}.valid: longer than {before.valid}"
        if after.threshold_percent > before.threshold_percent or (
            after.high_risk_threshold_percent > before.high_risk_threshold_percent
        ):
            yield f"{place}: a higher threshold than above"
        if after.minimum_units < before.minimum_units or BANDS.index(after.band) > BANDS.index(before.band):
            yield f"{place}: asks for less than above"


def _duplicates_loosened(field: str, before: Duplicates, after: Duplicates) -> Iterator[str]:
    for name in before.__struct_fields__:
        strict, found = getattr(before, name), getattr(after, name)
        if STRICTNESS.index(found) < STRICTNESS.index(strict):
            yield f"{field}.{name}: {found} is less than {strict}"


def _refunds_loosened(before: Refunds, after: Refunds) -> Iterator[str]:
    if _longer(after.window, before.window):
        yield f"refunds.window: longer than {before.window}"
    if after.approval_above > before.approval_above:
        yield f"refunds.approval_above: more than {before.approval_above}"
    if after.gives_back_limits and not before.gives_back_limits:
        yield "refunds.gives_back_limits: not allowed above"


def _risk_loosened(above: Any, below: Any, place: str) -> Iterator[str]:
    """Points may only rise; what speaks for a merchant, and the scores at which bands begin, may only fall."""
    if isinstance(above, dict):
        for name in above:
            yield from _risk_loosened(above[name], below[name], f"{place}.{name}")
    elif isinstance(above, int | float) and not isinstance(above, bool):
        falls = ".mitigants." in place or place.endswith("_from")
        if (below > above) if falls else (below < above):
            yield f"{place}: {below} is milder than {above}"


def _longer(one: str, other: str) -> bool:
    return span(one).about_days > span(other).about_days
