"""Local search: the search that fits a graph, by its constraints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from ..engine.graph import ConstraintGraph
from ..engine.problem import Problem
from ..engine.solver import AbstractSolver
from .minconflicts import MinConflicts
from .probsat import ProbSat, is_cnf
from .satlike import SatLike
from .tabu import Tabu, takes

OPTIONS: Mapping[type[AbstractSolver], tuple[str, ...]] = {
    ProbSat: ("cb",),
    Tabu: ("tenure", "tenure_random", "patience"),
}
"""The options that ``localsearch`` passes on."""


class LocalSearch(AbstractSolver):
    """Binds each problem to a search by its graph.

    Clauses over two-valued variables are searched by ``probsat``, and by ``satlike`` where they are soft; graphs of
    AllDifferent and ``!=`` by ``tabu``; other graphs by ``minconflicts``.

    A solution names the solver that answered, with ``via="localsearch"``. The options are passed to the solver that has
    them.
    """

    name: ClassVar[str] = "localsearch"
    citation: ClassVar[str] = f"{ProbSat.citation} {SatLike.citation} {Tabu.citation} {MinConflicts.citation}"

    cb: float | None = Field(None, gt=0, description=f"probsat: {ProbSat.model_fields['cb'].description}")
    tenure: float | None = Field(None, ge=0, le=100, description=f"tabu: {Tabu.model_fields['tenure'].description}")
    tenure_random: int | None = Field(
        None, ge=1, le=1 << 20, description=f"tabu: {Tabu.model_fields['tenure_random'].description}"
    )
    patience: int | None = Field(None, ge=1, description=f"tabu: {Tabu.model_fields['patience'].description}")

    def supports(self, graph: ConstraintGraph) -> str | None:
        return graph.inexact

    def bind(self, problem: Problem) -> AbstractSolver:
        kind: type[AbstractSolver] = Tabu if takes(problem) else MinConflicts
        if is_cnf(problem.graph) and not problem.minimises:
            kind = ProbSat
        elif SatLike().supports(problem.graph) is None:
            kind = SatLike
        names = OPTIONS.get(kind, ())
        given = {name: getattr(self, name) for name in names if getattr(self, name) is not None}
        return kind(**given).bind(problem)
