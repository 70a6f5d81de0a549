"""Answers of drop quotes in the form of LR²Bench."""

from __future__ import annotations

from ...engine.problem import Problem
from ...engine.values import Assignment
from .family import grid


def answer(problem: Problem, assignment: Assignment) -> list[list[str]]:
    """The grid: upper-case letters, ``#`` and punctuation.

    Args:
        problem: a drop quote.
        assignment: variable -> value.
    """
    return grid(problem, assignment)
