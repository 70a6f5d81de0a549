"""Constraint graphs: named variables with finite domains, constraints on them, and an optional linear objective."""

from __future__ import annotations

import hashlib
import json
import pickle
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from . import values as plain
from .constraint_arrays import PIECE, ConstraintArrays, connected
from .errors import GraphError
from .garbage import gc_paused
from .graph_checks import check_encodable, check_objective, check_scope, magnitude, plain_domain
from .objective import Objective
from .values import EXACT_IN_FLOATS, Domain, Value, brief

if TYPE_CHECKING:
    import networkx as nx

    from .clause_table import ClauseTable
    from .constraints.base import Constraint
    from .role_arrays import RoleArrays


__all__ = ["ConstraintGraph", "gc_paused"]


class ConstraintGraph:
    """A bipartite graph of variables and constraints: the template that instances share.

    A graph does not change after construction. Two graphs are equal where their digests are.

    Args:
        domains: variable name -> its distinct values. The order of names numbers variables, the order of values numbers
            literals, in all tensors.
        constraints: constraints whose scopes contain only variables of ``domains``.
        objective: the figure to minimise among the solutions, or None.

    Raises:
        GraphError: an empty domain or one that repeats a value, an unknown variable, a constraint that is not valid on
            its domains, a sum beyond 2^60. The message names the variable or constraint.

    Example:
        >>> from mull.engine import AllDifferent, Linear, Objective
        >>> graph = ConstraintGraph(
        ...     {"a": range(1, 4), "b": range(1, 4)},
        ...     [AllDifferent(["a", "b"]), Linear(["a", "b"], [1, 1], ">=", 4)],
        ...     Objective({"a": 2, "b": 1}),
        ... )
        >>> graph
        ConstraintGraph(2 variables, 2 constraints)
        >>> graph.broken({"a": 2, "b": 2})
        [AllDifferent(scope=('a', 'b'), exempt=())]
        >>> ConstraintGraph.from_json(graph.to_json()) == graph
        True
    """

    def __init__(
        self,
        domains: Mapping[str, Sequence[Value]],
        constraints: Iterable[Constraint] = (),
        objective: Objective | None = None,
    ) -> None:
        if not isinstance(domains, Mapping):
            hint = 'write ConstraintGraph({"a": [1, 2], "b": [1, 2]}, [...])'
            raise GraphError(f"the domains are a mapping (name: list of values), not {brief(domains)}", hint)
        shared: dict[Domain, Domain] = {}  # equal domains share one tuple: a million variables then need one
        tidy: dict[str, Domain] = {}
        seen: dict[int, Domain] = {}  # in most graphs many variables have the same domain object: check it once
        for given, domain in domains.items():
            name = plain.name(given, "a graph")
            if id(domain) not in seen:
                values = plain_domain(name, domain)
                seen[id(domain)] = shared.setdefault(values, values)
            tidy[name] = seen[id(domain)]
        check_encodable(tidy)
        self.domains: Mapping[str, Domain] = tidy
        self.constraints = plain.items(constraints, "the constraints", 'a list: [AllDifferent(["a", "b"])]')
        self.objective = objective
        for constraint in self.constraints:
            check_scope(constraint, tidy)
            constraint.validate(tidy)
        check_objective(objective, tidy)
        _ = self.magnitude  # computed now: it refuses sums that are too large

    @cached_property
    def magnitude(self) -> int:
        """An upper bound on the magnitude of all sums of constraints and the objective together.

        Raises:
            GraphError: a sum exceeds 2^60.
        """
        return magnitude(self.domains, self.constraints if self.arrays is None else (), self.objective)

    @property
    def inexact(self) -> str | None:
        """Why floating-point numbers do not hold the graph's sums exactly, or None."""
        if self.magnitude > EXACT_IN_FLOATS:
            return f"its sums reach {self.magnitude}; floating-point numbers are exact up to 2^53"
        return None

    @classmethod
    def unchecked(
        cls,
        domains: Mapping[str, Domain],
        constraints: Iterable[Constraint],
        objective: Objective | None = None,
    ) -> ConstraintGraph:
        """A graph without checks: for parts of a checked graph, and for readers that check their own input.

        The checks of a million clauses take four seconds.

        Args:
            domains: variable name -> distinct plain values, in the form that ``values.domain`` returns.
            constraints: constraints that are valid on these domains. ``ConstraintArrays`` are kept as they are; their
                names are those of ``domains``, in that order.
            objective: an objective of these variables, or None.
        """
        graph = cls.__new__(cls)
        graph.domains = domains
        graph.constraints = constraints if isinstance(constraints, ConstraintArrays) else tuple(constraints)
        graph.objective = objective
        return graph

    _packed: bytes
    """The pickled constraints of a graph that was unpickled."""

    @cached_property
    def constraints(self) -> Sequence[Constraint]:
        """All constraints, in the order given: a tuple, or arrays that act like one (``ConstraintArrays``).

        A graph that was unpickled unpacks them at the first access.
        """
        unpacked: Sequence[Constraint] = pickle.loads(self._packed)
        return unpacked

    @property
    def arrays(self) -> ConstraintArrays | None:
        """The constraints where they are arrays, else None."""
        return self.constraints if isinstance(self.constraints, ConstraintArrays) else None

    @cached_property
    def kinds(self) -> frozenset[type[Constraint]]:
        """The classes of the constraints."""
        return frozenset({self.arrays.kind} if self.arrays else map(type, self.constraints))

    @cached_property
    def scopes(self) -> tuple[np.ndarray, np.ndarray]:
        """The scopes of all constraints as arrays.

        Returns:
            ``start`` [C + 1] int64 and ``variable`` [L] int32: constraint c has the variables ``variable[start[c] :
            start[c + 1]]``, as positions on the V axis.
        """
        if self.arrays is not None:
            return self.arrays.scopes()
        index = self.index
        scopes = [constraint.scope for constraint in self.constraints]
        start = np.zeros(len(scopes) + 1, dtype=np.int64)
        np.cumsum([len(scope) for scope in scopes], out=start[1:])
        return start, np.array([index[name] for scope in scopes for name in scope], dtype=np.int32)

    @cached_property
    def clause_table(self) -> ClauseTable | None:
        """The constraints as literals in arrays, where all of them are clauses; else None."""
        from .clause_table import clause_table

        return clause_table(self)

    def __getstate__(self) -> dict[str, Any]:
        # Worker processes send graphs to a training, which reads literal groups and no constraints. Pickled apart, the
        # constraints are not unpacked: a training on mazes waits 1 ms for a block instead of 13 ms.
        state = dict(self.__dict__)
        for computed in ("scopes", "clause_table", "_moves"):
            state.pop(computed, None)
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
        """The number of literals in a batch, with padding: variables times the largest domain."""
        return len(self.domains) * max(map(len, self.domains.values()), default=1)

    @cached_property
    def work(self) -> int:
        """About how many numbers one evaluation of the energy reads or writes in a row of a batch."""
        if self.arrays is not None:
            _, variable = self.arrays.scopes()
            return int(np.array([len(domain) for domain in self.domains.values()], dtype=np.int64)[variable].sum())
        return sum(constraint.work(self.domains) for constraint in self.constraints)

    @cached_property
    def members(self) -> int:
        """An upper bound on the members of all literal groups together, computed without making them."""
        return sum(constraint.group_size(self.domains) for constraint in self.constraints)

    def obstacle(self) -> str | None:
        """Why a solver cannot compute energies of beliefs on this graph, or None.

        The reasons are sums that floating point does not hold exactly (``inexact``) and constraints whose expected
        violation degree cannot be computed (``Constraint.obstacle``).
        """
        if self.inexact or self.arrays is not None:
            return self.inexact
        return next(filter(None, (c.obstacle(self.domains) for c in self.constraints)), None)

    @cached_property
    def interchangeable(self) -> bool:
        """Whether any two values can be exchanged in a solution: equal domains, value-symmetric constraints."""
        alike = len({frozenset(domain) for domain in set(self.domains.values())}) == 1
        if self.arrays is not None:
            return alike and (self.arrays.value_symmetric or not self.arrays)
        return alike and all(c.value_symmetric for c in self.constraints)

    @cached_property
    def index(self) -> dict[str, int]:
        """Variable name -> its position on the V axis."""
        return {name: i for i, name in enumerate(self.domains)}

    @cached_property
    def roles(self) -> Mapping[str, RoleArrays]:
        """The literal groups of all constraints, as arrays by role: see ``engine.role_arrays``.

        Raises:
            GraphError: a constraint of a kind without literal groups.
        """
        from .role_arrays import role_arrays

        return role_arrays(self.domains, self.constraints)

    @cached_property
    def nx(self) -> nx.Graph:
        """The graph for networkx: variable nodes are names, constraint nodes are ``("constraint", i)``.

        Building it takes longer than solving a small problem.
        """
        import networkx as nx  # a tenth of a second, which few calls need

        graph = nx.Graph()
        for name, domain in self.domains.items():
            graph.add_node(name, bipartite=0, domain=domain)
        for i, constraint in enumerate(self.constraints):
            graph.add_node(("constraint", i), bipartite=1, constraint=constraint)
            graph.add_edges_from((name, ("constraint", i)) for name in constraint.scope)
        return graph

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the canonical form. It does not depend on the order of variables and constraints."""
        texts = {domain: _text(domain) for domain in set(self.domains.values())}
        if self.arrays and len(texts) == 1:
            return self._digest_of_arrays(self.arrays, *texts.values())
        lines = [f"{name}:{texts[domain]}" for name, domain in sorted(self.domains.items())]
        encode = json.JSONEncoder(sort_keys=True).encode
        lines += sorted(encode(constraint.canonical()) for constraint in self.constraints)
        if self.objective:
            lines.append(encode(self.objective.to_json()))
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    def _digest_of_arrays(self, arrays: ConstraintArrays, domain: str) -> str:
        """The digest from the same canonical text, made piece by piece. Ten times as fast for a million clauses."""
        names = arrays.names
        digest = hashlib.sha256()
        for begin in range(0, len(names), PIECE):
            lines = np.strings.add(names.texts[names.order[begin : begin + PIECE]], f":{domain}\n".encode())
            text = lines.tobytes().translate(None, b"\0")
            digest.update(text if begin + PIECE < len(names) else text[:-1])
        for text in arrays.lines():
            digest.update(text)
        if self.objective:
            digest.update(f"\n{json.dumps(self.objective.to_json(), sort_keys=True)}".encode())
        return digest.hexdigest()

    def broken(self, assignment: Mapping[str, Value]) -> list[Constraint]:
        """The constraints that an assignment violates, by the reference check of each kind.

        Args:
            assignment: variable name -> value, for every variable; further names are ignored.

        Raises:
            GraphError: a variable without a value, or a value outside its domain.
        """
        for name, domain in self.domains.items():
            if name not in assignment:
                raise GraphError(f"no value for variable {name!r}")
            if assignment[name] not in domain:
                raise GraphError(f"{name!r} = {assignment[name]!r} is outside its domain")
        if self.arrays is not None:
            found = self.arrays.violated([assignment[name] for name in self.domains])
            return list(self.arrays.select(found, np.arange(len(self.domains))))
        return [c for c in self.constraints if not c.check([assignment[name] for name in c.scope])]

    def components(self) -> list[ConstraintGraph]:
        """The connected components, each as a graph; variables without a constraint form one component together.

        Returns:
            The components in the order of their first constraint, or this graph alone. Each has its part of the
            objective, the first also the constant.
        """
        start, variable = self.scopes
        least = connected(len(self.domains), start, variable)
        first = variable[start[:-1]]  # of each constraint
        roots, where = np.unique(least[first], return_index=True)
        number = np.full(len(self.domains), len(roots))  # of variables without a constraint
        number[roots[np.argsort(where)]] = np.arange(len(roots))
        number = number[least]
        count = len(roots) + bool((number == len(roots)).any())
        if count <= 1:
            return [self]
        names, domains = list(self.domains), list(self.domains.values())
        parts: list[ConstraintGraph] = []
        for own, chosen in zip(_groups(number, count), _groups(number[first], count), strict=True):
            if self.arrays is not None:
                constraints: Sequence[Constraint] = self.arrays.select(chosen, own)
            else:
                constraints = [self.constraints[c] for c in chosen.tolist()]
            objective = None
            if self.objective:
                weighed = [names[v] for v in own.tolist() if names[v] in self.objective.coefficients]
                objective = self.objective.of(weighed, 0 if parts else self.objective.constant)
            own_domains = {names[v]: domains[v] for v in own.tolist()}
            parts.append(ConstraintGraph.unchecked(own_domains, constraints, objective))
        return parts

    def with_constraints(self, extra: Iterable[Constraint]) -> ConstraintGraph:
        """The same graph with more constraints.

        Args:
            extra: the constraints to add, after those of this graph.

        Raises:
            GraphError: a constraint is not valid on this graph.
        """
        return ConstraintGraph(self.domains, (*self.constraints, *extra), self.objective)

    def to_json(self) -> dict[str, Any]:
        """A JSON object: ``variables`` (name -> domain), ``constraints`` and, if there is one, ``objective``."""
        data: dict[str, Any] = {
            "variables": {name: plain.domain_json(domain) for name, domain in self.domains.items()},
            "constraints": [{**constraint.to_json(), **constraint.labels} for constraint in self.constraints],
        }
        if self.objective:
            data["objective"] = self.objective.to_json()
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ConstraintGraph:
        """The graph that ``to_json`` wrote. ``Problem.from_json`` also reads ``givens`` and more.

        Args:
            data: an object with ``variables``, ``constraints`` and ``objective``. A domain is a list of values, or a
                range ``{"min": 0, "max": 10}`` with both ends included and, if it is not 1, its ``step``.

        Raises:
            GraphError: a key or value is missing, unknown or of the wrong type.
        """
        from .graph_json import parts

        return cls(*parts(data))


def _groups(number: np.ndarray, count: int) -> list[np.ndarray]:
    """The positions of 0, 1, … below ``count`` in an array, each ascending."""
    return np.split(np.argsort(number, kind="stable"), np.bincount(number, minlength=count)[:-1].cumsum())


WRITTEN = 1 << 12
"""The longest range whose values the digest lists one by one. Digests of such graphs are as before ranges existed."""


def _text(domain: Domain) -> str:
    """A domain in the digest: a list of its values, or the ends and the step of a long range."""
    if isinstance(domain, range) and len(domain) > WRITTEN:
        return f"range({domain[0]}, {domain[-1]}, {domain.step})"
    return json.dumps(list(domain))
