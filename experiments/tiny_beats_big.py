"""The experiment on size: a small recursion against larger stacks and against a hierarchy of two timescales."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

from ..engine.problem import Problem
from ..engine.status import amount
from ..engine.task import Budget
from .experiment import Curve, Experiment, Method, Plot, Results, Training, Verdict, generated, weakest

LOOPS = (1, 2, 4, 8, 16)
"""Loops of the single layer, in training and when solving."""
ALLOWED_GAIN = 0.05
"""Share of the problems that two timescales may solve more than one: a gain up to this is none."""
ONE, TWO = "hrm, one timescale", "hrm, two timescales"


class Scale(NamedTuple):
    """The sizes of a version of the experiment.

    Args:
        data: streams of the training, in turn, and of the tests.
        amount: problems of each set.
        hidden: width of the recursions, each of one layer.
        stacks: (layers, width) of the fixed stacks, up to 100 times the parameters of the loop.
        steps: of each training: all methods train on equally many rows.
        recipe: of each training.
    """

    data: tuple[str, ...]
    amount: int
    hidden: int
    stacks: tuple[tuple[int, int], ...]
    steps: int
    recipe: Mapping[str, Any]


SMALL = Scale(
    ("sudoku:4:0.3", "maze:7x7"),
    128,
    16,
    ((1, 16), (3, 28), (4, 80)),
    300,
    {"batch": 16, "lr": 1e-2, "warmup": 10, "ema": 0.9, "block": 1, "validation": 0},
)
FULL = Scale(
    ("sudoku:9", "maze:11x11:16"),
    100,
    32,
    ((1, 32), (4, 50), (4, 160)),
    1600,
    {"batch": 128, "lr": 3e-3, "ema": 0.99, "block": 4096, "passes": 64, "validation": 0},
)
CARRIED = {"min_segments": 2, "max_segments": 4}
"""Segments that an example stays in the batch of `trm`, `hrm` and the loop beside them."""


class TinyBeatsBig(Experiment):
    """One layer in a loop, stacks of up to 100 times its parameters, `trm`, and `hrm` with one and two timescales.

    All trainings have equally many optimiser steps and rows. A stack gets a new example for every row; a carried
    recursion keeps a row for several steps, and so sees fewer examples.
    """

    name: ClassVar[str] = "tiny-beats-big"
    question: ClassVar[str] = "Does recursion give the gain, and not size or hierarchy?"
    claim: ClassVar[str] = (
        "With equally many training rows, a looped layer solves more than every fixed stack of up to 100 times its "
        "parameters, and two timescales solve at most five points more than one."
    )
    small_minutes: ClassVar[float] = 6
    full_minutes: ClassVar[float] = 10

    def methods(self, full: bool) -> Sequence[Method]:
        scale = FULL if full else SMALL
        budget = Budget(seconds=None, restarts=1)

        def method(label: str, solver: str, layers: int, hidden: int, segments: int = 1, **options: int) -> Method:
            sizes = {"backbone": "lattice", "layers": layers, "hidden": hidden, "inner": 2 * hidden, **options}
            kept = CARRIED if segments > 1 else {"min_segments": 1, "max_segments": 1}
            training = Training(scale.data, scale.steps, {**scale.recipe, **kept}, compiled=False)
            solving = {"segments": segments} | ({} if solver == "fixed" else {"decimation_residual": 0})
            return Method(label, solver, sizes, training, solving, budget)

        def recursion(label: str, solver: str, **options: int) -> Method:
            return method(label, solver, 1, scale.hidden, CARRIED["max_segments"], **options)

        # Loops start from a fixed state, as `trm` and `hrm` do. A segment of a carried recursion applies eight layers.
        start = {"random_start": False}
        return [
            *(method(f"fixed, {d} x {h}", "fixed", d, h) for d, h in scale.stacks),
            *(method(_loop(n), "looped", 1, scale.hidden, steps=n, **start) for n in LOOPS),
            recursion("looped, 8 loops, carried", "looped", steps=8, **start),
            recursion("trm", "trm", high=2, low=3),
            recursion(ONE, "hrm", high=4, low=1),
            recursion(TWO, "hrm", high=2, low=3),
        ]

    def problems(self, full: bool) -> Mapping[str, Sequence[Problem]]:
        scale = FULL if full else SMALL
        return generated(scale.data, scale.amount, 5000)

    def plot(self, results: Results) -> Plot:
        stacks, loops = results.stacks, [_loop(n) for n in LOOPS]
        others = [label for label in results.methods if label not in stacks + loops]

        def over_size(labels: Sequence[str], column: str) -> list[tuple[float, str, str]]:
            return [(results.parameters[label], label, column) for label in labels]

        panels: dict[str, list[Curve]] = {}
        for column in results.columns:
            rest = [Curve(label, over_size([label], column)) for label in [loops[-1], *others]]
            panels[column] = [Curve("fixed", over_size(stacks, column)), *rest]
        title = "loops in training"
        over_loops = [
            (column, [(n, label, column) for n, label in zip(LOOPS, loops, strict=True)]) for column in panels
        ]
        return Plot(
            "parameters",
            {**panels, title: [Curve(column, points) for column, points in over_loops]},
            logarithmic=True,
            axes={title: "loops in training and when solving"},
        )

    def remarks(self, results: Results) -> Sequence[str]:
        loop, stacks = _loop(LOOPS[-1]), results.stacks
        lines = []
        for column in results.columns:
            best = results.best(stacks, column)
            ratio = results.parameters[best] / results.parameters[loop]
            lines.append(
                f"{results.compare(loop, best, column).numbers()}; the stack has {ratio:.1f} x the parameters."
            )
        lines.append(f"{results.compare(TWO, ONE, results.columns).numbers()}.")
        return lines

    def verdict(self, results: Results) -> Verdict:
        # The claim needs the loop to win on every set against the best stack there, and the hierarchy to gain nothing.
        loop, stacks = _loop(LOOPS[-1]), results.stacks
        compared = [results.compare(loop, results.best(stacks, column), column) for column in results.columns]
        return weakest([*compared, results.compare(ONE, TWO, results.columns, least=-ALLOWED_GAIN)])


def _loop(count: int) -> str:
    return f"looped, {amount(count, 'loops')}"
