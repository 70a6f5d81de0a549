"""Local search: the choice among the compiled searches and large neighbourhood search, by the graph of each problem."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from ..engine.graph import ConstraintGraph
from ..engine.problem import Problem
from ..engine.solver import AbstractSolver
from .anneal import Anneal
from .kernels.general_groups import exchanges
from .minconflicts import MinConflicts
from .probsat import ProbSat, is_cnf
from .satlike import SatLike
from .tabu import Tabu, takes

NARROW = 1 << 12
"""The largest mean size of the domains for which ``tabu`` is chosen: it keeps a number for each value."""

REPAIRED = 1 << 12
"""The most constraints of a graph with an objective for which ``lns`` is chosen before ``minconflicts``.

Its rounds post constraints in Python. In 6 to 8 s on a busy machine it was better or equal on all of 18 job shops,
packings and colourings with costs with fewer constraints, and worse on all of five weighted colourings with more."""


class LocalSearch(AbstractSolver):
    """Binds each problem to a search, by its graph.

    ``probsat`` takes clauses over two-valued variables, and ``satlike`` such clauses of which some are soft. ``tabu``
    takes graphs of differences: colourings, Latin squares, maximum cuts. ``anneal`` takes objectives over permutations
    and tours, ``lns`` from an assignment of ``minconflicts`` other objectives, and ``minconflicts`` all other graphs.

    A solution names the solver that answered, with ``via="localsearch"``. The options are passed to the solver that has
    them.
    """

    name: ClassVar[str] = "localsearch"
    citation: ClassVar[str] = " ".join(each.citation for each in (ProbSat, SatLike, Tabu, Anneal, MinConflicts))

    enumerates: ClassVar[bool] = False

    cb: float | None = Field(None, gt=0, description=f"probsat: {ProbSat.model_fields['cb'].description}")
    tenure: float | None = Field(None, ge=0, le=100, description=f"tabu: {Tabu.model_fields['tenure'].description}")
    tenure_random: int | None = Field(
        None, ge=1, le=1 << 20, description=f"tabu: {Tabu.model_fields['tenure_random'].description}"
    )
    patience: int | None = Field(
        None, ge=1, le=1 << 40, description=f"tabu: {Tabu.model_fields['patience'].description}"
    )

    def supports(self, graph: ConstraintGraph) -> str | None:
        return graph.inexact

    def samples(self, problem: Problem) -> str | None:
        return self.bind(problem).samples(problem)

    def bind(self, problem: Problem) -> AbstractSolver:
        kind = _search(problem)
        graph = problem.graph
        if kind is MinConflicts and graph.objective is not None and len(graph.constraints) <= REPAIRED:
            from .lns import Lns  # imports what the other searches do not need

            return Lns(search=MinConflicts.name)
        # Other searches have a tenure of another meaning.
        names = {ProbSat: ("cb",), Tabu: ("tenure", "tenure_random", "patience")}.get(kind, ())
        given = {name: getattr(self, name) for name in names}
        return kind(**{name: value for name, value in given.items() if value is not None}).bind(problem)


def _search(problem: Problem) -> type[AbstractSolver]:
    """The search that was fastest on graphs like the problem's."""
    graph = problem.graph
    if is_cnf(graph) and not problem.minimises:
        return ProbSat
    if SatLike().supports(graph) is None:
        return SatLike
    if graph.literals <= NARROW * max(1, len(graph.domains)) and takes(problem):
        return Tabu
    # On tours and permutations, annealing makes ten times as many moves: min-conflicts evaluates dozens for each.
    return Anneal if problem.minimises and exchanges(graph) else MinConflicts
