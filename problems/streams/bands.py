"""9 x 9 Sudokus of a band of guesses, without end: random minimal boards, and populations led to harder ones."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf

import numpy as np

from ..errors import InputError, excerpt
from ..family import whole
from ..sudoku_text import SPEC

Board = tuple[np.ndarray, np.ndarray, float]
"""A puzzle and its solution, uint8 [81], 0 for a blank, and the mean guesses that it takes."""

HERD = 16


def band(spec: str) -> tuple[float, float] | None:
    """The band of ``sudoku:9:LOW-HIGH``; None where there is none.

    Raises:
        InputError: it makes no sense, or reaches nothing.
    """
    text = spec.partition(":")[2]
    if not text:
        return None
    low_text, _, high_text = text.partition("-")
    low = whole(low_text or "0", 0, 2000, "least guesses", hint=SPEC)
    high = whole(high_text, low, 1_000_000, "most guesses", hint=SPEC) if high_text else inf
    if low and high < 1.2 * low:
        raise InputError(f"band {excerpt(text)} is narrow", hint=f"e.g. {low}-{2 * low}")
    return float(low), float(high)


def minimal(seed: int) -> Iterator[list[Board]]:
    """Random minimal boards without end."""
    from . import boards

    rng = boards.state(seed, "minimal")
    while True:
        made = [boards.random_minimal(rng) for _ in range(64)]
        yield [(puzzle, solution, boards.guesses(puzzle, k)[0]) for k, (puzzle, solution) in enumerate(made)]


def banded(low: float, high: float, seed: int, length: int = 500) -> Iterator[list[Board]]:
    """Boards of a band of guesses without end, no two symmetric, from herds that are bred for ``length`` boards each.

    A herd that has not found its way to a hard band soon is given up as well.
    """
    from . import boards

    rng = boards.state(seed, f"{low}-{high}")
    puzzles = np.empty((64, 81), dtype=np.uint8)
    solutions = np.empty_like(puzzles)
    ratings = np.empty(64, dtype=np.float32)
    memory = np.zeros(1 << 18, dtype=np.uint64)
    known: set[int] = set()  # the memory forgets
    aim = low if low < 100 else min(3 * low, (low + high) / 2)
    while True:
        herd = np.array([boards.random_minimal(rng)[0] for _ in range(HERD)])
        levels = np.array([boards.guesses(board)[0] for board in herd], dtype=np.float32)
        made = patience = 0
        while made < length and patience < 30:
            n = boards.breed(low, high, aim, 4000, rng, herd, levels, memory, puzzles, solutions, ratings)
            made += n
            patience += 1 if n < 4 else -patience
            invariants = {int(boards.invariant(puzzles[i])): i for i in range(n)}
            new = [i for number, i in invariants.items() if number not in known]
            known.update(invariants)
            yield [(puzzles[i].copy(), solutions[i].copy(), float(ratings[i])) for i in new]


def one(spec: str, seed: int) -> list[int]:
    """One puzzle of a band, 0 for a blank.

    Raises:
        InputError: the band makes no sense.
    """
    limits = band(spec)
    source = minimal(seed) if limits is None else banded(*limits, seed)
    return [int(value) for value in next(board for made in source for board in made)[0]]
