"""The owners of an application: their list, and a page for each."""

from collections.abc import Sequence
from typing import Any

from kyb import codes, fields
from kyb.applicant import owner_name
from merchant.compliance.cases.schemas import ApplicationView
from merchant.core import errors
from merchant.core.http.inside import Told
from merchant.core.texts import _
from merchant.portal.staff import choices, items
from merchant.portal.staff.writing import (
    Desk,
    Group,
    kept,
    masked_field,
    put_beside,
    read_to_write,
    refused,
    save,
    saved,
    section_page,
    written,
)
from merchant.portal.ui.fields import Field, collect, start_of
from merchant.portal.ui.pages import Page
from merchant.portal.ui.screen import View

_LIST_PAGE, _OWNER_PAGE = f"{__package__}/owners.html", f"{__package__}/owner.html"
_SAME = "same_as_contact"


@written("GET", "/edit/owners")
async def owners(view: View, desk: Desk) -> Page:
    """The owners; the page of the first where there is none yet."""
    told = await read_to_write(view, desk)
    if not told.view.owners:
        return await _owner_page(view, desk, told, 0)
    return await _list_page(view, desk, told)


async def _list_page(view: View, desk: Desk, told: Told) -> Page:
    names = [owner_name(one) for one in told.view.owners]
    return await section_page(view, desk, "owners", (), {}, told=told, template=_LIST_PAGE, names=names)


def _groups(view: View, case: ApplicationView, index: int) -> list[Group]:
    at = f"owners[{index}]"
    owner = case.owners[index] if index < len(case.owners) else None
    language, home = view.spoken.language, view.scheme.country
    lands = choices.countries(language, home)
    paper = Field(f"{at}.id_number", _("Number of that document"), most=fields.MAX_IDENTIFIER_CHARS)
    birth = Field(f"{at}.birth_date", _("Date of birth"), hint=_("Such as 1984-03-27, or only the year."), most=10)
    person = [
        Field(f"{at}.given_name", _("Given name"), most=fields.MAX_PERSON_NAME_CHARS),
        Field(f"{at}.family_name", _("Family name"), most=fields.MAX_PERSON_NAME_CHARS),
        *masked_field(view, birth, owner.birth_date if owner else None),
        Field(f"{at}.id_type", _("Identity document"), "choice", choices=choices.named("paper", codes.ID_TYPES)),
        *masked_field(view, paper, owner.id_number if owner else None),
        Field(f"{at}.nationality", _("Nationality"), "choice", choices=lands),
    ]
    reach = [
        Field(f"{at}.phone", _("Phone number"), "phone", hint=_("With + and the country's code."), most=40),
        Field(f"{at}.email", _("E-mail address"), "email", most=fields.MAX_EMAIL_CHARS),
    ]
    if case.contact.phone or case.contact.email:
        reach.insert(0, Field(_SAME, _("The same phone and e-mail address as the contact"), "check"))
    share = [
        Field(f"{at}.ownership_percent", _("Share in percent"), "decimal", most=6),
        Field(f"{at}.is_director", _("Runs the business (director, partner)"), "check"),
    ]
    others = [
        (one.ref, owner_name(one) or one.ref) for place, one in enumerate(case.owners) if place != index and one.ref
    ]
    firm = [
        Field(f"{at}.kind", _("Who owns"), "choice", choices=choices.named("owner", codes.OWNER_KINDS)),
        Field(f"{at}.legal_name", _("Registered name of the company"), most=fields.MAX_LEGAL_NAME_CHARS),
        Field(f"{at}.registration_number", _("Its number in the register"), most=fields.MAX_IDENTIFIER_CHARS),
        Field(f"{at}.country", _("Country in which it is registered"), "choice", choices=lands),
        Field(
            f"{at}.ref",
            _("Short name of this owner"),
            hint=_("A company that others own needs one, so that they can name it."),
            most=fields.MAX_REF_CHARS,
        ),
    ]
    if others:
        firm.append(Field(f"{at}.owns", _("Owns a share of"), "choice", choices=others))
    return [
        Group("", person),
        Group(_("Share and part"), share),
        Group(_("How to reach this person"), reach),
        Group(_("A company, or the owner of one"), firm, folded=True),
    ]


async def _owner_page(view: View, desk: Desk, told: Told, index: int) -> Page:
    case: ApplicationView = told.view
    if index > len(case.owners) or index >= fields.MAX_OWNERS:
        raise errors.NotFound
    start: dict[str, str] = {}
    if index < len(case.owners):
        start = start_of(case.owners[index], f"owners[{index}]")
        for name in items.MASKED:
            start.pop(f"owners[{index}].{name}", None)
        title = owner_name(case.owners[index]) or _("An owner")
    else:
        title = _("Another owner") if case.owners else _("The owner")
    return await section_page(
        view,
        desk,
        "owners",
        _groups(view, case, index),
        start,
        told=told,
        title=title,
        action=f"{desk.edit}/owners/{index}",
        template=_OWNER_PAGE,
        index=index,
        there=index < len(case.owners),
    )


@written("GET", "/edit/owners/{index}")
async def owner(view: View, desk: Desk, index: int) -> Page:
    """One owner; the one behind the last is a new one."""
    return await _owner_page(view, desk, await read_to_write(view, desk), index)


@written("POST", "/edit/owners/{index}")
async def save_owner(view: View, desk: Desk, index: int) -> Page:
    """Save an owner, beside the others as they are."""
    told = await read_to_write(view, desk)
    case: ApplicationView = told.view
    if index > len(case.owners):
        raise errors.NotFound
    shown = [one for group in _groups(view, case, index) for one in group.fields]
    given = _given(view, case, shown, index)
    if index == len(case.owners) and not any(given.values()) and told.revision is not None:
        return saved(view, told, desk, "owners", f"{desk.edit}/owners" if case.owners else "")  # nobody was named
    there = items.owners_as_sent(case.owners)
    there[index : index + 1] = [given]
    masked = items.masked_of(case.owners)
    own = {path: mask for path, mask in masked.items() if path.startswith(f"owners[{index}].")}
    keep = kept(own, view.form) | {path: path for path in masked if path not in own}
    done = await save(view, desk, {"owners": there}, keep, [one.name for one in shown])
    if done is None:
        return refused(view) or await _owner_page(view, desk, await read_to_write(view, desk), index)
    return saved(view, done, desk, "owners", f"{desk.edit}/owners")


def _given(view: View, case: ApplicationView, shown: Sequence[Field], index: int) -> dict[str, Any]:
    """What the form says of the owner."""
    found: list[Any] = collect(view.form, shown).get("owners", [])
    given: dict[str, Any] = found[index] if index < len(found) else {}
    if view.form.get(_SAME) == "yes":
        same = {name: value for name in ("phone", "email") if (value := getattr(case.contact, name))}
        given |= same
    return given


@written("POST", "/edit/owners/{index}/remove")
async def remove_owner(view: View, desk: Desk, index: int) -> Page:
    """Take an owner away."""
    told = await read_to_write(view, desk)
    if index >= len(told.view.owners):
        raise errors.NotFound
    try:
        await items.check_no_documents(view, desk, "owners", index)
    except items.DocumentsBehind as refusal:
        view.problem = refusal
        return await _list_page(view, desk, told)
    changes, keep = items.without_owner(told.view, index)
    done = await save(view, desk, changes, keep, ())
    if done is None:
        if view.problem is not None:
            put_beside(view.problem, ())
        return await _list_page(view, desk, await read_to_write(view, desk))
    return view.go(f"{desk.edit}/owners", _("Taken away."))


ROUTES = [*owners, *owner, *save_owner, *remove_owner]
