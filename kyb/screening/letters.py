"""The letters of a name: invisible characters out, look-alike letters in, every script in Latin letters.

names.py calls `tokens` first. A word that can be read in several ways (РАК is Rak in Russian and looks like Pak; B1N is
Bin) gives all of them; which one was meant, comparing decides.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from itertools import product
from typing import NamedTuple

from anyascii import anyascii

from kyb.screening.scripts import arabic_letters, burmese_letters, greek_letters

_CACHED_TOKENS = 16_384  # first names and trade words repeat
_MAX_READINGS = 20
_MAX_UNSURE = 4

# Characters that show nothing: Unicode's default ignorables, and blanks that are letters by category.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
# Marks over, under and through Latin, Greek and Cyrillic letters; those of other scripts are vowels and stay.
_MARKS = re.compile("[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]")
_APOSTROPHES = "'’ʼ‘`´ʿʾʻ′ꞌ＇ˈ"
_BETWEEN_WORDS = re.compile(rf"[^\w{_APOSTROPHES}\u0300-\u036f\u0900-\u0dff\u0e00-\u109f\u1780-\u17dd]+|_")
_ASCII_WORDS = re.compile(r"[A-Za-z0-9'`]+")
_LATIN = re.compile(r"[A-Za-z]")
_DIGIT_LETTERS = str.maketrans("0123456789", "oizeasgtbg")
_ONE_AS_L = str.maketrans("1", "l")
_CAPITALS = re.compile(r"[A-Z][a-z]*")

# Letters of other scripts that look like Latin ones: each pair of strings is a script and what its letters look like.
_LOOKS = (
    ("АВЕЅІЈКМНОРСТУХаеѕіјорсухԁԛԝһҺгкмнтьЬЗзҮүѴѵЁёЇїӀӏԌԍпв", "ABESIJKMHOPCTYXaesijopcyxdqwhHrkmhtbB33YyVvEeIiIlGgnb"),
    ("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧαβγεηικνορτυχωϲϳΩ", "ABEZHIKMNOPTYXabyenikvoptuxwcjO"),
    ("ՕօՍսոհՏւլքցԼտյաԱՈԿՎԲգ", "OoUunhSulpgLsjwUnUUFq"),
    ("ᎪᏴᏟᎠᎬᎻᎫᏦᏞᎷᏢᏒᏚᎢᏙᎳᏃᏀᎥᎩᎦ", "ABCDEHJKLMPRSTVWZGiYS"),
    ("ꓮꓐꓚꓓꓰꓝꓖꓧꓲꓙꓗꓡꓟꓠꓳꓑꓣꓢꓔꓴꓦꓪꓫꓬꓜ", "ABCDEFGHIJKLMNOPRSTUVWXYZ"),
    ("ⲞⲟⲢⲣⲤⲥⲔⲕⲘⲙⲀⲒⲓⲦⲧⲬⲭ", "OoPpCcKkMmAIiTtXx"),
    ("ɑɡıℓʏɪʀɴʟʙɢʜƖɩⅼ", "agilyirnlbghlil"),
    ("סוןഠ၀๐০੦੦ଠᴑᴏ०௦౦೦", "olloooooooooooo0"[:16]),
)
_LOOK_ALIKES = {ord(letter): look for letters, looks in _LOOKS for letter, look in zip(letters, looks, strict=False)}
_ALL_LOOK_ALIKES = frozenset(map(chr, _LOOK_ALIKES))
_CYRILLIC_KH = str.maketrans("Хх", "Hh")  # Russian writes the h of other languages with it (Hussein)
_HACEKS = str.maketrans({"ç": "ch", "Ç": "Ch", "č": "ch", "Č": "Ch", "ć": "ch", "Ć": "Ch", "ş": "sh", "Ş": "Sh"})
_HACEKS |= str.maketrans({"š": "sh", "Š": "Sh", "ž": "zh", "Ž": "Zh", "ğ": "gh", "Ğ": "Gh", "ș": "sh", "Ș": "Sh"})
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ø": "oe", "Ø": "Oe"})


class Token(NamedTuple):
    """One word as written: its readings in lower-case Latin letters and digits, likeliest first.

    without_vowels marks scripts that write hardly any, unsure_vowels those whose vowels do not come over reliably.
    """

    readings: tuple[str, ...]
    without_vowels: bool = False
    unsure_vowels: bool = False


def visible(text: str) -> str:
    """The text without characters that show nothing, compatible forms in their usual letters (NFKC)."""
    if text.isascii():
        return text
    return unicodedata.normalize("NFKC", _INVISIBLE.sub("", text))


def with_latin_looks(text: str) -> str:
    """The text with the letters of other scripts that look like Latin ones changed to them; as long as it was."""
    return text if text.isascii() else text.translate(_LOOK_ALIKES)


def tokens(text: str) -> list[Token]:
    """The words of a text in their order; what no letter or digit is in gives none. Never raises."""
    found: list[Token] = []
    parts = _ASCII_WORDS.findall(text) if text.isascii() else _BETWEEN_WORDS.split(visible(text))
    for part in parts:
        if part:
            found.extend(_read(part))
    return found


def fold(text: str) -> str:
    """Lower-case Latin letters and digits of a text, and nothing else."""
    return "".join(char for char in text.lower() if char.isalnum() and char.isascii())


@lru_cache(maxsize=_CACHED_TOKENS)
def _read(part: str) -> tuple[Token, ...]:
    if part.isascii():
        plain = fold(part)
        if "l" in part and len(part) > 2 and part.replace("l", "").isupper():  # a scanner's capital I: KlM
            return (Token((fold(part.replace("l", "I")), plain)),)
        return (Token(_with_digit_letters((plain,))),) if plain else ()
    script = _script(part)
    if script in ("ARABIC", "HEBREW", "SYRIAC"):
        text = fold(arabic_letters(part))
        return (Token((text,), without_vowels=True),) if text else ()
    if script == "MYANMAR":
        return tuple(Token((text,), unsure_vowels=True) for text in map(fold, burmese_letters(part).split()) if text)
    if script in ("CJK", "HANGUL"):  # a syllable a character, which anyascii begins with a capital
        syllables = _CAPITALS.findall(anyascii(part)) or [anyascii(part)]
        return tuple(Token((text,)) for text in map(fold, syllables) if text)
    readings = [text for text in map(fold, _readings(part, script)) if text]
    if not readings:
        return ()
    unsure = script in ("DEVANAGARI", "BENGALI", "TAMIL", "TELUGU", "KANNADA", "MALAYALAM", "GUJARATI", "GURMUKHI")
    unsure = unsure or script in ("KHMER", "THAI", "LAO", "SINHALA")
    return (Token(_with_digit_letters(tuple(dict.fromkeys(readings))), unsure_vowels=unsure),)


def _script(part: str) -> str:
    """The first word of the Unicode name of the first letter: the script, near enough."""
    for char in part:
        if char.isalpha():
            return unicodedata.name(char, "").split(" ")[0]
    return ""


def _readings(part: str, script: str) -> list[str]:
    marked = unicodedata.normalize("NFD", part)
    bare = unicodedata.normalize("NFC", _MARKS.sub("", marked))
    if _LATIN.search(part) or _LATIN.search(bare):
        looks = bare.translate(_LOOK_ALIKES)
        return [anyascii(looks), anyascii(part.translate(_HACEKS)), anyascii(part.translate(_UMLAUTS))]
    spoken = anyascii(greek_letters(bare)) if script == "GREEK" else anyascii(bare.translate(_CYRILLIC_KH))
    if script == "CYRILLIC":  # й and ё are letters of their own, not marked ones
        spoken = anyascii(unicodedata.normalize("NFC", part).translate(_CYRILLIC_KH))
    if all(char in _ALL_LOOK_ALIKES or not char.isalpha() for char in bare):
        return [spoken, *_looked_at(bare)]
    return [spoken]


def _looked_at(word: str) -> Iterator[str]:
    """A word of look-alikes as Latin letters; what also sounds otherwise (H, which is N) may be meant either way."""
    choices = [tuple(dict.fromkeys((_LOOK_ALIKES.get(ord(char), char), anyascii(char)))) for char in word]
    unsure = [at for at, either in enumerate(choices) if len(either) > 1]
    for at in unsure[_MAX_UNSURE:]:
        choices[at] = choices[at][:1]
    yield from ("".join(chosen) for chosen in product(*choices))


def _with_digit_letters(readings: tuple[str, ...]) -> tuple[str, ...]:
    """0sama and B1n are read as Osama and Bin as well; a word of digits alone is a number."""
    more = list(readings)
    for text in readings:
        if not text.isalpha() and any(char.isalpha() for char in text):
            more += [text.translate(_DIGIT_LETTERS), text.translate(_ONE_AS_L).translate(_DIGIT_LETTERS)]
    return tuple(dict.fromkeys(more))[:_MAX_READINGS]
