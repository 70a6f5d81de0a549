"""The tabu kernel of maximum cuts: soft ``!=`` and ``=`` over two values, one flip a move.

Entry v of a chain's ``gamma`` is the change of the cost if v takes its other value, plus TABU where that is tabu and
BLOCKED where v is fixed. The least entry of each block of variables follows the entries of all variables. A flip changes
the entries of the neighbours. A block is scanned again where its least entry may have risen. A tabu flip is made if it
leads below the least cost of the stage.

A chain keeps a pool of its best assignments. A stage of tabu search improves a child of two of them: the child takes the
values that they share, and random ones elsewhere (Lü, Glover and Hao 2010; Wu and Hao 2012).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...engine.moves.compiled import Kernel
from ...engine.moves.draws import GOLDEN, below, mix
from .difference_stages import publish
from .difference_state import (
    CLOCK,
    COLLAPSES,
    COSTS,
    COUNT,
    ENERGY,
    FIXED,
    GENERATION,
    IMPROVED,
    LEAST,
    POOL,
    SAVED,
    STAGE,
    Chains,
    Tables,
    copy,
)

U = np.uint64
DRAWS = 4
"""Numbers of a stream for each move."""
STARTS = U(0x8CB92BA72F3D8DD7)
"""Separates the streams of assignments from those of moves."""
BLOCK = 64
TABU, HALF, BLOCKED = np.int32(1 << 28), np.int32(1 << 27), np.int32(3 << 28)
SHARE = 60
"""The tenure is ``tenure / SHARE`` of the variables, one in a hundred by default, and a random part of up to
``tenure_random`` hundredths of them (Benlic and Hao 2013)."""
LENGTH = 10
"""A stage ends after this many times ``patience`` moves without improvement."""
FUTILE = 40
"""Children in turn that do not enter the pool, after which a chain starts with an empty pool."""
ALIKE = 100
"""Two assignments are alike where they differ in fewer than one variable of this many."""


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
    for block in range((n + BLOCK - 1) // BLOCK):
        chains.until[b, n + block] = 1
    figures = chains.figures[b]
    figures[ENERGY] = figures[LEAST] = energy // 2
    figures[COUNT], figures[SAVED], figures[IMPROVED] = free, 0, figures[CLOCK]


def _flip(tables: Tables, chains: Chains, b: Any, steps: Any, tenure: Any, tenure_random: Any, patience: Any) -> Any:
    """Make moves until the cost is 0, or the stage has not improved for ``patience`` moves."""
    t = chains.template[b]
    n, first = tables.variables[t], tables.variable_ptr[t]
    blocks = (n + BLOCK - 1) // BLOCK
    edge_ptr, edge, edge_weight = tables.edge_ptr, tables.edge, tables.edge_weight
    value, gamma, until = chains.value[b], chains.gamma[b, :n], chains.until[b, :n]
    lowest_of, stale = chains.gamma[b, n:], chains.until[b, n:]
    head, following, literal = chains.ring[b, 0], chains.ring[b, 1], chains.ring[b, 2]
    ring = len(head) - 1
    figures = chains.figures[b]
    key, clock, energy = chains.key[b], figures[CLOCK], figures[ENERGY]
    least, saved, improved = figures[LEAST], figures[SAVED], figures[IMPROVED]
    share = (tenure * n // SHARE >> 16) + 1
    spread = max(1, tenure_random * n // 100)
    lowest_tabu = -np.int64(HALF)  # a lower bound on the changes of tabu flips
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
                    lowest_of[v // U(BLOCK)] = min(lowest_of[v // U(BLOCK)], gamma[v])
                entry = following[U(entry)]

        draw = mix(key + U(clock * DRAWS) * GOLDEN)
        odd = (draw & U(0xFFFFFFFF)) | U(1)
        change, rank, chosen = np.int64(HALF), np.uint32(0), U(0)
        for block in range(U(blocks)):
            if stale[block]:
                stale[block] = 0
                lowest_entry = gamma.dtype.type(np.iinfo(np.int32).max)
                for entry in gamma[block * U(BLOCK) : min((block + U(1)) * U(BLOCK), U(n))]:
                    lowest_entry = min(lowest_entry, entry)
                lowest_of[block] = lowest_entry
            lowest = np.int64(lowest_of[block])
            if lowest <= change:
                hashed = np.uint32((block + U(1)) * odd)
                if lowest < change or hashed > rank:
                    change, rank, chosen = lowest, hashed, U(block)
        aspires = False
        if lowest_tabu < change and energy + lowest_tabu < least:  # a tabu flip may lead below the least cost
            lowest_tabu = np.int64(HALF)
            for back in range(min(share + spread, ring + 1, clock - 1)):
                v = U(literal[U((clock - 1 - back) & ring)])
                if until[v] >= now:
                    smaller = np.int64(gamma[v] - TABU)
                    lowest_tabu = min(lowest_tabu, smaller)
                    if smaller < change and energy + smaller < least:
                        change, chosen, aspires = smaller, v, True
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
            copy(chains.kept[b], value, n)
            saved = 1
        length = share + np.int64(mix(key + U(clock * DRAWS + 1) * GOLDEN) >> U(40)) % spread
        held = value[v]
        for a in range(U(edge_ptr[U(first) + v]), U(edge_ptr[U(first) + v + U(1)])):
            u = edge[a]
            weight = edge_weight[a]
            before = gamma[u]
            after = before + (2 * weight if value[u] == held else -2 * weight)
            gamma[u] = after
            block = u // U(BLOCK)
            if after < before:
                lowest_of[block] = min(lowest_of[block], after)
                if after >= HALF:
                    lowest_tabu = min(lowest_tabu, np.int64(after) - TABU)
            elif before == lowest_of[block]:
                stale[block] = 1
        value[v] = 1 - held
        energy += change
        gamma[v] = -change + TABU
        lowest_tabu = min(lowest_tabu, -change)
        stale[v // U(BLOCK)] = 1
        until[v] = np.int32((clock + length) & 0x3FFFFFFF)
        place, slot = U(clock & ring), U((clock + length) & ring)
        literal[place] = np.int32(v)
        following[place] = head[slot]
        head[slot] = np.int32(place)
        if energy < least:
            least, saved, improved = energy, 0, clock
    figures[CLOCK], figures[ENERGY], figures[LEAST] = clock, energy, least
    figures[SAVED], figures[IMPROVED] = saved, improved
    return taken


def _distance(first: Any, second: Any, n: Any) -> Any:
    """How many variables two assignments place differently."""
    apart = 0
    for v in range(n):
        apart += first[v] != second[v]
    return apart


def _next_stage(tables: Tables, chains: Chains, b: Any) -> None:
    """End a stage: its best assignment may enter the pool, and the next stage starts from a child or at random."""
    figures, pool, value = chains.figures[b], chains.parents[b], chains.value[b]
    n = tables.variables[chains.template[b]]
    publish(tables, chains, b)
    found = chains.kept[b]
    free = figures[COUNT] == n  # then the opposite assignment has the same cost
    size = figures[GENERATION]
    closest, worst, nearest = 0, 0, n + 1
    for i in range(size):
        apart = _distance(pool[i], found, n)
        apart = min(apart, n - apart) if free else apart
        if apart < nearest:
            closest, nearest = i, apart
        if figures[COSTS + i] > figures[COSTS + worst]:
            worst = i
    place = -1
    if nearest * ALIKE < n:
        if figures[LEAST] < figures[COSTS + closest]:
            place = closest
    elif size < POOL:
        place = size
        figures[GENERATION] = size = size + 1
    elif figures[LEAST] < figures[COSTS + worst]:
        place = worst
    figures[COLLAPSES] += 1
    if place >= 0:
        copy(pool[place], found, n)
        figures[COSTS + place] = figures[LEAST]
        figures[COLLAPSES] = 0
    elif figures[COLLAPSES] > FUTILE:
        figures[GENERATION] = figures[COLLAPSES] = size = 0

    stream = mix(chains.key[b] ^ (STARTS * U(figures[CLOCK] + 1)))
    if size < POOL:
        _randomise(chains, b, n, stream)
    else:
        one = below(mix(stream), POOL)
        other = below(mix(stream + GOLDEN), POOL - 1)
        other += other >= one
        opposite = free and 2 * _distance(pool[one], pool[other], n) > n
        for v in range(n):
            value[v] = pool[one, v]
            second = 1 - pool[other, v] if opposite else pool[other, v]
            if value[v] != second and mix(stream + U(v + 2) * GOLDEN) >> U(63):
                value[v] = second
    _begin(tables, chains, b)


def _randomise(chains: Chains, b: Any, n: Any, stream: Any) -> None:
    """Give the free variables of a chain random values."""
    for v in range(n):
        if chains.position[b, v] != FIXED:
            chains.value[b, v] = np.int64(mix(stream + U(v) * GOLDEN) >> U(63))


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
        patience: moves without improvement before a stage ends, times ``LENGTH``.
    """
    for b in range(low, high):
        if not tables.cut[chains.template[b]]:
            continue
        figures = chains.figures[b]
        if figures[STAGE] < 0:
            _randomise(chains, b, tables.variables[chains.template[b]], mix(chains.key[b] ^ STARTS))
            _begin(tables, chains, b)
            figures[STAGE] = 0
        left, longest = steps, patience * LENGTH
        while left > 0 and figures[ENERGY] > 0 and figures[COUNT] > 0:
            left -= _flip(tables, chains, b, left, tenure, tenure_random, longest)
            if figures[ENERGY] > 0 and figures[CLOCK] - figures[IMPROVED] >= longest:
                _next_stage(tables, chains, b)
        publish(tables, chains, b)
