"""Random full 9x9 boards and minimal puzzles."""

from __future__ import annotations

import numpy as np

from .jit import jit
from .search import ALL, Array, candidates, random_solution, search, shuffled


@jit
def full_grid(rng: Array) -> Array:
    """A random full board, uint8 [81]: a random first row, completed by a search with random values."""
    puzzle = np.zeros(81, dtype=np.uint8)
    order = shuffled(rng, 9)
    for i in range(9):
        puzzle[i] = order[i] + 1
    solution = np.empty((1, 81), dtype=np.uint8)
    random_solution(puzzle, rng, solution)
    full: Array = solution[0]
    return full


@jit
def minimise(puzzle: Array, rng: Array) -> int:
    """Remove clues from a puzzle with one solution, in random order, until every clue left is needed.

    Args:
        puzzle: uint8 [81], changed.
        rng: random state, uint64 [1], advanced.

    Returns:
        The number of clues removed.
    """
    removed = 0
    solution = np.empty((1, 81), dtype=np.uint8)
    order = shuffled(rng, 81)
    for k in range(81):
        i = order[k]
        digit = puzzle[i]
        if digit == 0:
            continue
        puzzle[i] = 0
        cand = candidates(puzzle)
        cand[i] = ALL & ~(1 << (digit - 1))  # the clue is redundant if no other digit fits here
        found, _ = search(cand, 1, rng, solution)
        if found:
            puzzle[i] = digit
        else:
            removed += 1
    return removed


@jit
def random_minimal(rng: Array) -> tuple[Array, Array]:
    """A random minimal puzzle and its solution, uint8 [81] each."""
    solution = full_grid(rng)
    puzzle = solution.copy()
    minimise(puzzle, rng)
    return puzzle, solution
