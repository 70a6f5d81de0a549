"""The moves of simulated annealing on any graph, compiled for a CPU."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...engine.moves.compiled import Kernel
from ...engine.moves.draws import chance
from .general import evaluated, kept_best, offers, place_value, settle, undo
from .general_domains import code, contains, decision, drawn, nearest, pick
from .general_state import (
    CLOCK,
    COST,
    DECISIONS,
    ENERGY,
    HARD,
    HEAT,
    HOT,
    LEFT,
    PRICED,
    RING,
    RINGED,
    ROUND,
    SMALL,
    SOFT,
    SUGGEST,
    TRAIL,
    TRIED,
    chain_at,
    tables_at,
)

SAMPLE = 64
"""Moves from which a chain takes its first temperature."""
LONGEST = 50
"""The longest part of a tour that a move turns around."""


def _value(t: Any, s: Any, v: Any) -> Any:
    """A random value of a variable: any of a narrow domain; of a wide one a neighbour, any, or one that a kind suggests."""
    size = t.size[v]
    now = s.values[v]
    if size > 64 and now < 1 << 60:
        way = pick(s, 3)
        if way == 0:
            away = 1 << pick(s, 20)
            return nearest(t, v, now + pick(s, 2 * away + 1) - away)
        count = t.occ_ptr[v + 1] - t.occ_ptr[v]
        if way == 1 and count > 0:
            o = t.occ_ptr[v] + pick(s, count)
            c = t.occ_constraint[o]
            if offers(t, SUGGEST, c):
                return nearest(t, v, evaluated(t, s, SUGGEST, c, t.occ_slot[o], pick(s, 1 << 31)))
    return code(t, v, pick(s, min(size, (1 << 32) - 1)))


def _turn(t: Any, s: Any) -> Any:
    """Change the tour: turn a part of it around (2-opt), or move a short part elsewhere (or-opt)."""
    n = t.count[RING]
    a = pick(s, n)
    first = s.values[t.ring[a]]
    longest = min(LONGEST, n - 2)
    if pick(s, 2) == 0:
        length = 1 + pick(s, 1 + pick(s, longest))
        last = first
        for _ in range(length - 1):
            last = s.values[t.ring[last]]
        after = s.values[t.ring[last]]
        before, city = after, first
        place_value(t, s, t.ring[a], last)
        for _ in range(length):
            following = s.values[t.ring[city]]
            if s.values[t.ring[city]] != before:
                place_value(t, s, t.ring[city], before)
            before, city = city, following
        return
    length = 1 + pick(s, min(3, n - 3))
    last = first
    target = pick(s, n)
    inside = target in (a, first)
    for _ in range(length - 1):
        last = s.values[t.ring[last]]
        inside = inside or target == last
    if inside:
        return
    after, behind = s.values[t.ring[last]], s.values[t.ring[target]]
    place_value(t, s, t.ring[a], after)
    place_value(t, s, t.ring[last], behind)
    place_value(t, s, t.ring[target], first)


def _proposed(t: Any, s: Any) -> Any:
    """Make a random move; the trail allows to undo it."""
    s.number[TRAIL] = 0
    s.number[TRIED] += 1
    v = np.int64(-1)
    if s.number[HARD] > 0 and pick(s, 2) == 0:
        c = s.violated[pick(s, s.number[HARD])]
        v = decision(t, s, np.int64(t.scope[t.scope_ptr[c] + pick(s, t.scope_ptr[c + 1] - t.scope_ptr[c])]))
    if v < 0:
        v = t.decisions[pick(s, t.count[DECISIONS])]
    g = t.group[v]
    if g == RINGED:
        _turn(t, s)
    elif g >= 0:
        begin = t.group_ptr[g]
        u = t.members[begin + pick(s, t.group_ptr[g + 1] - begin)]
        old, new = s.values[v], s.values[u]
        if u != v and contains(t, v, new) and contains(t, u, old):
            place_value(t, s, v, new)
            place_value(t, s, u, old)
    else:
        new = _value(t, s, v)
        if new != s.values[v]:
            place_value(t, s, v, new)
    settle(t, s)


def _warmed(t: Any, s: Any) -> Any:
    """Set the first temperature: the mean loss of random moves."""
    total, count = 0.0, 0
    energy, cost = s.real[ENERGY], s.real[COST]
    for _ in range(SAMPLE):
        _proposed(t, s)
        loss = abs(s.real[ENERGY] - energy)
        undo(t, s)
        s.real[ENERGY], s.real[COST] = energy, cost
        if loss > SMALL:
            total += loss
            count += 1
    s.real[HOT] = total / count if count > 0 else 1.0


@Kernel
def annealed(tables: Any, chain: Any, moves: Any, parameters: Any) -> Any:
    """Make moves of simulated annealing.

    Args:
        tables, chain: addresses of the arrays of the graph and of the row.
        moves: how many.
        parameters: moves for each decision in the first round; temperature at the beginning of a round as a multiple of
            the mean loss of a random move; temperature at its end as a multiple of that at its beginning; growth of the
            length of a round.

    Returns:
        The number of moves. It is lower where the chain has found a solution and there is no cost.
    """
    t, s = tables_at(tables), chain_at(chain)
    for move in range(moves):
        if (s.number[HARD] == 0 and t.count[PRICED] == 0 and s.number[SOFT] == 0) or t.count[DECISIONS] == 0:
            return move
        s.number[CLOCK] += 1
        if s.number[LEFT] == 0:
            if s.number[ROUND] == 0:
                _warmed(t, s)
                s.number[ROUND] = max(SAMPLE, int(parameters[0] * t.count[DECISIONS]))
            else:
                s.number[ROUND] = int(min(s.number[ROUND] * parameters[3], 1e12))
                # Constraints violated at the end of a round weigh more in the next one.
                for at in range(s.number[HARD]):
                    c = s.violated[at]
                    s.weight[c] += t.unit[0]
                    s.real[ENERGY] += t.unit[0] * s.degree[c]
            s.number[LEFT] = s.number[ROUND]
            s.real[HEAT] = s.real[HOT] * parameters[1]
        s.number[LEFT] -= 1
        if s.number[LEFT] % 64 == 0:  # the factor of one move is too near to 1 for a power at every move
            s.real[HEAT] *= parameters[2] ** (64.0 / s.number[ROUND])
        energy, cost = s.real[ENERGY], s.real[COST]
        _proposed(t, s)
        loss = s.real[ENERGY] - energy
        if loss > 0 and chance(drawn(s)) >= math.exp(-loss / s.real[HEAT]):
            undo(t, s)
            s.real[ENERGY], s.real[COST] = energy, cost
        elif loss < 0:
            kept_best(t, s)
    return moves
