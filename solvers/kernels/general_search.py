"""The moves of min-conflicts with tabu and weights on any graph, compiled for a CPU."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...engine.moves.compiled import Kernel
from ...engine.moves.draws import chance
from .general import evaluated, kept_best, made, offers, tried
from .general_domains import code, contains, decision, drawn, nearest, pick
from .general_state import (
    BLAME,
    CHANGE,
    CLOCK,
    CONSTRAINTS,
    ENERGY,
    HARD,
    LEAST,
    PICK,
    PICK_NEW,
    PICK_U,
    PICK_V,
    PRICED,
    SINCE,
    SMALL,
    SOFT,
    SUGGEST,
    TABLE,
    TIES,
    chain_at,
    tables_at,
)


def _cell(s: Any, v: Any, new: Any) -> Any:
    """The cell of a literal in the table of forbidden literals."""
    mixed = np.uint64(v) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(new) * np.uint64(0xC2B2AE3D27D4EB4F)
    return np.int64((mixed >> np.uint64(17)) & np.uint64(s.number[TABLE] - 1))


def _offer(s: Any, total: Any, v: Any, u: Any, new: Any) -> Any:
    """Keep a candidate if it is the best one that is not forbidden; among ties, a random one."""
    if total > s.real[PICK] + SMALL:
        return
    clock = s.number[CLOCK]
    forbidden = s.tabu[_cell(s, v, new)] >= clock or (u >= 0 and s.tabu[_cell(s, u, s.values[v])] >= clock)
    if forbidden and s.real[ENERGY] + total >= s.real[LEAST] - SMALL:
        return
    if total < s.real[PICK] - SMALL:
        s.number[TIES] = 1
    else:
        s.number[TIES] += 1
        if pick(s, s.number[TIES]) > 0:
            return
    s.real[PICK] = min(total, s.real[PICK])
    s.number[PICK_V], s.number[PICK_U], s.number[PICK_NEW] = v, u, new


def _helps(t: Any, s: Any, c: Any, slot: Any, new: Any) -> Any:
    """Whether a value lowers the degree of a constraint; True for an unknown slot."""
    return slot < 0 or evaluated(t, s, CHANGE, c, slot, new) < 0


def _scan(t: Any, s: Any, v: Any, c: Any, slot: Any, most: Any) -> Any:
    """Offer moves of a variable: all values of a small domain, else a sample.

    Args:
        c, slot: a violated constraint that a value should improve, and the variable's slot there; -1 for none.
        most: the most values.

    Returns:
        The number of candidates evaluated.
    """
    now = s.values[v]
    count = 0
    g = t.group[v]
    if g >= 0:
        begin, size = t.group_ptr[g], t.group_ptr[g + 1] - t.group_ptr[g]
        at = pick(s, size)
        for _ in range(min(size, 4 * most)):
            u = t.members[begin + at]
            at = at + 1 if at + 1 < size else 0
            new = s.values[u]
            if u != v and contains(t, v, new) and contains(t, u, now) and _helps(t, s, c, slot, new):
                _offer(s, tried(t, s, v, u, new), v, u, new)
                count += 1
                if count >= most:
                    break
        return count
    if t.size[v] <= most:
        for i in range(t.size[v]):
            new = code(t, v, i)
            if new != now and _helps(t, s, c, slot, new):
                _offer(s, tried(t, s, v, -1, new), v, -1, new)
                count += 1
        return count
    for _ in range(most):
        new = code(t, v, pick(s, t.size[v]))
        if new != now and _helps(t, s, c, slot, new):
            _offer(s, tried(t, s, v, -1, new), v, -1, new)
            count += 1
    if now < 1 << 60:
        count += _near(t, s, v, c, slot)
    return count


def _near(t: Any, s: Any, v: Any, c: Any, slot: Any) -> Any:
    """Offer computed values of a variable with a wide integer domain.

    They are the neighbours in the domain, its ends, and for violated constraints the value at which the degree becomes
    0 if it changes evenly (Newton's step).
    """
    now = s.values[v]
    count = 0
    step = t.step[v] if t.step[v] != 0 else 1
    for i in range(4):
        if i == 0:
            new = nearest(t, v, now + step)
        elif i == 1:
            new = nearest(t, v, now - step)
        else:
            new = code(t, v, 0 if i == 2 else t.size[v] - 1)
        if new != now and _helps(t, s, c, slot, new):
            _offer(s, tried(t, s, v, -1, new), v, -1, new)
            count += 1
    begin, end = t.occ_ptr[v], t.occ_ptr[v + 1]
    if end - begin > 16:
        begin += pick(s, end - begin - 15)
        end = begin + 16
    for o in range(begin, end):
        d = t.occ_constraint[o]
        degree = s.degree[d]
        if degree == 0:
            continue
        if offers(t, SUGGEST, d):
            for _ in range(2):
                new = nearest(t, v, evaluated(t, s, SUGGEST, d, t.occ_slot[o], pick(s, 1 << 31)))
                if new != now:
                    _offer(s, tried(t, s, v, -1, new), v, -1, new)
                    count += 1
        for sign in (1, -1):
            there = nearest(t, v, now + sign * step)
            if there == now:
                continue
            slope = evaluated(t, s, CHANGE, d, t.occ_slot[o], there)
            if slope < 0:
                away = degree // -slope
                for extra in range(2):
                    new = nearest(t, v, now + (there - now) * (away + extra))
                    if new != now:
                        _offer(s, tried(t, s, v, -1, new), v, -1, new)
                        count += 1
                if away * -slope == degree:
                    break
    return count


def _scanned(t: Any, s: Any, c: Any, variables: Any, most: Any) -> Any:
    """Offer moves of the variables of a violated constraint. Returns the number of candidates evaluated."""
    begin = t.scope_ptr[c]
    size = t.scope_ptr[c + 1] - begin
    at = pick(s, size)
    used = count = 0
    blames = t.hidden[c] == 0 and offers(t, BLAME, c)
    for _ in range(size):
        v = np.int64(t.scope[begin + at])
        slot = at
        at = at + 1 if at + 1 < size else 0
        if blames and evaluated(t, s, BLAME, c, slot, 0) == 0:
            continue
        if t.hidden[c]:
            w = decision(t, s, v)
            slot = slot if w == v else -1
            v = w
        if v >= 0 and t.free[v]:
            found = _scan(t, s, v, c, slot, most)
            count += found
            used += int(found > 0)
            if used >= variables:
                break
    return count


def _forbid(t: Any, s: Any, v: Any, value: Any, tenure: Any, spread: Any) -> Any:
    """Forbid a literal for some moves."""
    s.tabu[_cell(s, v, value)] = s.number[CLOCK] + tenure + pick(s, spread)


@Kernel
def searched(tables: Any, chain: Any, moves: Any, parameters: Any) -> Any:
    """Make moves of min-conflicts with tabu and weights.

    Args:
        tables, chain: addresses of the arrays of the graph and of the row.
        moves: how many.
        parameters: the most variables of a constraint and values of a variable that are evaluated; fixed and random part
            of the tabu tenure, in moves; chance of a random value; growth of the weights.

    Returns:
        The number of moves. It is lower where the chain has found a solution and there is no cost.
    """
    t, s = tables_at(tables), chain_at(chain)
    variables, most, tenure, spread = int(parameters[0]), int(parameters[1]), int(parameters[2]), int(parameters[3])
    noise, raised = parameters[4], parameters[5] * t.unit[0]
    for move in range(moves):
        priced = t.count[PRICED] > 0 or s.number[SOFT] > 0
        if s.number[HARD] == 0 and not priced:
            return move
        s.number[CLOCK] += 1
        s.real[PICK] = 1e300
        s.number[TIES] = 0
        s.number[PICK_V] = -1
        c = -1
        if s.number[HARD] > 0:
            c = s.violated[pick(s, s.number[HARD])]
        elif s.number[SOFT] > 0 and (t.count[PRICED] == 0 or pick(s, 2) == 0):
            c = s.violated[t.count[CONSTRAINTS] - 1 - pick(s, s.number[SOFT])]
        if c >= 0:
            if noise > 0 and chance(drawn(s)) < noise:
                at = t.scope_ptr[c] + pick(s, t.scope_ptr[c + 1] - t.scope_ptr[c])
                v = decision(t, s, np.int64(t.scope[at]))
                if v >= 0:
                    _scan(t, s, v, -1, -1, 1)
            else:
                _scanned(t, s, c, variables, most)
        else:
            for _ in range(4):
                v = decision(t, s, t.priced[pick(s, t.count[PRICED])])
                if v >= 0:
                    _scan(t, s, v, -1, -1, most)
        if (s.number[PICK_V] < 0 or s.real[PICK] >= -SMALL) and c >= 0 and t.soft[c] == 0:
            s.weight[c] += raised
            s.real[ENERGY] += raised * s.degree[c]
            s.real[LEAST] = min(s.real[LEAST] + raised, s.real[ENERGY])
        v, u, new = s.number[PICK_V], s.number[PICK_U], s.number[PICK_NEW]
        if v < 0:
            continue
        _forbid(t, s, v, s.values[v], tenure, spread)
        if u >= 0:
            _forbid(t, s, u, s.values[u], tenure, spread)
        made(t, s, v, u, new)
        if s.real[ENERGY] < s.real[LEAST] - SMALL:
            s.real[LEAST] = s.real[ENERGY]
            s.number[SINCE] = s.number[CLOCK]
        kept_best(t, s)
    return moves
