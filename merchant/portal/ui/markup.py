"""Text of documents and docstrings as HTML, for templates: code between backticks, paragraphs, places to break a line.

Everything is escaped here; nothing of the text is taken as HTML.
"""

import re

from markupsafe import Markup, escape

_CODE = re.compile(r"`([^`]+)`")
_AFTER = re.compile(r"(?<=[/_.\]])(?=.)")


def fill(html: str, *values: object) -> Markup:
    """HTML of ours with values in its places, each escaped: as Markup.format, ten times as fast, without formats."""
    return Markup(html.format(*map(escape, values)))  # noqa: S704 - every value is escaped


def inline(text: str) -> Markup:
    """A sentence, with `code` between backticks."""
    parts = _CODE.split(text)
    return Markup("").join(
        Markup("<code>{}</code>").format(breakable(part)) if at % 2 else escape(part) for at, part in enumerate(parts)
    )


def prose(text: str) -> Markup:
    """Paragraphs, which blank lines part."""
    found = [part.strip() for part in re.split(r"\n\s*\n", text) if part.strip()]
    return Markup("\n").join(Markup("<p>{}</p>").format(inline(part)) for part in found)


def breakable(name: str) -> Markup:
    """A long name or path that narrow windows may break after its separators."""
    return Markup("<wbr>").join(escape(part) for part in _AFTER.split(name))
