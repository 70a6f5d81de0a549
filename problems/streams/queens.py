"""Streams of queens to complete, with four of the completions."""

from __future__ import annotations

import random
from dataclasses import dataclass

from ...engine.examples import Examples
from ..errors import InputError
from ..queens import LARGEST, Queens, template
from ..queens import solution as full_board
from .packing import Example, Named, between, fields, of_split, pack
from .splits import hashed

COMPLETIONS = 4
CHUNK = 512
NODES = 400
"""Queens that one attempt at a further completion may place."""


@dataclass(frozen=True)
class Completions(Named):
    """``queens:N[:PLACED]``, each a number or a range: PLACED queens of a solution of n queens."""

    def check(self) -> None:
        _limits(self.spec)

    def chunk(self, k: int) -> Examples:
        """The k-th 512 boards; targets are four completions, different where that many were found."""
        rng = self.dice(k)
        (least, most), (fewest, largest) = _limits(self.spec)

        def make() -> tuple[int, tuple[int, list[int], dict[int, int]]]:
            n = rng.randint(least, most)
            columns = full_board(n, rng)
            placed = rng.sample(range(n), rng.randint(fewest, largest))
            givens = {r: columns[r] for r in sorted(placed)}
            return hashed(canonical(n, givens)), (n, columns, givens)

        found = of_split(self.split, CHUNK, make, self.name)
        return pack([_instance(*board, rng) for board in found], COMPLETIONS)


def canonical(n: int, givens: dict[int, int]) -> tuple[int, list[tuple[int, int]]]:
    """The board size and the least of the eight forms of the queens placed."""
    squares = list(givens.items())
    turned = (squares, [(c, r) for r, c in squares])
    last = n - 1
    forms = [
        sorted((last - r if down else r, last - c if across else c) for r, c in form)
        for form in turned
        for down in (False, True)
        for across in (False, True)
    ]
    return n, min(forms)


def completions(n: int, givens: dict[int, int], known: list[int], rng: random.Random) -> list[list[int]]:
    """Up to four completions, the known one among them: columns by row, 0-based.

    Each attempt places a queen in the row of fewest free squares, the square at random, and takes back; it may give up,
    so there may be more completions than are found.
    """
    found = {tuple(known)}
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
        """Bit masks of the free squares of each row once a queen stands."""
        bit = 1 << column
        kept = []
        for r, squares in enumerate(free):
            away = abs(r - row)
            kept.append(squares & ~(bit | bit << away | bit >> away))
        return kept

    def place(free: list[int]) -> bool:
        nonlocal left
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


def _instance(n: int, columns: list[int], givens: dict[int, int], rng: random.Random) -> Example:
    return template(n), {f"q{r + 1}": c + 1 for r, c in givens.items()}, completions(n, givens, columns, rng)


def _limits(spec: str) -> tuple[tuple[int, int], tuple[int, int]]:
    parts = fields(spec, 1, 2, Queens.spec)
    size = between(parts[0], 4, LARGEST, "board size", hint=Queens.spec)
    placed = between(parts[1] if len(parts) > 1 else "1", 0, size[0], "queens placed", hint=Queens.spec)
    if placed[1] == 0 and size[0] == size[1]:
        raise InputError("an empty board is one instance, not many", hint="place a queen or more")
    return size, placed
