"""Where an application stands, in steps that an applicant understands: what is done, what goes on, what is still to do.

Pure: a table by state, read once.
"""

from datetime import datetime
from typing import Literal

from msgspec import Struct

from merchant.compliance.cases.models import Application
from merchant.compliance.cases.states import ApplicationState

StepState = Literal["done", "current", "todo", "problem"]
StepName = Literal["details", "bank", "review", "decision"]
NAMES: tuple[StepName, ...] = ("details", "bank", "review", "decision")

_A = ApplicationState
# Of each state, how far it has come, and how that step stands: those before are done, those after are to do.
_REACHED: dict[ApplicationState, tuple[StepName, StepState]] = {
    _A.DRAFT: ("details", "current"),
    _A.SUBMITTED: ("review", "current"),
    _A.IN_REVIEW: ("review", "current"),
    _A.RETURNED: ("details", "problem"),
    _A.APPROVED: ("decision", "done"),
    _A.REJECTED: ("decision", "problem"),
    _A.WITHDRAWN: ("decision", "problem"),
    _A.EXPIRED: ("decision", "problem"),
}


class Step(Struct, frozen=True):
    """A step, how it stands, and since when where that is known."""

    name: StepName
    state: StepState
    at: datetime | None


def steps_of(application: Application) -> list[Step]:
    """The steps of an application, in their order."""
    reached, state = _REACHED[ApplicationState(application.state)]
    if reached == "details" and application.handed_in_at is not None:
        reached, state = "bank", "current"
    elif reached == "details" and application.version > 1:
        state = "problem"  # given back, and begun anew
    place = NAMES.index(reached)
    times = {
        "details": application.handed_in_at or (application.submitted_at if place > 0 else None),
        "bank": application.submitted_at if place > 1 else None,
        "review": application.updated_at if reached == "decision" else None,
        "decision": application.updated_at if reached == "decision" else None,
    }
    return [
        Step(name, state if at == place else "done" if at < place else "todo", times[name])
        for at, name in enumerate(NAMES)
    ]
