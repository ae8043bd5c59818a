"""Know Your Business: pure decisions about merchants; no database, network, clock or environment.

Reading order: applicant (the answers and what was verified) → normal and fields (the form of an answer) → policy and
tiers (requirements and limits) → screening (sanctions lists) → report (all of it, for the person who decides).
"""

from kyb.aliases import ALIAS_PATTERN, alias_form, is_alias, may_be_chosen
from kyb.applicant import (
    AnyText,
    Applicant,
    Business,
    Contact,
    Counter,
    Evidence,
    Location,
    Locations,
    Owner,
    Owners,
    Sections,
    SettlementAccount,
)
from kyb.fields import Problem, field_problems
from kyb.lists.change import Change, changed_entries, difference
from kyb.lists.entry import BadList, Identifier, ListedName, ListEntry, ScreeningList
from kyb.lists.un import load_un_list
from kyb.normal import normalise
from kyb.policy import (
    Limits,
    Policy,
    PolicyError,
    UnknownCurrency,
    UnknownTier,
    default_policy,
    load_policy,
)
from kyb.report import Check, Reason, Report, SubjectHit, assess
from kyb.screening.index import ListVersion, ScreeningIndex, build_index
from kyb.screening.match import Hit, Piece, screen
from kyb.tiers import Requirement, Requirements, requirements

__all__ = [
    "ALIAS_PATTERN",
    "AnyText",
    "Applicant",
    "BadList",
    "Business",
    "Change",
    "Check",
    "Contact",
    "Counter",
    "Evidence",
    "Hit",
    "Identifier",
    "Limits",
    "ListEntry",
    "ListVersion",
    "ListedName",
    "Location",
    "Locations",
    "Owner",
    "Owners",
    "Piece",
    "Policy",
    "PolicyError",
    "Problem",
    "Reason",
    "Report",
    "Requirement",
    "Requirements",
    "ScreeningIndex",
    "ScreeningList",
    "Sections",
    "SettlementAccount",
    "SubjectHit",
    "UnknownCurrency",
    "UnknownTier",
    "alias_form",
    "assess",
    "build_index",
    "changed_entries",
    "default_policy",
    "difference",
    "field_problems",
    "is_alias",
    "load_policy",
    "load_un_list",
    "may_be_chosen",
    "normalise",
    "requirements",
    "screen",
]
