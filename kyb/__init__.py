"""Know Your Business: pure decisions about merchants; no database, network, clock or environment.

Reading order: applicant (the answers and what was verified) → normal and fields (the form of an answer) → policy and
tiers (requirements and limits) → screening (sanctions lists) → report (all of it, for the person who decides). Beside
them: ownership and bods (who owns the business), mcc_classes, risk_weights and risk, lei.
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
from kyb.bods import BadBods, bods_statements, sections_from_bods
from kyb.fields import Problem, field_problems
from kyb.lei import BadGoldenCopy, LeiRecord, Verdict, judge_lei, name_likeness, read_api_record, read_golden_copy
from kyb.lists.entry import BadList, Identifier, ListedName, ListEntry, ScreeningList
from kyb.lists.un import load_un_list
from kyb.mcc_classes import MccClass, UnknownMccSet, activities_named, mcc_among, mcc_class, mcc_set
from kyb.normal import normalise
from kyb.ownership import BeneficialOwner, Ownership, OwnershipGap, beneficial_owners
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
from kyb.risk import (
    Contribution,
    Override,
    Risk,
    RiskFacts,
    assess_risk,
    effective_band,
    override_fault,
    shadow_weights,
)
from kyb.risk_weights import Band, RiskWeights, WeightsError, default_weights, load_weights
from kyb.screening.index import ListVersion, ScreeningIndex, build_index
from kyb.screening.match import Hit, Piece, screen
from kyb.tiers import Requirement, Requirements, requirements

__all__ = [
    "ALIAS_PATTERN",
    "AnyText",
    "Applicant",
    "BadBods",
    "BadGoldenCopy",
    "BadList",
    "Band",
    "BeneficialOwner",
    "Business",
    "Check",
    "Contact",
    "Contribution",
    "Counter",
    "Evidence",
    "Hit",
    "Identifier",
    "LeiRecord",
    "Limits",
    "ListEntry",
    "ListVersion",
    "ListedName",
    "Location",
    "Locations",
    "MccClass",
    "Override",
    "Owner",
    "Owners",
    "Ownership",
    "OwnershipGap",
    "Piece",
    "Policy",
    "PolicyError",
    "Problem",
    "Reason",
    "Report",
    "Requirement",
    "Requirements",
    "Risk",
    "RiskFacts",
    "RiskWeights",
    "ScreeningIndex",
    "ScreeningList",
    "Sections",
    "SettlementAccount",
    "SubjectHit",
    "UnknownCurrency",
    "UnknownMccSet",
    "UnknownTier",
    "Verdict",
    "WeightsError",
    "activities_named",
    "alias_form",
    "assess",
    "assess_risk",
    "beneficial_owners",
    "bods_statements",
    "build_index",
    "default_policy",
    "default_weights",
    "effective_band",
    "field_problems",
    "is_alias",
    "judge_lei",
    "load_policy",
    "load_un_list",
    "load_weights",
    "may_be_chosen",
    "mcc_among",
    "mcc_class",
    "mcc_set",
    "name_likeness",
    "normalise",
    "override_fault",
    "read_api_record",
    "read_golden_copy",
    "requirements",
    "screen",
    "sections_from_bods",
    "shadow_weights",
]
