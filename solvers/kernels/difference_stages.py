"""Stages of a tabu search on graphs of differences: their start, and the recombination of a chain's best assignments.

A stage is a search from one assignment until it stagnates. ``differences.py`` makes its moves.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...engine.moves.compiled import Kernel
from ...engine.moves.draws import GOLDEN, below, mix
from .difference_state import (
    BEST,
    BEST_HARD,
    CLOCK,
    COLLAPSES,
    COUNT,
    ELITE,
    ENERGY,
    FIXED,
    FORMER,
    GENERATION,
    HARD,
    IMPROVED,
    LEAST,
    LEAST_HARD,
    NEWER,
    SAVED,
    STAGE,
    UNKNOWN,
    Chains,
    Tables,
    copy,
)

U = np.uint64
STARTS = U(0xD1B54A32D192ED03)
"""Separates the streams of random assignments from those of moves."""
CYCLE = 10
"""Generations after which an elite assignment replaces a parent (HEAD: Moalic and Gondran 2018)."""
ALIKE = 50
"""A population has collapsed where its parents differ in fewer than one variable of this many."""


def _random_value(tables: Tables, chains: Chains, b: Any, v: Any, bits: Any) -> Any:
    """A random allowed value of a variable."""
    t = chains.template[b]
    stride = tables.stride[t]
    first = tables.literal_ptr[t] + v * stride
    n = 0
    for c in range(stride):
        n += tables.allowed[first + c]
    rank = below(bits, n)
    for c in range(stride):
        if tables.allowed[first + c]:
            if rank == 0:
                return c
            rank -= 1
    return 0


def randomise(tables: Tables, chains: Chains, b: Any, number: Any) -> None:
    """Give the free variables of a chain random values.

    Args:
        tables: the graphs.
        chains: the chains.
        b: the chain.
        number: of the assignment; equal numbers give equal values.
    """
    stream = mix(chains.key[b] ^ (STARTS * U(number + 1)))
    for v in range(tables.variables[chains.template[b]]):
        if chains.position[b, v] != FIXED:
            chains.value[b, v] = _random_value(tables, chains, b, v, mix(stream + U(v) * GOLDEN))


def begin(tables: Tables, chains: Chains, b: Any) -> None:
    """Compute a chain's table, conflicts and energy from its values, and start a stage.

    Args:
        tables: the graphs.
        chains: the chains.
        b: the chain.
    """
    t = chains.template[b]
    n, stride, first = tables.variables[t], tables.stride[t], tables.variable_ptr[t]
    value, gamma, position = chains.value[b], chains.gamma[b], chains.position[b]
    tabu = 1 << 13 if chains.gamma.itemsize == 2 else 1 << 28
    for i in range(n * stride):
        gamma[i] = 0 if tables.allowed[tables.literal_ptr[t] + i] else 2 * tabu
        chains.until[b, i] = 0
    for i in range(chains.ring.shape[2]):
        chains.ring[b, 0, i] = -1
    energy = hard = np.int64(0)
    count = 0
    for v in range(n):
        for a in range(tables.edge_ptr[first + v], tables.edge_ptr[first + v + 1]):
            gamma[v * stride + value[tables.edge[a]]] += tables.edge_weight[a]
        for o in range(tables.occurrence_ptr[first + v], tables.occurrence_ptr[first + v + 1]):
            g = tables.occurrence[o]
            for m in range(tables.group_ptr[g], tables.group_ptr[g + U(1)]):
                if tables.member[m] != v:
                    gamma[v * stride + value[tables.member[m]]] += tables.group_weight[g]
        own = np.int64(gamma[v * stride + value[v]])
        energy += own
        hard += own // tables.hard_weight[t]
        if position[v] != FIXED:
            position[v] = -1
            if own > 0:
                chains.conflicting[b, count] = v
                position[v] = count
                count += 1
        gamma[v * stride + value[v]] += 2 * tabu
    figures = chains.figures[b]
    figures[ENERGY] = figures[LEAST] = energy // 2
    figures[HARD] = figures[LEAST_HARD] = hard // 2
    figures[COUNT], figures[SAVED], figures[IMPROVED] = count, 0, figures[CLOCK]


def publish(tables: Tables, chains: Chains, b: Any) -> None:
    """Store the stage's best assignment in ``kept``, and in ``best`` if it is better than that.

    Args:
        tables: the graphs.
        chains: the chains.
        b: the chain.
    """
    figures = chains.figures[b]
    n = tables.variables[chains.template[b]]
    if not figures[SAVED]:
        copy(chains.kept[b], chains.value[b], n)
        figures[SAVED] = 1
    better = figures[LEAST_HARD] < figures[BEST_HARD]
    if better or (figures[LEAST_HARD] == figures[BEST_HARD] and figures[LEAST] < figures[BEST]):
        copy(chains.best[b], chains.kept[b], n)
        figures[BEST], figures[BEST_HARD], figures[NEWER] = figures[LEAST], figures[LEAST_HARD], 1


def _cross(tables: Tables, chains: Chains, b: Any, child: Any, first: Any, second: Any, number: Any) -> None:
    """Greedy partition crossover (Galinier and Hao 1999): the child takes the largest class of each parent in turn.

    Values keep their names where not all variables may take all values. Variables left without a class get a random value.
    """
    t = chains.template[b]
    n, k = tables.variables[t], tables.values[t]
    left = np.zeros((2, n), dtype=np.int32)
    copy(left[0], chains.parents[b, first], n)
    copy(left[1], chains.parents[b, second], n)
    renamed = tables.uniform[t]
    for v in range(n):
        renamed = renamed and chains.position[b, v] != FIXED
        child[v] = -1
    used = np.zeros((2, k), dtype=np.bool_)
    sizes = np.zeros((2, k), dtype=np.int64)
    for p in range(2):
        for v in range(n):
            sizes[p, left[p, v]] += 1
    stream = mix(chains.key[b] ^ (STARTS * U(number + 1)))
    for c in range(k):
        p = c & 1
        largest, ties = np.int64(-1), 0
        for d in range(k):
            if not used[p, d] and sizes[p, d] >= largest:
                ties = ties + 1 if sizes[p, d] == largest else 1
                largest = sizes[p, d]
        rank = below(mix(stream + U(c) * GOLDEN), ties)
        taken = 0
        for d in range(k):
            if not used[p, d] and sizes[p, d] == largest:
                if rank == 0:
                    taken = d
                    break
                rank -= 1
        used[p, taken] = True
        if not renamed:
            used[1 - p, taken] = True
        for v in range(n):
            if child[v] < 0 and left[p, v] == taken:
                child[v] = c if renamed else taken
                for q in range(2):
                    sizes[q, left[q, v]] -= 1
    stream = mix(stream)
    for v in range(n):
        if child[v] < 0:
            child[v] = _random_value(tables, chains, b, v, mix(stream + U(v) * GOLDEN))


def _distance(tables: Tables, chains: Chains, b: Any) -> Any:
    """About how many variables the two parents place differently, after the best renaming of each class by itself."""
    t = chains.template[b]
    n, k = tables.variables[t], tables.values[t]
    shared = np.zeros((k, k), dtype=np.int32)
    for v in range(n):
        shared[chains.parents[b, 0, v], chains.parents[b, 1, v]] += 1
    equal = 0
    for c in range(k):
        most = 0
        for d in range(k):
            most = max(most, shared[c, d])
        equal += most
    return n - equal


def next_stage(tables: Tables, chains: Chains, b: Any) -> None:
    """End a stage: its best assignment becomes a parent, and the next one starts from a child or at random.

    Stages 0 and 1 improve random assignments, stages 2 and 3 the two children of the parents.

    Args:
        tables: the graphs.
        chains: the chains.
        b: the chain.
    """
    figures = chains.figures[b]
    n = tables.variables[chains.template[b]]
    parents = chains.parents[b]
    stage, generation = figures[STAGE], figures[GENERATION]
    publish(tables, chains, b)
    copy(parents[stage & 1], chains.kept[b], n)
    if figures[LEAST] < figures[ELITE]:
        figures[ELITE] = figures[LEAST]
        copy(parents[3], chains.kept[b], n)
    number = figures[CLOCK]
    if stage == 2:
        copy(chains.value[b], parents[2], n)
        figures[STAGE] = 3
    elif stage == 0 and generation == 0:
        randomise(tables, chains, b, number)
        figures[STAGE] = 1
    else:
        if stage == 3:
            generation += 1
            if generation % CYCLE == 0:
                if figures[FORMER] < UNKNOWN:
                    copy(parents[0], parents[4], n)
                copy(parents[4], parents[3], n)
                figures[FORMER], figures[ELITE] = figures[ELITE], UNKNOWN
            figures[GENERATION] = generation
        if _distance(tables, chains, b) * ALIKE < n:  # the next parent is random; every second time both are
            figures[COLLAPSES] += 1
            if figures[COLLAPSES] % 2 == 0:
                figures[GENERATION] = 0
                figures[ELITE] = figures[FORMER] = UNKNOWN
            randomise(tables, chains, b, number)
            figures[STAGE] = 0
        else:
            for p in range(2):
                child = parents[2] if p else chains.value[b]
                _cross(tables, chains, b, child, p, 1 - p, number + p)
            figures[STAGE] = 2
    begin(tables, chains, b)


@Kernel
def count_violations(
    tables: Tables, chains: Chains, pair_ptr: Any, pair: Any, groups: Any, violations: Any, low: Any, high: Any
) -> None:
    """Count the hard constraints that the best assignments violate, where those changed since they were last counted.

    Args:
        tables: the graphs.
        chains: the chains.
        pair_ptr, pair: the constraints of two variables, see ``DifferenceArrays``.
        groups: [T + 1] int64, the groups of each graph.
        violations: [B] int64, changed in place.
        low, high: the first chain, and the one after the last.
    """
    for b in range(low, high):
        if not chains.figures[b, NEWER]:
            continue
        chains.figures[b, NEWER] = 0
        violations[b] = 0
        if chains.figures[b, BEST_HARD] == 0:
            continue
        t, best = chains.template[b], chains.best[b]
        for p in range(pair_ptr[t], pair_ptr[t + 1]):
            violations[b] += best[pair[p, 0]] == best[pair[p, 1]]
        seen = np.full(tables.values[t], -1, dtype=np.int64)
        for g in range(groups[t], groups[t + 1]):
            for m in range(tables.group_ptr[g], tables.group_ptr[g + 1]):
                held = best[tables.member[m]]
                if seen[held] == g:
                    violations[b] += 1
                    break
                seen[held] = g
