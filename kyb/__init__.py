"""Know Your Business: pure decisions about merchants; no database, network, clock or environment.

Reading order: applicant (the answers) → normal and fields (the form of an answer) → policy (tiers and limits) → case,
gaps and requirements (what was verified, what is missing) → screening (sanctions lists) → report (all of it).
"""

from kyb.aliases import ALIAS_PATTERN, alias_form, is_alias, may_be_chosen
from kyb.applicant import (
    AnyText,
    Business,
    Contact,
    Counter,
    Location,
    Locations,
    Owner,
    Owners,
    Sections,
    SettlementAccount,
)
from kyb.attributes import ATTRIBUTES, facts_text, merchant_phone, subjects
from kyb.case import Case, Outcome, ScreeningOutcome, Standing, Verification
from kyb.fields import Problem, field_problems
from kyb.lists.entry import BadList, Identifier, ListedName, ListEntry, ScreeningList
from kyb.lists.un import load_un_list
from kyb.normal import normalise
from kyb.policy.check import no_more
from kyb.policy.durations import Span, span
from kyb.policy.model import DIRECTIONS, LAYERS, Limits, Policy, PolicyError, Tier, UnknownCurrency, UnknownTier
from kyb.policy.text import default_policy, layer_faults, load_layers, load_policy, preset, presets
from kyb.report import Check, Reason, Report, SubjectHit, assess
from kyb.requirements import Alternative, Requirement, Requirements, Unlocks, confirmable, requirements
from kyb.screening.index import ListVersion, ScreeningIndex, build_index
from kyb.screening.match import Hit, Piece, screen

__all__ = [
    "ALIAS_PATTERN",
    "ATTRIBUTES",
    "DIRECTIONS",
    "LAYERS",
    "Alternative",
    "AnyText",
    "BadList",
    "Business",
    "Case",
    "Check",
    "Contact",
    "Counter",
    "Hit",
    "Identifier",
    "Limits",
    "ListEntry",
    "ListVersion",
    "ListedName",
    "Location",
    "Locations",
    "Outcome",
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
    "ScreeningOutcome",
    "Sections",
    "SettlementAccount",
    "Span",
    "Standing",
    "SubjectHit",
    "Tier",
    "UnknownCurrency",
    "UnknownTier",
    "Unlocks",
    "Verification",
    "alias_form",
    "assess",
    "build_index",
    "confirmable",
    "default_policy",
    "facts_text",
    "field_problems",
    "is_alias",
    "layer_faults",
    "load_layers",
    "load_policy",
    "load_un_list",
    "may_be_chosen",
    "merchant_phone",
    "no_more",
    "normalise",
    "preset",
    "presets",
    "requirements",
    "screen",
    "span",
    "subjects",
]
