"""Chinese in pinyin, a syllable a word beside known words, whose signs may be read otherwise than alone."""

from __future__ import annotations

from qr.latin import Spelled
from qr.latin.words import cut, title, words


def spell(run: str, language: str) -> Spelled:
    """One run of signs. Hong Kong and Macau (`yue`) spell names as Cantonese says them, which is not known here."""
    from anyascii import anyascii

    parts = []
    for text, form in cut(run, words("zh"), lambda whole, place: True):
        parts += [form] if form is not None else [title(anyascii(char).strip()) for char in text]
    return Spelled(" ".join(part for part in parts if part), language == "zh")
