"""Names of any script in Latin letters, as the shop's country spells them, and whether a payer would recognise it.

`latin_form` picks the language by script and country, takes everyday words of shops from `words/`, and spells the rest
by the rules of the language. A script that leaves out vowels (Arabic, Hebrew), hides them (Thai) or has several
readings a sign (Japanese, Cantonese) is recognisable only where its words are known: elsewhere ask for a Latin name.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import lru_cache
from importlib import import_module
from typing import NamedTuple

from qr.text import fit, language_in

Speller = Callable[[str, str], "Spelled"]

# The module that spells each script, by the first word of its letters' Unicode names.
_SPELLERS = {
    "alphabets": ("CYRILLIC", "GREEK", "GEORGIAN", "ARMENIAN"),
    "indic": ("DEVANAGARI", "BENGALI", "GURMUKHI", "GUJARATI", "ORIYA", "TELUGU", "KANNADA", "MALAYALAM", "SINHALA"),
    "tamil": ("TAMIL",),
    "burmese": ("MYANMAR",),
    "khmer": ("KHMER",),
    "thai": ("THAI",),
    "lao": ("LAO",),
    "ethiopic": ("ETHIOPIC",),
    "abjads": ("ARABIC", "HEBREW"),
    "chinese": ("CJK",),
    "japanese": ("KANA",),
    "korean": ("HANGUL",),
}
_MODULE_OF = {script: module for module, scripts in _SPELLERS.items() for script in scripts}
_KANA = ("HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA")
_UNSPOKEN = ("So", "Sk", "Cn", "Co")
_SPOKEN_SIGNS = frozenset("№®™©℠")
_MIDDLE_DOTS = frozenset("・·･")  # part words, as a space does
_LOOSE = re.compile(r" (?=[,.;:!?)\]])|(?<=[(\[]) ")
_INVISIBLE = re.compile("[\u200b\u200e\u200f\u00ad\u2060\ufeff]")
_SIGNS = frozenset("\u200c\u200d")  # joiners, which belong to the word they stand in


class LatinForm(NamedTuple):
    """A name in printable ASCII, and whether those who know the shop would recognise it."""

    text: str
    recognisable: bool


class Spelled(NamedTuple):
    """One word or run of a script in Latin letters, in the case to print it in; `sure` as LatinForm.recognisable."""

    text: str
    sure: bool


def latin_form(text: str, country: str = "") -> LatinForm:
    """A name in Latin letters, spelt for the language of its script in the country (ISO 3166-1 alpha-2).

    The form is never empty unless the name is; where `recognisable` is False, ask the shop for its Latin name.
    """
    if text.isascii():
        return LatinForm(text, True)
    text = _INVISIBLE.sub("", unicodedata.normalize("NFC", text))
    runs = list(_runs(text))
    kana = any(script in _KANA for script, _ in runs)
    spelled = [_spell(script, run, country, beside_kana=kana) for script, run in runs]
    found = " ".join("".join(one.text for one in spelled).split())
    if not found:  # pictures alone: their names are better than nothing
        from anyascii import anyascii

        return LatinForm(" ".join(anyascii(text).split()), False)
    return LatinForm(_LOOSE.sub("", found), all(one.sure for one in spelled))


def latin(text: str, chars_max: int, country: str = "") -> str:
    """`text` in the common character set (printable ASCII), in Latin letters and cut to `chars_max`."""
    found = latin_form(text, country).text
    return fit("".join(char if char.isprintable() else " " for char in found), chars_max)


def _spell(script: str, run: str, country: str, *, beside_kana: bool) -> Spelled:
    language = language_in(script if script not in _KANA else "HIRAGANA", country) or ""
    if script in _KANA or (script == "CJK" and (beside_kana or language == "ja")):
        script, language = "KANA", "ja"
    module = _MODULE_OF.get(script)
    if module is None:
        found = _plain(run)
        return Spelled(found, True) if script in ("", "LATIN") else Spelled(found.capitalize(), False)
    spell: Speller = import_module(f"qr.latin.{module}").spell
    if script == "CJK" and country in ("HK", "MO"):
        language = "yue"
    spelled = spell(run, language)
    return Spelled(f" {spelled.text} " if script in ("KANA", "CJK", "HANGUL") else spelled.text, spelled.sure)


def _runs(text: str) -> Iterator[tuple[str, str]]:
    """The text in runs of one script, its name first; what belongs to none has none and stands alone."""
    start, script = 0, script_of(text[0]) if text else ""
    for place, char in enumerate(text):
        here = script_of(char)
        if here == script or (script and _goes_on(char)):
            continue
        if {here, script} <= {"CJK", *_KANA}:
            script = "HIRAGANA" if {here, script} & set(_KANA) else "CJK"
            continue
        yield script, text[start:place]
        start, script = place, here
    if text:
        yield script, text[start:]


def _goes_on(char: str) -> bool:
    return char in _SIGNS or unicodedata.category(char) in ("Mn", "Mc")


@lru_cache(maxsize=4096)
def script_of(char: str) -> str:
    """The script of a letter or mark; empty for digits, spaces and signs."""
    category = unicodedata.category(char)
    if char.isascii() and not char.isalpha():
        return ""
    if category[0] not in "LM":
        return ""
    name = unicodedata.name(char, "").partition(" ")[0]
    return "" if name in ("COMBINING", "IDEOGRAPHIC", "MODIFIER") else name


def _plain(run: str) -> str:
    """Letters by their nearest Latin ones, pictures as spaces."""
    if run.isascii():
        return run
    from anyascii import anyascii

    kept = (
        " " if char in _MIDDLE_DOTS or (char not in _SPOKEN_SIGNS and unicodedata.category(char) in _UNSPOKEN) else char
        for char in run
    )
    return anyascii("".join(kept))
