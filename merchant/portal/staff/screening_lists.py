"""Screening lists: which are in force, how old they are, and putting a newer one."""

import base64
from typing import Any

from merchant.compliance.lists import routes as api
from merchant.compliance.lists.states import Capability, list_may
from merchant.core.access import Permission as P
from merchant.core.texts import _
from merchant.portal.ui.acts import Act, act_screens
from merchant.portal.ui.fields import AREA_CHARS_MAX, Field, collect
from merchant.portal.ui.lists import Button, Column, Empty, Listing, badge, show_list, state, text
from merchant.portal.ui.pages import Page
from merchant.portal.ui.screen import STAFF, View, screen

_PUT = Button("/lists/put", _("Put a list"), "upload", P.LISTS_WRITE)
_FORMS = (
    ("un", _("United Nations, XML")),
    ("ofac_xml", _("OFAC SDN, XML")),
    ("ofac_csv", _("OFAC SDN, CSV")),
    ("eu", _("European Union, XML")),
    ("uk_csv", _("United Kingdom, CSV")),
    ("uk_xml", _("United Kingdom, XML")),
    ("opensanctions", _("OpenSanctions, CSV")),
    ("own", _("Our own names, CSV")),
    ("blocklist", _("Phones and accounts to block, CSV")),
)
_LIST = Listing(
    title=_("Screening lists"),
    intro=_("Every name is held against these. A list that is too old or shrank is not trusted until somebody looks."),
    handler=api.list_screening_lists,
    href=lambda row: f"/lists/{row.id}/confirm" if list_may(row.state, Capability.CONFIRM) else "/lists",
    columns=(
        Column(_("List"), text("source"), main=True),
        Column(_("State"), state("list")),
        Column(_("Published"), text("published_on")),
        Column(_("Days old"), text("age_days"), numeric=True),
        Column(_("Entries"), lambda _view, row: row.counts.entries, numeric=True),
        Column(_("Trouble"), lambda view, row: badge(view, "list_problem", row.problem)),
    ),
    buttons=(_PUT,),
    empty=Empty(
        _("No list is in force"), _("Nothing can be approved without one. Put the United Nations list first."), _PUT
    ),
)


@screen("GET", "/lists", permission=P.LISTS_READ, kinds=STAFF)
async def screening_lists(view: View) -> Page:
    """The lists in force and proposed."""
    return await show_list(view, _LIST)


def _file(view: View) -> dict[str, Any]:
    """The list as the API takes it: a file in base64."""
    body = collect(view.form, _FIELDS)
    if "content" in body:
        body["content"] = base64.b64encode(body["content"].encode()).decode()
    return body


# A form is at most 64 KiB, in which a sign of a list may take three bytes.
_FIELDS = (
    Field("form", _("Form"), "choice", required=True, choices=_FORMS),
    Field("content", _("Its text"), "area", required=True, most=AREA_CHARS_MAX),
)
_ACTS = (
    Act(
        path="/lists/put",
        handler=api.put_screening_list,
        title=_("Put a list"),
        effect=_(
            "It counts at once where it grew; a list that shrank waits for a second person. For larger files there is"
            " the command `merchant lists put`."
        ),
        button=_("Put the list"),
        to="/lists",
        done=_("The list is put; merchants are screened again against what is new."),
        fields=_FIELDS,
        body_of=_file,
        kinds=STAFF,
    ),
    Act(
        path="/lists/{list_id}/confirm",
        handler=api.confirm_screening_list,
        title=_("Let this list count"),
        effect=_(
            "It has fewer entries than the one before. Look at the publisher’s page first: names that are missing are"
            " no longer found."
        ),
        button=_("Let it count"),
        to="/lists",
        done=_("The list counts from now on."),
        tone="bad",
        kinds=STAFF,
    ),
)
ROUTES = [screening_lists, *(one for act in _ACTS for one in act_screens(act))]
