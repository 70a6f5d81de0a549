"""The family of ARC tasks."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from ...engine.problem import Problem, Source
from ...engine.values import Value
from ..errors import InputError, excerpt
from ..family import Family
from ..parsing import parse_fields, parse_int
from .graph import problems_of, render
from .tasks import COLOURS, LARGEST, Grid, Pair, Task, looks_like_tasks, parse

if TYPE_CHECKING:
    from ...pictures.view import View

RULES: Mapping[str, Callable[[Grid], Grid]] = {
    "flip": lambda grid: grid[:, ::-1],
    "turn": lambda grid: np.rot90(grid),
    "recolour": lambda grid: np.where(grid == 0, grid, grid % (COLOURS - 1) + 1),
    "double": lambda grid: np.kron(grid, np.ones((2, 2), dtype=grid.dtype)),
}
"""The rules of generated tasks."""
PAIRS = 3


class Arc(Family):
    """Tasks of the Abstraction and Reasoning Corpus (Chollet 2019, arXiv 1911.01547).

    A task shows pairs of coloured grids, and gives test inputs. All cells of the pairs and of one test are variables of
    one graph; those of the test's output are free. The rule is not known, so the graph has no constraints, and nothing
    can check an answer. A trained net predicts it.
    """

    name = "arc"
    summary = "tasks of ARC-AGI: the public JSON, one task or several by name"
    spec = f"arc:RULE[:SIZE], RULE one of {', '.join(RULES)}, e.g. arc:flip:5"
    suffixes = (".json",)
    stream_forms = ("arc:FOLDER[:PART][:TOKENS][:ids]",)
    stream_maker = "mull.problems.arc.stream:ArcStream"
    solver = "trm"

    def recognises(self, text: str) -> bool:
        return looks_like_tasks(text)

    def read(self, text: str, path: str, colors: int | None = None) -> list[Problem]:
        return [problem for task in parse(text, path) for problem in problems_of(task, Source(path))]

    def generate(self, spec: str, seed: int, colors: int | None = None) -> Problem:
        folder = spec.partition(":")[0]
        if folder not in RULES and (folder.startswith(("/", ".", "~")) or os.path.isdir(folder)):
            hint = f"solve the files of its tasks: solve {folder}/*.json; or train on the folder: --data arc:FOLDER"
            raise InputError(f"{excerpt(folder)} is a path, and a generated task has a rule", hint=hint)
        rule, *rest = parse_fields(spec, 1, 2, self.spec)
        if rule not in RULES:
            raise InputError(f"unknown rule {excerpt(rule)}", hint=self.spec)
        size = parse_int(rest[0], 1, LARGEST // 2, "size", self.spec) if rest else 4
        return problems_of(synthetic(rule, size, random.Random(f"arc:{spec}:{seed}")), Source(f"arc:{spec}"))[0]

    def draw(self, assignment: Mapping[str, Value]) -> str:
        return render(assignment)

    def picture(self, view: View) -> str:
        from .picture import task

        return task(view)


def synthetic(rule: str, size: int, rng: random.Random) -> Task:
    """A task of one of ``RULES`` with three demonstration pairs and one test.

    Args:
        rule: its name.
        size: most rows and columns of an input.
        rng: random numbers.
    """

    def pair() -> Pair:
        rows, columns = rng.randint(max(1, size - 2), size), rng.randint(max(1, size - 2), size)
        cells = [[rng.choice((0, rng.randrange(1, COLOURS))) for _ in range(columns)] for _ in range(rows)]
        grid = np.array(cells, dtype=np.uint8)
        return Pair(grid, np.ascontiguousarray(RULES[rule](grid)))

    return Task(rule, tuple(pair() for _ in range(PAIRS)), (pair(),))
