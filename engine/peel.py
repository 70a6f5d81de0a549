"""Peeling: a variable that always has a value left, whatever values the others take, is solved last.

Where the constraints on a variable can rule out fewer values than its domain has, every solution of the rest extends to
it. Removing such variables repeatedly leaves a core for the solver. For a colouring with k colours the core is the
k-core (Matula and Beck 1983); for many sparse graphs it is empty. Peeling changes the work and never the
satisfiability.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from itertools import chain

from .constraints.base import Constraint
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
    if graph.objective is not None:
        return graph, ()
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
