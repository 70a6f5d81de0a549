"""probSAT in plain Python, and random formulas: what the compiled kernels are compared with."""

from __future__ import annotations

import random

import numpy as np

from mull.engine import Clause, ConstraintGraph
from mull.solvers.kernels.cuda_instance import GOLDEN
from mull.solvers.kernels.formula import Formula

MASK = (1 << 64) - 1


def mixed(x: int) -> int:
    x &= MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return x ^ (x >> 31)


def below(bits: int, n: int) -> int:
    return ((bits >> 32) * n) >> 32


def graph(rng: random.Random, variables: int, clauses: int, lengths: list[int]) -> ConstraintGraph:
    """A random formula. Some clauses repeat a literal or contain a variable and its negation."""
    names = [f"x{i}" for i in range(variables)]
    made = []
    for _ in range(clauses):
        literals: list[tuple[str, int | str]] = [
            (name, rng.randint(0, 1)) for name in rng.sample(names, rng.choice(lengths))
        ]
        if rng.random() < 0.05:
            name, value = literals[0]
            literals.append((name, int(value) ^ rng.randint(0, 1)))
        made.append(Clause(tuple(literals)))
    return ConstraintGraph(dict.fromkeys(names, (0, 1)), made)


def walk(
    f: Formula, table: np.ndarray, key: int, steps: int, start: list[int], fixed: np.ndarray
) -> tuple[list[int], int, int]:
    """probSAT in plain Python: the assignment, the moves made, and the number of violated clauses."""
    clauses = [f.literals[a:b].tolist() for a, b in zip(f.clause_ptr[:-1], f.clause_ptr[1:], strict=True)]
    owners = [f.occurrences[a:b].tolist() for a, b in zip(f.owners[:-1], f.owners[1:], strict=True)]
    value = list(start)
    true = [sum(value[x >> 1] == (x & 1) for x in clause) for clause in clauses]
    violated = [c for c in range(len(clauses)) if not true[c]]
    clock = 0
    while clock < steps and violated:
        draws = [mixed(key + (2 * clock + i) * GOLDEN) for i in range(2)]
        clock += 1
        clause = clauses[violated[below(draws[0], len(violated))]]
        weights = [0 if fixed[x >> 1] else int(table[sum(true[c] == 1 for c in owners[x ^ 1])]) for x in clause]
        if not sum(weights):
            continue
        chosen = int(np.searchsorted(np.cumsum(weights), below(draws[1], sum(weights)), side="right"))
        literal = clause[chosen]
        value[literal >> 1] = literal & 1
        for c in owners[literal]:
            if not true[c]:
                at, last = violated.index(c), violated.pop()
                if last != c:
                    violated[at] = last
            true[c] += 1
        for c in owners[literal ^ 1]:
            true[c] -= 1
            if not true[c]:
                violated.append(c)
    return value, clock, len(violated)
