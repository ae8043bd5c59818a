"""The checksum that closes every payload: CRC-16/CCITT-FALSE over the UTF-8 bytes.

The lowest layer: it knows bytes and four hexadecimal digits, nothing of objects. `binascii` computes it in C, about
thirty times faster than a table in Python.
"""

from binascii import crc_hqx

INITIAL = 0xFFFF  # ISO/IEC 13239, polynomial 0x1021, no reflection, no final XOR
ELQR_MARK = "5303417"  # in som: only Kyrgyz codes are closed in another way


def checksum(text: str) -> str:
    """Four upper-case hexadecimal digits for `text`, which must end with `6304` (EMV MPM 4.7.3.1)."""
    return f"{crc_hqx(text.encode('utf-8', 'surrogatepass'), INITIAL):04X}"


def elqr_checksum(payload: str) -> str:
    """What closes a code of Kyrgyzstan's ELQR instead: the last four hexadecimal digits of SHA-256 over what stands
    before object 63. Empty for a text that cannot be one.
    """
    if ELQR_MARK not in payload or payload[-8:-4] != "6304":
        return ""
    from hashlib import sha256  # rarely needed, and slow to load

    return sha256(payload[:-8].encode("utf-8", "surrogatepass")).hexdigest()[-4:].upper()
