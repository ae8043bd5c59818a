"""What of a case a register can be asked: what the policy lets a method vouch for and nobody has verified so far.

The service asks its providers exactly this, so that no register learns of more than it is needed for.
"""

from datetime import datetime

from kyb.case import Case
from kyb.gaps import Asked, gaps_of
from kyb.policy.check import attribute_of
from kyb.policy.model import Policy, Requires

# What may be asked again. One that was rejected is answered, and a missing answer is the applicant's to give.
_OPEN = frozenset({"not_verified", "inconclusive", "unavailable", "expired"})


def lookups(
    case: Case, policy: Policy, target_tier: str | None, now: datetime, method: str = "registry"
) -> tuple[tuple[str, str], ...]:
    """(attribute, subject) of what a method may verify and what is not verified, up to a tier; of all tiers when None.

    now is in the jurisdiction's time zone. What belongs to no single answer is left out: there is nothing to look up.
    """
    asked = Asked(case, policy, now.date(), case.facts(policy.text.mcc_classes))
    found: dict[tuple[str, str], None] = {}
    for requires in _rungs(case, policy, target_tier):
        alternatives = (key for choice in requires.any for alternative in choice for key in alternative)
        for key in (*requires.all, *alternatives):
            check = policy.text.checks.get(key)
            attribute = attribute_of(check) if check is not None else None
            if check is None or attribute is None or method not in check.by:
                continue
            for gap in gaps_of(key, asked):
                if gap.code in _OPEN and not gap.path.startswith("verifications."):
                    found[attribute, gap.path] = None
    return tuple(found)


def _rungs(case: Case, policy: Policy, target_tier: str | None) -> list[Requires]:
    """What is asked of everybody, then by each tier of the ladder up to the target."""
    ladder = policy.ladder(case.sections.business.kind or "")
    names = [tier.name for tier in ladder]
    until = names.index(target_tier) + 1 if target_tier in names else len(ladder)
    return [policy.text.requires, *(tier.requires for tier in ladder[:until])]
