"""The language of a page: that of `?lang=`, which the links at its foot set, else the one chosen before, else what the
browser asks for.

Whoever chose a language keeps it: links between public pages carry `lang` on, and a cookie keeps it for the rest.
"""

from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

import jinja2
from litestar import Request, Response
from markupsafe import Markup, escape
from msgspec import Struct

from merchant.core import texts
from merchant.core.http import cookies
from merchant.core.settings import Settings

PARAMETER = "lang"
_COOKIE, _KEPT_S = "lang", 365 * 86_400
_RIGHT_TO_LEFT = frozenset({"ar"})


@lru_cache(8_192)
def _escaped(sentence: str, language: str) -> Markup:
    """A sentence of ours in a language, as HTML."""
    return escape(texts.translate(sentence, language))


class Spoken(Struct, frozen=True):
    """The language of one page, and whether its visitor chose it by `?lang=`."""

    language: str
    chosen: bool

    def say(self, sentence: str, **values: Any) -> Markup:
        """`_` of templates: a sentence with `{name}` for values, of which only markup is taken as HTML."""
        # Only plain text is kept: markup, or a sentence with values, may be equal to it and mean something else.
        is_plain = type(sentence) is str
        told = _escaped(sentence, self.language) if is_plain else escape(texts.translate(sentence, self.language))
        return told.format(**{name: self._value(value) for name, value in values.items()}) if values else told

    def _value(self, value: Any) -> str:
        return value if isinstance(value, Markup) else texts.say_value(value, self.language)

    def say_number(self, one: str, many: str, count: int, **values: Any) -> Markup:
        """`_n` of templates: a sentence that depends on a number, which stands in it as `{count}`."""
        return escape(texts.translate(texts.counted(one, many, count, values), self.language))

    @property
    def direction(self) -> str:
        """Which way the language is written, as HTML says it."""
        return "rtl" if self.language in _RIGHT_TO_LEFT else "ltr"

    @property
    def query(self) -> dict[str, str]:
        """What a link or a form must carry on."""
        return {PARAMETER: self.language} if self.chosen else {}


class Other(Struct, frozen=True):
    """A link to the same page in another language, which is called by its own name."""

    language: str
    name: str
    href: str


def spoken_with(request: Request[Any, Any, Any]) -> Spoken:
    """The language in which to answer a request."""
    asked = request.query_params.get(PARAMETER, "")
    if asked in texts.OFFERED:
        return Spoken(asked, True)
    kept = cookies.read_cookie(request.headers, _COOKIE, request.app.state.service.settings)
    if kept is not None and kept in texts.OFFERED:
        return Spoken(kept, False)
    return Spoken(texts.language_of(request.headers.get("accept-language")), False)


def remember(response: Response[Any], spoken: Spoken, settings: Settings) -> None:
    """Let the browser keep the language that was chosen."""
    cookies.set_cookie(response, _COOKIE, spoken.language, settings, _KEPT_S)


def others(request: Request[Any, Any, Any], spoken: Spoken) -> list[Other]:
    """The same page in the other languages."""
    rest = {name: value for name, value in request.query_params.items() if name != PARAMETER}
    return [
        Other(language, name, "?" + urlencode(rest | {PARAMETER: language}))
        for language, name in texts.OFFERED.items()
        if language != spoken.language
    ]


@jinja2.pass_context
def linked(context: jinja2.runtime.Context, path: str) -> str:
    """A filter for links to our own pages: the path, with the language that was chosen."""
    query = urlencode(context["spoken"].query)
    return f"{path}?{query}" if query else path
