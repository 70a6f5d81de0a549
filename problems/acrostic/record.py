"""Answers of acrostics in the form of LR²Bench."""

from __future__ import annotations

from ...engine.problem import Problem
from ...engine.values import Assignment
from ..words.phrases import letter


def answer(problem: Problem, assignment: Assignment) -> dict[str, str]:
    """Number of a cell -> its letter.

    Args:
        problem: an acrostic.
        assignment: variable -> value.
    """
    return {name.removeprefix("cell "): letter(value) for name, value in assignment.items() if name.startswith("cell ")}
