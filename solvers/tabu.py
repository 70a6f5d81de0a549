"""Tabu search on graphs of differences: AllDifferent and ``!=``, hard or soft, as in colourings and maximum cuts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from ..engine.graph import ConstraintGraph
from ..engine.moves.instance import MoveInstance, compile_moves
from ..engine.problem import Problem
from ..engine.rows import BatchSize
from ..engine.solver import Info, Solver
from .kernels import cuda_tabu
from .kernels.cuda_instance import CudaInstance
from .kernels.difference_arrays import differences
from .kernels.difference_chains import (
    DifferenceState,
    Rule,
    assignments,
    finished,
    move_chains,
    start_chains,
)

if TYPE_CHECKING:
    from ..engine.compile import Instance
    from ..engine.state import Array

LITERALS, ROWS = 1 << 19, 1024
"""Literals of a batch, and the most rows."""
GPU_LITERALS, GPU_ROWS = 1 << 23, 2112
"""The same on a GPU: 16 chains for each of 132 multiprocessors, fewer where their tables fill the shared memory."""
TENSOR_LITERALS, TENSOR_ROWS = 1 << 16, 256
"""The same for tensors: a move rewrites a part of the cost table, so many chains are costly."""


class Tabu(Solver):
    """Each chain makes the best move that is not tabu, among all values of its variables in conflict.

    TabuCol's rule (Hertz and de Werra 1987) with the tenure of Galinier and Hao (1999). A chain that stagnates combines
    two of its best assignments by the greedy partition crossover, as HEAD does (Moalic and Gondran 2018).
    """

    name: ClassVar[str] = "tabu"
    version: ClassVar[str] = "2"
    citation: ClassVar[str] = (
        "P. Galinier and J.-K. Hao: Hybrid evolutionary algorithms for graph coloring. Journal of Combinatorial "
        "Optimization 3, 1999. A. Hertz and D. de Werra: Using tabu search techniques for graph coloring. Computing 39, "
        "1987. L. Moalic and A. Gondran: Variations on memetic algorithms for graph coloring problems. Journal of "
        "Heuristics 24, 2018. P. Morris: The breakout method for escaping from local minima. AAAI 1993."
    )
    check_every: ClassVar[int] = 10_000
    energy_is_exact: ClassVar[bool] = True
    optimises: ClassVar[Literal["bound", "trajectory"]] = "trajectory"
    batch_size: ClassVar[BatchSize] = BatchSize(
        LITERALS, GPU_LITERALS, fewest=8, most=ROWS, gpu_most=GPU_ROWS, per_core=1
    )

    tenure: float = Field(0.6, ge=0, le=100, description="tabu tenure per conflicting variable, in steps")
    tenure_random: int = Field(
        10, ge=1, le=1 << 20, description="random part of the tabu tenure, up to this many steps"
    )
    patience: int = Field(
        5000,
        ge=1,
        description="steps without improvement before a chain combines its best assignments, in some chains up to 8 "
        "times as many",
    )

    def supports(self, graph: ConstraintGraph) -> str | None:
        return graph.inexact

    def bind(self, problem: Problem) -> Tabu:
        return self if takes(problem) else TensorTabu(**self.model_dump())

    def compile(self, problems: Sequence[Problem], copies: int, device: str) -> Instance | MoveInstance:
        if device.startswith("cuda"):
            return CudaInstance.of(problems, copies, device)
        return compile_moves(problems, copies) if device == "cpu" else super().compile(problems, copies, device)

    def init(self, instance: Any, random: Any) -> Any:
        if isinstance(instance, CudaInstance):
            return cuda_tabu.init(instance, random, self._rule)
        if isinstance(instance, MoveInstance):
            return start_chains(instance, random, self._rule)
        from .kernels import tensor_moves

        return tensor_moves.start(instance, random)

    def advance(self, instance: Any, state: Any, steps: int, over: Callable[[], bool]) -> tuple[Any, Info, int]:
        if isinstance(instance, CudaInstance):
            return cuda_tabu.advance(instance, state, steps, self._rule)
        if isinstance(state, DifferenceState):
            return move_chains(instance, state, steps, over, self._rule)
        return super().advance(instance, state, steps, over)

    def step(self, instance: Any, state: Any) -> tuple[Any, Info]:
        if isinstance(instance, MoveInstance):
            state, info, _ = self.advance(instance, state, 1, lambda: False)
            return state, info
        from .kernels import tensor_moves

        return tensor_moves.move(instance, state, self.tenure, self.tenure_random, self.patience)

    def decode(self, instance: Any, state: Any) -> Array:
        if isinstance(instance, CudaInstance):
            return cuda_tabu.decode(instance, state)
        if isinstance(state, DifferenceState):
            return assignments(instance, state.chains.best)
        return state.assignment.long()

    def settled(self, instance: Any, state: Any, info: Info) -> Array:
        if isinstance(instance, CudaInstance):
            return cuda_tabu.finished(state)
        if isinstance(state, DifferenceState):
            return finished(state)
        return info.energy < 0  # never: tabu keeps the chain moving

    @property
    def _rule(self) -> Rule:
        return Rule(round(self.tenure * 65536), self.tenure_random, self.patience)


class TensorTabu(Tabu):
    """The search of graphs that are no graphs of differences: min-conflicts moves on tensors."""

    check_every: ClassVar[int] = 20
    optimises: ClassVar[Literal["bound", "trajectory"]] = "bound"
    batch_size: ClassVar[BatchSize] = BatchSize(TENSOR_LITERALS, fewest=8, most=TENSOR_ROWS)

    def bind(self, problem: Problem) -> Tabu:
        return self

    def compile(self, problems: Sequence[Problem], copies: int, device: str) -> Instance | MoveInstance:
        return Solver.compile(self, problems, copies, device)


def takes(problem: Problem) -> bool:
    """Whether the kernels can search a problem: a graph of differences that gives no penalty variable.

    Args:
        problem: any problem.
    """
    found = differences(problem.graph)
    if isinstance(found, str):
        return False
    penalties = {each.penalty for each in found.soft}
    return not penalties or all(problem.graph.index[name] not in penalties for name in problem.givens)
