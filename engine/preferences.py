"""Soft constraints with weights, and several objectives in lexicographic order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from .constraints.base import Constraint
from .constraints.reify import Reify
from .errors import GraphError
from .graph import ConstraintGraph
from .objective import Objective
from .values import LARGEST, Domain, bounds, brief, integer, items, set_fields


@dataclass(frozen=True)
class Soft:
    """A constraint that may be violated at a cost.

    Args:
        constraint: of any kind.
        weight: the cost, a positive integer.

    Raises:
        GraphError: the weight is not a positive integer, or the constraint is none.
    """

    constraint: Constraint
    weight: int = 1

    def __post_init__(self) -> None:
        if not isinstance(self.constraint, Constraint):
            raise GraphError(f"soft: the constraint must be a constraint, not {brief(self.constraint)}")
        weight = integer(self.weight, "soft: the weight")
        if weight <= 0:
            raise GraphError(f"soft: the weight is {brief(weight)}", "write a positive integer")
        set_fields(self, weight=weight)


def soft(constraint: Constraint, weight: int = 1) -> Soft:
    """A constraint that may be violated at a cost, for ``with_soft``.

    Args:
        constraint: of any kind.
        weight: the cost, a positive integer.

    Raises:
        GraphError: the weight is not a positive integer.
    """
    return Soft(constraint, weight)


def with_soft(graph: ConstraintGraph, constraints: Iterable[Soft]) -> ConstraintGraph:
    """The graph with soft constraints: each gets a penalty variable, and the objective the weights of those violated.

    The penalty variable is called ``violated N``, with N from 1, or ``violated NAME`` for a constraint with a name. It
    is 1 where the constraint is violated. At an optimum it is 0 where the constraint holds.

    Args:
        graph: the hard constraints, and maybe an objective to which the weights are added.
        constraints: what ``soft`` returned.

    Returns:
        A new graph.

    Raises:
        GraphError: a penalty variable has the name of another variable, or a constraint is not valid.

    Example:
        >>> from mull import solve, Problem
        >>> from mull.engine import AllDifferent, Clause, ConstraintGraph, soft, with_soft
        >>> graph = ConstraintGraph({"a": (1, 2), "b": (1, 2)}, [AllDifferent(["a", "b"])])
        >>> wishes = [soft(Clause([("a", 1)]), 3), soft(Clause([("b", 1)]), 5)]
        >>> solution = solve(Problem(with_soft(graph, wishes)), "cpsat")
        >>> solution["b"], solution["violated 1"], solution.objective
        (1, 1, 3)
    """
    domains, hard = dict(graph.domains), list(graph.constraints)
    objective = graph.objective or Objective({})
    coefficients = dict(objective.coefficients)
    found = items(constraints, "the soft constraints", "[soft(constraint, 3)]")
    for number, each in enumerate(found, 1):
        if not isinstance(each, Soft):
            raise GraphError(f"{brief(each)} is not a soft constraint", "write soft(constraint, 3)")
        name = f"violated {each.constraint.labels.get('name', number)}"
        if name in domains:
            raise GraphError(f"two variables have the name {name!r}", "give the soft constraints distinct names")
        domains[name] = (0, 1)
        hard.append(Reify((name, 0), each.constraint, half=True))
        coefficients[name] = -each.weight if objective.maximise else each.weight
    return ConstraintGraph(domains, hard, Objective(coefficients, objective.constant, objective.maximise))


def lexicographic(objectives: Sequence[Objective], domains: Mapping[str, Domain]) -> Objective:
    """One objective for several: the first is optimised; among its optima, the second; and so on.

    Each objective is weighted by more than all later ones can differ. The value of the result has no meaning of its
    own: read the values of the parts with ``objective.value(assignment)``.

    Args:
        objectives: at least one, the most important one first. Each is minimised or maximised as it states.
        domains: of the graph's variables.

    Returns:
        An objective to minimise.

    Raises:
        GraphError: there is no objective, a variable is unknown, or the weights become too large.

    Example:
        >>> first, second = Objective({"a": 1, "b": 1}), Objective({"b": 1}, maximise=True)
        >>> lexicographic([first, second], {"a": range(10), "b": range(10)}).coefficients
        {'a': 10, 'b': 9}
    """
    found = items(objectives, "the objectives", '[Objective({"a": 1}), Objective({"b": 1})]')
    if not found:
        raise GraphError("there is no objective", "give at least one")
    coefficients: dict[str, int] = {}
    weight, reached = 1, 0
    for objective in reversed(found):
        if not isinstance(objective, Objective):
            raise GraphError(f"{brief(objective)} is not an Objective", 'write Objective({"a": 1})')
        spread = 0
        for name, cost in objective.costs.items():
            if name not in domains:
                raise GraphError(f"objective: unknown variable {name!r}", "an objective names variables of the graph")
            least, most = bounds(domains[name])
            spread += abs(cost) * (most - least)
            reached += weight * abs(cost) * max(abs(least), abs(most))
            coefficients[name] = coefficients.get(name, 0) + weight * cost
        weight *= spread + 1
    if reached > LARGEST:
        hint = "use smaller domains, or solve for one objective after the other"
        raise GraphError(f"the objectives together reach {brief(reached)}, more than 2^60", hint)
    ordered = {name: 0 for objective in found for name in objective.coefficients}
    return Objective({name: coefficients[name] for name in ordered})
