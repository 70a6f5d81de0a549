"""9x9 Sudokus of a range of guesses: random minimal boards, and populations that evolve towards the range."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf

import numpy as np

from ..errors import InputError, excerpt
from ..parsing import parse_int
from .text import SPEC

Board = tuple[np.ndarray, np.ndarray, float]
"""A puzzle and its solution, uint8 [81] each with 0 for a blank, and the mean guesses that it takes."""

POPULATION = 16
EASY = 100
"""Mean guesses below which a range is reached without aiming above its lower end."""
PATIENCE = 30
"""Calls in a row with fewer than four boards after which a population is given up."""


def parse_guesses(spec: str) -> tuple[float, float] | None:
    """The range of ``9:LOW-HIGH``, or None if there is none.

    Raises:
        InputError: the range is malformed, or so narrow that no population reaches it.
    """
    text = spec.partition(":")[2]
    if not text:
        return None
    low_text, _, high_text = text.partition("-")
    low = parse_int(low_text or "0", 0, 2000, "least guesses", hint=SPEC)
    high = parse_int(high_text, low, 1_000_000, "most guesses", hint=SPEC) if high_text else inf
    if low and high < 1.2 * low:
        raise InputError(f"the range of guesses {excerpt(text)} is too narrow", hint=f"e.g. {low}-{2 * low}")
    return float(low), float(high)


def boards_for(guesses: tuple[float, float] | None, seed: int) -> Iterator[Board]:
    """Boards of a range of guesses without end, or random minimal ones.

    Args:
        guesses: least and most mean guesses; None for random minimal boards.
        seed: random seed.
    """
    batches = minimal_boards(seed) if guesses is None else boards_in_range(*guesses, seed)
    return (board for batch in batches for board in batch)


def minimal_boards(seed: int) -> Iterator[list[Board]]:
    """Random minimal boards without end, 64 at a time."""
    from . import boards, search  # compile code

    rng = search.state(seed, "minimal")
    while True:
        made = [boards.random_minimal(rng) for _ in range(64)]
        yield [(puzzle, solution, search.guesses(puzzle, k)[0]) for k, (puzzle, solution) in enumerate(made)]


def boards_in_range(low: float, high: float, seed: int, length: int = 500) -> Iterator[list[Board]]:
    """Boards of a range of guesses without end, no two symmetric.

    A population evolves until it gave ``length`` boards, or gave too few for some time. Then a new one starts from
    random minimal boards.

    Args:
        low: least mean guesses.
        high: most mean guesses.
        seed: random seed.
        length: boards taken from one population.
    """
    from . import boards, evolve, search, symmetry  # compile code

    rng = search.state(seed, f"{low}-{high}")
    puzzles = np.empty((64, 81), dtype=np.uint8)
    solutions = np.empty_like(puzzles)
    guesses = np.empty(64, dtype=np.float32)
    memory = np.zeros(1 << 18, dtype=np.uint64)
    known: set[int] = set()  # all boards handed out; the memory is a hash table that overwrites old ones
    # Neighbours of hard boards are mostly easier: a population that aims above a hard range fills it.
    aim = low if low < EASY else min(3 * low, (low + high) / 2)
    while True:
        population = np.array([boards.random_minimal(rng)[0] for _ in range(POPULATION)])
        levels = np.array([search.guesses(board)[0] for board in population], dtype=np.float32)
        made = poor = 0
        while made < length and poor < PATIENCE:
            n = evolve.evolve(low, high, aim, 4000, rng, population, levels, memory, puzzles, solutions, guesses)
            made += n
            poor = poor + 1 if n < 4 else 0
            invariants = {int(symmetry.invariant(puzzles[i])): i for i in range(n)}
            new = [i for number, i in invariants.items() if number not in known]
            known.update(invariants)
            yield [(puzzles[i].copy(), solutions[i].copy(), float(guesses[i])) for i in new]


def generate_one(spec: str, seed: int) -> list[int]:
    """One puzzle of a range of guesses.

    Args:
        spec: ``9:LOW-HIGH``.
        seed: random seed.

    Returns:
        81 cells row by row, 0 for a blank.

    Raises:
        InputError: the range is malformed.
    """
    puzzle, _, _ = next(boards_for(parse_guesses(spec), seed))
    return [int(value) for value in puzzle]
