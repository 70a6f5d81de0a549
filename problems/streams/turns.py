"""Random symmetries of 9 x 9 boards, many at a time: what nets that know no symmetry learn them from."""

from __future__ import annotations

import numpy as np

Array = np.ndarray


def turned(boards: tuple[Array, Array], rng: np.random.Generator) -> tuple[Array, Array]:
    """Puzzles and solutions, int16 [N, 81] of digits from 0 with -1 for a blank, each pair under a random symmetry.

    Digits are renamed, bands and stacks and the lines within them permuted, and half of the boards transposed.
    """
    count = len(boards[0])
    rows, columns = _lines(count, rng), _lines(count, rng)
    cells = rows[:, :, None] * 9 + columns[:, None, :]
    cells = np.where(rng.random(count)[:, None, None] < 0.5, cells.transpose(0, 2, 1), cells).reshape(count, 81)
    digits = rng.permuted(np.tile(np.arange(9, dtype=np.int16), (count, 1)), axis=1)
    digits = np.concatenate((digits, np.full((count, 1), -1, dtype=np.int16)), 1)  # a blank, -1, stays one

    def of(board: Array) -> Array:
        return np.take_along_axis(digits, np.take_along_axis(board, cells, 1) % 10, 1)

    return of(boards[0]), of(boards[1])


def _lines(count: int, rng: np.random.Generator) -> Array:
    """[N, 9] random orders of nine lines that keep bands together."""
    bands = rng.permuted(np.tile(np.arange(3), (count, 1)), axis=1)
    within = rng.permuted(np.tile(np.arange(3), (count, 3, 1)), axis=2)
    lines: Array = 3 * bands[:, :, None] + within
    return lines.reshape(count, 9)
