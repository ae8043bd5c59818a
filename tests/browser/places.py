"""Every page there is, and somebody who may see it: taken from the screens that are declared."""

from collections.abc import Iterator, Mapping

from msgspec import Struct

from merchant.portal.ui import layout
from merchant.portal.ui.screen import Screen
from merchant.programs.slices import ROUTES
from tests.builders import Person

# Pages that nobody signs in for; paths with {names} are filled with what the world of the tests has.
PUBLIC = (
    "/",
    "/sign-in",
    "/sign-in/code",
    "/forgotten",
    "/register",
    "/register/claim",
    "/q",
    "/q/{alias}",
    "/q/{alias}?amount=3.20",
    "/q/{alias}?amount=x",
    "/q/{alias}?sticker=9",
    "/q/{alias}/phone",
    "/q/{alias}/report",
    "/q/{code}",
    "/r/nothing",
    "/q/nothing",
    "/nothing",
    "/docs",
    "/docs/errors",
)
# What the names in paths stand for besides the things of tests/api/everything.py.
NAMES = {"index": "1", "name": "name", "version": "1"}
# No pages: files, which a browser saves, and the worker's script.
FILES = frozenset({"/shop/sw.js"})


class Visit(Struct, frozen=True):
    """Who looks at which page."""

    person: Person | None
    path: str


def screens() -> list[Screen]:
    """The pages that are declared, by their path."""
    declared = [handler.opt["screen"] for handler in ROUTES if "screen" in getattr(handler, "opt", {})]
    return sorted((one for one in declared if one.method == "GET" and one.path not in FILES), key=lambda one: one.path)


def visits(people: Mapping[str, Person], things: Mapping[str, str]) -> Iterator[Visit]:
    """Every public page, and every screen with the first of these people who may see it."""
    for path in PUBLIC:
        yield Visit(None, path.format(**things))
    for screen in screens():
        person = next((one for one in people.values() if may_see(one, screen)), None)
        if person is not None:
            yield Visit(person, screen.path.format(**{**NAMES, **things}))


def may_see(person: Person, screen: Screen) -> bool:
    """Whether a screen is for somebody of this kind, with these permissions."""
    actor = person.actor
    asked = {screen.permission, screen.own_permission if actor.merchant_id else None} - {None}
    return layout.kind_of(actor) in screen.kinds and (screen.permission is None or bool(asked & actor.permissions))
