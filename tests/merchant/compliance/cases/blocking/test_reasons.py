"""The reasons of blocks are a closed table, and each is one of the block list's too."""

from kyb.lists.blocklist import REASONS as LISTED
from merchant.compliance.cases.blocking.reasons import REASONS, BlockReason


def test_every_reason_says_what_it_means_and_is_one_of_the_block_lists() -> None:
    assert set(REASONS) == set(BlockReason)
    numbers = [meaning.listed_as for meaning in REASONS.values()]
    assert set(numbers) <= set(LISTED)
    assert len(set(numbers)) == len(numbers) == 10
    assert all(meaning.sentence.endswith(".") for meaning in REASONS.values())
