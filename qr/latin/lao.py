"""Lao, which writes its vowels, as Laos spells it: after French habit (ou, v, x)."""

from __future__ import annotations

import re
import unicodedata

from qr.latin import Spelled
from qr.latin.words import entries, spell_by_words, title, words

_ONSETS = dict(
    zip(
        "ກຂຄງຈສຊຍດຕຖທນບປຜຝພຟມຢຣລວຫອຮໜໝ",
        entries("k kh kh ng ch s x ny d t th th n b p ph f ph f m y r l v h - h n m"),
        strict=True,
    )
)
_FINALS = {"ກ": "k", "ງ": "ng", "ຍ": "y", "ດ": "t", "ນ": "n", "ບ": "p", "ມ": "m", "ວ": "o", "ຣ": "r", "ລ": "l"}
_FINALS |= {"ສ": "s", "ຕ": "t", "ປ": "p", "ຟ": "f", "ຊ": "s"}
_K = "(?P<k>(?:ຫ[ງຍນມລວຣ](?=[ະ-ູົຼຽໍອວ])|[ກຂຄ]ວ(?=[າັິີະ])|[ກຄບປພຕທຟ][ຣລ](?=[ະ-ູົຽໍ])|[ກ-ຮໜໝ]))ຼ?"
_F = "(?P<f>[ກງຍດນບມວຣລສຕປຟຊ](?![ະ-ູົຼຽໍ]|ອ(?![ະ-ູົຽໍ])))"
_SHAPES = tuple(
    (re.compile(shape.replace("K", _K).replace("F", _F)), vowel)
    for shape, vowel in (
        ("ເKຶອF?", "uea"),
        ("ເKືອF?", "eua"),
        ("ເKັຽF?", "ia"),
        ("ເKົາ", "ao"),
        ("ເKາະ", "o"),
        ("ເKະ", "e"),
        ("ເKັຍ", "ia"),
        ("ເKຍ(?![ະ-ູ])", "ia"),
        ("ເK[ິີ]F?", "oe"),
        ("ເKັF", "e"),
        ("ເKF?(?![ະ-ູົຼຽໍ])", "e"),
        ("ແKະ", "ae"),
        ("ແKັF", "ae"),
        ("ແKF?(?![ະ-ູົຼຽໍ])", "ae"),
        ("ໂKະ", "o"),
        ("ໂKF?(?![ະ-ູົຼຽໍ])", "o"),
        ("[ໄໃ]K(?![ະ-ູົຼຽໍ])", "ai"),
        ("Kົວະ?", "oua"),
        ("KົF", "o"),
        ("Kັວ", "oua"),
        ("KັນF?", "an"),
        ("KັຍF?", "ai"),
        ("KັF", "a"),
        ("Kາຍ(?![ະ-ູ])", "ai"),
        ("KາF?", "a"),
        ("Kຳ", "am"),
        ("Kະ", "a"),
        ("KິF?", "i"),
        ("KີF?", "i"),
        ("K[ຶື]F?", "eu"),
        ("K[ຸູ]F?", "ou"),
        ("KຽF?", "ia"),
        ("Kໍ", "o"),
        ("KອF", "o"),
        ("KວF", "oua"),
    )
)
_tones = re.compile("[\u0ec8-\u0ecb]")
_silent = re.compile("[ກ-ຮ]\u0ecc")


def spell(run: str, language: str) -> Spelled:
    """One run without spaces; what is not a known word stands as one word."""
    return Spelled(*spell_by_words(run, words(language), _may_end, _by_rule))


def _may_end(text: str, place: int) -> bool:
    if place in (0, len(text)):
        return True
    return not (unicodedata.category(text[place]) == "Mn" or text[place] in "ະາຳຽໆ" or text[place - 1] in "ເແໂໄໃ")


def _by_rule(run: str) -> tuple[str, bool]:
    text = _tones.sub("", _silent.sub("", unicodedata.normalize("NFC", run).replace("ໆ", "")))
    text = text.replace("\u0ecd\u0eb2", "ຳ")
    found, place, sure = "", 0, True
    while place < len(text):
        match = next((hit for shape, _ in _SHAPES if (hit := shape.match(text, place))), None)
        if match is None:
            char = text[place]
            found += _ONSETS[char] + "a" if char in _ONSETS else ""
            sure, place = False, place + 1
            continue
        vowel = next(vowel for shape, vowel in _SHAPES if shape is match.re)
        final = match.groupdict().get("f")
        found += _onset(match["k"]) + vowel + (_FINALS[final] if final else "")
        place = match.end()
    return title(found), sure


def _onset(letters: str) -> str:
    if len(letters) == 2 and letters[0] == "ຫ":
        return _ONSETS[letters[1]]
    return "".join(_ONSETS[letter] for letter in letters)
