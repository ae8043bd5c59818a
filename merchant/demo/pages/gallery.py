"""/ui: every part that the portal's pages are put together of, once, with made-up values.

For whoever builds pages: what there is, and how it looks at each width, light and dark, in each language.
"""

from types import SimpleNamespace
from typing import Any
from uuid import UUID

from litestar import get
from litestar.params import FromPath
from msgspec import Struct

from merchant.core import clock, errors
from merchant.core.access import Actor, Permission, Role
from merchant.core.http.json import service_of
from merchant.demo.pages.phones import Customer
from merchant.portal.ui import languages, pages
from merchant.portal.ui.acts import Act, Subject
from merchant.portal.ui.charts import Bar, Row
from merchant.portal.ui.fields import Field
from merchant.portal.ui.layout import layout_of, zone_of
from merchant.portal.ui.lists import Button, Column, Empty, Listing, Orders, badge
from merchant.portal.ui.pages import IN_WORDS, PUBLIC, Page, Req
from merchant.portal.ui.session import Flash
from merchant.portal.ui.words import WORDS
from merchant.registry.merchants import routes as merchants_api

_GALLERY_PAGE, _ACT_PAGE = f"{__package__}/gallery.html", "act.html"
_STRANGER = Actor(
    kind="user",
    id=UUID(int=0),
    name="Amina Odhiambo",
    dfsp_id=UUID(int=1),
    roles=(Role.DFSP_MAKER, Role.DFSP_CHECKER),
    permissions=frozenset(Permission),
)
_CHOICES = (("one", "Sole proprietor"), ("two", "Company"), ("three", "Cooperative"))
_HINT = "As it stands in the register."
FIELDS = (
    Field("text", "Trading name", hint=_HINT, required=True, value="Mama Amina Fruits"),
    Field("area", "Reason", "area", hint="Kept in the audit record."),
    Field("number", "Employees", "number", value="4"),
    Field("decimal", "Share in percent", "decimal", value="62.5"),
    Field("choice", "Kind of business", "choice", required=True, choices=_CHOICES),
    Field("choices", "Languages of the poster", "choices", choices=_CHOICES),
    Field("check", "The owner is also a director", "check", value="yes"),
    Field("lines", "Address", "lines", value="Moi Avenue 12\nNairobi"),
    Field("phone", "Phone", "phone", value="+254722000110"),
    Field("email", "E-mail address", "email", value="amina@fruits.example"),
    Field("money", "Amount", "money", value="1250.00", currency="KES"),
    Field("password", "Password", "password"),
    Field("date", "Date of birth", "date", value="1984-06-17"),
)
_TITLES = ("Mama Amina Fruits", "ရွှေဝါ ဆေးဆိုင်", "مقهى النيل", "Grossunternehmensbeteiligungsverwaltungsgesellschaft")
_STATES = ("active", "restricted", "suspended", "closed")
ROWS = [
    SimpleNamespace(id=at, name=name, state=state, number=4021775 + at, amount=f"{1250 * (at + 1):,}.00 KES")
    for at, (name, state) in enumerate(zip(_TITLES, _STATES, strict=True))
]
LISTING = Listing(
    title="Merchants",
    handler=merchants_api.list_merchants,
    columns=(
        Column("Name", lambda _view, row: row.name, main=True),
        Column("Number", lambda _view, row: row.number),
        Column("State", lambda view, row: badge(view, "merchant", row.state)),
        Column("Takings", lambda _view, row: row.amount, numeric=True),
    ),
    empty=Empty("No merchants yet", "A merchant is here once approved.", Button("/ui", "New application")),
    href=lambda row: f"/ui#row-{row.id}",
    filters=(
        Field("q", "Name or number", hint="Any words"),
        Field("state", "State", "choice", choices=[(one, WORDS["merchant"][one].text) for one in _STATES]),
        Field("from", "From", "date"),
        Field("city", "City"),
    ),
)
_HOURS = [f"{hour:02}" for hour in range(6, 22)]
_TAKINGS = (2, 5, 9, 14, 11, 18, 26, 24, 15, 12, 17, 21, 28, 19, 8, 3)
TAKINGS = [Bar(hour, value, value * 0.8 if value > 10 else 0) for hour, value in zip(_HOURS, _TAKINGS, strict=True)]
MINUTES = [Bar(hour, value * 3, value % 4) for hour, value in zip(_HOURS, _TAKINGS, strict=True)]
WEEK = [
    Row(day, [(value * (at + 2)) % 29 if (value + at) % 7 else None for value in _TAKINGS])
    for at, day in enumerate(("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"))
]
ACT = Act(
    path="/ui/act",
    handler=merchants_api.suspend_merchant,
    title="Suspend {name}",
    effect="{name} takes no payments from this moment on; its codes say so. You can reinstate it later.",
    button="Suspend",
    to="/ui",
    tone="bad",
    fields=(Field("reason", "Reason", "area", "Kept in the audit record; the merchant is told.", required=True),),
)


class Viewer(Struct, frozen=True):
    """Someone who may everything, as the parts ask."""

    spoken: languages.Spoken

    def may(self, _permission: Permission) -> bool:
        """Yes."""
        return True


@get("/ui", opt=PUBLIC, exception_handlers=IN_WORDS)
async def show_gallery(request: Req) -> Page:
    """Every part, once."""
    wrong = {field.name: "Give this, as it stands in the papers." for field in FIELDS} | {"file": "Choose a file."}
    told = tuple(errors.FieldError(name, "invalid", text) for name, text in list(wrong.items())[:3])
    return await _show(
        request,
        _GALLERY_PAGE,
        words=WORDS,
        fields=FIELDS,
        told=errors.InvalidFields(errors=told),
        all_wrong=wrong,
        listing=LISTING,
        rows=ROWS,
        chosen={"q": "amina", "state": "", "from": "", "city": ""},
        flashes=[
            Flash("{name} is approved.", {"name": "Mama Amina Fruits"}),
            Flash("It waits for a second checker.", tone="wait"),
            Flash("The file could not be read.", tone="bad"),
        ],
        takings=TAKINGS,
        minutes=MINUTES,
        week=WEEK,
        hours=_HOURS,
        buttons=[Button("/ui", "New application"), Button("/ui", "Print", "printer", plain=True)],
        act=ACT,
        now=clock.now(),
        phone=Customer("254711000001", "agrees").label,
    )


@get("/ui/{part:str}", opt=PUBLIC, exception_handlers=IN_WORDS)
async def show_part(request: Req, part: FromPath[str]) -> Page:
    """A whole page: of an act, or of a list."""
    if part == "act":
        subject = Subject("Mama Amina Fruits", 3, facts=(("Number", "4021 7756"), ("Tier", "T1")))
        return await _show(
            request, _ACT_PAGE, act=ACT, fields=ACT.fields, subject=subject, start={}, back="/ui", needs_key=True
        )
    if part in ("list", "empty"):
        return await _show(
            request,
            "list.html",
            listing=LISTING,
            rows=ROWS if part == "list" else [],
            chosen=dict.fromkeys(("q", "state", "from", "city"), ""),
            filtered=False,
            refused="",
            here="/ui/list",
            first=None,
            following="/ui/list?cursor=2",
            orders=Orders(),
            exports=[("CSV", "/ui"), ("XLSX", "/ui"), ("PDF", "/ui")],
        )
    raise errors.NotFound


async def _show(request: Req, template: str, **content: Any) -> Page:
    scheme, spoken = await service_of(request).scheme(), languages.spoken_with(request)
    return pages.respond(
        request,
        template,
        scripts=True,
        view=Viewer(spoken),
        form={},
        wrong={},
        problem=None,
        flash=None,
        csrf="",
        actor=_STRANGER,
        layout=layout_of(_STRANGER, "/merchants"),
        scheme=scheme,
        zone=zone_of(scheme),
        **content,
    )


ROUTES = [show_gallery, show_part]
