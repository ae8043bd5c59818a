"""Undoes what scanners, copy and paste, and web forms do to a payload, before it is decoded.

A separate step on purpose: decoding never repairs. A repair is kept only when the checksum then agrees, so a valid
payload is never changed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import combinations
from urllib.parse import unquote

from qr import crc
from qr.reader import INPUT_CHARS_MAX

REPAIRED_CHARS_MAX = 8_859  # the largest symbol's 2,953 bytes (ISO/IEC 18004, 40-L), each written as %XX

# Spaces, line ends and other controls, byte order mark and zero-width characters.
_EDGES = (
    "".join(map(chr, range(0x21))) + "\x7f\x85\xa0\u2028\u2029\ufeff\u2060" + "".join(map(chr, range(0x200B, 0x2010)))
)
# What keyboard-wedge scanners put in front: symbology ISO/IEC 15424 and the ECI they saw (\000026 is UTF-8).
_PREFIX = re.compile(r"^\][A-Za-z][0-9](?:\\[0-9]{6})?")
_AFTER_CHECKSUM = re.compile("6304[0-9A-Fa-f]{4}")


def clean(text: str) -> str:
    """The payload within scanned or pasted text, or the text without its edges when no repair makes one."""
    bare = _PREFIX.sub("", text[:INPUT_CHARS_MAX].strip(_EDGES)).strip(_EDGES)
    if len(bare) > REPAIRED_CHARS_MAX:
        return bare
    for count in range(len(_REPAIRS) + 1):
        for repairs in combinations(_REPAIRS, count):
            candidate = bare
            for repair in repairs:
                candidate = repair(candidate)
            if checksum_holds(candidate):
                return candidate
    return bare


def checksum_holds(payload: str) -> bool:
    """Whether a text ends in the checksum of what stands before, in either case."""
    return payload[-8:-4] == "6304" and crc.checksum(payload[:-4]) == payload[-4:].upper()


def _joined(text: str) -> str:
    """Lines that a mail or form broke."""
    return re.sub(r"[\r\n\t]+", "", text)


def _unquoted(text: str) -> str:
    """Percent signs of a web address."""
    return unquote(text)


def _spaced(text: str) -> str:
    """Plus signs for spaces, as forms write them."""
    return text.replace("+", " ")


def _read_as_utf8(text: str) -> str:
    """UTF-8 that a scanner took for Latin-1, when the symbol announced no ECI."""
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


def _ended(text: str) -> str:
    """Text that follows the checksum."""
    ends = [match.end() for match in _AFTER_CHECKSUM.finditer(text)]
    return text[: ends[-1]] if ends else text


_REPAIRS: tuple[Callable[[str], str], ...] = (_joined, _unquoted, _spaced, _read_as_utf8, _ended)
