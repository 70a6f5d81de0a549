"""The tabu kernel of graphs of differences on a CPU: TabuCol moves, and recombination of a chain's best assignments.

A move of a chain (``differences.cu`` makes the same moves):

* Literals whose last tabu move was the previous one stop being tabu.
* Candidates are the other values of all variables in conflict that are not fixed. The change of a candidate is
  gamma (v, new) - gamma (v, present). A tabu candidate counts only if it leads below the least energy of the stage.
* The chain makes a candidate move of least change. Among variables that tie, the one of largest hash moves, where the hash
  of v is the low 32 bits of ``(v + 1) * (draw 0 | 1)``. Among its values that tie, ascending, it takes number
  ``(draw 0 >> 32) * ties >> 32``.
* The old literal is tabu for the next ``(tenure * conflicting >> 16) + 1 + (draw 1 >> 40) % tenure_random`` moves, where
  ``conflicting`` counts variables in conflict before the move. Without a candidate only the clock advances.

Draw i of move m is ``mix(key + (m * DRAWS + i) * GOLDEN)``, ``mix`` being the finaliser of splitmix64.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...engine.moves.compiled import Kernel
from ...engine.moves.draws import GOLDEN, below, mix
from .difference_stages import begin, next_stage, publish, randomise
from .difference_state import (
    CLOCK,
    COUNT,
    ENERGY,
    HARD,
    IMPROVED,
    LEAST,
    LEAST_HARD,
    SAVED,
    STAGE,
    UNKNOWN,
    Chains,
    Tables,
    copy,
)

U = np.uint64
DRAWS = 4
"""Numbers of a stream for each move."""
LENGTHS = U(3)
"""Mask of the exponents by which the stages of a chain are longer than those of others."""


def _search(tables: Tables, chains: Chains, b: Any, steps: Any, tenure: Any, tenure_random: Any, patience: Any) -> Any:
    """Make moves until nothing is violated, or the stage has not improved for ``patience`` moves."""
    t = chains.template[b]
    stride = U(tables.stride[t])
    span = tables.stride[t] if tables.stride[t] > 8 else tables.values[t]
    first = tables.variable_ptr[t]
    unit, soft, hard_weight = tables.unit[t], tables.soft[t], tables.hard_weight[t]
    edge_ptr, edge, edge_weight = tables.edge_ptr, tables.edge, tables.edge_weight
    occurrence_ptr, occurrence = tables.occurrence_ptr, tables.occurrence
    group_ptr, member, group_weight = tables.group_ptr, tables.member, tables.group_weight
    value, gamma, until = chains.value[b], chains.gamma[b], chains.until[b]
    conflicting, position = chains.conflicting[b], chains.position[b]
    head, following, literal = chains.ring[b, 0], chains.ring[b, 1], chains.ring[b, 2]
    ring = len(head) - 1
    figures = chains.figures[b]
    key, clock = chains.key[b], figures[CLOCK]
    energy, hard, count = figures[ENERGY], figures[HARD], figures[COUNT]
    least, least_hard, saved = figures[LEAST], figures[LEAST_HARD], figures[SAVED]
    improved = figures[IMPROVED]
    tabu = 1 << 13 if chains.gamma.itemsize == 2 else 1 << 28
    weight_mask, blocked = tabu - 1, 2 * tabu
    one = gamma.dtype.type(1)
    highest = gamma.dtype.type(3 * tabu)
    taken = 0
    while taken < steps and energy > 0 and clock - improved < patience:
        taken += 1
        clock += 1
        # Literals whose tabu ended with the last move. An entry that a later move renewed is skipped.
        place = U((clock - 1) & ring)
        entry = head[place]
        if entry >= 0:
            head[place] = -1
            while entry >= 0:
                at = U(literal[U(entry)])
                if until[at] == np.int32((clock - 1) & 0x3FFFFFFF):
                    gamma[at] -= tabu
                    until[at] = 0
                entry = following[U(entry)]

        # The best candidate. One pass over a row of gamma finds its least entry, tabu ones apart.
        draw = mix(key + U(clock * DRAWS) * GOLDEN)
        odd = (draw & U(0xFFFFFFFF)) | U(1)
        slack = energy - least
        change, rank, chosen = np.int64(1 << 40), np.uint32(0), U(0)
        aspires = found = False
        for i in range(count):
            v = U(conflicting[U(i)])
            base = v * stride
            own = np.int64(gamma[base + U(value[v])]) & weight_mask
            row = gamma[base : base + stride]
            lowest = highest
            for c in range(span):
                lowest = min(lowest, row[c])
            smallest = np.int64(lowest)
            aspiring = False
            if own > slack:  # a tabu move may lead below the least energy
                limit = own - slack
                for c in range(span):
                    entry_weight = np.int64(row[c]) - tabu
                    if 0 <= entry_weight < tabu and entry_weight < limit and entry_weight < smallest:
                        smallest = entry_weight
                        aspiring = True
            if smallest < tabu and smallest - own <= change:
                hashed = np.uint32((v + U(1)) * odd)  # numba multiplies in 64 bits
                if smallest - own < change or hashed > rank:
                    change, rank, chosen, aspires, found = smallest - own, hashed, v, aspiring, True
        if not found:
            continue
        v = chosen
        base = v * stride
        row = gamma[base : base + stride]
        old = U(value[v])
        own = np.int64(row[old]) & weight_mask
        target = change + own
        wanted = gamma.dtype.type(target)
        ties = 0
        if aspires:
            for c in range(span):
                ties += row[c] < blocked and (row[c] & weight_mask) == target
        else:
            for c in range(span):
                ties += row[c] == wanted
        number = below(draw, ties)
        new = U(0)
        while True:
            if row[new] == wanted or (aspires and row[new] < blocked and (row[new] & weight_mask) == target):
                if number == 0:
                    break
                number -= 1
            new += U(1)

        hard_after = hard + target // hard_weight - own // hard_weight if soft else energy + change
        if not saved:
            worse = hard_after > least_hard or (hard_after == least_hard and energy + change >= least)
            if worse:
                copy(chains.kept[b], value, len(value))
                saved = 1
        length = (tenure * count >> 16) + 1
        length += np.int64(mix(key + U(clock * DRAWS + 1) * GOLDEN) >> U(40)) % tenure_random
        old32, new32 = np.int32(old), np.int32(new)
        if unit:
            for a in range(U(edge_ptr[first + v]), U(edge_ptr[first + v + U(1)])):
                u = edge[a]
                at = u * stride
                less, more = gamma[at + old] - one, gamma[at + new] + one
                gamma[at + old] = less
                gamma[at + new] = more
                held = value[u]
                if held == old32:
                    if np.int64(less) & weight_mask == 0 and position[u] >= 0:
                        count -= 1
                        last, hole = conflicting[U(count)], position[u]
                        conflicting[U(hole)] = last
                        position[U(last)] = hole
                        position[u] = -1
                elif held == new32 and np.int64(more) & weight_mask == 1 and position[u] == -1:
                    conflicting[U(count)] = np.int32(u)
                    position[u] = count
                    count += 1
        else:
            for a in range(U(edge_ptr[first + v]), U(edge_ptr[first + v + U(1)])):
                u = edge[a]
                at = u * stride
                weight = edge_weight[a]
                gamma[at + old] -= weight
                gamma[at + new] += weight
                held = value[u]
                if held == old32 and np.int64(gamma[at + old]) & weight_mask == 0 and position[u] >= 0:
                    count -= 1
                    last, hole = conflicting[U(count)], position[u]
                    conflicting[U(hole)] = last
                    position[U(last)] = hole
                    position[u] = -1
                elif held == new32 and position[u] == -1:
                    conflicting[U(count)] = np.int32(u)
                    position[u] = count
                    count += 1
        for o in range(U(occurrence_ptr[first + v]), U(occurrence_ptr[first + v + U(1)])):
            g = occurrence[o]
            weight = group_weight[g]
            for m in range(U(group_ptr[g]), U(group_ptr[g + U(1)])):
                u = member[m]
                at = u * stride
                gamma[at + old] -= weight
                gamma[at + new] += weight
                held = value[u]
                if held == old32:
                    if np.int64(gamma[at + old]) & weight_mask == 0 and position[u] >= 0 and U(u) != v:
                        count -= 1
                        last, hole = conflicting[U(count)], position[u]
                        conflicting[U(hole)] = last
                        position[U(last)] = hole
                        position[u] = -1
                elif held == new32 and position[u] == -1:
                    conflicting[U(count)] = np.int32(u)
                    position[u] = count
                    count += 1
            row[old] += weight  # the loop also reached v itself, which is not its own neighbour
            row[new] -= weight
        energy += change
        hard = hard_after
        value[v] = new32
        row[new] += blocked
        row[old] -= blocked
        if np.int64(row[new]) & weight_mask == 0:
            count -= 1
            last, hole = conflicting[U(count)], position[v]
            conflicting[U(hole)] = last
            position[U(last)] = hole
            position[v] = -1

        # The old literal becomes tabu: an entry in the list of the move after which it ends.
        if row[old] < tabu:
            row[old] += tabu
        until[base + old] = np.int32((clock + length) & 0x3FFFFFFF)
        place, entry = U(clock & ring), U((clock + length) & ring)
        literal[place] = np.int32(base + old)
        following[place] = head[entry]
        head[entry] = np.int32(place)
        if hard < least_hard or (hard == least_hard and energy < least):
            least, least_hard, saved, improved = energy, hard, 0, clock
    figures[CLOCK], figures[ENERGY], figures[HARD], figures[COUNT] = clock, energy, hard, count
    figures[LEAST], figures[LEAST_HARD], figures[SAVED], figures[IMPROVED] = least, least_hard, saved, improved
    return taken


@Kernel
def make_moves(
    tables: Tables, chains: Chains, low: Any, high: Any, steps: Any, tenure: Any, tenure_random: Any, patience: Any
) -> None:
    """Make moves in some chains, the same number in each. A chain that violates nothing makes no more.

    A new chain first gets a random assignment.

    Args:
        tables: the graphs.
        chains: changed in place.
        low, high: the first chain, and the one after the last.
        steps: moves of each chain.
        tenure: tabu tenure for each variable in conflict, in 1/65536 of a move.
        tenure_random: random part of the tenure, up to this many moves.
        patience: moves without improvement before a stage ends, times 1, 2, 4 or 8 by the chain's key; 0 for no stages.
            A chain with an odd key has no stages.
    """
    for b in range(low, high):
        if tables.cut[chains.template[b]]:
            continue
        if chains.figures[b, STAGE] < 0:
            randomise(tables, chains, b, 0)
            begin(tables, chains, b)
            chains.figures[b, STAGE] = 0
        stages = patience and not chains.key[b] & U(1)
        longest = patience << np.int64(mix(chains.key[b]) & LENGTHS) if stages else UNKNOWN
        left = steps
        while left > 0 and chains.figures[b, ENERGY] > 0:
            if chains.figures[b, COUNT] == 0:  # only fixed variables are in conflict
                break
            left -= _search(tables, chains, b, left, tenure, tenure_random, longest)
            if chains.figures[b, ENERGY] > 0 and chains.figures[b, CLOCK] - chains.figures[b, IMPROVED] >= longest:
                next_stage(tables, chains, b)
        publish(tables, chains, b)
