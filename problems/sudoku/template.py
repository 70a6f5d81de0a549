"""The constraint graph of Sudokus and the drawing of a board."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from ...engine.constraints import AllDifferent
from ...engine.graph import ConstraintGraph
from ...engine.values import Value
from .. import grids
from ..squares import BOXES

names = cache(grids.names)
"""The variables of a board of ``size`` rows, row by row."""


@cache
def template(n: int, values: tuple[Value, ...] | None = None, wide: int | None = None) -> ConstraintGraph:
    """The constraint graph of all Sudokus with boxes of n rows and ``wide`` columns.

    Equal arguments return the same graph, so that many boards are one batch of tensors.

    Args:
        n: rows of a box.
        values: the values of the cells; by default 1 to n times ``wide``.
        wide: columns of a box; None for n.
    """
    if wide == n:
        return template(n, values)
    across = wide or n
    size = n * across
    span = range(1, size + 1)
    if values == tuple(span):
        return template(n, None, wide)
    rows = [[grids.cell(r, c) for c in span] for r in span]
    columns = [[grids.cell(r, c) for r in span] for c in span]
    boxes = [
        [grids.cell(n * a + i, across * b + j) for i in range(1, n + 1) for j in range(1, across + 1)]
        for a in range(across)
        for b in range(n)
    ]
    constraints = [AllDifferent(tuple(g)) for g in rows + columns + boxes]
    return ConstraintGraph(dict.fromkeys(names(size), values or span), constraints)


def of_size(size: int, values: tuple[Value, ...] | None = None) -> ConstraintGraph:
    """The constraint graph of all Sudokus of ``size`` rows.

    Args:
        size: rows of the board, one of ``BOXES``.
        values: the values of the cells; by default 1 to ``size``.
    """
    return template(BOXES[size], values, size // BOXES[size])


def render(size: int, assignment: Mapping[str, Value]) -> str:
    """The board as text, with lines between its boxes.

    Args:
        size: rows of the board.
        assignment: values by variable; a missing cell is drawn as a dot.
    """
    return grids.draw(size, assignment, BOXES.get(size))
