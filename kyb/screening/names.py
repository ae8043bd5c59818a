"""One form for names: a name written in two ways should give the same words, or words that are found alike.

`read_name` drops titles from persons and legal forms from companies, splits Abd from the name that it serves, and
weighs the words. likeness.py compares words, compare.py names. Nothing here knows a list.
"""

import re
from functools import lru_cache

import msgspec
from msgspec import Struct

from kyb.lists.entry import ENTITY, PERSON
from kyb.screening.eastern import syllable_key
from kyb.screening.letters import Token, tokens
from kyb.screening.sounds import skeleton_of, sounds_of
from kyb.screening.tables import legal_forms, name_table, titles, trade_words, without_phrases
from kyb.screening.weights import ARTICLES, PARTICLES, SERVANT_FORMS, STOP_WORDS, weigh

MAX_NAME_CHARS = 2_000  # of one answer, wider than any section allows; what is longer is said to be not compared
MAX_WORDS = 60  # that a name may have when its titles and legal forms are taken out

_CACHED_WORDS = 16_384

# "Servant of" (Abd) joined with a name, the article swallowed or not: Abdurrahman, Abdelkader, Abdussamad, Abdinasir.
_JOINED_SERVANT = re.compile(
    r"^c?abd(?!ul?l?ah?i?$|ull|all|oll|ell|ill)(?:[aeiou]{0,2})(?:l|([b-z])(?=\1))?([b-z].{2,}|[aeiou].{3,})$"
)
_JOINED_ARTICLE = re.compile(r"^[aeu](?:l|([dnrstz])(?=\1)|sh(?=sh))(.{4,})$")
_MIN_JOINED_FORM = 4  # letters of what follows a legal form that was written as one with it


class Word(Struct, frozen=True, cache_hash=True, gc=False):
    """One word of a name.

    text is its likeliest reading in lower-case Latin letters and digits, forms all of them. sounds have one spelling a
    sound, skeletons are the consonants of each. groups are the names of the table that it spells. syllables is its key
    as East Asian syllables, or empty. without_vowels marks scripts that write hardly any.
    """

    text: str
    forms: tuple[str, ...]
    sounds: tuple[str, ...]
    skeletons: tuple[str, ...]
    groups: tuple[int, ...] = ()
    syllables: str = ""
    without_vowels: bool = False
    unsure_vowels: bool = False


class Name(Struct, frozen=True, gc=False):
    """A name ready to compare: its words, what each tells (0 to 1), and all its letters in their order."""

    words: tuple[Word, ...]
    weights: tuple[float, ...]
    letters: str
    consonants: str
    family: int = 0  # words of the family name, where a comma stands behind it

    @property
    def telling(self) -> int:
        """How many words say something about who is meant."""
        return sum(weight >= TELLING_WEIGHT for weight in self.weights)


TELLING_WEIGHT = 0.2


def read_name(text: str, kind: str) -> Name:
    """A name of a person or an entity in compared form; without words when no letter or digit is in it."""
    return _read_name(text[:MAX_NAME_CHARS], kind)


@lru_cache(maxsize=2_048)
def _read_name(text: str, kind: str) -> Name:
    found = _without_repeats(name_words(text, kind))
    weights = tuple(weigh(word.text, word.groups, kind) for word in found)
    return make_name(found, weights, family_words(text, kind))


def make_name(words: tuple[Word, ...], weights: tuple[float, ...], family: int) -> Name:
    """A name of words that are weighed."""
    letters = letters_of(words)
    return Name(words, weights, letters, letters.translate(WITHOUT_VOWELS), family)


WITHOUT_VOWELS = str.maketrans("", "", "aeiou")


def _with_syllables(words: tuple[Word, ...]) -> tuple[Word, ...]:
    """The words with their syllables, when all are Chinese or Korean ones and one of them is a known name."""
    eastern = name_table().eastern
    if not any(group in eastern for word in words for group in word.groups):
        return words
    found = tuple(_with_syllable(word) for word in words)
    return found if all(word.syllables for word in found) else words


@lru_cache(maxsize=_CACHED_WORDS)
def _with_syllable(word: Word) -> Word:
    return msgspec.structs.replace(word, syllables=syllable_key(word.text))


def letters_of(words: tuple[Word, ...]) -> str:
    """All letters of a name in their order, as if it had been written in one word."""
    return "".join(word.text for word in words)


def _without_repeats(words: tuple[Word, ...]) -> tuple[Word, ...]:
    """A word that is repeated over and over counts twice."""
    return tuple(word for at, word in enumerate(words) if at < 2 or not word == words[at - 1] == words[at - 2])


def name_words(text: str, kind: str) -> tuple[Word, ...]:
    """The words that count: of a person without titles, of an entity without legal forms, unless nothing is left."""
    if kind == ENTITY:
        return _entity_words(_spelled_out(tokens(text)))
    kept = _without_titles([_without_digits(token) for token in tokens(text)])
    return _with_syllables(_serve([read_word(token, PERSON) for token in kept]))


def family_words(text: str, kind: str) -> int:
    """How many words stand before the only comma of a person's name, as family names do in registers; 0 without one."""
    family, comma, given = text.partition(",")
    if kind != PERSON or not comma or "," in given:
        return 0
    return len(name_words(family, kind)) if any(token.readings[0] not in titles() for token in tokens(given)) else 0


def _without_digits(token: Token) -> Token:
    """A word of a person's name in the reading that has no digits, if there is one: B1N is Bin."""
    if token.readings[0].isalpha() or len(token.readings) == 1:
        return token
    return token._replace(readings=tuple(sorted(token.readings, key=lambda reading: not reading.isalpha())))


def _entity_words(found: list[Token]) -> tuple[Word, ...]:
    kept = without_phrases([token.readings[0] for token in found], legal_forms())
    chosen = [found[at] for at in kept] or found
    return tuple(read_word(token, ENTITY) for token in chosen)


def _without_titles(found: list[Token]) -> list[Token]:
    texts = [token.readings[0] for token in found]
    kept = set(without_phrases(texts, titles()))
    kept |= {at for at in range(1, len(texts)) if at not in kept and texts[at - 1] in ARTICLES}
    if all(texts[at] in PARTICLES or len(texts[at]) == 1 for at in kept):
        return found
    return [token for at, token in enumerate(found) if at in kept]


def _spelled_out(found: list[Token]) -> list[Token]:
    """Letters that stand alone, one after the other, as one word: P.L.C. is plc, I S I L is isil."""
    joined: list[Token] = []
    run = ""
    for token in (*found, Token(("",))):
        text = token.readings[0]
        if len(text) == 1:
            run += text
            continue
        if run:
            joined.append(Token((run,)))
            run = ""
        if text:
            joined.append(token)
    return joined


@lru_cache(maxsize=_CACHED_WORDS)
def read_word(token: Token, kind: str) -> Word:
    """One token as a Word."""
    text = token.readings[0]
    if token.without_vowels:
        return Word(text, (text,), (text,), (skeleton_of(text),), without_vowels=True)
    forms = list(token.readings)
    table = name_table().groups
    if kind == ENTITY:
        forms += _without_joined_form(text)
    elif text not in table and (joined := _JOINED_ARTICLE.match(text)):
        forms.append(joined[2])
    groups = tuple(dict.fromkeys(group for form in forms if len(form) > 1 for group in table.get(form, ())))
    if kind == ENTITY:
        trade = (trade_words()[form] for form in forms if form in trade_words())
        groups = tuple(dict.fromkeys((*(-1 - number for number in trade), *groups)))
    sounds = tuple(dict.fromkeys(sound for form in forms for sound in sounds_of(form)))
    skeletons = tuple(skeleton_of(sound) for sound in sounds)
    return Word(
        text,
        tuple(dict.fromkeys(forms)),
        sounds,
        skeletons,
        groups,
        unsure_vowels=token.unsure_vowels,
    )


@lru_cache(maxsize=_CACHED_WORDS)
def join_words(several: tuple[Word, ...], kind: str) -> Word:
    """Adjacent words read as one, as if the spaces between them had been forgotten."""
    text = "".join(word.text for word in several)
    joined = read_word(Token((text,), any(word.without_vowels for word in several)), kind)
    return _with_syllable(joined) if several[0].syllables else joined


def _without_joined_form(text: str) -> list[str]:
    """JSCARGUMENT without its JSC."""
    return [
        text[len(form) :]
        for form in ("jsc", "ooo", "oao", "zao", "pao", "pjsc", "ojsc", "cjsc", "llc", "ltd", "gmbh", "sarl", "tov")
        if text.startswith(form) and len(text) >= len(form) + _MIN_JOINED_FORM
    ]


def _serve(found: list[Word]) -> tuple[Word, ...]:
    """Abd, Abdul, Abdur … as one word of its own; what was written as one with it stands after it."""
    words: list[Word] = []
    for word in found:
        if _is_servant(word.text):
            words.append(_SERVANT)
        elif not word.groups and (joined := _JOINED_SERVANT.match(word.text)) and word.text not in STOP_WORDS:
            words += (_SERVANT, read_word(Token((joined[2],)), PERSON))
        elif word.without_vowels and word.text.startswith("bd") and len(word.text) > _MIN_JOINED_FORM:
            words += (_SERVANT, read_word(Token((word.text[2:],), without_vowels=True), PERSON))
        elif word.text in _OF_GOD and words and words[-1] is _SERVANT:
            words[-1] = _ABDULLAH
        else:
            words.append(word)
    return tuple(words)


@lru_cache(maxsize=4_096)
def _is_servant(text: str) -> bool:
    """Abd in any spelling, or with two of its letters swapped (ABUDL)."""
    if text in SERVANT_FORMS:
        return True
    return 4 <= len(text) <= 5 and text not in name_table().groups and "".join(sorted(text)) in _SWAPPED_SERVANT


_SWAPPED_SERVANT = {"".join(sorted(form)) for form in ("abdul", "abdel", "abdal", "abdur", "abdus", "abdl")}
_OF_GOD = frozenset({"allah", "ullah", "alah", "illah", "lh"})
_SERVANT = read_word(Token(("abd",)), PERSON)
_ABDULLAH = read_word(Token(("abdullah",)), PERSON)


def split_word(left: str, right: str, kind: str) -> tuple[Word, ...]:
    """The two words that one may have been written from; right may be empty."""
    return tuple(read_word(Token((text,)), kind) for text in (left, right) if text)
