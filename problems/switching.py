"""Random full boards: Sudokus by switching, Latin squares by Jacobson and Matthews' moves."""

from __future__ import annotations

import random

Board = list[list[int]]


def sudoku(n: int, rng: random.Random) -> Board:
    """A random full n^2 x n^2 Sudoku, values 1 to n^2.

    It begins with the cyclic pattern under random symmetries and takes random switches: in two rows of one band, or two
    columns of one stack, the values of a cycle are exchanged; and two values are exchanged where they are connected.
    """
    size = n * n

    def lines() -> list[int]:
        return [n * band + i for band in rng.sample(range(n), n) for i in rng.sample(range(n), n)]

    values = rng.sample(range(1, size + 1), size)
    columns = lines()
    board = [[values[(n * (r % n) + r // n + c) % size] for c in columns] for r in lines()]
    for _ in range(2 * size):
        for _ in range(2):
            for _ in range(3):
                band = n * rng.randrange(n)
                a, b = rng.sample(range(band, band + n), 2)
                _switch_rows(board[a], board[b], rng.randrange(size))
            board = [list(column) for column in zip(*board, strict=True)]
        _switch_values(board, n, rng)
    return board


def _switch_rows(one: list[int], other: list[int], column: int) -> None:
    """Exchanges two rows along the cycle of a column: the rows keep their values, and so do columns and boxes."""
    place = {value: c for c, value in enumerate(one)}
    first = one[column]
    while True:
        one[column], other[column] = other[column], one[column]
        if one[column] == first:
            return
        column = place[one[column]]


def _switch_values(board: Board, n: int, rng: random.Random) -> None:
    """Exchanges two values in one connected component of their cells: each unit holds both or neither of it."""
    size = n * n
    a, b = rng.sample(range(1, size + 1), 2)
    cells = [(r, c) for r in range(size) for c in range(size) if board[r][c] in (a, b)]
    reached = [rng.choice(cells)]
    left = set(cells) - set(reached)
    for r, c in reached:
        near = [(y, x) for y, x in left if y == r or x == c or (y // n == r // n and x // n == c // n)]
        reached += near
        left.difference_update(near)
    for r, c in reached:
        board[r][c] = a + b - board[r][c]


def latin(order: int, rng: random.Random, moves: int | None = None) -> Board:
    """A random Latin square, values 0 to order - 1, by the moves of Jacobson and Matthews (1996).

    Their walk over proper and improper squares reaches every square, uniformly in the limit.

    Args:
        order: rows.
        rng: random numbers.
        moves: how many; by default order^3, at most 40 000, until the square is proper.
    """
    rows, columns, values = (rng.sample(range(order), order) for _ in range(3))
    board = [[values[(r + c) % order] for c in columns] for r in rows]
    if order < 3:
        return board
    span = range(order)
    # Three views of the cells (row, column, value) of weight 1; lines through a cell of weight -1 have two of weight 1.
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
