"""SATLike: local search with clause weights over hard and soft clauses, as in weighted partial MaxSAT."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Literal

from pydantic import Field

from ..engine.graph import ConstraintGraph
from ..engine.moves.instance import MoveInstance, compile_moves
from ..engine.problem import Problem
from ..engine.rows import BatchSize
from ..engine.solver import Info, Solver
from ..engine.state import Array
from .kernels import weighted_chains
from .kernels.soft_formula import reason

LITERALS, ROWS = 1 << 20, 1024
"""Literals of a batch, and the most rows."""


class SatLike(Solver):
    """Each chain flips the variable that gains most, by weights of clauses that rise at local minima.

    It takes clauses over variables with two values, soft clauses with weights, and linear objectives. The weights of soft
    clauses rise only while all hard clauses hold, in proportion to their costs, as in NuWLS. Where no weight can rise, and
    the chain has not improved for long, all clauses get their first weights again.
    """

    name: ClassVar[str] = "satlike"
    version: ClassVar[str] = "2"
    citation: ClassVar[str] = (
        "Z. Lei and S. Cai: Solving (weighted) partial MaxSAT by dynamic local search for SAT. IJCAI 2018. "
        "Y. Chu, S. Cai and C. Luo: NuWLS: improving local search for (weighted) partial MaxSAT by new weighting "
        "techniques. AAAI 2023."
    )
    check_every: ClassVar[int] = 1 << 40  # the kernels choose their checks
    energy_is_exact: ClassVar[bool] = True
    optimises: ClassVar[Literal["bound", "trajectory"]] = "trajectory"
    batch_size: ClassVar[BatchSize] = BatchSize(LITERALS, fewest=8, most=ROWS, copies=2)

    weight: int = Field(100, ge=1, le=1 << 20, description="weight of a soft clause of average cost")
    rise: int = Field(100, ge=1, le=1 << 20, description="by how much the weight of a violated hard clause rises")
    limit: int = Field(50, ge=1, le=1 << 20, description="largest weight of a soft clause, as a multiple of its first")

    def supports(self, graph: ConstraintGraph) -> str | None:
        return reason(graph)

    def compile(self, problems: Sequence[Problem], copies: int, device: str) -> MoveInstance:
        return compile_moves(problems, copies)

    def init(self, instance: Any, random: Any) -> Any:
        return weighted_chains.start_chains(instance, random, self._prepared(instance))

    def advance(self, instance: Any, state: Any, steps: int, over: Callable[[], bool]) -> tuple[Any, Info, int]:
        return weighted_chains.move_chains(instance, state, steps, over, self._prepared(instance))

    def step(self, instance: Any, state: Any) -> tuple[Any, Info]:
        state, info, _ = self.advance(instance, state, 1, bool)
        return state, info

    def decode(self, instance: Any, state: Any) -> Array:
        return weighted_chains.assignments(instance, state, self._prepared(instance))

    def settled(self, instance: Any, state: Any, info: Info) -> Array:
        return weighted_chains.finished(state)

    def _prepared(self, instance: MoveInstance) -> weighted_chains.Prepared:
        return weighted_chains.prepared(instance, weighted_chains.Rule(self.weight, self.rise, self.limit))
