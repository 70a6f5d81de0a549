"""Streams of N-Queens completions, with four solutions each."""

from __future__ import annotations

import random
from dataclasses import dataclass

from ...engine.examples import Examples
from ..errors import InputError
from ..parsing import parse_fields, parse_range
from ..streams.base import FamilyStream
from ..streams.packing import Example, draw_split, pack
from ..streams.splits import hashed
from .family import PAIRWISE, Queens, solution, template

COMPLETIONS = 4
CHUNK = 512
NODES = 400
"""Queens placed in one search for a further completion."""


@dataclass(frozen=True)
class QueensStream(FamilyStream):
    """``queens:N[:PLACED]``, each a number or a range: PLACED queens of a solution of n queens."""

    def check(self) -> None:
        _parse(self.spec)

    def chunk(self, k: int) -> Examples:
        """The k-th 512 boards. The targets are four completions, distinct if as many were found."""
        rng = self.rng(k)
        (least, most), (fewest, largest) = _parse(self.spec)

        def make() -> tuple[int, tuple[int, list[int], dict[int, int]]]:
            n = rng.randint(least, most)
            columns = solution(n, rng)
            placed = rng.sample(range(n), rng.randint(fewest, largest))
            givens = {r: columns[r] for r in sorted(placed)}
            return hashed(canonical(n, givens)), (n, columns, givens)

        found = draw_split(self.split, CHUNK, make, self.name)
        return pack([_example(*board, rng) for board in found], COMPLETIONS)


def canonical(n: int, givens: dict[int, int]) -> tuple[int, list[tuple[int, int]]]:
    """The board size and the least of the eight symmetric forms of the queens placed.

    Args:
        n: rows of the board.
        givens: row -> column of the queens placed, 0-based.
    """
    squares = list(givens.items())
    images = (squares, [(c, r) for r, c in squares])
    last = n - 1
    forms = [
        sorted((last - r if down else r, last - c if across else c) for r, c in form)
        for form in images
        for down in (False, True)
        for across in (False, True)
    ]
    return n, min(forms)


def completions(n: int, givens: dict[int, int], known: list[int], rng: random.Random) -> list[list[int]]:
    """Up to four completions of a board, the known one among them.

    Each further one comes from a depth-first search on the row with the fewest free squares, with squares in random
    order. A search stops after ``NODES`` queens, so that some completions may not be found.

    Args:
        n: rows of the board.
        givens: row -> column of the queens placed, 0-based.
        known: a completion, columns by row.
        rng: random numbers.

    Returns:
        Columns by row, 0-based, in lexicographic order.
    """
    found = {tuple(known)}  # a set, sorted at the end: the targets do not depend on the order of the searches
    for _ in range(2 * COMPLETIONS):
        if len(found) == COMPLETIONS:
            break
        attempt = _complete(n, givens, rng)
        if attempt:
            found.add(attempt)
    return [list(columns) for columns in sorted(found)]


def _complete(n: int, givens: dict[int, int], rng: random.Random) -> tuple[int, ...] | None:
    columns = [-1] * n
    left = NODES

    def free_after(free: list[int], row: int, column: int) -> list[int]:
        """The free squares of each row, as bit masks, after a queen was placed."""
        bit = 1 << column
        kept = []
        for r, squares in enumerate(free):
            away = abs(r - row)
            kept.append(squares & ~(bit | bit << away | bit >> away))
        return kept

    def place(free: list[int]) -> bool:
        nonlocal left
        # The row with the fewest free squares fails first, if the board has no completion.
        row = min((r for r in range(n) if columns[r] < 0), key=lambda r: free[r].bit_count(), default=-1)
        if row < 0:
            return True
        choices = [c for c in range(n) if free[row] >> c & 1]
        rng.shuffle(choices)
        for c in choices:
            left -= 1
            if left < 0:
                return False
            columns[row] = c
            if place(free_after(free, row, c)):
                return True
            columns[row] = -1
        return False

    free = [(1 << n) - 1] * n
    for r, c in givens.items():
        columns[r] = c
        free = free_after(free, r, c)
    return tuple(columns) if place(free) else None


def _example(n: int, columns: list[int], givens: dict[int, int], rng: random.Random) -> Example:
    return template(n), {f"q{r + 1}": c + 1 for r, c in givens.items()}, completions(n, givens, columns, rng)


def _parse(spec: str) -> tuple[tuple[int, int], tuple[int, int]]:
    """The ranges of the board size and of the queens placed."""
    parts = parse_fields(spec, 1, 2, Queens.spec)
    size = parse_range(parts[0], 4, PAIRWISE, "board size", hint=Queens.spec)
    placed = parse_range(parts[1] if len(parts) > 1 else "1", 0, size[0], "queens placed", hint=Queens.spec)
    if placed[1] == 0 and size[0] == size[1]:
        raise InputError("empty boards of one size are a single instance", hint="place one queen or more")
    return size, placed
