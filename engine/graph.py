"""Constraint graphs: named variables, finite domains, constraints over them, and optionally a linear objective."""

from __future__ import annotations

import gc
import hashlib
import json
import pickle
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import networkx as nx

if TYPE_CHECKING:
    from .constraints.base import Constraint
    from .roles import RoleArrays

Value = int | str
"""A domain value: an integer, or a string where the problem speaks of names."""

Assignment = dict[str, Value]
"""One value per variable name."""


class GraphError(ValueError):
    """A graph, constraint or assignment that makes no sense; the message names the variable or constraint."""


@dataclass(frozen=True)
class Objective:
    """Minimise sum of ``coefficients[name] * value`` + ``constant``; every value and coefficient an integer."""

    coefficients: Mapping[str, int]
    constant: int = 0

    def value(self, assignment: Mapping[str, Value]) -> int:
        """The objective of a whole assignment."""
        return self.constant + sum(c * int(assignment[name]) for name, c in self.coefficients.items())

    def to_json(self) -> dict[str, Any]:
        return {"coefficients": dict(self.coefficients), "constant": self.constant}


class ConstraintGraph:
    """A bipartite graph of variables and constraints, the template that instances share.

    Args:
        domains: variable name -> its finite list of values, all distinct; their order is the order of literals.
        constraints: what must hold; scopes name variables of ``domains``.
        objective: what to minimise among the assignments that break nothing, or None.

    Raises:
        GraphError: an empty or repeating domain, an unknown variable, a scope of the wrong arity, a constraint on
            values that it cannot compare. The message names the variable.
    """

    def __init__(
        self,
        domains: Mapping[str, Sequence[Value]],
        constraints: Iterable[Constraint] = (),
        objective: Objective | None = None,
    ) -> None:
        shared: dict[tuple[Value, ...], tuple[Value, ...]] = {}  # equal domains share one tuple
        tidy: dict[str, tuple[Value, ...]] = {}
        for name, domain in domains.items():
            values = tuple(domain)
            if values not in shared:
                _check_domain(name, values)
                shared[values] = values
            tidy[name] = shared[values]
        self.domains: Mapping[str, tuple[Value, ...]] = tidy
        self.constraints = tuple(constraints)
        self.objective = objective
        for constraint in self.constraints:
            for name in constraint.scope:
                if name not in tidy:
                    raise GraphError(f"{constraint.describe()}: unknown variable {name!r}")
            constraint.validate(tidy)
        for name in objective.coefficients if objective else ():
            if name not in tidy:
                raise GraphError(f"objective: unknown variable {name!r}")
            if not all(isinstance(value, int) for value in tidy[name]):
                raise GraphError(f"objective: the domain of {name!r} is not numeric")

    @classmethod
    def unchecked(
        cls,
        domains: Mapping[str, tuple[Value, ...]],
        constraints: Iterable[Constraint],
        objective: Objective | None = None,
    ) -> ConstraintGraph:
        """A graph of parts that are known to fit: of a checked graph, or of a reader that has checked its numbers.

        Checking a million clauses takes four seconds.
        """
        graph = cls.__new__(cls)
        graph.domains = domains
        graph.constraints = tuple(constraints)
        graph.objective = objective
        return graph

    _packed: bytes
    """The constraints, pickled, of a graph that was itself."""

    @cached_property
    def constraints(self) -> tuple[Constraint, ...]:
        """All constraints, in the order of the graph's making."""
        unpacked: tuple[Constraint, ...] = pickle.loads(self._packed)
        return unpacked

    def __getstate__(self) -> dict[str, Any]:
        """Constraints packed apart: a training gets its graphs from workers, with their literal groups, and asks for no more."""
        state = dict(self.__dict__)
        if "constraints" in state:
            state["_packed"] = pickle.dumps(state.pop("constraints"), pickle.HIGHEST_PROTOCOL)
        return state

    def __repr__(self) -> str:
        return f"ConstraintGraph({len(self.domains)} variables, {len(self.constraints)} constraints)"

    def __hash__(self) -> int:
        return hash(self.digest)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ConstraintGraph) and (self is other or self.digest == other.digest)

    @property
    def names(self) -> tuple[str, ...]:
        """Variable names, in the order of tensors' V axis."""
        return tuple(self.domains)

    @cached_property
    def literals(self) -> int:
        """How many literals the graph takes in a batch: variables times the largest domain."""
        return len(self.domains) * max((len(domain) for domain in self.domains.values()), default=1)

    @cached_property
    def interchangeable(self) -> bool:
        """Whether values are mere names to the constraints: exchanging two of them in a solution gives a solution."""
        alike = len({frozenset(domain) for domain in self.domains.values()}) == 1
        return alike and all(c.indifferent for c in self.constraints)

    @cached_property
    def index(self) -> dict[str, int]:
        """Variable name -> its position on the V axis."""
        return {name: i for i, name in enumerate(self.domains)}

    @cached_property
    def roles(self) -> Mapping[str, RoleArrays]:
        """The literal groups that constraints declare, as arrays by role (``engine.roles``).

        Raises:
            GraphError: a constraint of a kind that declares none.
        """
        from .roles import role_arrays

        return role_arrays(self)

    @cached_property
    def nx(self) -> nx.Graph:
        """The bipartite networkx graph: variable nodes are names, constraint nodes are ``("constraint", i)``."""
        graph = nx.Graph()
        for name, domain in self.domains.items():
            graph.add_node(name, bipartite=0, domain=domain)
        for i, constraint in enumerate(self.constraints):
            graph.add_node(("constraint", i), bipartite=1, constraint=constraint)
            graph.add_edges_from((name, ("constraint", i)) for name in constraint.scope)
        return graph

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the canonical form: the same however names and constraints were ordered when it was built."""
        lines = [f"{name}:{json.dumps(list(domain))}" for name, domain in sorted(self.domains.items())]
        encode = json.JSONEncoder(sort_keys=True).encode
        lines += sorted(encode(constraint.canonical()) for constraint in self.constraints)
        if self.objective:
            lines.append(encode(self.objective.to_json()))
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    def broken(self, assignment: Mapping[str, Value]) -> list[Constraint]:
        """The constraints that a whole assignment breaks, by the reference check in plain Python.

        Raises:
            GraphError: a variable without a value, or a value outside its domain.
        """
        for name, domain in self.domains.items():
            if name not in assignment:
                raise GraphError(f"no value for variable {name!r}")
            if assignment[name] not in domain:
                raise GraphError(f"{name!r} = {assignment[name]!r} is outside its domain")
        return [c for c in self.constraints if not c.check([assignment[name] for name in c.scope])]

    def components(self) -> list[ConstraintGraph]:
        """The connected components as graphs of their own; variables under no constraint come together as one.

        A graph with one component returns itself. The objective is shared out, its constant to the first component.
        """
        home = self._homes()
        alone = [name for name in self.domains if name not in home]
        count = len(set(home.values())) + bool(alone)
        if count <= 1:
            return [self]
        home.update(dict.fromkeys(alone, count - 1))
        domains: list[dict[str, tuple[Value, ...]]] = [{} for _ in range(count)]
        constraints: list[list[Constraint]] = [[] for _ in range(count)]
        coefficients: list[dict[str, int]] = [{} for _ in range(count)]
        for name, domain in self.domains.items():
            domains[home[name]][name] = domain
        for constraint in self.constraints:
            constraints[home[constraint.scope[0]]].append(constraint)
        for name, c in self.objective.coefficients.items() if self.objective else ():
            coefficients[home[name]][name] = c
        constant = self.objective.constant if self.objective else 0
        return [
            ConstraintGraph.unchecked(d, c, Objective(o, constant if i == 0 else 0) if self.objective else None)
            for i, (d, c, o) in enumerate(zip(domains, constraints, coefficients, strict=True))
        ]

    def _homes(self) -> dict[str, int]:
        """Variable under a constraint -> the number of its component, in the order of the constraints."""
        parent: dict[str, str] = {}
        for constraint in self.constraints:
            top = None
            for name in constraint.scope:
                root = parent.setdefault(name, name)
                while (above := parent[root]) != root:  # every second step of the way is halved
                    parent[root] = root = parent[above]
                if top is None:
                    top = root
                elif root != top:
                    parent[root] = top
        numbers: dict[str, int] = {}
        homes = {}
        for name in parent:
            root = name
            while (above := parent[root]) != root:
                parent[root] = root = parent[above]
            homes[name] = numbers.setdefault(root, len(numbers))
        return homes

    def with_constraints(self, extra: Iterable[Constraint]) -> ConstraintGraph:
        """The same graph with further constraints."""
        return ConstraintGraph(self.domains, (*self.constraints, *extra), self.objective)

    def to_json(self) -> dict[str, Any]:
        """A JSON object: ``variables`` (name -> domain), ``constraints`` and, where there is one, ``objective``."""
        data: dict[str, Any] = {
            "variables": {name: list(domain) for name, domain in self.domains.items()},
            "constraints": [constraint.to_json() for constraint in self.constraints],
        }
        if self.objective:
            data["objective"] = self.objective.to_json()
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ConstraintGraph:
        """The graph that ``to_json`` wrote.

        Raises:
            GraphError: anything missing, of the wrong type or of an unknown kind.
        """
        from .constraints import from_json

        if not isinstance(data, Mapping) or not isinstance(data.get("variables"), Mapping):
            raise GraphError('a graph is an object with "variables" (name: domain) and "constraints"')
        if not isinstance(data.get("constraints", []), list):
            raise GraphError('"constraints" is a list of objects')
        for name, domain in data["variables"].items():
            if not isinstance(domain, list):
                raise GraphError(f"variable {name!r}: its domain is a list of integers or strings")
        objective = None
        if data.get("objective") is not None:
            objective = _objective_from_json(data["objective"])
        return cls(data["variables"], [from_json(item) for item in data.get("constraints", [])], objective)


@contextmanager
def uncollected() -> Iterator[None]:
    """Suspend garbage collection while many objects are made that all stay: it would look through them again and again."""
    active = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if active:
            gc.enable()


def _check_domain(name: str, values: tuple[Value, ...]) -> None:
    if not values:
        raise GraphError(f"variable {name!r}: empty domain")
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise GraphError(f"variable {name!r}: {value!r} is neither an integer nor a string")
    if len(set(values)) < len(values):
        raise GraphError(f"variable {name!r}: a value occurs twice in its domain")


def _objective_from_json(data: Any) -> Objective:
    coefficients = data.get("coefficients") if isinstance(data, Mapping) else None
    constant = data.get("constant", 0) if isinstance(data, Mapping) else 0
    if not isinstance(coefficients, Mapping) or not all(
        isinstance(c, int) and not isinstance(c, bool) for c in (*coefficients.values(), constant)
    ):
        raise GraphError('"objective" is an object with integer "coefficients" (name: number) and "constant"')
    return Objective(dict(coefficients), constant)
