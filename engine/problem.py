"""A problem: one constraint graph plus what one instance fixes, and where it came from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from .constraints.base import Constraint
from .graph import Assignment, ConstraintGraph, GraphError, Value


@dataclass(frozen=True)
class Source:
    """Where a problem was read: a path or ``family:spec``, and the 1-based line where a file holds many."""

    path: str
    line: int | None = None

    def __str__(self) -> str:
        return self.path if self.line is None else f"{self.path}:{self.line}"


@dataclass(frozen=True)
class Problem:
    """A constraint graph, the values that this instance fixes, and how a person sees the answer.

    Args:
        graph: the template, shared (the same object) by all instances that differ only in givens.
        givens: variable name -> the value that the instance fixes.
        family: the problem family's name, e.g. ``sudoku``; ``graph`` where none is known.
        source: where it was read.
        render: draws an assignment (possibly partial or wrong) for the terminal; None lists the values.
        tighten: for problems that ask for a best answer by other means than a linear objective: given a solution's
            assignment, the same problem asking for strictly less, or None when nothing less can exist.
        cost: with ``tighten``, the figure it lowers (colours used); None where the graph's objective says it.

    Raises:
        GraphError: a given for an unknown variable or outside its domain.
    """

    graph: ConstraintGraph
    givens: Mapping[str, Value] = field(default_factory=dict)
    family: str = "graph"
    source: Source = Source("-")
    render: Callable[[Mapping[str, Value]], str] | None = field(default=None, repr=False, compare=False)
    tighten: Callable[[Mapping[str, Value]], Problem | None] | None = field(default=None, repr=False, compare=False)
    cost: Callable[[Mapping[str, Value]], int] | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name, value in self.givens.items():
            if name not in self.graph.domains:
                raise GraphError(f"given for an unknown variable {name!r}")
            if value not in self.graph.domains[name]:
                raise GraphError(f"given {name} = {value!r} is outside the domain of {name!r}")

    @cached_property
    def digest(self) -> str:
        """SHA-256 of template and givens: identifies the problem in the store."""
        givens = json.dumps(dict(sorted(self.givens.items())))
        return hashlib.sha256(f"{self.graph.digest}\n{givens}".encode()).hexdigest()

    @property
    def minimises(self) -> bool:
        """Whether a best answer is asked for, not just any."""
        return self.tighten is not None or self.graph.objective is not None

    def objective(self, assignment: Mapping[str, Value]) -> int | None:
        """The figure to minimise, or None where any solution will do."""
        if self.cost is not None:
            return self.cost(assignment)
        return self.graph.objective.value(assignment) if self.graph.objective else None

    def broken(self, assignment: Mapping[str, Value]) -> list[Constraint]:
        """The constraints that a whole assignment breaks, in plain Python.

        Raises:
            GraphError: the assignment is incomplete, leaves a domain or contradicts a given.
        """
        for name, value in self.givens.items():
            if assignment.get(name) != value:
                raise GraphError(f"the answer changes the given {name} = {value!r} to {assignment.get(name)!r}")
        return self.graph.broken(assignment)

    def contradiction(self) -> tuple[Constraint, Assignment] | None:
        """A constraint that the givens alone break, with the givens at fault; None where there is no such."""
        if self.givens:
            for constraint in self.graph.constraints:
                names = constraint.conflict(self.givens)
                if names:
                    return constraint, {name: self.givens[name] for name in names}
        return None

    def representative(self, assignment: Mapping[str, Value]) -> tuple[Value, ...]:
        """The values in the order of the graph's variables, the same for solutions that differ in the names of values only.

        Where values are interchangeable, and none is the better, those that are not given are named anew, in the order of their first use (the least
        solution of the class, as under value precedence: Law and Lee 2004).
        """
        values = [assignment[name] for name in self.graph.domains]
        if self.minimises or not self.graph.interchangeable:
            return tuple(values)
        known = dict.fromkeys(self.givens.values())
        names = {value: value for value in known}
        fresh = (value for value in next(iter(self.graph.domains.values())) if value not in known)
        for value in values:
            if value not in names:
                names[value] = next(fresh)
        return tuple(names[value] for value in values)

    def show(self, assignment: Mapping[str, Value]) -> str:
        """The assignment as text for a terminal."""
        if self.render is not None:
            return self.render(assignment)
        return " ".join(f"{name}={value}" for name, value in assignment.items())

    def to_json(self) -> dict[str, object]:
        """The graph's JSON object with ``givens`` and ``family`` added: what the store keeps as payload."""
        return {**self.graph.to_json(), "givens": dict(self.givens), "family": self.family}
