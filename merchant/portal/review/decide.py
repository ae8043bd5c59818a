"""Deciding a case: approve, reject, set the risk, do without a verification. Returning it is a page of its own.

An approval carries the hash of the version that was read on the review page; of a version that changed since, the API
refuses it and the page says to read it again.
"""

from typing import Any
from uuid import UUID

import kyb
from merchant.compliance.cases import case_routes
from merchant.compliance.cases import routes as api
from merchant.compliance.cases.kinds import CaseKind
from merchant.core import errors
from merchant.core.access import Permission as P
from merchant.core.texts import _
from merchant.portal.review import labels
from merchant.portal.review.case import PLACES, Given, read_case, review_of, tier_given, twins
from merchant.portal.ui.acts import Act, Subject, act_screens
from merchant.portal.ui.fields import Field
from merchant.portal.ui.pages import Page
from merchant.portal.ui.screen import STAFF, View
from merchant.portal.ui.words import WORDS

_ACT_PAGE = "act.html"
_SECTIONS = ("business", "owners", "contact", "locations", "settlement_account")
_BANDS = [(one, WORDS["risk"][one].text) for one in ("low", "medium", "high", "unacceptable")]
_REJECTIONS = [
    ("identity", _("The people could not be identified.")),
    ("documents", _("The documents are not genuine, or show something else.")),
    ("listed", _("A name is on a sanctions list.")),
    ("trade", _("The trade is not accepted.")),
    ("risk", _("The risk is not acceptable.")),
    ("duplicate", _("The business is registered already.")),
    ("other", _("Another reason.")),
]
_REASON = Field("reason", _("Reason"), "area", required=True, most=500)
_EFFECTS = {
    CaseKind.ONBOARDING: _(
        "{name} becomes a merchant at once: each counter has its number and QR code, and can be paid."
    ),
    CaseKind.CLOSURE: _("{name} is closed for good at once. Its numbers go to nobody else."),
    CaseKind.REINSTATEMENT: _("{name} takes payments again at once."),
    CaseKind.TRANSFER: _("{name} goes to another DFSP once that DFSP approves too; its numbers and stickers stay."),
}
_CHANGES = _("What this case changes counts for {name} at once; its numbers and stickers stay.")


# --- approve ---------------------------------------------------------------------------------------------------------


async def approve_page(view: View, application_id: UUID) -> Page:
    """What an approval does, before it is given."""
    case = await read_case(view, application_id)
    doubts = case.report.doubts if case.report is not None else []
    wants_reason = any(one.strictness == "review" for one in doubts)
    hint = _("A doubt of the report asks why you approve all the same.") if wants_reason else ""
    read = view.form.get("version_hash") or view.query.get("version") or case.version_hash
    fields = [
        Field("version_hash", "", "hidden", value=read),
        Field("reason", _("Reason"), "area", hint, required=wants_reason, most=500),
    ]
    stale = read != case.version_hash or isinstance(view.problem, errors.StaleVersion)
    name, say = case.business.trading_name or "–", view.spoken.say
    facts: list[tuple[Any, Any]] = [(say(_("Name")), name), (say(_("Version")), case.version)]
    given = await tier_given(view, case)
    if given is not None:
        facts.append((say(_("Tier")), f"{given.tier}, {given.title}"))
        facts.append((say(_("Limits")), _limits_told(view, given)))
    facts.append((say(_("Counters")), sum(len(one.counters) for one in case.locations)))
    act = Act(
        path="/",
        handler=api.approve_application,
        title=_("The version changed since you read it") if stale else _("Approve {name}"),
        effect=_("Somebody changed the answers of {name}. Go back, read the new version, and decide then.")
        if stale
        else _EFFECTS.get(case.kind, _CHANGES),
        button=_("Approve"),
        to="/",
        tone="bad" if stale or case.kind == CaseKind.CLOSURE else "act",
    )
    return view.page(
        _ACT_PAGE,
        act=act,
        fields=fields,
        subject=Subject(name, facts=facts),
        start={},
        back=review_of(case),
        needs_key=False,
    )


def _limits_told(view: View, given: Given) -> str:
    told = (view.spoken.say(_("{amount} a payment, {day} a day", amount=row[1], day=row[2])) for row in given.limits)
    return "; ".join(str(one) for one in told)


async def approve(view: View, application_id: UUID) -> Page:
    """Approve the version that was read."""
    case = await read_case(view, application_id)
    body = {name: text for name in ("version_hash", "reason") if (text := view.form.get(name))}
    told = await view.attempt(api.approve_application, path={"application_id": application_id}, body=body)
    if told is None:
        return await approve_page(view, application_id)
    made, name = told.view, case.business.trading_name or "–"
    if made.approvals < made.approvals_needed:
        return view.go(
            review_of(case),
            _("Your approval is kept: {given} of {needed} people have approved {name}."),
            "wait",
            given=made.approvals,
            needed=made.approvals_needed,
            name=name,
        )
    if made.merchant_id is None:
        return view.go(review_of(case), _("{name} is approved."), name=name)
    number = made.counters[0].alias if made.counters else ""
    if not number:
        return view.go(f"/merchants/{made.merchant_id}", _("{name} is approved."), name=name)
    return view.go(
        f"/merchants/{made.merchant_id}", _("{name} is approved; its number is {number}."), name=name, number=number
    )


# --- the other decisions ---------------------------------------------------------------------------------------------


async def _subject(view: View, given: dict[str, Any]) -> Subject:
    case = await read_case(view, given["application_id"])
    return Subject(case.business.trading_name or "–")


def _rejection(view: View) -> dict[str, Any]:
    """The chosen reason in words, with what was added."""
    said = dict(_REJECTIONS).get(view.form.get("why", ""))
    added = view.form.get("reason", "")
    if said is None or view.form.get("why") == "other":
        return {"reason": added}
    return {"reason": f"{view.spoken.say(said)} {added}".strip()}


async def _risk_subject(view: View, given: dict[str, Any]) -> Subject:
    case = await read_case(view, given["application_id"])
    said = view.spoken.say
    band = said(WORDS["risk"][case.risk].text) if case.risk else "–"
    return Subject(case.business.trading_name or "–", facts=[(said(_("Risk in force")), band)])


async def _waiver_subject(view: View, given: dict[str, Any]) -> Subject:
    """What could be done without: what is asked for first, then everything else."""
    case = await read_case(view, given["application_id"])
    sections = kyb.Sections(**{name: getattr(case, name) for name in _SECTIONS})
    needs = case.requirements
    asked = [(one.key, one.path) for one in (*needs.currently_due, *needs.past_due, *needs.pending_verification)]
    every = [(attribute, subject) for attribute in kyb.ATTRIBUTES for subject in kyb.subjects(sections, attribute)]
    every.sort(key=lambda one: one not in asked)
    choices = [
        (f"{attribute}|{subject}", f"{labels.attribute_of(view, attribute)}: {labels.label_of(view, subject)}")
        for attribute, subject in every
    ]
    fields = (
        Field("what", _("Do without"), "choice", required=True, choices=choices),
        Field("expires_on", _("Until"), "date", _("Within a year. It is asked for again then."), required=True),
        _REASON,
    )
    return Subject(case.business.trading_name or "–", fields=fields)


def _waiver(view: View) -> dict[str, Any]:
    attribute, _bar, subject = view.form.get("what", "").partition("|")
    given = {"attribute": attribute, "subject": subject}
    for name in ("expires_on", "reason"):
        if text := view.form.get(name):
            given[name] = text
    return given


def _acts(place: str) -> list[Act]:
    here = f"/{place}/{{application_id}}"
    return [
        Act(
            path=f"{here}/reject",
            handler=api.reject_application,
            title=_("Reject {name}"),
            effect=_("{name} is refused for good, and its makers read why. They may appeal once, to other people."),
            button=_("Reject"),
            to=f"{here}/review",
            done=_("{name} is rejected."),
            tone="bad",
            kinds=STAFF,
            fields=(
                Field("why", _("Reason"), "choice", required=True, choices=_REJECTIONS),
                Field("reason", _("What you add"), "area", _("The makers read it as you write it."), most=400),
            ),
            body_of=_rejection,
            subject=_subject,
        ),
        Act(
            path=f"{here}/risk",
            handler=case_routes.set_application_risk,
            title=_("Set the risk of {name}"),
            effect=_(
                "A higher risk counts at once: this is how you escalate a case, since the policy then asks for "
                "more people and more evidence. A lower one is a proposal until a second checker says the same."
            ),
            button=_("Set the risk"),
            to=f"{here}/review",
            done=_("The risk of {name} is noted."),
            kinds=STAFF,
            fields=(
                Field("band", _("Risk"), "choice", required=True, choices=_BANDS),
                _REASON,
                Field("until", _("Until"), "date", _("A lower risk needs a day on which it ends.")),
            ),
            subject=_risk_subject,
        ),
        Act(
            path=f"{here}/waive",
            handler=case_routes.waive_application_verification,
            title=_("Do without a verification of {name}"),
            effect=_(
                "This is a proposal until a second checker says the same for the same day. Then it counts, and "
                "the case is assessed anew."
            ),
            button=_("Propose or confirm"),
            to=f"{here}/review",
            done=_("What {name} may do without is noted."),
            kinds=STAFF,
            body_of=_waiver,
            subject=_waiver_subject,
        ),
    ]


ROUTES = [
    *twins("GET", "/approve", P.APPLICATIONS_DECIDE)(approve_page),
    *twins("POST", "/approve")(approve),
    *(one for place in PLACES for act in _acts(place) for one in act_screens(act)),
]
