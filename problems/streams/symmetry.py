"""The symmetries of Sudoku: a fast invariant of a board of any size, and the canonical form of a 9 x 9 one.

The group: relabelling of digits, permutations of bands and stacks, of rows within bands and columns within stacks, and
transposition; for 9 x 9, 2 * 6^8 * 9! in all.
"""

from __future__ import annotations

from itertools import permutations

import numpy as np

from .jit import jit

Array = np.ndarray


@jit
def _mixed(x: np.uint64) -> np.uint64:
    """The finaliser of splitmix64 (Steele, Lea and Flood 2014)."""
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


@jit
def invariant(puzzle: Array) -> int:
    """A 64-bit number that every symmetry leaves as it is: colour refinement of cells, lines, boxes and digits.

    Each is coloured by the bag of its neighbours' colours (a sum of mixed numbers, so that order plays no part), rows
    and columns by the same rule; lines know their band or stack. Boards of one colour need not be symmetric, which a
    split can live with.

    Args:
        puzzle: uint8 [n^4], 0 for a blank.
    """
    size = int(np.sqrt(len(puzzle)))
    n = int(np.sqrt(size))
    one = np.uint64(1)
    cells = np.zeros(size * size, dtype=np.uint64)
    digits = np.full(size + 1, one)
    digits[0] = np.uint64(7)
    lines = np.full(2 * size, one)  # rows, then columns
    boxes = np.full(size, one)
    for _ in range(4):
        sums = np.zeros(2 * size, dtype=np.uint64)
        boxed = np.zeros(size, dtype=np.uint64)
        valued = np.zeros(size + 1, dtype=np.uint64)
        for i in range(size * size):
            r, c = i // size, i % size
            box = r // n * n + c // n
            crossing = _mixed(lines[r]) + _mixed(lines[size + c])
            cells[i] = _mixed(_mixed(digits[puzzle[i]] ^ _mixed(crossing)) ^ _mixed(boxes[box]) ^ cells[i])
            sums[r] += cells[i]
            sums[size + c] += cells[i]
            boxed[box] += cells[i]
            valued[puzzle[i]] += cells[i]
        for g in range(2 * n):
            group = np.uint64(0)
            for k in range(n * g, n * g + n):
                group += _mixed(sums[k])
            for k in range(n * g, n * g + n):
                lines[k] = _mixed(_mixed(sums[k]) ^ group)
        for b in range(size):
            boxes[b] = _mixed(boxed[b])
        for d in range(1, size + 1):
            digits[d] = _mixed(valued[d])
    total = np.uint64(0)
    for i in range(size * size):
        total += _mixed(cells[i])
    return _mixed(total)  # type: ignore[return-value]


def _orders() -> Array:
    """All 1296 orders of nine columns that keep stacks together, [1296, 9]."""
    inner = list(permutations(range(3)))
    return np.array(
        [
            [3 * stack + k for stack, order in zip(stacks, (a, b, c), strict=True) for k in order]
            for stacks in inner
            for a in inner
            for b in inner
            for c in inner
        ],
        dtype=np.int64,
    )


ORDERS = _orders()


@jit
def _least(puzzle: Array, orders: Array) -> Array:
    """Row by row, keeps every way of arranging the rows so far that gives the least digits."""
    ways = 2 * len(orders)
    picked = np.zeros((ways, 9), dtype=np.int8)  # rows in order
    named = np.zeros((ways, 10), dtype=np.int8)  # digit -> new digit, 0 for none yet
    source = np.arange(ways)  # transposed or not, and the order of columns
    result = np.zeros(81, dtype=np.uint8)
    row = np.zeros(9, dtype=np.int8)
    name = np.zeros(10, dtype=np.int8)
    for depth in range(9):
        room = 1024
        count = 0
        next_picked = np.zeros((room, 9), dtype=np.int8)
        next_named = np.zeros((room, 10), dtype=np.int8)
        next_source = np.zeros(room, dtype=np.int64)
        best = np.full(9, 100, dtype=np.int8)
        for way in range(len(source)):
            order = orders[source[way] // 2]
            for r in range(9):
                free = True
                for k in range(depth):
                    used = picked[way, k]
                    # A band that was begun is finished first; one that is finished is not begun again.
                    if used == r or (k // 3 < depth // 3) == (used // 3 == r // 3):
                        free = False
                if not free:
                    continue
                name[:] = named[way]
                last = 0
                for d in range(1, 10):
                    last = max(last, name[d])
                verdict = 0
                for c in range(9):
                    digit = puzzle[9 * order[c] + r] if source[way] % 2 else puzzle[9 * r + order[c]]
                    if digit and name[digit] == 0:
                        last += 1
                        name[digit] = last
                    row[c] = name[digit] if digit else 0
                    if verdict == 0 and row[c] != best[c]:
                        verdict = -1 if row[c] < best[c] else 1
                        if verdict == 1:
                            break
                if verdict == 1:
                    continue
                if verdict == -1:
                    best[:] = row
                    count = 0
                if count == room:
                    room *= 2
                    next_picked = np.concatenate((next_picked, np.zeros_like(next_picked)))
                    next_named = np.concatenate((next_named, np.zeros_like(next_named)))
                    next_source = np.concatenate((next_source, np.zeros_like(next_source)))
                next_picked[count] = picked[way]
                next_picked[count, depth] = r
                next_named[count] = name
                next_source[count] = source[way]
                count += 1
        for c in range(9):
            result[9 * depth + c] = best[c]
        picked = next_picked[:count]
        named = next_named[:count]
        source = next_source[:count]
    return result


def canonical(puzzle: Array) -> Array:
    """The least board, read row by row with blanks as 0, that symmetries make of a 9 x 9 one: uint8 [81].

    Two boards are symmetric exactly when their canonical forms are equal. Takes milliseconds; a board with many empty
    lines takes longer.
    """
    return _least(np.ascontiguousarray(puzzle, dtype=np.uint8), ORDERS)
