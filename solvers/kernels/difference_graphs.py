"""Graphs of differences: the constraints that the tabu kernels take.

A graph of differences has only constraints that make values unequal: AllDifferent and ``a != b``, hard or soft. A cut is
a graph of soft constraints ``a != b`` and ``a = b`` over two values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from ...engine.constraints import AllDifferent, Compare, Constraint, Linear, Reify
from ...engine.constraints.edge_arrays import EdgeArrays
from ...engine.graph import ConstraintGraph
from ...engine.moves.graph import MoveGraph

MOST_LITERALS = 1 << 26
"""The most literals of a graph: a chain stores two numbers for each."""


@dataclass(frozen=True)
class SoftDifference:
    """A soft constraint ``a != b`` or ``a = b``, stated as a reified constraint whose literal only the objective reads.

    Args:
        scope: the positions of the two variables in the graph.
        equal: whether the constraint is ``a = b``.
        weight: the cost where the constraint is violated.
        penalty: the position of the variable that states whether the constraint is violated.
        violated: the domain index of ``penalty`` where the constraint is violated.
        holds: its domain index where the constraint holds.
        base: what ``penalty`` adds to the objective where the constraint holds.
    """

    scope: tuple[int, int]
    equal: bool
    weight: int
    penalty: int
    violated: int
    holds: int
    base: int


@dataclass(frozen=True, eq=False)
class Differences:
    """The constraints of a graph of differences. Variables are positions in the graph.

    Args:
        pairs: [P, 2] int64, hard constraints of two variables.
        group_ptr, member: [G + 1] and [M] int64, hard constraints of more variables.
        soft: the soft constraints.
    """

    pairs: np.ndarray
    group_ptr: np.ndarray
    member: np.ndarray
    soft: tuple[SoftDifference, ...] = ()


def differences(graph: ConstraintGraph) -> Differences | str:
    """The constraints of a graph of differences, or the reason why a graph has others. The graph object keeps the result.

    Args:
        graph: any graph.
    """
    keeper = MoveGraph.of(graph).__dict__
    if "differences" not in keeper:
        keeper["differences"] = _differences(graph)
    found: Differences | str = keeper["differences"]
    return found


def _differences(graph: ConstraintGraph) -> Differences | str:
    if not len(graph.constraints):
        return "it takes graphs with constraints"
    costs = {name: cost for name, cost in graph.objective.costs.items() if cost} if graph.objective else {}
    if isinstance(graph.arrays, EdgeArrays):
        none = np.zeros(0, dtype=np.int64)
        found = Differences(graph.arrays.edges.astype(np.int64), np.zeros(1, dtype=np.int64), none)
    else:
        listed = _listed(graph, costs)
        if isinstance(listed, str):
            return listed
        found = listed
    penalties = {each.penalty for each in found.soft}
    if other := next((name for name in costs if graph.index[name] not in penalties), None):
        return f"its objective may only count violated constraints, and {other!r} is another variable"
    if penalties:
        scopes = [variable for each in found.soft for variable in each.scope]
        used = np.concatenate((found.pairs.ravel(), found.member, scopes))
        if np.isin(list(penalties), used).any() or len(penalties) < len(found.soft):
            return "a variable that states whether a soft constraint is violated may not be in other constraints"
    if any(each.equal for each in found.soft) and not is_cut(graph, found):
        return "it takes = only as a soft constraint beside others over the same two values"
    distinct = {id(domain): domain for v, domain in enumerate(graph.domains.values()) if v not in penalties}.values()
    size = len(set(chain.from_iterable(distinct)))
    if (len(graph.domains) - len(penalties)) * size > MOST_LITERALS:
        return f"its table holds 2^26 literals, and the graph has {len(graph.domains)} variables with {size} values"
    return found


def is_cut(graph: ConstraintGraph, found: Differences) -> bool:
    """Whether a graph has only soft constraints, over two values that all its variables may take.

    Args:
        graph: of differences.
        found: its constraints.
    """
    if not found.soft or len(found.pairs) or len(found.member):
        return False
    penalties = {each.penalty for each in found.soft}
    domains = {id(domain): domain for v, domain in enumerate(graph.domains.values()) if v not in penalties}
    return all(len(domain) == 2 for domain in domains.values()) and len(set(map(frozenset, domains.values()))) == 1


def _listed(graph: ConstraintGraph, costs: Mapping[str, int]) -> Differences | str:
    """The constraints of a graph that has them as objects."""
    index = graph.index
    pairs: list[str] = []
    groups: list[Sequence[str]] = []
    soft: list[SoftDifference] = []
    for constraint in graph.constraints:
        scope = _unequal(constraint)
        if scope is None:
            each = _soft(constraint, graph, costs)
            if each is None:
                return (
                    f"it takes AllDifferent and !=, hard or soft, and no {constraint.kind} as in {_brief(constraint)}"
                )
            soft.append(each)
        elif len(scope) == 2:
            pairs += scope
        elif len(scope) > 2:
            groups.append(scope)
    member = np.array([index[name] for scope in groups for name in scope], dtype=np.int64)
    ptr = np.cumsum([0, *map(len, groups)])
    return Differences(np.array([index[name] for name in pairs], np.int64).reshape(-1, 2), ptr, member, tuple(soft))


def _unequal(constraint: Constraint) -> tuple[str, ...] | None:
    """The scope of a constraint whose violation degree is its number of equal pairs; None for other constraints."""
    if type(constraint) is Compare:
        different = constraint.op == "!=" and not constraint.offset and constraint.left != constraint.right
        return constraint.scope if different else None
    if type(constraint) is AllDifferent:
        return (
            constraint.scope
            if not constraint.exempt and not constraint.offsets and len(set(constraint.scope)) == len(constraint.scope)
            else None
        )
    if type(constraint) is Linear and constraint.op == "!=" and constraint.bound == 0 and len(constraint.scope) == 2:
        first, second = constraint.coefficients
        return constraint.scope if first == -second != 0 and constraint.scope[0] != constraint.scope[1] else None
    return None


def _soft(constraint: Constraint, graph: ConstraintGraph, costs: Mapping[str, int]) -> SoftDifference | None:
    """A reified difference whose literal only the objective reads, as a soft constraint of some weight."""
    if type(constraint) is not Reify:
        return None
    inner = constraint.constraint
    equal = type(inner) is Compare and inner.op == "=" and not inner.offset and inner.left != inner.right
    scope = inner.scope if equal else _unequal(inner)
    name, value = constraint.literal
    domain = graph.domains[name]
    # The objective counts a violated AllDifferent once, not by its equal pairs.
    if scope is None or len(scope) != 2 or name in scope or len(domain) != 2:
        return None
    holds = domain.index(value)
    violated = 1 - holds
    cost = costs.get(name, 0)
    weight = cost * (int(domain[violated]) - int(value)) if cost else 0
    if weight < 0 and not constraint.half:  # the objective rewards the violation
        equal, weight, holds, violated = not equal, -weight, violated, holds
    if weight < 0:  # the constraint has no effect: its literal need not be true
        holds, weight = violated, 0
    ends = graph.index[scope[0]], graph.index[scope[1]]
    base = cost * int(domain[holds]) if cost else 0
    return SoftDifference(ends, equal, weight, graph.index[name], violated, holds, base)


def _brief(constraint: Constraint) -> str:
    text = constraint.describe() if hasattr(constraint, "describe") else repr(constraint)
    return text if len(text) <= 60 else f"{text[:57]}..."
