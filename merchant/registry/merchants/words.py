"""How names become the words by which they are found: one spelling, accents and case away, and which differ by a slip.

Pure: search_index.py stores these words, finding.py looks for those of a query. Both sides must fold alike.
"""

import unicodedata
from collections.abc import Iterator

MAX_WORD_LETTERS = 40  # the longest words of names in our test data have 27
SLIP_LETTERS = 5  # a word with fewer is another word when one letter differs: Mama, Papa
_LEAST_FOUND_BY_SLIP = SLIP_LETTERS - 1  # what a query word of five letters with one too many meant
# Unicode combining classes below this belong to the letter in Indic scripts (nukta, virama); accents and the vowel
# signs of Arabic and Hebrew, which one writes or leaves out, have higher ones.
_FIRST_ACCENT_CLASS = 10
# Letters that have no decomposition, by the spelling of those who lack them on their keyboard. The hooked and the open
# ones are of Hausa, Fula, Ewe, Akan and Lingala; the last are what Arabic writers use one for another.
_SPELLED = str.maketrans(
    {
        "ø": "o",
        "đ": "d",
        "ð": "d",
        "ł": "l",
        "ħ": "h",
        "ı": "i",
        "æ": "ae",
        "œ": "oe",
        "þ": "th",
        "ŧ": "t",
        "ŋ": "n",
        "ɓ": "b",
        "ɖ": "d",
        "ɗ": "d",
        "ƙ": "k",
        "ƴ": "y",
        "ƒ": "f",
        "ɣ": "g",
        "ʋ": "v",
        "ɛ": "e",
        "ə": "e",
        "ǝ": "e",
        "ɔ": "o",
        "ى": "ي",
        "ة": "ه",
        "ـ": "",
    }
)
# What stands inside a word: it may be written with it, without it, or as two words (M-Pesa, Mama's, S.A.).
_INSIDE = frozenset("'’‘ʼ`´ʻʿʾ.-‐‑_")


def fold(text: str) -> str:
    """The text in small letters without accents, other letters by their usual spelling, digits as 0 to 9."""
    if text.isascii():
        return text.lower()
    plain = unicodedata.normalize("NFKD", text.casefold()).casefold().translate(_SPELLED)
    return "".join(_letter(char) for char in plain)


def _letter(char: str) -> str:
    if unicodedata.combining(char) >= _FIRST_ACCENT_CLASS or unicodedata.category(char) == "Cf":
        return ""
    digit = unicodedata.decimal(char, None)
    return char if digit is None else str(digit)


def parts_of(text: str) -> list[tuple[str, ...]]:
    """The folded words of a text, each as the parts that hyphens, dots and apostrophes divide it into."""
    return [tuple(parts) for parts in _tokens(fold(text))]


def _tokens(folded: str) -> Iterator[list[str]]:
    token, part = list[str](), ""
    for char in [*folded, " "]:
        if unicodedata.category(char)[0] in "LNM":
            part += char
            continue
        if part:
            token.append(part[:MAX_WORD_LETTERS])
        part = ""
        if char not in _INSIDE and token:
            yield token
            token = []


def index_words(*texts: str) -> set[str]:
    """Every word by which one of the texts is found: parts of words, and what they are together."""
    found = set[str]()
    for text in texts:
        for parts in parts_of(text):
            found.update(parts)
            found.add("".join(parts)[:MAX_WORD_LETTERS])
    return found


def phrase(text: str) -> str:
    """A name as one text that is equal for equal names: its folded words with one blank between them."""
    return " ".join("".join(parts) for parts in parts_of(text))


def has_slips(word: str) -> bool:
    """Whether a word is long enough to be misspelt and still meant; a number never is."""
    return len(word) >= SLIP_LETTERS and not any(char.isdecimal() for char in word)


def shortened(word: str) -> set[str]:
    """The word with each of its letters left out in turn."""
    return {word[:place] + word[place + 1 :] for place in range(len(word))}


def stored_keys(word: str) -> set[str]:
    """The keys under which a word is kept: itself and, behind a minus, its shortened forms where slips are allowed.

    Two words that are one slip apart share a key of stored_keys and slip_keys (the symmetric delete method of
    SymSpell, Garbe 2012); words of two slips may do so too, which is_slip tells apart.
    """
    return {word} | ({f"-{form}" for form in shortened(word)} if has_slips(word) else set())


def slip_keys(word: str) -> set[str]:
    """The keys of stored_keys that may lead from a misspelt word to those that were meant."""
    if not has_slips(word):
        return set()
    forms = shortened(word)
    return forms | {f"-{form}" for form in forms} | {f"-{word}"}


def is_slip(typed: str, meant: str) -> bool:
    """Whether one letter is wrong, missing or too many, or two neighbours are swapped; not for equal words."""
    if typed == meant or len(meant) < _LEAST_FOUND_BY_SLIP or abs(len(typed) - len(meant)) > 1:
        return False
    same = next(
        (at for at, (a, b) in enumerate(zip(typed, meant, strict=False)) if a != b), min(map(len, (typed, meant)))
    )
    a, b = typed[same:], meant[same:]
    return a[1:] == b[1:] or a[1:] == b or a == b[1:] or (a[:2] == b[1::-1] and a[2:] == b[2:])
