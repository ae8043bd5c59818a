"""Photos for one's own application: of the document and of the stall, shrunk in the browser before they are sent."""

from msgspec import Struct

from merchant.core import errors
from merchant.core.access import Permission as P
from merchant.core.errors import FieldError
from merchant.core.settings import Settings
from merchant.core.texts import _
from merchant.people.registration import application_routes as api
from merchant.portal.signup.application import APPLICANT, HOME, desk_of
from merchant.portal.signup.steps import PHOTOS, STEPS
from merchant.portal.ui import pages
from merchant.portal.ui.acts import ONCE
from merchant.portal.ui.pages import Page
from merchant.portal.ui.screen import View, screen

_LIST, _ADD = f"{__package__}/photos.html", f"{__package__}/photo.html"
_HERE = f"{HOME}/{PHOTOS}"
_MIB = 1 << 20


class Photo(Struct, frozen=True):
    """A photo that helps: what of, what it is for, the answer it proves and the page that asks for that."""

    name: str
    label: str
    hint: str
    purpose: str
    path: str
    needs: str


PICTURES = (
    Photo(
        "document",
        _("Photo of your document"),
        _("Put it flat in good light. All four corners and all letters must be seen."),
        "identity",
        "owners[0]",
        "you",
    ),
    Photo(
        "stall",
        _("Photo of your shop or stall"),
        _("From the street, with the sign where there is one."),
        "site_photo",
        "locations[0]",
        "place",
    ),
)
_BY_NAME = {one.name: one for one in PICTURES}


class NoPhoto(errors.InvalidFields):
    code, title = "missing", _("Choose a photo first")


def _most_bytes(settings: Settings) -> int:
    return settings.document_max_bytes


@screen("GET", _HERE, permission=P.OWN_APPLICATION_WRITE, kinds=APPLICANT)
async def photos(view: View) -> Page:
    """Which photos help, and which there are."""
    desk = await desk_of(view)
    if not desk.writable:
        return pages.redirect(HOME)
    documents = [one for one in await view.all_of(api.list_my_documents) if one.withdrawn_at is None]
    there = {one.purpose for one in documents}
    begun = {"you": bool(desk.application.owners), "place": bool(desk.application.locations)}
    returned = [one for one in desk.returned if one.page == _HERE and not one.resolved]
    return view.page(
        _LIST,
        desk=desk,
        photos=PICTURES,
        there=there,
        begun=begun,
        documents=documents,
        returned=returned,
        back=f"{HOME}/{STEPS[-1].name}",
        of=len(STEPS) + 1,
    )


@screen("GET", f"{_HERE}/{{name}}", permission=P.OWN_APPLICATION_WRITE, kinds=APPLICANT)
async def photo(view: View, name: str) -> Page:
    """Take or choose a photo."""
    return _page(view, _photo(name))


@screen("POST", f"{_HERE}/{{name}}", permission=P.OWN_APPLICATION_WRITE, kinds=APPLICANT, upload_bytes=_most_bytes)
async def add_photo(view: View, name: str) -> Page:
    """Add it to the application."""
    wanted = _photo(name)
    if view.file is None:
        view.problem = NoPhoto(errors=(FieldError("file", "missing", NoPhoto.title),))
        return _page(view, wanted)
    body = {"purpose": wanted.purpose, "path": wanted.path}
    told = await view.attempt(api.add_my_document, body=body, file=view.file, key=view.form.get(ONCE))
    if told is None:
        return _page(view, wanted)
    return view.go(_HERE, _("The photo is there."))


def _photo(name: str) -> Photo:
    found = _BY_NAME.get(name)
    if found is None:
        raise errors.NotFound
    return found


def _page(view: View, wanted: Photo) -> Page:
    most = f"{_most_bytes(view.service.settings) / _MIB:g}"
    return view.page(_ADD, photo=wanted, most=most, back=_HERE)


ROUTES = [photos, photo, add_photo]
