"""9 x 9 Sudoku at speed: solving, rating by guesses, minimal puzzles, and chains of boards as hard as asked for.

A board is uint8 [81], 0 for a blank. Candidates are int32 [81] bit masks, bit d for digit d + 1. Random numbers come
from a xorshift state, uint64 [1], that is handed in: numba's own generator is one for all threads.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from .symmetry import invariant as invariant

ALL = 511
CELLS = np.arange(81)
_ROW, _COLUMN = CELLS // 9, CELLS % 9
_BOX = _ROW // 3 * 3 + _COLUMN // 3
UNITS = np.stack([np.flatnonzero(kind == i) for kind in (_ROW, _COLUMN, _BOX) for i in range(9)]).astype(np.int32)
HOME = ((1 << _ROW) | (1 << (9 + _COLUMN)) | (1 << (18 + _BOX))).astype(np.int32)
PEERS = np.stack([[p for p in CELLS if p != i and HOME[p] & HOME[i]] for i in CELLS]).astype(np.int32)
COUNT = np.array([bin(mask).count("1") for mask in range(ALL + 1)], dtype=np.int32)


def state(*words: int | str) -> np.ndarray:
    """A random state, uint64 [1], never 0, from numbers and names."""
    entropy = [word if isinstance(word, int) else int.from_bytes(word.encode(), "little") for word in words]
    return np.random.SeedSequence(entropy).generate_state(1, np.uint64) | np.uint64(1)


@njit(cache=True)
def below(rng, n):  # type: ignore[no-untyped-def]
    """A random integer from 0 to n - 1 (xorshift64*, Vigna 2016)."""
    x = rng[0]
    x ^= x >> np.uint64(12)
    x ^= x << np.uint64(25)
    x ^= x >> np.uint64(27)
    rng[0] = x
    return np.int64(((x * np.uint64(0x2545F4914F6CDD1D)) >> np.uint64(33)) % np.uint64(n))


@njit(cache=True)
def shuffled(rng, n):  # type: ignore[no-untyped-def]
    """A random permutation of 0 to n - 1."""
    order = np.arange(n)
    for i in range(n - 1, 0, -1):
        j = below(rng, i + 1)
        order[i], order[j] = order[j], order[i]
    return order


@njit(cache=True)
def _propagate(cand, fixed, queue, n, dirty):  # type: ignore[no-untyped-def]
    """Naked and hidden singles to their fixpoint; False on a contradiction. ``dirty``: the units to look through."""
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
        unit = 0
        while (dirty >> unit) & 1 == 0:
            unit += 1
        dirty &= dirty - 1
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
                    if hidden & (hidden - 1):
                        return False
                    cand[cell] = hidden
                    dirty |= HOME[cell]
                    queue[n] = cell
                    n += 1


@njit(cache=True)
def _search(start, limit, rng, solutions):  # type: ignore[no-untyped-def]
    """Depth-first search with singles, on the cell of fewest candidates, values in random order.

    Args:
        start: int32 [81] candidates.
        limit: stop at so many solutions.
        rng: random state.
        solutions: uint8 [limit, 81], filled.

    Returns:
        How many solutions were found, and how many values were tried.
    """
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
        if cell < 0:
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


@njit(cache=True)
def _candidates(puzzle):  # type: ignore[no-untyped-def]
    cand = np.empty(81, dtype=np.int32)
    for i in range(81):
        cand[i] = 1 << (puzzle[i] - 1) if puzzle[i] else ALL
    return cand


@njit(cache=True)
def _rate(puzzle, runs, rng, solutions):  # type: ignore[no-untyped-def]
    """Solutions found (up to 2) and mean guesses over ``runs``."""
    total = 0
    found = 0
    cand = _candidates(puzzle)
    for _ in range(runs):
        found, guesses = _search(cand, 2, rng, solutions)
        total += guesses
    return found, total / runs


def guesses(puzzle: np.ndarray, seed: int = 0, runs: int = 10) -> tuple[float, int, np.ndarray]:
    """How hard a board is: the guesses of a backtracker that knows naked and hidden singles.

    It propagates both to a fixpoint, branches on the cell with fewest candidates, tries its values in random order
    (each value tried is a guess), and stops at the second solution.

    Args:
        puzzle: uint8 [81], 0 for a blank.
        seed: of the value orders.
        runs: the mean is over so many.

    Returns:
        Mean guesses; the number of solutions, 2 for two or more; a solution, uint8 [81], zeros where there is none.
    """
    solutions = np.zeros((2, 81), dtype=np.uint8)
    found, mean = _rate(np.ascontiguousarray(puzzle, dtype=np.uint8), runs, state(seed), solutions)
    return float(mean), int(found), solutions[0]


@njit(cache=True)
def random_solution(puzzle, rng, solution):  # type: ignore[no-untyped-def]
    """A random solution of a puzzle into ``solution``, uint8 [1, 81]; whether there is one."""
    found, _ = _search(_candidates(puzzle), 1, rng, solution)
    return found == 1


@njit(cache=True)
def full_grid(rng):  # type: ignore[no-untyped-def]
    """A random full board, uint8 [81]: a random first row and the search's random values below it."""
    puzzle = np.zeros(81, dtype=np.uint8)
    order = shuffled(rng, 9)
    for i in range(9):
        puzzle[i] = order[i] + 1
    solution = np.empty((1, 81), dtype=np.uint8)
    random_solution(puzzle, rng, solution)
    return solution[0]


@njit(cache=True)
def minimise(puzzle, rng):  # type: ignore[no-untyped-def]
    """Takes clues out of a uniquely solvable puzzle, in random order, in place, until none can be spared."""
    solution = np.empty((1, 81), dtype=np.uint8)
    order = shuffled(rng, 81)
    for k in range(81):
        i = order[k]
        digit = puzzle[i]
        if digit == 0:
            continue
        puzzle[i] = 0
        cand = _candidates(puzzle)
        cand[i] = ALL & ~(1 << (digit - 1))  # the clue can be spared if no other digit fits here
        found, _ = _search(cand, 1, rng, solution)
        if found:
            puzzle[i] = digit


@njit(cache=True)
def random_minimal(rng):  # type: ignore[no-untyped-def]
    """A random minimal puzzle and its solution, uint8 [81] each."""
    solution = full_grid(rng)
    puzzle = solution.copy()
    minimise(puzzle, rng)
    return puzzle, solution


@njit(cache=True)
def mutate(puzzle, rng, most):  # type: ignore[no-untyped-def]
    """Another minimal puzzle near a minimal one, and its solution.

    One to three clues go, one of the solutions that this leaves becomes the new one, and its digits are given where
    solutions differ until it is the only one.
    """
    puzzle = puzzle.copy()
    gone = 1 + below(rng, most)
    order = shuffled(rng, 81)
    for k in range(81):
        if puzzle[order[k]]:
            puzzle[order[k]] = 0
            gone -= 1
            if gone == 0:
                break
    solution = np.empty((1, 81), dtype=np.uint8)
    random_solution(puzzle, rng, solution)
    pair = np.empty((2, 81), dtype=np.uint8)
    while True:
        found, _ = _search(_candidates(puzzle), 2, rng, pair)
        if found < 2:
            break
        other = 0
        for i in range(81):
            if pair[0, i] != solution[0, i]:
                break
            if i == 80:
                other = 1
        order = shuffled(rng, 81)
        for k in range(81):
            i = order[k]
            if pair[other, i] != solution[0, i]:
                puzzle[i] = solution[0, i]
                break
    minimise(puzzle, rng)
    return puzzle, solution[0]


@njit(cache=True)
def _outside(rating, low, high):  # type: ignore[no-untyped-def]
    """How far a rating is outside its band, in octaves."""
    if rating < low:
        return np.log2((low + 1.0) / (rating + 1.0))
    if rating > high:
        return np.log2((rating + 1.0) / (high + 1.0))
    return 0.0


@njit(cache=True)
def chain(low, high, wanted, steps, beta, most, rng, puzzles, solutions, ratings):  # type: ignore[no-untyped-def]
    """A Markov chain of minimal boards of a band of mean guesses: hill climbing until it is reached, then a free walk.

    A step that leaves the band, or goes farther outside, is taken with a probability that halves with each quarter of
    an octave: the way to a board of 1000 guesses leads over easier ones.

    Args:
        low, high: the band.
        wanted: boards to find.
        steps: give up after so many.
        rng: random state.
        puzzles, solutions, ratings: uint8 [wanted, 81] twice and float32 [wanted], filled.

    Returns:
        How many boards were found.
    """
    pair = np.empty((2, 81), dtype=np.uint8)
    here, _ = random_minimal(rng)
    _, level = _rate(here, 2, rng, pair)
    made = 0
    for _ in range(steps):
        puzzle, solution = mutate(here, rng, most)
        # Two runs tell most of the boards that will not do; only a board that is handed out is rated in full.
        _, rating = _rate(puzzle, 2, rng, pair)
        worse = _outside(rating, low, high) - _outside(level, low, high)
        if worse > 0 and below(rng, 1 << 20) >= 2.0 ** (20 - beta * worse):
            continue
        same = True
        for i in range(81):
            same = same and here[i] == puzzle[i]
        if same:
            continue
        here, level = puzzle, rating
        if 0.8 * low <= rating <= 1.25 * high:
            _, level = _rate(puzzle, 10, rng, pair)
            if low <= level <= high:
                puzzles[made] = puzzle
                solutions[made] = solution
                ratings[made] = level
                made += 1
                if made == wanted:
                    break
    return made
