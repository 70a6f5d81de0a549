"""Defined variables: those whose value a constraint determines, so that a search computes them instead of searching.

A functional constraint defines its result (``Element``, ``Abs``, ``Maximum``, ...), ``Linear`` with ``=`` a variable of
coefficient 1 or -1 whose domain has every value that the rest of the sum can need, and a full ``Reify`` its literal. The
definitions have no cycle: they are computed one after another.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..constraints.base import Constraint
from ..constraints.function import Function
from ..constraints.linear import Linear
from ..constraints.n_values import NValues
from ..constraints.reify import Reify
from ..values import bounds
from .graph import MoveGraph


class Definitions(NamedTuple):
    """Which constraints define which variables. C is the number of constraints, V of variables, N of definitions.

    Args:
        defines: [C] int32, the variable that a constraint defines, or -1.
        definer, slot: [V] int32, the constraint that defines a variable, or -1, and the variable's slot in its scope.
        rank: [V] int32, the position of a defined variable in the order of computation; -1 for the others.
        order: [N] int32, the defined variables in that order.
    """

    defines: np.ndarray
    definer: np.ndarray
    slot: np.ndarray
    rank: np.ndarray
    order: np.ndarray


def definitions(graph: MoveGraph, constraints: Sequence[Constraint], fixed: np.ndarray) -> Definitions:
    """The definitions among some constraints.

    Args:
        graph: has the variables.
        constraints: [C], with the scopes of the graph's constraints or parts of them.
        fixed: [V] bool, variables whose value is given or filled in; they are not defined.

    Example:
        >>> from mull.engine import Abs, ConstraintGraph
        >>> graph = MoveGraph.of(ConstraintGraph({"a": range(-3, 3), "b": range(4)}, [Abs("a", "b")]))
        >>> found = definitions(graph, graph.constraints, np.zeros(2, dtype=bool))
        >>> found.order.tolist(), found.definer.tolist()
        ([1], [-1, 0])
    """
    index = graph.graph.index
    defines = np.full(len(constraints), -1, dtype=np.int32)
    definer, slot, rank = (np.full(graph.variables, -1, dtype=np.int32) for _ in range(3))
    for c, constraint in enumerate(constraints):
        for name in _results(graph, constraint):
            v = index[name]
            if not fixed[v] and definer[v] < 0:
                defines[c], definer[v], slot[v] = v, c, constraint.scope.index(name)
                break
    order = _ordered(constraints, index, defines, definer)
    rank[order] = np.arange(len(order))
    return Definitions(defines, definer, slot, rank, np.array(order, dtype=np.int32))


def _results(graph: MoveGraph, constraint: Constraint) -> list[str]:
    """The variables that a constraint can define, the best one first."""
    if isinstance(constraint, Function):
        result = constraint.result
        others = constraint.terms[:-1]  # the result is the last term of all functions
        return [result] if isinstance(result, str) and result not in others else []
    if type(constraint) is NValues:
        return (
            [constraint.count] if isinstance(constraint.count, str) and constraint.count not in constraint.items else []
        )
    if type(constraint) is Reify and not constraint.half:
        name = constraint.literal[0]
        known = len(graph.domains[name]) == 2 and name not in constraint.constraint.scope
        return [name] if known else []
    if type(constraint) is Linear and constraint.op == "=":
        return _summands(graph, constraint)
    return []


def _summands(graph: MoveGraph, constraint: Linear) -> list[str]:
    """The variables of an equation that can take every value which the rest of the sum may need."""
    ends = [bounds(graph.domains[name]) for name in constraint.scope]
    terms = [sorted((k * low, k * high)) for k, (low, high) in zip(constraint.coefficients, ends, strict=True)]
    least, most = sum(low for low, _ in terms), sum(high for _, high in terms)
    found = []
    for (low, high), name, k, (first, last) in zip(terms, constraint.scope, constraint.coefficients, ends, strict=True):
        if k not in (1, -1) or len(graph.domains[name]) != last - first + 1:
            continue
        needed = sorted((k * (constraint.bound - (most - high)), k * (constraint.bound - (least - low))))
        if first <= needed[0] and needed[1] <= last and len(constraint.scope) > 1:
            found.append(name)
    # Of several, the one of the largest domain: an auxiliary variable rather than a decision.
    return sorted(found, key=lambda name: -len(graph.domains[name]))


def _ordered(
    constraints: Sequence[Constraint], index: dict[str, int], defines: np.ndarray, definer: np.ndarray
) -> list[int]:
    """The defined variables, arguments first. Definitions that would close a cycle are dropped."""
    defining = (defines >= 0).nonzero()[0].tolist()
    users: dict[int, list[int]] = {}
    missing: dict[int, int] = {}
    for c in defining:
        arguments = {index[name] for name in constraints[c].scope} - {int(defines[c])}
        needed = [v for v in arguments if definer[v] >= 0]
        missing[c] = len(needed)
        for v in needed:
            users.setdefault(v, []).append(c)
    ready = [c for c in defining if not missing[c]]
    order: list[int] = []
    done: set[int] = set()
    waiting = iter(defining)
    while len(done) < len(defining):
        if not ready:
            c = next(c for c in waiting if c not in done)  # a cycle: its first variable is searched
            v = int(defines[c])
            defines[c] = definer[v] = -1
        else:
            c = ready.pop()
            v = int(defines[c])
            order.append(v)
        done.add(c)
        for user in users.get(v, ()):
            missing[user] -= 1
            if not missing[user] and user not in done:
                ready.append(user)
    return order
