"""The policy in force: which tiers there are, what each asks for and permits.

One policy for all DFSPs today, the packaged one; whoever needs a limit or a tier asks here.
"""

from functools import cache

import kyb


@cache
def policy() -> kyb.Policy:
    """The tier policy in force."""
    return kyb.default_policy()
