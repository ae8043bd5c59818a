"""Know Your Business: pure decisions about merchants; no database, network, clock or environment.

Reading order: applicant (the answers and what was verified) → normal and fields (the form of an answer; shown_names and
identity_numbers judge names and numbers) → policy and
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
from kyb.fields import field_problems
from kyb.identity_numbers import identity_form, number_doubt, number_doubts
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
from kyb.problem import Fault, Problem
from kyb.report import Check, Reason, Report, SubjectHit, assess
from kyb.screening.index import ListVersion, ScreeningIndex, build_index
from kyb.screening.match import Hit, Piece, screen
from kyb.shown_names import (
    ProtectedHit,
    alike,
    default_protected_names,
    is_protected,
    legibility_problem,
    names_shown,
    ussd_name_of,
)
from kyb.tiers import Requirement, Requirements, requirements

__all__ = [
    "ALIAS_PATTERN",
    "AnyText",
    "Applicant",
    "BadList",
    "Business",
    "Check",
    "Contact",
    "Counter",
    "Evidence",
    "Fault",
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
    "ProtectedHit",
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
    "alike",
    "assess",
    "build_index",
    "default_policy",
    "default_protected_names",
    "field_problems",
    "identity_form",
    "is_alias",
    "is_protected",
    "legibility_problem",
    "load_policy",
    "load_un_list",
    "may_be_chosen",
    "names_shown",
    "normalise",
    "number_doubt",
    "number_doubts",
    "requirements",
    "screen",
    "ussd_name_of",
]
