"""The constraint graph of Sudokus and the drawing of a board."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from math import isqrt

from ...engine.constraints import AllDifferent
from ...engine.graph import ConstraintGraph
from ...engine.values import Value
from .. import grids

names = cache(grids.names)
"""The variables of a board of ``size`` rows, row by row."""


@cache
def template(n: int, values: tuple[Value, ...] | None = None) -> ConstraintGraph:
    """The constraint graph of all n²×n² Sudokus.

    Equal arguments return the same graph, so that many boards are one batch of tensors.

    Args:
        n: rows of a box.
        values: the values of the cells; by default 1 to n².
    """
    size = n * n
    span = range(1, size + 1)
    if values == tuple(span):
        return template(n)
    rows = [[grids.cell(r, c) for c in span] for r in span]
    columns = [[grids.cell(r, c) for r in span] for c in span]
    boxes = [
        [grids.cell(n * a + i, n * b + j) for i in range(1, n + 1) for j in range(1, n + 1)]
        for a in range(n)
        for b in range(n)
    ]
    constraints = [AllDifferent(tuple(g)) for g in rows + columns + boxes]
    return ConstraintGraph(dict.fromkeys(names(size), values or span), constraints)


def render(size: int, assignment: Mapping[str, Value]) -> str:
    """The board as text, with lines between its boxes.

    Args:
        size: rows of the board.
        assignment: values by variable; a missing cell is drawn as a dot.
    """
    return grids.draw(size, assignment, isqrt(size))
