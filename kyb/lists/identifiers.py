"""What kind of number a publisher's label means, and the number itself out of what clerks wrote around it."""

import re
from collections.abc import Iterable
from functools import lru_cache

from kyb.lists.countries import country_code
from kyb.lists.entry import Identifier, IdentifierKind
from kyb.lists.reading import one_line

# A number shorter than this stands for too many people to tell any apart.
_NUMBER_CHARS_MIN = 4
_NUMBER_CHARS_MAX = 64

# The first pattern that a label holds decides. Labels that are no identity (gender, web sites, ships) meet none.
_LABELS: tuple[tuple[str, IdentifierKind], ...] = (
    (r"pass?port|pasaporte|reisepass", "passport"),
    (r"\blei\b|legal entity identifier", "lei"),
    (r"\btax\b|\btin\b|r\.?f\.?c\b|\bnit\b|\bruc\b|v\.?a\.?t\b|fiscal|\binn\b|\bpan\b", "tax_id"),
    (
        r"regist(?:ration|ry|er)|regnumber|compan|business|enterprise|chamber|trade licen|tradelic|mercantil"
        r"|matricula|uscc|social credit|\bc\.r\. no|\bogrn\b|legal entity number|commercial",
        "registration",
    ),
    (
        r"national|identi(?:ty|fication)|\bid\b|^ident$|cedula|c\.?u\.?r\.?p|d\.?n\.?i\b|tazkira|\bssn\b"
        r"|social security|personal|electoral|voter|\bnin\b",
        "national_id",
    ),
    (r"driv|licen[cs]e|birth cert|travel|resident|refugee|stateless|seafarer|swift|\bbic\b|^other", "other"),
)
_KINDS = tuple((re.compile(pattern, re.IGNORECASE), kind) for pattern, kind in _LABELS)
_NOT_IDENTITY = re.compile(
    r"vessel|aircraft|secondary sanctions|organi[sz]ation type|gazette|established", re.IGNORECASE
)
_BRACKETS = re.compile(r"\([^)]*\)?")
_MARKER = re.compile(r".*\b(?:no|number|num|nr|n)(?:[.:°º]|\b)\s*:?(?=\s*\S*\d)", re.IGNORECASE | re.DOTALL)
_WORD = re.compile(r"^(?:(?:[^\W\d_]{4,}|ssn|id):?\s+)+", re.IGNORECASE)


@lru_cache(maxsize=1024)
def kind_of(label: str) -> IdentifierKind | None:
    """The kind of number that a label names; None for what tells nobody apart."""
    if _NOT_IDENTITY.search(label):
        return None
    return next((kind for pattern, kind in _KINDS if pattern.search(label)), None)


def identifier(kind: IdentifierKind | None, written: str, country: str = "") -> Identifier | None:
    """An identity number, without the remarks around it; None where no number is left.

    `country` is a name or a code. "Libyan passport No. 513519" is 513519, and "OB 0243318 (expired)" OB 0243318.
    """
    if kind is None:
        return None
    number = one_line(_BRACKETS.sub(" ", written))
    number = _WORD.sub("", _MARKER.sub("", number)).strip(" .,;:#'\"")
    letters = sum(char.isalnum() for char in number)
    if letters < _NUMBER_CHARS_MIN or len(number) > _NUMBER_CHARS_MAX or not any(char.isdigit() for char in number):
        return None
    return Identifier(kind, number, country_code(country))


def distinct(found: Iterable[Identifier | None]) -> tuple[Identifier, ...]:
    """Those that are there, each once, in their order."""
    return tuple(dict.fromkeys(one for one in found if one is not None))


def codes_of(names: Iterable[str]) -> tuple[str, ...]:
    """The codes of the countries that are known, each once, in their order."""
    return tuple(dict.fromkeys(code for name in names if (code := country_code(one_line(name)))))
