"""What the policy in force says of refunds: for how long, from which amount on two people, what becomes of limits."""

from datetime import timedelta
from uuid import UUID

from msgspec import Struct

import kyb
from kyb.policy.check import MOST_REFUND_DAYS
from merchant.compliance.policies.capabilities import check_capability
from merchant.compliance.policies.in_force import policy_of
from merchant.core.service import Service

# No policy's window is longer; payers are kept for so long.
WINDOW_MAX = timedelta(days=MOST_REFUND_DAYS)


class RefundRules(Struct, frozen=True):
    """For how long after a payment money may be given back, how much one person may give, in minor units of the
    payment's currency, and whether the limits that the payment used are free again.
    """

    window: timedelta
    alone_minor: int
    gives_back_limits: bool


async def refund_rules(service: Service, dfsp_id: UUID, tier: str, currency: str) -> RefundRules:
    """The rules for a merchant's refund. Raises CapabilityMissing where its tier may give none."""
    policy = await policy_of(service, dfsp_id)
    check_capability(policy, tier, "refund")
    written = policy.text.refunds
    window = timedelta(days=kyb.span(written.window).about_days)
    return RefundRules(window, policy.refund_approval_above(currency), written.gives_back_limits)
