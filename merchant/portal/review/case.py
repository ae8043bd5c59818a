"""The review of one application or case: facts, evidence, and what a checker can decide, on one page.

Applications and cases have the same pages at two addresses (`twins`), as their routes have.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Concatenate, Literal
from uuid import UUID

from litestar.handlers import HTTPRouteHandler
from msgspec import Struct

import kyb
from merchant.compliance.cases import case_routes, document_routes
from merchant.compliance.cases import routes as api
from merchant.compliance.cases.desk import routes as desk
from merchant.compliance.cases.kinds import CaseKind
from merchant.compliance.cases.states import Capability, application_may
from merchant.compliance.policies import routes as policies
from merchant.core import errors, money
from merchant.core.access import Permission as P
from merchant.core.texts import _
from merchant.portal.review import drawings, history, labels
from merchant.portal.review.difference import difference
from merchant.portal.review.queue import age_of
from merchant.portal.ui.fields import Field
from merchant.portal.ui.pages import Page
from merchant.portal.ui.screen import STAFF, View, screen
from merchant.portal.ui.words import word

_REVIEW_PAGE = f"{__package__}/review.html"
PLACES = ("applications", "cases")
WHY = [
    ("review", _("To review it")),
    ("screening", _("To compare it with a listed name")),
    ("customer_request", _("The customer asks")),
    ("investigation", _("To look into a suspicion")),
]
Work = Callable[Concatenate[View, UUID, ...], Awaitable[Page]]


def twins(
    method: Literal["GET", "POST"], path: str, permission: P | None = None
) -> Callable[[Work], list[HTTPRouteHandler]]:
    """A screen below /applications/{application_id} and the same below /cases/{application_id}."""

    def declare(work: Work) -> list[HTTPRouteHandler]:
        return [
            screen(method, f"/{place}/{{application_id}}{path}", permission=permission, kinds=STAFF)(work)
            for place in PLACES
        ]

    return declare


def base_of(case: Any) -> str:
    """Where the pages of a case are."""
    return f"/{'applications' if case.kind == CaseKind.ONBOARDING else 'cases'}/{case.id}"


def review_of(case: Any) -> str:
    """The page of its review."""
    return f"{base_of(case)}/review"


async def read_case(view: View, application_id: UUID) -> Any:
    """The case as the API shows it."""
    return (await view.ask(api.read_application, path={"application_id": application_id})).view


async def review(view: View, application_id: UUID, revealed: Mapping[str, str] | None = None) -> Page:
    """Everything a checker looks at before deciding."""
    case, path = await read_case(view, application_id), {"application_id": application_id}
    people = (await view.ask(desk.read_application_people, path=path)).view
    versions = (await view.ask(api.list_versions, path=path)).view
    hits = (await view.ask(desk.list_application_hits, path=path)).view
    found = (await view.ask(case_routes.list_application_verifications, path=path)).view
    papers = await view.all_of(document_routes.list_application_documents, path=path, most=100)
    names = {one.id: one.name for one in people.people}
    parts = labels.parts_of(view, case)
    return view.page(
        _REVIEW_PAGE,
        case=case,
        base=base_of(case),
        names=names,
        people=people,
        age=age_of(view, case.submitted_at),
        parts=parts,
        revealed=revealed or {},
        reveal_fields=_reveal_fields(view, case),
        compared=await difference(view, case, versions),
        hits=hits,
        open_hits=sum(one.is_open for one in hits),
        label_of=lambda where: labels.label_of(view, where),
        attribute_of=lambda one: labels.attribute_of(view, one),
        verifications=found,
        papers=papers,
        risk=_risk(view, case),
        given=await tier_given(view, case),
        unlocks=_next_tier(view, case),
        owned=await _owned(view, case),
        points=_points(view, case),
        history=history.timeline(view, case, versions, found, papers, names),
        decides=view.may(P.APPLICATIONS_DECIDE),
        is_open=application_may(case.state, Capability.DECIDE),
        approves=application_may(case.state, Capability.DECIDE)
        and people.locked is None
        and view.may(P.APPLICATIONS_DECIDE),
    )


def _next_tier(view: View, case: Any) -> dict[str, Any] | None:
    """What meeting the rest would unlock: the tier, its limits, and what it permits."""
    unlocks = case.requirements.unlocks
    if unlocks is None:
        return None
    permits = ", ".join(str(view.spoken.say(word("capability", one).text)) for one in unlocks.capabilities)
    return {"tier": unlocks.tier, "limits": limits_in_words(view, unlocks.limits), "permits": permits}


def _reveal_fields(view: View, case: Any) -> list[Field]:
    choices = [(path, labels.label_of(view, path)) for path in labels.masked_of(case)]
    if not choices or not view.may(P.PERSONAL_DATA_READ) or view.actor.dfsp_id is None:
        return []
    return [
        Field("path", _("What to show"), "choice", required=True, choices=choices),
        Field("reason", _("Why"), "choice", required=True, choices=WHY, value="review"),
    ]


def _risk(view: View, case: Any) -> dict[str, Any] | None:
    """The pieces of the score, the heaviest first, drawn and as rows."""
    judged = case.report.risk if case.report is not None else None
    if judged is None:
        return None
    pieces = sorted(judged.contributions, key=lambda one: -one.points)
    bars = [drawings.Bar(str(view.spoken.say(word("factor", one.factor).text)), one.points) for one in pieces]
    title = str(view.spoken.say(_("{score} points of 100", score=judged.score)))
    rows = [(one.because, f"{one.points:+d}") for one in pieces]
    return {"judged": judged, "drawn": drawings.signed_bars(bars, title), "title": title, "rows": rows}


class Given(Struct, frozen=True):
    """A tier that an approval gives, and (currency, a payment, a day, a month) of what it allows."""

    tier: str
    title: str
    limits: list[tuple[str, str, str, str]]


async def tier_given(view: View, case: Any) -> Given | None:
    """The tier that an approval of a case gives, with its limits in the currencies of the business.

    None where the tier stays, or none is reached, and for the hub, whose own policy may be another one.
    """
    tier = case.target_tier
    if tier is None and case.kind == CaseKind.ONBOARDING and case.report is not None:
        tier = case.report.tier
    if tier is None or view.actor.dfsp_id is None or not view.may(P.POLICIES_READ):
        return None
    policy = (await view.ask(policies.read_policies_in_force)).view.today
    found = next((one for one in policy.tiers if one.name == tier), None)
    if found is None:
        return None
    chosen = {one: found.receive[one] for one in case.business.currencies if one in found.receive}
    return Given(tier, found.title, limits_in_words(view, chosen))


def limits_in_words(view: View, limits: Mapping[str, kyb.Limits]) -> list[tuple[str, str, str, str]]:
    """(currency, a payment, a day, a month), each as money for people."""
    found = []
    for currency, one in limits.items():
        payment, day, month = (
            money.display(money.Money(minor, currency), view.spoken.language)
            for minor in (one.per_payment_minor, one.per_day_minor, one.per_month_minor)
        )
        found.append((currency, payment, day, month))
    return found


async def _owned(view: View, case: Any) -> dict[str, Any] | None:
    """Who owns it, drawn, with each person's share in the end; None for the hub, which sees no owners."""
    if view.actor.dfsp_id is None or not case.owners:
        return None
    told = (await view.ask(desk.read_application_ownership, path={"application_id": case.id})).view
    root = drawings.tree_of(case.business.legal_name or case.business.trading_name or "–", case.owners)
    title = str(view.spoken.say(_("Who owns the business")))
    rows = [(labels.owner_name(case.owners[one.index]), one) for one in told.persons if one.index < len(case.owners)]
    return {"told": told, "drawn": drawings.ownership(root, title), "rows": rows}


def _points(view: View, case: Any) -> list[dict[str, Any]]:
    """Places that have coordinates, each on a graticule."""
    found = []
    for place in case.locations:
        if place.latitude is not None and place.longitude is not None:
            title = str(view.spoken.say(_("The place on the globe")))
            found.append({"place": place, "drawn": drawings.graticule(place.latitude, place.longitude, title)})
    return found


async def show_reveal(view: View, application_id: UUID) -> Page:
    """Open one masked value; the page shows it once, and who looked is recorded."""
    body = {name: view.form.get(name, "") for name in ("path", "reason")}
    told = await view.attempt(api.reveal_value, path={"application_id": application_id}, body=body)
    shown = {told.view.path: told.view.value} if told is not None else None
    return await review(view, application_id, shown)


async def press_claim(view: View, application_id: UUID) -> Page:
    """Tell the others that one works on it."""
    return await _press(view, application_id, api.claim_application, _("You work on it now; others see that."))


async def press_release(view: View, application_id: UUID) -> Page:
    """Give the claim back."""
    return await _press(view, application_id, api.release_application, _("Others can take it now."))


async def press_screen(view: View, application_id: UUID) -> Page:
    """Screen the version once more."""
    return await _press(view, application_id, api.screen_application, _("It was screened again."))


async def _press(view: View, application_id: UUID, handler: HTTPRouteHandler, done: str) -> Page:
    path = {"application_id": application_id}
    return await view.act(handler, path=path, to=review_of, again=lambda: review(view, application_id), done=done)


async def decide_hit(view: View, application_id: UUID, hit_id: str) -> Page:
    """Say whether a hit is the listed one; what two have to say is told as proposed."""
    reason = f"reason.{hit_id}"
    body = {"decision": view.form.get("decision", ""), "reason": view.form.get(reason, "")}
    told = await view.attempt(api.decide_hit, path={"application_id": application_id, "hit_id": hit_id}, body=body)
    if told is None:
        if view.problem is not None:  # beside this hit's own field
            view.problem.errors = tuple(errors.FieldError(reason, one.code, one.message) for one in view.problem.errors)
        return await review(view, application_id)
    back = f"{review_of(told.view)}#hits"
    if told.view.hit_states.get(hit_id) == "proposed":
        return view.go(back, _("Your word is kept as a proposal: a second checker must say the same."), "wait")
    return view.go(back, _("Your decision on the hit is kept."))


_READS, _DECIDES = P.APPLICATIONS_READ, None  # a maker who decides is told that another must: the API says so


ROUTES = [
    *twins("GET", "/review", _READS)(review),
    *twins("POST", "/reveal", P.PERSONAL_DATA_READ)(show_reveal),
    *twins("POST", "/claim", _DECIDES)(press_claim),
    *twins("POST", "/release", _DECIDES)(press_release),
    *twins("POST", "/screen", _DECIDES)(press_screen),
    *twins("POST", "/hits/{hit_id}", _DECIDES)(decide_hit),
]
