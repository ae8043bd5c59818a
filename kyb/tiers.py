"""Which tier an applicant can reach and what is missing for the next one.

Between the answers and the report: kyb.assess calls it, and so may a form that shows progress. Pure
projection of answers and policy, recomputed whenever either changes, never stored as flags.
"""

from collections.abc import Iterable, Iterator

from msgspec import Struct

from kyb.applicant import Applicant, Evidence
from kyb.policy import OR, Policy


class Requirement(Struct, frozen=True):
    """One missing thing: its path, a stable code, a sentence for people, and the tier that needs it."""

    path: str
    code: str  # "missing" for an answer, "not_verified" for evidence, "no_tier" for a kind of business
    message: str
    tier: str | None  # None: needed whatever the tier


_NO_LADDER = Requirement("business.kind", "no_tier", "No tier is open to this kind of business.", None)


class Requirements(Struct, frozen=True):
    """What an applicant can reach. currently_due is empty exactly when some tier is reachable."""

    tier_reachable: str | None
    currently_due: tuple[Requirement, ...]  # stands in the way of the lowest tier open to this kind
    eventually_due: tuple[Requirement, ...]  # stands in the way of the higher tiers


def requirements(applicant: Applicant, policy: Policy) -> Requirements:
    """The highest tier whose requirements are met, and what is missing for the lowest and for the higher tiers.

    Tiers add up: a tier is reached when its own requirements and those of every lower tier open to the
    same kind of business are met. Answers count when present; their form is kyb.field_problems' matter.
    """
    general = tuple(_missing(applicant, policy.requires, None))
    ladder = policy.ladder(applicant.sections.business.kind or "")
    if not ladder and all(item.path != _NO_LADDER.path for item in general):
        general = (*general, _NO_LADDER)
    missing_by_tier = {tier.name: tuple(_missing(applicant, tier.requires, tier.name)) for tier in ladder}

    reachable: str | None = None
    if not general:
        for tier in ladder:
            if missing_by_tier[tier.name]:
                break
            reachable = tier.name

    lowest = ladder[0].name if ladder else None
    currently = (*general, *missing_by_tier.get(lowest or "", ()))
    higher = (item for name, items in missing_by_tier.items() if name != lowest for item in items)
    due_paths = {item.path for item in currently}
    return Requirements(reachable, currently, tuple(_first_of_each_path(higher, due_paths)))


def _first_of_each_path(items: Iterable[Requirement], seen: set[str]) -> Iterator[Requirement]:
    """Drop what a lower tier already asks for."""
    for item in items:
        if item.path not in seen:
            seen.add(item.path)
            yield item


def _missing(applicant: Applicant, requires: dict[str, str], tier: str | None) -> Iterator[Requirement]:
    for path, message in requires.items():
        alternatives = path.split(OR)
        # What is asked of each owner is met where there are none, but then it stands in for nothing else.
        lacking = [list(_lacking(applicant, one, empty_lacks=len(alternatives) > 1)) for one in alternatives]
        if all(lacking):
            code = "not_verified" if path.startswith("evidence.") else "missing"
            for place in lacking[0]:
                yield Requirement(place, code, message, tier)


def _lacking(applicant: Applicant, path: str, *, empty_lacks: bool) -> Iterator[str]:
    """The places where one alternative of a requirement is not met."""
    section, _, names = path.partition(".")
    for place, holder in _holders(applicant, section):
        if not names:
            if holder is None:
                yield place
        elif empty_lacks if holder is None else not any(_given(holder, name) for name in names.split("|")):
            first = names.split("|")[0].removesuffix("[]")
            yield f"{place}.{first}"


def _holders(applicant: Applicant, section: str) -> Iterator[tuple[str, Struct | None]]:
    """The struct, or for a list each struct, that a path's first part means, with its concrete place."""
    if section == "evidence":
        yield section, applicant.evidence
    elif section.endswith("[]"):
        name = section.removesuffix("[]")
        items: tuple[Struct, ...] = getattr(applicant.sections, name)
        if not items:
            yield name, None
        for index, item in enumerate(items):
            yield f"{name}[{index}]", item
    else:
        yield section, getattr(applicant.sections, section)


def _given(holder: Struct, name: str) -> bool:
    """True for an answer that is present (0 and False are answers) and for evidence that is True."""
    value = getattr(holder, name.removesuffix("[]"))
    return bool(value) if isinstance(holder, Evidence) else value is not None and value not in ("", ())
