"""Applications: found and listed, the page of one, and what its makers do with it besides writing."""

from collections.abc import Sequence
from typing import Any

from merchant.compliance.cases import case_routes
from merchant.compliance.cases import routes as api
from merchant.compliance.cases.schemas import ApplicationSummary, ApplicationView
from merchant.compliance.cases.states import ApplicationState, Capability, application_may, may_become
from merchant.core import money
from merchant.core.access import Permission as P
from merchant.core.paging import BY_AGE
from merchant.core.texts import _
from merchant.portal.staff import choices
from merchant.portal.staff.documents import documents_of, subject_name
from merchant.portal.staff.showing import Step, read_back, steps_of
from merchant.portal.staff.writing import Desk, gaps_of, read
from merchant.portal.ui import screen as screens
from merchant.portal.ui.acts import ONCE
from merchant.portal.ui.fields import Field, collect
from merchant.portal.ui.layout import Kind
from merchant.portal.ui.lists import Button, Column, Empty, Listing, instant, name_of, show_list, state
from merchant.portal.ui.pages import Page
from merchant.portal.ui.screen import STAFF, View, screen
from merchant.portal.ui.words import WORDS, word
from merchant.registry.merchants.routes import TIERS

_PAGE, _NEW_PAGE = f"{__package__}/application.html", f"{__package__}/new_application.html"
DFSP = frozenset({Kind.DFSP})
_STATES = [(one.value, WORDS["application"][one.value].text) for one in ApplicationState]
_HANDED_IN = [("true", _("Yes")), ("false", _("No"))]


def _category(_view: View, row: ApplicationSummary) -> str:
    return choices.category_name(row.mcc) or row.mcc or "–"


def found_by(view: View) -> list[Field]:
    """The filters that applications and cases have in common."""
    return [
        Field("handed_in", _("Handed in by the merchant"), "choice", choices=_HANDED_IN),
        Field("made_by", _("Who wrote it"), "choice", choices=[(str(view.actor.id), _("I did"))]),
        Field("tier", _("Tier"), "choice", choices=[(one, one) for one in TIERS]),
        Field("risk", _("Risk"), "choice", choices=choices.RISKS),
        Field("from", _("Opened from"), "date"),
        Field("to", _("Opened until"), "date"),
    ]


def _listing(view: View) -> Listing:
    filters = [
        Field("q", _("Name"), hint=_("Any words, in any order")),
        Field("state", _("State"), "choice", choices=_STATES),
        *found_by(view),
        Field("external_ref", _("Your own reference")),
    ]
    return Listing(
        title=_("Applications"),
        handler=api.list_applications,
        href=lambda row: f"/applications/{row.id}",
        columns=(
            Column(_("Name"), _title, main=True),
            Column(_("State"), state("application")),
            Column(_("What it sells"), _category),
            Column(_("Registered name"), name_of("legal_name")),
            Column(_("Opened"), instant("created_at"), sorts=BY_AGE),
            Column(_("Last change"), instant("updated_at")),
        ),
        filters=filters,
        buttons=(
            Button("/applications/new", _("New application"), permission=P.APPLICATIONS_WRITE),
            Button("/cases", _("Cases of merchants"), "store", plain=True),
            Button("/imports", _("Import a file"), "upload", permission=P.APPLICATIONS_WRITE, plain=True),
        ),
        empty=Empty(
            _("No applications yet"),
            _("An application asks for a merchant to be taken in. Write one, or import a file of them."),
            Button("/applications/new", _("New application"), permission=P.APPLICATIONS_WRITE),
        ),
    )


def _title(view: View, row: Any) -> Any:
    return name_of("trading_name")(view, row) if row.trading_name else view.spoken.say(_("Without a name yet"))


@screen("GET", "/applications", permission=P.APPLICATIONS_READ, kinds=STAFF)
async def applications(view: View) -> Page:
    """Applications, newest first."""
    return await show_list(view, _listing(view))


async def application_page(view: View, desk: Desk, template: str = _PAGE, **content: Any) -> Page:
    """An application or a case: where it stands, what it says, what it lacks, and what can be done."""
    told = await read(view, desk)
    case: ApplicationView = told.view
    path = {"application_id": desk.id}
    verifications = (await view.ask(case_routes.list_application_verifications, path=path)).view
    versions = (await view.ask(api.list_versions, path=path)).view
    steps: Sequence[Step] = steps_of(view, case)
    return view.page(
        template,
        desk=desk,
        case=case,
        steps=steps,
        parts=read_back(view, case),
        documents=await documents_of(view, desk),
        verifications=verifications,
        versions=list(reversed(versions)),
        needs=case.requirements,
        missing=gaps_of(desk, case.requirements) if application_may(case.state, Capability.EDIT) else [],
        later=case.requirements.eventually_due,
        subject_name=lambda at: subject_name(case, at),
        deeds=deeds_of(view, desk, case),
        cash=lambda minor, currency: money.display(money.Money(minor, currency), view.spoken.language),
        name=case.business.trading_name or view.spoken.say(_("Without a name yet")),
        place_of=lambda at: word("section", at.partition(".")[0].partition("[")[0]).text,
        **content,
    )


def deeds_of(view: View, desk: Desk, case: ApplicationView) -> list[Button]:
    """What the person may do with it in its state."""
    writes = view.may(P.APPLICATIONS_WRITE) and view.kind == Kind.DFSP
    found = []
    if writes and application_may(case.state, Capability.EDIT):
        found.append(Button(desk.edit, _("Go on writing"), "pencil", plain=not case.requirements.currently_due))
    if writes and application_may(case.state, Capability.SUBMIT):
        found.append(Button(f"{desk.path}/submit", _("Hand in"), "send", plain=bool(case.requirements.currently_due)))
    if view.may(P.APPLICATIONS_DECIDE) and view.kind == Kind.DFSP and case.submitted_at is not None:
        found.append(Button(f"{desk.path}/review", _("Review"), "gavel"))
    if writes and application_may(case.state, Capability.PROVE):
        found.append(Button(f"{desk.path}/phone-code", _("Verify the phone"), "phone", plain=True))
    if writes and application_may(case.state, Capability.EDIT):
        found.append(Button(f"{desk.path}/verify", _("Write down a check"), "badge-check", plain=True))
    if writes and may_become(case.state, ApplicationState.WITHDRAWN):
        found.append(Button(f"{desk.path}/withdraw", _("Withdraw"), "undo-2", plain=True))
    if writes and application_may(case.state, Capability.APPEAL) and case.appealed_at is None:
        found.append(Button(f"{desk.path}/appeal", _("Appeal"), "scale", plain=True))
    if view.may(P.APPLICATIONS_DECIDE) and view.kind == Kind.DFSP:
        found.append(Button(f"{desk.path}/hold", _("Legal hold"), "lock", plain=True))
    return found


# --- a new one -------------------------------------------------------------------------------------------------------

_NEW = (
    Field("business.trading_name", _("Name that shoppers know"), required=True, most=128),
    Field(
        "business.kind",
        _("Kind of business"),
        "choice",
        hint=_("It decides what is asked: little of a person who sells, more of a company."),
        required=True,
        choices=[(one, said.text) for one, said in WORDS["business"].items()],
    ),
)


@screen("GET", "/applications/new", permission=P.APPLICATIONS_WRITE, kinds=DFSP)
async def new_application(view: View) -> Page:
    """Begin an application with what is known first."""
    return view.page(_NEW_PAGE, fields=_NEW)


@screen("POST", "/applications/new", permission=P.APPLICATIONS_WRITE, kinds=DFSP)
async def open_application(view: View) -> Page:
    """Open it, and go on to what is to write."""
    body = collect(view.form, _NEW)
    currencies = view.scheme.currencies[:1] if len(view.scheme.currencies) == 1 else ()
    if currencies:
        body.setdefault("business", {})["currencies"] = list(currencies)
    return await view.act(
        api.open_application,
        body=body,
        key=view.form.get(ONCE),
        to=lambda opened: f"/applications/{opened.id}/edit",
        again=lambda: screens.show(new_application, view),
    )


ROUTES = [applications, new_application, open_application]
