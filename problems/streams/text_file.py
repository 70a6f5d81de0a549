"""A stream of the problems in text files: every format that ``solve`` reads."""

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
from .. import families, load
from ..errors import InputError
from .base import FamilyStream
from .packing import pack
from .passes import rows_of_chunk

CHUNK = 1024
SECONDS = 60.0
"""Time limit for solving all problems of a file whose solution it does not state."""


@dataclass(frozen=True)
class TextFile(FamilyStream):
    """The problems of a text file. A name with ``*`` stands for all files that match.

    A stated solution is the target if it holds; ``cpsat`` solves the other problems. Each pass over the problems is in
    another random order. For training, ``Family.augment`` puts them under random symmetries. All problems belong to the
    split that is named.
    """

    def check(self) -> None:
        read_examples(self.name)

    @property
    def family(self) -> str:
        """The family of the file's problems."""
        return read_examples(self.name)[0]

    def chunk(self, k: int) -> Examples:
        """The k-th 1024 problems, or all problems of a smaller file in another order."""
        name, examples = read_examples(self.name)
        chosen = examples.take(rows_of_chunk(k, CHUNK, len(examples), self.seed))
        family = families().get(name)  # a JSON graph may name a family that is not installed
        if self.split != "train" or family is None:
            return chosen
        augmented: Examples = family.augment(chosen, np.random.default_rng([self.seed, k, 1]))
        return augmented


@lru_cache(maxsize=8)
def read_examples(path: str) -> tuple[str, Examples]:
    """The family of a file's problems, and the problems with one solution each.

    Raises:
        InputError: a file cannot be read, there are problems of several families, or a problem was not solved.
    """
    paths = sorted(glob(path)) if "*" in path and not os.path.exists(path) else [path]
    if not paths:
        raise InputError("no such files", path, hint="check the pattern")
    problems = [problem for part in paths for problem in load(part)]
    names = sorted({problem.family for problem in problems})
    if len(names) > 1:
        hint = "write them to a file for each family, each with its own --data"
        raise InputError(f"holds problems of several families: {', '.join(names)}", path, hint=hint)
    missing = [problem for problem in problems if not _has_stated_solution(problem)]
    for problem in missing:
        if not problem.graph.constraints:  # as an ARC task without its test output
            reason = "a problem without constraints states no solution, so nothing determines its solution"
            raise InputError(reason, problem.source.path, problem.source.line, hint="state its solution, or remove it")
    # All in one call: the time limit is for the file.
    found = dict(zip(map(id, missing), _solved(missing), strict=True))
    rows = []
    for problem in problems:
        domains = problem.graph.domains.values()
        answer: Sequence[Value] = found.get(id(problem)) or problem.expected or ()
        known = [domain.index(value) for domain, value in zip(domains, answer, strict=True)]
        rows.append((problem.graph, problem.givens, [known]))
    return names[0], pack(rows, 1)


def _has_stated_solution(problem: Problem) -> bool:
    """Whether the file states a solution that satisfies the problem."""
    if problem.expected is None:
        return False
    assignment = dict(zip(problem.graph.domains, problem.expected, strict=True))
    agrees = all(assignment[name] == value for name, value in problem.givens.items())
    return agrees and all(c.check([assignment[name] for name in c.scope]) for c in problem.graph.constraints)


def _solved(problems: Sequence[Problem]) -> list[list[Value]]:
    """A solution of each problem, found by ``cpsat``.

    Raises:
        InputError: a problem has no solution, or none was found in time; with its line.
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
