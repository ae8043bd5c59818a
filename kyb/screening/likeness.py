"""How alike two words are, and keys under which a like word is found without comparing with all.

index.py files every listed word under its keys, match.py asks for the words like one of a query's. Two words
are alike when they sound alike (Hussein, Hosain), when one is misspelt (Badege, Badgee), or when one is
written without vowels and the consonants agree.
"""

from collections.abc import Iterator

from rapidfuzz.distance import OSA

from kyb.screening.names import Word

_SAME_SOUND = 0.99  # best likeness of words that are not the same
_SAME_CONSONANTS = 0.95  # likeness of a word written without vowels to one with them
_SHORT_LETTERS = 5  # shorter words are never taken for misspelt: Hadi is not Hamdi
_LONG_LETTERS = 8  # words as long as this may hold two mistakes, shorter ones one
_END_LETTERS = 3  # of start and of end that a key takes
_EDGE_LETTERS = 2


def sound_likeness(given: Word, listed: Word) -> float:
    """Likeness (0.91 to 0.99) of words with the same consonants, 0 when those or too many vowels differ.

    Only the given word may lack vowels: the reverse would liken a Latin word to far too many, and lists give
    every name in Latin letters besides its own.
    """
    if given.vowelless or listed.vowelless:
        same = given.consonants == listed.consonants != ""
        return _SAME_CONSONANTS if same and not listed.vowelless else 0.0
    if given.skeleton != listed.skeleton:
        return 0.0
    letters = max(len(given.sound), len(listed.sound))
    edits = int(OSA.distance(given.sound, listed.sound))
    return min(_SAME_SOUND, 1 - edits / (4 * letters)) if edits <= letters // 3 else 0.0


def spelling_likeness(given: Word, listed: Word) -> float:
    """Likeness (0.83 to 0.94) of two words that differ by a slip of the keyboard, 0 when by more."""
    if given.vowelless != listed.vowelless:
        return 0.0
    shorter, longer = sorted((len(given.text), len(listed.text)))
    edits = int(OSA.distance(given.text, listed.text))
    return 1 - edits / (1.5 * longer) if edits <= _slips(shorter) else 0.0


def spelling_keys(text: str) -> Iterator[str]:
    """Keys under which to file a listed word: its start, its end and both its edges, each with its length."""
    if len(text) >= _SHORT_LETTERS:
        yield from _keys(text, len(text))


def misspelling_keys(text: str) -> Iterator[str]:
    """Keys under which a word that differs from this one by its allowed slips may be filed."""
    for letters in range(max(_SHORT_LETTERS, len(text) - 2), len(text) + 3):
        if abs(letters - len(text)) <= _slips(min(letters, len(text))):
            yield from _keys(text, letters)


def _slips(letters: int) -> int:
    return 0 if letters < _SHORT_LETTERS else 1 if letters < _LONG_LETTERS else 2


def _keys(text: str, letters: int) -> Iterator[str]:
    yield f"^{text[:_END_LETTERS]}{letters}"
    yield f"${text[-_END_LETTERS:]}{letters}"
    yield f"|{text[:_EDGE_LETTERS]}{text[-_EDGE_LETTERS:]}{letters}"
