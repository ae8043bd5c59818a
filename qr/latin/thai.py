"""Thai after the Royal Thai General System of Transcription.

Thai writes no spaces and leaves out some vowels, so that a stretch of bare consonants reads more than one way: such a
word is sure only when it is known.
"""

from __future__ import annotations

import re
import unicodedata

from qr.latin import Spelled
from qr.latin.words import entries, spell_by_words, title, words

_ONSETS = dict(
    zip(
        "กขฃคฅฆงจฉชซฌญฎฏฐฑฒณดตถทธนบปผฝพฟภมยรลวศษสหฬอฮ",
        entries(
            "k kh kh kh kh kh ng ch ch ch s ch y d t th th th n d t th th th n b p ph f ph f ph m y r l w s s s h l - h"
        ),
        strict=True,
    )
)
_FINALS = dict.fromkeys("กขคฆ", "k") | dict.fromkeys("จชซฎฏฐฑฒดตถทธศษสฌ", "t") | dict.fromkeys("บปพฟภ", "p")
_FINALS |= dict.fromkeys("ญณนรลฬ", "n") | {"ง": "ng", "ม": "m", "ย": "i", "ว": "o"}
_K = (
    "(?P<k>(?:ก[รลว]|ข[รลว]|ค[รลว]|ตร|ป[รล]|ผล|พ[รล]|ทร|ศร|สร|จร|ห[งญนมยรลว]|อย|[ก-ฮ])"
    "(?=[ะ-ูเ-ไ็กขคงจฉชซญฎฏฐณดตถทธนบปผพฟภมยรลวศษสอฮ]|$))"
)
_F = "(?P<f>[กขคฆงจชซญฎฏฐฑฒณดตถทธนบปพฟภมยรลวศษสฬ](?![ะ-ูๅ็]|อ(?![ะ-ูๅ็])))"
# Shapes of a syllable and the vowel of each, longest first. `+` marks that the last letter is a final.
_SHAPES = tuple(
    (re.compile(shape.replace("K", _K).replace("F", _F)), vowel)
    for shape, vowel in (
        ("เKียว", "iao"),
        ("เKียF?", "ia"),
        ("เKือF?", "uea"),
        ("เKอะ", "oe"),
        ("เKาะ", "o"),
        ("เKา", "ao"),
        ("เKอF?", "oe"),
        ("เKิF", "oe"),
        ("เKะ", "e"),
        ("เK็F", "e"),
        ("เKย(?![ะ-ู])", "oei"),
        ("เKว(?![ะ-ู])", "eo"),
        ("เKF?(?![ะ-ูๅ็])", "e"),
        ("แKะ", "ae"),
        ("แK็?F?(?![ะ-ูๅ็])", "ae"),
        ("โKะ", "o"),
        ("โKF?(?![ะ-ูๅ็])", "o"),
        ("[ใไ]Kย(?![ะ-ู])", "ai"),
        ("[ใไ]K(?![ะ-ูๅ็])", "ai"),
        ("[ใไ]K", "ai"),
        ("Kัวะ?", "ua"),
        ("Kัย", "ai"),
        ("KัF", "a"),
        ("Kรรม", "am"),
        ("KรรF", "a"),
        ("Kรร", "an"),
        ("Kำ", "am"),
        ("KาF?", "a"),
        ("Kะ", "a"),
        ("KิF?", "i"),
        ("KีF?", "i"),
        ("KึF?", "ue"),
        ("Kือ(?![ะ-ู])", "ue"),
        ("KืF?", "ue"),
        ("KุF?", "u"),
        ("KูF?", "u"),
        ("K็อF", "o"),
        ("KอF?(?![ะ-ู])", "o"),
        ("KวF", "ua"),
    )
)
_two = re.compile("(?P<k>[ก-ฮ])" + _F)
_tones = re.compile("[\u0e48-\u0e4b\u0e4d\u0e4e]")
_silent = re.compile("(?:[ทตด]ร|[ก-ฮ][ิุ]?)\u0e4c")


def spell(run: str, language: str) -> Spelled:
    """One run without spaces; what is not a known word stands as one word."""
    return Spelled(*spell_by_words(run, words(language), _may_end, _by_rule))


def _may_end(text: str, place: int) -> bool:
    if place in (0, len(text)):
        return True
    before, after, following = text[place - 1], text[place], text[place + 1 : place + 2]
    if before in "เแโใไ" or (before == "ห" and after in "งญนมยรลว"):
        return False
    return not (unicodedata.category(after) == "Mn" or after in "ะาำๅๆฯ" or following == "\u0e4c")


def _by_rule(run: str) -> tuple[str, bool]:
    text = _tones.sub("", _silent.sub("", run.replace("ๆ", "").replace("ฯ", ""))).replace("\u0e4d\u0e32", "ำ")
    found, place, sure = "", 0, True
    while place < len(text):
        match, vowel = _shape(text, place)
        if match is not None:
            found += _said(match, vowel)
            place = match.end()
            continue
        pair = _two.match(text, place)
        if pair is not None and pair.end() - place == 2:
            sure = sure and not _more_bare(text, pair.end())
            found += _onset(pair["k"]) + "o" + _FINALS[pair["f"]]
            place = pair.end()
            continue
        char = text[place]
        sure = sure and char in _ONSETS and place + 1 < len(text) and text[place + 1] in _ONSETS
        found += _onset(char) + "a" if char in _ONSETS else {"ฤ": "rue"}.get(char, "")
        place += 1
    return title(found), sure


def _shape(text: str, place: int) -> tuple[re.Match[str] | None, str]:
    for shape, vowel in _SHAPES:
        match = shape.match(text, place)
        if match is not None:
            return match, vowel
    return None, ""


def _more_bare(text: str, place: int) -> bool:
    """Whether another bare consonant follows, so that the word might be parted otherwise."""
    if place >= len(text) or text[place] not in _ONSETS:
        return False
    return _shape(text, place)[0] is None


def _said(match: re.Match[str], vowel: str) -> str:
    final = match.groupdict().get("f")
    return _onset(match["k"]) + vowel + (_FINALS[final] if final else "")


def _onset(letters: str) -> str:
    if letters == "ทร":
        return "s"
    if letters in ("สร", "ศร", "จร"):
        return _ONSETS[letters[0]]
    if len(letters) == 2 and letters[0] in "หอ":
        letters = letters[1]
    return "".join(_ONSETS[letter] for letter in letters)
