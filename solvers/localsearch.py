"""Local search: probSAT for clauses over two-valued variables, SATLike for soft ones, tabu search for other graphs."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from ..engine.graph import ConstraintGraph
from ..engine.problem import Problem
from ..engine.solver import AbstractSolver
from .probsat import ProbSat, is_cnf
from .satlike import SatLike
from .tabu import Tabu


class LocalSearch(AbstractSolver):
    """Binds each problem to ``probsat``, ``satlike`` or ``tabu``, by its graph.

    A solution names the solver that answered, with ``via="localsearch"``. The options are passed to the solver that has
    them.
    """

    name: ClassVar[str] = "localsearch"
    citation: ClassVar[str] = f"{ProbSat.citation} {SatLike.citation} {Tabu.citation}"

    cb: float | None = Field(None, gt=0, description=f"probsat: {ProbSat.model_fields['cb'].description}")
    tenure: float | None = Field(None, ge=0, le=100, description=f"tabu: {Tabu.model_fields['tenure'].description}")
    tenure_random: int | None = Field(
        None, ge=1, le=1 << 20, description=f"tabu: {Tabu.model_fields['tenure_random'].description}"
    )
    patience: int | None = Field(None, ge=1, description=f"tabu: {Tabu.model_fields['patience'].description}")

    def supports(self, graph: ConstraintGraph) -> str | None:
        return graph.inexact

    def bind(self, problem: Problem) -> AbstractSolver:
        kind: type[AbstractSolver] = Tabu
        if is_cnf(problem.graph) and not problem.minimises:
            kind = ProbSat
        elif SatLike().supports(problem.graph) is None:
            kind = SatLike
        given = {name: getattr(self, name) for name in kind.model_fields if name in LocalSearch.model_fields}
        return kind(**{name: value for name, value in given.items() if value is not None}).bind(problem)
