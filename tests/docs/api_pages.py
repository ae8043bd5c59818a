"""Pages of the reference that come of the OpenAPI documents: every route by its tag, every event with an example."""

from functools import cache

import msgspec

from merchant.notify.events import EventType
from merchant.portal.docs.docs import BOOKS
from merchant.portal.docs.reader import Book, Operation, read_book
from merchant.programs import openapi
from merchant.programs.slices import ROUTES
from tests.docs.tables import cell, front, table

_TITLES = {"merchant": "The API", "oracle": "Oracle, for the hub", "fspiop": "FSPIOP, for the hub"}


@cache
def books() -> dict[str, Book]:
    """Every document by its short name, as the pages at /docs read it."""
    texts = openapi.documents(ROUTES)
    return {name: read_book(msgspec.json.decode(texts[f"{name}.json"])) for name in BOOKS}


def routes_page() -> str:
    """Every route, by document and tag."""
    lines = [
        front("API", 16),
        "# API\n",
        "Each line leads to the operation's own page with parameters, an example and its problems.",
        "The documents: " + ", ".join(f"[{name}.json](/docs/{name}.json)" for name in BOOKS) + ".",
        "[Events](events.md) and [errors](errors/index.md) have pages of their own. Made from the code.\n",
    ]
    for name, title in _TITLES.items():
        book = books()[name]
        for group in book.groups:
            lines.append(f"## {group.tag or title}\n" if name == "merchant" else f"## {title}\n")
            if group.about:
                lines.append(f"{group.about}\n")
            rows = [_row(name, book, one) for one in group.operations]
            lines += [table(("route", "does", "permission"), rows), ""]
    return "\n".join(lines)


def _row(name: str, book: Book, one: Operation) -> tuple[str, str, str]:
    route = f"[`{one.method} {book.mount}{one.path}`](/docs/{name}/{one.id})"
    asked = f"`{one.permission}`" if one.permission else ("signed in" if one.sign_in else "–")
    return (route, cell(one.summary), asked)


def events_page() -> str:
    """Every type of event with its fields and an example."""
    lines = [
        front("Events", 17),
        "# Events\n",
        "What webhooks deliver and the event log holds. A delivery is signed as",
        "[Standard Webhooks](https://www.standardwebhooks.com) has it. It comes at least once, perhaps late or out of",
        "order: `id` is the same at every attempt, and the state of the thing itself is what counts.",
        "Made from the code by `make states`.\n",
    ]
    operations = {one.path: one for group in books()["webhooks"].groups for one in group.operations}
    seen: dict[tuple[tuple[str, str], ...], str] = {}
    for kind in EventType:
        one = operations[kind.value]
        fields = [(f"`{field.path}`", field.type, cell(field.about)) for field in one.fields if "." in field.path]
        lines += [f"## {kind.value}\n", "```json", one.body, "```", ""]
        shape = tuple((path, about) for path, _, about in fields)
        if shape in seen:
            lines.append(f"Fields as of `{seen[shape]}`.\n")
        else:
            seen[shape] = kind.value
            lines += [table(("field", "type", "meaning"), fields), ""]
    return "\n".join(lines)
