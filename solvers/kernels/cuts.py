"""The tabu kernel of maximum cuts: soft ``!=`` and ``=`` over two values, one flip a move.

Entry v of a chain's ``gamma`` is the change of the cost if v takes its other value, plus TABU where that is tabu and
BLOCKED where v is fixed. The least entry of each block of variables follows the entries of all variables. A flip changes
the entries of the neighbours, so only their blocks are scanned again. A tabu flip is made if it leads below the least cost
of the stage.
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
    IMPROVED,
    LEAST,
    NEWER,
    SAVED,
    STAGE,
    UNKNOWN,
    Chains,
    Tables,
)

U = np.uint64
DRAWS = 4
"""Numbers of a stream for each move."""
STARTS = U(0x8CB92BA72F3D8DD7)
"""Separates the streams of random flips from those of moves."""
BLOCK = 64
TABU, HALF, BLOCKED = np.int32(1 << 28), np.int32(1 << 27), np.int32(3 << 28)
SHARE = 60
"""The tenure is ``tenure / SHARE`` of the variables, one in a hundred by default, and a random part of up to
``tenure_random`` hundredths of them (Benlic and Hao 2013)."""
FUTILE = 40
"""Stages without a better elite assignment after which a chain starts from a random one."""


def _begin(tables: Tables, chains: Chains, b: Any) -> None:
    """Compute the entries and the cost of a chain from its values, and start a stage."""
    t = chains.template[b]
    n, first = tables.variables[t], tables.variable_ptr[t]
    value, gamma = chains.value[b], chains.gamma[b]
    for i in range(chains.ring.shape[2]):
        chains.ring[b, 0, i] = -1
    energy = np.int64(0)
    free = 0
    for v in range(n):
        change = np.int64(0)
        for a in range(tables.edge_ptr[first + v], tables.edge_ptr[first + v + 1]):
            weight = np.int64(tables.edge_weight[a])
            equal = value[tables.edge[a]] == value[v]
            change += -weight if equal else weight
            if equal == (weight > 0):  # violated
                energy += abs(weight)
        free += chains.position[b, v] != FIXED
        gamma[v] = change + BLOCKED if chains.position[b, v] == FIXED else change
        chains.until[b, v] = 0
    blocks = (n + BLOCK - 1) // BLOCK
    for block in range(blocks):
        _scan(gamma, n, block)
    figures = chains.figures[b]
    figures[ENERGY] = figures[LEAST] = energy // 2
    figures[COUNT], figures[SAVED], figures[IMPROVED] = free, 0, figures[CLOCK]


def _scan(gamma: Any, n: Any, block: Any) -> None:
    """Store the least entry of a block, and the least one if no flip were tabu."""
    lowest = lowest_of_all = gamma.dtype.type(np.iinfo(np.int32).max)
    for entry in gamma[block * BLOCK : min((block + 1) * BLOCK, n)]:
        lowest = min(lowest, entry)
        lowest_of_all = min(lowest_of_all, entry if entry < HALF or entry >= BLOCKED - HALF else entry - TABU)
    gamma[n + 2 * block] = lowest
    gamma[n + 2 * block + 1] = lowest_of_all


def _copy(to: Any, values: Any, n: Any) -> None:
    """Copy n numbers. Assignments of slices take seconds to compile."""
    for v in range(n):
        to[v] = values[v]


def _publish(tables: Tables, chains: Chains, b: Any) -> None:
    """Store the stage's best assignment in ``kept``, and in ``best`` if it is better than that."""
    figures = chains.figures[b]
    n = tables.variables[chains.template[b]]
    if not figures[SAVED]:
        _copy(chains.kept[b], chains.value[b], n)
        figures[SAVED] = 1
    if figures[LEAST] < figures[BEST]:
        _copy(chains.best[b], chains.kept[b], n)
        figures[BEST], figures[BEST_HARD], figures[NEWER] = figures[LEAST], 0, 1


def _flip(tables: Tables, chains: Chains, b: Any, steps: Any, tenure: Any, tenure_random: Any, patience: Any) -> Any:
    """Make moves until the cost is 0, or the stage has not improved for ``patience`` moves."""
    t = chains.template[b]
    n, first = tables.variables[t], tables.variable_ptr[t]
    blocks = (n + BLOCK - 1) // BLOCK
    edge_ptr, edge, edge_weight = tables.edge_ptr, tables.edge, tables.edge_weight
    value, gamma, until = chains.value[b], chains.gamma[b], chains.until[b]
    head, following, literal = chains.ring[b, 0], chains.ring[b, 1], chains.ring[b, 2]
    ring = len(head) - 1
    figures = chains.figures[b]
    key, clock, energy = chains.key[b], figures[CLOCK], figures[ENERGY]
    least, saved, improved = figures[LEAST], figures[SAVED], figures[IMPROVED]
    share = (tenure * n // SHARE >> 16) + 1
    spread = max(1, tenure_random * n // 100)
    taken = 0
    while taken < steps and energy > 0 and clock - improved < patience:
        taken += 1
        clock += 1
        now = np.int32(clock & 0x3FFFFFFF)
        place = U((clock - 1) & ring)
        entry = head[place]
        if entry >= 0:
            head[place] = -1
            while entry >= 0:
                v = U(literal[U(entry)])
                if until[v] == np.int32((clock - 1) & 0x3FFFFFFF):
                    gamma[v] -= TABU
                    until[v] = 0
                    least_entry = U(n) + v // U(BLOCK) * U(2)
                    gamma[least_entry] = min(gamma[least_entry], gamma[v])
                entry = following[U(entry)]

        draw = mix(key + U(clock * DRAWS) * GOLDEN)
        odd = (draw & U(0xFFFFFFFF)) | U(1)
        change, rank, chosen = np.int64(HALF), np.uint32(0), U(0)
        lowest_of_all = np.int64(BLOCKED)
        for block in range(U(blocks)):
            lowest = np.int64(gamma[U(n) + block * U(2)])
            lowest_of_all = min(lowest_of_all, np.int64(gamma[U(n) + block * U(2) + U(1)]))
            if lowest <= change:
                hashed = np.uint32((block + U(1)) * odd)
                if lowest < change or hashed > rank:
                    change, rank, chosen = lowest, hashed, U(block)
        aspires = False
        if lowest_of_all < change and energy + lowest_of_all < least:  # a tabu flip leads below the least cost
            for back in range(min(share + spread, ring + 1, clock - 1)):
                v = U(literal[U((clock - 1 - back) & ring)])
                if until[v] >= now and gamma[v] - TABU < change and energy + gamma[v] - TABU < least:
                    change, chosen, aspires = np.int64(gamma[v] - TABU), v, True
        if change >= HALF:
            continue
        v = chosen
        if not aspires:
            low, high = chosen * U(BLOCK), min((chosen + U(1)) * U(BLOCK), U(n))
            wanted = np.int32(change)
            ties = 0
            for entry in gamma[low:high]:
                ties += entry == wanted
            number = below(draw, ties)
            v = low
            while True:
                if gamma[v] == wanted:
                    if number == 0:
                        break
                    number -= 1
                v += U(1)

        if not saved and energy + change > least:
            _copy(chains.kept[b], value, n)
            saved = 1
        length = share + np.int64(mix(key + U(clock * DRAWS + 1) * GOLDEN) >> U(40)) % spread
        held = value[v]
        for a in range(U(edge_ptr[U(first) + v]), U(edge_ptr[U(first) + v + U(1)])):
            u = edge[a]
            weight = edge_weight[a]
            gamma[u] += 2 * weight if value[u] == held else -2 * weight
            until[U(n) + u // U(BLOCK)] = now  # this block is scanned below
        value[v] = 1 - held
        energy += change
        gamma[v] = -change + TABU
        until[U(n) + v // U(BLOCK)] = now
        until[v] = np.int32((clock + length) & 0x3FFFFFFF)
        place, slot = U(clock & ring), U((clock + length) & ring)
        literal[place] = np.int32(v)
        following[place] = head[slot]
        head[slot] = np.int32(place)
        for block in range(blocks):
            if until[n + block] == now:
                _scan(gamma, n, block)
        if energy < least:
            least, saved, improved = energy, 0, clock
    figures[CLOCK], figures[ENERGY], figures[LEAST] = clock, energy, least
    figures[SAVED], figures[IMPROVED] = saved, improved
    return taken


def _next_stage(tables: Tables, chains: Chains, b: Any) -> None:
    """End a stage: the next one starts from the elite assignment with random flips (iterated local search)."""
    figures = chains.figures[b]
    n = tables.variables[chains.template[b]]
    elite = chains.parents[b, 0]
    _publish(tables, chains, b)
    stream = mix(chains.key[b] ^ (STARTS * U(figures[CLOCK] + 1)))
    if figures[LEAST] < figures[ELITE]:
        figures[COLLAPSES] = 0
    if figures[LEAST] <= figures[ELITE]:
        figures[ELITE] = figures[LEAST]
        _copy(elite, chains.kept[b], n)
    figures[COLLAPSES] += 1
    odds = np.int64(4 << below(stream, 5))  # one in 4 to 64 variables flips
    if figures[COLLAPSES] > FUTILE:
        figures[COLLAPSES], figures[ELITE], odds = 0, UNKNOWN, np.int64(2)
    for v in range(n):
        chains.value[b, v] = elite[v]
        if chains.position[b, v] != FIXED and below(mix(stream + U(v + 1) * GOLDEN), odds) == 0:
            chains.value[b, v] = 1 - elite[v]
    _begin(tables, chains, b)


@Kernel
def make_flips(
    tables: Tables, chains: Chains, low: Any, high: Any, steps: Any, tenure: Any, tenure_random: Any, patience: Any
) -> None:
    """Make moves in those chains that search for a cut, the same number in each.

    A new chain first gets a random assignment. A chain whose cost is 0 makes no more moves.

    Args:
        tables: the graphs.
        chains: changed in place.
        low, high: the first chain, and the one after the last.
        steps: moves of each chain.
        tenure: tabu tenure, in 1/65536 of a move for each variable, times ``SHARE``.
        tenure_random: random part of the tenure, up to this many hundredths of the variables.
        patience: moves without improvement before a stage ends.
    """
    for b in range(low, high):
        if not tables.cut[chains.template[b]]:
            continue
        figures = chains.figures[b]
        if figures[STAGE] < 0:
            for v in range(tables.variables[chains.template[b]]):
                if chains.position[b, v] != FIXED:
                    chains.value[b, v] = np.int64(mix(mix(chains.key[b] ^ STARTS) + U(v) * GOLDEN) >> U(63))
            _begin(tables, chains, b)
            figures[STAGE] = 0
        left = steps
        while left > 0 and figures[ENERGY] > 0 and figures[COUNT] > 0:
            left -= _flip(tables, chains, b, left, tenure, tenure_random, patience)
            if figures[ENERGY] > 0 and figures[CLOCK] - figures[IMPROVED] >= patience:
                _next_stage(tables, chains, b)
        _publish(tables, chains, b)
