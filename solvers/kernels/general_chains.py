"""Chains of the general move engine: their arrays, their first values, and their answers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...engine.moves.draws import below, draw
from ...engine.moves.graph import MoveGraph
from ...engine.moves.instance import MoveInstance
from .general_groups import domain_codes
from .general_model import Model, Row
from .general_state import NUMBERS, REALS, TABLE, Chain

FORBIDDEN = 1 << 14
"""The largest table of forbidden literals: collisions forbid a few literals too many."""


@dataclass(frozen=True)
class Chains:
    """One chain per row, padded to the largest graph: see ``Chain``."""

    values: np.ndarray
    best: np.ndarray
    memory: np.ndarray
    degree: np.ndarray
    weight: np.ndarray
    violated: np.ndarray
    place: np.ndarray
    tabu: np.ndarray
    number: np.ndarray
    real: np.ndarray
    trail: np.ndarray
    old: np.ndarray
    waiting: np.ndarray
    waits: np.ndarray
    key: np.ndarray

    def row(self, b: int) -> np.ndarray:
        """The addresses of one row's arrays, in the order of ``Chain``."""
        arrays = (getattr(self, name) for name in Chain._fields)
        return np.array([array.ctypes.data + b * array.strides[0] for array in arrays], dtype=np.int64)


def chains_of(instance: MoveInstance, rows: list[Row], keys: np.ndarray) -> Chains:
    """Chains with random values: a permutation for each group.

    Args:
        instance: of B rows.
        rows: of the instance.
        keys: [B] uint64, of the random numbers.
    """
    b, v, _ = instance.shape
    c = max(len(row.tables.kind) for row in rows)
    memory = max(int(row.model.program.memory_ptr[-1]) for row in rows)
    literals = max(int(np.minimum(each.size, 64).sum()) for each in instance.graphs)
    values = np.zeros((b, v), dtype=np.int64)
    weight = np.zeros((b, c))
    for row, (model, own, _) in enumerate(rows):
        graph = instance.graphs[instance.template[row]]
        n = graph.variables
        numbers = draw(np.full(n, keys[row], dtype=np.uint64), np.arange(n) + (1 << 40))
        codes = graph.codes(below(numbers, np.minimum(graph.size, (1 << 32) - 1)))
        codes = np.where(instance.fixed[row, :n], instance.given[row, :n], codes)
        for begin, end in zip(own.group_ptr[:-1].tolist(), own.group_ptr[1:].tolist(), strict=True):
            members = own.members[begin:end]
            if len(members):
                scope = model.tables.members[model.tables.group_ptr[own.group[members[0]]] :][
                    : int(graph.size[members[0]])
                ]
                every = domain_codes(graph, int(members[0]))
                left = np.setdiff1d(every, instance.given[row, scope][instance.fixed[row, scope]])
                codes[members] = left[np.argsort(numbers[members], kind="stable")]
        if len(own.ring):
            tour = np.argsort(numbers[own.ring], kind="stable")
            codes[own.ring[tour]] = np.roll(tour, -1)
        values[row, :n] = codes
        weight[row, : len(own.kind)] = np.where(own.soft > 0, 0.0, own.unit[0])
    number = np.zeros((b, NUMBERS), dtype=np.int64)
    number[:, TABLE] = table = min(FORBIDDEN, 1 << (2 * literals).bit_length())
    return Chains(
        values,
        values.copy(),
        np.zeros((b, memory), dtype=np.int64),
        np.zeros((b, c), dtype=np.int64),
        weight,
        np.zeros((b, c), dtype=np.int64),
        np.full((b, c), -1, dtype=np.int64),
        np.full((b, table), -1, dtype=np.int64),
        number,
        np.zeros((b, REALS)),
        np.zeros((b, 2 * v + 2), dtype=np.int64),
        np.zeros((b, 2 * v + 2), dtype=np.int64),
        np.zeros((b, v), dtype=np.int64),
        np.zeros((b, v), dtype=np.int8),
        keys.reshape(b, 1),
    )


def assignments(instance: MoveInstance, chains: Chains, rows: list[Row]) -> np.ndarray:
    """The best assignments of all chains, with their penalty variables, as domain indices [B, V].

    Args:
        instance: of B rows.
        chains: their state.
        rows: of the instance.
    """
    values = chains.best.copy()
    for b, row in enumerate(rows):
        if len(row.model.soft.penalties):
            _fill(instance.graphs[instance.template[b]], row.model, values[b : b + 1])
    return instance.indices(values)


def _fill(graph: MoveGraph, model: Model, values: np.ndarray) -> None:
    """Compute the penalty variables of a row [1, V] by the exact checks of the soft constraints."""
    soft = model.soft
    degree = np.zeros((1, len(soft.constraints)), dtype=np.int64)
    value, index = model.program.value, graph.graph.index
    for c in (soft.literal >= 0).nonzero()[0].tolist():
        constraint = soft.constraints[c]
        degree[0, c] = not constraint.check([value(int(values[0, index[name]])) for name in constraint.scope])
    soft.fill(values, degree)
