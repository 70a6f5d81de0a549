"""Random full squares: Sudokus by switching cycles, Latin squares by Jacobson and Matthews' moves."""

from __future__ import annotations

import random

Board = list[list[int]]

BOXES = {4: 2, 6: 2, 9: 3, 12: 3, 16: 4, 25: 5}
"""Rows of a Sudoku -> rows of a box. Boxes of 6x6 and 12x12 boards are wider than high: 2x3 and 3x4."""


def random_sudoku(n: int, rng: random.Random, wide: int | None = None) -> Board:
    """A random full Sudoku with boxes of n rows and ``wide`` columns, and values 1 to n times ``wide``.

    It starts with the cyclic pattern under random symmetries. Then it makes random switches of two kinds. One exchanges
    the values of a cycle in two rows of a band, or two columns of a stack. The other exchanges two values in a
    connected component of their cells.

    Args:
        n: rows of a box.
        rng: random numbers.
        wide: columns of a box; None for n.
    """
    wide = wide or n
    size = n * wide

    def lines(high: int) -> list[int]:
        bands = size // high
        return [high * band + i for band in rng.sample(range(bands), bands) for i in rng.sample(range(high), high)]

    values = rng.sample(range(1, size + 1), size)
    columns = lines(wide)
    board = [[values[(wide * (r % n) + r // n + c) % size] for c in columns] for r in lines(n)]
    for _ in range(2 * size):
        for high in (n, wide):  # rows, then columns as the rows of the transposed board
            for _ in range(3):
                band = high * rng.randrange(size // high)
                a, b = rng.sample(range(band, band + high), 2)
                _switch_rows(board[a], board[b], rng.randrange(size))
            board = [list(column) for column in zip(*board, strict=True)]
        _switch_values(board, n, wide, rng)
    return board


def _switch_rows(one: list[int], other: list[int], column: int) -> None:
    """Exchange two rows along the cycle of a column. Rows, columns and boxes keep their sets of values."""
    place = {value: c for c, value in enumerate(one)}
    first = one[column]
    while True:
        one[column], other[column] = other[column], one[column]
        if one[column] == first:
            return
        column = place[one[column]]


def _switch_values(board: Board, n: int, wide: int, rng: random.Random) -> None:
    """Exchange two values in a connected component of their cells. A unit has both or neither of them in it."""
    size = n * wide
    a, b = rng.sample(range(1, size + 1), 2)
    cells = [(r, c) for r in range(size) for c in range(size) if board[r][c] in (a, b)]
    reached = [rng.choice(cells)]
    left = set(cells) - set(reached)
    for r, c in reached:
        near = [(y, x) for y, x in left if y == r or x == c or (y // n == r // n and x // wide == c // wide)]
        reached += near
        left.difference_update(near)
    for r, c in reached:
        board[r][c] = a + b - board[r][c]


def random_latin(order: int, rng: random.Random, moves: int | None = None) -> Board:
    """A random Latin square with values 0 to order - 1, by the moves of Jacobson and Matthews (1996).

    Their walk over proper and improper squares reaches every square, and its limit is the uniform distribution.

    Args:
        order: rows.
        rng: random numbers.
        moves: number of moves, by default order³ and at most 40,000. The walk continues until the square is proper.
    """
    rows, columns, values = (rng.sample(range(order), order) for _ in range(3))
    board = [[values[(r + c) % order] for c in columns] for r in rows]
    if order < 3:
        return board
    span = range(order)
    # Three views of the cells (row, column, value) of weight 1. An improper square has one cell of weight -1; each line
    # through it has two cells of weight 1.
    values_at = [[[board[r][c]] for c in span] for r in span]
    columns_at = [[[row.index(v)] for v in span] for row in board]
    rows_at = [[[r for r in span if board[r][c] == v] for v in span] for c in span]

    def add(r: int, c: int, v: int) -> None:
        values_at[r][c].append(v)
        columns_at[r][v].append(c)
        rows_at[c][v].append(r)

    def take(r: int, c: int, v: int) -> None:
        values_at[r][c].remove(v)
        columns_at[r][v].remove(c)
        rows_at[c][v].remove(r)

    negative: tuple[int, int, int] | None = None
    count = moves if moves is not None else min(order**3, 40_000)
    while count > 0 or negative:
        count -= 1
        r, c, v = negative or (rng.randrange(order), rng.randrange(order), rng.randrange(order))
        if not negative:
            if v in values_at[r][c]:
                continue
            add(r, c, v)
        others = [
            (x, y, z)
            for x in rows_at[c][v]
            if x != r
            for y in columns_at[r][v]
            if y != c
            for z in values_at[r][c]
            if z != v
        ]
        # The move adds 1 and takes 1 at alternate corners of the cube from (r, c, v) to (x, y, z).
        x, y, z = rng.choice(others)
        add(r, y, z)
        add(x, c, z)
        add(x, y, v)
        take(x, c, v)
        take(r, y, v)
        take(r, c, z)
        if z in values_at[x][y]:
            take(x, y, z)
            negative = None
        else:
            negative = x, y, z
    return [[values_at[r][c][0] for c in span] for r in span]
