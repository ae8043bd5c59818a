"""The texts of SMPP's units: GSM-7 an octet a septet, UCS-2, and what handsets and centres besides send."""

from typing import Final

# 3GPP TS 23.038: the default alphabet by its codes, and what follows an escape.
_BASIC: Final = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED: Final = {
    "\f": 0x0A, "^": 0x14, "{": 0x28, "}": 0x29, "\\": 0x2F, "[": 0x3C, "~": 0x3D, "]": 0x3E, "|": 0x40, "€": 0x65
}  # fmt: skip
_ESCAPE: Final = 0x1B
_CODES: Final = {char: bytes([code]) for code, char in enumerate(_BASIC) if code != _ESCAPE} | {
    char: bytes([_ESCAPE, code]) for char, code in _EXTENDED.items()
}
_EXTENSION: Final = {code: char for char, code in _EXTENDED.items()}
GSM7: Final = 0x00  # data_coding (SMPP 3.4, 5.2.19); the centre's default alphabet, which is GSM-7 by custom
UCS2: Final = 0x08
# Of a USSD string UCS-2 is also 0x48 (3GPP TS 23.038, 5).
_OTHERS: Final = {0x01: "ascii", 0x03: "latin-1", 0x06: "iso8859-5", 0x07: "iso8859-8"}
_WIDE: Final = frozenset({UCS2, 0x48})


def encode_text(text: str) -> tuple[int, bytes]:
    """The data_coding and the octets of a text: GSM-7 where its alphabet has every character."""
    try:
        return GSM7, b"".join([_CODES[char] for char in text])
    except KeyError:
        return UCS2, text.encode("utf-16-be", "replace")


def decode_text(data_coding: int, octets: bytes) -> str:
    """What was typed; an octet that stands for nothing is shown as such, since a person will be asked again."""
    if data_coding in _WIDE:
        return octets.decode("utf-16-be", "replace")
    if data_coding in _OTHERS:
        return octets.decode(_OTHERS[data_coding], "replace")
    return _decode_gsm7(octets)


def _decode_gsm7(octets: bytes) -> str:
    text, escaped = "", False
    for octet in octets:
        if octet == _ESCAPE and not escaped:
            escaped = True
            continue
        text += _EXTENSION.get(octet, "\ufffd") if escaped else _BASIC[octet] if octet < len(_BASIC) else "\ufffd"
        escaped = False
    return text
