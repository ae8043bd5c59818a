"""One page for each problem's code: what it means, who meets it, what to do, by docs/reference/errors.toml."""

import importlib
import pkgutil
import tomllib
from collections.abc import Iterator
from functools import cache
from typing import Any

from msgspec import Struct

import merchant
from merchant.core.errors import MerchantError
from tests.docs.api_pages import books
from tests.docs.tables import cell, front, table
from tests.rules.source_rules import ROOT

SOURCE = ROOT / "docs" / "reference" / "errors.toml"
FIELDS = {"means", "who", "do"}
_AGAIN = {
    "later": "Yes: the same request with the same `Idempotency-Key`, after `Retry-After` where the answer has it.",
    "no": "No: it is refused again until what is said above is done.",
}
_LATER = {408, 429, 503}


class Code(Struct, frozen=True):
    """A code of the code: its status and title, and where it is raised."""

    code: str
    status: int
    title: str
    modules: tuple[str, ...]


@cache
def codes() -> dict[str, Code]:
    """Every code that a caller can meet."""
    for module in pkgutil.walk_packages(merchant.__path__, "merchant."):
        if not module.name.startswith("merchant.migrations") and not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    found: dict[str, Code] = {}
    for one in sorted({MerchantError, *_below(MerchantError)}, key=lambda kind: (kind.__module__, kind.__name__)):
        if one.__module__.startswith("merchant."):
            known = found.get(one.code)
            modules = (*(known.modules if known else ()), one.__module__)
            shown = known or Code(one.code, one.status, str(one.title), ())
            is_first = known is None or one.__module__ == "merchant.core.errors"
            found[one.code] = Code(
                one.code, one.status if is_first else shown.status, str(one.title) if is_first else shown.title, modules
            )
    return dict(sorted(found.items()))


def _below(kind: type[MerchantError]) -> Iterator[type[MerchantError]]:
    for one in kind.__subclasses__():
        yield one
        yield from _below(one)


@cache
def words() -> dict[str, dict[str, str]]:
    """What is written about each code."""
    return tomllib.loads(SOURCE.read_text())


def again(code: Code) -> str:
    """Whether the same request may be sent again: `later` or `no`."""
    return words()[code.code].get("again", "later" if code.status in _LATER else "no")


def pages() -> dict[str, str]:
    """The page of each code, and one that lists them."""
    answered = _answered_by()
    rows = [
        (f"[`{one.code}`]({one.code}.md)", str(one.status), cell(one.title), again(one))
        for one in sorted(codes().values(), key=lambda one: (one.status, one.code))
    ]
    index = "\n".join(
        [
            front("Errors", 0),
            "# Errors\n",
            "A refusal is `application/problem+json` (RFC 9457) with a stable `code`. Programs read `code`, people",
            "read `detail`; `errors` names each wrong field; `request_id` finds the answer in the log. The header",
            "`Link` leads to the page of the code. Messages of the hub have the codes of FSPIOP instead, as",
            "[the contract](../../contract.md) tells.\n",
            table(("code", "status", "title", "send again"), rows),
            "",
        ]
    )
    return {"errors/index.md": index} | {f"errors/{one.code}.md": _page(one, answered) for one in codes().values()}


def _page(code: Code, answered: dict[str, list[str]]) -> str:
    written = words()[code.code]
    end = "" if code.title.endswith((".", "!", "?")) else "."
    lines = [
        f"# {code.code}\n",
        f"`{code.code}` comes with the HTTP status {code.status}. Its title is: {code.title}{end}\n",
        f"## What it means\n\n{written['means']}\n",
        f"## Who meets it\n\n{written['who']}\n",
        f"## What to do\n\n{written['do']}\n",
        f"## May it be sent again?\n\n{_AGAIN[again(code)]}\n",
    ]
    routes = answered.get(code.code, [])
    if len(routes) > 12:
        lines.append(f"## Where\n\nOn {len(routes)} operations of [the API](../api.md).\n")
    elif routes:
        lines.append("## Where\n\n" + "\n".join(f"- {one}" for one in routes) + "\n")
    elif all(one.startswith("merchant.portal") for one in code.modules):
        lines.append("## Where\n\nOnly in the pages, not in the API.\n")
    return "\n".join(lines)


def _answered_by() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, book in books().items():
        operations: list[Any] = [one for group in book.groups for one in group.operations]
        for one in operations:
            for problem in one.problems:
                if problem.code:
                    line = f"[`{one.method} {one.path}`](/docs/{name}/{one.id})"
                    found.setdefault(problem.code, []).append(line)
    return found
