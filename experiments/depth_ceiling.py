"""The experiment on depth: stacks of fixed depth against a loop, at equal compute and at equal parameters."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

from ..engine.problem import Problem
from ..engine.task import Budget
from ..problems import load
from .experiment import Curve, Experiment, Method, Plot, Results, Training, Verdict


class Scale(NamedTuple):
    """The sizes of a version of the experiment.

    Args:
        data: streams of the training, in turn.
        tests: sets of problems.
        amount: problems of each set.
        depths: of the fixed stacks; the last one is also the number of layers in a segment of the loop.
        hidden: width of the loop and of the stacks of equal width.
        narrow: width of the deepest stack with the parameters of the loop.
        layers: layer applications of each training, forward.
        recipe: of each training.
    """

    data: tuple[str, ...]
    tests: tuple[str, ...]
    amount: int
    depths: tuple[int, ...]
    hidden: int
    narrow: int
    layers: int
    recipe: Mapping[str, Any]


SMALL = Scale(
    ("sudoku:4:0.5", "maze:5x5"),
    ("sudoku:4:0.4", "maze:5x5"),
    32,
    (2, 4, 8),
    24,
    8,
    1200,
    {"batch": 16, "lr": 1e-2, "warmup": 10, "ema": 0.9, "block": 1, "validation": 0},
)
FULL = Scale(
    ("sudoku:9:20-60", "maze:15x15:30"),
    ("sudoku:9:20-60", "maze:15x15:30"),
    200,
    (2, 4, 8, 16, 24, 48),
    96,
    14,
    48_000,
    {"batch": 256, "validation": 0},
)


class DepthCeiling(Experiment):
    """A loop of one layer against stacks with weights of their own, all with the same number of layer applications."""

    name: ClassVar[str] = "depth-ceiling"
    question: ClassVar[str] = "Does a loop solve what a fixed stack of layers cannot?"
    claim: ClassVar[str] = (
        "At equal training compute, a loop solves more than every fixed stack, also deeper or larger ones."
    )
    small_minutes: ClassVar[float] = 9
    full_minutes: ClassVar[float] = 45

    def methods(self, full: bool) -> Sequence[Method]:
        scale = FULL if full else SMALL
        budget = Budget(seconds=None, restarts=1)
        deepest = scale.depths[-1]

        def stack(label: str, depth: int, hidden: int) -> Method:
            options = {"backbone": "lattice", "layers": depth, "hidden": hidden, "inner": 2 * hidden}
            training = Training(scale.data, scale.layers // depth, scale.recipe)
            return Method(label, "fixed", options, training, {"segments": 1}, budget)

        options = {"backbone": "lattice", "layers": 1, "hidden": scale.hidden, "inner": 2 * scale.hidden}
        training = Training(scale.data, scale.layers // deepest, scale.recipe)
        alone = {"decimation_residual": 0}
        loops = [
            Method(label, "looped", {**options, "steps": deepest}, training, {**alone, "segments": segments}, budget)
            for label, segments in ((f"looped, {deepest} steps", 1), (f"looped, {8 * deepest} steps", 8))
        ]
        stacks = [stack(f"fixed, depth {depth}", depth, scale.hidden) for depth in scale.depths]
        return [*stacks, stack(f"fixed, depth {deepest}, parameters of the loop", deepest, scale.narrow), *loops]

    def problems(self, full: bool) -> Mapping[str, Sequence[Problem]]:
        scale = FULL if full else SMALL
        return {spec: [load(spec, seed=5000 + k)[0] for k in range(scale.amount)] for spec in scale.tests}

    def plot(self, results: Results) -> Plot:
        loops = [label for label in results.methods if label.startswith("looped")]
        stacks = [label for label in _stacks(results) if "parameters" not in label]

        def curve(name: str, labels: Sequence[str], column: str) -> Curve:
            return Curve(name, [(int(re.findall(r"\d+", label)[0]), label, column) for label in labels])

        panels = {c: [curve("fixed", stacks, c), curve("looped", loops, c)] for c in results.columns}
        return Plot("layers applied to solve a problem", panels, logarithmic=True)

    def verdict(self, results: Results) -> Verdict:
        loop, stacks = results.methods[-1], _stacks(results)
        # The claim must hold on every set against the best stack there: the comparison of the lowest margin counts.
        compared = [results.compare(loop, results.best(stacks, column), column) for column in results.columns]
        return min(compared, key=lambda verdict: verdict.low)


def _stacks(results: Results) -> list[str]:
    return [label for label in results.methods if label.startswith("fixed")]
