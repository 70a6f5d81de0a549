"""Permutations and tours of a graph, which the moves of the general engine keep."""

from __future__ import annotations

import numpy as np

from ...engine.constraints.all_different import AllDifferent
from ...engine.constraints.circuit import Circuit
from ...engine.constraints.terms import moves_only
from ...engine.graph import ConstraintGraph
from ...engine.moves.graph import MoveGraph
from ...engine.moves.instance import MoveInstance


def exchanges(graph: ConstraintGraph) -> bool:
    """Whether annealing keeps a permutation or a tour of a graph.

    Args:
        graph: any graph.
    """
    if not graph.kinds & {AllDifferent, Circuit}:
        return False
    flat = MoveGraph.of(graph)
    return bool(permutations(flat)) or ring_of(flat) is not None


def domain_codes(graph: MoveGraph, v: int) -> np.ndarray:
    """The codes of a variable's domain.

    Args:
        graph: the flat graph.
        v: number of the variable.

    Returns:
        [size of the domain] int64.
    """
    size = int(graph.size[v])
    if graph.step[v]:
        return np.asarray(graph.first[v] + graph.step[v] * np.arange(size))
    return graph.listed[graph.domain_ptr[v] :][:size]


def has_permutations(graph: MoveGraph) -> bool:
    """Whether a graph has permutations.

    Args:
        graph: the flat graph.
    """
    return bool(permutations(graph))


def permutations(graph: MoveGraph) -> list[tuple[int, np.ndarray]]:
    """Disjoint scopes of ``AllDifferent`` with as many variables as values, each with its number.

    Args:
        graph: the flat graph.
    """
    used = np.zeros(graph.variables, dtype=bool)
    found = []
    if AllDifferent not in graph.graph.kinds:
        return []
    for c, constraint in enumerate(graph.constraints):
        if type(constraint) is not AllDifferent or constraint.exempt or getattr(constraint, "offsets", ()):
            continue
        scope = graph.scope[graph.scope_ptr[c] : graph.scope_ptr[c + 1]]
        domain = graph._domain[scope]
        alike = (domain == domain[0]).all() and graph.size[scope[0]] == len(scope)
        if alike and not used[scope].any():
            used[scope] = True
            found.append((c, scope))
    return found


def permutable(instance: MoveInstance, graph: MoveGraph, b: int) -> bool:
    """Whether the given values of a row are distinct in each permutation.

    Args:
        instance: the compiled problems.
        graph: of the row.
        b: number of the row.
    """
    fixed, given = instance.fixed[b], instance.given[b]
    key = ("general permutations", int(instance.template[b]))
    for _, scope in instance.once(key, lambda: permutations(graph)):
        known = given[scope][fixed[scope]]
        if len(np.unique(known)) < len(known):
            return False
    return True


def ring_of(graph: MoveGraph) -> tuple[int, np.ndarray] | None:
    """The first ``Circuit`` that every tour satisfies: its number, and its variables by vertex. None without one.

    Args:
        graph: the flat graph.
    """
    if Circuit not in graph.graph.kinds:
        return None
    for c, constraint in enumerate(graph.constraints):
        if type(constraint) is not Circuit or not moves_only(constraint, "successors"):
            continue
        scope = graph.scope[graph.scope_ptr[c] : graph.scope_ptr[c + 1]]
        n = len(scope)
        every = np.arange(n)
        codes = [domain_codes(graph, v) for v in scope.tolist()]
        if n > 3 and all(np.isin(np.delete(every, i), each).all() for i, each in enumerate(codes)):
            return c, scope
    return None
