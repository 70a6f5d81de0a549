"""Stochastic local search over whole assignments, thousands of chains in one tensor program."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field
from torch import Tensor

from ..engine.compile import Instance
from ..engine.constraints import Clause
from ..engine.graph import ConstraintGraph
from ..engine.random import Random
from ..engine.solver import Info, Solver
from .search import flips, moves

SearchState = flips.FlipState | moves.MoveState


class LocalSearch(Solver):
    """Each row is a chain that changes one variable a step; move costs are kept in tables and updated incrementally.

    Graphs of clauses over two-valued variables are searched by probSAT: flip a variable of a random broken clause, the
    less likely the more clauses that would break. All others are searched by min-conflicts with tabu (TabuCol's rule,
    Hertz and de Werra 1987; tenure of Galinier and Hao 1999), with constraint weights that rise in chains that stagnate
    (Morris 1993).
    """

    name: ClassVar[str] = "localsearch"
    citation: ClassVar[str] = (
        "A. Balint and U. Schöning: Choosing probability distributions for stochastic local search and the role of "
        "make versus break. SAT 2012. P. Galinier and J.-K. Hao: Hybrid evolutionary algorithms for graph coloring. "
        "Journal of Combinatorial Optimization 3, 1999."
    )
    check_every: ClassVar[int] = 20
    exact: ClassVar[bool] = True

    cb: float | None = Field(
        None,
        gt=0,
        description="probSAT's break exponent (default: the published one for the clause length, and up to 1.6 times it in some chains)",
    )
    tenure: float = Field(0.6, ge=0, description="tabu tenure per conflicting variable, in steps")
    tenure_random: int = Field(10, ge=1, description="random part of the tabu tenure, up to this many steps")
    patience: int = Field(2000, ge=1, description="steps without improvement before a chain raises its weights")

    def width(self, graph: ConstraintGraph) -> int:
        # A flip touches a few clauses, a move a whole table: the one is cheap in thousands of chains, the other not.
        cnf = all(isinstance(c, Clause) for c in graph.constraints)
        literals, most = (1 << 20, 2048) if cnf else (1 << 16, 256)
        return self.rows or max(8, min(most, literals // max(1, graph.literals)))

    def supports(self, graph: ConstraintGraph) -> str | None:
        return graph.inexact

    def init(self, instance: Instance, random: Random) -> SearchState:
        if _is_cnf(instance):
            return flips.init(instance, random, self.cb)
        return moves.init(instance, random)

    def step(self, instance: Instance, state: SearchState) -> tuple[SearchState, Info]:
        if isinstance(state, flips.FlipState):
            return flips.step(instance, state)
        return moves.step(instance, state, self.tenure, self.tenure_random, self.patience)

    def decode(self, instance: Instance, state: SearchState) -> Tensor:
        return state.assignment.long()

    def settled(self, instance: Instance, state: SearchState, info: Info) -> Tensor:
        return info.energy < 0  # a chain never settles: tabu and noise keep it moving


def _is_cnf(instance: Instance) -> bool:
    return instance.shape[2] == 2 and {factor.kind for factor in instance.factors} == {Clause}
