"""The policy in force: which tiers there are, what each asks for and permits.

One policy for all DFSPs today, the packaged one; whoever needs a limit or a tier asks here.
"""

from enum import StrEnum
from functools import cache

import kyb


class Tier(StrEnum):
    """The names of tiers (CONTRACT), lowest first. What each asks for and permits is the policy's."""

    T0 = "T0"
    T1 = "T1"
    T2 = "T2"
    T3 = "T3"


@cache
def policy() -> kyb.Policy:
    """The tier policy in force."""
    return kyb.default_policy()
