"""Claims, as the staff of a DFSP see them: somebody says that a merchant is theirs."""

from typing import Any

from markupsafe import Markup

from merchant.core.access import Permission as P
from merchant.core.paging import BY_AGE
from merchant.core.texts import _
from merchant.people.registration import routes as api
from merchant.people.registration.claim_states import ClaimState, may_be_decided
from merchant.people.registration.schemas import ClaimView
from merchant.portal.ui.acts import Act, Subject, act_screens
from merchant.portal.ui.fields import Field
from merchant.portal.ui.layout import Kind
from merchant.portal.ui.lists import Column, Empty, Listing, instant, name_of, show_list, state
from merchant.portal.ui.pages import Page
from merchant.portal.ui.screen import View, screen
from merchant.portal.ui.words import WORDS

_DFSP = frozenset({Kind.DFSP})
_DECIDE = P.APPLICATIONS_DECIDE
_STATES = [(one.value, WORDS["claim"][one.value].text) for one in ClaimState]
_PRESSES = Markup('<a href="/claims/{}/accept">{}</a> · <a href="/claims/{}/refuse">{}</a>')


def _reached(_view: View, row: ClaimView) -> Any:
    """By what the claimant proved themselves."""
    return Markup('<bdi class="nowrap">{}</bdi>').format(row.phone or row.email or "–")


def _decide(view: View, row: ClaimView) -> Any:
    """The ways to decide, where that is still to do; else what was said."""
    if may_be_decided(row.state):
        say = view.spoken.say
        return _PRESSES.format(row.id, say(_("Accept")), row.id, say(_("Refuse"))) if view.may(_DECIDE) else "–"
    return row.reason or "–"


_LIST = Listing(
    title=_("Claims"),
    handler=api.list_merchant_claims,
    intro=_("People who say that a merchant of yours is theirs. Its known contact was told."),
    columns=(
        Column(_("Merchant"), name_of("trading_name"), main=True),
        Column(_("Who claims it"), name_of("name")),
        Column(_("Proved"), _reached),
        Column(_("State"), state("claim")),
        Column(_("Since"), instant("created_at"), sorts=BY_AGE),
        Column(_("Decision"), _decide),
    ),
    href=lambda row: f"/merchants/{row.merchant_id}",
    filters=(Field("state", _("State"), "choice", choices=_STATES),),
    empty=Empty(_("No claims"), _("Whoever finds their shop in the system can say so at /register/claim.")),
)


@screen("GET", "/claims", permission=P.APPLICATIONS_READ, kinds=_DFSP)
async def claims(view: View) -> Page:
    """Who says that a merchant is theirs."""
    return await show_list(view, _LIST)


async def _claim(view: View, given: dict[str, Any]) -> Subject:
    claim: ClaimView = (await view.ask(api.read_merchant_claim, path=given)).view
    say = view.spoken.say
    facts = (
        (say(_("Who claims it")), Markup("<bdi>{}</bdi>").format(claim.name or "–")),
        (say(_("Proved")), _reached(view, claim)),
    )
    return Subject(claim.trading_name, facts=facts)


_ACTS = (
    Act(
        path="/claims/{claim_id}/accept",
        handler=api.accept_merchant_claim,
        title=_("Give {name} to who claims it"),
        effect=_(
            "This person becomes an owner of {name} at once: they see its payments, ask for money and choose its"
            " cashiers. Call the contact that you know, and look at their papers, before you do this."
        ),
        button=_("Accept the claim"),
        to="/claims",
        done=_("The claim on {name} is accepted."),
        kinds=_DFSP,
        fields=(Field("reason", _("What you looked at"), "area", required=True, most=500),),
        subject=_claim,
    ),
    Act(
        path="/claims/{claim_id}/refuse",
        handler=api.refuse_merchant_claim,
        title=_("Refuse the claim on {name}"),
        effect=_("Nothing changes for {name}. The person may claim it again."),
        button=_("Refuse the claim"),
        to="/claims",
        done=_("The claim on {name} is refused."),
        kinds=_DFSP,
        tone="bad",
        fields=(Field("reason", _("Reason"), "area", required=True, most=500),),
        subject=_claim,
    ),
)

ROUTES = [claims, *(one for act in _ACTS for one in act_screens(act))]
