"""The experiment on noise: a recursion with random steps, with and without its variational objective."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

from ..engine.problem import Problem
from ..engine.solving import solve
from ..engine.task import Budget, Task
from ..plugins import load as solver
from .experiment import Experiment, Method, Part, Results, Training, Verdict, generated, weakest


class Scale(NamedTuple):
    """The sizes of a version of the experiment.

    Args:
        data: streams of the training, in turn.
        tests: sets of problems.
        amount: problems of each set.
        samples: of each problem.
        segments: of a sample.
        hidden: width of the nets.
        high: steps of a segment.
        low: updates of the state l in each step.
        steps: optimiser steps.
        recipe: of each training.
    """

    data: tuple[str, ...]
    tests: tuple[str, ...]
    amount: int
    samples: int
    segments: int
    hidden: int
    high: int
    low: int
    steps: int
    recipe: Mapping[str, Any]


SMALL = Scale(
    ("queens:6-7:1-2", "sudoku:4:0.4"),
    ("queens:7:1", "sudoku:4:0.3"),
    48,
    8,
    8,
    24,
    2,
    2,
    240,
    {"batch": 32, "lr": 1e-2, "warmup": 10, "ema": 0.9, "block": 1, "validation": 0, "max_segments": 8},
)
FULL = Scale(
    ("queens:8:1-3", "sudoku:9:0-10"),
    ("queens:8:1", "sudoku:9:0-10"),
    100,
    20,
    16,
    64,
    3,
    4,
    2000,
    {"batch": 128, "block": 1, "validation": 0},
)
VARIANTS = {
    "no noise": "none",
    "noise when solving": "inference",
    "noise, no variational objective": "noise",
    "noise, variational objective": "full",
}
"""Label -> option ``variant`` of ``gram``."""
ALLOWED_GAIN = 0.05
"""Share of the problems that noise alone may add where the claim holds."""
_ALL = Task(Budget(seconds=None, solutions=100_000))


class Stochasticity(Experiment):
    """One recursion with four kinds of noise, trained on the same examples; independent samples without decimation.

    A problem counts as solved if one of its samples is right: without noise, all samples are equal.
    """

    name: ClassVar[str] = "stochasticity"
    question: ClassVar[str] = "Does noise help a recursion only with a variational objective?"
    claim: ClassVar[str] = (
        "Random steps solve more than equal steps without noise if they are trained by a variational objective; "
        "otherwise they solve at most five points more."
    )
    small_minutes: ClassVar[float] = 4
    full_minutes: ClassVar[float] = 9

    def methods(self, full: bool) -> Sequence[Method]:
        scale = FULL if full else SMALL
        sizes = {"backbone": "lattice", "layers": 1, "hidden": scale.hidden, "inner": 2 * scale.hidden}
        training = Training(scale.data, scale.steps, scale.recipe, compiled=False)
        budget = Budget(seconds=None, iterations=scale.segments * scale.high, solutions=scale.samples)
        alone = {"decimation_residual": 0, "undecided_share": 1, "segments": scale.segments}
        return [
            Method(
                label,
                "gram",
                {**sizes, "high": scale.high, "low": scale.low, "variant": variant},
                training,
                alone,
                budget,
            )
            for label, variant in VARIANTS.items()
        ]

    def problems(self, full: bool) -> Mapping[str, Sequence[Problem]]:
        scale = FULL if full else SMALL
        return generated(scale.tests, scale.amount, 8000)

    def outcomes(self, part: Part, problems: Mapping[str, Sequence[Problem]]) -> Mapping[str, Sequence[float]]:
        """Whether a sample solves the problem; as numbers the share of right samples, and the coverage."""
        found: dict[str, Sequence[float]] = {}
        for name, each in problems.items():
            sampled = part.solve(each)
            found[name] = [solution.status.solved for solution in sampled]
            found[f"{name}: samples"] = [solution.accuracy or 0.0 for solution in sampled]
            exact = solve(each, solver("cpsat")(), _ALL)
            pairs = zip(sampled, exact, strict=True)
            found[f"{name}: coverage"] = [(some.distinct or 0) / (every.total or 1) for some, every in pairs]
        return found

    def remarks(self, results: Results) -> Sequence[str]:
        return [
            f"{label}, {name}: {100 * results.accuracy(label, f'{name}: samples'):.1f} % of the samples are right; "
            f"they cover {100 * results.accuracy(label, f'{name}: coverage'):.1f} % of a problem's solutions."
            for label in results.methods
            for name in results.columns
        ]

    def verdict(self, results: Results) -> Verdict:
        none, *alone, variational = results.methods
        sets = results.columns
        return weakest(
            [
                *(results.compare(variational, none, name) for name in sets),
                *(results.compare(none, label, name, least=-ALLOWED_GAIN) for label in alone for name in sets),
            ]
        )
