"""A text message as the octets that SMPP carries: GSM-7 where its alphabet has every character, else UCS-2.

A longer text becomes parts, each with a user data header that tells which one it is (3GPP TS 23.040, 9.2.3.24.1).
"""

from itertools import pairwise
from uuid import UUID

from msgspec import Struct

# 3GPP TS 23.038: the default alphabet by its codes, and what follows an escape (0x1B).
GSM7_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM7_EXTENDED = {
    "\f": 0x0A, "^": 0x14, "{": 0x28, "}": 0x29, "\\": 0x2F, "[": 0x3C, "~": 0x3D, "]": 0x3E, "|": 0x40, "€": 0x65
}  # fmt: skip
_ESCAPE = 0x1B
_CODES = {char: bytes([code]) for code, char in enumerate(GSM7_BASIC) if code != _ESCAPE} | {
    char: bytes([_ESCAPE, code]) for char, code in GSM7_EXTENDED.items()
}
GSM7, UCS2 = 0x00, 0x08  # data_coding (SMPP 3.4, 5.2.19); 0 is the SMSC's default alphabet, which is GSM-7 by custom
# Octets of short_message: a septet is one, since the SMSC packs them; 7 septets or 6 octets of a part are its header.
_WHOLE = {GSM7: 160, UCS2: 140}
_PART = {GSM7: 153, UCS2: 134}
PARTS_MAX = 10  # 1,530 characters; a phone of 2005 shows no more


class Encoded(Struct, frozen=True):
    """A message's parts and how they are written."""

    data_coding: int
    parts: tuple[bytes, ...]

    @property
    def has_header(self) -> bool:
        """Whether each part begins with a user data header."""
        return len(self.parts) > 1


def encode(text: str, message_id: UUID) -> Encoded:
    """A message's parts. Those of the same id are the same at every try, so that a phone can drop a second copy.

    Raises ValueError for one of more than PARTS_MAX parts.
    """
    try:
        pieces, coding = [_CODES[char] for char in text], GSM7
    except KeyError:
        # Two units for a character beyond the first plane: no part ends between them.
        pieces, coding = [char.encode("utf-16-be", "replace") for char in text], UCS2
    if sum(map(len, pieces)) <= _WHOLE[coding]:
        return Encoded(coding, (b"".join(pieces),))
    bodies = _cut(pieces, _PART[coding])
    if len(bodies) > PARTS_MAX:
        raise ValueError(f"{len(bodies)} parts")
    reference = message_id.bytes[-1]
    header = bytes([5, 0, 3, reference, len(bodies)])
    return Encoded(coding, tuple(header + bytes([number]) + body for number, body in enumerate(bodies, 1)))


def _cut(pieces: list[bytes], size: int) -> list[bytes]:
    """As few bodies of at most `size` octets as hold all pieces, none of which is cut."""
    cuts, octets = [0], 0
    for place, piece in enumerate(pieces):
        if octets + len(piece) > size:
            cuts.append(place)
            octets = 0
        octets += len(piece)
    return [b"".join(pieces[start:end]) for start, end in pairwise([*cuts, len(pieces)])]
