"""9 x 9 Sudoku at speed: solving, rating by guesses, minimal puzzles, and chains of boards as hard as asked for.

A board is uint8 [81], 0 for a blank. Candidates are int32 [81] bit masks, bit d for digit d + 1. Random numbers come
from a xorshift state, uint64 [1], that is handed in: numba's own generator is one for all threads.
"""

from __future__ import annotations

import numpy as np

from .jit import jit
from .symmetry import invariant

ALL = 511
CELLS = np.arange(81)
_ROW, _COLUMN = CELLS // 9, CELLS % 9
_BOX = _ROW // 3 * 3 + _COLUMN // 3
UNITS = np.stack([np.flatnonzero(kind == i) for kind in (_ROW, _COLUMN, _BOX) for i in range(9)]).astype(np.int32)
HOME = ((1 << _ROW) | (1 << (9 + _COLUMN)) | (1 << (18 + _BOX))).astype(np.int32)
PEERS = np.stack([[p for p in CELLS if p != i and HOME[p] & HOME[i]] for i in CELLS]).astype(np.int32)
COUNT = np.array([mask.bit_count() for mask in range(ALL + 1)], dtype=np.int32)


__all__ = ["breed", "guesses", "invariant", "random_minimal"]

Array = np.ndarray


def state(*words: int | str) -> np.ndarray:
    """A random state, uint64 [1], never 0, from numbers and names."""
    entropy = [word if isinstance(word, int) else int.from_bytes(word.encode(), "little") for word in words]
    return np.random.SeedSequence(entropy).generate_state(1, np.uint64) | np.uint64(1)


@jit
def below(rng: Array, n: int) -> int:
    """A random integer from 0 to n - 1 (xorshift64*, Vigna 2016)."""
    x = rng[0]
    x ^= x >> np.uint64(12)
    x ^= x << np.uint64(25)
    x ^= x >> np.uint64(27)
    rng[0] = x
    return int(((x * np.uint64(0x2545F4914F6CDD1D)) >> np.uint64(33)) % np.uint64(n))


@jit
def shuffled(rng: Array, n: int) -> Array:
    """A random permutation of 0 to n - 1."""
    order = np.arange(n)
    for i in range(n - 1, 0, -1):
        j = below(rng, i + 1)
        order[i], order[j] = order[j], order[i]
    return order


@jit
def _propagate(cand: Array, fixed: Array, queue: Array, n: int, dirty: int) -> bool:
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


@jit
def _search(start: Array, limit: int, rng: Array, solutions: Array) -> tuple[int, int]:
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


@jit
def _candidates(puzzle: Array) -> Array:
    cand = np.empty(81, dtype=np.int32)
    for i in range(81):
        cand[i] = 1 << (puzzle[i] - 1) if puzzle[i] else ALL
    return cand


@jit
def _rate(puzzle: Array, runs: int, rng: Array, solutions: Array) -> tuple[int, float]:
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


@jit
def random_solution(puzzle: Array, rng: Array, solution: Array) -> bool:
    """A random solution of a puzzle into ``solution``, uint8 [1, 81]; whether there is one."""
    found, _ = _search(_candidates(puzzle), 1, rng, solution)
    return found == 1


@jit
def full_grid(rng: Array) -> Array:
    """A random full board, uint8 [81]: a random first row and the search's random values below it."""
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
    """Takes clues out of a uniquely solvable puzzle, in random order, in place, until none can be spared; how many."""
    spared = 0
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
        else:
            spared += 1
    return spared


@jit
def random_minimal(rng: Array) -> tuple[Array, Array]:
    """A random minimal puzzle and its solution, uint8 [81] each."""
    solution = full_grid(rng)
    puzzle = solution.copy()
    minimise(puzzle, rng)
    return puzzle, solution


@jit
def _neighbour(puzzle: Array, rng: Array, pair: Array) -> Array:
    """A puzzle with one solution near another: it may have clues to spare.

    A clue or two go, one of the solutions that this leaves becomes the new one, and its digits are given where
    solutions differ until it is the only one: full boards drift along a chain of such steps.
    """
    puzzle = puzzle.copy()
    gone = 1 + below(rng, 2)
    order = shuffled(rng, 81)
    for k in range(81):
        if gone and puzzle[order[k]]:
            puzzle[order[k]] = 0
            gone -= 1
    random_solution(puzzle, rng, pair)
    solution = pair[0].copy()
    while True:
        found, _ = _search(_candidates(puzzle), 2, rng, pair)
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
def _outside(rating: float, low: float, high: float) -> float:
    """How far a rating is outside its band, in octaves."""
    if rating < low:
        return float(np.log2((low + 1.0) / (rating + 1.0)))
    if rating > high:
        return float(np.log2((rating + 1.0) / (high + 1.0)))
    return 0.0


@jit
def _known(puzzle: Array, memory: Array) -> bool:
    """Whether a board was asked about before, up to symmetry; old ones are forgotten as the memory fills."""
    number = invariant(puzzle)
    place = number & np.uint64(len(memory) - 1)
    known: bool = memory[place] == number
    memory[place] = number
    return known


@jit
def breed(
    low: float,
    high: float,
    aim: float,
    steps: int,
    rng: Array,
    herd: Array,
    levels: Array,
    memory: Array,
    puzzles: Array,
    solutions: Array,
    ratings: Array,
) -> int:
    """Breeds minimal boards towards a band of mean guesses, and hands out those of the band that are met.

    A step takes three boards of the herd at random, the two that are less far outside the band have a child between
    them in rank: the best of the three is its parent, the worst dies if the child is no worse. Nearly all neighbours of
    a hard board are easier, so a single walk seldom climbs and soon falls; a herd remembers.

    Args:
        low, high: the band.
        aim: where the herd climbs to, low or more: neighbours of much harder boards fill a hard band.
        steps: children looked at.
        rng: random state.
        herd, levels: uint8 [H, 81] and float32 [H], the herd and its guesses, changed.
        memory: uint64 [a power of 2], hashes of the boards looked at, each to be looked at once; changed.
        puzzles, solutions, ratings: uint8 [wanted, 81] twice and float32 [wanted], filled.

    Returns:
        How many boards were found.
    """
    pair = np.empty((2, 81), dtype=np.uint8)
    made = 0
    for _ in range(steps):
        best = worst = below(rng, len(herd))
        for _ in range(2):
            k = below(rng, len(herd))
            # In the band the harder board is no better: the herd drifts there.
            if _outside(levels[k], aim, high) < _outside(levels[best], aim, high):
                best = k
            if _outside(levels[k], aim, high) >= _outside(levels[worst], aim, high):
                worst = k
        puzzle = _neighbour(herd[best], rng, pair)
        if _known(puzzle, memory):
            continue
        # One run tells most of the boards that will not do; what is handed out is minimal and rated in full.
        away = _outside(levels[worst], aim, high)
        _, rating = _rate(puzzle, 1, rng, pair)
        if _outside(rating, aim, high) > away + 1:
            continue
        if minimise(puzzle, rng):
            if _known(puzzle, memory):
                continue
            _, rating = _rate(puzzle, 1, rng, pair)
        if _outside(rating, aim, high) > away + 0.5:
            continue
        _, rating = _rate(puzzle, 10, rng, pair)
        if low <= rating <= high:
            puzzles[made] = puzzle
            solutions[made] = pair[0]
            ratings[made] = rating
            made += 1
        if _outside(rating, aim, high) <= away:
            herd[worst] = puzzle
            levels[worst] = rating
        if made == len(puzzles):
            break
    return made
