"""Answers of crosswords in the form of LR²Bench."""

from __future__ import annotations

from ...engine.problem import Problem
from ...engine.values import Assignment
from .family import words


def answer(problem: Problem, assignment: Assignment) -> dict[str, str]:
    """``1-ACROSS`` and so on -> the word.

    Args:
        problem: a crossword.
        assignment: variable -> value.
    """
    return words(problem, assignment)
