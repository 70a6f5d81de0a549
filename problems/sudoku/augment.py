"""Random symmetries of 9x9 boards, many at a time: augmentation for nets without built-in symmetry."""

from __future__ import annotations

import numpy as np

from ...engine.examples import Examples

Array = np.ndarray


def augment(examples: Examples, rng: np.random.Generator) -> Examples:
    """Examples of 9x9 boards, each under its own random symmetry.

    Digits are renamed; bands, stacks and the lines within them are permuted; half of the boards are transposed.

    Args:
        examples: N boards of one template, with one solution each.
        rng: random numbers.
    """
    givens, targets = examples.givens, examples.targets[:, 0]
    count = len(givens)
    rows, columns = _lines(count, rng), _lines(count, rng)
    cells = rows[:, :, None] * 9 + columns[:, None, :]
    cells = np.where(rng.random(count)[:, None, None] < 0.5, cells.transpose(0, 2, 1), cells).reshape(count, 81)
    digits = rng.permuted(np.tile(np.arange(9, dtype=np.int16), (count, 1)), axis=1)
    # Column 9 is for blanks: a blank is -1, and -1 % 10 = 9.
    digits = np.concatenate((digits, np.full((count, 1), -1, dtype=np.int16)), 1)

    def of(board: Array) -> Array:
        return np.take_along_axis(digits, np.take_along_axis(board, cells, 1) % 10, 1)

    return Examples(examples.graphs, examples.template, of(givens), of(targets)[:, None])


def _lines(count: int, rng: np.random.Generator) -> Array:
    """Random orders of nine lines that keep bands together, [N, 9]."""
    bands = rng.permuted(np.tile(np.arange(3), (count, 1)), axis=1)
    within = rng.permuted(np.tile(np.arange(3), (count, 3, 1)), axis=2)
    lines: Array = 3 * bands[:, :, None] + within
    return lines.reshape(count, 9)
