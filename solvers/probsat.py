"""probSAT: stochastic local search over clauses of two-valued variables, one flip of each chain per step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from ..engine.constraints import Clause
from ..engine.graph import ConstraintGraph
from ..engine.moves.instance import MoveInstance, compile_moves
from ..engine.problem import Problem
from ..engine.rows import BatchSize
from ..engine.solver import Info, Solver
from ..engine.state import Array
from .kernels import clause_chains, cuda_probsat
from .kernels.cuda_instance import CudaInstance

EPS = 0.9
PUBLISHED = {3: 2.06, 4: 3.0, 5: 3.7, 6: 5.0, 7: 5.4}
"""Break exponents by clause length (table 1 of the paper). The paper tuned them on formulas with 10^4 variables and more.
They also needed the fewest flips on 3-SAT and 4-SAT at the threshold with 100 and 250 variables. At 250 variables, an
exponent of 2.6 instead of 2.06 tripled the flips."""
THRESHOLD, SLOPE, LARGEST = 4.26, 1.5, 2.7
"""On 3-SAT below the threshold the exponent grows by ``SLOPE`` for each unit of the ratio of clauses to variables. Exponents
of fewest seconds with 30,000 to 100,000 variables: 2.2 at ratio 4.15, 2.4 at 4.1, 2.5 at 4.0 and 2.7 at 3.8; 2.06 took
1.3 to 1.7 times as long. At 4.2 an exponent of 2.5 left clauses violated."""
LITERALS, ROWS = 1 << 20, 2048
"""Literals of a batch on a CPU, and the most rows."""
COPIED = 1 << 16
"""Literals of copies side by side. On few variables the times of searches vary by their mean, so eight copies take an eighth.
With 10^5 variables they vary little: two copies take twice the memory and the time of one."""
GPU_LITERALS, GPU_ROWS = 1 << 26, 4224
"""The same on a GPU: 32 chains for each of 132 multiprocessors, and about 1 GB for large formulas."""


def is_cnf(graph: ConstraintGraph) -> bool:
    """Whether a graph consists of clauses over variables with at most two values, one of them with two."""
    two = max((len(domain) for domain in set(graph.domains.values())), default=0) == 2
    return two and bool(graph.constraints) and graph.kinds == {Clause}


def exponent(length: int, ratio: float) -> float:
    """The break exponent for a formula.

    Args:
        length: of its longest clause.
        ratio: of clauses to variables.
    """
    if length == 3:
        return min(LARGEST, PUBLISHED[3] + SLOPE * max(0.0, THRESHOLD - ratio))
    return PUBLISHED.get(length, 5.4 if length > 3 else PUBLISHED[3])


class ProbSat(Solver):
    """Each chain flips a variable of a random violated clause. A flip that breaks more clauses is less probable."""

    name: ClassVar[str] = "probsat"
    version: ClassVar[str] = "3"
    citation: ClassVar[str] = (
        "A. Balint and U. Schöning: Choosing probability distributions for stochastic local search and the role of "
        "make versus break. SAT 2012."
    )
    check_every: ClassVar[int] = 1 << 40  # the kernels choose their checks
    energy_is_exact: ClassVar[bool] = True
    batch_size: ClassVar[BatchSize] = BatchSize(
        LITERALS, GPU_LITERALS, fewest=8, most=ROWS, gpu_most=GPU_ROWS, copies=8, copied=COPIED
    )

    cb: float | None = Field(
        None,
        gt=0,
        description="break exponent (default: by the length of the longest clause and the ratio of clauses to variables)",
    )

    def supports(self, graph: ConstraintGraph) -> str | None:
        return None if is_cnf(graph) else "it takes only clauses over variables with two values; tabu takes any graph"

    def compile(self, problems: Sequence[Problem], copies: int, device: str) -> MoveInstance:
        if device.startswith("cuda"):
            return CudaInstance.of(problems, copies, device)
        return compile_moves(problems, copies)

    def init(self, instance: Any, random: Any) -> Any:
        if isinstance(instance, CudaInstance):
            return cuda_probsat.init(instance, random, self._prepared(instance))
        return clause_chains.start_chains(instance, random, self._prepared(instance))

    def advance(self, instance: Any, state: Any, steps: int, over: Callable[[], bool]) -> tuple[Any, Info, int]:
        if isinstance(instance, CudaInstance):
            return cuda_probsat.advance(instance, state, steps, self._prepared(instance))
        return clause_chains.move_chains(instance, state, steps, over, self._prepared(instance))

    def step(self, instance: Any, state: Any) -> tuple[Any, Info]:
        state, info, _ = self.advance(instance, state, 1, bool)
        return state, info

    def decode(self, instance: Any, state: Any) -> Array:
        if isinstance(instance, CudaInstance):
            return cuda_probsat.decode(state)
        return state.assignment.astype(np.int64)

    def settled(self, instance: Any, state: Any, info: Info) -> Array:
        return np.zeros(len(info.energy), dtype=bool)  # never: noise keeps the chain moving

    def _prepared(self, instance: MoveInstance) -> clause_chains.Prepared:
        return clause_chains.prepared(instance, ("probsat", self.cb), self._weights)

    def _weights(self, length: int, ratio: float, most: int) -> np.ndarray:
        """[N, O] weights for each kind of chain, 1 for flips that violate no clause."""
        cb = self.cb or exponent(length, ratio)
        breaks = np.arange(most + 1.0)
        # The paper's break-only distribution: polynomial for clauses up to 3 literals, exponential above.
        return np.array([(EPS / (EPS + breaks)) ** cb if length <= 3 else cb**-breaks])
