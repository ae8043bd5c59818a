"""kyb.assess: one applicant checked against the policy and the sanctions lists; the result is a Report.

The last step of the flow: fields, tiers and screening meet here. The report says what was checked, what came
of it and why, in codes and words, with the versions of everything it used. The same input gives the same bytes.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Final, Literal

from msgspec import Struct

from kyb.applicant import Applicant
from kyb.fields import Problem, field_problems
from kyb.policy import Policy
from kyb.screening.index import ListVersion, ScreeningIndex
from kyb.screening.subjects import (
    CLEAR,
    FAILED,
    NOT_CHECKED,
    PASSED,
    REVIEW,
    Check,
    ScreeningOutcome,
    SubjectHit,
    screen_sections,
)
from kyb.tiers import Requirements, requirements

INCOMPLETE: Final = "incomplete"


class Reason(Struct, frozen=True):
    """Why the outcome is not clear."""

    code: str
    message: str


class Report(Struct, frozen=True):
    """What kyb.assess found.

    outcome is clear (all checked, nothing found), review (a person must judge the hits), not_checked
    (screening could not run) or incomplete (answers or proof are missing or malformed). tier is the highest
    one the answers reach, None when they reach none.
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


def assess(applicant: Applicant, policy: Policy, lists: ScreeningIndex | None, now: datetime) -> Report:
    """Assess an applicant: form and completeness of the answers, tier, likeness to listed names.

    lists None or without entries means that screening could not run: the outcome is then never clear.
    Pass normalised sections. Reserved aliases are not checked here: the caller names them to field_problems on save.
    The report repeats names, never identity numbers, birth dates or phones.
    """
    problems = field_problems(applicant.sections, now)
    needs = requirements(applicant, policy)
    tier = None if problems else needs.tier_reachable
    screened = screen_sections(applicant.sections, lists)
    screening = screened.outcome
    return Report(
        outcome=INCOMPLETE if screening == CLEAR and tier is None else screening,
        screening=screening,
        tier=tier,
        checks=(*_field_checks(problems), *_evidence_checks(applicant), *screened.checks),
        hits=screened.hits,
        requirements=needs,
        reasons=tuple(_reasons(screening, problems, needs)),
        policy_version=policy.policy_version,
        list_versions=screened.list_versions,
        assessed_at=now,
    )


def _field_checks(problems: tuple[Problem, ...]) -> Iterator[Check]:
    for problem in problems:
        yield Check(problem.code, FAILED, problem.message, problem.path)
    if not problems:
        yield Check("fields", PASSED, "All answers given have the right form.", "")


# Evidence: fact, code of its check, the sentence when it is there.
_EVIDENCE = (
    ("phone_verified", "phone", "The contact's phone was verified."),
    ("identity_verified", "identity", "The owners' identities were verified."),
    ("licence_verified", "licence", "The licence was verified."),
)


def _evidence_checks(applicant: Applicant) -> Iterator[Check]:
    for fact, code, verified in _EVIDENCE:
        if getattr(applicant.evidence, fact):
            yield Check(code, PASSED, verified, f"evidence.{fact}")
        else:
            yield Check(code, NOT_CHECKED, "Not verified.", f"evidence.{fact}")
    if applicant.sections.business.lei is not None:  # its check digits are a field rule, see kyb.fields
        message = "The LEI was not looked up in the register of legal entities."
        yield Check("lei_active", NOT_CHECKED, message, "business.lei")


def _reasons(screening: ScreeningOutcome, problems: tuple[Problem, ...], needs: Requirements) -> Iterator[Reason]:
    if screening == REVIEW:
        yield Reason("potential_match", "A name is like a listed one: compare the two and decide.")
    if screening == NOT_CHECKED:
        yield Reason("screening_not_checked", "Names could not be screened against a sanctions list.")
    if problems:
        yield Reason("field_problems", f"{len(problems)} answers have the wrong form.")
    if needs.tier_reachable is None:
        yield Reason("no_tier_reachable", f"{len(needs.currently_due)} requirements are missing.")
