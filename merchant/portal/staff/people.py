"""People: who may sign in, with which roles; inviting, changing and confirming what a colleague proposed."""

from typing import Any
from uuid import UUID

from merchant.core.access import DFSP_ROLES, HUB_ROLES, Role
from merchant.core.access import Permission as P
from merchant.core.paging import NAME
from merchant.core.texts import _
from merchant.people import routes as people_api
from merchant.people import user_routes as api
from merchant.people.schemas import UserDetail
from merchant.portal.ui.acts import REVISION, Act, Subject, act_screens, number
from merchant.portal.ui.fields import Field, start_of
from merchant.portal.ui.layout import Kind
from merchant.portal.ui.lists import Button, Column, Empty, Listing, name_of, said, show_list, state, text
from merchant.portal.ui.pages import Page
from merchant.portal.ui.screen import STAFF, View, screen
from merchant.portal.ui.words import WORDS

_USER_PAGE = f"{__package__}/user.html"
_ROLES = [(role.value, WORDS["role"][role.value].text) for role in Role]
_INVITE = Button("/users/invite", _("Invite someone"), "user-plus", P.USERS_WRITE)
_LIST = Listing(
    title=_("People"),
    intro=_("Who may sign in. Roles that decide or give access need a second person’s confirmation."),
    handler=api.list_users,
    href=lambda row: f"/users/{row.id}",
    columns=(
        Column(_("Name"), name_of("name"), main=True, sorts=(NAME,)),
        Column(_("E-mail address"), text("email")),
        Column(_("Roles"), said("role", "roles")),
        Column(_("State"), state("person")),
    ),
    buttons=(_INVITE,),
    empty=Empty(_("Nobody yet"), _("Invite the people who will work here."), _INVITE),
)


@screen("GET", "/users", permission=P.USERS_WRITE, kinds=STAFF)
async def users(view: View) -> Page:
    """People who may sign in."""
    return await show_list(view, _LIST)


@screen("GET", "/users/{user_id}", permission=P.USERS_WRITE, kinds=STAFF)
async def user(view: View, user_id: UUID) -> Page:
    """One person: roles, state, and what a colleague proposed."""
    told = await view.ask(api.read_user, path={"user_id": user_id})
    found: UserDetail = told.view
    names = {one.id: one.name for one in await view.all_of(api.list_users)} if found.proposed_by else {}
    return view.page(
        _USER_PAGE,
        user=found,
        revision=told.revision,
        proposer=names.get(found.proposed_by, ""),
        is_self=_is_self(view, found),
    )


def _is_self(view: View, found: UserDetail) -> bool:
    return found.id == view.actor.id


@screen("POST", "/users/{user_id}/confirm", permission=P.USERS_WRITE, kinds=STAFF)
async def confirm_proposal(view: View, user_id: UUID) -> Page:
    """Confirm what a colleague proposed: the same change by a second person, as the page showed it.

    What was proposed anew meanwhile has another revision, and is refused until it has been looked at.
    """
    found: UserDetail = (await view.ask(api.read_user, path={"user_id": user_id})).view
    body: dict[str, Any] = {}
    if found.proposed_roles is not None:
        body["roles"] = [role.value for role in found.proposed_roles]
    if found.proposed_enabled is not None:
        body["enabled"] = found.proposed_enabled
    return await view.act(
        api.change_user,
        path={"user_id": user_id},
        body=body,
        revision=number(view.form.get(REVISION, "")),
        to=f"/users/{user_id}",
        done=_("Confirmed; it counts from now on."),
        again=lambda: user.opt["show"](view, user_id),
    )


@screen("POST", "/users/{user_id}/invite-again", permission=P.USERS_WRITE, kinds=STAFF)
async def invite_again(view: View, user_id: UUID) -> Page:
    """Mail another invitation; the one before stops working."""
    return await view.act(
        api.invite_again,
        path={"user_id": user_id},
        to=f"/users/{user_id}",
        done=_("Another invitation is on its way; the one before no longer works."),
        again=lambda: user.opt["show"](view, user_id),
    )


def _offered(view: View) -> list[tuple[str, str]]:
    """The roles that someone may hand out."""
    offered = DFSP_ROLES | HUB_ROLES if view.kind == Kind.HUB else DFSP_ROLES
    return [(value, label) for value, label in _ROLES if Role(value) in offered]


async def _to_invite(view: View, _given: dict[str, Any]) -> Subject:
    fields = [
        Field("name", _("Name"), required=True, most=128),
        Field("email", _("E-mail address"), "email", _("The invitation goes there."), required=True, most=254),
        Field("roles", _("Roles"), "choices", choices=_offered(view)),
    ]
    if view.kind == Kind.HUB:
        dfsps = [(str(one.id), one.name) for one in await view.all_of(people_api.list_dfsps)]
        fields.append(Field("dfsp_id", _("DFSP"), "choice", _("None for people of the hub itself."), choices=dfsps))
    return Subject(fields=fields)


async def _to_change(view: View, given: dict[str, Any]) -> Subject:
    told = await view.ask(api.read_user, path=given)
    found: UserDetail = told.view
    start = start_of({"name": found.name, "roles": [role.value for role in found.roles]})
    fields = (
        Field("name", _("Name"), required=True, most=128),
        Field("roles", _("Roles"), "choices", choices=_offered(view)),
    )
    return Subject(found.name, told.revision, start, fields=fields)


async def _named(view: View, given: dict[str, Any]) -> Subject:
    told = await view.ask(api.read_user, path=given)
    return Subject(told.view.name, told.revision)


_ACTS = (
    Act(
        path="/users/invite",
        handler=api.create_user,
        title=_("Invite someone"),
        effect=_("They get a mail with a link and choose their own password; the link works once, for three days."),
        button=_("Send the invitation"),
        to="/users",
        done=_("The invitation is on its way."),
        subject=_to_invite,
        kinds=STAFF,
    ),
    Act(
        path="/users/{user_id}/change",
        handler=api.change_user,
        title=_("Change {name}"),
        effect=_("Fewer rights count at once. More rights count when a second person has confirmed them."),
        button=_("Change"),
        to="/users/{user_id}",
        done=_("Changed, or proposed where a second person must confirm."),
        subject=_to_change,
        kinds=STAFF,
    ),
    Act(
        path="/users/{user_id}/disable",
        handler=api.change_user,
        title=_("Take access from {name}"),
        effect=_("{name} is signed out everywhere at once and cannot sign in. You can give access back later."),
        button=_("Take access"),
        to="/users/{user_id}",
        done=_("{name} can no longer sign in."),
        body={"enabled": False},
        tone="bad",
        subject=_named,
        kinds=STAFF,
    ),
    Act(
        path="/users/{user_id}/enable",
        handler=api.change_user,
        title=_("Give {name} access again"),
        effect=_("It counts when a second person has confirmed it."),
        button=_("Give access"),
        to="/users/{user_id}",
        done=_("Proposed; a second person must confirm."),
        body={"enabled": True},
        subject=_named,
        kinds=STAFF,
    ),
)
ROUTES = [users, user, confirm_proposal, invite_again, *(one for act in _ACTS for one in act_screens(act))]
