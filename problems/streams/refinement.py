"""Colour refinement with 64-bit numbers: invariants of graphs, squares and formulas under their symmetries.

A vertex gets a new colour from its own and the sum of its neighbours' mixed colours; a sum does not depend on their
order. Equal numbers do not prove that two instances are symmetric, which a split does not need.
"""

from __future__ import annotations

import numpy as np

ROUNDS = 4


def mixed(x: np.ndarray) -> np.ndarray:
    """The finaliser of splitmix64 (Steele, Lea and Flood 2014), elementwise on uint64."""
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(x ^ (x >> np.uint64(31)))


def summed(size: int, places: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """The sums of the numbers at each place.

    Args:
        size: N, how many places there are.
        places: [M] integers from 0 to N - 1.
        numbers: [M] uint64.

    Returns:
        uint64 [N], modulo 2^64.
    """
    sums = np.zeros(size, dtype=np.uint64)
    np.add.at(sums, places, numbers)
    return sums
