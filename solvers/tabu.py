"""Tabu search on graphs of differences: AllDifferent and ``!=``, hard or soft, as in colourings and maximum cuts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from ..engine.graph import ConstraintGraph
from ..engine.moves.instance import MoveInstance, compile_moves
from ..engine.problem import Problem
from ..engine.rows import BatchSize
from ..engine.solver import AbstractSolver, Info, Solver
from .kernels import cuda_tabu
from .kernels.cuda_instance import CudaInstance
from .kernels.difference_chains import (
    Rule,
    assignments,
    finished,
    move_chains,
    start_chains,
)
from .kernels.difference_graphs import differences
from .minconflicts import MinConflicts

if TYPE_CHECKING:
    from ..engine.state import Array

LITERALS, ROWS = 1 << 19, 1024
"""Literals of a batch, and the most rows."""
GPU_LITERALS, GPU_ROWS = 1 << 23, 2112
"""The same on a GPU: 16 chains for each of 132 multiprocessors, fewer where their tables fill the shared memory."""


class Tabu(Solver):
    """Each chain makes the best move that is not tabu, among all values of its variables in conflict.

    TabuCol's rule (Hertz and de Werra 1987) with the tenure of Galinier and Hao (1999). A chain that stagnates combines
    two of its best assignments by the greedy partition crossover, as HEAD does (Moalic and Gondran 2018); every second
    copy of a problem never does, because flat graphs need millions of moves without it. For a maximum
    cut, a chain keeps a pool of assignments and combines two of them by their common values (Wu and Hao 2012).

    Other graphs are bound to ``minconflicts``.
    """

    name: ClassVar[str] = "tabu"
    version: ClassVar[str] = "3"
    citation: ClassVar[str] = (
        "P. Galinier and J.-K. Hao: Hybrid evolutionary algorithms for graph coloring. Journal of Combinatorial "
        "Optimization 3, 1999. A. Hertz and D. de Werra: Using tabu search techniques for graph coloring. Computing 39, "
        "1987. L. Moalic and A. Gondran: Variations on memetic algorithms for graph coloring problems. Journal of "
        "Heuristics 24, 2018. Q. Wu and J.-K. Hao: A memetic approach for the max-cut problem. PPSN 2012."
    )
    check_every: ClassVar[int] = 10_000
    energy_is_exact: ClassVar[bool] = True
    optimises: ClassVar[Literal["bound", "trajectory"]] = "trajectory"
    batch_size: ClassVar[BatchSize] = BatchSize(
        LITERALS, GPU_LITERALS, fewest=8, most=ROWS, gpu_most=GPU_ROWS, copies=2
    )

    tenure: float = Field(0.6, ge=0, le=100, description="tabu tenure per conflicting variable, in steps")
    tenure_random: int = Field(
        10, ge=1, le=1 << 20, description="random part of the tabu tenure, up to this many steps"
    )
    patience: int = Field(
        5000,
        ge=1,
        le=1 << 40,
        description="steps without improvement before a chain combines its best assignments, in some chains up to 8 "
        "times as many; of a maximum cut, ten times as many. Every second copy never does: it makes one long stage",
    )

    def supports(self, graph: ConstraintGraph) -> str | None:
        return graph.inexact

    def bind(self, problem: Problem) -> AbstractSolver:
        return self if takes(problem) else MinConflicts(copies=self.copies)

    def compile(self, problems: Sequence[Problem], copies: int, device: str) -> MoveInstance:
        if device.startswith("cuda") and not any(_has_equalities(problem) for problem in problems):
            return CudaInstance.of(problems, copies, device)
        return compile_moves(problems, copies)

    def init(self, instance: Any, random: Any) -> Any:
        if isinstance(instance, CudaInstance):
            return cuda_tabu.init(instance, random, self._rule)
        return start_chains(instance, random, self._rule)

    def advance(self, instance: Any, state: Any, steps: int, over: Callable[[], bool]) -> tuple[Any, Info, int]:
        if isinstance(instance, CudaInstance):
            return cuda_tabu.advance(instance, state, steps, self._rule)
        return move_chains(instance, state, steps, over, self._rule)

    def step(self, instance: Any, state: Any) -> tuple[Any, Info]:
        state, info, _ = self.advance(instance, state, 1, lambda: False)
        return state, info

    def decode(self, instance: Any, state: Any) -> Array:
        if isinstance(instance, CudaInstance):
            return cuda_tabu.decode(instance, state)
        return assignments(instance, state.chains.best)

    def settled(self, instance: Any, state: Any, info: Info) -> Array:
        return cuda_tabu.finished(state) if isinstance(instance, CudaInstance) else finished(state)

    @property
    def _rule(self) -> Rule:
        return Rule(round(self.tenure * 65536), self.tenure_random, self.patience)


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


def _has_equalities(problem: Problem) -> bool:
    """Whether a graph of differences has soft constraints ``a = b``, which only the CPU kernel takes."""
    found = differences(problem.graph)
    return not isinstance(found, str) and any(each.equal for each in found.soft)
