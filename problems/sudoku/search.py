"""9x9 Sudoku at speed: depth-first search with naked and hidden singles, and the mean number of guesses it takes.

A board is uint8 [81], 0 for a blank. Candidates are int32 [81] bit masks; bit d stands for digit d + 1. Random numbers
come from a xorshift state, uint64 [1], that the caller passes. numba's own generator is shared by all callers in a
thread.
"""

from __future__ import annotations

import numpy as np

from .jit import jit

Array = np.ndarray

ALL = 511
"""The candidates of a cell about which nothing is known."""
CELLS = np.arange(81)
_ROW, _COLUMN = CELLS // 9, CELLS % 9
_BOX = _ROW // 3 * 3 + _COLUMN // 3
# Cells of the 27 units: rows, columns, boxes. Bits of the units that a cell is in. The 20 cells that share a unit with
# a cell.
UNITS = np.stack([np.flatnonzero(kind == i) for kind in (_ROW, _COLUMN, _BOX) for i in range(9)]).astype(np.int32)
HOME = ((1 << _ROW) | (1 << (9 + _COLUMN)) | (1 << (18 + _BOX))).astype(np.int32)
PEERS = np.stack([[p for p in CELLS if p != i and HOME[p] & HOME[i]] for i in CELLS]).astype(np.int32)
COUNT = np.array([mask.bit_count() for mask in range(ALL + 1)], dtype=np.int32)


def state(*words: int | str) -> np.ndarray:
    """A random state from numbers and names: uint64 [1], never 0, which xorshift would keep for ever."""
    entropy = [word if isinstance(word, int) else int.from_bytes(word.encode(), "little") for word in words]
    return np.random.SeedSequence(entropy).generate_state(1, np.uint64) | np.uint64(1)


@jit
def below(rng: Array, n: int) -> int:
    """A random integer from 0 to n - 1 (xorshift64*, Vigna 2016).

    Args:
        rng: random state, uint64 [1], advanced.
        n: a positive integer; far below 2^31, so that the bias of the remainder does not matter.
    """
    x = rng[0]
    x ^= x >> np.uint64(12)
    x ^= x << np.uint64(25)
    x ^= x >> np.uint64(27)
    rng[0] = x
    return int(((x * np.uint64(0x2545F4914F6CDD1D)) >> np.uint64(33)) % np.uint64(n))


@jit
def shuffled(rng: Array, n: int) -> Array:
    """A random permutation of 0 to n - 1, int64 [n] (Fisher and Yates).

    Args:
        rng: random state, uint64 [1], advanced.
        n: its length.
    """
    order = np.arange(n)
    for i in range(n - 1, 0, -1):
        j = below(rng, i + 1)
        order[i], order[j] = order[j], order[i]
    return order


@jit
def _propagate(cand: Array, fixed: Array, queue: Array, n: int, dirty: int) -> bool:
    """Apply naked and hidden singles until nothing changes.

    Args:
        cand: int32 [81] candidates, changed.
        fixed: uint8 [81], 1 for cells whose value was removed from their peers; changed.
        queue: int32 [256] cells with one candidate, of which the first ``n`` are to be processed; changed.
        n: length of the queue.
        dirty: bit u says that unit u may have a hidden single.

    Returns:
        False if a cell has no candidate, or a digit no cell of a unit.
    """
    while True:
        while n > 0:
            n -= 1
            cell = queue[n]
            if fixed[cell]:
                continue
            fixed[cell] = 1
            value = cand[cell]
            for k in range(20):
                p = PEERS[cell, k]
                if cand[p] & value:
                    left = cand[p] & ~value
                    if left == 0:
                        return False
                    cand[p] = left
                    dirty |= HOME[p]
                    if left & (left - 1) == 0:
                        queue[n] = p
                        n += 1
        if dirty == 0:
            return True
        # The first unit whose bit is set.
        unit = 0
        while (dirty >> unit) & 1 == 0:
            unit += 1
        dirty &= dirty - 1
        # Digits that are candidates of at least one cell, and of at least two cells, of the unit.
        once = 0
        twice = 0
        for k in range(9):
            here = cand[UNITS[unit, k]]
            twice |= once & here
            once |= here
        if once != ALL:
            return False
        once &= ~twice
        if once:
            for k in range(9):
                cell = UNITS[unit, k]
                here = cand[cell]
                hidden = here & once
                if hidden != 0 and hidden != here:
                    if hidden & (hidden - 1):  # two digits have this cell alone
                        return False
                    cand[cell] = hidden
                    dirty |= HOME[cell]
                    queue[n] = cell
                    n += 1


@jit
def search(start: Array, limit: int, rng: Array, solutions: Array) -> tuple[int, int]:
    """Depth-first search with singles. It branches on a cell with the fewest candidates; values come in random order.

    Args:
        start: int32 [81] candidates.
        limit: number of solutions after which the search stops.
        rng: random state, uint64 [1], advanced.
        solutions: uint8 [limit, 81], filled.

    Returns:
        The number of solutions found, and the number of values tried.
    """
    # One row a depth, so that taking a value back is a step to the row above.
    cand = np.empty((82, 81), dtype=np.int32)
    fixed = np.zeros((82, 81), dtype=np.uint8)
    cells = np.empty(82, dtype=np.int32)
    left = np.zeros(82, dtype=np.int32)
    queue = np.empty(256, dtype=np.int32)
    found = 0
    guesses = 0
    n = 0
    for i in range(81):
        cand[0, i] = start[i]
        if start[i] == 0:
            return 0, 0
        if start[i] & (start[i] - 1) == 0:
            queue[n] = i
            n += 1
    if not _propagate(cand[0], fixed[0], queue, n, (1 << 27) - 1):
        return 0, 0
    depth = 0
    while True:
        fewest = 10
        cell = -1
        ties = 0
        for i in range(81):
            count = COUNT[cand[depth, i]]
            if 1 < count < fewest:
                fewest = count
                ties = 0
            if count == fewest:
                queue[ties] = i
                ties += 1
        if ties:
            cell = queue[below(rng, ties)]
        if cell < 0:  # every cell has one candidate
            for i in range(81):
                digit = 0
                while (cand[depth, i] >> digit) & 1 == 0:
                    digit += 1
                solutions[found, i] = digit + 1
            found += 1
            if found == limit:
                return found, guesses
            depth -= 1
        else:
            cells[depth] = cell
            left[depth] = cand[depth, cell]
        while True:
            while depth >= 0 and left[depth] == 0:
                depth -= 1
            if depth < 0:
                return found, guesses
            # A random one of the values that were not tried.
            skip = below(rng, COUNT[left[depth]])
            rest = left[depth]
            for _ in range(skip):
                rest &= rest - 1
            value = rest & -rest
            left[depth] ^= value
            guesses += 1
            cell = cells[depth]
            for i in range(81):
                cand[depth + 1, i] = cand[depth, i]
                fixed[depth + 1, i] = fixed[depth, i]
            cand[depth + 1, cell] = value
            queue[0] = cell
            if _propagate(cand[depth + 1], fixed[depth + 1], queue, 1, HOME[cell]):
                depth += 1
                break


@jit
def candidates(puzzle: Array) -> Array:
    """The candidates of a puzzle before any deduction, int32 [81]."""
    cand = np.empty(81, dtype=np.int32)
    for i in range(81):
        cand[i] = 1 << (puzzle[i] - 1) if puzzle[i] else ALL
    return cand


@jit
def rate(puzzle: Array, runs: int, rng: Array, solutions: Array) -> tuple[int, float]:
    """Solve a puzzle several times with random orders of values.

    Args:
        puzzle: uint8 [81].
        runs: number of searches, each for two solutions.
        rng: random state, uint64 [1], advanced.
        solutions: uint8 [2, 81], filled by the last search.

    Returns:
        The number of solutions, 2 for two or more, and the mean number of guesses.
    """
    total = 0
    found = 0
    cand = candidates(puzzle)
    for _ in range(runs):
        found, guesses = search(cand, 2, rng, solutions)
        total += guesses
    return found, total / runs


def guesses(puzzle: np.ndarray, seed: int = 0, runs: int = 10) -> tuple[float, int, np.ndarray]:
    """The difficulty of a board: the mean number of guesses of a backtracker that propagates naked and hidden singles.

    The backtracker applies both until nothing changes, branches on a cell with the fewest candidates and tries its
    values in random order. Each value tried is a guess. It stops at the second solution.

    Args:
        puzzle: uint8 [81], 0 for a blank.
        seed: random seed of the orders of values.
        runs: number of searches whose guesses are averaged.

    Returns:
        Mean guesses; the number of solutions, 2 for two or more; a solution, uint8 [81], zeros if there is none.
    """
    solutions = np.zeros((2, 81), dtype=np.uint8)
    found, mean = rate(np.ascontiguousarray(puzzle, dtype=np.uint8), runs, state(seed), solutions)
    return float(mean), int(found), solutions[0]


@jit
def random_solution(puzzle: Array, rng: Array, solution: Array) -> bool:
    """Write a random solution of a puzzle.

    Args:
        puzzle: uint8 [81].
        rng: random state, uint64 [1], advanced.
        solution: uint8 [1, 81], filled.

    Returns:
        Whether there is a solution.
    """
    found, _ = search(candidates(puzzle), 1, rng, solution)
    return found == 1
