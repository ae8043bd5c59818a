"""The policy in force has the tiers that the API names."""

from merchant.compliance.policies import Tier, policy


def test_the_policy_in_force_has_the_tiers_that_lists_filter_by_in_their_order() -> None:
    assert [tier.name for tier in policy().tiers] == list(Tier)
