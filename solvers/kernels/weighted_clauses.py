"""SATLike on a CPU: chains of flips over hard and soft clauses. The functions are plain Python that numba compiles.

A move is one flip. Each chain has a weight for every clause, and for every variable its score: the weight of the violated
clauses that a flip would satisfy, minus the weight of the satisfied clauses that it would violate. *Good* variables have
a positive score. Variables that are given start at a large negative score.

The word of a clause is as in ``clauses.py``. Violated hard clauses stand at the start of the list, soft ones at its end.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...engine.moves.compiled import Kernel
from ...engine.moves.draws import below, draw, mix
from .clauses import CLAUSE_AT, CLAUSES, LITERAL_AT, OWNER_AT, STARTS, VARIABLES, random_value, word_of

SAMPLE = 15
"""How many good variables are compared at a move."""
DRAWS = 16
"""Random numbers of a move: the good variables, or the violated clause."""
GIVEN = -(1 << 60)
"""The score of a variable that is given."""
CLOCK, HARD, SOFT, COST, BEST, GOOD, LOGGED, IMPROVED = range(8)
FIGURES = 8
"""Columns of ``figures``: moves made, violated hard and soft clauses, the weight of the latter, the least such weight where
no hard clause was violated (``NONE`` before), the number of good variables, and of flips since that assignment (-1 for
more than there are variables), and the move of that assignment or of the last reset."""
PATIENCE = 20
"""Moves for each variable without improvement, after which the weights of clauses may be reset."""
NONE = np.iinfo(np.int64).max
"""The best cost of a chain that has not satisfied all hard clauses."""

_1 = np.uint64(1)


@Kernel
def start_weighted(
    first: int,
    last: int,
    sizes: Any,
    clause_ptr: Any,
    literals: Any,
    weight: Any,
    begin: Any,
    template: Any,
    bits: Any,
    fixed: Any,
    given: Any,
    key: Any,
    figures: Any,
    assignment: Any,
    best: Any,
    words: Any,
    listed: Any,
    dynamic: Any,
    score: Any,
    good: Any,
    place: Any,
) -> None:
    """Start chains with random values of the variables that are not given.

    Args:
        first, last: the rows.
        sizes: [T, 5] int64.
        clause_ptr, literals: int32, of all formulas.
        weight: int64, of all clauses: the cost of a soft one, 0 of a hard one.
        begin: int64, the first weight of each clause in a chain.
        template: [B] int64.
        bits: uint64, of the count in a word.
        fixed: [B, V] bool.
        given: [B, V] uint8, the values of the fixed variables.
        key: [B] uint64.
        figures: [B, FIGURES] int64.
        assignment, best: [B, V] uint8.
        words: [B, M] uint64 or uint32.
        listed: [B, M] int32, violated clauses.
        dynamic: [B, M] int64, the weights of the clauses.
        score: [B, V] int64.
        good, place: [B, V] int32, the good variables, and the place of each among them, or -1.
    """
    for row in range(first, last):
        size = sizes[template[row]]
        pointer = clause_ptr[size[CLAUSE_AT] :]
        literal = literals[size[LITERAL_AT] :]
        at = size[CLAUSE_AT] - template[row]  # a formula has one pointer more than clauses
        costs, begins = weight[at:], begin[at:]
        value, word, violated, own, points = assignment[row], words[row], listed[row], dynamic[row], score[row]
        stream = mix(key[row] ^ STARTS)
        for v in range(size[VARIABLES]):
            place[row, v] = -1
            if fixed[row, v]:
                value[v] = given[row, v]
                points[v] = GIVEN
            else:
                value[v] = random_value(stream, v)
                points[v] = 0
        hard, soft, cost = 0, 0, 0
        mask = (_1 << bits) - _1
        for c in range(size[CLAUSES]):
            own[c] = begins[c]
            made = word_of(c, pointer, literal, value, bits)
            true = made & mask
            if true == 1:
                points[np.int64(made >> bits)] -= own[c]
            if true == 0:
                for i in range(pointer[c], pointer[c + 1]):
                    points[literal[i] >> 1] += own[c]
                if costs[c] == 0:
                    where = hard
                    hard += 1
                else:
                    soft += 1
                    where = size[CLAUSES] - soft
                    cost += costs[c]
                violated[where] = c
                made = np.uint64(where) << bits
            word[c] = made
        count = 0
        for v in range(size[VARIABLES]):
            best[row, v] = value[v]
            if points[v] > 0:
                good[row, count] = v
                place[row, v] = count
                count += 1
        figures[row, CLOCK], figures[row, LOGGED] = 0, 0
        figures[row, HARD], figures[row, SOFT], figures[row, COST], figures[row, GOOD] = hard, soft, cost, count
        figures[row, BEST] = cost if hard == 0 else NONE


@Kernel
def search_weighted(
    rows: Any,
    moves: int,
    sizes: Any,
    clause_ptr: Any,
    literals: Any,
    owners: Any,
    occurrences: Any,
    weight: Any,
    rise: Any,
    limit: Any,
    begin: Any,
    template: Any,
    bits: Any,
    key: Any,
    figures: Any,
    assignment: Any,
    best: Any,
    words: Any,
    listed: Any,
    dynamic: Any,
    score: Any,
    good: Any,
    place: Any,
    stamp: Any,
    log: Any,
) -> None:
    """Make flips in chains. A chain stops once it violates no clause.

    At a local minimum whose violated clauses all have their largest weights, no weight can rise. A chain that has not
    improved for long would search the same region for ever, so all clauses get their first weights again.

    Args:
        rows: [N] int64, the chains.
        moves: of each chain.
        sizes: [T, 5] int64.
        clause_ptr, literals, owners, occurrences: int32, of all formulas.
        weight, rise, limit, begin: int64, of all clauses: the cost of a soft one or 0, by how much its weight in a chain
            rises, the largest weight that rises, and the first weight.
        template: [B] int64.
        bits: uint64, of the count in a word.
        key: [B] uint64.
        figures: [B, FIGURES] int64.
        assignment, best: [B, V] uint8, the present values, and those of least cost.
        words: [B, M] uint64 or uint32.
        listed: [B, M] int32, violated clauses.
        dynamic: [B, M] int64, the weights of the clauses.
        score: [B, V] int64.
        good, place: [B, V] int32, the good variables, and the place of each among them, or -1.
        stamp: [B, V] int64, the last move of each variable.
        log: [B, V] int32, the flips since ``best`` was kept.
    """
    for row in rows:
        size = sizes[template[row]]
        pointer = clause_ptr[size[CLAUSE_AT] :]
        literal = literals[size[LITERAL_AT] :]
        owner = owners[size[OWNER_AT] :]
        occurrence = occurrences[size[LITERAL_AT] :]
        at = size[CLAUSE_AT] - template[row]
        costs, rises, limits, begins = weight[at:], rise[at:], limit[at:], begin[at:]
        variables, clauses = size[VARIABLES], size[CLAUSES]
        value, word, violated, own, points = assignment[row], words[row], listed[row], dynamic[row], score[row]
        chosen, where, last, flips = good[row], place[row], stamp[row], log[row]
        stream = key[row]
        figure = figures[row]
        hard, soft, cost, count = figure[HARD], figure[SOFT], figure[COST], figure[GOOD]
        move, logged = figure[CLOCK], figure[LOGGED]
        end = move + moves
        mask = (_1 << bits) - _1
        while hard + soft > 0 and move < end:
            v = -1
            if count == 0:  # a local minimum: violated clauses become heavier
                raised = 0
                for j in range(hard + (0 if hard else soft)):
                    c = violated[j] if hard else violated[clauses - 1 - j]
                    if own[c] < limits[c]:
                        own[c] += rises[c]
                        raised += 1
                        for i in range(pointer[c], pointer[c + 1]):
                            count = _score(literal[i] >> 1, rises[c], points, chosen, where, count)
                if raised == 0 and move - figure[IMPROVED] > PATIENCE * variables:
                    figure[IMPROVED] = move
                    count = _reset(variables, clauses, pointer, literal, begins, bits, word, own, points, chosen, where)
                number = draw(stream, move * DRAWS)
                c = violated[below(number, hard)] if hard else violated[clauses - 1 - below(number, soft)]
                for i in range(pointer[c], pointer[c + 1]):
                    u = literal[i] >> 1
                    if v < 0 or _before(u, v, points, last):
                        v = u
            elif count <= SAMPLE:
                for j in range(count):
                    u = chosen[j]
                    if v < 0 or _before(u, v, points, last):
                        v = u
            else:
                for j in range(SAMPLE):
                    u = chosen[below(draw(stream, move * DRAWS + j), count)]
                    if v < 0 or _before(u, v, points, last):
                        v = u
            move += 1
            if v < 0 or points[v] < GIVEN // 2:  # all variables of the clause are given
                continue
            last[v] = move
            if logged >= 0:
                if logged < variables:
                    flips[logged] = v
                    logged += 1
                else:
                    logged = -1
            value[v] ^= 1
            made = 2 * v + value[v]
            mark = np.uint64(v) << bits
            for j in range(owner[made], owner[made + 1]):
                c = occurrence[j]
                old = np.uint64(word[c])
                before = old & mask
                if before == 0:
                    position = np.int64(old >> bits)
                    if costs[c] == 0:
                        hard -= 1
                        moved = violated[hard]
                    else:
                        moved = violated[clauses - soft]
                        soft -= 1
                        cost -= costs[c]
                    violated[position] = moved
                    word[moved] = old
                    word[c] = mark | _1
                    for i in range(pointer[c], pointer[c + 1]):
                        count = _score(literal[i] >> 1, -own[c], points, chosen, where, count)
                    count = _score(v, -own[c], points, chosen, where, count)
                else:
                    if before == 1:
                        count = _score(np.int64(old >> bits), own[c], points, chosen, where, count)
                    word[c] = (old ^ mark) + _1
            made ^= 1
            for j in range(owner[made], owner[made + 1]):
                c = occurrence[j]
                new = (np.uint64(word[c]) ^ mark) - _1
                left = new & mask
                if left == 0:
                    if costs[c] == 0:
                        position = hard
                        hard += 1
                    else:
                        soft += 1
                        position = clauses - soft
                        cost += costs[c]
                    violated[position] = c
                    new = np.uint64(position) << bits
                    for i in range(pointer[c], pointer[c + 1]):
                        count = _score(literal[i] >> 1, own[c], points, chosen, where, count)
                    count = _score(v, own[c], points, chosen, where, count)
                elif left == 1:
                    count = _score(np.int64(new >> bits), -own[c], points, chosen, where, count)
                word[c] = new
            if hard == 0 and cost < figure[BEST]:
                figure[BEST], figure[IMPROVED] = cost, move
                if logged < 0:
                    for u in range(variables):
                        best[row, u] = value[u]
                for j in range(logged):  # the flips alone: an improvement costs no pass over all variables
                    best[row, flips[j]] = value[flips[j]]
                logged = 0
        figure[HARD], figure[SOFT], figure[COST], figure[GOOD] = hard, soft, cost, count
        figure[CLOCK], figure[LOGGED] = move, logged


def _reset(
    variables: Any,
    clauses: Any,
    pointer: Any,
    literal: Any,
    begins: Any,
    bits: Any,
    word: Any,
    own: Any,
    points: Any,
    chosen: Any,
    where: Any,
) -> Any:
    """Give the clauses of a chain their first weights. Returns the number of good variables."""
    mask = (_1 << bits) - _1
    for v in range(variables):
        points[v] = 0 if points[v] > GIVEN // 2 else GIVEN
        where[v] = -1
    for c in range(clauses):
        own[c] = begins[c]
        made = np.uint64(word[c])
        true = made & mask
        if true == 1:
            points[np.int64(made >> bits)] -= own[c]
        elif true == 0:
            for i in range(pointer[c], pointer[c + 1]):
                points[literal[i] >> 1] += own[c]
    count = 0
    for v in range(variables):
        if points[v] > 0:
            chosen[count] = v
            where[v] = count
            count += 1
    return count


def _before(u: Any, v: Any, points: Any, last: Any) -> Any:
    """Whether a variable is flipped before another one: of a larger score, or of an equal one and flipped longer ago."""
    return points[u] > points[v] or (points[u] == points[v] and last[u] < last[v])


def _score(v: Any, change: Any, points: Any, chosen: Any, where: Any, count: Any) -> Any:
    """Change a variable's score and the list of good variables. Returns their number."""
    points[v] += change
    if points[v] > 0:
        if where[v] < 0:
            chosen[count] = v
            where[v] = count
            count += 1
    elif where[v] >= 0:
        count -= 1
        last = chosen[count]
        chosen[where[v]] = last
        where[last] = where[v]
        where[v] = -1
    return count
