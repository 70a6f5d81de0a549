"""Soft constraints of a graph: constraints with a weight, which compiled searches may violate at a cost.

A graph states them with penalty variables (``engine/preferences.py``, WCNF files). A penalty variable has two values and
a coefficient in the objective, and occurs in one constraint only: a ``Reify`` of which it is the literal, or a ``Clause``.
A search needs no value for it: it is cheap where the constraint holds, and expensive where not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..constraints.base import Constraint
from ..constraints.clause import Clause
from ..constraints.reify import Reify
from .graph import MoveGraph


@dataclass(frozen=True, eq=False)
class SoftConstraints:
    """The constraints of a graph without its penalty variables. V is the number of variables, C of constraints.

    Args:
        constraints: [C], in the graph's order. A soft constraint stands for the one that states it.
        weight: [C] int64, the cost of violating a soft constraint; 0 for a hard one.
        literal: [C] int32, the penalty variable; -1 for a hard constraint.
        holds, violated: [C] int64, the codes of the penalty variable where the constraint holds, and where it does not.
        objective: [V] int64, the cost of the other variables: 0 for penalty variables.
        constant: the cost of all penalty variables where every soft constraint holds.
    """

    constraints: Sequence[Constraint]
    weight: np.ndarray
    literal: np.ndarray
    holds: np.ndarray
    violated: np.ndarray
    objective: np.ndarray
    constant: int

    @property
    def penalties(self) -> np.ndarray:
        """[S] int32: the penalty variables, in the order of the soft constraints."""
        return self.literal[self.literal >= 0]

    def fill(self, values: np.ndarray, degree: np.ndarray) -> None:
        """Write the penalty variables into assignments.

        Args:
            values: [B, V] int64 codes, changed in place.
            degree: [B, C], positive where a constraint is violated.
        """
        soft = (self.literal >= 0).nonzero()[0]
        values[:, self.literal[soft]] = np.where(degree[:, soft] > 0, self.violated[soft], self.holds[soft])


def soft_constraints(graph: MoveGraph, fixed: np.ndarray | None = None) -> SoftConstraints:
    """The soft constraints of a graph.

    Args:
        graph: with any objective.
        fixed: [V] bool, variables whose value is given; their constraints stay hard.

    Example:
        >>> from mull.engine import AllDifferent, ConstraintGraph, soft, with_soft
        >>> hard = ConstraintGraph({"a": (1, 2), "b": (1, 2)}, [])
        >>> found = soft_constraints(MoveGraph.of(with_soft(hard, [soft(AllDifferent(("a", "b")), 3)])))
        >>> found.constraints, found.weight.tolist(), found.penalties.tolist()
        ([AllDifferent(scope=('a', 'b'), exempt=())], [3], [2])
    """
    count = len(graph.constraints)
    objective = graph.objective
    once = (np.diff(graph.occ_ptr) == 1) & (graph.size == 2) & (objective != 0)
    if fixed is not None:
        once &= ~fixed
    candidates = once.nonzero()[0]
    weight, holds, violated = (np.zeros(count, dtype=np.int64) for _ in range(3))
    literal = np.full(count, -1, dtype=np.int32)
    if not len(candidates):
        return SoftConstraints(graph.constraints, weight, literal, holds, violated, objective, 0)
    objective, constraints, constant = objective.copy(), list(graph.constraints), 0
    names = list(graph.domains)
    ends = graph.codes(np.array([np.zeros(graph.variables, np.int64), np.minimum(graph.size - 1, 1)]))
    for v in candidates.tolist():
        c = int(graph.occ_constraint[graph.occ_ptr[v]])
        stated = _inner(constraints[c], names[v])
        if literal[c] >= 0 or stated is None:
            continue
        constraint, wanted = stated
        here = graph.code(wanted)
        other = int(ends[:, v][ends[:, v] != here][0])
        # A Reify's literal is true where the constraint holds; a clause's literal is true where the rest is violated.
        on, off = (here, other) if isinstance(constraints[c], Reify) else (other, here)
        cost = int(objective[v]) * (off - on)
        if cost <= 0:
            continue  # violating it is no disadvantage
        constraints[c] = constraint
        weight[c], literal[c], holds[c], violated[c] = cost, v, on, off
        constant += int(objective[v]) * on
        objective[v] = 0
    return SoftConstraints(constraints, weight, literal, holds, violated, objective, constant)


def _inner(constraint: Constraint, name: str) -> tuple[Constraint, int] | None:
    """The constraint that a penalty variable allows to violate, and the variable's value in the literal."""
    if type(constraint) is Reify and constraint.literal[0] == name and name not in constraint.constraint.scope:
        value = constraint.literal[1]
        return (constraint.constraint, value) if isinstance(value, int) else None
    if type(constraint) is Clause:
        rest = tuple(each for each in constraint.literals if each[0] != name)
        own = [value for other, value in constraint.literals if other == name]
        if rest and len(own) == 1 and isinstance(own[0], int):
            return Clause(rest), own[0]
    return None
