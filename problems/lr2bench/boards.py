"""Sudoku answers in the form of LR²Bench."""

from __future__ import annotations

from math import isqrt

from ...engine.problem import Problem
from ...engine.values import Assignment


def answer(problem: Problem, assignment: Assignment) -> list[list[int]]:
    """The full grid, row by row.

    Args:
        problem: a Sudoku.
        assignment: variable -> value.
    """
    values = [int(assignment[name]) for name in problem.graph.domains]
    size = isqrt(len(values))
    return [values[row * size : (row + 1) * size] for row in range(size)]
