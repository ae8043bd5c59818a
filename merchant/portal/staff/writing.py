"""Writing an application or a case: what its pages share. An application is a case, so each page is declared once.

A section is saved alone, with the revision that its page was drawn from. What was typed is kept whatever is refused,
and beside the form stands what is missing: `requirements` of the API, each with a link to the field it means.
"""

import inspect
import re
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any, Concatenate, Literal
from uuid import UUID

import msgspec
from litestar import Response
from litestar.handlers import HTTPRouteHandler
from msgspec import Struct

import kyb
from merchant.compliance.cases import routes as api
from merchant.compliance.cases.schemas import ApplicationView
from merchant.compliance.cases.states import Capability, application_may
from merchant.compliance.cases.twins import CASE_ROUTES
from merchant.core import errors
from merchant.core.access import Permission as P
from merchant.core.http.inside import Told
from merchant.core.settings import Settings
from merchant.core.texts import _
from merchant.portal.ui.fields import Field
from merchant.portal.ui.layout import Kind
from merchant.portal.ui.pages import Page
from merchant.portal.ui.screen import View, screen
from merchant.portal.ui.words import word

SECTION_PAGE = f"{__package__}/section.html"
DFSP = frozenset({Kind.DFSP})
AUTOSAVE = "x-autosave"
# The sections in the order in which they are written, by the name of their page.
ORDER = ("business", "owners", "contact", "locations", "account", "documents")
_UNPROVED = frozenset({"not_verified", "expired", "inconclusive", "unavailable"})  # codes of what is to be checked
_MOST_LISTED = 40  # of what is missing
_PLACE = re.compile(r"(business|owners|contact|locations|settlement_account)(?:\[(\d{1,3})\])?(\..+)?")


class Desk(Struct, frozen=True):
    """What is written: its id, and where its pages are."""

    id: UUID
    word: Literal["applications", "cases"]

    @property
    def path(self) -> str:
        """Its page."""
        return f"/{self.word}/{self.id}"

    @property
    def edit(self) -> str:
        """The list of what is to write."""
        return f"{self.path}/edit"


class Gap(Struct, frozen=True):
    """Something that is missing, or was refused: the sentence, and where to mend it."""

    text: str
    href: str
    section: str
    path: str


class Group(Struct, frozen=True):
    """Fields that belong together; those that few need are folded away."""

    title: str
    fields: Sequence[Field]
    folded: bool = False


Handler = Callable[Concatenate[View, Desk, ...], Awaitable[Page]]


def written(
    method: Literal["GET", "POST"],
    tail: str,
    *,
    permission: P = P.APPLICATIONS_WRITE,
    upload_bytes: Callable[[Settings], int] | None = None,
) -> Callable[[Handler], list[HTTPRouteHandler]]:
    """Declare a screen below an application's page, and the same below a case's."""

    def declare(function: Handler) -> list[HTTPRouteHandler]:
        made = []
        for word_of, name in (("applications", "application_id"), ("cases", "case_id")):
            path = f"/{word_of}/{{{name}}}{tail}"
            made.append(
                screen(method, path, permission=permission, kinds=DFSP, upload_bytes=upload_bytes)(
                    _at_desk(function, word_of, name)
                )
            )
        return made

    return declare


def _at_desk(function: Handler, word_of: Any, name: str) -> Any:
    async def served(view: View, **given: Any) -> Page:
        return await function(view, Desk(given.pop(name), word_of), **given)

    parameters = list(inspect.signature(function, eval_str=True).parameters.values())
    desk = parameters[1].replace(name=name, annotation=UUID)
    served.__signature__ = inspect.Signature([parameters[0], desk, *parameters[2:]])  # type: ignore[attr-defined]
    served.__name__ = f"{function.__name__}_{word_of}"
    served.__doc__, served.__module__ = function.__doc__, function.__module__
    return served


def twin(handler: HTTPRouteHandler) -> HTTPRouteHandler:
    """The route of cases that does what one of applications does."""
    declared = handler.opt["route"]
    path = declared.path.replace("/applications/{application_id}", "/cases/{case_id}")
    return next(
        one for one in CASE_ROUTES if one.opt["route"].path == path and one.opt["route"].method == declared.method
    )


async def read(view: View, desk: Desk) -> Told:
    """The application as it stands, with its revision. A case is read as the application that it is."""
    return await view.ask(api.read_application, path={"application_id": desk.id})


async def read_to_write(view: View, desk: Desk) -> Told:
    """The same. Raises WrongState where it can be written no more."""
    told = await read(view, desk)
    if not application_may(told.view.state, Capability.EDIT):
        raise errors.WrongState(
            _("An application that is {state} cannot be edited.", state=word("application", told.view.state).text)
        )
    return told


async def save(
    view: View, desk: Desk, changes: Mapping[str, Any], keep: Mapping[str, str], names: Collection[str]
) -> Told | None:
    """Save sections; None when the API refuses them, with what is wrong beside the fields named."""
    body = dict(changes) | ({"keep": dict(keep)} if keep else {})
    revision = view.form.get("revision", "")
    told = await view.attempt(
        api.change_application,
        path={"application_id": desk.id},
        body=body,
        revision=int(revision) if re.fullmatch(r"[0-9]{1,9}", revision) else None,
    )
    if told is None and view.problem is not None:
        put_beside(view.problem, names)
    return told


def put_beside(problem: errors.MerchantError, names: Collection[str]) -> None:
    """Let each problem name the field that it is about: of an item of a list, the field that holds the list."""
    problem.errors = tuple(
        msgspec.structs.replace(one, path=_field_of(one.path.removeprefix("keep."), names)) for one in problem.errors
    )


def _field_of(path: str, names: Collection[str]) -> str:
    shorter = path
    while shorter and shorter not in names:
        cut = max(shorter.rfind("."), shorter.rfind("["))
        shorter = shorter[:cut] if cut > 0 else ""
    return shorter or path


def saved(view: View, told: Told, desk: Desk, section: str, stay: str = "") -> Page:
    """Where one goes once it is saved: on, back, or nowhere when the page saved by itself.

    `stay` is where an owner's or a place's page leads back to: their list.
    """
    if is_autosave(view):
        return Response(b"", status_code=204, headers={"x-revision": str(told.revision), "cache-control": "no-store"})
    if view.form.get("deed") == "on":
        return view.go(following(desk, section))
    return view.go(stay or desk.edit, _("Saved."))


def refused(view: View) -> Page | None:
    """The answer to a page that saved by itself and was refused; None for a press, which shows the page again."""
    if not is_autosave(view) or view.problem is None:
        return None
    return Response(b"", status_code=view.problem.status, headers={"cache-control": "no-store"})


def is_autosave(view: View) -> bool:
    """Whether the page saves by itself (static/write.js)."""
    return view.request.headers.get(AUTOSAVE) == "1"


def following(desk: Desk, section: str) -> str:
    """The page of the next section; after the last, the look over all of them."""
    at = ORDER.index(section) + 1
    return f"{desk.edit}/{ORDER[at] if at < len(ORDER) else 'review'}"


async def section_page(
    view: View,
    desk: Desk,
    section: str,
    groups: Sequence[Group],
    start: Mapping[str, str],
    *,
    told: Told,
    title: str = "",
    action: str = "",
    template: str = SECTION_PAGE,
    **content: Any,
) -> Page:
    """The page of a section: its form, and what is missing beside it."""
    case: ApplicationView = told.view
    stale = view.problem is not None and view.problem.code == errors.StaleVersion.code
    revision = told.revision if stale or not view.form.get("revision") else view.form["revision"]
    return view.page(
        template,
        desk=desk,
        case=case,
        section=section,
        title=title or word("section", section).text,
        action=action or view.request.url.path,
        groups=groups,
        start=start,
        revision=revision,
        stale=stale,
        missing=gaps_of(desk, case.requirements)[:_MOST_LISTED],
        needs=case.requirements,
        needed=frozenset(one.path for one in case.requirements.currently_due),
        returned=returned_in(case, section),
        **content,
    )


def gaps_of(desk: Desk, needs: kyb.Requirements) -> list[Gap]:
    """What the next step lacks or would be refused for, in the order of the sections."""
    found = dict[tuple[str, str], Gap]()
    for one in (*needs.errors, *needs.past_due, *needs.currently_due):
        found.setdefault((one.path, one.message), gap_of(desk, one))
    return sorted(found.values(), key=lambda one: ORDER.index(one.section))


def gap_of(desk: Desk, one: kyb.Requirement) -> Gap:
    """Where something is mended: the field of an answer, or the page on which a check is written down."""
    path, text = one.path, one.message
    place = _PLACE.fullmatch(path)
    if place is None or (one.code in _UNPROVED and not place[3]):
        return Gap(text, f"{desk.path}/{'phone-code' if path == 'contact' else 'verify'}", "documents", path)
    section, index, field = place.groups()
    page = "account" if section == "settlement_account" else section
    href = f"{desk.edit}/{page}" + (f"/{index}" if index is not None else "")
    return Gap(text, f"{href}#f-{path}" if field else href, page, path)


def returned_in(case: ApplicationView, section: str) -> list[Any]:
    """What a checker gave back in a section and nobody answered yet."""
    answer = "settlement_account" if section == "account" else section
    return [one for one in case.returned_items or () if not one.resolved and re.split(r"[.\[]", one.path)[0] == answer]


def kept(masked: Mapping[str, str], form: Mapping[str, str]) -> dict[str, str]:
    """The masked answers of a page that stay: left empty, not taken away, and still those that the page showed."""
    return {
        path: path
        for path, mask in masked.items()
        if not form.get(path) and form.get(f"remove.{path}") != "yes" and form.get(f"was.{path}") == mask
    }


def masked_field(view: View, field: Field, mask: str | None) -> list[Field]:
    """A field whose answer is masked: left empty it stays; a second field takes it away.

    The page says which mask it showed, so that nobody's number comes to stand beside the name of somebody else.
    """
    was = f"was.{field.name}"
    if not mask or view.form.get(was, mask) != mask:
        return [field, Field(was, "", "hidden")] if was in view.form else [field]
    hint = _("There is one: {mask}. Leave this empty to keep it.", mask=mask)
    return [
        msgspec.structs.replace(field, hint=hint, required=False),
        Field(was, "", "hidden", value=mask),
        Field(f"remove.{field.name}", _("Take it away"), "check"),
    ]
