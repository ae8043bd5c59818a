"""Lists: a route of the API as a page, with its filters and order in the address, pages, and the same rows as files.

A list shows what the route answers and nothing else. A file is the route's own export, with the filters of the page and
in its order. An order is chosen by the head of a column, or by a select where there is no room for heads.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from litestar.handlers import HTTPRouteHandler
from markupsafe import Markup, escape
from msgspec import Struct

from merchant.core import clock, errors, money
from merchant.core.access import Permission
from merchant.core.http.declared import SORT
from merchant.core.http.exports import FORMAT, FORMATS
from merchant.core.paging import AMOUNT, NAME, NEWEST, OLDEST
from merchant.core.texts import _, filled
from merchant.portal.ui import session, when, words
from merchant.portal.ui.assets import icon
from merchant.portal.ui.fields import Field
from merchant.portal.ui.languages import Spoken
from merchant.portal.ui.layout import zone_of
from merchant.portal.ui.markup import fill
from merchant.portal.ui.pages import Page
from merchant.portal.ui.screen import View, link

_TEMPLATE = "list.html"
_PRESS = Markup(
    '<form method="post" action="{}" class="press"><input type="hidden" name="csrf" value="{}">'
    '<button class="second">{}{}</button></form>'
)


class Column(Struct, frozen=True):
    """A column: its heading and what a row shows there, which is text, markup or a call of a filter."""

    label: str
    cell: Callable[[View, Any], Any]
    numeric: bool = False
    main: bool = False  # the row's name, which leads to its page
    sorts: tuple[str, ...] = ()  # orders of the route by what stands in it, the first to be chosen first


class Button(Struct, frozen=True):
    """A way from a list or a page to something one can do, for those who may."""

    path: str
    label: str
    icon: str = "plus"
    permission: Permission | None = None
    plain: bool = False  # not the page's first deed


class Empty(Struct, frozen=True):
    """What a list says that has nothing to show yet, and what to do then."""

    title: str
    text: str
    button: Button | None = None


class Listing(Struct, frozen=True, kw_only=True):
    """A list's page: a route of the API and how its rows look."""

    title: str
    handler: HTTPRouteHandler
    columns: Sequence[Column]
    empty: Empty
    href: Callable[[Any], str] | None = None  # the page of a row
    intro: str = ""
    filters: Sequence[Field] = ()
    buttons: Sequence[Button] = ()
    fixed: Mapping[str, str] = {}  # filters that the page sets itself
    exports: bool = True
    crumb: tuple[str, str] | None = None  # the path and title of the page above
    ranked: str = ""  # the filter with which the best matches come first, unless another order is chosen
    bounds: Mapping[str, Sequence[str]] = {}  # the filters without which an order is not offered

    def drawn(self, view: View, rows: Sequence[Any]) -> Markup:
        """The rows as HTML: drawn here and not by a template, since they are most of the work of a list's page."""
        labels = [view.spoken.say(column.label) for column in self.columns]
        numeric = ['class="num"' if column.numeric else "" for column in self.columns]
        opened = [f'<td role="cell" data-label="{label}" {more}>' for label, more in zip(labels, numeric, strict=True)]
        return Markup("").join(self._row(view, row, opened) for row in rows)

    def _row(self, view: View, row: Any, opened: Sequence[str]) -> Markup:
        cells: list[str] = []
        for column, start in zip(self.columns, opened, strict=True):
            cell = escape(column.cell(view, row))
            if not column.main:
                cells.append(f"{start}{cell}</td>\n")
                continue
            if self.href is not None:
                cell = Markup(f'<a href="{escape(self.href(row))}">{cell}</a>')  # noqa: S704 - both are escaped
            cells.append(f'<th scope="row" role="rowheader">{cell}</th>\n')
        return Markup(f'<tr role="row">{"".join(cells)}</tr>\n')  # noqa: S704 - every cell is escaped


class Head(Struct, frozen=True):
    """The head of a column by which the list may be sorted: where it leads, and how the list is sorted by it now."""

    href: str
    sorted: str | None  # as aria-sort says it


class Orders(Struct, frozen=True):
    """The orders of a list: which one was chosen, those to choose from, and the heads by their columns' labels."""

    chosen: str | None = None
    choices: Sequence[tuple[str, str]] = ()
    heads: Mapping[str, Head] = {}


async def show_list(
    view: View,
    listing: Listing,
    *,
    path: Mapping[str, Any] | None = None,
    head: Any = None,
    template: str = _TEMPLATE,
    **content: Any,
) -> Page:
    """One page of a list. A filter's value that the API refuses is told beside it, and nothing is shown."""
    chosen = {field.name: view.query.get(field.name, "") for field in listing.filters}
    query, told = _query_of(view, listing, chosen)
    here = view.request.url.path
    set_filters = {name: text for name, text in chosen.items() if text}
    orders = _orders_of(view, listing, here, set_filters)
    if orders.chosen:
        query[SORT] = orders.chosen
    if cursor := view.query.get("cursor"):
        query["cursor"] = cursor
    rows: Sequence[Any] = ()
    following = None
    try:
        if not told:
            answer = await view.ask(listing.handler, path=path, query=query)
            rows, following = answer.view, answer.next_cursor
    except (errors.InvalidFilter, errors.InvalidPage) as refused:
        told = refused.detail
    return view.page(
        template,
        status=422 if told else 200,
        listing=listing,
        rows=rows,
        chosen=chosen,
        filtered=bool(set_filters),
        refused=told,
        here=here,
        orders=orders,
        first=link(here, **set_filters, sort=orders.chosen) if cursor else None,
        following=link(here, **set_filters, sort=orders.chosen, cursor=following) if following else None,
        exports=_exports(listing, path, query) if listing.exports and not told else (),
        head=head,
        **content,
    )


def _query_of(view: View, listing: Listing, chosen: Mapping[str, str]) -> tuple[dict[str, str], str]:
    """The API's filters, and what is wrong with them: a day is its first instant, of `to` the one that ends it."""
    query = {name: text for name, text in chosen.items() if text} | dict(listing.fixed)
    instants = {one.name for one in listing.handler.opt["route"].filters if one.kind == "instant"}
    for name in instants & query.keys():
        try:
            day = date.fromisoformat(query[name]) + timedelta(days=name == "to")
            query[name] = clock.rfc3339(datetime.combine(day, time(), zone_of(view.scheme)))
        except (ValueError, OverflowError):
            return {}, filled(_("{day} is no day; write it like 2026-11-29."), {"day": query[name]})
    return query, ""


_WAYS = {NEWEST: "descending", OLDEST: "ascending", NAME: "ascending", AMOUNT: "descending"}
ORDERS_IN_WORDS = {
    NEWEST: _("Newest first"),
    OLDEST: _("Oldest first"),
    NAME: _("By name"),
    AMOUNT: _("Largest amount first"),
}


def _orders_of(view: View, listing: Listing, here: str, chosen: Mapping[str, str]) -> Orders:
    """The orders that a list offers here; the usual one is chosen by choosing none."""
    declared: tuple[str, ...] = () if SORT in listing.fixed else listing.handler.opt["route"].sorts
    given = view.query.get(SORT) or None
    set_names = {*chosen, *listing.fixed}
    offered = [one for one in declared if set_names.issuperset(listing.bounds.get(one, ()))]
    if not offered:
        return Orders(given if declared else None)
    is_ranked = listing.ranked in chosen
    usual = None if is_ranked else declared[0]
    choices = [("", _("Best match first") if usual is None else ORDERS_IN_WORDS[usual])]
    choices += [(one, ORDERS_IN_WORDS[one]) for one in offered if one != usual]
    heads: dict[str, Head] = {}
    for column in listing.columns:
        sorts = [one for one in column.sorts if one in offered]
        if not sorts:
            continue
        now = given or usual
        following = sorts[(sorts.index(now) + 1) % len(sorts)] if now in sorts else sorts[0]
        href = link(here, **chosen, sort=following if following != usual else None)
        heads[column.label] = Head(href, _WAYS[now] if now in sorts else None)
    return Orders(None if given == usual else given, choices, heads)


def _exports(listing: Listing, path: Mapping[str, Any] | None, query: Mapping[str, str]) -> Sequence[tuple[str, str]]:
    where = listing.handler.opt["route"].path.format(**{name: quote(str(one)) for name, one in (path or {}).items()})
    kept = {name: text for name, text in query.items() if name != "cursor"}
    return [(kind.upper(), link(where, **kept, **{FORMAT: kind})) for kind in FORMATS]


# --- cells -----------------------------------------------------------------------------------------------------------


def text(name: str) -> Callable[[View, Any], Any]:
    """The value of a field; a dash for none."""
    return lambda _view, row: getattr(row, name) if getattr(row, name) not in (None, "") else "–"


def name_of(name: str) -> Callable[[View, Any], Any]:
    """A name in whatever script, which keeps to itself beside text of another direction."""
    return lambda _view, row: fill("<bdi>{}</bdi>", getattr(row, name) or "–")


def state(kind: str, name: str = "state") -> Callable[[View, Any], Any]:
    """A badge of a state."""
    return lambda view, row: badge(view, kind, getattr(row, name))


def badge(view: View, kind: str, value: Any) -> Markup:
    """A state as word, drawing and colour."""
    return Markup("–") if value is None else _badge(kind, value, view.spoken)


@lru_cache(2_048)
def _badge(kind: str, value: Any, spoken: Spoken) -> Markup:
    said = words.word(kind, value)
    return fill('<span class="badge {}">{}{}</span>', said.tone, icon(said.icon), spoken.say(said.text))


def instant(name: str) -> Callable[[View, Any], Any]:
    """A point in time."""
    return lambda view, row: when.tell_time(getattr(row, name), zone_of(view.scheme), view.spoken.language)


def amount(name: str = "amount") -> Callable[[View, Any], Any]:
    """Money."""

    def show(view: View, row: Any) -> str:
        value = getattr(row, name)
        if value is None:
            return "–"
        return money.display(money.parse_shown(value.amount, value.currency), view.spoken.language)

    return show


def said(kind: str, name: str) -> Callable[[View, Any], Any]:
    """A value in words, or several of them."""

    def show(view: View, row: Any) -> Any:
        value = getattr(row, name)
        values = value if isinstance(value, list | tuple) else [value]
        return ", ".join(view.spoken.say(words.word(kind, one).text) for one in values if one is not None) or "–"

    return show


def press(view: View, action: str, label: str, drawing: str) -> Markup:
    """A form of one press in a row: for what can be undone or does no harm."""
    return _PRESS.format(action, session.csrf_token(view.service, view.actor), icon(drawing), view.spoken.say(label))
