"""Streams of Latin squares to complete, with one known solution each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...engine.examples import Examples
from .. import grids, squares
from ..parsing import parse_fields, parse_fraction_range, parse_range
from ..streams.base import FamilyStream
from ..streams.packing import Example, draw_split, pack
from ..streams.refinement import ROUNDS, mixed, summed
from .family import LARGEST, Latin, template

CHUNK = 256


@dataclass(frozen=True)
class LatinStream(FamilyStream):
    """``latin:N[:SHARE]``, each a number or a range: a share of the cells of a random square, which is the target."""

    def check(self) -> None:
        _parse(self.spec)

    def chunk(self, k: int) -> Examples:
        """The k-th 256 squares. Other completions than the target may exist."""
        rng = self.rng(k)
        order_limits, keep_limits = _parse(self.spec)

        def make() -> tuple[int, Example]:
            order = rng.randint(*order_limits)
            square = squares.random_latin(order, rng)
            count = round(rng.uniform(*keep_limits) * order * order)
            cells = [divmod(i, order) for i in sorted(rng.sample(range(order * order), count))]
            givens = {grids.cell(r + 1, c + 1): square[r][c] + 1 for r, c in cells}
            number = paratopy_invariant(order, [(r, c, square[r][c]) for r, c in cells])
            return number, (template(order), givens, [[v for row in square for v in row]])

        return pack(draw_split(self.split, CHUNK, make, self.name), 1)


def paratopy_invariant(order: int, cells: Sequence[tuple[int, int, int]]) -> int:
    """A number that no paratopy changes: permutations of rows, columns and values, and exchanges of these three roles.

    Args:
        order: rows of the square.
        cells: the givens as (row, column, value), 0-based.
    """
    # Rows, columns and values are one kind of vertex, so that their exchange changes nothing.
    points = np.array(cells, dtype=np.int64).reshape(-1, 3) + np.array([0, order, 2 * order])
    colours = np.full(3 * order, order, dtype=np.uint64)
    for _ in range(ROUNDS):
        cell = mixed(mixed(colours)[points].sum(1))
        colours = mixed(colours + summed(3 * order, points.ravel(), cell.repeat(3)))
    return int(mixed(colours).sum())


def _parse(spec: str) -> tuple[tuple[int, int], tuple[float, float]]:
    """The ranges of the order and of the share of givens."""
    parts = parse_fields(spec, 1, 2, Latin.spec)
    order = parse_range(parts[0], 2, LARGEST, "order", hint=Latin.spec)
    return order, parse_fraction_range([*parts, "0.4"][1], "share of givens")
