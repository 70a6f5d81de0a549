"""Moves on any graph: the engine of ``minconflicts`` and ``anneal``, compiled for a CPU.

A chain keeps the violation degree of every constraint, the lists of violated constraints, and its energy: the weighted
degrees of the hard constraints, plus the cost (objective and soft constraints). ``put`` changes one variable, and then
computes the variables that constraints define. A change that was only tried is undone in reverse order.

The functions are plain Python in the subset that numba compiles.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ...engine.moves.compiled import Kernel, call, flags, ints, longs, place, reals
from ...engine.moves.draws import below, draw
from ...engine.moves.draws import chance as uniform

START, CHANGE, APPLY = 0, 1, 2
"""Columns of ``Tables.functions``."""

# Entries of ``Chain.number``.
HARD, SOFT = 0, 1
"""How many hard and soft constraints are violated."""
DRAWN = 2
"""Random numbers drawn so far."""
CLOCK = 3
"""Moves so far."""
BEST_HARD = 4
"""Violated hard constraints of the best assignment."""
SINCE = 5
"""The move of the last improvement of the least energy."""
TRAIL = 6
"""Variables changed since the trail was cleared."""
WAITING = 7
"""Defined variables that wait for their computation."""
PICK_V, PICK_U, PICK_NEW, TIES = 8, 9, 10, 11
"""The best candidate of a move: variable, its partner in a swap or -1, new code; and how many tie with it."""
TRIED = 12
"""Candidates evaluated so far."""
TABLE = 13
"""Cells of the table of forbidden literals, a power of two."""
NUMBERS = 16

# Entries of ``Tables.count``.
VARIABLES, CONSTRAINTS, DEFINED, PRICED, DECISIONS = 0, 1, 2, 3, 4

# Entries of ``Chain.real``.
ENERGY, COST = 0, 1
"""Weighted degrees plus cost, and cost."""
BEST_COST = 2
"""Cost of the best assignment."""
LEAST = 3
"""Least energy since the weights changed."""
PICK = 4
"""Change of the energy by the best candidate."""
HEAT = 5
"""Temperature."""
REALS = 8

NEVER = -(1 << 62)
SMALL = 1e-9
"""Energies closer than this are equal: weights are not always integers."""


class Tables(NamedTuple):
    """The arrays of a graph. C constraints, V variables, K function sets.

    Args:
        count: [8] int64, the numbers of the variables, of the constraints, of the entries of ``at_rank``, ``priced`` and
            ``decisions``.
        functions: [4 K] int64, addresses of ``start``, ``change``, ``apply`` and ``suggest``.
        kind, params_at, memory_at: [C], function set of each constraint, and where its parameters and memory begin.
        params: int64.
        scope_ptr, scope: [C + 1] int64, and int32: the variables of each constraint.
        occ_ptr, occ_constraint, occ_slot: [V + 1] int64, and int32: the constraints of each variable, without those
            that every move keeps satisfied.
        unit: [1] float64, the first weight of a hard constraint.
        soft: [C] float64, the cost of a violated soft constraint; 0 for a hard one.
        first, step, size, listed_at: [V] int64, the domains, see ``MoveGraph``.
        listed: int64, codes of domains that are not evenly spaced; ``ordered`` has each domain sorted.
        objective: [V] float64.
        priced: int32, the variables with a coefficient.
        defines: [C] int32, the variable that a constraint defines, or -1.
        definer, definer_slot: [V] int32, the constraint that defines a variable, or -1, and its slot there.
        rank: [V] int32, position of a defined variable in the order of computation; -1 for others.
        at_rank: int32, the variables by rank.
        drives: [V] bool, whether changing the variable changes defined ones.
        hidden: [C] bool, whether a constraint has a defined variable in its scope.
        group, group_ptr, members: [V] int32, number of the group of variables whose values are only exchanged, or -1;
            the members of each group.
        decisions: int32, the variables that are searched.
        free: [V] bool, those whose value may change.
    """

    count: Any
    functions: Any
    kind: Any
    params_at: Any
    memory_at: Any
    params: Any
    scope_ptr: Any
    scope: Any
    occ_ptr: Any
    occ_constraint: Any
    occ_slot: Any
    unit: Any
    soft: Any
    first: Any
    step: Any
    size: Any
    listed_at: Any
    listed: Any
    ordered: Any
    objective: Any
    priced: Any
    defines: Any
    definer: Any
    definer_slot: Any
    rank: Any
    at_rank: Any
    drives: Any
    hidden: Any
    group: Any
    group_ptr: Any
    members: Any
    decisions: Any
    free: Any


class Chain(NamedTuple):
    """The arrays of one row. M is the memory of all constraints.

    Args:
        values, best: [V] int64 codes: now, and of the best assignment.
        memory: [M] int64.
        degree: [C] int64.
        weight: [C] float64.
        violated: [C] int32: the violated hard constraints from the front, the soft ones from the back.
        place: [C] int32, position of a constraint in its list, or -1.
        tabu: [T] int64, a hash table: the move until which a literal is forbidden.
        number, real: figures, see above.
        trail, old: [2 V + 2] int32 and int64, the variables changed and their old codes.
        waiting: [V] int32, a heap of ranks of defined variables; ``waits`` [V] int8 marks them.
        key: [1] uint64.
    """

    values: Any
    best: Any
    memory: Any
    degree: Any
    weight: Any
    violated: Any
    place: Any
    tabu: Any
    number: Any
    real: Any
    trail: Any
    old: Any
    waiting: Any
    waits: Any
    key: Any


def tables_at(a: Any) -> Tables:
    """The arrays at the addresses [33], in the order of ``Tables``."""
    return Tables(
        longs(a[0]),
        longs(a[1]),
        longs(a[2]),
        longs(a[3]),
        longs(a[4]),
        longs(a[5]),
        longs(a[6]),
        ints(a[7]),
        longs(a[8]),
        longs(a[9]),
        longs(a[10]),
        reals(a[11]),
        reals(a[12]),
        longs(a[13]),
        longs(a[14]),
        longs(a[15]),
        longs(a[16]),
        longs(a[17]),
        longs(a[18]),
        reals(a[19]),
        longs(a[20]),
        longs(a[21]),
        longs(a[22]),
        longs(a[23]),
        longs(a[24]),
        longs(a[25]),
        flags(a[26]),
        flags(a[27]),
        longs(a[28]),
        longs(a[29]),
        longs(a[30]),
        longs(a[31]),
        flags(a[32]),
    )


def chain_at(a: Any) -> Chain:
    """The arrays at the addresses [15], in the order of ``Chain``."""
    return Chain(
        longs(a[0]),
        longs(a[1]),
        longs(a[2]),
        longs(a[3]),
        reals(a[4]),
        longs(a[5]),
        longs(a[6]),
        longs(a[7]),
        longs(a[8]),
        reals(a[9]),
        longs(a[10]),
        longs(a[11]),
        longs(a[12]),
        flags(a[13]),
        longs(a[14]),
    )


# Random numbers and domains -------------------------------------------------------------------------------------------


def drawn(s: Chain) -> Any:
    """The next random number of the chain, uint64."""
    s.number[DRAWN] += 1
    return draw(np.uint64(s.key[0]), s.number[DRAWN])


def pick(s: Chain, count: int) -> int:
    """A random number from 0 to ``count - 1``."""
    return below(drawn(s), count)


def code(t: Tables, v: int, index: int) -> int:
    """The code of a domain index."""
    if t.step[v] == 0:
        return t.listed[t.listed_at[v] + index]
    return t.first[v] + index * t.step[v]


def contains(t: Tables, v: int, value: int) -> bool:
    """Whether a code is in the domain of a variable."""
    step = t.step[v]
    if step != 0:
        away = value - t.first[v]
        index = away // step
        return index >= 0 and index < t.size[v] and index * step == away
    low, high = t.listed_at[v], t.listed_at[v] + t.size[v]
    end = high
    while low < high:
        middle = (low + high) >> 1
        if t.ordered[middle] < value:
            low = middle + 1
        else:
            high = middle
    return low < end and t.ordered[low] == value


def nearest(t: Tables, v: int, value: int) -> int:
    """The code of an integer domain that is nearest to a number."""
    step = t.step[v]
    if step != 0:
        away = value - t.first[v]
        index = away // step
        if 2 * abs(away - index * step) > abs(step):
            index += 1
        index = min(max(index, 0), t.size[v] - 1)
        return t.first[v] + index * step
    low, high = t.listed_at[v], t.listed_at[v] + t.size[v] - 1
    begin = low
    while low < high:
        middle = (low + high) >> 1
        if t.ordered[middle] < value:
            low = middle + 1
        else:
            high = middle
    if low > begin and t.ordered[low] - value > value - t.ordered[low - 1]:
        low -= 1
    return t.ordered[low]


# Evaluation and changes -----------------------------------------------------------------------------------------------


def evaluated(t: Tables, s: Chain, which: int, c: int, slot: int, new: int) -> int:
    """What a function of a constraint returns."""
    return call(
        t.functions[4 * t.kind[c] + which],
        place(s.values),
        place(t.scope) + 4 * t.scope_ptr[c],
        t.scope_ptr[c + 1] - t.scope_ptr[c],
        place(t.params) + 8 * t.params_at[c],
        place(s.memory) + 8 * t.memory_at[c],
        slot,
        new,
    )


def change(t: Tables, s: Chain, v: int, new: int) -> float:
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


def listed_as_violated(t: Tables, s: Chain, c: int) -> None:
    """Append a constraint to its list."""
    if t.soft[c] == 0:
        at = s.number[HARD]
        s.number[HARD] = at + 1
    else:
        at = t.count[CONSTRAINTS] - 1 - s.number[SOFT]
        s.number[SOFT] += 1
    s.violated[at] = c
    s.place[c] = at


def listed_as_satisfied(t: Tables, s: Chain, c: int) -> None:
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


def record(t: Tables, s: Chain, c: int, found: int) -> None:
    """Change the degree of a constraint, the energy and the lists."""
    before = s.degree[c]
    after = before + found
    s.degree[c] = after
    if t.soft[c] == 0:
        s.real[ENERGY] += s.weight[c] * found
    if (before > 0) == (after > 0):
        return
    if after > 0:
        listed_as_violated(t, s, c)
    else:
        listed_as_satisfied(t, s, c)
    if t.soft[c] != 0:
        cost = t.soft[c] if after > 0 else -t.soft[c]
        s.real[COST] += cost
        s.real[ENERGY] += cost


def write(t: Tables, s: Chain, v: int, new: int, follow: bool) -> None:
    """Change one variable. With ``follow``, the defined variables that may change are put on the heap."""
    for o in range(t.occ_ptr[v], t.occ_ptr[v + 1]):
        c = t.occ_constraint[o]
        found = evaluated(t, s, APPLY, c, t.occ_slot[o], new)
        if found != 0:
            record(t, s, c, found)
        if follow and t.defines[c] >= 0 and t.defines[c] != v and s.waits[t.defines[c]] == 0:
            wait(t, s, t.defines[c])
    if t.objective[v] != 0:
        cost = t.objective[v] * (new - s.values[v])
        s.real[COST] += cost
        s.real[ENERGY] += cost
    s.values[v] = new


def wait(t: Tables, s: Chain, v: int) -> None:
    """Put a defined variable on the heap."""
    s.waits[v] = 1
    rank = t.rank[v]
    at = s.number[WAITING]
    s.number[WAITING] = at + 1
    while at > 0 and s.waiting[(at - 1) >> 1] > rank:
        s.waiting[at] = s.waiting[(at - 1) >> 1]
        at = (at - 1) >> 1
    s.waiting[at] = rank


def next_waiting(t: Tables, s: Chain) -> int:
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


def computed(t: Tables, s: Chain, v: int) -> int:
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
    # Most functions have the distance |f - value| as their degree: two guesses, f above and f below the value.
    best, least = now, degree
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


def put(t: Tables, s: Chain, v: int, new: int) -> None:
    """Change a variable, and compute the variables that depend on it. The trail records the changes."""
    at = s.number[TRAIL]
    s.trail[at], s.old[at] = v, s.values[v]
    at += 1
    if not t.drives[v]:
        s.number[TRAIL] = at
        write(t, s, v, new, False)
        return
    write(t, s, v, new, True)
    while s.number[WAITING] > 0:
        w = next_waiting(t, s)
        value = computed(t, s, w)
        if value != s.values[w]:
            s.trail[at], s.old[at] = w, s.values[w]
            at += 1
            write(t, s, w, value, True)
    s.number[TRAIL] = at


def undo(t: Tables, s: Chain) -> None:
    """Take back the changes on the trail."""
    for at in range(s.number[TRAIL] - 1, -1, -1):
        write(t, s, s.trail[at], s.old[at], False)
    s.number[TRAIL] = 0


def tried(t: Tables, s: Chain, v: int, u: int, new: int) -> float:
    """The change of the energy by a move: v takes a value, or v and u exchange their values (u from 0 on)."""
    if u < 0 and not t.drives[v]:
        return change(t, s, v, new)
    energy, cost = s.real[ENERGY], s.real[COST]
    s.number[TRIED] += 1
    s.number[TRAIL] = 0
    old = s.values[v]
    put(t, s, v, new)
    total = 0.0
    if u >= 0:
        if t.drives[u]:
            put(t, s, u, old)
        else:
            total = change(t, s, u, old)
    total += s.real[ENERGY] - energy
    undo(t, s)
    s.real[ENERGY], s.real[COST] = energy, cost  # without rounding errors
    return total


def made(t: Tables, s: Chain, v: int, u: int, new: int) -> None:
    """Make a move, see ``tried``. The trail is cleared."""
    s.number[TRAIL] = 0
    old = s.values[v]
    put(t, s, v, new)
    if u >= 0:
        put(t, s, u, old)
    s.number[TRAIL] = 0


def begun(t: Tables, s: Chain) -> None:
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
            record(t, s, c, found)
    for rank in range(t.count[DEFINED]):
        v = t.at_rank[rank]
        value = computed(t, s, v)
        if value != s.values[v]:
            write(t, s, v, value, False)


def kept_best(t: Tables, s: Chain) -> bool:
    """Keep the assignment if it violates fewer hard constraints than the best one, or costs less."""
    hard = s.number[HARD]
    if hard > s.number[BEST_HARD] or (hard == s.number[BEST_HARD] and s.real[COST] >= s.real[BEST_COST] - SMALL):
        return False
    s.number[BEST_HARD], s.real[BEST_COST] = hard, s.real[COST]
    for v in range(t.count[VARIABLES]):
        s.best[v] = s.values[v]
    return True


# Min-conflicts --------------------------------------------------------------------------------------------------------


def cell(s: Chain, v: int, new: int) -> int:
    """The cell of a literal in the table of forbidden literals."""
    mixed = np.uint64(v) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(new) * np.uint64(0xC2B2AE3D27D4EB4F)
    return np.int64((mixed >> np.uint64(17)) & np.uint64(s.number[TABLE] - 1))


def offer(s: Chain, total: float, v: int, u: int, new: int) -> None:
    """Keep a candidate if it is the best one that is not forbidden; among ties, a random one."""
    if total > s.real[PICK] + SMALL:
        return
    clock = s.number[CLOCK]
    forbidden = s.tabu[cell(s, v, new)] >= clock or (u >= 0 and s.tabu[cell(s, u, s.values[v])] >= clock)
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


def decision(t: Tables, s: Chain, v: int) -> int:
    """A variable that is searched and on which v depends: v itself, or one found by a random walk; -1 if none."""
    for _ in range(64):
        if t.definer[v] < 0:
            return v if t.free[v] else -1
        c = t.definer[v]
        begin = t.scope_ptr[c]
        size = t.scope_ptr[c + 1] - begin
        if size < 2:
            return -1
        k = pick(s, size - 1)
        v = np.int64(t.scope[begin + k + int(k >= t.definer_slot[v])])
    return -1


def helps(t: Tables, s: Chain, c: int, slot: int, new: int) -> bool:
    """Whether a value lowers the degree of a constraint; True for an unknown slot."""
    return slot < 0 or evaluated(t, s, CHANGE, c, slot, new) < 0


def scan(t: Tables, s: Chain, v: int, c: int, slot: int, most: int) -> int:
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
            if u != v and contains(t, v, new) and contains(t, u, now) and helps(t, s, c, slot, new):
                offer(s, tried(t, s, v, u, new), v, u, new)
                count += 1
                if count >= most:
                    break
        return count
    if t.size[v] <= most:
        for i in range(t.size[v]):
            new = code(t, v, i)
            if new != now and helps(t, s, c, slot, new):
                offer(s, tried(t, s, v, -1, new), v, -1, new)
                count += 1
        return count
    for i in range(most):
        new = code(t, v, pick(s, t.size[v]))
        if new != now and helps(t, s, c, slot, new):
            offer(s, tried(t, s, v, -1, new), v, -1, new)
            count += 1
    if now < 1 << 60:
        count += near(t, s, v, c, slot)
    return count


def near(t: Tables, s: Chain, v: int, c: int, slot: int) -> int:
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
        if new != now and helps(t, s, c, slot, new):
            offer(s, tried(t, s, v, -1, new), v, -1, new)
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
                        offer(s, tried(t, s, v, -1, new), v, -1, new)
                        count += 1
                if away * -slope == degree:
                    break
    return count


def scanned(t: Tables, s: Chain, c: int, variables: int, most: int) -> int:
    """Offer moves of the variables of a violated constraint. Returns the number of candidates evaluated."""
    begin = t.scope_ptr[c]
    size = t.scope_ptr[c + 1] - begin
    at = pick(s, size)
    used = count = 0
    for _ in range(size):
        v = np.int64(t.scope[begin + at])
        slot = at
        at = at + 1 if at + 1 < size else 0
        if t.hidden[c]:
            w = decision(t, s, v)
            slot = slot if w == v else -1
            v = w
        if v >= 0 and t.free[v]:
            found = scan(t, s, v, c, slot, most)
            count += found
            used += int(found > 0)
            if used >= variables:
                break
    return count


def forbid(t: Tables, s: Chain, v: int, value: int, tenure: int, spread: int) -> None:
    """Forbid a literal for some moves."""
    s.tabu[cell(s, v, value)] = s.number[CLOCK] + tenure + pick(s, spread)


@Kernel
def started(tables: Any, chain: Any) -> Any:
    """Compute the state of a row from its values.

    Args:
        tables, chain: addresses of the arrays of the graph and of the row.
    """
    t, s = tables_at(tables), chain_at(chain)
    begun(t, s)
    s.number[BEST_HARD], s.real[BEST_COST] = 1 << 60, 0.0
    s.real[LEAST] = s.real[ENERGY]
    kept_best(t, s)


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
            if noise > 0 and uniform(drawn(s)) < noise:
                at = t.scope_ptr[c] + pick(s, t.scope_ptr[c + 1] - t.scope_ptr[c])
                v = decision(t, s, np.int64(t.scope[at]))
                if v >= 0:
                    scan(t, s, v, -1, -1, 1)
            else:
                scanned(t, s, c, variables, most)
        else:
            for _ in range(4):
                v = decision(t, s, t.priced[pick(s, t.count[PRICED])])
                if v >= 0:
                    scan(t, s, v, -1, -1, most)
        if (s.number[PICK_V] < 0 or s.real[PICK] >= -SMALL) and c >= 0 and t.soft[c] == 0:
            s.weight[c] += raised
            s.real[ENERGY] += raised * s.degree[c]
            s.real[LEAST] = min(s.real[LEAST] + raised, s.real[ENERGY])
        v, u, new = s.number[PICK_V], s.number[PICK_U], s.number[PICK_NEW]
        if v < 0:
            continue
        forbid(t, s, v, s.values[v], tenure, spread)
        if u >= 0:
            forbid(t, s, u, s.values[u], tenure, spread)
        made(t, s, v, u, new)
        if s.real[ENERGY] < s.real[LEAST] - SMALL:
            s.real[LEAST] = s.real[ENERGY]
            s.number[SINCE] = s.number[CLOCK]
        kept_best(t, s)
    return moves
