"""Populations of 9x9 boards that evolve towards a range of mean guesses."""

from __future__ import annotations

import numpy as np

from .boards import minimise
from .jit import jit
from .search import Array, below, candidates, random_solution, rate, search, shuffled
from .symmetry import invariant


@jit
def _neighbour(puzzle: Array, rng: Array, pair: Array) -> Array:
    """A random puzzle with one solution near another one. It may have redundant clues.

    One or two clues are removed, and one of the possible solutions is chosen. Clues of this solution are added where
    the two solutions of a search differ, until it is the only one. Repeated steps change the full board as well.

    Args:
        puzzle: uint8 [81].
        rng: random state, uint64 [1], advanced.
        pair: uint8 [2, 81], overwritten.
    """
    puzzle = puzzle.copy()
    to_remove = 1 + below(rng, 2)
    order = shuffled(rng, 81)
    for k in range(81):
        if to_remove and puzzle[order[k]]:
            puzzle[order[k]] = 0
            to_remove -= 1
    random_solution(puzzle, rng, pair)
    solution = pair[0].copy()
    while True:
        found, _ = search(candidates(puzzle), 2, rng, pair)
        if found < 2:
            return puzzle
        other = 1
        for i in range(81):
            if pair[0, i] != solution[i]:
                other = 0
        start = below(rng, 81)
        for k in range(81):
            i = (start + k) % 81
            if pair[other, i] != solution[i]:
                puzzle[i] = solution[i]
                break


@jit
def _octaves_outside(level: float, low: float, high: float) -> float:
    """Distance of mean guesses from a range, in octaves; 0 inside the range."""
    if level < low:
        return float(np.log2((low + 1.0) / (level + 1.0)))
    if level > high:
        return float(np.log2((level + 1.0) / (high + 1.0)))
    return 0.0


@jit
def _was_seen(puzzle: Array, memory: Array) -> bool:
    """Whether the memory contains a board, up to symmetry. Stores the board.

    The memory is a hash table without probing: a board overwrites the one in its place.
    """
    number = invariant(puzzle)
    place = number & np.uint64(len(memory) - 1)  # the length is a power of 2
    seen: bool = memory[place] == number
    memory[place] = number
    return seen


@jit
def evolve(
    low: float,
    high: float,
    aim: float,
    steps: int,
    rng: Array,
    population: Array,
    levels: Array,
    memory: Array,
    puzzles: Array,
    solutions: Array,
    guesses: Array,
) -> int:
    """Evolve a population of minimal boards towards a range of mean guesses, and collect the boards inside it.

    A step is a tournament of three random boards. The board nearest to the range is mutated. The mutant replaces the
    farthest board if it is at least as near to the range. Nearly all neighbours of a hard board are easier, so a single
    random walk seldom reaches hard boards and soon leaves them. A population keeps its hard boards. It finds 2 to 6
    boards of 300 guesses per second and core.

    Args:
        low: least mean guesses of the boards collected.
        high: most mean guesses.
        aim: lower end of the range that the population moves to, at least ``low``. For a hard range, set it well above
            ``low``: mutants of harder boards fill the range.
        steps: mutants tried.
        rng: random state, uint64 [1], advanced.
        population: uint8 [P, 81], changed.
        levels: float32 [P], mean guesses of the population, changed.
        memory: uint64 [a power of 2], invariants of the boards seen, each of which is rated once; changed.
        puzzles: uint8 [N, 81], filled with the boards collected.
        solutions: uint8 [N, 81], filled.
        guesses: float32 [N], filled with their mean guesses.

    Returns:
        The number of boards collected, at most N.
    """
    pair = np.empty((2, 81), dtype=np.uint8)
    made = 0
    for _ in range(steps):
        best = worst = below(rng, len(population))
        for _ in range(2):
            k = below(rng, len(population))
            # Inside the range all boards are equal, so that the population drifts there.
            if _octaves_outside(levels[k], aim, high) < _octaves_outside(levels[best], aim, high):
                best = k
            if _octaves_outside(levels[k], aim, high) >= _octaves_outside(levels[worst], aim, high):
                worst = k
        puzzle = _neighbour(population[best], rng, pair)
        if _was_seen(puzzle, memory):
            continue
        # A rating by one search rejects most mutants. The others are made minimal. Those still near are rated by ten.
        away = _octaves_outside(levels[worst], aim, high)
        _, level = rate(puzzle, 1, rng, pair)
        if _octaves_outside(level, aim, high) > away + 1:
            continue
        if minimise(puzzle, rng):
            if _was_seen(puzzle, memory):
                continue
            _, level = rate(puzzle, 1, rng, pair)
        if _octaves_outside(level, aim, high) > away + 0.5:
            continue
        _, level = rate(puzzle, 10, rng, pair)
        if low <= level <= high:
            puzzles[made] = puzzle
            solutions[made] = pair[0]
            guesses[made] = level
            made += 1
        if _octaves_outside(level, aim, high) <= away:
            population[worst] = puzzle
            levels[worst] = level
        if made == len(puzzles):
            break
    return made
