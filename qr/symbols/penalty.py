"""The penalty of a masked symbol, by which the mask is chosen (ISO/IEC 18004:2015 7.8.3.1).

The symbol is the integer described in `template`: the bit after a module is its right neighbour, so shifting the
whole integer compares every module with another at once, and counting bits counts places. Rows and columns are
two copies in it, so each rule is written once.
"""

from __future__ import annotations

from qr.symbols.template import Lattice


def penalty(symbol: int, lattice: Lattice) -> int:
    """The sum of the four rules' points, before format and version information are drawn."""
    light = symbol ^ lattice.everything
    like_right = ~(symbol ^ symbol << 1) & lattice.has_right
    return (
        _runs(like_right)
        + _blocks(symbol, like_right, lattice)
        + _finder_like(symbol, light)
        + _balance(symbol, lattice)
    )


def _runs(like_right: int) -> int:
    """Rule 1: three points for five like modules in a line, and one for each further one."""
    three = like_right & like_right << 1
    five = three & three << 2  # set where a module begins five like ones: length - 4 times in a run
    return 3 * five.bit_count() - 2 * (five & five << 1).bit_count()


def _blocks(symbol: int, like_right: int, lattice: Lattice) -> int:
    """Rule 2: three points for each block of two by two. Both copies show every block, hence the half."""
    pairs = like_right & like_right << lattice.stride & lattice.has_right_and_below
    unlike_below = symbol ^ symbol << lattice.stride
    return 3 * (pairs.bit_count() - (pairs & unlike_below).bit_count()) // 2


def _finder_like(symbol: int, light: int) -> int:
    """Rule 3: forty points for dark-light-dark-dark-dark-light-dark with four light modules before or after.

    The margin counts as light. As in segno, of two such patterns that overlap only the first is counted.
    """
    dark_light, light_dark = symbol & light << 1, light & symbol << 1
    three_dark = symbol & symbol << 1 & symbol << 2
    two_light = light & light << 1
    four_light = two_light & two_light << 2
    pattern = dark_light & three_dark << 2 & light_dark << 5
    after_light = pattern & four_light >> 4
    found = after_light | pattern & four_light << 7
    overlapped = found & (after_light >> 4 | after_light >> 6)
    return 40 * (found.bit_count() - overlapped.bit_count())


def _balance(symbol: int, lattice: Lattice) -> int:
    """Rule 4: ten points for each full 5 % by which the share of dark modules differs from half."""
    share = symbol.bit_count() / 2 / lattice.size**2
    return 10 * int(abs(share * 100 - 50) / 5)
