"""Japanese after Hepburn without length marks: kana by rule, kanji by known words only."""

from __future__ import annotations

import re

from qr.latin import Spelled
from qr.latin.words import cut, entries, title, words

_KANA = dict(
    zip(
        "あいうえおかきくけこがぎぐげごさしすせそざじずぜぞたちつてとだぢづでどなにぬねのはひふへほばびぶべぼぱぴぷぺぽまみむめもやゆよらりるれろわゐゑをんゔぁぃぅぇぉ",
        entries(
            "a i u e o ka ki ku ke ko ga gi gu ge go sa shi su se so za ji zu ze zo ta chi tsu te to"
            " da ji zu de do na ni nu ne no ha hi fu he ho ba bi bu be bo pa pi pu pe po ma mi mu me"
            " mo ya yu yo ra ri ru re ro wa i e o n vu a i u e o"
        ),
        strict=True,
    )
)
_SMALL_Y = {"ゃ": "a", "ゅ": "u", "ょ": "o"}
_SMALL_VOWELS = dict(zip("ぁぃぅぇぉ", "aiueo", strict=True))
_KANJI = re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff々〆ヶ]")


def spell(run: str, language: str) -> Spelled:
    """One run of kana and kanji."""
    parts, sure = [], True
    for text, form in cut(run, words(language), _may_end):
        if form is not None:
            parts.append(form)
        else:
            for piece in re.findall(f"{_KANJI.pattern}+|[^\u3400-\u9fff]+", text):
                kanji = bool(_KANJI.match(piece))
                sure = sure and not kanji
                parts.append(_guess(piece) if kanji else title(_kana(piece)))
    return Spelled(" ".join(part for part in parts if part), sure)


def _may_end(text: str, place: int) -> bool:
    if place in (0, len(text)):
        return True
    return text[place] not in "ゃゅょャュョァィゥェォっッー"


def _kana(text: str) -> str:
    found, double = "", False
    for char in text:
        kana = chr(ord(char) - 0x60) if "ァ" <= char <= "ヴ" else char
        if kana == "っ":
            double = True
            continue
        if kana in _SMALL_Y and found.endswith("i"):
            stem = found[:-1]
            found = stem + ("" if stem.endswith(("sh", "ch", "j")) else "y") + _SMALL_Y[kana]
            continue
        if kana in _SMALL_VOWELS and found[-1:] in ("i", "u", "e", "o"):
            found = _with_small(found, _SMALL_VOWELS[kana])
            continue
        sound = _KANA.get(kana, _SMALL_Y.get(kana, ""))
        if double and sound[:1] not in ("", *"aiueo"):
            sound = ("t" if sound.startswith("ch") else sound[0]) + sound
        double = False
        found += sound
    return re.sub("ou|oo", "o", found.replace("uu", "u"))


def _with_small(found: str, vowel: str) -> str:
    """A sound that Japanese borrowed: fa, ti, wi, che."""
    stem, last = found[:-1], found[-1]
    if last == "u" and found == "u":
        return "w" + vowel
    if stem.endswith(("f", "v", "ch", "sh", "j", "t", "d", "ts")) or last == "u":
        return stem + vowel
    return found + vowel


def _guess(kanji: str) -> str:
    from anyascii import anyascii

    return title(anyascii(kanji).lower())
