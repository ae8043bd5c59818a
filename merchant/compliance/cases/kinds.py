"""Kinds of cases, and what each may change and needs."""

from enum import StrEnum

from msgspec import Struct

from merchant.registry.merchants.states import Capability


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
    """What a kind takes: whether answers may change, a tier is named, a reason given; what the state must permit."""

    answers: bool
    target: bool = False
    reason: bool = False
    needs: Capability = Capability.TAKE_PAYMENT  # of the merchant's state
    screened: bool = True  # names are screened again before the decision


RULES: dict[CaseKind, Rules] = {
    CaseKind.CHANGE: Rules(answers=True, needs=Capability.CHANGE),
    CaseKind.UPGRADE: Rules(answers=True, target=True, needs=Capability.CHANGE),
    CaseKind.DOWNGRADE: Rules(answers=False, target=True, reason=True),
    CaseKind.REVIEW: Rules(answers=True, needs=Capability.CHANGE),
    CaseKind.REINSTATEMENT: Rules(answers=False, reason=True, needs=Capability.REINSTATE),
    CaseKind.CLOSURE: Rules(answers=False, reason=True, needs=Capability.CHANGE),
    CaseKind.TRANSFER: Rules(answers=False, needs=Capability.CHANGE),
}

# What leads out of a risk is never refused for it.
LESSENS_RISK = frozenset({CaseKind.CLOSURE, CaseKind.DOWNGRADE})
