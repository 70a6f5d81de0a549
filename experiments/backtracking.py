"""The experiment on backtracking: boards solved against the guesses that a backtracker needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from ..engine.problem import Problem
from ..engine.task import Budget
from .experiment import Experiment, Method, Results, Verdict, generated

RANGES = ("0-2", "5-10", "20-40", "60-100")
"""Mean guesses of a backtracker with singles; see docs/train.md."""
ALLOWED_LOSS = 0.05
"""Share of the boards by which a loop may stay below the ceiling."""


class Backtracking(Experiment):
    """Boards of four ranges of guesses, for each solver; the bundled weights, no training."""

    name: ClassVar[str] = "backtracking"
    question: ClassVar[str] = "Does a trained loop solve the boards on which a search must backtrack?"
    claim: ClassVar[str] = (
        "On the Sudokus of most guesses, `looped` solves at most five points fewer than exact search (`cpsat`)."
    )
    small_minutes: ClassVar[float] = 2
    full_minutes: ClassVar[float] = 2

    def methods(self, full: bool) -> Sequence[Method]:
        budget = Budget(seconds=None, seconds_each=10.0 if full else 0.7)
        nets = [Method(name, name, {"weights": f"{name}-sudoku"}, budget=budget) for name in ("looped", "trm", "hrm")]
        return [Method("cpsat", "cpsat", budget=budget), *nets, Method("localsearch", "localsearch", budget=budget)]

    def problems(self, full: bool) -> Mapping[str, Sequence[Problem]]:
        count = 100 if full else 12
        boards = generated([f"sudoku:9:{guesses}" for guesses in RANGES], count, 1000)
        return {f"{guesses} guesses": each for guesses, each in zip(RANGES, boards.values(), strict=True)}

    def verdict(self, results: Results) -> Verdict:
        return results.compare("looped", "cpsat", f"{RANGES[-1]} guesses", least=-ALLOWED_LOSS)
