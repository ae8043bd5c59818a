"""Acts: a page that says what will follow and asks for what is needed, and the form that does it through the API.

Everything that changes something and is more than one press has such a page: it names the thing, the effect, and the
way back. `act_screens` makes its two screens of one declaration.
"""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Literal
from uuid import UUID

from litestar.handlers import HTTPRouteHandler
from msgspec import Struct

from merchant.core.access import Permission
from merchant.core.http.declared import Route
from merchant.portal.ui import screen as screens
from merchant.portal.ui.fields import Field, collect, start_of
from merchant.portal.ui.layout import Kind
from merchant.portal.ui.pages import Page
from merchant.portal.ui.screen import EVERYONE, Screen, View

_TEMPLATE, _RESULT = "act.html", "result.html"
ONCE, REVISION = "once", "revision"


class Subject(Struct, frozen=True):
    """What an act is about: its name, the revision that was looked at, and values the form starts with."""

    name: str = ""
    revision: int | None = None
    start: Mapping[str, str] = {}
    facts: Sequence[tuple[str, Any]] = ()  # label and value, shown above the form
    fields: Sequence[Field] | None = None  # instead of the act's own, where they depend on the thing


Subjects = Callable[[View, dict[str, Any]], Awaitable[Subject]]


def subject_of(
    handler: HTTPRouteHandler, name: Callable[[Any], str], start: Callable[[Any], Mapping[str, Any]] | None = None
) -> Subjects:
    """What an act is about, as a route of the API reads it by the names in the act's path.

    `name` and `start` tell of what was read what it is called, and the values that the form starts with.
    """
    declared: Route = handler.opt["route"]

    async def read(view: View, given: dict[str, Any]) -> Subject:
        told = await view.ask(handler, path={one: given[one] for one in declared.path_types})
        return Subject(name(told.view), told.revision, start_of(start(told.view)) if start else {})

    return read


class Act(Struct, frozen=True, kw_only=True):
    """One act: a route of the API that changes something, and the page that asks for it.

    `title` and `effect` may hold `{name}`, the subject's name. `to` is where one goes after, with the path's names.
    """

    path: str
    handler: HTTPRouteHandler
    title: str
    effect: str
    button: str
    to: str
    done: str | Callable[[Any], str] = ""  # or a function of what the route answered
    permission: Permission | None = None
    kinds: frozenset[Kind] = EVERYONE
    fields: Sequence[Field] = ()
    body: Mapping[str, Any] = {}
    body_of: Callable[[View], Mapping[str, Any]] | None = None  # instead of what the fields make
    tone: Literal["act", "bad"] = "act"
    subject: Subjects | None = None
    # The names in the route's path, where the page's own path does not hold them.
    names: Callable[[View, dict[str, Any]], Awaitable[dict[str, Any]]] | None = None
    # Shown once on a page of its own instead of going on: a key's secret. Sentence above it, then label and field.
    reveal: tuple[str, Sequence[tuple[str, str]]] | None = None


def act_screens(act: Act) -> list[HTTPRouteHandler]:
    """The page of an act and its form's handler."""
    declared: Route = act.handler.opt["route"]
    permission = act.permission or _permission_of(declared)

    async def show(view: View, given: dict[str, Any], status: int = 200) -> Page:
        subject = await act.subject(view, given) if act.subject else Subject()
        return view.page(
            _TEMPLATE,
            status=status,
            act=act,
            fields=act.fields if subject.fields is None else subject.fields,
            subject=subject,
            start=dict(subject.start) | view.form,
            back=act.to.format(**given),
            needs_key=declared.idempotency_key is not None,
        )

    async def do(view: View, given: dict[str, Any]) -> Page:
        subject = await act.subject(view, given) if act.subject else Subject()
        fields = act.fields if subject.fields is None else subject.fields
        what: dict[str, Any] = {"path": await act.names(view, given) if act.names else given}
        if declared.idempotency_key is not None:
            what["key"] = view.form.get(ONCE)
        if declared.if_match:
            what["revision"] = number(view.form.get(REVISION, ""))
        body = dict(act.body_of(view) if act.body_of else collect(view.form, fields)) | dict(act.body)
        told = await view.attempt(act.handler, body=body, **what)
        if told is None:
            return await show(view, given)
        if act.reveal is not None:
            sentence, shown = act.reveal
            facts = [(label, getattr(told.view, name)) for label, name in shown]
            return view.page(_RESULT, act=act, sentence=sentence, facts=facts, back=act.to.format(**given))
        done = act.done(told.view) if callable(act.done) else act.done
        return view.go(act.to.format(**given), done, name=subject.name)

    return [
        _screen("GET", act.path, act.title, permission, act.kinds, declared, show),
        _screen("POST", act.path, act.title, permission, act.kinds, declared, do),
    ]


def press_screen(
    path: str,
    handler: HTTPRouteHandler,
    shown: HTTPRouteHandler,
    done: str,
    *,
    kinds: frozenset[Kind] = EVERYONE,
    from_several: bool = False,
) -> HTTPRouteHandler:
    """The form's handler of one press that needs no words: a route of the API, and back to the page that has it.

    `shown` is that page's screen; it tells what the route refuses, too. Of a press that several pages have, it is one
    of them, and the way back is the page that was pressed on.
    """
    declared: Route = handler.opt["route"]
    page: Screen = shown.opt["screen"]

    async def do(view: View, given: dict[str, Any]) -> Page:
        here = {name: value for name, value in given.items() if f"{{{name}}}" in page.path}
        there = page.path.format(**here)
        return await view.act(
            handler,
            path=given,
            to=view.back(there) if from_several else there,
            done=done,
            again=lambda: screens.show(shown, view, **here),
        )

    return _screen("POST", path, done, _permission_of(declared), kinds, declared, do)


def _permission_of(declared: Route) -> Permission | None:
    """What the screens of a route ask for."""
    # Where a merchant's own people need another permission than staff, the route itself asks which of them one has.
    is_asked_later = declared.operation_checks_permission or declared.own_permission is not None
    return None if is_asked_later else declared.permission


def _screen(
    method: Literal["GET", "POST"],
    path: str,
    title: str,
    permission: Permission | None,
    of: frozenset[Kind],
    declared: Route,
    work: Callable[[View, dict[str, Any]], Awaitable[Page]],
) -> HTTPRouteHandler:
    """A screen whose path's names go to `work` as one dict."""
    kinds = {name: declared.path_types.get(name, UUID) for name in re.findall(r"\{(\w+)\}", path)}

    async def handle(view: View) -> Page:
        given = view.request.path_params
        return await work(view, {name: screens.READ_NAME[kind](given[name]) for name, kind in kinds.items()})

    handle.__name__ = f"{method.lower()}_{re.sub(r'[^a-z]+', '_', path.lower()).strip('_')}"
    handle.__doc__, handle.__module__ = title, __name__
    return screens.screen(method, path, permission=permission, kinds=of, own_permission=declared.own_permission)(handle)


def number(text: str) -> int | None:
    """A whole number as a hidden field holds it; None for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
