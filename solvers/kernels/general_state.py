"""The state of a chain of the general move engine, as kernels read it: arrays by their addresses."""

from __future__ import annotations

from typing import Any, NamedTuple

from ...engine.moves.intrinsics import flags, ints, longs, reals

START, CHANGE, APPLY, SUGGEST, BLAME = 0, 1, 2, 3, 4
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
ROUND, LEFT = 14, 15
"""Moves of the present round of annealing, and those left of it."""
NUMBERS = 16

# Entries of ``Tables.count``.
VARIABLES, CONSTRAINTS, DEFINED, PRICED, DECISIONS, RING = 0, 1, 2, 3, 4, 5

RINGED = -2
"""Group of the variables of ``Tables.ring``."""

# Entries of ``Chain.real``.
ENERGY, COST = 0, 1
"""Weighted degrees plus cost, and cost."""
BEST_COST = 2
"""Cost of the best assignment."""
LEAST = 3
"""Least energy since the weights changed."""
PICK = 4
"""Change of the energy by the best candidate."""
HEAT, HOT = 5, 6
"""The temperature, and that at the beginning of a round."""
REALS = 8

SMALL = 1e-9
"""Energies closer than this are equal: weights are not always integers."""


class Tables(NamedTuple):
    """The arrays of a graph. C constraints, V variables, K function sets.

    Args:
        count: [8] int64, the numbers of the variables, of the constraints, of the entries of ``at_rank``, ``priced``,
            ``decisions`` and ``ring``.
        functions: [5 K] int64, addresses of ``start``, ``change``, ``apply``, ``suggest`` and ``blame``; 0 where there is
            none.
        kind, params_at, memory_at: [C] int64, function set of each constraint, and where its parameters and memory begin.
        params: int64.
        scope_ptr, scope: [C + 1] int64, and int32: the variables of each constraint.
        occ_ptr, occ_constraint, occ_slot: [V + 1] and [S] int64: the constraints of each variable, without those
            that every move keeps satisfied.
        unit: [1] float64, the first weight of a hard constraint.
        soft: [C] float64, the cost of a violated soft constraint; 0 for a hard one.
        first, step, size, listed_at: [V] int64, the domains, see ``MoveGraph``.
        listed: int64, codes of domains that are not evenly spaced; ``ordered`` has each domain sorted.
        objective: [V] float64.
        priced: int64, the variables with a coefficient.
        defines: [C] int64, the variable that a constraint defines, or -1.
        definer, definer_slot: [V] int64, the constraint that defines a variable, or -1, and its slot there.
        rank: [V] int64, position of a defined variable in the order of computation; -1 for others.
        at_rank: int64, the variables by rank.
        drives: [V] int8, whether changing the variable changes defined ones.
        hidden: [C] int8, whether a constraint has a defined variable in its scope.
        group, group_ptr, members: [V] int64, number of the group of variables whose values are only exchanged, or -1, or
            ``RINGED``;
            the members of each group.
        ring: int64, the successors of a ``Circuit`` whose tours are kept, by vertex; empty without one.
        decisions: int64, the variables that are searched.
        free: [V] int8, those whose value may change.
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
    ring: Any
    decisions: Any
    free: Any


class Chain(NamedTuple):
    """The arrays of one row. M is the memory of all constraints.

    Args:
        values, best: [V] int64 codes: now, and of the best assignment.
        memory: [M] int64.
        degree: [C] int64.
        weight: [C] float64.
        violated: [C] int64: the violated hard constraints from the front, the soft ones from the back.
        place: [C] int64, position of a constraint in its list, or -1.
        tabu: [T] int64, a hash table: the move until which a literal is forbidden.
        number, real: figures, see above.
        trail, old: [2 V + 2] int64, the variables changed and their old codes.
        waiting: [V] int64, a heap of ranks of defined variables; ``waits`` [V] int8 marks them.
        key: [1] int64, the bits of the row's key.
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
    """The arrays at the addresses [34], in the order of ``Tables``."""
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
        longs(a[32]),
        flags(a[33]),
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
