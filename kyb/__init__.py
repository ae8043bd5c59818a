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
from kyb.report import Reason, Report, assess
from kyb.screening.compare import Piece, name_score
from kyb.screening.index import ListVersion, ScreeningIndex, build_index
from kyb.screening.match import Hit, Screened, Subject, screen, screen_subject
from kyb.screening.subjects import Check, Screening, SubjectHit, screen_sections, subjects_of
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
    "Screened",
    "Screening",
    "ScreeningIndex",
    "ScreeningList",
    "Sections",
    "SettlementAccount",
    "Subject",
    "SubjectHit",
    "UnknownCurrency",
    "UnknownTier",
    "alias_form",
    "assess",
    "build_index",
    "default_policy",
    "field_problems",
    "is_alias",
    "load_policy",
    "load_un_list",
    "may_be_chosen",
    "name_score",
    "normalise",
    "requirements",
    "screen",
    "screen_sections",
    "screen_subject",
    "subjects_of",
]
