"""What all symbols of a version and level share: where each bit goes, the eight masks, format and version bits.

A symbol is held as one integer, twice: all rows, then all columns, each line followed by four light modules that
belong to nothing. Those margins let a rule about neighbours run over the whole symbol without touching the next
line, and the second copy makes the rules for columns the same as for rows (see `penalty`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from itertools import chain, zip_longest
from operator import itemgetter

import msgspec

from qr.symbols.standard import consts, encoder

MARGIN = [0, 0, 0, 0]  # rule 3 of the mask evaluation looks four modules past a pattern
UNSET = 2  # segno's value for a module that data will fill

Lines = Sequence[Sequence[int]]


class Lattice(msgspec.Struct, frozen=True):
    """The layout of the integer for one symbol size, with the masks that pick parts of it."""

    size: int  # modules along a side
    stride: int  # bits from a module to the one below it
    half: int  # bits of one of the two copies
    everything: int  # every module and every margin
    has_right: int  # modules with a neighbour to the right
    has_right_and_below: int


class Template(msgspec.Struct, frozen=True):
    """One version at one level."""

    lattice: Lattice
    in_lattice_order: Callable[[bytes], tuple[int, ...]]
    masks: tuple[int, ...]
    information: tuple[int, ...]  # format and version modules, by mask

    def place(self, bits: bytes) -> int:
        """The unmasked symbol from the codewords' bits, characters 0 and 1 in block order."""
        return int(bytes(self.in_lattice_order(bits + b"01")), 2)


@lru_cache(maxsize=160)  # 40 versions at 4 levels
def template_for(version: int, error: int) -> Template:
    """The template of a version and a segno error level, made from segno's own patterns and tables."""
    size = encoder.calc_matrix_size(version)
    cells = [list(row) for row in encoder.make_matrix(size, size)]
    encoder.add_finder_patterns(cells, size, size)
    encoder.add_alignment_patterns(cells, size, size)
    is_data = [[cell == UNSET for cell in row] for row in cells]

    # segno walks the data modules in its zigzag; we let it lay down numbers where it would lay down bits.
    order = _interleaved_bits(version, error)
    light, dark = len(order), len(order) + 1  # the two characters that `place` appends
    order += [light] * (sum(map(sum, is_data)) - len(order))  # remainder bits
    encoder.add_codewords(cells, range(UNSET + 1, UNSET + 1 + len(order)), version)
    source = {0: light, 1: dark, **dict(enumerate(order, start=UNSET + 1))}
    sources = [[source[cell] for cell in row] for row in cells]

    return Template(
        lattice=_lattice(size),
        in_lattice_order=itemgetter(*_with_margins(_both_ways(sources), [light] * len(MARGIN))),
        masks=tuple(
            _packed([[data and mask(i, j) for j, data in enumerate(row)] for i, row in enumerate(is_data)])
            for mask in encoder.get_data_mask_functions(is_micro=False)
        ),
        information=tuple(_packed(_information(version, error, mask)) for mask in range(8)),
    )


@lru_cache(maxsize=40)
def _lattice(size: int) -> Lattice:
    short, empty = [1] * (size - 1) + [0], [0] * size
    return Lattice(
        size=size,
        stride=size + len(MARGIN),
        half=size * (size + len(MARGIN)),
        everything=(1 << len(MARGIN) + 2 * size * (size + len(MARGIN))) - 1,
        has_right=_as_integer([short] * 2 * size),
        has_right_and_below=_as_integer(([short] * (size - 1) + [empty]) * 2),
    )


def _interleaved_bits(version: int, error: int) -> list[int]:
    """For each bit of the final message, its place in the blocks written one after another (7.6)."""
    data, correction = [], []
    data_at, correction_at = 0, consts.SYMBOL_CAPACITY[version][error] // 8
    for blocks in consts.ECC[version][error]:
        for _ in range(blocks.num_blocks):
            correction_length = blocks.num_total - blocks.num_data
            data.append(range(data_at, data_at + blocks.num_data))
            correction.append(range(correction_at, correction_at + correction_length))
            data_at += blocks.num_data
            correction_at += correction_length
    codewords = chain.from_iterable(chain(zip_longest(*data), zip(*correction, strict=True)))
    return [8 * codeword + bit for codeword in codewords if codeword is not None for bit in range(8)]


def _information(version: int, error: int, mask: int) -> Lines:
    size = encoder.calc_matrix_size(version)
    cells = [[0] * size for _ in range(size)]
    encoder.add_format_info(cells, version, error, mask)
    encoder.add_version_info(cells, version)
    return cells


def _packed(cells: Lines) -> int:
    return _as_integer(_both_ways(cells))


def _both_ways(cells: Lines) -> Iterable[Sequence[int]]:
    return chain(cells, zip(*cells, strict=True))


def _as_integer(lines: Iterable[Sequence[int]]) -> int:
    return int("".join("1" if module else "0" for module in _with_margins(lines, MARGIN)), 2)


def _with_margins(lines: Iterable[Sequence[int]], margin: list[int]) -> list[int]:
    return [*margin, *chain.from_iterable([*line, *margin] for line in lines)]
