"""Peeling: a variable that has a possible value for all values of the others is solved last.

Where the constraints on a variable can rule out fewer values than its domain has, every solution of the rest extends to
it. Removing such variables repeatedly leaves a core for the solver. For a colouring with k colours the core is the
k-core (Matula and Beck 1983); for many sparse graphs it is empty. Peeling changes the work and never the
satisfiability.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from itertools import chain

import numpy as np

from .constraints.base import Constraint
from .constraints.edge_arrays import EdgeArrays
from .graph import ConstraintGraph
from .values import Assignment, Value


def peel(graph: ConstraintGraph, givens: Collection[str] = ()) -> tuple[ConstraintGraph, tuple[str, ...]]:
    """The core of a graph, and the variables that were removed.

    Args:
        graph: any graph. One with an objective is not peeled, because its variables are not free to take any value.
        givens: names of given variables, which are not removed.

    Returns:
        The core and the removed variables in the order of removal; the same graph and () where none can be removed.
    """
    if graph.objective is not None or all(kind.excludes is Constraint.excludes for kind in graph.kinds):
        return graph, ()
    if isinstance(graph.constraints, EdgeArrays):
        return _peel_edges(graph, graph.constraints, givens)
    around: dict[str, list[int]] = defaultdict(list)
    for i, constraint in enumerate(graph.constraints):
        for name in constraint.scope:
            around[name].append(i)
    now: dict[int, Constraint | None] = dict(enumerate(graph.constraints))
    room = {name: _room(graph, name, around[name]) for name in graph.domains if around[name] and name not in givens}
    ready = [name for name, left in room.items() if left > 0]
    order: list[str] = []
    gone = set()
    while ready:
        name = ready.pop()
        if name in gone:
            continue
        gone.add(name)
        order.append(name)
        for i in around[name]:
            before = now[i]
            if before is None:
                continue
            now[i] = after = before.without(name)
            for other in before.scope:
                if room.get(other, 1) <= 0:
                    room[other] += (before.excludes(other) or 0) - ((after.excludes(other) or 0) if after else 0)
                    if room[other] > 0:
                        ready.append(other)
    if not order:
        return graph, ()
    kept = {name: domain for name, domain in graph.domains.items() if name not in gone}
    return ConstraintGraph(kept, [constraint for constraint in now.values() if constraint is not None]), tuple(order)


def _peel_edges(
    graph: ConstraintGraph, edges: EdgeArrays, givens: Collection[str]
) -> tuple[ConstraintGraph, tuple[str, ...]]:
    """``peel`` for the edges of a graph to colour: the same removals in the same order."""
    names = list(graph.domains)
    start, near = (array.tolist() for array in edges.neighbours)
    room = [len(domain) - b + a for domain, a, b in zip(graph.domains.values(), start[:-1], start[1:], strict=True)]
    fixed = [a == b or name in givens for name, a, b in zip(names, start[:-1], start[1:], strict=True)]
    ready = [v for v, left in enumerate(room) if left > 0 and not fixed[v]]
    gone = fixed.copy()  # a variable that stays is never looked at
    order = []
    while ready:
        v = ready.pop()
        gone[v] = True
        order.append(v)
        for u in near[start[v] : start[v + 1]]:
            if room[u] <= 0 and not gone[u]:
                room[u] += 1
                if room[u] > 0:
                    ready.append(u)
    if not order:
        return graph, ()
    removed = np.zeros(len(names), dtype=bool)
    removed[order] = True
    kept, left = np.flatnonzero(~removed), np.flatnonzero(~removed[edges.edges].any(1))
    domains = {names[v]: graph.domains[names[v]] for v in kept.tolist()}
    core = ConstraintGraph.unchecked(domains, edges.select(left, kept))
    return core, tuple([names[v] for v in order])


def _room(graph: ConstraintGraph, name: str, constraints: list[int]) -> float:
    """The number of values that a variable has left in the worst case; less than 1 where it may have none."""
    left = len(graph.domains[name])
    for i in constraints:
        excluded = graph.constraints[i].excludes(name)
        if excluded is None:
            return float("-inf")
        left -= excluded
    return left


def extend(
    graph: ConstraintGraph, assignment: Assignment, order: tuple[str, ...], hint: Mapping[str, Value] | None = None
) -> Assignment:
    """A solution of the core, extended to the removed variables.

    Args:
        graph: the whole graph.
        assignment: a solution of the core.
        order: the removed variables, in the order of removal. They get values in the reverse order.
        hint: values to prefer.

    Returns:
        A solution of ``graph``.
    """
    whole = dict(assignment)
    if order and isinstance(graph.constraints, EdgeArrays):
        _extend_edges(graph, graph.constraints, whole, order, hint or {})
        return {name: whole[name] for name in graph.domains}
    around: dict[str, list[Constraint]] = defaultdict(list)
    for constraint in graph.constraints if order else ():
        for name in constraint.scope:
            around[name].append(constraint)
    for name in reversed(order):
        taken = [(c, {other: whole[other] for other in c.scope if other in whole}) for c in around[name]]
        domain = graph.domains[name]
        preferred = [hint[name]] if hint and name in hint and hint[name] in domain else []
        whole[name] = next(
            value
            for value in chain(preferred, domain)
            if not any(name in (c.conflict({**others, name: value}) or ()) for c, others in taken)
        )
    return {name: whole[name] for name in graph.domains}


def _extend_edges(
    graph: ConstraintGraph,
    edges: EdgeArrays,
    whole: Assignment,
    order: tuple[str, ...],
    hint: Mapping[str, Value],
) -> None:
    """Add values for the removed variables to an assignment of the core."""
    names = list(graph.domains)
    start, near = (array.tolist() for array in edges.neighbours)
    for name in reversed(order):
        v = graph.index[name]
        taken = {whole.get(names[u]) for u in near[start[v] : start[v + 1]]}
        domain = graph.domains[name]
        preferred = [hint[name]] if name in hint and hint[name] in domain else []
        whole[name] = next(value for value in chain(preferred, domain) if value not in taken)
