"""Random grids of kakuro: where the runs are, and digits that fill them."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from .text import Cell

NODES = 2000
"""Digits tried before a search for a filling starts again."""

Cells = tuple[Cell, ...]


def random_runs(rows: int, columns: int, share: float, rng: random.Random) -> list[Cells]:
    """The runs of a random grid, each of 2 to 9 cells. Row 1 and column 1 are black.

    Args:
        rows: of the whole grid.
        columns: of the whole grid.
        share: of black cells among the others. There are fewer where more would leave single cells.
        rng: random numbers.
    """
    inner = [(r, c) for r in range(2, rows + 1) for c in range(2, columns + 1)]
    white = set(inner)
    for cell in rng.sample(inner, len(inner)):
        if len(inner) - len(white) < share * len(inner) and not any(_lone(white - {cell}, cell)):
            white.discard(cell)
    while long := next((run for run in _runs(white) if len(run) > 9), None):
        # A cut may leave single cells, which become black too.
        white.discard(long[rng.randrange(2, min(9, len(long) - 2))])
        while single := {run[0] for run in _runs(white) if len(run) == 1}:
            white -= single
    return _runs(white)


def _lone(white: set[Cell], cell: Cell) -> Iterator[bool]:
    """For each white neighbour of a black cell, whether it is alone in its row or column."""
    r, c = cell
    for down, right in ((0, 1), (0, -1), (1, 0), (-1, 0)):
        if (r + down, c + right) in white:
            yield (r + 2 * down, c + 2 * right) not in white


def _runs(white: set[Cell]) -> list[Cells]:
    """All runs across and down, also of single cells."""
    found = []
    for down, right in ((0, 1), (1, 0)):
        for r, c in sorted(white):
            if (r - down, c - right) not in white:
                run = [(r, c)]
                while (after := (run[-1][0] + down, run[-1][1] + right)) in white:
                    run.append(after)
                found.append(tuple(run))
    return found


def fill(runs: Sequence[Cells], rng: random.Random) -> dict[Cell, int]:
    """Random digits without a repeat in a run.

    Half of the runs prefer low digits and half high ones, because extreme sums have few combinations.

    Args:
        runs: across and down; each cell is in two of them.
        rng: random numbers.
    """
    of: dict[Cell, list[int]] = {}
    for number, run in enumerate(runs):
        for cell in run:
            of.setdefault(cell, []).append(number)
    while True:
        wanted = [rng.choice((1, 9)) for _ in runs]
        order = {
            cell: sorted(range(1, 10), key=lambda d, own=own: rng.random() * 3 + sum(abs(d - wanted[n]) for n in own))  # type: ignore[misc]
            for cell, own in of.items()
        }
        found = _search(of, order, len(runs))
        if found is not None:
            return found


def _search(of: dict[Cell, list[int]], order: dict[Cell, list[int]], runs: int) -> dict[Cell, int] | None:
    """Digits by depth-first search on the cell with the fewest digits left; None after ``NODES`` digits."""
    used = [0] * runs  # bit d: the run has digit d
    digits: dict[Cell, int] = {}
    budget = iter(range(NODES))

    def search() -> bool:
        if len(digits) == len(of):
            return True
        cell = min(
            (cell for cell in of if cell not in digits),
            key=lambda cell: 9 - (used[of[cell][0]] | used[of[cell][1]]).bit_count(),
        )
        one, other = of[cell]
        for digit in order[cell]:
            bit = 1 << digit
            if (used[one] | used[other]) & bit:
                continue
            if next(budget, None) is None:
                return False
            digits[cell] = digit
            used[one], used[other] = used[one] | bit, used[other] | bit
            if search():
                return True
            del digits[cell]
            used[one], used[other] = used[one] & ~bit, used[other] & ~bit
        return False

    return digits if search() else None
