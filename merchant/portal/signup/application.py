"""One's own application: where it stands in words, what is missing, what came back; once approved, the shop."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

import kyb
from merchant.channels import qr as qr_api
from merchant.compliance.cases.states import ApplicationState, Capability, application_may
from merchant.core import texts
from merchant.core.access import Permission as P
from merchant.core.texts import _
from merchant.people.registration import application_routes as api
from merchant.people.registration.schemas import MyApplicationView, StepView
from merchant.portal.signup import register, steps
from merchant.portal.signup.steps import PHOTOS, STEPS, StepDone
from merchant.portal.ui.acts import Act, Subject, act_screens
from merchant.portal.ui.fields import Field
from merchant.portal.ui.layout import Kind
from merchant.portal.ui.pages import Page
from merchant.portal.ui.screen import View, screen
from merchant.registry.codes import payload as codes
from merchant.registry.merchants import routes as merchants
from merchant.registry.merchants.states import Capability as May
from merchant.registry.merchants.states import merchant_may
from qr.render import render_svg

APPLICANT = frozenset({Kind.APPLICANT})
HOME = "/my-application"
_OVERVIEW, _APPROVED = f"{__package__}/application.html", f"{__package__}/approved.html"
_A = ApplicationState


class Line(Struct, frozen=True):
    """A page of the application in the list of all: how it stands."""

    name: str
    label: str
    icon: str
    done: StepDone


class Back(Struct, frozen=True):
    """What the bank gave back: why, and the page that mends it."""

    reason: str
    page: str
    label: str
    resolved: bool


class Desk(Struct, frozen=True):
    """An application as its pages need it."""

    application: MyApplicationView
    revision: int | None
    needs: kyb.Requirements
    lines: Sequence[Line]
    returned: Sequence[Back]

    @property
    def writable(self) -> bool:
        """Whether the applicant may write it: until it is handed in, and when it came back."""
        return application_may(self.application.state, Capability.EDIT) and self.application.handed_in_at is None

    @property
    def missing(self) -> Sequence[Line]:
        """The pages that still need something."""
        return [one for one in self.lines if one.done in ("todo", "problem")]

    @property
    def next_page(self) -> str:
        """Where one goes on: the first page that needs something, else the review."""
        return f"{HOME}/{self.missing[0].name}" if self.missing else f"{HOME}/review"


async def desk_of(view: View) -> Desk:
    """The application of who looks, with what is missing."""
    told = await view.ask(api.read_my_application)
    application: MyApplicationView = told.view
    needs: kyb.Requirements = (await view.ask(api.read_my_requirements)).view
    returned = [
        Back(one.reason, f"{HOME}/{name}", _label(name), one.resolved)
        for one in application.returned_items or ()
        for name in [steps.step_of(one.path)]
    ]
    open_items = {one.page.rpartition("/")[2] for one in returned if not one.resolved}
    return Desk(application, told.revision, needs, _lines(application, needs, open_items), returned)


def _lines(application: MyApplicationView, needs: kyb.Requirements, returned: set[str]) -> list[Line]:
    missing = {steps.step_of(one.path) for one in (*needs.currently_due, *needs.errors)}
    found = []
    for one in STEPS:
        begun = steps.started(one, application)
        if one.name in returned:
            done: StepDone = "problem"
        elif one.name in missing or (not begun and not one.is_free):
            done = "todo"
        else:
            done = "done" if begun else "free"
        found.append(Line(one.name, one.label, one.icon, done))
    photos: StepDone = "problem" if PHOTOS in returned else "free"
    return [*found, Line(PHOTOS, _label(PHOTOS), "camera", photos)]


def _label(name: str) -> str:
    return _("Photos") if name == PHOTOS else steps.BY_NAME[name].label


@screen("GET", HOME, permission=P.OWN_APPLICATION_WRITE, kinds=APPLICANT | {Kind.SHOP})
async def overview(view: View) -> Page:
    """Where it stands, and what to do now; of an approved one the number and the code."""
    if view.kind is Kind.SHOP:
        return await _approved(view)
    desk = await desk_of(view)
    return view.page(
        _OVERVIEW,
        desk=desk,
        application=desk.application,
        stepper=_stepper(view, desk.application),
        what=_next_in_words(desk.application),
    )


def _stepper(view: View, application: MyApplicationView) -> list[tuple[Any, str, Any]]:
    name = application.dfsp.name
    labels = {
        "details": _("You write your details"),
        "bank": _("{name} completes them", name=name),
        "review": _("A second person checks"),
        "decision": _("You have the decision"),
    }
    say = view.spoken.say
    return [(say(labels[one.name]), one.state, _note(view, application, one)) for one in application.steps]


def _note(view: View, application: MyApplicationView, step: StepView) -> Any:
    """A sentence below a step, where there is one to say."""
    ends = {_A.REJECTED: _("Not accepted"), _A.WITHDRAWN: _("You took it back"), _A.EXPIRED: _("Too old")}
    told = {
        ("details", "problem"): _("Something came back to you."),
        ("bank", "current"): _("They may call you, or ask to see your document."),
        ("review", "current"): _("They look at what you sent. You hear as soon as they have decided."),
        ("decision", "problem"): ends.get(application.state, ""),
    }.get((step.name, step.state), "")
    return view.spoken.say(told) if told else ""


def _next_in_words(application: MyApplicationView) -> str:
    """What happens next, in one sentence."""
    name = application.dfsp.name
    has = _("{name} has your application and completes it. You need do nothing now.", name=name)
    told = {
        _A.DRAFT: has if application.handed_in_at is not None else "",
        _A.SUBMITTED: _("A second person at {name} checks it. You need do nothing now.", name=name),
        _A.IN_REVIEW: _("A second person at {name} checks it. You need do nothing now.", name=name),
        _A.RETURNED: _("{name} gave it back to you. Mend what stands below, then hand it in again.", name=name),
    }
    return told.get(application.state, "")


async def _approved(view: View) -> Page:
    """The number and the code of the owner's first counter."""
    told = await view.ask(merchants.read_merchant, path={"merchant_id": view.actor.merchant_id})
    shop = told.view
    counter = shop.counters[0] if shop.counters else None
    code = dial = None
    if counter is not None and merchant_may(shop.state, May.SHOW_CODES):
        drawn = await view.ask(qr_api.read_counter_qr, path={"counter_id": counter.id}, query={"format": "payload"})
        title = texts.translate(_("QR code to pay"), view.spoken.language)
        code = render_svg(bytes(drawn.view.content).decode(), title=title)
        dial = codes.dial_string(view.scheme.ussd_code, counter.alias)
    return view.page(_APPROVED, shop=shop, counter=counter, code=code, dial=dial)


# --- acts ------------------------------------------------------------------------------------------------------------


async def _dfsp(view: View, _given: dict[str, Any]) -> Subject:
    told = await view.ask(api.read_my_application)
    return Subject(told.view.dfsp.name)


async def _other_dfsps(view: View, _given: dict[str, Any]) -> Subject:
    told = await view.ask(api.read_my_application)
    at = told.view.dfsp
    choices = [(str(one.id), one.name) for one in await register.dfsps(view.request)]
    field = Field("dfsp_id", _("Who shall keep your money?"), "radios", required=True, choices=choices)
    return Subject(at.name, start={"dfsp_id": str(at.id)}, fields=(field,))


_ACTS = (
    Act(
        path=f"{HOME}/hand-in",
        handler=api.hand_in_my_application,
        title=_("Hand in your application"),
        effect=_(
            "{name} reads it, may call you, and a second person decides. You cannot change it meanwhile, unless it"
            " comes back to you. We send you a message when there is news."
        ),
        button=_("Hand it in"),
        to=HOME,
        done=_("It is handed in. {name} has it now."),
        permission=P.OWN_APPLICATION_WRITE,
        kinds=APPLICANT,
        subject=_dfsp,
    ),
    Act(
        path=f"{HOME}/withdraw",
        handler=api.withdraw_my_application,
        title=_("Take your application back"),
        effect=_("Nobody decides on it any more, and you get no number. You can begin a new one later."),
        button=_("Take it back"),
        to=HOME,
        done=_("Your application is taken back."),
        permission=P.OWN_APPLICATION_WRITE,
        kinds=APPLICANT,
        tone="bad",
    ),
    Act(
        path=f"{HOME}/dfsp",
        handler=api.choose_my_dfsp,
        title=_("Another bank"),
        effect=_("Now it is {name}. Your answers go with you; {name} does not see them."),
        button=_("Change it"),
        to=HOME,
        done=_("Your application is with another bank now."),
        permission=P.OWN_APPLICATION_WRITE,
        kinds=APPLICANT,
        subject=_other_dfsps,
    ),
)

ROUTES = [overview, *(one for act in _ACTS for one in act_screens(act))]
