"""Base of the compiled searches on any graph: the state of their chains, and calls of their kernel."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from ..engine.graph import ConstraintGraph
from ..engine.moves.compiled import compiling
from ..engine.moves.instance import MoveInstance, compile_moves
from ..engine.moves.streams import Streams
from ..engine.moves.threads import over_rows
from ..engine.problem import Problem
from ..engine.rows import BatchSize
from ..engine.solver import Info, Solver
from .kernels.general import started
from .kernels.general_chains import Chains, assignments, chains_of
from .kernels.general_model import Model, Row, row_of
from .kernels.general_search import searched
from .kernels.general_state import BEST_COST, BEST_HARD, CLOCK

CALL = 0.02
"""Seconds that one call of a kernel should take. It divides the moves of a step, and has no influence on them."""

FIRST = 500
"""Moves before the first check."""


class Mover(Solver):
    """A search that moves one variable, or exchanges two, in every chain at each step."""

    unit: ClassVar[str] = "moves"
    check_every: ClassVar[int] = 20_000
    enumerates: ClassVar[bool] = False
    energy_is_exact: ClassVar[bool] = True
    optimises: ClassVar[Literal["bound", "trajectory"]] = "trajectory"
    batch_size: ClassVar[BatchSize] = BatchSize(1 << 24, most=1024, copies=2)

    rings: ClassVar[bool] = False
    """Whether the moves keep the tours of a ``Circuit``."""

    swaps: bool = Field(True, description="exchange the values of a permutation instead of changing them")

    @property
    @abstractmethod
    def parameters(self) -> tuple[float, ...]:
        """The options that the kernel reads."""

    def supports(self, graph: ConstraintGraph) -> str | None:
        return graph.inexact

    def compile(self, problems: Sequence[Problem], copies: int, device: str) -> MoveInstance:
        instance = compile_moves(problems, copies)
        if device != "cpu":
            instance.notices(
                f"{self.name} runs on the CPU: only clauses and graphs of differences have kernels for a GPU"
            )
        return instance

    def init(self, instance: MoveInstance, random: Streams) -> Chains:
        rows = self._rows(instance)
        chains = chains_of(instance, rows, random.keys)
        with compiling(instance.notices):
            for b, row in enumerate(rows):
                started(row.addresses, chains.row(b))
        _raise_errors(row.model for row in rows)
        return chains

    def advance(
        self, instance: MoveInstance, state: Chains, steps: int, over: Callable[[], bool]
    ) -> tuple[Chains, Info, int]:
        rows = self._rows(instance)
        # Few moves before the first checks, so that easy problems end early.
        steps = min(steps, max(FIRST, int(state.number[:, CLOCK].max())))
        parameters = np.array(self.parameters, dtype=np.float64)
        kernel = self._kernel
        if not kernel.ready:
            with compiling(instance.notices):
                kernel(rows[0].addresses, state.row(0), 0, parameters)

        def work(low: int, high: int) -> None:
            for b in range(low, high):
                _moved(kernel, rows[b].addresses, state.row(b), steps, parameters, over)

        over_rows(work, len(rows))
        _raise_errors(row.model for row in rows)
        hard, cost = state.number[:, BEST_HARD].copy(), state.real[:, BEST_COST].copy()
        return state, Info(hard.astype(np.float64), np.ones(len(hard)), hard, cost), steps

    def step(self, instance: MoveInstance, state: Chains) -> tuple[Chains, Info]:
        state, info, _ = self.advance(instance, state, 1, lambda: False)
        return state, info

    def decode(self, instance: MoveInstance, state: Chains) -> np.ndarray:
        return assignments(instance, state, self._rows(instance))

    def settled(self, instance: MoveInstance, state: Chains, info: Info) -> np.ndarray:
        """Chains that cannot improve: nothing is violated, and no variable or soft constraint has a lower cost."""
        least = np.array([row.model.least for row in self._rows(instance)])
        settled: np.ndarray = (state.number[:, BEST_HARD] == 0) & (state.real[:, BEST_COST] <= least)
        return settled

    @property
    def _kernel(self) -> Any:
        return searched

    def _rows(self, instance: MoveInstance) -> list[Row]:
        return [row_of(instance, b, self.swaps, self.rings) for b in range(instance.shape[0])]


def _moved(
    kernel: Any, tables: np.ndarray, chain: np.ndarray, steps: int, parameters: np.ndarray, over: Callable[[], bool]
) -> None:
    """Make moves of one row in calls of about ``CALL`` seconds, until time is up or the chain stops."""
    size = 256
    while steps > 0:
        since = time.perf_counter()
        asked = min(size, steps)
        if kernel(tables, chain, asked, parameters) < asked or over():
            return
        steps -= asked
        spent = time.perf_counter() - since
        size = max(1, min(1 << 20, size * 2 if spent < CALL / 2 else size // 2 if spent > 2 * CALL else size))


def _raise_errors(models: Any) -> None:
    for model in {id(model): model for model in models}.values():
        assert isinstance(model, Model)
        model.program.raise_errors()
