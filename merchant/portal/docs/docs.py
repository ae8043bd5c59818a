"""/docs: the API as pages that a person reads, drawn from the OpenAPI documents by this service alone.

One page lists a document's operations, each of which has a page of its own; one lists the stable codes of problems.
reader.py reads the documents; programs/app.py puts the function that writes them into the application's state.
"""

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import msgspec
from litestar import Response, get
from litestar.params import FromPath
from msgspec import Struct

from merchant.core import errors
from merchant.core.http.json import service_of
from merchant.portal.docs.reader import Book, curl_command, read_book
from merchant.portal.ui import pages
from merchant.portal.ui.pages import IN_WORDS, PUBLIC, Page, Req

MAIN = "merchant"
# The first is the API itself and stands at /docs.
BOOKS = {MAIN: "API", "webhooks": "Webhooks", "oracle": "Oracle", "fspiop": "FSPIOP"}
_CACHE = "public, max-age=300"
_ROUTE: dict[str, Any] = {"opt": PUBLIC, "exception_handlers": IN_WORDS}

Documents = Callable[[], dict[str, bytes]]


class Shelf(Struct, frozen=True):
    """Every document by its short name: as JSON text, and read."""

    texts: dict[str, bytes]
    books: dict[str, Book]


@cache
def _shelf(documents: Documents) -> Shelf:
    texts = {name: documents()[f"{name}.json"] for name in BOOKS}
    return Shelf(texts, {name: read_book(msgspec.json.decode(text)) for name, text in texts.items()})


def _respond(request: Req, template: str, **content: Any) -> Page:
    return pages.respond(request, f"{__package__}/{template}", cache=_CACHE, titles=BOOKS, main=MAIN, **content)


@get("/docs", **_ROUTE)
async def overview(request: Req) -> Page:
    """The operations of the API."""
    return _show_book(request, MAIN)


@get("/docs/{name:str}", **_ROUTE)
async def document(request: Req, name: FromPath[str]) -> Page:
    """The operations of one document; its JSON when the name ends so; or, as `errors`, the codes of problems."""
    shelf = _shelf(request.app.state.documents)
    if name == "errors":
        problems = shelf.books[MAIN].problems()
        return _respond(request, "docs_errors.html", name=name, problems=problems)
    if name.endswith(".json") and name.removesuffix(".json") in shelf.texts:
        text = shelf.texts[name.removesuffix(".json")]
        return Response(text, media_type="application/json", headers={"cache-control": _CACHE})
    return _show_book(request, name)


@get("/docs/{name:str}/{operation_id:str}", **_ROUTE)
async def operation(request: Req, name: FromPath[str], operation_id: FromPath[str]) -> Page:
    """One operation: what it takes, an example, what it answers."""
    book = _shelf(request.app.state.documents).books.get(name)
    found = book.find(operation_id) if book else None
    if book is None or found is None:
        raise errors.NotFound
    group = next(group for group in book.groups if found in group.operations)
    curl = partial(curl_command, found, service_of(request).settings.base_url + book.mount)
    return _respond(request, "docs_operation.html", name=name, book=book, group=group, operation=found, curl=curl)


def _show_book(request: Req, name: str) -> Page:
    book = _shelf(request.app.state.documents).books.get(name)
    if book is None:
        raise errors.NotFound
    base_url = service_of(request).settings.base_url + book.mount
    return _respond(request, "docs.html", name=name, book=book, base_url=base_url)


ROUTES = [overview, document, operation]
