"""Chinese and Korean syllables in their several romanisations, brought to one coarse key.

Zhang, Chang and Cheung, Jong and Chong: pinyin, Wade-Giles, McCune-Reischauer and the revised Korean system write one
sound with different letters. A word that can be read as such syllables gets a key; equal keys are alike, not the same.
"""

import re
from functools import lru_cache

_MAX_LETTERS = 18
_INITIALS = (
    ("chh", "c"), ("zh", "c"), ("ch", "c"), ("tch", "c"), ("sh", "s"), ("hs", "s"), ("ts", "z"), ("tz", "z"),
    ("ss", "s"), ("kk", "k"), ("tt", "t"), ("pp", "p"), ("jj", "c"), ("j", "c"), ("q", "c"), ("x", "s"), ("s", "s"),
    ("z", "z"), ("c", "z"), ("b", "p"), ("p", "p"), ("d", "t"), ("t", "t"), ("g", "k"), ("k", "k"), ("h", "h"),
    ("f", "f"), ("m", "m"), ("n", "n"), ("l", "l"), ("r", "l"), ("w", ""), ("y", ""), ("", ""),
)  # fmt: skip
# Finals of Mandarin and Korean that may stand for one another.
_FINALS = {
    final: key
    for key, finals in {
        "a": "a ah", "o": "o uo oh eo ou ow", "e": "e eh", "i": "i ih ui wi ee yi", "u": "u oo eu uh wu",
        "v": "v yu ue",
        "ai": "ai ae ay", "ei": "ei", "ao": "ao au", "io": "iao yao iau", "iu": "iu iou yu yoo yoe",
        "ia": "ia ya", "ie": "ie ye ieh yeh", "ua": "ua wa", "uai": "uai wae",
        "an": "an", "en": "en", "in": "in een", "un": "un uen oon eun won", "on": "on eon",
        "ian": "ian ien yan yen yeon yon",
        "uan": "uan wan uen", "ang": "ang", "eng": "eng", "ing": "ing", "ong": "ong ung eong oong eung",
        "iang": "iang yang", "iong": "iong iung yong yung yeong young", "uang": "uang wang",
        "ak": "ak", "ok": "ok eok uk ook euk", "ik": "ik", "ek": "ek aek", "uk": "yok yeok yuk yook",
        "am": "am", "om": "om eom um eum", "im": "im", "em": "em", "iom": "yom yeom",
        "al": "al", "ol": "ol eol ul ool eul", "il": "il", "el": "el", "iol": "yol yeol yul", "ap": "ap ab",
        "op": "op eop up ub", "ip": "ip ib", "at": "at", "ot": "ot ut", "it": "it",
        "oe": "oe oi", "ui": "eui uei wei ui",
    }.items()
    for final in finals.split()
}  # fmt: skip
_LONGEST_FINAL = max(map(len, _FINALS))
_VOWELS = "aeiou"
_ONLY_LETTERS = re.compile(r"[a-z]+")


@lru_cache(maxsize=16_384)
def syllable_key(text: str) -> str:
    """The key of a word that is one to three such syllables, or empty when it is none."""
    if len(text) < 2 or len(text) > _MAX_LETTERS or not _ONLY_LETTERS.fullmatch(text):
        return ""
    return _keyed(text, 3) or ""


def _begins_with_vowel(text: str, at: int) -> bool:
    """Whether the syllable at a place would begin with a vowel that the consonant before it could be read with."""
    return text[at : at + 1] in _VOWELS and text[at - 1] not in _VOWELS if at < len(text) else False


@lru_cache(maxsize=16_384)
def _keyed(text: str, most: int) -> str | None:
    if not text:
        return ""
    if not most:
        return None
    for initial, sound in _INITIALS:
        if not text.startswith(initial):
            continue
        for length in range(min(_LONGEST_FINAL, len(text) - len(initial)), 0, -1):
            final = _FINALS.get(text[len(initial) : len(initial) + length])
            if final is None or _begins_with_vowel(text, len(initial) + length):
                continue
            rest = _keyed(text[len(initial) + length :], most - 1)
            if rest is not None:
                glide = text[0] if not sound and text[0] in "wy" and not final.startswith(("i", "u")) else ""
                return f"{sound}{glide}{final}." + rest
    return None
