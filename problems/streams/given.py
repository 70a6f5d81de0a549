"""A text file of boards or other problems as a stream: every form that ``solve`` reads."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from glob import glob

import numpy as np

from ...engine.examples import Examples
from ...engine.problem import Problem
from ...engine.registry import SOLVERS, entries, find_entry, load_entry
from ...engine.values import Value
from .. import load
from ..errors import InputError
from .packing import Named, pack
from .turns import turned

CHUNK = 1024
SECONDS = 60.0
"""Time to solve all problems of a file whose solutions it does not state."""


@dataclass(frozen=True)
class GivenFile(Named):
    """The problems of a text file, or of all files of a pattern with ``*``.

    A stated solution is the target where it holds; other problems are solved by ``cpsat``. Each pass is in another order; for
    training, 9 x 9 Sudokus come under a random symmetry each time. The split is what the file is said to be: all problems are
    handed out.
    """

    def check(self) -> None:
        given_examples(self.name)

    @property
    def family(self) -> str:
        return given_examples(self.name)[0]

    def chunk(self, k: int) -> Examples:
        """The k-th 1024 problems, or all of a smaller file, in an order of their own."""
        family, examples = given_examples(self.name)
        total = len(examples)
        size = min(CHUNK, total)
        rows = np.arange(k * size, (k + 1) * size)
        turns = range(int(rows[0]) // total, int(rows[-1]) // total + 1)
        orders = {t: np.random.default_rng([self.seed, t]).permutation(total) for t in turns}
        chosen = examples.take(np.array([orders[int(row) // total][row % total] for row in rows]))
        if self.split != "train" or family != "sudoku" or chosen.givens.shape[1] != 81 or len(chosen.graphs) != 1:
            return chosen
        dice = np.random.default_rng([self.seed, k, 1])
        givens, targets = turned((chosen.givens, chosen.targets[:, 0]), dice)
        return Examples(chosen.graphs, chosen.template, givens, targets[:, None])


@lru_cache(maxsize=8)
def given_examples(path: str) -> tuple[str, Examples]:
    """The family of a file's problems, and the problems with one solution each.

    Raises:
        InputError: it cannot be read, holds problems of several families, or one without a known solution.
    """
    paths = sorted(glob(path)) if "*" in path and not os.path.exists(path) else [path]
    if not paths:
        raise InputError("no such files", path, hint="check the pattern")
    problems = [problem for part in paths for problem in load(part)]
    names = sorted({problem.family for problem in problems})
    if len(names) > 1:
        raise InputError(f"holds problems of several families: {', '.join(names)}", path, hint="give each a --data")
    missing = [problem for problem in problems if not _stated(problem)]
    found = dict(zip(map(id, missing), _solved(missing), strict=True))
    rows = []
    for problem in problems:
        names_of = problem.graph.domains
        answer: Sequence[Value] = found.get(id(problem)) or problem.expected or ()
        known = [domain.index(value) for domain, value in zip(names_of.values(), answer, strict=True)]
        rows.append((problem.graph, problem.givens, [known]))
    return names[0], pack(rows, 1)


def _stated(problem: Problem) -> bool:
    """Whether the file states a solution that holds."""
    if problem.expected is None:
        return False
    assignment = dict(zip(problem.graph.domains, problem.expected, strict=True))
    agrees = all(assignment[name] == value for name, value in problem.givens.items())
    return agrees and all(c.check([assignment[name] for name in c.scope]) for c in problem.graph.constraints)


def _solved(problems: Sequence[Problem]) -> list[list[Value]]:
    """A solution of each.

    Raises:
        InputError: a problem has none, or none was found in time; with its line.
    """
    if not problems:
        return []
    from ...engine.solver import WholeSolver
    from ...engine.solving import solve
    from ...engine.task import Budget, Task

    solver = load_entry(find_entry(SOLVERS, "cpsat", entries(SOLVERS)), WholeSolver)()
    answers = []
    for problem, solution in zip(problems, solve(problems, solver, Task(Budget(SECONDS))), strict=True):
        if not solution.status.solved or solution.assignment is None:
            place = problem.source
            hint = "remove it, or state its solution in a column 'solution'"
            reason = "has no solution" if solution.status.name == "UNSATISFIABLE" else "was not solved in time"
            raise InputError(f"the problem {reason}", place.path, place.line, hint=hint)
        answers.append([solution.assignment[name] for name in problem.graph.domains])
    return answers
