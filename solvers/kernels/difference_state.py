"""The chains of a tabu search on graphs of differences, as arrays that the kernels read and write."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .difference_arrays import DifferenceArrays

CLOCK, ENERGY, HARD, COUNT, LEAST, LEAST_HARD, SAVED, IMPROVED = range(8)
BEST, BEST_HARD, NEWER, STAGE, GENERATION, COLLAPSES, ELITE, FORMER = range(8, 16)
FIGURES = 16
"""Columns of ``Chains.figures``. By column: moves so far; energy, equal hard pairs and variables in conflict of the
present assignment; energy and equal hard pairs of the best assignment since the stage began, whether ``kept`` holds it,
and the move that reached it; energy and equal hard pairs of ``best``, and whether it changed since its violations were
counted; stage (-1 of a new chain), generations and collapses of the recombination; energies of the two elite assignments."""

COSTS, POOL = FIGURES, 10
"""Further columns for cuts: the costs of the ``POOL`` assignments of a chain. ``GENERATION`` counts those that exist."""
PARENTS = 5
"""Assignments of the recombination: two parents, the second child, the elite of this cycle and that of the last. A cut
has a pool of ``POOL`` assignments instead."""
UNKNOWN = 1 << 60
"""Energy of an assignment that does not exist yet."""
FIXED = -2
"""Position of a variable whose value is fixed; -1 of a variable without conflict."""
NARROW = 1 << 13
"""Tables hold 16-bit numbers if no variable has this weight of constraints."""


class Tables(NamedTuple):
    """The arrays of ``DifferenceArrays`` that a kernel reads, and ``uniform``: [T] bool, all variables take all values.

    Indices are unsigned, so that compiled code need not test for negative ones.
    """

    variables: np.ndarray
    values: np.ndarray
    stride: np.ndarray
    variable_ptr: np.ndarray
    literal_ptr: np.ndarray
    allowed: np.ndarray
    edge_ptr: np.ndarray
    edge: np.ndarray
    edge_weight: np.ndarray
    occurrence_ptr: np.ndarray
    occurrence: np.ndarray
    group_ptr: np.ndarray
    member: np.ndarray
    group_weight: np.ndarray
    hard_weight: np.ndarray
    unit: np.ndarray
    soft: np.ndarray
    uniform: np.ndarray
    cut: np.ndarray
    heaviest: np.ndarray


class Chains(NamedTuple):
    """B chains; each array has a row for every chain. V variables, L entries of the largest table, R lists of the ring.

    Args:
        template: [B] int64, the graph of each chain.
        key: [B] uint64, its random stream.
        figures: [B, FIGURES] int64, or with the costs of a pool.
        value: [B, V] int32, the present assignment, as numbers of values.
        kept: [B, V] int32, the best assignment since the stage began, where it is not the present one.
        best: [B, V] int32, the best assignment of the chain.
        parents: [B, PARENTS or POOL, V] int32; without recombination there are none.
        gamma: [B, L] int16 or int32. Entry ``v * stride + c`` is the weight of the neighbours of v with value c. It is
            larger by ``tabu`` where the literal is tabu, and by ``2 * tabu`` where v has the value c or may not take it;
            ``tabu`` is 2^13 for 16 bits and 2^28 for 32 bits.
        until: [B, L] int32, the last move at which a literal is tabu; 0 after that move.
        conflicting: [B, V] int32, the variables in conflict, ``figures[COUNT]`` of them.
        position: [B, V] int32, the position of a variable in ``conflicting``; -1 without conflict, ``FIXED`` where its
            value is fixed.
        ring: [B, 3, R] int32, lists of the literals that become tabu, by the move until which they are: first entry,
            next entry, literal. The entry of move m is m modulo R.
    """

    template: np.ndarray
    key: np.ndarray
    figures: np.ndarray
    value: np.ndarray
    kept: np.ndarray
    best: np.ndarray
    parents: np.ndarray
    gamma: np.ndarray
    until: np.ndarray
    conflicting: np.ndarray
    position: np.ndarray
    ring: np.ndarray


def copy(to: Any, values: Any, n: Any) -> None:
    """Copy n numbers. Kernels call it: assignments of slices take seconds to compile.

    Args:
        to: the array to write.
        values: the array to read.
        n: how many.
    """
    for i in range(n):
        to[i] = values[i]


def tables(arrays: DifferenceArrays) -> Tables:
    """The tables of the kernels.

    Args:
        arrays: of T graphs.
    """
    made = {name: getattr(arrays, name) for name in Tables._fields if name != "uniform"}
    made.update({name: made[name].view(np.uint32) for name in ("edge", "occurrence", "member")})
    made.update({name: made[name].astype(np.int64) for name in ("variables", "values", "stride")})
    uniform = [
        bool((arrays.allowed[first:last].reshape(-1, stride)[:, :values] == 1).all())
        for first, last, stride, values in zip(
            arrays.literal_ptr[:-1], arrays.literal_ptr[1:], arrays.stride, arrays.values, strict=True
        )
    ]
    return Tables(uniform=np.array(uniform, dtype=np.bool_), **made)


def new_chains(
    arrays: DifferenceArrays, template: np.ndarray, key: np.ndarray, fixed: np.ndarray, tenure: int, recombine: bool
) -> Chains:
    """Chains without an assignment: a call of the kernel gives them one.

    Args:
        arrays: of T graphs.
        template: [B] int64, the graph of each chain.
        key: [B] uint64, random streams.
        fixed: [B, V] int32, the number of the value of each fixed variable; -1 for the others.
        tenure: the longest tabu tenure, in moves.
        recombine: whether the chains will recombine their assignments.
    """
    parents = POOL if arrays.cut.any() else PARENTS if recombine else 0
    b, v = len(template), int(arrays.variables.max(initial=1))
    literals = int((arrays.literal_ptr[1:] - arrays.literal_ptr[:-1]).max(initial=1))
    ring = 1 << (tenure + 2).bit_length()
    narrow = arrays.heaviest.max(initial=0) < NARROW and not arrays.cut.any()
    figures = np.zeros((b, COSTS + POOL if arrays.cut.any() else FIGURES), dtype=np.int64)
    figures[:, [BEST, BEST_HARD, ELITE, FORMER]] = UNKNOWN
    figures[:, STAGE] = -1

    def values() -> np.ndarray:
        return np.zeros((b, v), dtype=np.int32)

    return Chains(
        template=template.astype(np.int64),
        key=key,
        figures=figures,
        value=np.maximum(fixed, 0).astype(np.int32),
        kept=values(),
        best=values(),
        parents=np.zeros((b, parents, v), dtype=np.int32),
        gamma=np.zeros((b, literals), dtype=np.int16 if narrow else np.int32),
        until=np.zeros((b, literals), dtype=np.int32),
        conflicting=values(),
        position=np.where(fixed >= 0, FIXED, -1).astype(np.int32),
        ring=np.zeros((b, 3, ring), dtype=np.int32),
    )
