"""Letters as eyes see them: scripts, characters that show nothing, and letters that look like others.

shown_names.py judges and compares names with it. The tables of look-alikes are a choice from Unicode TR 39
(confusables), extended by the digits and letters that people use in their place.
"""

import re
import unicodedata
from functools import lru_cache

from anyascii import anyascii

_CACHED = 65_536


def word_set(text: str) -> frozenset[str]:
    """The words of a text written for people to read: a table in one line."""
    return frozenset(text.split())


# Characters that have no picture although Unicode counts them as letters, marks or symbols: the fillers of Hangul, the
# blank of Braille, the inherent vowels of Khmer, the joiner of graphemes.
_BLANK = frozenset("\u115f\u1160\u3164\uffa0\u2800\u17b4\u17b5\u034f")
# Variation selectors choose between pictures of one character.
_PICTURE_SELECTORS = frozenset("\ufe0e\ufe0f")
_IDEOGRAPH_SELECTORS = frozenset(map(chr, (*range(0xFE00, 0xFE03), *range(0xE0100, 0xE01F0))))
_MONGOLIAN_SELECTORS = frozenset("\u180b\u180c\u180d\u180e\u180f")
_SELECTORS = frozenset(map(chr, (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)))) | _MONGOLIAN_SELECTORS
_ZWSP, _ZWNJ, _ZWJ = "\u200b", "\u200c", "\u200d"
# Scripts whose spelling needs the joiners inside words (Unicode 15, chapters 9, 12, 13 and 16), and those that are
# written without spaces, where a zero-width space marks the end of a word.
_JOINING = word_set(
    "ARABIC SYRIAC DEVANAGARI BENGALI GURMUKHI GUJARATI ORIYA TAMIL TELUGU KANNADA MALAYALAM SINHALA KHMER MYANMAR "
    "MONGOLIAN TIBETAN NKO"
)
_WITHOUT_SPACES = word_set("KHMER MYANMAR THAI LAO TIBETAN")
# What stands for a character that got lost, and heaps of accents that cover the lines around.
_UNREADABLE = re.compile("[\ufff9-\ufffd\ue000-\uf8ff\U000f0000-\U0010ffff]")
_HEAP = re.compile("[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{4}")
# Scripts that share letters of one shape.
_ALIKE_SCRIPTS = word_set("LATIN CYRILLIC GREEK COPTIC ARMENIAN CHEROKEE LISU")

# Each letter with the Latin one of its shape: Greek, Cyrillic, Armenian, Cherokee, Lisu.
_SHAPES = """
    ΑA ΒB ΕE ΖZ ΗH ΙI ΚK ΛA ΜM ΝN ΟO ΡP ΤT ΥY ΧX ϹC Ϳj αa βb γy εe ηn ιi κk νv οo ρp σo τt υu χx ωw ϲc ϳj
    АA ВB ЕE ЅS ІI ЈJ КK МM НH ОO РP СC ТT УY ҮY ҰY ХX ЬB ЯR ИN ЗE ГR ПN ШW ԚQ ԜW ҺH ӀL ЁE ЇI ЙN
    аa вb еe ѕs іi јj кk мm нh оo рp сc тt уy үy ұy хx ьb яr иn зe гr пn шw ԛq ԝw һh ӏl ёe їi йn
    ՕO ՍU ՏS ԼL օo սu ոn հh ցg զq աw յj
    ᎠD ᎡR ᎢT ᎩY ᎪA ᎫJ ᎬE ᎳW ᎷM ᎻH ᎽY ᏀG ᏃZ ᏔW ᏙV ᏚS ᏞL ᏟC ᏢP ᏦK ᏧD ᏳG ᏴB
    ꓐB ꓑP ꓓD ꓔT ꓖG ꓗK ꓙJ ꓚC ꓜZ ꓝF ꓟM ꓠN ꓡL ꓢS ꓣR ꓦV ꓧH ꓪW ꓫX ꓬY ꓮA ꓰE ꓲI ꓳO ꓴU
"""
_LOOKS_LIKE = str.maketrans({pair[0]: pair[1] for pair in _SHAPES.split()})
# Digits and letters that pass for one another in lower case: 0 for O, 1 and I for l, 3 for E, 5 and $ for S.
_PASSES_FOR = str.maketrans("01i3458$@|", "olleasbsal")
_PAIRS = (("rn", "m"), ("vv", "w"))
_REPEATED = re.compile(r"(.)\1+")
_WORDS = re.compile(r"[A-Za-z0-9$@|]+")
_APOSTROPHES = str.maketrans("", "", "'’ʼʻ`´‘")
_MICRO = "µ"  # a Greek letter by its script, a sign by its use


def latin_shapes(text: str) -> str:
    """A text with each letter of a script that shares shapes with Latin as the Latin one that it looks like."""
    return text if text.isascii() else text.translate(_LOOKS_LIKE)


def is_unreadable(text: str) -> bool:
    """Whether a text holds what no screen can show: a private or lost character, or a heap of accents."""
    return not text.isascii() and bool(_UNREADABLE.search(text) or _HEAP.search(unicodedata.normalize("NFD", text)))


def shows_something(text: str) -> bool:
    """Whether anything of a text can be seen: a letter, a digit, a sign or a picture."""
    if text.isascii():
        return text.strip() != ""
    return any(_is_seen(char) for char in text)


def letters_of(text: str) -> str:
    """The letters and digits of a text that can be seen, without those that only modify others."""
    if text.isascii():
        return "".join(char for char in text if char.isalnum())
    plain = unicodedata.normalize("NFKC", text)
    return "".join(
        char for char in plain if char.isalnum() and char not in _BLANK and unicodedata.category(char) != "Lm"
    )


def has_invisible(text: str) -> bool:
    """Whether a text holds characters that show nothing, outside of the words whose spelling needs them.

    Joiners are at home between letters of Arabic, Indic and other scripts and inside pictures, zero-width spaces in
    scripts that write no spaces, selectors behind the character whose picture they choose. Marks of direction never.
    """
    if text.isascii():
        return False
    return any(
        not _is_at_home(char, text[place - 1 : place], text[place + 1 : place + 2])
        for place, char in enumerate(text)
        if char in _BLANK or char in _SELECTORS or unicodedata.category(char) == "Cf"
    )


def mixes_scripts(text: str) -> bool:
    """Whether one word holds letters of several scripts that share shapes, as Latin, Cyrillic and Greek do.

    A part before or after a hyphen counts as of the word when all of it looks like letters of another script.
    """
    return not text.isascii() and any(_is_mixed(word) for word in text.split() if not word.isascii())


@lru_cache(_CACHED)
def skeleton(word: str) -> str:
    """What a word looks like: Latin letters in lower case, look-alikes and doubled letters as one. Two words of one
    skeleton are taken for one another at a glance; it is no spelling, and says nothing to people.
    """
    if not word.isascii():
        plain = unicodedata.normalize("NFKC", word).translate(_LOOKS_LIKE)
        plain = "".join(char for char in unicodedata.normalize("NFD", plain) if not unicodedata.combining(char))
        word = "".join(anyascii(char) if script_of(char) == "LATIN" else char for char in plain if char.isalnum())
    text = word.casefold().translate(_PASSES_FOR)
    for pair, letter in _PAIRS:
        text = text.replace(pair, letter)
    return _REPEATED.sub(r"\1", text)


@lru_cache(_CACHED)
def latin_spelling(word: str) -> str:
    """A word of any script in Latin lower-case letters and digits, as it is spoken rather than as it looks."""
    if not word.isascii():
        word = anyascii(unicodedata.normalize("NFKC", word))
    return "".join(char for char in word.lower() if char.isalnum())


def words_of(text: str) -> list[str]:
    """The words of a text, in order: what stands between spaces and signs, without apostrophes and what shows nothing.

    $, @ and | stay, since they pass for letters.
    """
    text = text.translate(_APOSTROPHES)
    if text.isascii():
        return [word for word in _WORDS.findall(text) if letters_of(word)]
    text = "".join(char for char in unicodedata.normalize("NFKC", text) if unicodedata.category(char) != "Cf")
    return [word for word in "".join(_kept(char) for char in text).split() if letters_of(word)]


@lru_cache(_CACHED)
def script_of(char: str) -> str:
    """The script of a letter by the first word of its Unicode name (LATIN, CYRILLIC, CJK); empty for others."""
    if not char.isalpha() or char == _MICRO:
        return ""
    return unicodedata.name(unicodedata.normalize("NFKC", char)[0], "").partition(" ")[0]


def _kept(char: str) -> str:
    """A character inside a word, or a space: marks belong to words, and signs that stand for letters."""
    return char if char.isalnum() or char in "$@|" or unicodedata.category(char)[0] == "M" else " "


def _is_seen(char: str) -> bool:
    return char not in _BLANK and unicodedata.category(char)[0] in "LNPS"


def _is_at_home(char: str, before: str, after: str) -> bool:
    if char in _SELECTORS:
        return (
            (char in _PICTURE_SELECTORS and before != "" and (unicodedata.category(before) == "So" or before.isdigit()))
            or (char in _IDEOGRAPH_SELECTORS and _script_around(before) == "CJK")
            or (char in _MONGOLIAN_SELECTORS and _script_around(before) == "MONGOLIAN")
        )
    if char in (_ZWNJ, _ZWJ):
        if _script_around(before) in _JOINING:
            return True
        return char == _ZWJ and before != "" and after != "" and _is_picture(before) and _is_picture(after)
    return char == _ZWSP and _script_around(before) in _WITHOUT_SPACES and _script_around(after) in _WITHOUT_SPACES


def _is_picture(char: str) -> bool:
    return unicodedata.category(char) in ("So", "Sk") or char in _PICTURE_SELECTORS


def _script_around(char: str) -> str:
    """The script of a letter, or of a mark: its name begins with its script too."""
    if not char or unicodedata.category(char)[0] not in "LM":
        return ""
    return unicodedata.name(char, "").partition(" ")[0]


def _is_mixed(word: str) -> bool:
    parts = []
    for part in re.split(r"[^\w]|_", word):
        scripts = {script_of(char) for char in part} & _ALIKE_SCRIPTS
        if len(scripts) > 1:
            return True
        if scripts:
            parts.append((part, scripts.pop()))
    if len({script for _, script in parts}) < 2:
        return False
    return any(script != "LATIN" and part.translate(_LOOKS_LIKE).isascii() for part, script in parts)
