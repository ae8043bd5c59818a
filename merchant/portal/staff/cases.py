"""Cases of merchants: listed, opened for one, and the page of one with what it changes."""

from typing import Any
from uuid import UUID

from merchant.compliance.cases import case_routes as api
from merchant.compliance.cases import routes as applications_api
from merchant.compliance.cases.case_schemas import CaseSummary
from merchant.compliance.cases.kinds import RULES, CaseKind
from merchant.compliance.cases.schemas import ApplicationView
from merchant.compliance.cases.states import ApplicationState
from merchant.core.access import Permission as P
from merchant.core.paging import BY_AGE
from merchant.core.texts import _
from merchant.people import routes as people
from merchant.portal.review.difference import changes, in_force_before
from merchant.portal.staff.applications import application_page, found_by
from merchant.portal.staff.writing import DFSP, Desk
from merchant.portal.ui import screen as screens
from merchant.portal.ui.acts import ONCE
from merchant.portal.ui.fields import Field, collect
from merchant.portal.ui.lists import Column, Empty, Listing, badge, instant, name_of, said, show_list, state, text
from merchant.portal.ui.pages import Page
from merchant.portal.ui.screen import STAFF, View, screen
from merchant.portal.ui.words import WORDS, word
from merchant.registry.merchants import routes as merchants_api
from merchant.registry.merchants.routes import TIERS
from merchant.registry.merchants.schemas import MerchantView

_CASE_PAGE, _NEW_PAGE = f"{__package__}/case.html", f"{__package__}/new_case.html"
_STATES = [(one.value, WORDS["application"][one.value].text) for one in ApplicationState]
_OPENED = [one for one in CaseKind if one is not CaseKind.ONBOARDING]
_CHOICES = [(one.value, word("case", one.value).text) for one in _OPENED]


def _risk(view: View, row: CaseSummary) -> Any:
    return badge(view, "risk", row.risk)


def _listing(view: View) -> Listing:
    return Listing(
        title=_("Cases"),
        handler=api.list_cases,
        href=lambda row: f"/{'applications' if row.kind is CaseKind.ONBOARDING else 'cases'}/{row.id}",
        crumb=("/applications", _("Applications")),
        columns=(
            Column(_("Name"), name_of("trading_name"), main=True),
            Column(_("Kind"), said("case", "kind")),
            Column(_("State"), state("application")),
            Column(_("Tier"), text("target_tier")),
            Column(_("Risk"), _risk),
            Column(_("Opened"), instant("created_at"), sorts=BY_AGE),
            Column(_("Last change"), instant("updated_at")),
        ),
        filters=(
            Field("q", _("Name"), hint=_("Any words, in any order")),
            Field("kind", _("Kind"), "choice", choices=[(one.value, word("case", one.value).text) for one in CaseKind]),
            Field("state", _("State"), "choice", choices=_STATES),
            *found_by(view),
        ),
        empty=Empty(
            _("No cases yet"),
            _("A case changes something of a merchant, raises its tier or closes it. Open one on the merchant's page."),
        ),
    )


@screen("GET", "/cases", permission=P.APPLICATIONS_READ, kinds=STAFF)
async def cases(view: View) -> Page:
    """Cases of every kind, newest first."""
    return await show_list(view, _listing(view))


# --- one case --------------------------------------------------------------------------------------------------------


@screen("GET", "/cases/{case_id}", permission=P.APPLICATIONS_READ, kinds=STAFF)
async def case(view: View, case_id: UUID) -> Page:
    """A case, with what it changes of the merchant."""
    desk = Desk(case_id, "cases")
    found: ApplicationView = (await view.ask(applications_api.read_application, path={"application_id": case_id})).view
    if found.kind is CaseKind.ONBOARDING:
        return view.go(f"/applications/{case_id}")
    before = await in_force_before(view, found)
    return await application_page(
        view,
        desk,
        _CASE_PAGE,
        list_path="/cases",
        list_name=view.spoken.say(_("Cases")),
        intro=view.spoken.say(word("case", found.kind).text),
        changes=changes(view, before, found) if before is not None else None,
        changes_answers=RULES[found.kind].answers,
    )


# --- a new one -------------------------------------------------------------------------------------------------------


async def _fields(view: View) -> list[Field]:
    dfsps = await view.all_of(people.list_dfsps, most=100) if view.may(P.DFSPS_READ) else []
    others = [(one.fsp_id, one.name) for one in dfsps if one.id != view.actor.dfsp_id]
    return [
        Field("kind", _("What it is about"), "choice", required=True, choices=_CHOICES),
        Field(
            "target_tier",
            _("Tier to reach"),
            "choice",
            hint=_("Of an upgrade and a downgrade."),
            choices=[(one, one) for one in TIERS],
        ),
        Field(
            "to_fsp_id",
            _("DFSP that is to serve the merchant"),
            "choice" if others else "text",
            hint=_("Of a change of DFSP."),
            choices=others,
            most=32,
        ),
        Field("reason", _("Reason"), "area", hint=_("Of a downgrade, a reinstatement and a closure."), most=500),
    ]


@screen("GET", "/merchants/{merchant_id}/cases/new", permission=P.APPLICATIONS_WRITE, kinds=DFSP)
async def new_case(view: View, merchant_id: UUID) -> Page:
    """Say what shall happen with a merchant."""
    merchant: MerchantView = (await view.ask(merchants_api.read_merchant, path={"merchant_id": merchant_id})).view
    return view.page(
        _NEW_PAGE, merchant=merchant, fields=await _fields(view), start={"kind": view.query.get("kind", "")}
    )


@screen("POST", "/merchants/{merchant_id}/cases/new", permission=P.APPLICATIONS_WRITE, kinds=DFSP)
async def open_case(view: View, merchant_id: UUID) -> Page:
    """Open the case, and go on to what is to write, where answers change."""
    body = collect(view.form, await _fields(view))

    def page_of(opened: ApplicationView) -> str:
        here = f"/cases/{opened.id}"
        return f"{here}/edit" if RULES[opened.kind].answers else here

    return await view.act(
        api.open_case,
        path={"merchant_id": merchant_id},
        body=body,
        key=view.form.get(ONCE),
        to=page_of,
        again=lambda: screens.show(new_case, view, merchant_id=merchant_id),
    )


ROUTES = [cases, case, new_case, open_case]
