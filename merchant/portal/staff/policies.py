"""Policies: what is in force, what is proposed, and what a proposal would change for live merchants."""

from typing import Any
from uuid import UUID

from merchant.compliance.policies import routes as api
from merchant.compliance.shadow import routes as shadow_api
from merchant.core.access import Permission as P
from merchant.core.paging import BY_AGE
from merchant.core.texts import _
from merchant.people import routes as people_api
from merchant.portal.ui.acts import Act, Subject, act_screens, subject_of
from merchant.portal.ui.fields import AREA_CHARS_MAX, Field
from merchant.portal.ui.layout import Kind
from merchant.portal.ui.lists import Button, Column, Empty, Listing, instant, name_of, said, show_list, state, text
from merchant.portal.ui.pages import Page
from merchant.portal.ui.screen import STAFF, View, screen
from merchant.portal.ui.words import WORDS

_POLICY, _SHADOW = (f"{__package__}/{name}.html" for name in ("policy", "shadow"))
_PROPOSE = Button("/policies/propose", _("Propose a policy"), permission=P.POLICIES_WRITE)
_LAYERS = [(value, word.text) for value, word in WORDS["layer"].items()]
_LIST = Listing(
    title=_("Policies"),
    intro=_("Tiers, limits and the evidence each needs. A change takes two people."),
    handler=api.list_policies,
    href=lambda row: f"/policies/{row.id}",
    columns=(
        Column(_("Name"), name_of("name"), main=True),
        Column(_("Version"), text("version")),
        Column(_("Layer"), said("layer", "layer")),
        Column(_("State"), state("policy")),
        Column(_("In force from"), text("effective_on")),
        Column(_("In force"), lambda view, row: view.spoken.say(_("yes") if row.in_force else _("no"))),
        Column(_("Proposed"), instant("created_at"), sorts=BY_AGE),
    ),
    filters=(
        Field("layer", _("Layer"), "choice", choices=_LAYERS),
        Field("state", _("State"), "choice", choices=[(name, one.text) for name, one in WORDS["policy"].items()]),
    ),
    buttons=(_PROPOSE,),
    empty=Empty(
        _("The built-in policy is in force"),
        _("Propose one of your own to change tiers, limits or evidence."),
        _PROPOSE,
    ),
)


@screen("GET", "/policies", permission=P.POLICIES_READ, kinds=STAFF)
async def policies(view: View) -> Page:
    """Policies by layer and state."""
    return await show_list(view, _LIST)


@screen("GET", "/policies/{policy_id}", permission=P.POLICIES_READ, kinds=STAFF)
async def policy(view: View, policy_id: UUID) -> Page:
    """One policy's text, and what can be done with it."""
    found = (await view.ask(api.read_policy, path={"policy_id": policy_id})).view
    own = found.proposed_by == view.actor.id
    return view.page(_POLICY, policy=found, own=own, can_write=view.may(P.POLICIES_WRITE))


@screen("POST", "/policies/{policy_id}/shadow", permission=P.POLICIES_WRITE, kinds=STAFF)
async def shadow(view: View, policy_id: UUID) -> Page:
    """What the policy would change for live merchants; nothing is changed."""
    told = await view.attempt(shadow_api.shadow_policy, path={"policy_id": policy_id})
    if told is None:
        page: Page = await policy.opt["show"](view, policy_id)
        return page
    return view.page(_SHADOW, shadow=told.view, policy_id=policy_id)


async def _to_propose(view: View, _given: dict[str, Any]) -> Subject:
    layers = _LAYERS if view.kind == Kind.HUB else [one for one in _LAYERS if one[0] == "dfsp"]
    fields = [
        Field("layer", _("Layer"), "choice", required=True, choices=layers, value=layers[-1][0]),
        Field(
            "text",
            _("The policy, as TOML"),
            "area",
            _("Begin with what is in force and change what you must."),
            required=True,
            most=AREA_CHARS_MAX,
        ),
        Field("effective_on", _("In force from"), "date"),
        Field("note", _("Why"), "area", most=500),
    ]
    if view.kind == Kind.HUB:
        dfsps = [(str(one.id), one.name) for one in await view.all_of(people_api.list_dfsps)]
        fields.append(Field("dfsp_id", _("DFSP"), "choice", _("Only for a DFSP’s own layer."), choices=dfsps))
    return Subject(fields=fields)


_named = subject_of(api.read_policy, lambda found: f"{found.name} {found.version}")
_ACTS = (
    Act(
        path="/policies/propose",
        handler=api.propose_policy,
        title=_("Propose a policy"),
        effect=_("Nothing changes until a second person publishes it. You can first see what it would change."),
        button=_("Propose"),
        to="/policies",
        done=_("Proposed; a second person must publish it."),
        subject=_to_propose,
        kinds=STAFF,
    ),
    Act(
        path="/policies/{policy_id}/publish",
        handler=api.publish_policy,
        title=_("Publish {name}"),
        effect=_("{name} counts for every decision and limit from its day on."),
        button=_("Publish"),
        to="/policies/{policy_id}",
        done=_("{name} is published."),
        subject=_named,
        kinds=STAFF,
    ),
    Act(
        path="/policies/{policy_id}/withdraw",
        handler=api.withdraw_policy,
        title=_("Withdraw {name}"),
        effect=_("{name} will not come into force."),
        button=_("Withdraw"),
        to="/policies/{policy_id}",
        done=_("{name} is withdrawn."),
        tone="bad",
        subject=_named,
        kinds=STAFF,
    ),
)
ROUTES = [policies, policy, shadow, *(one for act in _ACTS for one in act_screens(act))]
