"""The message catalogues: one TOML file per language, the same keys and placeholders in each.

A language written in the 7-bit alphabet says so, and then every value put into its texts is written in it
too.
"""

from collections.abc import Mapping
from importlib.resources import files
from typing import Final

import msgspec
from msgspec import Struct

from ussd.fit import Alphabet, legible

DEFAULT_LANGUAGE: Final = "en"
LANGUAGES: Final = ("en", "sw", "fr")


class Line(Struct, frozen=True):
    """A message independent of language: its key and the values of its placeholders."""

    key: str
    fields: dict[str, "str | Line"]


def say(key: str, **fields: str | Line) -> Line:
    """A line by its key: `say("number.unknown", number="9999")`."""
    return Line(key, fields)


class Catalogue(Struct, frozen=True):
    """One language's texts by dotted key."""

    alphabet: Alphabet
    texts: Mapping[str, str]

    def __getitem__(self, key: str) -> str:
        return self.texts[key]

    def write(self, line: Line) -> str:
        """The line in this language, every value legible in its alphabet."""
        fields = {name: self.spell(value) for name, value in line.fields.items()}
        return self.texts[line.key].format_map(fields)

    def spell(self, value: str | Line) -> str:
        """A value, or a line that stands for one, in this language and legible in its alphabet."""
        return self.write(value) if isinstance(value, Line) else legible(value, self.alphabet)


class _File(Struct, forbid_unknown_fields=True):
    alphabet: Alphabet
    texts: dict[str, dict[str, str]]


def read_catalogue(toml: bytes) -> Catalogue:
    """Read a catalogue file. Raises msgspec.ValidationError when it is not one."""
    file = msgspec.toml.decode(toml, type=_File)
    texts = {f"{group}.{name}": text for group, of in file.texts.items() for name, text in of.items()}
    return Catalogue(file.alphabet, texts)


CATALOGUES: Final = {
    language: read_catalogue(files(__name__).joinpath(f"{language}.toml").read_bytes()) for language in LANGUAGES
}


def catalogue(language: str) -> Catalogue:
    """The catalogue of a language, or of the default one in place of a language we do not have."""
    return CATALOGUES.get(language, CATALOGUES[DEFAULT_LANGUAGE])
