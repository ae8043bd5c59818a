"""Names that shoppers see: whether they are legible, a short one for telephones, and which are too like others.

kyb.fields refuses illegible names; the caller asks `is_protected` with the names of its scheme and its DFSPs, and
`alike` for neighbours in one town. Nothing here knows a list but data/protected_names.toml.
"""

import tomllib
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from importlib.resources import files

from anyascii import anyascii
from msgspec import Struct
from rapidfuzz.distance import OSA

from kyb.applicant import Sections
from kyb.codes import GSM7_BASIC, gsm7_septets
from kyb.letters import (
    has_invisible,
    is_unreadable,
    latin_spelling,
    letters_of,
    mixes_scripts,
    script_of,
    skeleton,
    word_set,
    words_of,
)
from kyb.problem import Fault

MAX_USSD_NAME_SEPTETS = 20  # fits one USSD line beside number and amount

# A cut name ends at a word when that keeps at least this much of the line.
_WORD_CUT_MIN = 12
_NOT_FIRST, _NOT_LAST = " .,;:-_/&+=@*#!?\"')", " .,;:-_/&+="
# Unicode categories of what is not spoken: pictures, and what is none of any alphabet.
_UNSPOKEN = word_set("So Sk Co Cn Cs Cc Zl Zp Me")
_NO_LAST_WORD = word_set("and or of for the a an at in de la le les du des et y e da do dos na wa ya za &")
_LINKS = frozenset(("and", "et", "na", "y", "und", "e"))  # words that an ampersand stands for
_LEGAL_FORMS = word_set("ltd limited llc llp plc inc co company corp sarl sa sas suarl pty pvt cc ltda gmbh")
_COMMON_WORDS = word_set("shop store stores kiosk duka enterprise enterprises trader traders trading the")
_ROADS = word_set("street road avenue lane drive close junction roundabout rue avenida estate")

_SLIP_LETTERS = 5  # words as long as this may differ by one slip and still be taken for one another
_SLIP_LETTERS_WHOLE = 10  # likewise whole names, read as one word
_SLIP_LETTERS_COINED = 8  # and coined names: Safaricon
_PART_LETTERS_COINED = 7  # coined names as long as this are found inside of longer words
_PROTECTED_WORDS_MAX = 8


class ProtectedHit(Struct, frozen=True):
    """A protected name that a shopper would take another name for, and the group of names that it is from."""

    group: str
    name: str


def legibility_problem(text: str, *, may_be_short: bool = False, may_mix_scripts: bool = False) -> Fault | None:
    """Why people could not read a name, as a code and a sentence; None when they can.

    may_be_short allows a single letter or digit, as counters and people have for a name; one sign that is a word, as
    in Chinese, is always allowed. may_mix_scripts is for names as registers hold them, some with a Greek letter for a
    Latin one, which no shopper sees.
    """
    letters = letters_of(text)
    if not letters:
        return "not_legible", "Must hold a letter or a digit that can be seen."
    if not may_be_short and len(letters) == 1 and _is_plain_latin(letters):
        return "too_short", "Must be more than a single letter."
    if is_unreadable(text) or not latin_spelling(letters):  # codes and receipts show names in Latin letters too
        return "not_legible", "Must hold only characters that every screen can show."
    if has_invisible(text):
        return "invisible_character", "Must not hold characters that cannot be seen."
    if not may_mix_scripts and mixes_scripts(text):
        return "mixed_scripts", "Must not mix letters of several scripts in one word."
    return None


def ussd_name_of(trading_name: str) -> str:
    """A name for simple telephones: at most MAX_USSD_NAME_SEPTETS of the GSM alphabet, of a name in any script.

    Other scripts are transliterated, pictures dropped, and a long name ends at a word. Never empty.
    """
    spelled = " ".join(_on_a_phone(trading_name).split())
    short = _cut(spelled.lstrip(_NOT_FIRST).rstrip(_NOT_LAST))
    letters = letters_of(short)
    if letters and not (len(letters) == 1 and _is_plain_latin(letters)):
        return short
    return f"Shop {letters}".strip()


def is_protected(name: str, protected: Mapping[str, tuple[str, ...]]) -> ProtectedHit | None:
    """The protected name that this one would be taken for, in whatever script, case or disguise; None for others.

    protected has names by group, such as brands, schemes and DFSPs. A name of several words is found wherever it
    stands, but before a word for a street. A single word is found when it is all there is, or next to a word that
    makes it the business meant (Wave Money, but not Wave Hair Salon), and anywhere when it is a coined one.
    """
    index = _index(tuple(protected.items()))
    shown = words_of(name)[: 4 * _PROTECTED_WORDS_MAX]
    words = [skeleton(word) for word in shown]
    plain = [word for word in words if word not in _skeletons(_LEGAL_FORMS | {"the"})]
    if hit := index.names.get("".join(plain)):
        return hit
    found = [
        (end - start, hit)
        for start, end, text in _runs(words)
        if (hit := index.names.get(text))
        and not _is_of_a_street(words, end)
        and (text not in index.single or _is_qualified(words, start, end))
    ]
    if found:
        return max(found, key=lambda one: one[0])[1]
    return next((hit for word in words if (hit := _coined_inside(word, index))), None)


def alike(a: str, b: str) -> bool:
    """Whether shoppers would confuse two shops by their names: a reason to ask, not to refuse.

    Case, accents, spaces, order of words, legal forms, look-alike letters, "&" for "and", and one slip in a long word
    make no other name. Numbers must agree: Shop 1 is not Shop 2.
    """
    return any(_same(one, other) for one, other in zip(_spellings(a), _spellings(b), strict=True))


def names_shown(sections: Sections) -> Iterator[tuple[str, str]]:
    """Path and text of every name of an application that shoppers see: of the business, its places and its counters."""
    for field in ("trading_name", "ussd_name"):
        if name := getattr(sections.business, field):
            yield f"business.{field}", name
    for index, place in enumerate(sections.locations):
        if place.name:
            yield f"locations[{index}].name", place.name
        for position, counter in enumerate(place.counters):
            if counter.name:
                yield f"locations[{index}].counters[{position}].name", counter.name


@cache
def default_protected_names() -> Mapping[str, tuple[str, ...]]:
    """Names of well-known payment brands, central banks, governments and relief organisations, by group."""
    table = _table()
    countries = table["countries"]
    return {
        group: tuple(
            pattern.replace("{country}", country)
            for pattern in patterns
            for country in (countries if "{country}" in pattern else ("",))
        )
        for group, patterns in table["names"].items()
    }


class _Index(Struct, frozen=True):
    """Protected names by skeleton; `single` are those of one word, `coined` those found inside of others."""

    names: dict[str, ProtectedHit]
    single: frozenset[str]
    coined: dict[str, ProtectedHit]
    near: dict[str, str]  # a coined skeleton with one letter less -> the whole one
    parts: tuple[str, ...]


@cache
def _table() -> dict[str, dict[str, list[str]]]:
    return tomllib.loads(files("kyb").joinpath("data/protected_names.toml").read_text(encoding="utf-8"))


@cache
def _skeletons(words: frozenset[str]) -> frozenset[str]:
    return frozenset(skeleton(word) for word in words)


@cache
def _qualifiers() -> frozenset[str]:
    return frozenset(skeleton(word) for word in _table()["qualifiers"])


@lru_cache(maxsize=64)
def _index(protected: tuple[tuple[str, tuple[str, ...]], ...]) -> _Index:
    coined_words = {skeleton(word) for word in _table()["coined"]}
    names: dict[str, ProtectedHit] = {}
    single: set[str] = set()
    coined: dict[str, ProtectedHit] = {}
    for group, each in protected:
        for name in each:
            words = [skeleton(word) for word in words_of(name)]
            text = "".join(words)
            hit = names.setdefault(text, ProtectedHit(group, name))
            if text in coined_words:
                coined[text] = hit
            elif len(words) == 1:
                single.add(text)
    names.pop("", None)
    long = [text for text in coined if len(text) >= _SLIP_LETTERS_COINED]
    near = {text[:place] + text[place + 1 :]: text for text in long for place in range(len(text))}
    parts = tuple(text for text in coined if len(text) >= _PART_LETTERS_COINED)
    return _Index(names, frozenset(single), coined, near, parts)


def _runs(words: list[str]) -> Iterator[tuple[int, int, str]]:
    """Every sequence of words, read as one, so that split and joined spellings meet."""
    for start in range(len(words)):
        text = ""
        for end in range(start + 1, min(len(words), start + _PROTECTED_WORDS_MAX) + 1):
            text += words[end - 1]
            yield start, end, text
    if len(words) > _PROTECTED_WORDS_MAX and all(len(word) == 1 for word in words):
        yield 0, len(words), "".join(words)


def _is_of_a_street(words: list[str], end: int) -> bool:
    return end < len(words) and words[end] in _skeletons(_ROADS)


def _is_qualified(words: list[str], start: int, end: int) -> bool:
    around = words[max(0, start - 1) : start] + words[end : end + 1]
    return any(word in _qualifiers() for word in around)


def _coined_inside(word: str, index: _Index) -> ProtectedHit | None:
    """The coined name that a word holds, or is one slip away from."""
    if len(word) < _PART_LETTERS_COINED:
        return None
    for part in index.parts:
        if part in word:
            return index.coined[part]
    for key in (word, *(word[:place] + word[place + 1 :] for place in range(len(word)))):
        found = index.near.get(key)
        if found and OSA.distance(word, found, score_cutoff=1) <= 1:
            return index.coined[found]
    return None


def _is_plain_latin(letter: str) -> bool:
    return unicodedata.normalize("NFKD", letter)[:1].isascii()


def _on_a_phone(name: str) -> str:
    """A name in the GSM alphabet, pictures left out. Greek capitals are in it, and would stand alone in a word."""
    if not name.isascii():
        name = unicodedata.normalize("NFC", name)
    return "".join(
        char
        if (char.isascii() and char in GSM7_BASIC) or (char in GSM7_BASIC and script_of(char) in ("LATIN", ""))
        else _transliterated(char)
        for char in name
    )


def _transliterated(char: str) -> str:
    """What is said or written for a character that simple telephones lack; nothing for marks, a space for pictures."""
    category = unicodedata.category(char)
    if category == "Cf" or char == "`":
        return ""
    if char in "[{":
        return "("
    if char in "]}":
        return ")"
    if char in "~^|\\" or (category in _UNSPOKEN and char not in "№®™"):
        return " "
    return "".join(one for one in anyascii(unicodedata.normalize("NFKC", char)) if one in GSM7_BASIC)


def _cut(text: str) -> str:
    """A text of the GSM alphabet that fits the line, at a word when little is lost, and without a hanging link."""
    kept, septets = "", 0
    for char in text:
        septets += gsm7_septets(char) or 0
        if septets > MAX_USSD_NAME_SEPTETS:
            words = kept.rpartition(" ")[0]
            if char != " " and len(words) >= _WORD_CUT_MIN:
                kept = words
            while (parts := kept.rstrip(_NOT_LAST).rpartition(" "))[0] and parts[2].lower() in _NO_LAST_WORD:
                kept = parts[0]
            break
        kept += char
    return kept.rstrip(_NOT_LAST)


def _spellings(name: str) -> tuple[list[str], list[str]]:
    """A name's telling words as they look, and as they sound; alike for a name in plain Latin letters."""
    shown = words_of(name.replace("&", " and "))
    looks = _telling([word if word.isdigit() else skeleton(word) for word in shown])
    if name.isascii():
        return looks, looks
    return looks, _telling([word if word.isdigit() else skeleton(latin_spelling(word)) for word in shown])


def _telling(words: list[str]) -> list[str]:
    """Words without links and legal forms, and without everyday ones where two others are left."""
    found = [word for word in words if word not in _skeletons(_LINKS | _LEGAL_FORMS)] or words
    telling = [word for word in found if word not in _skeletons(_COMMON_WORDS)]
    return telling if len([word for word in telling if not word.isdigit()]) > 1 else found


def _same(one: list[str], other: list[str]) -> bool:
    left = Counter(one)
    left.subtract(other)
    only_one = [word for word, count in left.items() for _ in range(count)]
    only_other = [word for word, count in left.items() for _ in range(-count)]
    if not one or not other:
        return False
    if not only_one and not only_other:
        return True
    if len(only_one) == len(only_other) and all(
        any(_is_slip(word, seen, _SLIP_LETTERS) for seen in only_other) for word in only_one
    ):
        return True
    whole, seen = "".join(one), "".join(other)
    return whole == seen or (not _numbers_differ(only_one, only_other) and _is_slip(whole, seen, _SLIP_LETTERS_WHOLE))


def _numbers_differ(one: list[str], other: list[str]) -> bool:
    return any(any(char.isdigit() for char in word) for word in (*one, *other))


def _is_slip(word: str, seen: str, letters_min: int) -> bool:
    return (
        min(len(word), len(seen)) >= letters_min
        and not word.isdigit()
        and not seen.isdigit()
        and OSA.distance(word, seen, score_cutoff=1) <= 1
    )
