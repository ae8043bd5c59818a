"""kyb.assess: one case checked against the policy and the sanctions lists; the result is a Report.

The last step of the flow: fields, tiers and screening meet here. The report says what was checked, what came
of it and why, in codes and words, with the versions of everything it used. The same input gives the same bytes.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Final, Literal

import msgspec
from msgspec import Struct

from kyb.case import Case
from kyb.fields import field_problems
from kyb.policy.model import Policy
from kyb.problem import Problem
from kyb.requirements import Requirements, requirements
from kyb.screening.index import ListVersion, ScreeningIndex
from kyb.screening.subjects import (
    CLEAR,
    FAILED,
    NOT_CHECKED,
    PASSED,
    REVIEW,
    Check,
    CheckOutcome,
    ScreeningOutcome,
    SubjectHit,
    screen_sections,
)

INCOMPLETE: Final = "incomplete"


class Reason(Struct, frozen=True):
    """Why the outcome is not clear."""

    code: str
    message: str


class Report(Struct, frozen=True):
    """What kyb.assess found.

    outcome is clear (all checked, nothing found), review (a person must judge the hits), not_checked
    (screening could not run) or incomplete (answers or proof are missing or malformed). tier is the highest
    one that an approval would give once nothing is open in the screening, None when none is reached.
    """

    outcome: ScreeningOutcome | Literal["incomplete"]
    screening: ScreeningOutcome
    tier: str | None
    checks: tuple[Check, ...]
    hits: tuple[SubjectHit, ...]
    requirements: Requirements
    reasons: tuple[Reason, ...]
    policy_version: str
    list_versions: tuple[ListVersion, ...]
    assessed_at: datetime


def assess(
    case: Case, policy: Policy, lists: ScreeningIndex | None, now: datetime, target_tier: str | None = None
) -> Report:
    """Assess a case: form and completeness of the answers, tier, likeness to listed names.

    lists None or without entries means that screening could not run: the outcome is then never clear. now is in the
    jurisdiction's time zone. Pass normalised sections. Reserved aliases are not checked here: the caller names them to
    field_problems on save. The report repeats names, never identity numbers, birth dates or phones.
    """
    problems = field_problems(case.sections, now)
    screened = screen_sections(case.sections, lists)
    screening = screened.outcome
    needs = requirements(_screened_as(case, screening), policy, target_tier, now)
    cleared = needs if screening == CLEAR else requirements(_screened_as(case, CLEAR), policy, target_tier, now)
    tier = None if problems else cleared.tier_reachable
    return Report(
        outcome=INCOMPLETE if screening == CLEAR and tier is None else screening,
        screening=screening,
        tier=tier,
        checks=(*_field_checks(problems), *_verification_checks(case), *screened.checks),
        hits=screened.hits,
        requirements=needs,
        reasons=tuple(_reasons(screening, problems, tier, needs)),
        policy_version=policy.policy_version,
        list_versions=screened.list_versions,
        assessed_at=now,
    )


def _screened_as(case: Case, screening: ScreeningOutcome) -> Case:
    return msgspec.structs.replace(case, screening=screening)


def _field_checks(problems: tuple[Problem, ...]) -> Iterator[Check]:
    for problem in problems:
        yield Check(problem.code, FAILED, problem.message, problem.path)
    if not problems:
        yield Check("fields", PASSED, "All answers given have the right form.", "")


_FOUND: dict[str, tuple[CheckOutcome, str]] = {
    "verified": (PASSED, "This was verified."),
    "waived": (PASSED, "Waived, with two approvals."),
    "rejected": (FAILED, "Looked at and refused."),
    "inconclusive": (NOT_CHECKED, "Looked at without a result."),
    "unavailable": (NOT_CHECKED, "Could not be looked up yet."),
}


def _verification_checks(case: Case) -> Iterator[Check]:
    for (attribute, subject), found in sorted(case.verified.items()):
        outcome, message = _FOUND[found.outcome]
        yield Check(attribute, outcome, message, subject)
    if case.sections.business.lei is not None and ("lei", "business") not in case.verified:
        message = "The LEI was not looked up in the register of legal entities."  # its check digits: kyb.fields
        yield Check("lei", NOT_CHECKED, message, "business.lei")


def _reasons(
    screening: ScreeningOutcome, problems: tuple[Problem, ...], tier: str | None, needs: Requirements
) -> Iterator[Reason]:
    if screening == REVIEW:
        yield Reason("potential_match", "A name is like a listed one: compare the two and decide.")
    if screening == NOT_CHECKED:
        yield Reason("screening_not_checked", "Names could not be screened against a sanctions list.")
    if problems:
        yield Reason("field_problems", f"{len(problems)} answers have the wrong form.")
    if tier is None and not problems:
        yield Reason("no_tier_reachable", f"{len(needs.currently_due)} requirements are missing.")
