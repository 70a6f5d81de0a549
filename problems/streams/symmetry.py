"""The symmetries of 9 x 9 Sudoku: a fast invariant of a board, and its canonical form.

The group: relabelling of digits, permutations of bands and stacks, of rows within bands and columns within stacks, and
transposition; 2 * 6^8 * 9! in all.
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True)
def _mixed(x):  # type: ignore[no-untyped-def]
    """The finaliser of splitmix64 (Steele, Lea and Flood 2014)."""
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


@njit(cache=True)
def invariant(puzzle):  # type: ignore[no-untyped-def]
    """A 64-bit number that every symmetry leaves as it is: colour refinement of cells, lines, boxes and digits.

    Each is coloured by the bag of its neighbours' colours (a sum of mixed numbers, so that order plays no part), rows
    and columns by the same rule; lines know their band or stack. Boards of one colour need not be symmetric, which a
    split can live with.
    """
    one = np.uint64(1)
    cells = np.zeros(81, dtype=np.uint64)
    digits = np.full(10, one)
    digits[0] = np.uint64(7)
    lines = np.full(18, one)  # nine rows, nine columns
    boxes = np.full(9, one)
    for _ in range(4):
        for i in range(81):
            row = lines[i // 9]
            column = lines[9 + i % 9]
            box = boxes[i // 27 * 3 + i % 9 // 3]
            crossing = _mixed(row) + _mixed(column)
            cells[i] = _mixed(_mixed(digits[puzzle[i]] ^ _mixed(crossing)) ^ _mixed(box) ^ cells[i])
        sums = np.zeros(18, dtype=np.uint64)
        boxed = np.zeros(9, dtype=np.uint64)
        valued = np.zeros(10, dtype=np.uint64)
        for i in range(81):
            sums[i // 9] += cells[i]
            sums[9 + i % 9] += cells[i]
            boxed[i // 27 * 3 + i % 9 // 3] += cells[i]
            valued[puzzle[i]] += cells[i]
        for g in range(6):
            group = _mixed(sums[3 * g]) + _mixed(sums[3 * g + 1]) + _mixed(sums[3 * g + 2])
            for k in range(3):
                lines[3 * g + k] = _mixed(_mixed(sums[3 * g + k]) ^ group)
        for b in range(9):
            boxes[b] = _mixed(boxed[b])
        for d in range(1, 10):
            digits[d] = _mixed(valued[d])
    total = np.uint64(0)
    for i in range(81):
        total += _mixed(cells[i])
    return _mixed(total)
