"""Answers of logic grids in the form of LR²Bench."""

from __future__ import annotations

from ...engine.problem import Problem
from ...engine.values import Assignment


def answer(problem: Problem, assignment: Assignment) -> list[dict[str, str]]:
    """The rows of the grid, each category -> item.

    Args:
        problem: a logic grid.
        assignment: variable -> row.
    """
    from .family import rows

    return rows(assignment)
