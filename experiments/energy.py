"""The experiment on energies: gradient steps on a learned energy, against a loop and a stack of fixed depth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

from ..engine.problem import Problem
from ..engine.status import amount
from ..engine.task import Budget
from .experiment import Curve, Experiment, Method, Plot, Results, Training, Verdict, generated, weakest


class Scale(NamedTuple):
    """The sizes of a version of the experiment.

    Args:
        data: stream of the training.
        near: problems like those of the training.
        far: harder problems.
        amount: problems of each set.
        examples: numbers of training examples, in ascending order.
        segments: numbers of segments when solving, in ascending order; the training has up to 16.
        hidden: width of all nets.
        steps: optimiser steps.
        recipe: of each training.
    """

    data: str
    near: str
    far: str
    amount: int
    examples: tuple[int, ...]
    segments: tuple[int, ...]
    hidden: int
    steps: int
    recipe: Mapping[str, Any]


SMALL = Scale(
    "sudoku:4:0.6-0.8",
    "sudoku:4:0.7",
    "sudoku:4:0.3",
    100,
    (16, 128, 1024),
    (1, 4, 16),
    24,
    150,
    {"batch": 32, "lr": 1e-2, "warmup": 10, "ema": 0.9, "block": 1, "validation": 0},
)
FULL = Scale(
    "sudoku:9:0-10",
    "sudoku:9:0-10",
    "sudoku:9:20-60",
    80,
    (1000, 16_000),
    (1, 4, 16, 64),
    64,
    1500,
    {"batch": 256, "block": 1, "validation": 0},
)
LAYERS = 4
"""Layers of the stack, and of a segment of the loop. A segment of the energy has two or three gradients of one layer,
each with a pass forward and back."""


class Energy(Experiment):
    """Equal width, examples and optimiser steps for all; one start, and no decimation."""

    name: ClassVar[str] = "energy"
    question: ClassVar[str] = "Does descent on a learned energy use more steps, and solve problems unlike its examples?"
    claim: ClassVar[str] = (
        "On harder problems than those of the training, `ebt` solves more with more gradient steps, and more than "
        "`looped` and `fixed`."
    )
    small_minutes: ClassVar[float] = 3
    full_minutes: ClassVar[float] = 11

    def methods(self, full: bool) -> Sequence[Method]:
        scale = FULL if full else SMALL
        budget = Budget(seconds=None, restarts=1)
        sizes = {"backbone": "lattice", "hidden": scale.hidden, "inner": 2 * scale.hidden}
        found: list[Method] = []
        for examples in scale.examples:
            training = Training((scale.data,), scale.steps, scale.recipe, compiled=False, examples=examples)
            stack = {**sizes, "layers": LAYERS}
            found.append(Method(_label("fixed", examples, 1), "fixed", stack, training, {"segments": 1}, budget))
            for solver, steps in (("looped", LAYERS), ("ebt", 3)):
                options = {**sizes, "layers": 1, "steps": steps}
                for segments in scale.segments:
                    solving = {"segments": segments, "decimation_residual": 0}
                    found.append(Method(_label(solver, examples, segments), solver, options, training, solving, budget))
        return found

    def problems(self, full: bool) -> Mapping[str, Sequence[Problem]]:
        scale = FULL if full else SMALL
        return generated((scale.near, scale.far), scale.amount, 7000)

    def plot(self, results: Results) -> Plot:
        def curves(column: str) -> list[Curve]:
            lines: dict[str, list[tuple[float, str, str]]] = {}
            for label in results.methods:
                name, number = _parts(label)
                lines.setdefault(name, []).append((number, label, column))
            return [Curve(name, points) for name, points in lines.items()]

        return Plot("segments", {column: curves(column) for column in results.columns}, logarithmic=True)

    def verdict(self, results: Results) -> Verdict:
        far, most = results.columns[-1], results.methods[-1]
        name, _ = _parts(most)
        examples = name.partition(", ")[2]
        same = [label for label in results.methods if f", {examples}, " in label]  # the most examples alone
        few = next(label for label in same if _parts(label) == (name, 1))
        best = results.best([label for label in same if _parts(label)[0] != name], far)
        return weakest([results.compare(most, few, far), results.compare(most, best, far)])


def _label(solver: str, examples: int, segments: int) -> str:
    return f"{solver}, {examples} examples, {amount(segments, 'segments')}"


def _parts(label: str) -> tuple[str, int]:
    """The label without its segments, and their number."""
    name, _, segments = label.rpartition(", ")
    return name, int(segments.split()[0])
