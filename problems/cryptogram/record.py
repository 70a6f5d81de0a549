"""Answers of cryptograms in the form of LR²Bench."""

from __future__ import annotations

from ...engine.problem import Problem
from ...engine.values import Assignment
from .family import mapping


def answer(problem: Problem, assignment: Assignment) -> dict[str, str]:
    """Cipher letter -> plain letter, for the letters of the text.

    Args:
        problem: a cryptogram.
        assignment: variable -> value.
    """
    return mapping(assignment)
