"""Undoes what scanners, copy and paste, web forms and links do to a payload, before it is decoded.

A separate step on purpose: decoding never repairs. A repair is kept only when the checksum then agrees, so a valid
payload is never changed.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode
from binascii import crc_hqx
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
_PREFIX = re.compile(r"^(?:\][A-Za-z][0-9])?(?:\\[0-9]{6})?")
# Where a payload may begin and end within another text, such as the link that opens a wallet. 00 is 01, in Malaysia 02.
_STARTS = re.compile(b"00020[12]")
_ENDS = re.compile(b"6304(?=[0-9A-Fa-f]{4})")
_BASE64_STARTS = re.compile("MDAwMjA[xy][A-Za-z0-9+/_-]{40,}")  # 000201 or 000202
_ELQR = crc.ELQR_MARK.encode()
STARTS_MAX = 8


def clean(text: str) -> str:
    """The payload within scanned or pasted text, or the text without its edges when no repair makes one."""
    bare = _PREFIX.sub("", text[:INPUT_CHARS_MAX].strip(_EDGES)).strip(_EDGES)
    if len(bare) > REPAIRED_CHARS_MAX:
        return bare
    tried: set[str] = set()
    for count in range(len(_REPAIRS) + 1):
        for repairs in combinations(_REPAIRS, count):
            candidate = bare
            for repair in repairs:
                candidate = repair(candidate)
            if candidate in tried:
                continue
            tried.add(candidate)
            if checksum_holds(candidate) or elqr_holds(candidate):
                return candidate
            if (found := _cut_out(candidate)) is not None:
                return found
    return bare


def checksum_holds(payload: str) -> bool:
    """Whether a text ends in the checksum of what stands before, in either case."""
    return payload[-8:-4] == "6304" and crc.checksum(payload[:-4]) == payload[-4:].upper()


def elqr_holds(payload: str) -> bool:
    """Whether a text ends in the checksum of ELQR, which no decoder of EMVCo's codes accepts."""
    return payload[-4:].isascii() and payload[-4:].upper() == crc.elqr_checksum(payload) != ""


def _cut_out(text: str) -> str | None:
    """The first payload within a text whose checksum holds, None when there is none."""
    data = text.encode("utf-8", "surrogatepass")
    ends = [match.end() for match in _ENDS.finditer(data)][-REPAIRED_CHARS_MAX:]
    for number, match in enumerate(_STARTS.finditer(data) if ends else ()):
        if number == STARTS_MAX:
            break
        value, position = crc.INITIAL, match.start()
        for end in ends:
            if end > position:
                value, position = crc_hqx(data[position:end], value), end
                found = data[match.start() : end + 4]
                if int(data[end : end + 4], 16) == value or (_ELQR in found and elqr_holds(_text(found))):
                    return _text(found)
    return None


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogatepass")


def _joined(text: str) -> str:
    """Lines that a mail or form broke."""
    return re.sub(r"[\r\n\t]+", "", text)


def _unquoted(text: str) -> str:
    """Percent signs of a web address."""
    return unquote(text)


def _unquoted_again(text: str) -> str:
    """Percent signs of a web address within another."""
    return unquote(unquote(text)) if "%25" in text else text


def _spaced(text: str) -> str:
    """Plus signs for spaces, as forms write them."""
    return text.replace("+", " ")


def _read_as_utf8(text: str) -> str:
    """UTF-8 that a scanner took for Latin-1, when the symbol announced no ECI."""
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


def _unwrapped(text: str) -> str:
    """A payload that a link holds in base64."""
    found = _BASE64_STARTS.search(text)
    if found is None:
        return text
    letters = found[0].replace("+", "-").replace("/", "_")
    return urlsafe_b64decode(letters[: len(letters) - (len(letters) % 4 == 1)] + "===").decode("utf-8", "replace")


_REPAIRS: tuple[Callable[[str], str], ...] = (
    _joined,
    _unquoted,
    _spaced,
    _read_as_utf8,
    _unwrapped,
    _unquoted_again,
)
