"""Cyrillic (each language as its country romanises it), Greek (ELOT 743), Georgian and Armenian."""

from __future__ import annotations

import re
import unicodedata

from qr.latin import Spelled
from qr.latin.words import title, words


def _table(text: str) -> dict[str, str]:
    """A table written as pairs, `а=a`; nothing after the sign leaves the letter out."""
    return {pair[0]: pair[2:] for pair in text.split()}


_RUSSIAN = _table(
    "а=a б=b в=v г=g д=d е=e ё=yo ж=zh з=z и=i й=y к=k л=l м=m н=n о=o п=p р=r с=s т=t у=u ф=f х=kh ц=ts ч=ch ш=sh"
    " щ=shch ъ= ы=y ь= э=e ю=yu я=ya і=i ї=yi є=ye ґ=g ў=w ј=j љ=lj њ=nj ђ=dj ћ=c џ=dz ѓ=gj ќ=kj ѕ=dz"
    " ә=a ғ=gh қ=q ң=ng ө=o ұ=u ү=u һ=h ҳ=h ҷ=j ӣ=i ӯ=u җ=j ѣ=e"
)
_CYRILLIC = {
    "uk": _table("г=h и=y й=i х=kh ю=iu я=ia є=ie ї=i"),
    "be": _table("г=h"),
    "bg": _table("щ=sht ъ=a х=h ь=y"),
    "sr": _table("х=h ц=c ч=c ж=z ш=s"),
    "mk": _table("х=h ц=c џ=dj љ=lj њ=nj"),
    "mn": _table("х=kh ж=j з=z ө=u ү=u е=ye ц=ts"),
    "kk": _table("ж=zh х=kh и=i ы=y"),
    "ky": _table("ж=j ө=o ү=u"),
    "tg": _table("ж=zh х=kh и=i ъ="),
    "uz": _table("ж=j х=x ў=o қ=q ғ=g ҳ=h е=e"),
}
# Ukrainian romanises these otherwise at the beginning of a word (resolution 55 of 2010).
_UKRAINIAN_FIRST = _table("ю=yu я=ya є=ye ї=yi й=y")
_GREEK = _table(
    "α=a β=v γ=g δ=d ε=e ζ=z η=i θ=th ι=i κ=k λ=l μ=m ν=n ξ=x ο=o π=p ρ=r σ=s ς=s τ=t υ=y φ=f χ=ch ψ=ps ω=o"
)
_GREEK_PAIRS = (
    (re.compile("ου"), "u\0"),
    (re.compile("([αεη])υ(?=[βγδζλμνραεηιουω])"), "\\1v"),
    (re.compile("([αεη])υ"), "\\1f"),
    (re.compile("γγ"), "ng"),
    (re.compile("γξ"), "nx"),
    (re.compile("γχ"), "nch"),
    (re.compile("\\bμπ"), "b"),
    (re.compile("\\bντ"), "d"),
    (re.compile("\\bγκ"), "g"),
)
_GEORGIAN = _table(
    "ა=a ბ=b გ=g დ=d ე=e ვ=v ზ=z თ=t ი=i კ=k ლ=l მ=m ნ=n ო=o პ=p ჟ=zh რ=r ს=s ტ=t უ=u ფ=p ქ=k ღ=gh ყ=q შ=sh ჩ=ch"
    " ც=ts ძ=dz წ=ts ჭ=ch ხ=kh ჯ=j ჰ=h"
)
_ARMENIAN = _table(
    "ա=a բ=b գ=g դ=d ե=e զ=z է=e ը=y թ=t ժ=zh ի=i լ=l խ=kh ծ=ts կ=k հ=h ձ=dz ղ=gh ճ=ch մ=m յ=y ն=n շ=sh ո=o չ=ch պ=p"
    " ջ=j ռ=r ս=s վ=v տ=t ր=r ց=ts ւ=v փ=p ք=k օ=o ֆ=f և=ev"
)


def spell(word: str, language: str) -> Spelled:
    """One word, in the case it is written in; Georgian has no capitals and gets one."""
    lower = word.lower()
    known = words(language).get(lower)
    found = known.lower() if known else _by_letters(lower, language)
    if word.isupper() and len(word) > 1:
        return Spelled(found.upper(), True)
    return Spelled(title(found) if word[0] != lower[0] or language == "ka" else found, True)


def _by_letters(word: str, language: str) -> str:
    if language == "el":
        return _greek(word)
    if language == "ka":
        return "".join(_GEORGIAN.get(char, "") for char in word.translate(_OLD_GEORGIAN))
    if language == "hy":
        word = re.sub("^ո(?!ւ|վ)", "vo", re.sub("^ե(?!ւ)", "ye", word)).replace("ու", "u")
        return "".join(_ARMENIAN.get(char, char if char.isascii() else "") for char in word)
    return _cyrillic(word, language)


_OLD_GEORGIAN = {ord(chr(0x1C90 + number)): chr(0x10D0 + number) for number in range(33)}


def _cyrillic(word: str, language: str) -> str:
    table = _RUSSIAN | _CYRILLIC.get(language, {})
    first = _UKRAINIAN_FIRST if language == "uk" else {}
    if language == "uk":
        word = word.replace("зг", "zgh")
    found = ""
    for place, char in enumerate(word):
        plain = char if char in table or char.isascii() else unicodedata.normalize("NFD", char)[0]
        found += (first.get(char) if place == 0 else None) or table.get(plain, plain if plain.isascii() else "")
    if language == "ru":
        found = re.sub("yy$|iy$", "y", found)
    if language == "bg":
        found = re.sub("iya$", "ia", found)
    return found


def _greek(word: str) -> str:
    """Vowel pairs and double consonants first, unless a diaeresis or an accent on the first parts them."""
    marked = unicodedata.normalize("NFD", word)
    parted = re.sub("([αεηο])\u0301([υι])", "\\1\1\\2", marked)
    parted = re.sub("([υι])\u0308", "\1\\1", parted)
    plain = "".join(char for char in parted if not unicodedata.combining(char))
    for pair, form in _GREEK_PAIRS:
        plain = pair.sub(form, plain)
    plain = plain.replace("u\0", "ou")
    return "".join(_GREEK.get(char, char if char.isascii() else "") for char in plain).replace("\1", "")
