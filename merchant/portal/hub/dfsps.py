"""DFSPs: who takes part, how the hub reaches them, their keys and how long these hold."""

from collections.abc import Callable
from uuid import UUID

from merchant.core import clock
from merchant.core.access import Permission as P
from merchant.core.paging import NAME
from merchant.core.texts import _
from merchant.people import routes as people_api
from merchant.portal.ui.acts import REVISION, Act, act_screens, number, subject_of
from merchant.portal.ui.fields import Field, start_of
from merchant.portal.ui.layout import Kind
from merchant.portal.ui.lists import Button, Column, Empty, Listing, badge, name_of, show_list, text
from merchant.portal.ui.pages import Page
from merchant.portal.ui.screen import View, screen, show
from merchant.portal.ui.when import as_instant
from merchant.scheme import routes as api
from merchant.scheme.schemas import DfspView, HubKeyView

_HUB = frozenset({Kind.HUB})
_DFSP_PAGE = f"{__package__}/dfsp.html"
_MODES = (("RESERVED", _("After the hub’s last word")), ("COMMITTED", _("Once the hub took our answer")))
_ADD = Button("/dfsps/add", _("Add a DFSP"), permission=P.DFSPS_WRITE)
_WARN_DAYS = 30  # a key that ends sooner is shown as trouble: exchanging one takes partners weeks


_STATES = (("enabled", _("On")), ("proposed", _("Waits for a second person")), ("disabled", _("Off")))


def _switch(row: DfspView) -> str:
    return "on" if row.enabled else "proposed" if row.proposed_enabled else "off"


_LIST = Listing(
    title=_("DFSPs"),
    intro=_("Banks, mobile-money operators and microfinance institutions that register merchants here."),
    handler=people_api.list_dfsps,
    href=lambda row: f"/dfsps/{row.id}",
    columns=(
        Column(_("Name"), name_of("name"), main=True, sorts=(NAME,)),
        Column(_("Id at the hub"), text("fsp_id")),
        Column(_("Enabled"), lambda view, row: badge(view, "switch", _switch(row))),
        Column(_("Where the hub is"), text("hub_url")),
    ),
    filters=(Field("state", _("Enabled"), "choice", choices=_STATES),),
    buttons=(_ADD,),
    empty=Empty(_("No DFSP yet"), _("Add the first; it takes part when a second person of the hub enables it."), _ADD),
)


@screen("GET", "/dfsps", permission=P.DFSPS_READ, kinds=_HUB)
async def dfsps(view: View) -> Page:
    """Who takes part."""
    return await show_list(view, _LIST)


@screen("GET", "/dfsps/{dfsp_id}", permission=P.DFSPS_READ, kinds=_HUB)
async def dfsp(view: View, dfsp_id: UUID) -> Page:
    """One DFSP with its connection to the hub and its keys, and what waits for a second person."""
    told = await view.ask(api.read_dfsp, path={"dfsp_id": dfsp_id})
    found: DfspView = told.view
    keys = await view.all_of(api.list_hub_keys, query={"fsp_id": found.fsp_id}) if view.may(P.HUB_KEYS_READ) else []
    addresses = [(name, value) for name, value in start_of(found.hub_urls).items() if value]
    shown = [(key, _days_left(key)) for key in keys]
    return view.page(
        _DFSP_PAGE,
        dfsp=found,
        revision=told.revision,
        switch=_switch(found),
        is_own=found.proposed_by == view.actor.id,
        keys=shown,
        addresses=addresses,
        warn_days=_WARN_DAYS,
    )


@screen("POST", "/dfsps/{dfsp_id}/confirm", permission=P.DFSPS_CONFIRM, kinds=_HUB)
async def confirm(view: View, dfsp_id: UUID) -> Page:
    """Enable what another person of the hub proposed, as it was shown.

    Where that person may no longer act it becomes one's own proposal, if one may propose.
    """
    waits = _("Whoever proposed it no longer may; it is your proposal now, and another person must enable it.")
    return await _press(view, dfsp_id, True, _told(_("It is enabled."), waits))


@screen("POST", "/dfsps/{dfsp_id}/withdraw", permission=P.DFSPS_WRITE, kinds=_HUB)
async def withdraw(view: View, dfsp_id: UUID) -> Page:
    """Take a proposal back."""
    return await _press(view, dfsp_id, False, lambda _found: _("The proposal is withdrawn."))


async def _press(view: View, dfsp_id: UUID, enabled: bool, done: Callable[[DfspView], str]) -> Page:
    told = await view.attempt(
        api.change_dfsp,
        path={"dfsp_id": dfsp_id},
        revision=number(view.form.get(REVISION, "")),
        body={"enabled": enabled},
    )
    return await show(dfsp, view, dfsp_id=dfsp_id) if told is None else view.go(f"/dfsps/{dfsp_id}", done(told.view))


def _told(on: str, waits: str) -> Callable[[DfspView], str]:
    """What a page says after it: enabled, waiting for a second person, or enabled for want of one."""
    return lambda found: found.notice or (on if found.enabled else waits)


def _days_left(key: HubKeyView) -> int | None:
    """How many days a key still holds; None for one without an end."""
    return None if key.valid_until is None else (as_instant(key.valid_until) - clock.now()).days


_named = subject_of(
    api.read_dfsp,
    lambda found: found.name,
    lambda found: {"name": found.name, "hub_url": found.hub_url, "transfer_mode": found.transfer_mode},
)
_of_dfsp = subject_of(api.read_dfsp, lambda found: found.name, lambda found: {"fsp_id": found.fsp_id})
_HUB_URL = Field(
    "hub_url", _("Where the hub is"), hint=_("Begins with https://; empty for the scheme’s own."), most=500
)
_MODE = Field("transfer_mode", _("A payment is paid"), "choice", choices=_MODES, required=True, value="RESERVED")
_ACTS = (
    Act(
        path="/dfsps/add",
        handler=people_api.create_dfsp,
        title=_("Add a DFSP"),
        effect=_(
            "It gets keys of its own, and stays off until a second person of the hub enables it. Without a second"
            " person it is on at once."
        ),
        button=_("Add it"),
        to="/dfsps",
        done=_told(_("Added."), _("Added. Exchange keys with it next, and have a second person of the hub enable it.")),
        fields=(
            Field(
                "fsp_id",
                _("Id at the hub"),
                hint=_("As the hub calls it; it cannot be changed later."),
                required=True,
                most=32,
            ),
            Field("name", _("Name"), required=True, most=128),
            _HUB_URL,
            _MODE,
        ),
        kinds=_HUB,
    ),
    Act(
        path="/dfsps/{dfsp_id}/change",
        handler=api.change_dfsp,
        title=_("Change {name}"),
        effect=_("Messages to the hub go to the new address from now on."),
        button=_("Change"),
        to="/dfsps/{dfsp_id}",
        done=_("{name} is changed."),
        fields=(Field("name", _("Name"), required=True, most=128), _HUB_URL, _MODE),
        permission=P.DFSPS_WRITE,
        subject=_named,
        kinds=_HUB,
    ),
    Act(
        path="/dfsps/{dfsp_id}/disable",
        handler=api.change_dfsp,
        title=_("Disable {name}"),
        effect=_("Its people are signed out, its merchants take no payments, and look-ups find none of them, at once."),
        button=_("Disable"),
        to="/dfsps/{dfsp_id}",
        done=_("{name} is disabled."),
        body={"enabled": False},
        permission=P.DFSPS_WRITE,
        tone="bad",
        subject=_named,
        kinds=_HUB,
    ),
    Act(
        path="/dfsps/{dfsp_id}/enable",
        handler=api.change_dfsp,
        title=_("Enable {name}"),
        effect=_(
            "Its staff can sign in and its merchants take payments, once a second person of the hub enables it too."
            " Without a second person it is on at once."
        ),
        button=_("Enable"),
        to="/dfsps/{dfsp_id}",
        done=_told(_("{name} is enabled."), _("Proposed; {name} is on when a second person of the hub enables it.")),
        body={"enabled": True},
        permission=P.DFSPS_WRITE,
        subject=_named,
        kinds=_HUB,
    ),
    Act(
        path="/dfsps/{dfsp_id}/keys/rotate",
        handler=api.rotate_signing_key,
        title=_("Make a new signing key for {name}"),
        effect=_("Give the new public key to the hub before its day; the old one signs until then."),
        button=_("Make the key"),
        to="/dfsps/{dfsp_id}",
        done=_("The new key is made; hand its public part to the hub."),
        fields=(
            Field(
                "valid_from",
                _("From when it signs"),
                hint=_("A time such as 2026-12-01T00:00:00Z; empty for now."),
                most=40,
            ),
        ),
        subject=_of_dfsp,
        kinds=_HUB,
    ),
    Act(
        path="/hub-keys/import",
        handler=api.import_hub_key,
        title=_("Import a partner’s key"),
        effect=_(
            "Messages signed with it are believed from its day on. Compare the fingerprint with its owner by telephone."
        ),
        button=_("Import"),
        to="/dfsps",
        done=_("The key is imported."),
        fields=(
            Field("fsp_id", _("Whose key it is, by its id at the hub"), required=True, most=32),
            Field("public_pem", _("Public key, PEM"), "area", required=True, most=10_000),
            Field(
                "valid_from",
                _("From when it holds"),
                hint=_("A time such as 2026-12-01T00:00:00Z; empty for now."),
                most=40,
            ),
            Field("valid_until", _("Until when"), most=40),
        ),
        kinds=_HUB,
    ),
    Act(
        path="/hub-keys/{hub_key_id}/retire",
        handler=api.retire_hub_key,
        title=_("Retire this key"),
        effect=_("Messages signed with it are refused from then on."),
        button=_("Retire"),
        to="/dfsps",
        done=_("The key is retired."),
        tone="bad",
        fields=(Field("at", _("From when"), hint=_("A time such as 2026-12-01T00:00:00Z; empty for now."), most=40),),
        kinds=_HUB,
    ),
)


ROUTES = [dfsps, dfsp, confirm, withdraw, *(one for act in _ACTS for one in act_screens(act))]
