"""The scheme's own settings, which two people of the hub change."""

from typing import Any

from merchant.core.access import Permission as P
from merchant.core.texts import _
from merchant.portal.ui.acts import Act, Subject, act_screens
from merchant.portal.ui.fields import Field, start_of
from merchant.portal.ui.layout import Kind
from merchant.portal.ui.pages import Page
from merchant.portal.ui.screen import View, screen
from merchant.scheme import routes as api

_SCHEME_PAGE = f"{__package__}/scheme.html"
_HUB = frozenset({Kind.HUB})


@screen("GET", "/scheme", permission=P.DFSPS_READ, kinds=_HUB)
async def scheme(view: View) -> Page:
    """The scheme as it is, and what somebody proposed."""
    found = (await view.ask(api.read_scheme)).view
    proposed = start_of(found.proposed) if found.proposed is not None else {}
    return view.page(_SCHEME_PAGE, found=found, proposed=proposed)


async def _as_it_is(view: View, _given: dict[str, Any]) -> Subject:
    found = (await view.ask(api.read_scheme)).view
    return Subject(found.name, start=start_of(found))


_CHANGE = Act(
    path="/scheme/change",
    handler=api.change_scheme,
    title=_("Change the scheme"),
    effect=_("It counts when a second person of the hub sends the same change. Codes already printed go on working."),
    button=_("Propose, or confirm"),
    to="/scheme",
    done=_("Proposed; or changed, if a colleague had proposed the same."),
    fields=(
        Field("name", _("Name"), hint=_("What shoppers see."), required=True, most=128),
        Field("domain", _("Web address in QR codes"), required=True, most=64),
        Field("ussd_code", _("USSD code"), hint=_("Such as *384*123#"), most=40),
        Field("time_zone", _("Time zone"), hint=_("Such as Africa/Nairobi"), required=True, most=64),
    ),
    subject=_as_it_is,
    kinds=_HUB,
    permission=P.SCHEME_WRITE,
)
ROUTES = [scheme, *act_screens(_CHANGE)]
