"""The shop's own people: its owner adds cashiers, binds them to a counter, and shuts them out."""

from typing import Any
from uuid import UUID

from merchant.core.access import Permission as P
from merchant.core.access import Role
from merchant.core.texts import _
from merchant.people import user_routes as api
from merchant.people.schemas import UserDetail
from merchant.portal.merchant.shop import SHOP, counter_names, open_counters, shop_of
from merchant.portal.ui.acts import Act, Subject, act_screens
from merchant.portal.ui.fields import Field
from merchant.portal.ui.pages import Page
from merchant.portal.ui.screen import View, screen, show

_PEOPLE = f"{__package__}/people.html"
_EVERY = "every"  # counter, in a form


@screen("GET", "/shop/people", permission=P.OWN_PEOPLE_WRITE, kinds=SHOP)
async def people(view: View) -> Page:
    """Who works in the shop."""
    shop = await shop_of(view)
    found: list[UserDetail] = await view.all_of(api.list_users, 200)
    return view.page(_PEOPLE, shop=shop, people=found, names=counter_names(shop), several=len(open_counters(shop)) > 1)


async def _counter_field(view: View) -> list[Field]:
    counters = open_counters(await shop_of(view))
    choices = [(str(one.id), one.name) for one in counters]
    hint = _("Bound to a counter, a cashier sees and takes payments at that one only.")
    return [Field("counter_id", _("Counter"), "choice", hint, choices=choices)] if choices else []


async def _new(view: View, _given: dict[str, Any]) -> Subject:
    name = Field("name", _("Name"), required=True, most=128)
    email = Field("email", _("E-mail"), "email", _("The invitation goes there."), required=True, most=254)
    return Subject(fields=[name, email, *await _counter_field(view)])


async def _person(view: View, given: dict[str, Any]) -> Subject:
    told = await view.ask(api.read_user, path=given)
    return Subject(told.view.name, told.revision)


_ACTS = (
    Act(
        path="/shop/people/add",
        handler=api.create_user,
        permission=P.OWN_PEOPLE_WRITE,
        title=_("Add a cashier"),
        effect=_("They get a mail with a link to set their password, and can then ask for payments."),
        button=_("Add the cashier"),
        to="/shop/people",
        done=_("The invitation is on its way."),
        body={"roles": [Role.MERCHANT_CASHIER.value]},
        subject=_new,
        kinds=SHOP,
    ),
    Act(
        path="/shop/people/{user_id}/shut-out",
        handler=api.change_user,
        permission=P.OWN_PEOPLE_WRITE,
        title=_("Shut {name} out"),
        effect=_("{name} is signed out everywhere at once and cannot sign in. You can let them in again."),
        button=_("Shut out"),
        to="/shop/people",
        done=_("{name} is shut out."),
        tone="bad",
        body={"enabled": False},
        subject=_person,
        kinds=SHOP,
    ),
    Act(
        path="/shop/people/{user_id}/let-in",
        handler=api.change_user,
        permission=P.OWN_PEOPLE_WRITE,
        title=_("Let {name} in again"),
        effect=_("{name} can sign in as before."),
        button=_("Let in"),
        to="/shop/people",
        done=_("{name} can sign in again."),
        body={"enabled": True},
        subject=_person,
        kinds=SHOP,
    ),
)


@screen("GET", "/shop/people/{user_id}/counter", permission=P.OWN_PEOPLE_WRITE, kinds=SHOP)
async def choose_counter(view: View, user_id: UUID) -> Page:
    """At which counter a cashier works."""
    told = await view.ask(api.read_user, path={"user_id": user_id})
    counters = open_counters(await shop_of(view))
    choices = [(_EVERY, _("Every counter")), *((str(one.id), one.name) for one in counters)]
    field = Field(
        "counter_id", _("Counter"), "choice", required=True, choices=choices, value=str(told.view.counter_id or _EVERY)
    )
    return view.page(f"{__package__}/counter.html", person=told.view, revision=told.revision, fields=[field])


@screen("POST", "/shop/people/{user_id}/counter", permission=P.OWN_PEOPLE_WRITE, kinds=SHOP)
async def bind_to_counter(view: View, user_id: UUID) -> Page:
    """Bind the cashier to it, or to none."""
    chosen, revision = view.form.get("counter_id", ""), view.form.get("revision", "")
    return await view.act(
        api.change_user,
        path={"user_id": user_id},
        revision=int(revision) if revision.isascii() and revision.isdigit() and len(revision) < 10 else None,
        body={"counter_id": None if chosen == _EVERY else chosen},
        to="/shop/people",
        done=_("The cashier’s counter is changed."),
        again=lambda: show(choose_counter, view, user_id=user_id),
    )


@screen("POST", "/shop/people/{user_id}/invite", permission=P.OWN_PEOPLE_WRITE, kinds=SHOP)
async def invite(view: View, user_id: UUID) -> Page:
    """Mail a new link to someone who never set a password."""
    return await view.act(
        api.invite_again,
        path={"user_id": user_id},
        to="/shop/people",
        done=_("A new invitation is on its way."),
        again=lambda: show(people, view),
    )


ROUTES = [people, choose_counter, bind_to_counter, invite, *(one for act in _ACTS for one in act_screens(act))]
