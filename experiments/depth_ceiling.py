"""The experiment on depth: stacks of fixed depth against a loop, at equal compute and at equal parameters."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

from ..engine.problem import Problem
from ..engine.task import Budget
from .experiment import Curve, Experiment, Method, Plot, Results, Training, Verdict, generated, weakest


class Scale(NamedTuple):
    """The sizes of a version of the experiment.

    Args:
        data: streams of the training, in turn, and of the tests.
        amount: problems of each set.
        depths: of the fixed stacks of the loop's width.
        hidden: width of the loop and of the stacks of equal width.
        narrow: (layers, width) of the stacks with about the parameters of the loop.
        steps: of the loop in a segment.
        layers: layer applications of each training at the loop's width, forward.
        recipe: of each training.
    """

    data: tuple[str, ...]
    amount: int
    depths: tuple[int, ...]
    hidden: int
    narrow: tuple[tuple[int, int], ...]
    steps: int
    layers: int
    recipe: Mapping[str, Any]


SMALL = Scale(
    ("sudoku:4:0.3", "maze:7x7"),
    128,
    (2, 4, 8),
    24,
    ((4, 12),),
    8,
    2160,
    {"batch": 16, "lr": 1e-2, "warmup": 10, "ema": 0.9, "block": 1, "validation": 0},
)
FULL = Scale(
    ("sudoku:9", "maze:11x11:16"),
    100,
    (2, 6, 16, 48),
    64,
    ((6, 26), (16, 16)),
    16,
    16_000,
    {"batch": 64, "lr": 3e-3, "warmup": 50, "ema": 0.99, "block": 4096, "passes": 64, "validation": 0},
)
NARROW = ", parameters of the loop"
"""In the labels of the stacks of about as many parameters as the loop; the table has their numbers."""


class DepthCeiling(Experiment):
    """A loop of one layer against stacks with weights of their own, with equal arithmetic in all trainings.

    The stacks of the loop's width train on as many layer applications. A stack of the loop's parameters needs the arithmetic
    of one layer of the loop for a segment, and trains on as many more steps. When solving, a loop may take more segments
    than in training; a stack has one.
    """

    name: ClassVar[str] = "depth-ceiling"
    question: ClassVar[str] = "Does a loop solve what a fixed stack of layers cannot?"
    claim: ClassVar[str] = (
        "At equal training compute, a loop solves more than every fixed stack, also deeper or larger ones."
    )
    small_minutes: ClassVar[float] = 7
    full_minutes: ClassVar[float] = 9

    def methods(self, full: bool) -> Sequence[Method]:
        scale = FULL if full else SMALL
        budget = Budget(seconds=None, restarts=1)

        def options(layers: int, hidden: int) -> dict[str, object]:
            return {"backbone": "lattice", "layers": layers, "hidden": hidden, "inner": 2 * hidden}

        def training(applied: int) -> Training:
            """Of a net that applies so many layers of the loop's width in a segment, or as much arithmetic."""
            return Training(scale.data, scale.layers // applied, scale.recipe, compiled=False)

        def stack(depth: int, hidden: int, note: str = "") -> Method:
            label = f"fixed, depth {depth}{note}"
            layers = 1 if note else depth
            return Method(label, "fixed", options(depth, hidden), training(layers), {"segments": 1}, budget)

        def loop(segments: int) -> Method:
            solving = {"decimation_residual": 0, "segments": segments}
            net = {**options(1, scale.hidden), "steps": scale.steps}
            return Method(
                f"looped, {segments * scale.steps} steps", "looped", net, training(scale.steps), solving, budget
            )

        stacks = [stack(depth, scale.hidden) for depth in scale.depths]
        return [*stacks, *(stack(depth, hidden, NARROW) for depth, hidden in scale.narrow), loop(1), loop(8)]

    def problems(self, full: bool) -> Mapping[str, Sequence[Problem]]:
        scale = FULL if full else SMALL
        return generated(scale.data, scale.amount, 5000)

    def plot(self, results: Results) -> Plot:
        loops = [label for label in results.methods if label.startswith("looped")]
        equal = _narrow(results)
        wide = [label for label in results.stacks if label not in equal]

        def curve(name: str, labels: Sequence[str], column: str) -> Curve:
            return Curve(name, [(int(re.findall(r"\d+", label)[0]), label, column) for label in labels])

        panels = {
            column: [
                curve("fixed, width of the loop", wide, column),
                curve(f"fixed{NARROW}", equal, column),
                curve("looped", loops, column),
            ]
            for column in results.columns
        }
        return Plot("layers applied to solve a problem", panels, logarithmic=True)

    def remarks(self, results: Results) -> Sequence[str]:
        loop, equal = results.methods[-1], _narrow(results)
        compared = [results.compare(loop, results.best(equal, column), column) for column in results.columns]
        widest = max(compared, key=lambda verdict: verdict.margin)
        return [f"The widest margin to the best stack of equal parameters: {widest.numbers()}."]

    def verdict(self, results: Results) -> Verdict:
        loop, stacks = results.methods[-1], results.stacks
        # The claim must hold on every set against the best stack there.
        return weakest([results.compare(loop, results.best(stacks, column), column) for column in results.columns])


def _narrow(results: Results) -> list[str]:
    return [label for label in results.stacks if label.endswith(NARROW)]
