"""Know Your Business: pure decisions about merchants; no database, network, clock or environment.

Reading order: applicant (the answers) → normal and fields (the form of an answer, with
shown_names and identity_numbers) → policy (tiers and limits) → case,
gaps and requirements (what was verified, what is missing) → screening (sanctions lists) → report (all of it). Beside
them: ownership and bods (who owns the business), mcc_classes, risk_weights and risk, lei.
"""

from kyb.aliases import ALIAS_PATTERN, alias_form, is_alias, may_be_chosen
from kyb.answer_paths import NoSuchAnswer, answer_at
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
from kyb.attributes import ATTRIBUTES, BOUND_METHODS, facts_of, facts_text, merchant_phone, subjects
from kyb.bods import BadBods, bods_statements, sections_from_bods
from kyb.case import Case, Outcome, ScreeningOutcome, Standing, Verification
from kyb.fields import field_problems
from kyb.identity_numbers import identity_form, number_doubt, number_doubts, number_form
from kyb.lei import BadGoldenCopy, LeiRecord, Verdict, judge_lei, name_likeness, read_api_record, read_golden_copy
from kyb.lists.change import Change, changed_entries, difference
from kyb.lists.entry import BadList, Identifier, ListedName, ListEntry, ScreeningList
from kyb.lists.un import load_un_list
from kyb.lookups import lookups
from kyb.mcc_classes import MccClass, UnknownMccSet, activities_named, mcc_among, mcc_class, mcc_set
from kyb.normal import normalise
from kyb.ownership import BeneficialOwner, Ownership, OwnershipGap, beneficial_owners
from kyb.policy.check import no_more
from kyb.policy.durations import Span, span
from kyb.policy.model import (
    DIRECTIONS,
    LAYERS,
    METHODS,
    Limits,
    Policy,
    PolicyError,
    Tier,
    UnknownCurrency,
    UnknownTier,
)
from kyb.policy.retention import kept_days
from kyb.policy.text import default_policy, layer_faults, load_layers, load_policy, preset, presets
from kyb.problem import Fault, Problem
from kyb.report import Reason, Report, assess
from kyb.requirements import Alternative, Requirement, Requirements, Unlocks, confirmable, requirements
from kyb.risk import (
    Contribution,
    Floor,
    Override,
    Risk,
    RiskFacts,
    Stop,
    assess_risk,
    effective_band,
    override_fault,
    shadow_weights,
)
from kyb.risk_weights import BANDS, Band, RiskWeights, WeightsError, default_weights, load_weights
from kyb.screening.compare import Piece, name_score
from kyb.screening.index import ListVersion, ScreeningIndex, build_index
from kyb.screening.match import Hit, Screened, Subject, screen, screen_subject
from kyb.screening.subjects import Check, Screening, SubjectHit, screen_sections, subjects_of
from kyb.shown_names import (
    ProtectedHit,
    alike,
    default_protected_names,
    is_protected,
    legibility_problem,
    names_shown,
    ussd_name_of,
)

__version__ = "0.1.0"

__all__ = [
    "ALIAS_PATTERN",
    "ATTRIBUTES",
    "BANDS",
    "BOUND_METHODS",
    "DIRECTIONS",
    "LAYERS",
    "METHODS",
    "Alternative",
    "AnyText",
    "BadBods",
    "BadGoldenCopy",
    "BadList",
    "Band",
    "BeneficialOwner",
    "Business",
    "Case",
    "Change",
    "Check",
    "Contact",
    "Contribution",
    "Counter",
    "Fault",
    "Floor",
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
    "NoSuchAnswer",
    "Outcome",
    "Override",
    "Owner",
    "Owners",
    "Ownership",
    "OwnershipGap",
    "Piece",
    "Policy",
    "PolicyError",
    "Problem",
    "ProtectedHit",
    "Reason",
    "Report",
    "Requirement",
    "Requirements",
    "Risk",
    "RiskFacts",
    "RiskWeights",
    "Screened",
    "Screening",
    "ScreeningIndex",
    "ScreeningList",
    "ScreeningOutcome",
    "Sections",
    "SettlementAccount",
    "Span",
    "Standing",
    "Stop",
    "Subject",
    "SubjectHit",
    "Tier",
    "UnknownCurrency",
    "UnknownMccSet",
    "UnknownTier",
    "Unlocks",
    "Verdict",
    "Verification",
    "WeightsError",
    "activities_named",
    "alias_form",
    "alike",
    "answer_at",
    "assess",
    "assess_risk",
    "beneficial_owners",
    "bods_statements",
    "build_index",
    "changed_entries",
    "confirmable",
    "default_policy",
    "default_protected_names",
    "default_weights",
    "difference",
    "effective_band",
    "facts_of",
    "facts_text",
    "field_problems",
    "identity_form",
    "is_alias",
    "is_protected",
    "judge_lei",
    "kept_days",
    "layer_faults",
    "legibility_problem",
    "load_layers",
    "load_policy",
    "load_un_list",
    "load_weights",
    "lookups",
    "may_be_chosen",
    "mcc_among",
    "mcc_class",
    "mcc_set",
    "merchant_phone",
    "name_likeness",
    "name_score",
    "names_shown",
    "no_more",
    "normalise",
    "number_doubt",
    "number_doubts",
    "number_form",
    "override_fault",
    "preset",
    "presets",
    "read_api_record",
    "read_golden_copy",
    "requirements",
    "screen",
    "screen_sections",
    "screen_subject",
    "sections_from_bods",
    "shadow_weights",
    "span",
    "subjects",
    "subjects_of",
    "ussd_name_of",
]
