"""Sentences shown to people, in every language offered: `_` marks a sentence, `translate` says it in a language.

A sentence stands in the code in English, and is its own message id. The other languages' catalogues are
locale/<language>/LC_MESSAGES/merchant.po; `make texts` gathers new sentences into them, and `make lint`
finds what they lack.
"""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from functools import cache, singledispatch
from pathlib import Path
from typing import Any

# Each language by its own name. Only those whose catalogue is complete (tests/rules/test_catalogues.py).
OFFERED: Mapping[str, str] = {
    "en": "English",
    "fr": "Français",
    "sw": "Kiswahili",
    "rw": "Ikinyarwanda",
    "my": "မြန်မာ",
    "ar": "العربية",
}
# Those whose letters GSM phones send seven bits each, so that a sentence fits one text message (3GPP TS 23.038).
TEXTED = ("en", "fr", "sw", "rw")
SOURCE_LANGUAGE = "en"
LOCALE_DIR = Path(__file__).parent / "locale"
# CLDR's English of the world writes "3 March" and "Côte d’Ivoire"; plain "en" is that of the United States.
_LOCALES = {"en": "en_001"}
# RFC 9110 section 12.5.4: language ranges with weights.
_RANGE = re.compile(r"\s*([A-Za-z]{1,8}|\*)(?:-[A-Za-z0-9-]*)?\s*(?:;\s*q\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*)?")
_RANGES_MAX = 20  # browsers send fewer than ten


class Text(str):
    """A sentence with values: the English one as a string, which remembers what `translate` needs."""

    __slots__ = ("many", "number", "one", "values")
    one: str
    many: str | None
    number: int
    values: dict[str, Any]


def _(sentence: str, **values: Any) -> str:
    """Mark a sentence for the catalogues; `{name}` in it stands for a value. Sentences must be literals."""
    return _text(sentence, None, 1, values) if values else sentence


def _n(one: str, many: str, count: int, **values: Any) -> str:
    """Mark a sentence that depends on a number, which stands in it as `{count}`: one form for 1 and one for others."""
    return _text(one, many, count, {"count": count, **values})


def filled(sentence: str, values: Mapping[str, Any]) -> str:
    """A sentence that is marked elsewhere, with its values."""
    return _text(sentence, None, 1, dict(values))


def counted(one: str, many: str, count: int, values: Mapping[str, Any]) -> str:
    """A sentence that depends on a number and is marked elsewhere, with its values."""
    return _text(one, many, count, {"count": count, **values})


def _text(one: str, many: str | None, count: int, values: dict[str, Any]) -> Text:
    english = one if many is None or count == 1 else many
    text = Text(_filled(english, SOURCE_LANGUAGE, values))
    text.one, text.many, text.number, text.values = one, many, count, values
    return text


def translate(text: str, language: str) -> str:
    """A sentence in an offered language; what no catalogue knows, such as a name, stays as it is."""
    if not isinstance(text, Text):
        return text if language == SOURCE_LANGUAGE else _catalogue(language).say(text)
    if language == SOURCE_LANGUAGE:
        return str.__str__(text)
    return _filled(_catalogue(language).say(text.one, text.many, text.number), language, text.values)


@singledispatch
def say_value(value: Any, language: str) -> str:
    """A sentence's value in a language: names stay as they are; what languages write differently is registered."""
    return str(value)


@say_value.register
def _say_text(value: Text, language: str) -> str:
    return translate(value, language)


@say_value.register
def _say_time(value: time, _language: str) -> str:
    return f"{value:%H:%M}"


@say_value.register
def _say_day(value: date, language: str) -> str:
    if language == SOURCE_LANGUAGE:
        return f"{value:%-d %B}"
    from babel.dates import format_skeleton  # as above

    return format_skeleton("MMMMd", datetime.combine(value, time(tzinfo=UTC)), locale=locale_of(language))


def _filled(sentence: str, language: str, values: Mapping[str, Any]) -> str:
    return sentence.format_map({name: say_value(value, language) for name, value in values.items()})


def language_of(accept_language: str | None) -> str:
    """The offered language that an Accept-Language header likes best; English when it names none."""
    liked: dict[str, float] = {}
    for one in (accept_language or "").split(",")[:_RANGES_MAX]:
        if found := _RANGE.fullmatch(one):
            liked.setdefault(found[1].lower(), float(found[2] or 1))
    best = max(OFFERED, key=lambda language: liked.get(language, 0))
    return best if liked.get(best) else SOURCE_LANGUAGE


@cache
def country_name(country: str, language: str) -> str:
    """A country of ISO 3166-1 as a language calls it."""
    from babel import Locale  # as above

    return str(Locale.parse(locale_of(language)).territories.get(country, country))


def locale_of(language: str) -> str:
    """CLDR's name of the way in which a language writes dates, numbers and countries."""
    return _LOCALES.get(language, language)


class _Catalogue:
    """The sentences of one language, as its file has them."""

    def __init__(self, language: str) -> None:
        # 9 ms, which a process that only speaks English never needs.
        from gettext import c2py

        from babel.messages.pofile import read_po

        with (LOCALE_DIR / language / "LC_MESSAGES" / "merchant.po").open("rb") as file:
            read = read_po(file, locale=language)
        self._forms: dict[str, tuple[str, ...]] = {}
        for message in read:
            one = message.id if isinstance(message.id, str) else message.id[0]
            said = (message.string,) if isinstance(message.string, str) else tuple(message.string or ())
            if one and all(said) and not message.fuzzy:
                self._forms[one] = said
        self._form_of = c2py(read.plural_expr)

    def say(self, one: str, many: str | None = None, count: int = 1) -> str:
        """The sentence in this language, with its placeholders; English where it has none."""
        said = self._forms.get(one)
        if said is None:
            return one if many is None or count == 1 else many
        return said[self._form_of(count)] if many is not None else said[0]


@cache
def _catalogue(language: str) -> _Catalogue:
    return _Catalogue(language)
