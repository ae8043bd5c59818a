"""How long what is known of people is kept once it has ended: the shortest times, which a policy may set otherwise.

A time begins when a case ends, and for an approved one when its merchant closes.
"""

from collections.abc import Mapping
from typing import NamedTuple


class Kept(NamedTuple):
    """How many days something is kept, and who asks for it."""

    days: int
    source: str


RETENTION: Mapping[str, Kept] = {
    # Five years after the relationship ended; 1826 days hold two leap days.
    "approved": Kept(1826, "FATF Recommendation 11"),
    # No law says how long: two years cover an appeal, a complaint and a second try under the same papers.
    "rejected": Kept(730, "our own proposal"),
    "withdrawn": Kept(90, "our own proposal"),
    "expired": Kept(90, "our own proposal"),
    # A face is compared once. It goes before the rest of its case.
    "selfie": Kept(90, "our own proposal"),
}
MOST_DAYS = 36_525  # a hundred years


def kept_days(changed: Mapping[str, int]) -> dict[str, int]:
    """Days by what is kept: those of RETENTION, where a policy's `retention_days` says nothing else."""
    return {name: changed.get(name, kept.days) for name, kept in RETENTION.items()}
