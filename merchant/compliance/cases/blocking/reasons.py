"""Why the hub blocks a merchant: a closed table after the card schemes' terminated merchant file, in plain words.

The table of the block list (kyb.lists.blocklist) has the same reasons by number; those that only a card scheme can
tell (a common point of purchase, its own security standard) are left out.
"""

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct


class BlockReason(StrEnum):
    """A code of a reason; the hub alone reads it."""

    DATA_COMPROMISE = "data_compromise"
    MONEY_LAUNDERING = "money_laundering"
    EXCESSIVE_CHARGEBACKS = "excessive_chargebacks"
    EXCESSIVE_FRAUD = "excessive_fraud"
    FRAUD_CONVICTION = "fraud_conviction"
    INSOLVENCY = "insolvency"
    STANDARDS_VIOLATION = "standards_violation"
    COLLUSION = "collusion"
    ILLEGAL_TRANSACTIONS = "illegal_transactions"
    IDENTITY_THEFT = "identity_theft"


class Meaning(Struct, frozen=True):
    """What a reason says of a merchant, and its number in the block list."""

    sentence: str
    listed_as: str


REASONS: Mapping[BlockReason, Meaning] = {
    BlockReason.DATA_COMPROMISE: Meaning("It gave away, or let others take, what it knew of its customers.", "01"),
    BlockReason.MONEY_LAUNDERING: Meaning("It moved money whose origin was to be hidden.", "03"),
    BlockReason.EXCESSIVE_CHARGEBACKS: Meaning("Far more of its payments were claimed back than elsewhere.", "04"),
    BlockReason.EXCESSIVE_FRAUD: Meaning("Far more of its payments were fraudulent than elsewhere.", "05"),
    BlockReason.FRAUD_CONVICTION: Meaning("A court convicted one of its owners of fraud.", "07"),
    BlockReason.INSOLVENCY: Meaning("It cannot pay what it owes.", "09"),
    BlockReason.STANDARDS_VIOLATION: Meaning("It broke the scheme's rules, and went on when it was told.", "10"),
    BlockReason.COLLUSION: Meaning("It worked together with those who defraud others.", "11"),
    BlockReason.ILLEGAL_TRANSACTIONS: Meaning("It took money for what the law forbids to sell.", "13"),
    BlockReason.IDENTITY_THEFT: Meaning("It was opened under the identity of somebody else.", "14"),
}
