"""Changes of one assignment on any graph: the engine of ``minconflicts`` and ``anneal``, compiled for a CPU.

A chain keeps the violation degree of every constraint, the lists of violated constraints, and its energy: the weighted
degrees of the hard constraints, plus the cost (objective and soft constraints). ``place_value`` changes one variable, and
``settle`` computes the variables that constraints define. A change that was only tried is undone in reverse order.

The functions are plain Python in the subset that numba compiles. ``t`` are the tables of a graph, ``s`` is a chain.
"""

from __future__ import annotations

from typing import Any

from ...engine.moves.compiled import Kernel
from ...engine.moves.intrinsics import call, place
from .general_domains import code, nearest
from .general_state import (
    APPLY,
    BEST_COST,
    BEST_HARD,
    CHANGE,
    CONSTRAINTS,
    COST,
    DEFINED,
    ENERGY,
    HARD,
    LEAST,
    SMALL,
    SOFT,
    START,
    SUGGEST,
    TRAIL,
    TRIED,
    VARIABLES,
    WAITING,
    chain_at,
    tables_at,
)

# Evaluation and changes -----------------------------------------------------------------------------------------------


def evaluated(t: Any, s: Any, which: Any, c: Any, slot: Any, new: Any) -> Any:
    """What a function of a constraint returns.

    Args:
        t, s: the tables and the chain.
        which: ``START``, ``CHANGE``, ``APPLY``, ``SUGGEST`` or ``BLAME``.
        c, slot, new: the constraint, the slot that changes and its new code.
    """
    return call(
        t.functions[5 * t.kind[c] + which],
        place(s.values),
        place(t.scope) + 4 * t.scope_ptr[c],
        t.scope_ptr[c + 1] - t.scope_ptr[c],
        place(t.params) + 8 * t.params_at[c],
        place(s.memory) + 8 * t.memory_at[c],
        slot,
        new,
    )


def offers(t: Any, which: Any, c: Any) -> Any:
    """Whether the kind of a constraint has an optional function.

    Args:
        t: the tables.
        which: ``SUGGEST`` or ``BLAME``.
        c: the constraint.
    """
    return t.functions[5 * t.kind[c] + which] != 0


def _change(t: Any, s: Any, v: Any, new: Any) -> Any:
    """The change of the energy if a variable that drives no other one takes a value."""
    s.number[TRIED] += 1
    total = t.objective[v] * (new - s.values[v]) if t.objective[v] != 0 else 0.0
    for o in range(t.occ_ptr[v], t.occ_ptr[v + 1]):
        c = t.occ_constraint[o]
        found = evaluated(t, s, CHANGE, c, t.occ_slot[o], new)
        if found != 0:
            if t.soft[c] == 0:
                total += s.weight[c] * found
            else:
                total += t.soft[c] * (int(s.degree[c] + found > 0) - int(s.degree[c] > 0))
    return total


def _listed_as_violated(t: Any, s: Any, c: Any) -> Any:
    """Append a constraint to its list."""
    if t.soft[c] == 0:
        at = s.number[HARD]
        s.number[HARD] = at + 1
    else:
        at = t.count[CONSTRAINTS] - 1 - s.number[SOFT]
        s.number[SOFT] += 1
    s.violated[at] = c
    s.place[c] = at


def _listed_as_satisfied(t: Any, s: Any, c: Any) -> Any:
    """Remove a constraint from its list: the last one takes its place."""
    at = s.place[c]
    if t.soft[c] == 0:
        s.number[HARD] -= 1
        last = s.number[HARD]
    else:
        s.number[SOFT] -= 1
        last = t.count[CONSTRAINTS] - 1 - s.number[SOFT]
    moved = s.violated[last]
    s.violated[at] = moved
    s.place[moved] = at
    s.place[c] = -1


def _record(t: Any, s: Any, c: Any, found: Any) -> Any:
    """Change the degree of a constraint, the energy and the lists."""
    before = s.degree[c]
    after = before + found
    s.degree[c] = after
    if t.soft[c] == 0:
        s.real[ENERGY] += s.weight[c] * found
    if (before > 0) == (after > 0):
        return
    if after > 0:
        _listed_as_violated(t, s, c)
    else:
        _listed_as_satisfied(t, s, c)
    if t.soft[c] != 0:
        cost = t.soft[c] if after > 0 else -t.soft[c]
        s.real[COST] += cost
        s.real[ENERGY] += cost


def _write(t: Any, s: Any, v: Any, new: Any, follow: Any) -> Any:
    """Change one variable. With ``follow``, the defined variables that may change are put on the heap."""
    for o in range(t.occ_ptr[v], t.occ_ptr[v + 1]):
        c = t.occ_constraint[o]
        found = evaluated(t, s, APPLY, c, t.occ_slot[o], new)
        if found != 0:
            _record(t, s, c, found)
        if follow and t.defines[c] >= 0 and t.defines[c] != v and s.waits[t.defines[c]] == 0:
            _wait(t, s, t.defines[c])
    if t.objective[v] != 0:
        cost = t.objective[v] * (new - s.values[v])
        s.real[COST] += cost
        s.real[ENERGY] += cost
    s.values[v] = new


def _wait(t: Any, s: Any, v: Any) -> Any:
    """Put a defined variable on the heap."""
    s.waits[v] = 1
    rank = t.rank[v]
    at = s.number[WAITING]
    s.number[WAITING] = at + 1
    while at > 0 and s.waiting[(at - 1) >> 1] > rank:
        s.waiting[at] = s.waiting[(at - 1) >> 1]
        at = (at - 1) >> 1
    s.waiting[at] = rank


def _next_waiting(t: Any, s: Any) -> Any:
    """Take the variable of the least rank from the heap."""
    found = s.waiting[0]
    count = s.number[WAITING] - 1
    s.number[WAITING] = count
    last = s.waiting[count]
    at = 0
    while 2 * at + 1 < count:
        child = 2 * at + 1
        if child + 1 < count and s.waiting[child + 1] < s.waiting[child]:
            child += 1
        if s.waiting[child] >= last:
            break
        s.waiting[at] = s.waiting[child]
        at = child
    s.waiting[at] = last
    v = t.at_rank[found]
    s.waits[v] = 0
    return v


def _computed(t: Any, s: Any, v: Any) -> Any:
    """The value that the defining constraint gives a variable; the nearest one that its domain has."""
    c, slot, now = t.definer[v], t.definer_slot[v], s.values[v]
    degree = s.degree[c]
    if degree == 0:
        return now
    if t.size[v] <= 2:
        other = code(t, v, 0)
        if other == now:
            other = code(t, v, t.size[v] - 1)
        return other if evaluated(t, s, CHANGE, c, slot, other) < 0 else now
    best, least = now, degree
    if offers(t, SUGGEST, c):
        new = nearest(t, v, evaluated(t, s, SUGGEST, c, slot, 0))
        after = degree + evaluated(t, s, CHANGE, c, slot, new)
        if after == 0:
            return new
        if after < least:
            best, least = new, after
    # Many functions have the distance |f - value| as their degree: two guesses, f above and f below the value.
    for sign in (1, -1):
        new = nearest(t, v, now + sign * degree)
        after = degree + evaluated(t, s, CHANGE, c, slot, new)
        if after == 0:
            return new
        if after < least:
            best, least = new, after
    if t.size[v] <= 64:
        for i in range(t.size[v]):
            new = code(t, v, i)
            after = degree + evaluated(t, s, CHANGE, c, slot, new)
            if after < least:
                best, least = new, after
    return best


def place_value(t: Any, s: Any, v: Any, new: Any) -> Any:
    """Change a variable and record it on the trail. ``settle`` then computes the variables that depend on it.

    Args:
        t, s: the tables and the chain.
        v, new: the variable and its code.
    """
    at = s.number[TRAIL]
    s.trail[at], s.old[at] = v, s.values[v]
    s.number[TRAIL] = at + 1
    _write(t, s, v, new, t.drives[v] != 0)


def settle(t: Any, s: Any) -> Any:
    """Compute the defined variables on the heap, and those that depend on them. The trail records the changes.

    Args:
        t, s: the tables and the chain.
    """
    at = s.number[TRAIL]
    while s.number[WAITING] > 0:
        w = _next_waiting(t, s)
        value = _computed(t, s, w)
        if value != s.values[w]:
            s.trail[at], s.old[at] = w, s.values[w]
            at += 1
            _write(t, s, w, value, True)
    s.number[TRAIL] = at


def undo(t: Any, s: Any) -> Any:
    """Take back the changes on the trail.

    Args:
        t, s: the tables and the chain.
    """
    for at in range(s.number[TRAIL] - 1, -1, -1):
        _write(t, s, s.trail[at], s.old[at], False)
    s.number[TRAIL] = 0


def tried(t: Any, s: Any, v: Any, u: Any, new: Any) -> Any:
    """The change of the energy by a move.

    Args:
        t, s: the tables and the chain.
        v: the variable that takes the value.
        u: the variable that takes the value of v in exchange, or -1.
        new: the value.
    """
    if u < 0 and not t.drives[v]:
        return _change(t, s, v, new)
    energy, cost = s.real[ENERGY], s.real[COST]
    s.number[TRIED] += 1
    s.number[TRAIL] = 0
    old = s.values[v]
    place_value(t, s, v, new)
    total = 0.0
    if u >= 0:
        if t.drives[v] or t.drives[u]:
            place_value(t, s, u, old)
        else:
            total = _change(t, s, u, old)
    settle(t, s)
    total += s.real[ENERGY] - energy
    undo(t, s)
    s.real[ENERGY], s.real[COST] = energy, cost  # without rounding errors
    return total


def made(t: Any, s: Any, v: Any, u: Any, new: Any) -> Any:
    """Make a move and clear the trail.

    Args:
        t, s: the tables and the chain.
        v, u, new: see ``tried``.
    """
    s.number[TRAIL] = 0
    old = s.values[v]
    place_value(t, s, v, new)
    if u >= 0:
        place_value(t, s, u, old)
    settle(t, s)
    s.number[TRAIL] = 0


def _begun(t: Any, s: Any) -> Any:
    """Compute degrees, lists and energy of the values, and the defined variables."""
    s.number[HARD] = s.number[SOFT] = s.number[WAITING] = s.number[TRAIL] = 0
    s.real[ENERGY] = s.real[COST] = 0.0
    for v in range(t.count[VARIABLES]):
        s.real[COST] += t.objective[v] * s.values[v] if t.objective[v] != 0 else 0.0
        s.waits[v] = 0
    s.real[ENERGY] = s.real[COST]
    for c in range(t.count[CONSTRAINTS]):
        s.degree[c] = 0
        s.place[c] = -1
        found = evaluated(t, s, START, c, 0, 0)
        if found != 0:
            _record(t, s, c, found)
    for rank in range(t.count[DEFINED]):
        v = t.at_rank[rank]
        value = _computed(t, s, v)
        if value != s.values[v]:
            _write(t, s, v, value, False)


def kept_best(t: Any, s: Any) -> Any:
    """Keep the assignment if it violates fewer hard constraints than the best one, or costs less.

    Args:
        t, s: the tables and the chain.
    """
    hard = s.number[HARD]
    if hard > s.number[BEST_HARD] or (hard == s.number[BEST_HARD] and s.real[COST] >= s.real[BEST_COST] - SMALL):
        return False
    s.number[BEST_HARD], s.real[BEST_COST] = hard, s.real[COST]
    for v in range(t.count[VARIABLES]):
        s.best[v] = s.values[v]
    return True


@Kernel
def started(tables: Any, chain: Any) -> Any:
    """Compute the state of a row from its values.

    Args:
        tables, chain: addresses of the arrays of the graph and of the row.
    """
    t, s = tables_at(tables), chain_at(chain)
    _begun(t, s)
    s.number[BEST_HARD], s.real[BEST_COST] = 1 << 60, 0.0
    s.real[LEAST] = s.real[ENERGY]
    kept_best(t, s)
