"""Markdown for pages that are made: tables, and what stands above a page."""

from collections.abc import Sequence


def front(title: str, order: int) -> str:
    """The front matter of a page."""
    return f"---\ntitle: {title}\norder: {order}\n---\n"


def cell(text: str) -> str:
    """A text as a cell of a table holds it."""
    return text.replace("|", "\\|").replace("\n", " ")


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; its cells are Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
