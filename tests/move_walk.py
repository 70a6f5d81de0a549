"""A slow random walk on the arrays of the move engine, in plain Python: it stands for the compiled searches in tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from mull.engine import Info, Problem, Solver
from mull.engine.moves.graph import MoveGraph
from mull.engine.moves.instance import MoveInstance, compile_moves
from mull.engine.moves.streams import Streams
from mull.engine.rows import BatchSize


@dataclass(frozen=True)
class WalkState:
    """One chain per row: codes [B, V] int64, keys and clocks of the random numbers [B] uint64."""

    values: np.ndarray
    key: np.ndarray
    clock: np.ndarray


class MoveWalk(Solver):
    """Each row gives a random variable of a violated constraint a random value."""

    name: ClassVar[str] = "move-walk"
    citation: ClassVar[str] = "none"
    unit: ClassVar[str] = "moves"
    check_every: ClassVar[int] = 40
    enumerates: ClassVar[bool] = False
    batch_size: ClassVar[BatchSize] = BatchSize(copies=4)

    most: int = Field(25, ge=1, description="moves of one call")

    def compile(self, problems: Sequence[Problem], copies: int, device: str) -> MoveInstance:
        return compile_moves(problems, copies)

    def init(self, instance: MoveInstance, random: Streams) -> WalkState:
        draws = _draws(random.keys, np.zeros_like(random.keys), instance.shape[1])
        indices = np.zeros(draws.shape, dtype=np.int64)
        for graph, rows in instance.by_graph():
            indices[rows, : graph.variables] = draws[rows, : graph.variables] % graph.size.astype(np.uint64)
        values = np.where(instance.fixed, instance.given, instance.codes(indices))
        return WalkState(values, random.keys, np.ones(len(values), dtype=np.uint64))

    def step(self, instance: MoveInstance, state: WalkState) -> tuple[WalkState, Info]:
        return self.advance(instance, state, 1, lambda: False)[:2]

    def advance(
        self, instance: MoveInstance, state: WalkState, steps: int, over: Callable[[], bool]
    ) -> tuple[WalkState, Info, int]:
        steps = min(steps, self.most)
        violated = np.zeros(len(state.values), dtype=np.int64)
        for b, t in enumerate(instance.template):
            graph = instance.graphs[t]
            for _ in range(steps):
                broken = _broken(graph, state.values[b])
                if not broken:
                    break
                draws = _draws(state.key[b : b + 1], state.clock[b : b + 1], 3)[0].tolist()
                state.clock[b] += 1
                c = broken[draws[0] % len(broken)]
                scope = graph.scope[graph.scope_ptr[c] : graph.scope_ptr[c + 1]]
                free = scope[~instance.fixed[b, scope]]
                if len(free):
                    v = free[draws[1] % len(free)]
                    indices = np.zeros(graph.variables, dtype=np.int64)
                    indices[v] = draws[2] % int(graph.size[v])
                    state.values[b, v] = graph.codes(indices)[v]
            violated[b] = len(_broken(graph, state.values[b]))
        return state, Info(violated.astype(float), np.ones(len(violated)), violated), steps

    def decode(self, instance: MoveInstance, state: WalkState) -> np.ndarray:
        return instance.indices(state.values)

    def settled(self, instance: MoveInstance, state: WalkState, info: Info) -> np.ndarray:
        return state.clock > 2000


class Best(MoveWalk):
    """A walk that goes on after its first solution, to a cheaper one."""

    name: ClassVar[str] = "best"
    optimises: ClassVar[Literal["bound", "trajectory"]] = "trajectory"

    def advance(
        self, instance: MoveInstance, state: WalkState, steps: int, over: Callable[[], bool]
    ) -> tuple[WalkState, Info, int]:
        for b, t in enumerate(instance.template):
            graph = instance.graphs[t]
            for _ in range(min(steps, self.most)):
                draws = _draws(state.key[b : b + 1], state.clock[b : b + 1], 2)[0].tolist()
                state.clock[b] += 1
                v = draws[0] % graph.variables
                if not instance.fixed[b, v]:
                    indices = np.zeros(graph.variables, dtype=np.int64)
                    indices[v] = draws[1] % int(graph.size[v])
                    state.values[b, v] = graph.codes(indices)[v]
        indices = instance.indices(state.values)
        violated, cost = instance.check(indices)[0], instance.cost(indices)
        return state, Info(violated + cost, np.ones(len(cost)), violated, cost), min(steps, self.most)


class Liar(MoveWalk):
    """A walk that counts no violation where there is one."""

    name: ClassVar[str] = "liar"

    def advance(self, *given: Any) -> tuple[WalkState, Info, int]:
        state, info, taken = super().advance(*given)
        return state, info._replace(violations=np.maximum(np.asarray(info.violations) - 1, 0)), taken


def _broken(graph: MoveGraph, values: np.ndarray) -> list[int]:
    """The violated constraints: by the kind's move form, or by its check."""
    found = []
    indices = graph.indices(values[: graph.variables])
    domains = list(graph.graph.domains.values())
    for c, constraint in enumerate(graph.graph.constraints):
        scope = graph.scope[graph.scope_ptr[c] : graph.scope_ptr[c + 1]]
        if graph.kind[c] < 0:
            degree = not constraint.check([domains[v][indices[v]] for v in scope])
        else:
            params = graph.params[graph.params_ptr[c] : graph.params_ptr[c + 1]]
            memory = np.zeros(graph.memory_ptr[c + 1] - graph.memory_ptr[c], dtype=np.int64)
            degree = bool(graph.forms[graph.kind[c]].start(values, scope, len(scope), params, memory, 0, 0))
        if degree:
            found.append(c)
    return found


def _draws(key: np.ndarray, clock: np.ndarray, count: int) -> np.ndarray:
    """Random numbers [B, count] uint64, by the finaliser of splitmix64."""
    with np.errstate(over="ignore"):
        number = clock[:, None] * np.uint64(1 << 20) + np.arange(count, dtype=np.uint64)
        x: Any = key[:, None] + number * np.uint64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        x = x ^ (x >> np.uint64(31))
    return np.asarray(x)
