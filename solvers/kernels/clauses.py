"""probSAT on a CPU: chains of flips over formulas. The functions are plain Python that numba compiles.

A move is one flip. Its rule, and the numbers that it draws, are those of ``clauses.cu``: both make equal moves.

The word of a clause has the number of its true literals in the low ``bits``, and above them the XOR of the true
variables: where one literal is true, that is its variable. In a violated clause the position in ``violated`` stands
there instead. A variable's ``breaks`` is the number of clauses that its flip would violate; variables that are given
start at the middle of the table of weights, whose second half is zero.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...engine.moves.compiled import Kernel
from ...engine.moves.draws import GOLDEN, below, draw, mix

DRAWS = 2
"""Random numbers of a move: the clause, and the literal in it."""
VARIABLES, CLAUSES, CLAUSE_AT, LITERAL_AT, OWNER_AT = range(5)
"""Columns of ``sizes``: V and M of each formula, and where its parts of the concatenated arrays begin."""
STARTS = np.uint64(0xD1B54A32D192ED03)
"""Separates the streams of first assignments from those of moves."""

_1, _32, _63 = np.uint64(1), np.uint64(32), np.uint64(63)


def random_value(stream: Any, v: Any) -> Any:
    """The first value of a variable: 0 or 1, as uint8. Kernels call it.

    Args:
        stream: of the first assignment, uint64.
        v: the variable.
    """
    return np.uint8(mix(stream + np.uint64(v) * GOLDEN) >> _63)


def word_of(c: Any, pointer: Any, literal: Any, value: Any, bits: Any) -> Any:
    """The word of a clause by an assignment, as uint64, without the position of a violated one. Kernels call it.

    Args:
        c: the clause.
        pointer, literal: int32, of its formula.
        value: [V] uint8.
        bits: uint64, of the count in a word.
    """
    made = np.uint64(0)
    for i in range(pointer[c], pointer[c + 1]):
        if value[literal[i] >> 1] == (literal[i] & 1):
            made = (made + _1) ^ (np.uint64(literal[i] >> 1) << bits)
    return made


@Kernel
def start_rows(
    first: int,
    last: int,
    sizes: Any,
    clause_ptr: Any,
    literals: Any,
    template: Any,
    bits: Any,
    offset: int,
    fixed: Any,
    given: Any,
    key: Any,
    assignment: Any,
    words: Any,
    violated: Any,
    count: Any,
    breaks: Any,
) -> None:
    """Start chains with random values of the variables that are not given.

    Args:
        first, last: the rows.
        sizes: [T, 5] int64.
        clause_ptr, literals: int32, of all formulas.
        template: [B] int64.
        bits: uint64, of the count in a word.
        offset: ``breaks`` of a given variable without clauses that it alone satisfies.
        fixed: [B, V] bool.
        given: [B, V] uint8, the values of the fixed variables.
        key: [B] uint64.
        assignment: [B, V] uint8.
        words: [B, M] uint64 or uint32.
        violated: [B, M] int32.
        count: [B] int64.
        breaks: [B, V] int32.
    """
    for row in range(first, last):
        size = sizes[template[row]]
        pointer = clause_ptr[size[CLAUSE_AT] :]
        literal = literals[size[LITERAL_AT] :]
        value, word, listed, broken = assignment[row], words[row], violated[row], breaks[row]
        stream = mix(key[row] ^ STARTS)
        for v in range(size[VARIABLES]):
            if fixed[row, v]:
                value[v] = given[row, v]
                broken[v] = offset
            else:
                value[v] = random_value(stream, v)
                broken[v] = 0
        found = 0
        mask = (_1 << bits) - _1
        for c in range(size[CLAUSES]):
            made = word_of(c, pointer, literal, value, bits)
            true = made & mask
            if true == 0:
                made = np.uint64(found) << bits
                listed[found] = c
                found += 1
            elif true == 1:
                broken[np.int64(made >> bits)] += 1
            word[c] = made
        count[row] = found


@Kernel
def flip_rows(
    rows: Any,
    moves: int,
    sizes: Any,
    clause_ptr: Any,
    literals: Any,
    owners: Any,
    occurrences: Any,
    template: Any,
    weights: Any,
    kind: Any,
    bits: Any,
    key: Any,
    clock: Any,
    assignment: Any,
    words: Any,
    violated: Any,
    count: Any,
    breaks: Any,
) -> None:
    """Make flips in chains. A chain without a violated clause stops.

    Args:
        rows: [N] int64, the chains.
        moves: of each chain.
        sizes: [T, 5] int64.
        clause_ptr, literals, owners, occurrences: int32, of all formulas.
        template: [B] int64.
        weights: [N, 2 O] uint64, weight of a literal by kind of chain and by the breaks of its variable.
        kind: [B] int64, rows of ``weights``.
        bits: uint64, of the count in a word.
        key: [B] uint64.
        clock: [B] int64, moves made.
        assignment: [B, V] uint8.
        words: [B, M] uint64 or uint32.
        violated: [B, M] int32.
        count: [B] int64, violated clauses.
        breaks: [B, V] int32.
    """
    for row in rows:
        size = sizes[template[row]]
        pointer = clause_ptr[size[CLAUSE_AT] :]
        literal = literals[size[LITERAL_AT] :]
        owner = owners[size[OWNER_AT] :]
        occurrence = occurrences[size[LITERAL_AT] :]
        value, word, listed, broken = assignment[row], words[row], violated[row], breaks[row]
        weight = weights[kind[row]]
        stream = key[row]
        found = count[row]
        move = clock[row]
        end = move + moves
        mask = (_1 << bits) - _1
        while found > 0 and move < end:
            clause = np.uint64(listed[np.uint64(below(draw(stream, move * DRAWS), found))])
            low, high = np.uint64(pointer[clause]), np.uint64(pointer[clause + _1])
            total = np.uint64(0)
            for j in range(low, high):
                total += weight[np.uint64(broken[np.uint64(literal[j]) >> _1])]
            number = draw(stream, move * DRAWS + 1)
            move += 1
            if total == 0:  # all variables of the clause are given
                continue
            target = ((number >> _32) * total) >> _32
            i = low
            while True:
                here = weight[np.uint64(broken[np.uint64(literal[i]) >> _1])]
                if target < here:
                    break
                target -= here
                i += _1
            made = np.uint64(literal[i])
            v = made >> _1
            value[v] = made & _1
            mark = v << bits
            balance = 0
            for j in range(np.uint64(owner[made]), np.uint64(owner[made + _1])):
                c = np.uint64(occurrence[j])
                old = np.uint64(word[c])
                before = old & mask
                if before == 0:
                    place = old >> bits
                    found -= 1
                    moved = np.uint64(listed[np.uint64(found)])
                    listed[place] = moved
                    word[moved] = old  # the position of the clause that leaves the list
                    word[c] = mark | _1
                    balance += 1
                else:
                    if before == 1:
                        broken[old >> bits] -= 1
                    word[c] = (old ^ mark) + _1
            lost = made ^ _1
            for j in range(np.uint64(owner[lost]), np.uint64(owner[lost + _1])):
                c = np.uint64(occurrence[j])
                new = (np.uint64(word[c]) ^ mark) - _1
                left = new & mask
                if left == 0:
                    listed[np.uint64(found)] = c
                    word[c] = np.uint64(found) << bits
                    found += 1
                    balance -= 1
                else:
                    word[c] = new
                    if left == 1:
                        broken[new >> bits] += 1
            broken[v] += balance
        count[row] = found
        clock[row] = move
