"""The message catalogues: one TOML file per language, the same keys and placeholders in each.

A language written in the 7-bit alphabet says so, and then every value put into its texts is written in it
too. A language is offered when its catalogue is complete: `python -m ussd.texts.missing` lists what the others lack.
"""

import re
from collections.abc import Iterable, Mapping
from importlib.resources import files
from typing import Final

import msgspec
from msgspec import Struct

from ussd.amounts import Number
from ussd.fit import Alphabet, legible

DEFAULT_LANGUAGE: Final = "en"
# In the order of the language menu. A place is learned by heart: it is never given to another language.
KNOWN: Final = ("en", "sw", "fr", "rw", "my", "ar")
_PLACEHOLDER: Final = re.compile(r"\{([a-z_]*)\}")


class Line(Struct, frozen=True):
    """A message independent of language: its key and the values of its placeholders."""

    key: str
    fields: dict[str, "str | Line"]


def say(key: str, **fields: str | Line) -> Line:
    """A line by its key: `say("number.unknown", number="9999")`."""
    return Line(key, fields)


def row(*parts: str | Line) -> Line:
    """An item of a list that needs no words: its parts, set apart by blanks, amounts as the language writes them."""
    return Line("", {str(place): part for place, part in enumerate(parts)})


class Catalogue(Struct, frozen=True):
    """One language's texts by dotted key, and how it writes numbers. `latin_name` is its name in the 7-bit alphabet."""

    alphabet: Alphabet
    texts: Mapping[str, str]
    name: str = ""
    latin_name: str = ""
    is_draft: bool = False  # no native reader has corrected it yet
    numbers: Mapping[int, str] = {}  # for str.translate, where the language does not write 1,500.00

    def __getitem__(self, key: str) -> str:
        return self.texts[key]

    def write(self, line: Line) -> str:
        """The line in this language, every value legible in its alphabet."""
        fields = {name: self.spell(value) for name, value in line.fields.items()}
        return self.texts[line.key].format_map(fields) if line.key else " ".join(fields.values())

    def spell(self, value: str | Line) -> str:
        """A value, or a line that stands for one, as this language writes it, legible in its alphabet."""
        if isinstance(value, Line):
            return self.write(value)
        if isinstance(value, Number):
            return value.translate(self.numbers) if self.numbers else value
        return legible(value, self.alphabet)


class _File(Struct, forbid_unknown_fields=True):
    alphabet: Alphabet
    texts: dict[str, dict[str, str]]
    name: str = ""
    latin_name: str = ""
    draft: bool = False
    decimal: str = "."
    group: str = ","


def read_catalogue(toml: bytes) -> Catalogue:
    """Read a catalogue file. Raises msgspec.ValidationError when it is not one."""
    file = msgspec.toml.decode(toml, type=_File)
    texts = {f"{group}.{name}": text for group, of in file.texts.items() for name, text in of.items()}
    numbers = {} if (file.decimal, file.group) == (".", ",") else str.maketrans({".": file.decimal, ",": file.group})
    return Catalogue(file.alphabet, texts, file.name, file.latin_name or file.name, file.draft, numbers)


def placeholders(text: str) -> list[str]:
    """The names of a text's placeholders, in their order in the alphabet."""
    return sorted(_PLACEHOLDER.findall(text))


def lacking(texts: Mapping[str, str], whole: Mapping[str, str]) -> list[str]:
    """The keys of a complete catalogue that another one lacks, or has with other placeholders."""
    return [key for key, text in whole.items() if key not in texts or placeholders(texts[key]) != placeholders(text)]


def _named(words: Catalogue, read: Mapping[str, Catalogue], offered: Iterable[str]) -> Catalogue:
    """The catalogue with the names of the languages: each its own, so that who reads no other one finds it."""
    texts = dict(words.texts)
    for language in offered:
        other = read[language]
        is_spelled = words.alphabet == other.alphabet == "gsm7"
        texts[f"language.{language}"] = other.latin_name if is_spelled else other.name
    return msgspec.structs.replace(words, texts=texts)


READ: Final = {
    language: read_catalogue(files(__name__).joinpath(f"{language}.toml").read_bytes()) for language in KNOWN
}
LANGUAGES: Final = tuple(one for one in KNOWN if not lacking(READ[one].texts, READ[DEFAULT_LANGUAGE].texts))
CATALOGUES: Final = {language: _named(READ[language], READ, LANGUAGES) for language in LANGUAGES}


def catalogue(language: str) -> Catalogue:
    """The catalogue of a language, or of the default one in place of a language we do not have."""
    return CATALOGUES.get(language, CATALOGUES[DEFAULT_LANGUAGE])


def spoken_on(line_is_gsm7: bool, languages: Iterable[str]) -> tuple[str, ...]:
    """Those of the languages that we have and the line can show."""
    return tuple(
        one for one in languages if one in CATALOGUES and (not line_is_gsm7 or CATALOGUES[one].alphabet == "gsm7")
    )


def other_languages(language: str, first: Iterable[str] = (), *, line_is_gsm7: bool = False) -> Line | None:
    """A line that names the other languages to whoever reads this one perhaps not at all, the `first` ones in front."""
    spoken = catalogue(language)
    others = [one for one in spoken_on(line_is_gsm7, dict.fromkeys((*first, *LANGUAGES))) if CATALOGUES[one] != spoken]
    if not others:
        return None
    names = (spoken[f"language.{one}"] if spoken.alphabet != "gsm7" else READ[one].latin_name for one in others)
    return say("notice.languages", languages=", ".join(names))
