"""What people do with an application or a case besides writing it: hand it in, take it back, appeal, prove, hold."""

from collections.abc import Mapping
from typing import Any, get_args
from uuid import UUID

import msgspec
from litestar.handlers import HTTPRouteHandler

import kyb
from merchant.compliance.cases import case_routes
from merchant.compliance.cases import routes as api
from merchant.compliance.cases.case_schemas import NewVerification
from merchant.compliance.cases.rights import routes as rights
from merchant.compliance.cases.schemas import ApplicationView
from merchant.compliance.providers import routes as providers
from merchant.core.access import Permission as P
from merchant.core.texts import _
from merchant.portal.staff import choices
from merchant.portal.staff.applications import application_page
from merchant.portal.staff.documents import documents_of, subject_name, subjects
from merchant.portal.staff.writing import DFSP, Desk, read, twin, written
from merchant.portal.ui.acts import ONCE, Act, Subject, act_screens
from merchant.portal.ui.fields import Field, collect
from merchant.portal.ui.pages import Page
from merchant.portal.ui.screen import STAFF, View, screen
from merchant.portal.ui.words import word

_APPLICATION, _CASE = "/applications/{application_id}", "/cases/{case_id}"
_PHONE_PAGE, _VERIFY_PAGE = f"{__package__}/phone_code.html", f"{__package__}/verify.html"
_REASON = Field("reason", _("Reason"), "area", required=True, most=500)


@screen("GET", "/applications/{application_id}", permission=P.APPLICATIONS_READ, kinds=STAFF)
async def application(view: View, application_id: UUID) -> Page:
    """An application."""
    return await application_page(view, Desk(application_id, "applications"))


def _desk_of(given: Mapping[str, Any]) -> Desk:
    """What an act is about; a case is read as the application that it is."""
    [thing] = given.values()
    return Desk(thing, "applications")


async def _named(view: View, given: Mapping[str, Any]) -> Subject:
    desk = _desk_of(given)
    case: ApplicationView = (await read(view, desk)).view
    return Subject(case.business.trading_name or view.spoken.say(_("This application")))


async def _to_hand_in(view: View, given: Mapping[str, Any]) -> Subject:
    """What is handed in, with what the API will say where something is missing still."""
    desk = _desk_of(given)
    case: ApplicationView = (await read(view, desk)).view
    reaches = case.requirements.tier_reachable or case.requirements.target_tier
    facts = [
        (view.spoken.say(_("Kind")), view.spoken.say(word("case", case.kind).text)),
        (view.spoken.say(_("Tier that it reaches")), reaches),
        (
            view.spoken.say(_("Still missing")),
            str(len(case.requirements.currently_due) + len(case.requirements.errors)),
        ),
    ]
    return Subject(case.business.trading_name or view.spoken.say(_("This application")), facts=facts)


def _both(handler: HTTPRouteHandler, tail: str, **what: Any) -> list[HTTPRouteHandler]:
    """An act below applications and below cases."""
    own = Act(path=_APPLICATION + tail, handler=handler, to=_APPLICATION, kinds=DFSP, **what)
    other = msgspec.structs.replace(own, path=_CASE + tail, handler=twin(handler), to=_CASE)
    return [*act_screens(own), *act_screens(other)]


_ACTS = [
    *_both(
        api.submit_application,
        "/submit",
        title=_("Hand in {name}"),
        effect=_(
            "This version is closed and goes to the checkers. It is compared with the sanctions lists; then somebody "
            "who wrote nothing of it decides. You can withdraw it until then."
        ),
        button=_("Hand it in"),
        done=_("{name} is handed in."),
        subject=_to_hand_in,
    ),
    *_both(
        api.withdraw_application,
        "/withdraw",
        title=_("Withdraw {name}"),
        effect=_("It ends here and nobody decides on it. It stays in the record, and you can begin a new one."),
        button=_("Withdraw it"),
        done=_("{name} is withdrawn."),
        tone="bad",
        subject=_named,
    ),
    *_both(
        case_routes.appeal_application,
        "/appeal",
        title=_("Appeal the rejection of {name}"),
        effect=_("Other people than before decide once more. An appeal is possible once."),
        button=_("Appeal"),
        done=_("The appeal is on its way to the checkers."),
        fields=(_REASON,),
        subject=_named,
    ),
    *_both(
        rights.hold_application,
        "/hold",
        title=_("Legal hold on {name}"),
        effect=_("Nothing of it, or of its merchant, is erased until the hold is lifted."),
        button=_("Hold"),
        done=_("Nothing of {name} will be erased."),
        fields=(_REASON,),
        subject=_named,
    ),
    *_both(
        rights.lift_application_hold,
        "/hold/lift",
        title=_("Lift the legal hold on {name}"),
        effect=_("Its data is erased again when its time has come."),
        button=_("Lift it"),
        done=_("The hold is lifted."),
        fields=(_REASON,),
        subject=_named,
    ),
]


# --- the phone -------------------------------------------------------------------------------------------------------

_CODE = Field(
    "code", _("The code that the customer reads out"), "digits", required=True, most=10, autocomplete="one-time-code"
)


async def _phone_page(view: View, desk: Desk, sent: Any = None) -> Page:
    case: ApplicationView = (await read(view, desk)).view
    sections = kyb.Sections(owners=case.owners, contact=case.contact)
    return view.page(_PHONE_PAGE, desk=desk, case=case, phone=kyb.merchant_phone(sections), sent=sent, fields=[_CODE])


@written("GET", "/phone-code")
async def phone_code(view: View, desk: Desk) -> Page:
    """Verify the phone that reaches the merchant by a code."""
    return await _phone_page(view, desk)


@written("POST", "/phone-code")
async def send_phone_code(view: View, desk: Desk) -> Page:
    """Send a code."""
    told = await view.attempt(
        providers.send_phone_code, path={"application_id": desk.id}, body={}, key=view.form.get(ONCE)
    )
    return await _phone_page(view, desk, told.view if told else None)


@written("POST", "/phone-code/confirm")
async def confirm_phone_code(view: View, desk: Desk) -> Page:
    """Confirm it by what the customer reads out."""
    return await view.act(
        providers.confirm_phone_code,
        path={"application_id": desk.id},
        fields=[_CODE],
        to=desk.path,
        done=_("The phone number is verified."),
        again=lambda: _phone_page(view, desk),
    )


# --- what was looked at ----------------------------------------------------------------------------------------------

_OUTCOMES = get_args(msgspec.structs.fields(NewVerification)[2].type)
_METHODS = tuple(one for one in kyb.METHODS if one not in ("checker", "one_time_code", "registry", "biometric"))


async def _verify_fields(view: View, desk: Desk, case: ApplicationView) -> list[Field]:
    found = [one for one in await documents_of(view, desk) if one.withdrawn_at is None]
    papers = [(str(one.id), f"{word('purpose', one.purpose).text}: {subject_name(case, one.path)}") for one in found]
    fields = [
        Field(
            "attribute",
            _("What was looked at"),
            "choice",
            required=True,
            choices=choices.named("attribute", kyb.ATTRIBUTES),
        ),
        Field(
            "subject",
            _("Of whom or what"),
            "choice",
            required=True,
            choices=[*subjects(case).items(), ("merchant", word("section", "merchant").text)],
        ),
        Field("method", _("How"), "choice", required=True, choices=choices.named("method", _METHODS)),
        Field("outcome", _("What came out"), "choice", required=True, choices=choices.named("verification", _OUTCOMES)),
        Field("reference", _("Number of the paper"), most=64),
        Field("expires_on", _("Valid until"), "date"),
        Field("latitude", _("Latitude"), "decimal", hint=_("Of a visit: where it was, such as -1.2921."), most=12),
        Field("longitude", _("Longitude"), "decimal", hint=_("Such as 36.8219."), most=12),
        Field("note", _("Note for your own staff"), "area", most=500),
    ]
    return (
        [*fields[:4], Field("document_id", _("Document"), "choice", choices=papers), *fields[4:]] if papers else fields
    )


async def _verify_page(view: View, desk: Desk) -> Page:
    case: ApplicationView = (await read(view, desk)).view
    return view.page(_VERIFY_PAGE, desk=desk, case=case, fields=await _verify_fields(view, desk, case))


@written("GET", "/verify")
async def verify(view: View, desk: Desk) -> Page:
    """Write down what was looked at, how, and what came out."""
    return await _verify_page(view, desk)


@written("POST", "/verify")
async def add_verification(view: View, desk: Desk) -> Page:
    """Keep it."""
    case: ApplicationView = (await read(view, desk)).view
    body = collect(view.form, await _verify_fields(view, desk, case))
    return await view.act(
        case_routes.add_application_verification,
        path={"application_id": desk.id},
        body=body,
        to=desk.path,
        done=_("The check is written down."),
        again=lambda: _verify_page(view, desk),
    )


ROUTES = [
    application,
    *_ACTS,
    *phone_code,
    *send_phone_code,
    *confirm_phone_code,
    *verify,
    *add_verification,
]
