"""From text to the codewords of a symbol: header, bytes, padding, then Reed-Solomon error correction.

Error correction works a byte at a time on the whole remainder as one integer: 256 precomputed products of the
generator polynomial replace the inner loop of the division.
"""

from __future__ import annotations

from functools import lru_cache

import msgspec

from qr.symbols.standard import consts, encoder

ECI_UTF_8 = 0x71A  # mode indicator 0111 and assignment 000026 in 8 bits (ISO/IEC 18004:2015 7.4.2)
ECI_HEADER_BITS = 12
MODE_BITS = 4
BYTE_MODE = 0b0100
PAD_CODEWORDS = b"\xec\x11"  # ISO/IEC 18004:2015 7.4.10
VERSION_MAX = 40
FIELD_POLYNOMIAL = 0x11D  # ISO/IEC 18004:2015 7.5.2


class Text(msgspec.Struct, frozen=True):
    """A payload as bytes with the header its characters ask for."""

    data: bytes
    eci: bool

    @staticmethod
    def of(payload: str) -> Text:
        """UTF-8, announced by an ECI header as soon as one character is not ASCII (EMVCo MPM 4.12.1)."""
        return Text(payload.encode("utf-8"), not payload.isascii())

    def bits(self, version: int) -> int:
        """Length with headers, in bits."""
        return ECI_HEADER_BITS * self.eci + MODE_BITS + _count_bits(version) + 8 * len(self.data)

    def fits(self, version: int, error: int) -> bool:
        """Whether a version has room for it."""
        capacity: int = consts.SYMBOL_CAPACITY[version][error]
        return capacity >= self.bits(version)

    def smallest_version(self, error: int, least: int = 1) -> int:
        """The first version with room, from the least on, or DataOverflowError."""
        for version in range(least, VERSION_MAX + 1):
            if self.fits(version, error):
                return version
        raise encoder.DataOverflowError(f"{len(self.data)} bytes do not fit into a QR symbol")


def bit_string(text: Text, version: int, error: int) -> bytes:
    """All codewords as characters 0 and 1: each block's data in turn, then each block's error correction.

    Interleaving is left to the template, which reads this string in its own order.
    """
    capacity: int = consts.SYMBOL_CAPACITY[version][error] // 8
    data = _data_codewords(text, version, capacity)
    correction, start = [], 0
    for blocks in consts.ECC[version][error]:
        for _ in range(blocks.num_blocks):
            block = data[start : start + blocks.num_data]
            correction.append(_remainder(block, blocks.num_total - blocks.num_data))
            start += blocks.num_data
    codewords = data + b"".join(correction)
    return f"{int.from_bytes(codewords):0{8 * len(codewords)}b}".encode()


def _data_codewords(text: Text, version: int, capacity: int) -> bytes:
    header: int = ECI_UTF_8 if text.eci else 0
    header = header << MODE_BITS | BYTE_MODE
    header = header << _count_bits(version) | len(text.data)
    bits = text.bits(version)
    stream = header << 8 * len(text.data) | int.from_bytes(text.data)
    # Four zeros end the message, or fewer where there is no room. Without an ECI header that lands on a byte
    # boundary, and segno then adds a zero byte more, which no reader minds: we do too, to draw the same symbol.
    terminator = min(4, 8 * capacity - bits)
    padding = 8 - (bits + terminator) % 8
    length = (bits + terminator + padding) // 8
    message = (stream << terminator + padding).to_bytes(length)
    return (message + PAD_CODEWORDS * ((capacity - length + 1) // 2))[:capacity]


def _count_bits(version: int) -> int:
    # ISO/IEC 18004:2015 table 3, byte mode.
    return 8 if version < 10 else 16


def _remainder(block: bytes, length: int) -> bytes:
    """The error correction codewords of a data block."""
    products = _products(length)
    low_bytes = (1 << 8 * (length - 1)) - 1
    top_shift = 8 * (length - 1)
    remainder = 0
    for byte in block:
        remainder = (remainder & low_bytes) << 8 ^ products[remainder >> top_shift ^ byte]
    return remainder.to_bytes(length)


@lru_cache(maxsize=31)  # one for each number of correction codewords a block can have
def _products(length: int) -> tuple[int, ...]:
    """The generator polynomial of a degree times each field element, without its leading term."""
    generator = [1]
    root = 1
    for _ in range(length):
        shifted = [*generator, 0]
        generator = [a ^ b for a, b in zip(shifted, [0, *(_multiply(c, root) for c in generator)], strict=True)]
        root = _multiply(root, 2)
    return tuple(
        int.from_bytes(bytes(_multiply(element, coefficient) for coefficient in generator[1:]))
        for element in range(256)
    )


def _multiply(a: int, b: int) -> int:
    """Product in GF(256)."""
    product = 0
    while b:
        if b & 1:
            product ^= a
        a <<= 1
        if a & 0x100:
            a ^= FIELD_POLYNOMIAL
        b >>= 1
    return product
