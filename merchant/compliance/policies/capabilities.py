"""What a merchant's tier permits beside its limits: asked where a merchant, or its DFSP, wants to do it.

The capabilities are those of kyb.policy.CAPABILITIES that something here can do; the projection shows all of them.
"""

from uuid import UUID

import kyb
from merchant.compliance.policies.in_force import policy_of
from merchant.compliance.policies.problems import CapabilityMissing
from merchant.core.service import Service
from merchant.core.texts import _, filled

_SENTENCES = {
    "receive_payment": _("Money may be received from tier {least} on; this merchant stands on {tier}."),
    "refund": _("Refunds may be given from tier {least} on; this merchant stands on {tier}."),
    "dynamic_qr": _("Codes with an amount may be made from tier {least} on; this merchant stands on {tier}."),
    "sub_locations": _("Further places may be opened from tier {least} on; this merchant stands on {tier}."),
    "api_keys": _("A merchant may have keys of its own from tier {least} on; this one stands on {tier}."),
}


async def require_capability(service: Service, dfsp_id: UUID, tier: str, capability: str) -> None:
    """Raise CapabilityMissing where the policy in force gives the capability to higher tiers only."""
    check_capability(await policy_of(service, dfsp_id), tier, capability)


def check_capability(policy: kyb.Policy, tier: str, capability: str) -> None:
    """The same by a policy at hand."""
    if not policy.permits(capability, tier):
        least = policy.text.capabilities[capability]
        raise CapabilityMissing(filled(_SENTENCES[capability], {"least": least, "tier": tier}))
