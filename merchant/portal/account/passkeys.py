"""One's own passkeys: adding, seeing and removing them. The browser's own dialogue needs its script."""

from typing import Any
from uuid import UUID

import msgspec

from merchant.core.texts import _
from merchant.people import passkey_routes as api
from merchant.portal.account.credential import credential_of
from merchant.portal.account.profile import PASSWORD
from merchant.portal.ui.acts import Act, Subject, act_screens
from merchant.portal.ui.fields import collect
from merchant.portal.ui.pages import Page
from merchant.portal.ui.screen import View, screen, show

_PASSKEYS, _ADD = (f"{__package__}/{name}.html" for name in ("passkeys", "passkey_add"))


@screen("GET", "/account/passkeys")
async def passkeys(view: View) -> Page:
    """One's passkeys, and the way to another."""
    return view.page(_PASSKEYS, passkeys=(await view.ask(api.list_passkeys)).view, fields=[PASSWORD])


@screen("POST", "/account/passkeys")
async def begin(view: View) -> Page:
    """With one's password: the page on which the browser makes the passkey."""
    told = await view.attempt(api.begin_passkey, body=collect(view.form, [PASSWORD]))
    if told is None:
        return await show(passkeys, view)
    return view.page(_ADD, public_key=msgspec.json.encode(told.view.public_key).decode())


@screen("POST", "/account/passkeys/add")
async def add(view: View) -> Page:
    """Keep what the browser made."""
    return await view.act(
        api.add_passkey,
        body={"credential": credential_of(view.form), "name": view.form.get("name", "")},
        to="/account/passkeys",
        done=_("The passkey is added. Everywhere else you are signed out."),
        again=lambda: show(passkeys, view),
    )


async def _named(view: View, given: dict[str, Any]) -> Subject:
    found = (await view.ask(api.list_passkeys)).view
    wanted: UUID = given["passkey_id"]
    return Subject(next((one.name for one in found if one.id == wanted), ""))


_REMOVE = Act(
    path="/account/passkeys/{passkey_id}/remove",
    handler=api.remove_passkey,
    title=_("Remove the passkey {name}"),
    effect=_("Nobody signs in with it any more. Everywhere else you are signed out."),
    button=_("Remove"),
    to="/account/passkeys",
    done=_("The passkey is removed."),
    tone="bad",
    fields=(PASSWORD,),
    subject=_named,
)
ROUTES = [passkeys, begin, add, *act_screens(_REMOVE)]
