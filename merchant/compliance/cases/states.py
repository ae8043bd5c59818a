"""States of applications: which moves are allowed, and what each state permits.

Callers ask application_may, never compare states, and change a state by move_application. Each move here is made by
an operation, and no operation makes another (tests/merchant/compliance/test_states.py).
"""

from enum import StrEnum

from merchant.compliance.cases.models import Application
from merchant.core import clock, errors
from merchant.core.texts import _


class ApplicationState(StrEnum):
    """States of an application."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    IN_REVIEW = "in_review"
    RETURNED = "returned"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"  # nobody went on with it (expiry.py)


class Capability(StrEnum):
    """What an application's state may permit."""

    EDIT = "edit"
    PROVE = "prove"  # takes what a service found about its answers
    SUBMIT = "submit"
    BEGIN_VERSION = "begin_version"  # the next edit begins the next version
    EXPIRE = "expire"
    SCREEN = "screen"
    SCREEN_AGAIN = "screen_again"
    DECIDE = "decide"
    DECIDE_HIT = "decide_hit"
    APPEAL = "appeal"


_A, _C = ApplicationState, Capability

APPLICATION_MOVES: dict[ApplicationState, frozenset[ApplicationState]] = {
    _A.DRAFT: frozenset({_A.SUBMITTED, _A.WITHDRAWN, _A.EXPIRED}),
    _A.SUBMITTED: frozenset({_A.IN_REVIEW, _A.WITHDRAWN}),
    _A.IN_REVIEW: frozenset({_A.APPROVED, _A.REJECTED, _A.RETURNED, _A.WITHDRAWN}),
    _A.RETURNED: frozenset({_A.DRAFT, _A.WITHDRAWN, _A.EXPIRED}),
    _A.APPROVED: frozenset(),
    _A.REJECTED: frozenset({_A.SUBMITTED}),  # by an appeal, once; one that ends undecided leads back (end_undecided)
    _A.WITHDRAWN: frozenset(),
    _A.EXPIRED: frozenset(),
}


APPLICATION_CAPABILITIES: dict[ApplicationState, frozenset[Capability]] = {
    _A.DRAFT: frozenset({_C.EDIT, _C.PROVE, _C.SUBMIT, _C.EXPIRE}),
    _A.SUBMITTED: frozenset({_C.SCREEN, _C.PROVE}),
    _A.IN_REVIEW: frozenset({_C.DECIDE, _C.DECIDE_HIT, _C.PROVE, _C.SCREEN_AGAIN}),
    _A.RETURNED: frozenset({_C.EDIT, _C.PROVE, _C.BEGIN_VERSION, _C.EXPIRE}),
    _A.APPROVED: frozenset(),
    _A.REJECTED: frozenset({_C.APPEAL}),
    _A.WITHDRAWN: frozenset(),
    _A.EXPIRED: frozenset(),
}


# Each names the clock by which what ended so is kept (kyb/policy/retention.py); that of an approved case begins when
# its merchant closes.
ENDS = (_A.APPROVED, _A.REJECTED, _A.WITHDRAWN, _A.EXPIRED)


def end_of(state: str) -> str | None:
    """How a case ended; None while it is open."""
    return state if state in ENDS else None


def made_a_merchant(state: str) -> bool:
    """Whether a case ended with a merchant, or a change to one."""
    return state == _A.APPROVED


def may_apply_again(state: str) -> bool:
    """Whether whoever registered themselves may begin another application: nobody decided on this one."""
    return state in (_A.WITHDRAWN, _A.EXPIRED)


def may_become(state: str, target: ApplicationState) -> bool:
    """Whether the table has a move from this state to that one."""
    return target in APPLICATION_MOVES[ApplicationState(state)]


def application_may(state: str, capability: Capability) -> bool:
    """Whether an application in this state permits something."""
    return capability in APPLICATION_CAPABILITIES[ApplicationState(state)]


def move_application(application: Application, target: ApplicationState) -> None:
    """Change the state of a locked application. Raises WrongState for a move the table lacks."""
    _check_move(application, target)
    _write_state(application, target)


def end_undecided(application: Application, end: ApplicationState) -> None:
    """End a locked case that nobody decided: as withdrawn, or as expired. Raises WrongState for a move the table lacks.

    What was appealed is rejected again, as it was: an appeal that leads nowhere takes nothing of a rejection away.
    """
    _check_move(application, end)
    _write_state(application, ApplicationState.REJECTED if application.appealed_at is not None else end)


def _check_move(application: Application, target: ApplicationState) -> None:
    if not may_become(application.state, target):
        raise errors.WrongState(
            _("An application that is {state} cannot become {target}.", state=application.state, target=target)
        )


def _write_state(application: Application, target: ApplicationState) -> None:
    application.state = target
    application.updated_at = clock.now()
    application.revision += 1
