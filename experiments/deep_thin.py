"""The experiment on shape: deep and thin stacks against wide ones, at equal parameters."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

from ..engine.problem import Problem
from ..engine.task import Budget
from .experiment import Curve, Experiment, Method, Plot, Results, Training, Verdict, generated, weakest


class Scale(NamedTuple):
    """The sizes of a version of the experiment.

    Args:
        data: streams of the training, in turn, and of the tests: three families.
        amount: problems of each set.
        sizes: name of a size -> width of its balanced stack.
        balanced: layers of the balanced stack. A stack of d layers is sqrt(balanced / d) times as wide.
        depths: layers of the stacks.
        steps: of each training; all stacks train on equally many examples.
        recipe: of each training.
    """

    data: tuple[str, ...]
    amount: int
    sizes: Mapping[str, int]
    balanced: int
    depths: tuple[int, ...]
    steps: int
    recipe: Mapping[str, Any]


SMALL = Scale(
    ("sudoku:4:0.3", "maze:7x7", "parity:6"),
    128,
    {"small": 16, "medium": 32},
    2,
    (1, 2, 4, 8),
    340,
    {"batch": 16, "lr": 1e-2, "warmup": 10, "ema": 0.9, "block": 1, "validation": 0},
)
FULL = Scale(
    ("sudoku:9:0.5", "maze:11x11:16", "parity:16"),
    100,
    {"small": 40, "medium": 80},
    4,
    (2, 4, 8, 16),
    1000,
    {"batch": 128, "lr": 5e-3, "ema": 0.99, "block": 4096, "passes": 64, "validation": 0},
)
SHARED = " shared"
"""In the labels of stacks whose layers run twice."""


class DeepThin(Experiment):
    """Stacks of equal parameters over depth and width, also with each layer run twice, as in MobileLLM (2402.14905)."""

    name: ClassVar[str] = "deep-thin"
    question: ClassVar[str] = "Does a deep and thin stack solve more than a balanced one of as many parameters?"
    claim: ClassVar[str] = (
        "At each of two sizes, with equal parameters and equally many examples, the best of the deeper stacks solves "
        "more problems of three families than the best of the wider ones."
    )
    small_minutes: ClassVar[float] = 5
    full_minutes: ClassVar[float] = 8

    def methods(self, full: bool) -> Sequence[Method]:
        scale = FULL if full else SMALL

        def stack(size: str, depth: int, shared: bool) -> Method:
            hidden = round(scale.sizes[size] * math.sqrt(scale.balanced / depth))
            options = {"backbone": "lattice", "layers": depth, "hidden": hidden, "inner": 2 * hidden}
            if shared:
                options["share"] = "block"
            label = f"{size}{SHARED if shared else ''}, {depth} x {hidden}"
            training = Training(scale.data, scale.steps, scale.recipe, compiled=False)
            return Method(label, "fixed", options, training, {"segments": 1}, Budget(seconds=None, restarts=1))

        each = [stack(size, depth, False) for size in scale.sizes for depth in scale.depths]
        return [*each, *(stack(next(iter(scale.sizes)), depth, True) for depth in scale.depths)]

    def problems(self, full: bool) -> Mapping[str, Sequence[Problem]]:
        scale = FULL if full else SMALL
        return generated(scale.data, scale.amount, 5000)

    def plot(self, results: Results) -> Plot:
        def curves(column: str | Sequence[str]) -> list[Curve]:
            groups = _groups(results).items()
            return [Curve(group, [(depth, label, column) for depth, label in of.items()]) for group, of in groups]

        panels = {column: curves(column) for column in results.columns}
        return Plot("layers with weights", {"all families": curves(results.columns), **panels}, logarithmic=True)

    def remarks(self, results: Results) -> Sequence[str]:
        lines = ['Lines of the table: size, layers x width. Layers of the lines "shared" run twice.']
        for group, of in _groups(results).items():
            best = results.best([*of.values()], results.columns)
            share = 100 * results.accuracy(best, results.columns)
            lines.append(f"Optimum of depth at the size {group}: {best.split(', ')[1]}, {share:.1f}% of all problems.")
        return lines

    def verdict(self, results: Results) -> Verdict:
        columns, compared = results.columns, []
        for group, of in _groups(results).items():
            if not group.endswith(SHARED):
                # Half of the depths are deeper than the balanced stack: both sides choose their best of equally many.
                depths = sorted(of)
                wide, deep = depths[: len(depths) // 2], depths[len(depths) // 2 :]
                first, second = (results.best([of[depth] for depth in side], columns) for side in (deep, wide))
                compared.append(results.compare(first, second, columns))
        return weakest(compared)


def _groups(results: Results) -> dict[str, dict[int, str]]:
    """Size, with its kind of sharing -> layers -> label."""
    groups: dict[str, dict[int, str]] = {}
    for label in results.methods:
        group, shape = label.split(", ")
        groups.setdefault(group, {})[int(shape.split()[0])] = label
    return groups
