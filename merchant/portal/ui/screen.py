"""A screen: one page of the portal, for those who may see it, showing and doing what the API shows and does.

`screen(...)` makes a handler of a function on a `View`. The guard that routes have finds out who asks (by the session's
cookie) and whether they may; a form is read and held against the session's secret; the page is drawn in the layout and
language of the person who looks. `View.ask` calls a route of the API from within, so that a page has no rules of its
own; what the route refuses is told beside the form that was sent.
"""

import inspect
import re
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any, Concatenate, Literal
from urllib.parse import urlencode, urlsplit
from uuid import UUID

from litestar.handlers import HTTPRouteHandler
from msgspec import Struct

from merchant.core import errors
from merchant.core.access import Actor, Permission
from merchant.core.http import forms, inside
from merchant.core.http import json as web
from merchant.core.http.inside import Told
from merchant.core.http.multipart import SentFile
from merchant.core.service import SchemeFacts, Service
from merchant.core.settings import Settings
from merchant.portal.ui import languages, layout, pages, session
from merchant.portal.ui.fields import Field, collect
from merchant.portal.ui.layout import Kind
from merchant.portal.ui.pages import Page, Req
from merchant.portal.ui.session import Flash

EVERYONE = frozenset(Kind)
STAFF = frozenset({Kind.HUB, Kind.DFSP})
READ_NAME: Mapping[Any, Callable[[str], Any]] = {UUID: web.path_id, int: web.path_number, str: str}


class Screen(Struct, frozen=True):
    """What a screen declares of itself: who may see it."""

    method: Literal["GET", "POST"]
    path: str
    permission: Permission | None
    kinds: frozenset[Kind]
    own_permission: Permission | None = None  # enough for a merchant's own people
    public: bool = False
    operation_checks_permission: bool = False


class View:
    """One look at a screen, or one form that was sent to it."""

    def __init__(self, request: Req, scheme: SchemeFacts, flash: Flash | None) -> None:
        self.request = request
        self.scheme = scheme
        self.flash = flash
        self.spoken = languages.spoken_with(request)
        self.form: dict[str, str] = {}
        self.file: SentFile | None = None
        self.problem: errors.MerchantError | None = None
        request.scope["state"]["language"] = self.spoken.language

    @property
    def service(self) -> Service:
        """The process's service."""
        return web.service_of(self.request)

    @property
    def actor(self) -> Actor:
        """Who looks."""
        return web.actor_of(self.request)

    @property
    def kind(self) -> Kind:
        """Which kind of person looks."""
        return layout.kind_of(self.actor)

    @property
    def query(self) -> Mapping[str, str]:
        """What stands behind the `?`."""
        return self.request.query_params

    @property
    def wrong(self) -> dict[str, str]:
        """What is wrong with the form that was sent, by the field's path."""
        return {one.path: one.message for one in self.problem.errors} if self.problem else {}

    def back(self, otherwise: str) -> str:
        """The page of ours that a press came from, else another."""
        told = urlsplit(self.request.headers.get("referer", ""))
        is_ours = told.netloc == self.request.headers.get("host")
        return (pages.own_path(told.path) if is_ours else "") or otherwise

    def may(self, permission: Permission) -> bool:
        """Whether who looks holds a permission."""
        return permission in self.actor.permissions

    async def ask(self, handler: HTTPRouteHandler, **what: Any) -> Told:
        """Call a route of the API (core/http/inside.py). Raises what it refuses with."""
        return await inside.ask(self.request, handler, **what)

    async def all_of(self, handler: HTTPRouteHandler, most: int = 500, **what: Any) -> list[Any]:
        """The views of a list that has few rows, page after page, at most `most` of them."""
        query: dict[str, str] = dict(what.pop("query", {}))
        found: list[Any] = []
        while len(found) < most:
            told = await self.ask(handler, query=query, **what)
            found += told.view
            if told.next_cursor is None:
                break
            query["cursor"] = told.next_cursor
        return found[:most]

    def page(self, template: str, *, status: int = 200, **content: Any) -> Page:
        """A page in the layout of who looks; 4xx when a form was refused."""
        if self.problem is not None:
            status = self.problem.status
        return pages.respond(
            self.request,
            template,
            status,
            scripts=True,
            view=self,
            form=self.form,
            wrong=self.wrong,
            problem=self.problem,
            flash=self.flash,
            csrf=session.csrf_token(self.service, self.actor),
            actor=self.actor,
            layout=layout.layout_of(self.actor, self.request.url.path),
            scheme=self.scheme,
            zone=layout.zone_of(self.scheme),
            **content,
        )

    def go(self, path: str, done: str = "", tone: Literal["good", "wait", "bad"] = "good", **values: Any) -> Page:
        """See Other: to a page of ours, which tells what was done."""
        response = pages.redirect(path)
        if done:
            session.keep_flash(
                self.service, response, Flash(done, {name: str(one) for name, one in values.items()}, tone)
            )
        return response

    async def act(
        self,
        handler: HTTPRouteHandler,
        *,
        to: str | Callable[[Any], str],
        again: Callable[[], Awaitable[Page]],
        done: str = "",
        fields: Collection[Field] = (),
        body: Any = None,
        **what: Any,
    ) -> Page:
        """Do what a form asks for, then go on; or show its page again with what was wrong.

        `fields` make the body of the form; `body` is laid over it. `to` may be a function of what the route answered.
        """
        told = await self.attempt(handler, body=collect(self.form, fields) | (body or {}), **what)
        if told is None:
            return await again()
        return self.go(to(told.view) if callable(to) else to, done)

    async def attempt(self, handler: HTTPRouteHandler, **what: Any) -> Told | None:
        """Call a route of the API; None when it refuses what was entered, which the page then tells (`problem`)."""
        try:
            return await self.ask(handler, **what)
        except errors.MerchantError as refused:
            if refused.status in (401, 404) or refused.status >= 500:
                raise
            web.note_refusal(self.request, refused)
            self.problem = refused
            return None


Handler = Callable[Concatenate[View, ...], Awaitable[Page]]


def screen(
    method: Literal["GET", "POST"],
    path: str,
    *,
    permission: Permission | None = None,
    kinds: frozenset[Kind] = EVERYONE,
    own_permission: Permission | None = None,
    upload_bytes: Callable[[Settings], int] | None = None,
    reads_form: bool = True,
) -> Callable[[Handler], HTTPRouteHandler]:
    """Declare a screen for those of some kinds who hold a permission; None is everyone of those kinds.

    The function takes a `View` and the path's names, as a route's does. With `upload_bytes` a form may carry a file.
    Without `reads_form` the function reads it, and holds it against the session: one with a file too large for memory.
    """

    def declare(function: Handler) -> HTTPRouteHandler:
        declared = Screen(method, path, permission, kinds, own_permission)
        parameters = inspect.signature(function, eval_str=True).parameters
        names = {name: parameters[name].annotation for name in re.findall(r"\{(\w+)\}", path) if name in parameters}

        async def handle(request: Req) -> Page:
            actor = web.actor_of(request)
            if actor.kind != "user" or layout.kind_of(actor) not in kinds:
                raise errors.NotFound
            given = {name: READ_NAME[kind](request.path_params[name]) for name, kind in names.items()}
            service = web.service_of(request)
            view = View(request, await service.scheme(), session.read_flash(service, request.headers))
            if method == "POST" and reads_form:
                await _read_form(view, upload_bytes)
            response = await function(view, **given)
            if view.flash is not None:
                session.drop_flash(service, response)
            return response

        handle.__name__, handle.__doc__, handle.__module__ = function.__name__, function.__doc__, function.__module__
        return HTTPRouteHandler(
            re.sub(r"\{(\w+)\}", r"{\1:str}", path),
            http_method=method,
            status_code=200,
            opt={"screen": declared, "show": function, "hidden": True},
            exception_handlers=pages.IN_WORDS,
            request_max_body_size=None if upload_bytes or not reads_form else forms.MAX_FORM_BYTES * 4,
        )(handle)

    return declare


async def show(handler: HTTPRouteHandler, view: View, **given: Any) -> Page:
    """Another screen's page in place of one's own: the form again, with what was wrong with it."""
    page: Page = await handler.opt["show"](view, **given)
    return page


async def _read_form(view: View, upload_bytes: Callable[[Settings], int] | None) -> None:
    """Read the form and hold it against the session. Raises FormOutdated, CrossSite and what reading raises."""
    if upload_bytes is None:
        view.form = await forms.read_form(view.request)
    else:
        view.form, view.file = await forms.read_form_with_file(view.request, upload_bytes(view.service.settings))
    session.check_csrf(view.service, view.actor, view.form.pop(session.CSRF_FIELD, ""))


def link(path: str, **query: Any) -> str:
    """A path with a query, of what is not None."""
    given = {name: str(value) for name, value in query.items() if value not in (None, "")}
    return f"{path}?{urlencode(given)}" if given else path
