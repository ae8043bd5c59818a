"""JSON routes of people: adding, listing, changing, inviting again. users.py has the rules."""

from typing import Any
from uuid import UUID

import msgspec

from merchant.core import clock, errors
from merchant.core.access import Permission as P
from merchant.core.http import json as web
from merchant.core.http.json import language_of
from merchant.core.http.route import Answer, Call, Listed, route
from merchant.core.paging import BY_AGE_OR_NAME
from merchant.core.texts import translate
from merchant.people import links, own_people, queries, schemas, users
from merchant.people.links import LIFE, Kind
from merchant.people.models import AppUser
from merchant.people.problems import AlreadyAccepted, LastOfRole, LastOperators, OwnAccount
from merchant.people.schemas import InvitationSent, UserDetail
from merchant.people.unseen import APPLICANT


@route(
    "POST",
    "/api/v1/users",
    permission=P.USERS_WRITE,
    own_permission=P.OWN_PEOPLE_WRITE,
    body=schemas.NewUser,
    answer=UserDetail,
    status=201,
    raises=(errors.Conflict, errors.WrongState, errors.TooManyRequests),
)
async def create_user(call: Call[schemas.NewUser]) -> Answer:
    """Add a person and mail them an invitation; roles that take two wait for a second person to confirm them.

    A merchant's owner adds cashiers of the merchant; one with a `counter_id` sees that counter only. While the hub has
    one operator only, who could ask nobody, they add the next ones alone.
    """
    new = call.body
    user = await users.create_user(
        call.tx,
        call.service,
        call.actor,
        email=new.email,
        name=new.name,
        roles=new.roles,
        dfsp_id=new.dfsp_id,
        merchant_id=new.merchant_id,
        counter_id=new.counter_id,
    )
    await links.invite(call.tx, call.service, call.actor, user)
    return Answer(schemas.user_view(call.service.vault, user), user.version)


@route(
    "GET",
    "/api/v1/users",
    permission=P.USERS_WRITE,
    own_permission=P.OWN_PEOPLE_WRITE,
    items=UserDetail,
    paged=True,
    sorts=BY_AGE_OR_NAME,
)
async def list_users(call: Call[None]) -> Listed:
    """List people; a merchant's owner sees the merchant's."""
    rows = await queries.users(call.tx, call.actor, call.page)
    return Listed([schemas.user_view(call.service.vault, row) for row in rows], [row.id for row in rows])


@route(
    "GET",
    "/api/v1/users/{user_id}",
    permission=P.USERS_WRITE,
    own_permission=P.OWN_PEOPLE_WRITE,
    answer=UserDetail,
)
async def read_user(call: Call[None], user_id: UUID) -> Answer:
    """Read a person; the ETag is what a change needs. Applicants have no name until they have handed something in."""
    return await _shown(call, await queries.user(call.tx, call.actor, user_id))


@route(
    "PATCH",
    "/api/v1/users/{user_id}",
    permission=P.USERS_WRITE,
    own_permission=P.OWN_PEOPLE_WRITE,
    body=schemas.UserChange,
    answer=UserDetail,
    if_match=True,
    raises=(OwnAccount, LastOfRole, LastOperators),
)
async def change_user(call: Call[schemas.UserChange], user_id: UUID) -> Answer:
    """Change a person's name, roles, counter, or whether they may come in.

    A change that makes a checker, an administrator or hub staff is proposed; it takes effect when a second person sends
    the same. Sending what holds now withdraws it. A merchant's owner changes the merchant's cashiers, at once. Two
    operators of the hub who can act stay.
    """
    new = call.body
    change = users.Change(name=new.name, roles=new.roles, enabled=new.enabled, counter_id=new.counter_id)
    return await _shown(
        call, await users.change_user(call.tx, call.service, call.actor, user_id, call.revision, change)
    )


async def _shown(call: Call[Any], user: AppUser) -> Answer:
    """A person with the revision. Whoever abuses the door can be shut out by id, and stays without a name."""
    view = schemas.user_view(call.service.vault, user)
    if await queries.is_beginner(call.tx, user.id):
        view = msgspec.structs.replace(view, name=translate(APPLICANT, language_of(call.request)), email=None)
    return Answer(view, user.version)


@route(
    "POST",
    "/api/v1/users/{user_id}/invitation",
    permission=P.USERS_WRITE,
    own_permission=P.OWN_PEOPLE_WRITE,
    answer=InvitationSent,
    status=202,
    raises=(AlreadyAccepted, errors.WrongState, errors.TooManyRequests),
)
async def invite_again(call: Call[None], user_id: UUID) -> InvitationSent:
    """Mail a new invitation; the links of older ones end."""
    user = await queries.user(call.tx, call.actor, user_id)
    own_people.check_may_change(call.actor, user)
    users.admit_mail(call.service, call.actor)
    await links.invite(call.tx, call.service, call.actor, user)
    return InvitationSent(user.id, web.at(clock.now() + LIFE[Kind.INVITATION]))


ROUTES = [create_user, list_users, read_user, change_user, invite_again]
