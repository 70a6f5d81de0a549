"""The symmetries of tasks: eight turns and reflections of all grids, and renamings of the colours."""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np

from .tasks import COLOURS, Grid, Pair

TURNS = 8


@dataclass(frozen=True)
class Transform:
    """A turn or reflection, then a renaming of the colours. The same for all grids of a task.

    As in HRM and TRM, black (0) keeps its name, because it is the background of most tasks. They also shift grids on
    a canvas of 30x30 cells. Here grids are cropped, and positions are relative, so a shift would change nothing.

    Args:
        turn: 0 to 7: quarter turns counterclockwise, then a reflection left to right from 4 on.
        colours: ten numbers: colour c becomes ``colours[c]``.
    """

    turn: int = 0
    colours: tuple[int, ...] = tuple(range(COLOURS))

    def apply(self, grid: Grid) -> Grid:
        """The grid [rows, columns] transformed: [rows, columns] or [columns, rows], of the same dtype."""
        turned = np.rot90(grid, self.turn % 4)
        turned = turned[:, ::-1] if self.turn >= 4 else turned
        renamed: Grid = np.array(self.colours, dtype=grid.dtype)[turned]
        return renamed

    def invert(self, grid: Grid) -> Grid:
        """The grid that ``apply`` made this one of."""
        names = np.empty(COLOURS, dtype=grid.dtype)
        names[list(self.colours)] = np.arange(COLOURS)
        named = names[grid]
        named = named[:, ::-1] if self.turn >= 4 else named
        return np.ascontiguousarray(np.rot90(named, -(self.turn % 4)))

    def pair(self, pair: Pair) -> Pair:
        """Both grids of a pair transformed."""
        return Pair(self.apply(pair.input), None if pair.output is None else self.apply(pair.output))


def draw(rng: random.Random) -> Transform:
    """A random transform: one of 8 turns, one of 9! renamings.

    Args:
        rng: random numbers.
    """
    return Transform(rng.randrange(TURNS), (0, *rng.sample(range(1, COLOURS), COLOURS - 1)))
