"""The mask penalty against segno's, on patterns no real symbol shows."""

from __future__ import annotations

import random

import pytest
from segno import encoder

from qr.symbols.penalty import penalty
from qr.symbols.template import _lattice, _packed  # the integer layout has no public way in

SIZES = (21, 25, 29)
# Pieces that make long runs, finder-like patterns, and such patterns overlapping each other and the edges.
PIECES = ("0", "1", "00", "11", "0000", "11111", "1011101", "10111011101", "1011101011101", "00001011101")


def assert_same_penalty(matrix: list[bytearray]) -> None:
    size = len(matrix)
    assert penalty(_packed(matrix), _lattice(size)) == encoder.evaluate_mask(matrix, size, size)


@pytest.mark.parametrize("seed", range(4))
def test_the_penalty_of_patterns_like_finders_is_segnos(seed: int) -> None:
    dice = random.Random(seed)
    for _ in range(60):
        size = dice.choice(SIZES)
        lines = ["".join(dice.choices(PIECES, k=size))[:size] for _ in range(size)]
        matrix = [bytearray(map(int, line)) for line in lines]
        assert_same_penalty(matrix)
        assert_same_penalty([bytearray(column) for column in zip(*matrix, strict=True)])


@pytest.mark.parametrize("percent_dark", [0, 3, 20, 45, 50, 55, 80, 97, 100])
def test_the_penalty_of_noise_of_any_density_is_segnos(percent_dark: int) -> None:
    dice = random.Random(percent_dark)
    for _ in range(20):
        size = dice.choice(SIZES)
        assert_same_penalty([bytearray(dice.random() * 100 < percent_dark for _ in range(size)) for _ in range(size)])
