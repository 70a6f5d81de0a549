"""Tabu search: min-conflicts with tabu and adaptive weights on any graph, one move per step in every row."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field
from torch import Tensor

from ..engine.compile import Instance
from ..engine.graph import ConstraintGraph
from ..engine.random import Random
from ..engine.rows import BatchSize
from ..engine.solver import Info, Solver
from .kernels.tensor_moves import MoveState, move, start

LITERALS, ROWS = 1 << 16, 256
"""Literals of a batch, and the most rows. A move rewrites a part of the cost table, so many chains are costly."""


class Tabu(Solver):
    """Each row makes the best move that is not tabu, among all values of its variables in conflict.

    TabuCol's rule (Hertz and de Werra 1987) with the tenure of Galinier and Hao; constraint weights rise in chains that
    stagnate (Morris 1993).
    """

    name: ClassVar[str] = "tabu"
    citation: ClassVar[str] = (
        "P. Galinier and J.-K. Hao: Hybrid evolutionary algorithms for graph coloring. Journal of Combinatorial "
        "Optimization 3, 1999. A. Hertz and D. de Werra: Using tabu search techniques for graph coloring. Computing 39, "
        "1987. P. Morris: The breakout method for escaping from local minima. AAAI 1993."
    )
    check_every: ClassVar[int] = 20
    energy_is_exact: ClassVar[bool] = True
    batch_size: ClassVar[BatchSize] = BatchSize(LITERALS, fewest=8, most=ROWS)

    tenure: float = Field(0.6, ge=0, description="tabu tenure per conflicting variable, in steps")
    tenure_random: int = Field(10, ge=1, description="random part of the tabu tenure, up to this many steps")
    patience: int = Field(2000, ge=1, description="steps without improvement before a chain raises its weights")

    def supports(self, graph: ConstraintGraph) -> str | None:
        return graph.inexact

    def init(self, instance: Instance, random: Random) -> MoveState:
        return start(instance, random)

    def step(self, instance: Instance, state: MoveState) -> tuple[MoveState, Info]:
        return move(instance, state, self.tenure, self.tenure_random, self.patience)

    def decode(self, instance: Instance, state: MoveState) -> Tensor:
        return state.assignment.long()

    def settled(self, instance: Instance, state: MoveState, info: Info) -> Tensor:
        never: Tensor = info.energy < 0
        return never  # never: tabu keeps the chain moving
