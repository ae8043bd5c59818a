"""States of applications: which moves are allowed, and what each state permits.

Callers ask application_may, never compare states; move_application is the one place where a state changes.
"""

from enum import StrEnum

from merchant.core import errors
from merchant.registry.applications.models import Application


class ApplicationState(StrEnum):
    """States of an application."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    IN_REVIEW = "in_review"
    RETURNED = "returned"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


class Capability(StrEnum):
    """What an application's state may permit."""

    EDIT = "edit"
    SUBMIT = "submit"
    BEGIN_VERSION = "begin_version"  # the next edit begins the next version
    SCREEN = "screen"
    SCREEN_AGAIN = "screen_again"
    DECIDE = "decide"
    WITHDRAW = "withdraw"


_A, _C = ApplicationState, Capability

APPLICATION_MOVES: dict[ApplicationState, frozenset[ApplicationState]] = {
    _A.DRAFT: frozenset({_A.SUBMITTED, _A.WITHDRAWN, _A.EXPIRED}),
    _A.SUBMITTED: frozenset({_A.IN_REVIEW, _A.WITHDRAWN}),
    _A.IN_REVIEW: frozenset({_A.APPROVED, _A.REJECTED, _A.RETURNED, _A.WITHDRAWN}),
    _A.RETURNED: frozenset({_A.DRAFT, _A.SUBMITTED, _A.WITHDRAWN, _A.EXPIRED}),
    _A.APPROVED: frozenset(),
    _A.REJECTED: frozenset(),
    _A.WITHDRAWN: frozenset(),
    _A.EXPIRED: frozenset(),
}


APPLICATION_CAPABILITIES: dict[ApplicationState, frozenset[Capability]] = {
    _A.DRAFT: frozenset({_C.EDIT, _C.SUBMIT, _C.WITHDRAW}),
    _A.SUBMITTED: frozenset({_C.SCREEN, _C.WITHDRAW}),
    _A.IN_REVIEW: frozenset({_C.DECIDE, _C.SCREEN_AGAIN, _C.WITHDRAW}),
    _A.RETURNED: frozenset({_C.EDIT, _C.BEGIN_VERSION, _C.WITHDRAW}),
    _A.APPROVED: frozenset(),
    _A.REJECTED: frozenset(),
    _A.WITHDRAWN: frozenset(),
    _A.EXPIRED: frozenset(),
}


def application_may(state: str, capability: Capability) -> bool:
    """Whether an application in this state permits something."""
    return capability in APPLICATION_CAPABILITIES[ApplicationState(state)]


def move_application(application: Application, target: ApplicationState) -> None:
    """Change the state of a locked application. Raises WrongState for a move the table lacks."""
    if target not in APPLICATION_MOVES[ApplicationState(application.state)]:
        raise errors.WrongState(f"An application that is {application.state} cannot become {target}.")
    application.state = target
    application.revision += 1
