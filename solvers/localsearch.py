"""Local search: probSAT where a graph is clauses over two-valued variables, tabu search on all others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import ClassVar

from pydantic import Field

from ..engine.graph import ConstraintGraph
from ..engine.problem import Problem
from ..engine.solution import Solution
from ..engine.solver import Solver, WholeSolver
from ..engine.task import Task
from .probsat import ProbSat, is_cnf
from .tabu import Tabu


class LocalSearch(WholeSolver):
    """Chooses ``probsat`` or ``tabu`` by the graph; a solution names the one that answered, with ``via="localsearch"``.

    Its options are theirs; each takes those that it has.
    """

    name: ClassVar[str] = "localsearch"
    citation: ClassVar[str] = f"{ProbSat.citation} {Tabu.citation}"

    cb: float | None = Field(None, gt=0, description=f"probsat: {ProbSat.model_fields['cb'].description}")
    tenure: float = Field(0.6, ge=0, description=f"tabu: {Tabu.model_fields['tenure'].description}")
    tenure_random: int = Field(10, ge=1, description=f"tabu: {Tabu.model_fields['tenure_random'].description}")
    patience: int = Field(2000, ge=1, description=f"tabu: {Tabu.model_fields['patience'].description}")

    def supports(self, graph: ConstraintGraph) -> str | None:
        return graph.inexact

    def samples(self, problem: Problem) -> str | None:
        return None

    def bind(self, problem: Problem) -> Solver:
        kind = ProbSat if is_cnf(problem.graph) else Tabu
        return kind(**{name: getattr(self, name) for name in kind.model_fields})

    def run(self, problems: Sequence[Problem], task: Task) -> Iterator[tuple[int, Solution]]:
        groups: dict[Solver, list[int]] = defaultdict(list)
        for i, problem in enumerate(problems):
            groups[self.bind(problem)].append(i)
        left = len(problems)
        for solver, members in groups.items():
            portion = task if len(members) == left else task.share(task.remaining * len(members) / left)
            left -= len(members)
            for n, solution in solver.run([problems[i] for i in members], portion):
                yield members[n], replace(solution, via=self.name)
