"""Kinds of cases, and what each may change and needs."""

from enum import StrEnum

from msgspec import Struct


class CaseKind(StrEnum):
    """What a case is about. An application is a case of onboarding."""

    ONBOARDING = "onboarding"
    CHANGE = "change"
    UPGRADE = "upgrade"
    DOWNGRADE = "downgrade"
    REVIEW = "review"
    REINSTATEMENT = "reinstatement"
    CLOSURE = "closure"
    TRANSFER = "transfer"


class Rules(Struct, frozen=True):
    """What a kind takes: whether answers may change, a tier must be named, a reason given, and in which states."""

    answers: bool
    target: bool = False
    reason: bool = False
    states: tuple[str, ...] = ("active", "restricted")
    screened: bool = True  # names are screened again before the decision


_ANY = ("active", "restricted", "suspended")
RULES: dict[CaseKind, Rules] = {
    CaseKind.CHANGE: Rules(answers=True, states=_ANY),
    CaseKind.UPGRADE: Rules(answers=True, target=True, states=_ANY),
    CaseKind.DOWNGRADE: Rules(answers=False, target=True, reason=True),
    CaseKind.REVIEW: Rules(answers=True, states=_ANY),
    CaseKind.REINSTATEMENT: Rules(answers=False, reason=True, states=("suspended", "restricted")),
    CaseKind.CLOSURE: Rules(answers=False, reason=True, states=_ANY),
    CaseKind.TRANSFER: Rules(answers=False, states=_ANY),
}
