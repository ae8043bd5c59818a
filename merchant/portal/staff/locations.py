"""The places of a business with their counters: their list, and a page for each place."""

from collections.abc import Sequence
from typing import Any

import msgspec

from kyb import codes, fields
from merchant.compliance.cases.schemas import ApplicationView
from merchant.core import errors
from merchant.core.http.inside import Told
from merchant.core.texts import _
from merchant.portal.staff import choices, items
from merchant.portal.staff.writing import (
    Desk,
    Group,
    read_to_write,
    refused,
    save,
    saved,
    section_page,
    written,
)
from merchant.portal.ui.acts import number
from merchant.portal.ui.fields import Field, collect, start_of
from merchant.portal.ui.pages import Page
from merchant.portal.ui.screen import View

_LIST_PAGE, _PLACE_PAGE = f"{__package__}/locations.html", f"{__package__}/location.html"
_COUNTERS_A_PAGE = 40  # of two fields each: a form has an end (core/http/forms.py)
_FROM, _ADD, _REMOVE = "counters_from", "add_counter", "remove_counter"


@written("GET", "/edit/locations")
async def locations(view: View, desk: Desk) -> Page:
    """The places; the page of the first where there is none yet."""
    told = await read_to_write(view, desk)
    if not told.view.locations:
        return await _place_page(view, desk, told, 0)
    return await _list_page(view, desk, told)


async def _list_page(view: View, desk: Desk, told: Told) -> Page:
    return await section_page(view, desk, "locations", (), {}, told=told, template=_LIST_PAGE)


def _groups(view: View, case: ApplicationView, index: int) -> list[Group]:
    at, place = f"locations[{index}]", case.locations[index] if index < len(case.locations) else None
    country = (place.country if place else None) or view.scheme.country
    lands = choices.countries(view.spoken.language, view.scheme.country)
    return [
        Group(
            "",
            [
                Field(f"{at}.name", _("Name of the place"), hint=_("Such as “Market” or “Main street”."), most=128),
                Field(f"{at}.kind", _("What it is"), "choice", choices=choices.named("place", codes.LOCATION_KINDS)),
                Field(f"{at}.country", _("Country"), "choice", choices=lands),
                Field(f"{at}.city", _("Town"), most=fields.MAX_CITY_CHARS),
                Field(f"{at}.address_lines", _("Street and house"), "lines", hint=_("One part a line."), most=500),
                Field(f"{at}.website", _("Web site"), hint=_("Such as https://shop.example."), most=255),
            ],
        ),
        Group(
            _("More about the place"),
            [
                Field(f"{at}.subdivision", _("County or state"), suggests=choices.subdivisions(country), most=10),
                Field(f"{at}.postal_code", _("Postal code"), most=fields.MAX_POSTAL_CODE_CHARS),
                Field(f"{at}.latitude", _("Latitude"), "decimal", hint=_("Such as -1.2921."), most=12),
                Field(f"{at}.longitude", _("Longitude"), "decimal", hint=_("Such as 36.8219."), most=12),
            ],
            folded=True,
        ),
    ]


def _counter_fields(index: int, positions: Sequence[int]) -> list[Field]:
    found = []
    for at in positions:
        path = f"locations[{index}].counters[{at}]"
        found.append(Field(f"{path}.name", _("Name of the counter"), most=fields.MAX_NAME_CHARS))
        found.append(Field(f"{path}.own_alias", _("Its own number or word"), most=32))
    return found


def _window(view: View, count: int) -> tuple[int, int]:
    """Which counters a page shows: from which one, and to which."""
    text = view.form.get(_FROM) or view.query.get(_FROM, "")
    first = min(number(text) or 0, max(count - 1, 0))
    return first, min(first + _COUNTERS_A_PAGE, count)


async def _place_page(view: View, desk: Desk, told: Told, index: int) -> Page:
    case: ApplicationView = told.view
    if index > len(case.locations) or index >= fields.MAX_LOCATIONS:
        raise errors.NotFound
    there = index < len(case.locations)
    place = case.locations[index] if there else None
    start = start_of(place, f"locations[{index}]") if place else _new_place(view, case, index)
    count = len(place.counters) if place else 0
    first, last = _window(view, count)
    positions = list(range(first, last))
    if not count or view.query.get("add") == "1" or f"locations[{index}].counters[{count}].name" in view.form:
        positions.append(count)
    pairs = [_counter_fields(index, [at]) for at in positions]
    return await section_page(
        view,
        desk,
        "locations",
        _groups(view, case, index),
        start,
        told=told,
        title=(place.name or place.city or _("A place"))
        if place
        else (_("Another place") if case.locations else _("The place")),
        action=f"{desk.edit}/locations/{index}",
        template=_PLACE_PAGE,
        index=index,
        counters=list(zip(positions, pairs, strict=True)),
        count=count,
        first=first,
        step=_COUNTERS_A_PAGE,
        following=last if last < count else None,
    )


def _new_place(view: View, case: ApplicationView, index: int) -> dict[str, str]:
    """What a new place starts with: the country, and the town of the one before."""
    at, before = f"locations[{index}]", case.locations[-1] if case.locations else None
    found = {f"{at}.country": view.scheme.country, f"{at}.kind": "physical"}
    if before is not None:
        found |= {f"{at}.country": before.country or view.scheme.country, f"{at}.city": before.city or ""}
    return found


@written("GET", "/edit/locations/{index}")
async def location(view: View, desk: Desk, index: int) -> Page:
    """One place; the one behind the last is a new one."""
    return await _place_page(view, desk, await read_to_write(view, desk), index)


@written("POST", "/edit/locations/{index}")
async def save_location(view: View, desk: Desk, index: int) -> Page:
    """Save a place, beside the others as they are."""
    told = await read_to_write(view, desk)
    case: ApplicationView = told.view
    if index > len(case.locations):
        raise errors.NotFound
    place, counter_fields = _given(view, case, index)
    there = [msgspec.to_builtins(one) for one in case.locations]
    there[index : index + 1] = [place]
    names = [one.name for group in _groups(view, case, index) for one in group.fields]
    names += [one.name for one in counter_fields]
    done = await save(view, desk, {"locations": there}, {}, names)
    if done is None:
        return refused(view) or await _place_page(view, desk, await read_to_write(view, desk), index)
    here = f"{desk.edit}/locations/{index}"
    if _ADD in view.form:
        count = len(done.view.locations[index].counters)
        return view.go(
            f"{here}?add=1&{_FROM}={max(count - _COUNTERS_A_PAGE + 1, 0)}#f-locations[{index}].counters[{count}].name"
        )
    if _REMOVE in view.form:
        return view.go(here, _("Taken away."))
    return saved(view, done, desk, "locations", f"{desk.edit}/locations")


def _given(view: View, case: ApplicationView, index: int) -> tuple[dict[str, Any], list[Field]]:
    """What the form says of the place, and the fields of its counters. Counters that the page did not show stay."""
    stored = case.locations[index] if index < len(case.locations) else None
    counters: list[dict[str, Any]] = [msgspec.to_builtins(one) for one in stored.counters] if stored else []
    found: list[Any] = collect(view.form, [one for group in _groups(view, case, index) for one in group.fields]).get(
        "locations", []
    )
    place: dict[str, Any] = found[index] if index < len(found) else {}
    if stored is not None and stored.id is not None:
        place["id"] = stored.id
    shown = [at for at in range(len(counters) + 1) if f"locations[{index}].counters[{at}].name" in view.form]
    removed = view.form.get(_REMOVE, "")
    for at in reversed(shown):
        path = f"locations[{index}].counters[{at}]"
        name, alias = view.form.get(f"{path}.name"), view.form.get(f"{path}.own_alias")
        answer = {key: text for key, text in (("name", name), ("own_alias", alias)) if text}
        if at < len(counters):
            if removed == str(at):
                del counters[at]
            else:
                same = {"id": counters[at]["id"]} if "id" in counters[at] else {}
                counters[at] = answer | same
        elif answer:
            counters.append(answer)
    place["counters"] = counters
    return place, _counter_fields(index, shown)


@written("POST", "/edit/locations/{index}/remove")
async def remove_location(view: View, desk: Desk, index: int) -> Page:
    """Take a place with its counters away."""
    told = await read_to_write(view, desk)
    if index >= len(told.view.locations):
        raise errors.NotFound
    try:
        await items.check_no_documents(view, desk, "locations", index)
    except items.DocumentsBehind as refusal:
        view.problem = refusal
        return await _list_page(view, desk, told)
    there = [msgspec.to_builtins(one) for one in told.view.locations]
    del there[index]
    if await save(view, desk, {"locations": there}, {}, ()) is None:
        return await _list_page(view, desk, await read_to_write(view, desk))
    return view.go(f"{desk.edit}/locations", _("Taken away."))


ROUTES = [*locations, *location, *save_location, *remove_location]
