"""Hard and soft clauses of a graph as flat arrays: soft constraints and linear objectives over two-valued variables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import NamedTuple, TypeAlias

import numpy as np

from ...engine.constraints import Clause, Reify
from ...engine.constraints.base import Constraint
from ...engine.graph import ConstraintGraph
from ...engine.moves.graph import MoveGraph, pointers
from ...engine.moves.soft import SoftConstraints, soft_constraints
from ...engine.values import Value
from .formula import Formula, from_literals

Literal: TypeAlias = tuple[str, Value]


class SoftFormula(NamedTuple):
    """A formula with M clauses, some of them soft, and S penalty variables.

    A variable with a coefficient in the objective has a soft clause of one literal: its cheaper value.

    Args:
        formula: of all clauses. Penalty variables occur in none.
        weight: [M] int64, the cost of violating a soft clause; 0 for a hard one.
        penalty: [M] int32, the penalty variable of a soft clause, or -1.
        holds: [V] int64, domain indices of the penalty variables where their clauses hold; -1 for other variables.
        base: the objective, without its constant, where all soft clauses hold.
    """

    formula: Formula
    weight: np.ndarray
    penalty: np.ndarray
    holds: np.ndarray
    base: int

    def fill(self, indices: np.ndarray) -> None:
        """Write the values of the penalty variables into assignments.

        Args:
            indices: [B, V] int64 domain indices, changed in place.
        """
        penalties = (self.holds >= 0).nonzero()[0]
        indices[:, penalties] = self.holds[penalties]
        chosen = (self.penalty >= 0).nonzero()[0]
        f = self.formula
        if not len(chosen):
            return
        for row in indices:
            true = np.logical_or.reduceat(row[f.literals >> 1] == (f.literals & 1), f.clause_ptr[:-1])
            violated = self.penalty[chosen[~true[chosen]]]
            row[violated] = 1 - self.holds[violated]


def reason(graph: ConstraintGraph) -> str | None:
    """Why a graph does not consist of hard and soft clauses over variables with at most two values, or None."""
    if max((len(domain) for domain in set(graph.domains.values())), default=0) != 2:
        return "it takes only variables with two values"
    names = {kind.__name__ for kind in graph.kinds}
    if not names or names - {"Clause", "Reify"}:
        return "it takes only hard and soft clauses"
    if "Reify" in names:
        found = soft_constraints(MoveGraph.of(graph)).constraints
        if not all(type(each) is Clause or _half(each) for each in found):
            return "it takes only hard and soft clauses"
    return None


def soft_formula(graph: MoveGraph, fixed: np.ndarray) -> SoftFormula:
    """The clauses of a graph.

    Args:
        graph: without a ``reason``.
        fixed: [V] bool, variables that are given; they are no penalty variables.
    """
    none = np.zeros(0, dtype=np.int64)
    if graph.objective.any() or Reify in graph.graph.kinds:
        found = soft_constraints(graph, fixed)
        ptr, literals, owner = _literals(graph, found.constraints)
        units, costs, base = _units(graph, found)
        # The first clause of a constraint is the constraint; further ones are hard.
        first = np.concatenate(([True], np.diff(owner) > 0))
        weight = np.where(first, found.weight[owner], 0)
        penalty = np.where(first, found.literal[owner], -1)
        holds = np.full(graph.variables, -1, dtype=np.int64)
        holds[found.penalties] = _index(graph, found.penalties, found.holds[found.literal >= 0])
    else:
        clauses = graph.clauses
        ptr, literals = clauses.ptr, 2 * clauses.variable.astype(np.int64) + clauses.wanted
        units, costs, base = none, none, 0
        weight, penalty = np.zeros(len(ptr) - 1, dtype=np.int64), np.full(len(ptr) - 1, -1)
        holds = np.full(graph.variables, -1, dtype=np.int64)
    ptr = np.concatenate((ptr, ptr[-1] + 1 + np.arange(len(units))))
    made = from_literals(graph.variables, ptr, np.concatenate((literals, units)))
    weight = np.concatenate((weight, costs))[made.clause]
    penalty = np.concatenate((penalty, np.full(len(units), -1)))[made.clause]
    return SoftFormula(made, weight, penalty, holds, base)


def _half(constraint: Constraint) -> bool:
    """Whether a constraint is a clause that holds if a literal is true."""
    return isinstance(constraint, Reify) and constraint.half and type(constraint.constraint) is Clause


def _literals(graph: MoveGraph, constraints: Sequence[Constraint]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where the literals of each clause begin, the literals, and the number of the constraint that a clause states."""
    stated: list[tuple[Literal, ...]] = []
    owner: list[int] = []
    for c, each in enumerate(constraints):
        found = [each.literals] if isinstance(each, Clause) else list(_stated(graph.graph, each))
        stated += found
        owner += [c] * len(found)
    names, values = zip(*chain.from_iterable(stated), strict=True)
    variable = np.fromiter(map(graph.graph.index.__getitem__, names), dtype=np.int64, count=len(names))
    code = np.fromiter(map(graph.code, values), dtype=np.int64, count=len(values))
    ptr = pointers([len(each) for each in stated])
    return ptr, 2 * variable + _index(graph, variable, code), np.array(owner, dtype=np.int64)


def _stated(graph: ConstraintGraph, constraint: Constraint) -> Iterator[tuple[Literal, ...]]:
    """The clauses that state a ``Reify`` of a clause. Values outside a literal are the other one of the two."""
    if not isinstance(constraint, Reify) or not isinstance(constraint.constraint, Clause):
        raise TypeError(f"{constraint.describe()} is not a clause")
    name, value = constraint.literal
    inner = constraint.constraint.literals
    yield (*((name, other) for other in graph.domains[name] if other != value), *inner)
    if not constraint.half:
        for own, wanted in inner:
            yield ((name, value), *((own, other) for other in graph.domains[own] if other != wanted))


def _index(graph: MoveGraph, variable: np.ndarray, code: np.ndarray) -> np.ndarray:
    """The domain indices [N] of the codes [N] of variables [N] with at most two values."""
    first = graph.codes(np.zeros(graph.variables, dtype=np.int64))
    other: np.ndarray = code != first[variable]
    return other.astype(np.int64)


def _units(graph: MoveGraph, found: SoftConstraints) -> tuple[np.ndarray, np.ndarray, int]:
    """The literals of cheaper values, what the others cost more, and the objective where all soft clauses hold."""
    low = graph.codes(np.zeros(graph.variables, dtype=np.int64))
    high = graph.codes(graph.size - 1)
    weighed = found.objective.nonzero()[0]
    costs = found.objective[weighed] * (high[weighed] - low[weighed])
    base = found.constant + int((found.objective * np.where(found.objective * (high - low) < 0, high, low)).sum())
    some = costs != 0
    return 2 * weighed[some] + (costs[some] < 0), np.abs(costs[some]), base
