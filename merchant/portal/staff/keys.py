"""Keys and webhooks: what programs of a DFSP or a merchant use, and where they are told what happened."""

from typing import Any
from uuid import UUID

import msgspec
from markupsafe import Markup

from merchant.core import clock
from merchant.core.access import KEY_SCOPES, delegable
from merchant.core.access import Permission as P
from merchant.core.paging import BY_AGE, NAME
from merchant.core.texts import _
from merchant.notify import routes as hooks_api
from merchant.notify.events import EventType
from merchant.people import routes as api
from merchant.portal.staff.hooks import EVENTS, state_of, tabs_of
from merchant.portal.ui.acts import Act, Subject, act_screens, press_screen
from merchant.portal.ui.fields import Field
from merchant.portal.ui.layout import Kind
from merchant.portal.ui.lists import (
    Button,
    Column,
    Empty,
    Listing,
    badge,
    instant,
    name_of,
    press,
    show_list,
    state,
    text,
)
from merchant.portal.ui.markup import fill
from merchant.portal.ui.pages import Page
from merchant.portal.ui.screen import EVERYONE, STAFF, View, screen, show
from merchant.portal.ui.when import as_instant

_TABBED, _HOOK_PAGE = (f"{__package__}/{name}.html" for name in ("tabbed", "webhook"))
_ISSUE = Button("/keys/issue", _("Issue a key"), permission=P.API_KEYS_WRITE)


def _replace(view: View, row: Any) -> Markup | str:
    if row.revoked_at is not None:
        return "–"
    return fill('<a href="/keys/{}/rotate">{}</a>', row.id, view.spoken.say(_("Replace")))


_KEYS = Listing(
    title=_("API keys"),
    handler=api.list_api_keys,
    href=lambda row: f"/keys/{row.id}/revoke",
    columns=(
        Column(_("Name"), name_of("name"), main=True, sorts=(NAME,)),
        Column(_("May do"), lambda _view, row: ", ".join(row.scopes)),
        Column(_("Issued"), instant("created_at"), sorts=BY_AGE),
        Column(_("Ends"), instant("expires_at")),
        Column(_("Used last"), instant("last_used_at")),
        Column(_("Revoked"), instant("revoked_at")),
        Column(_("Do"), _replace),
    ),
    buttons=(_ISSUE,),
    empty=Empty(
        _("No keys yet"),
        _("A key lets a program of yours call the API. Each has a name and only the rights it needs."),
        _ISSUE,
    ),
)


_ADD = Button("/webhooks/add", _("Add an address"), permission=P.WEBHOOKS_WRITE)
_HOOKS = Listing(
    title=_("Webhooks"),
    intro=_("Addresses of yours that we call when something happened, signed as Standard Webhooks has it."),
    handler=hooks_api.list_webhook_endpoints,
    href=lambda row: f"/webhooks/{row.id}",
    columns=(
        Column(_("Address"), name_of("url"), main=True),
        Column(_("State"), lambda view, row: badge(view, "hook", state_of(row))),
        Column(_("Events"), lambda view, row: ", ".join(row.event_types) or view.spoken.say(_("All"))),
        Column(_("Since"), instant("created_at")),
    ),
    buttons=(_ADD,),
    empty=Empty(_("No addresses yet"), _("Add one, and your system hears of each payment within a second."), _ADD),
)


def _resend(view: View, row: hooks_api.DeliveryView) -> Any:
    """Any may be sent again: what did not arrive, and what its receiver lost."""
    here = f"/webhooks/{view.request.path_params['endpoint_id']}/deliveries/{row.id}/resend"
    return press(view, here, _("Send again"), "refresh-cw")


def _event(_view: View, row: hooks_api.DeliveryView) -> Any:
    """What happened, with its page; a test is no event."""
    if row.event_type == EventType.TEST_PING:
        return row.event_type
    return fill('<a href="{}/{}">{}</a>', EVENTS, row.event_id, row.event_type)


_DELIVERIES = Listing(
    title=_("Deliveries"),
    handler=hooks_api.list_webhook_deliveries,
    columns=(
        Column(_("Event"), _event, main=True),
        Column(_("State"), state("delivery")),
        Column(_("Answer"), text("response_status")),
        Column(_("Tries"), text("attempts"), numeric=True),
        Column(_("When"), instant("created_at")),
    ),
    empty=Empty(_("Nothing delivered yet"), _("Send a test event to see that the address answers.")),
    crumb=("/webhooks", _("Webhooks")),
)


@screen("GET", "/keys", permission=P.API_KEYS_WRITE, kinds=STAFF)
async def keys(view: View) -> Page:
    """The keys of programs."""
    return await show_list(view, _KEYS, template=_TABBED, tabs=tabs_of(view), tab="/keys")


@screen("GET", "/webhooks", permission=P.WEBHOOKS_WRITE, kinds=EVERYONE)
async def webhooks(view: View) -> Page:
    """The addresses that are told what happened."""
    return await show_list(view, _HOOKS, template=_TABBED, tabs=tabs_of(view), tab="/webhooks")


async def _to_issue(view: View, _given: dict[str, Any]) -> Subject:
    scopes = sorted(delegable(view.actor) & KEY_SCOPES)
    fields = [
        Field("name", _("Name"), hint=_("What uses it, such as “core banking, production”."), required=True, most=128),
        Field("scopes", _("May do"), "choices", choices=[(one.value, one.value) for one in scopes]),
        Field("expires_in_days", _("Days until it ends"), "number", _("A year unless you say otherwise."), most=3),
    ]
    if view.kind == Kind.HUB:
        dfsps = [(str(one.id), one.name) for one in await view.all_of(api.list_dfsps)]
        fields.append(Field("dfsp_id", _("DFSP"), "choice", required=True, choices=dfsps))
    return Subject(fields=fields)


_EVENTS = [(one.value, one.value) for one in EventType]
_ACTS = (
    Act(
        path="/keys/issue",
        handler=api.issue_api_key,
        title=_("Issue a key"),
        effect=_("The key is shown once. Whoever has it may do what you choose here, in your DFSP’s name."),
        button=_("Issue the key"),
        to="/keys",
        subject=_to_issue,
        reveal=(_("Copy the key now into the program that needs it; nobody can read it again."), ((_("Key"), "key"),)),
        kinds=STAFF,
    ),
    Act(
        path="/keys/{key_id}/revoke",
        handler=api.revoke_api_key,
        title=_("Revoke this key"),
        effect=_("The program that uses it is refused from this moment on. This cannot be undone."),
        button=_("Revoke"),
        to="/keys",
        done=_("The key is revoked."),
        tone="bad",
        kinds=STAFF,
    ),
    Act(
        path="/webhooks/add",
        handler=hooks_api.create_webhook_endpoint,
        title=_("Add an address"),
        effect=_("We call it for each event you choose; check the signature with the secret shown next."),
        button=_("Add the address"),
        to="/webhooks",
        fields=(
            Field("url", _("Address"), hint=_("Begins with https://"), required=True, most=500),
            Field("event_types", _("Events"), "choices", choices=_EVENTS),
        ),
        reveal=(_("Copy the secret now into your system; nobody can read it again."), ((_("Secret"), "secret"),)),
    ),
    Act(
        path="/keys/{key_id}/rotate",
        handler=api.rotate_api_key,
        title=_("Replace this key"),
        effect=_(
            "A new key is shown once; the old one works for a day more, so that you can change it without a break."
        ),
        button=_("Make a new key"),
        to="/keys",
        reveal=(_("Copy the key now into the program that needs it; nobody can read it again."), ((_("Key"), "key"),)),
        kinds=STAFF,
    ),
    Act(
        path="/webhooks/{endpoint_id}/rotate",
        handler=hooks_api.rotate_webhook_secret,
        title=_("Give this address a new secret"),
        effect=_("Both secrets sign for a day, so that you can change it without a break."),
        button=_("Make a new secret"),
        to="/webhooks/{endpoint_id}",
        reveal=(_("Copy the secret now into your system; nobody can read it again."), ((_("Secret"), "secret"),)),
    ),
    Act(
        path="/webhooks/{endpoint_id}/remove",
        handler=hooks_api.remove_webhook_endpoint,
        title=_("Remove this address"),
        effect=_("Nothing more is sent there; what was not delivered yet is dropped."),
        button=_("Remove"),
        to="/webhooks",
        done=_("The address is removed."),
        tone="bad",
    ),
)


@screen("GET", "/webhooks/{endpoint_id}", permission=P.WEBHOOKS_WRITE)
async def webhook(view: View, endpoint_id: UUID) -> Page:
    """One address: what was delivered there, and what was not."""
    path = {"endpoint_id": endpoint_id}
    found = (await view.ask(hooks_api.read_webhook_endpoint, path=path)).view
    # Nothing is sent to an address that is paused or removed.
    columns = (*_DELIVERIES.columns, Column(_("Do"), _resend)) if state_of(found) == "on" else _DELIVERIES.columns
    listing = msgspec.structs.replace(_DELIVERIES, columns=columns)
    failed = found.undelivered.retrying + found.undelivered.given_up if state_of(found) == "on" else 0
    return await show_list(
        view,
        listing,
        path=path,
        template=_HOOK_PAGE,
        endpoint=found,
        state=state_of(found),
        failed=failed,
        overlaps=found.old_secret_until is not None and as_instant(found.old_secret_until) > clock.now(),
    )


@screen("POST", "/webhooks/{endpoint_id}/resend-failed", permission=P.WEBHOOKS_WRITE)
async def resend_failed(view: View, endpoint_id: UUID) -> Page:
    """Deliver everything once more that failed."""
    told = await view.attempt(hooks_api.resend_failed_webhook_deliveries, path={"endpoint_id": endpoint_id})
    if told is None:
        return await show(webhook, view, endpoint_id=endpoint_id)
    if not told.view.count:
        done = _("Nothing has failed in the last thirty days.")
    elif told.view.is_all:
        done = _("Events sent once more: {count}.")
    else:
        done = _("Events sent once more: {count}. There are others; press again for them.")
    return view.go(f"/webhooks/{endpoint_id}", done, count=told.view.count)


_HOOK = "/webhooks/{endpoint_id}"
_PRESSES = (
    (f"{_HOOK}/test", hooks_api.test_webhook_endpoint, _("A test event is on its way; look below whether it arrived.")),
    (
        f"{_HOOK}/pause",
        hooks_api.pause_webhook_endpoint,
        _("Paused. What happens meanwhile is listed as failed; once you resume, you can send it again."),
    ),
    (
        f"{_HOOK}/resume",
        hooks_api.resume_webhook_endpoint,
        _("We send there again, from the next event on. What it missed is below, and you can send that too."),
    ),
    (
        f"{_HOOK}/deliveries/{{delivery_id}}/resend",
        hooks_api.resend_webhook_delivery,
        _("It is sent once more."),
    ),
)
ROUTES = [
    keys,
    webhooks,
    webhook,
    resend_failed,
    # One delivery is sent again from the page of its event, too.
    *(
        press_screen(path, handler, webhook, done, from_several=path.endswith("/resend"))
        for path, handler, done in _PRESSES
    ),
    *(one for act in _ACTS for one in act_screens(act)),
]
