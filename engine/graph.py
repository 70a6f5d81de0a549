"""Constraint graphs: named variables, finite domains, constraints over them, and optionally a linear objective."""

from __future__ import annotations

import gc
import hashlib
import json
import pickle
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from functools import cached_property
from typing import TYPE_CHECKING, Any

import networkx as nx

from . import values as plain
from .errors import GraphError
from .objective import Objective
from .values import EXACT_IN_FLOATS, LARGEST, LARGEST_TOTAL, SHORT, Domain, Value, bounds, brief

if TYPE_CHECKING:
    from .constraints.base import Constraint
    from .role_arrays import RoleArrays


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
        if not isinstance(domains, Mapping):
            hint = 'write ConstraintGraph({"a": [1, 2], "b": [1, 2]}, [...])'
            raise GraphError(f"the domains are a mapping (name: list of values), not {brief(domains)}", hint)
        shared: dict[Domain, Domain] = {}  # equal domains share one tuple
        tidy: dict[str, Domain] = {}
        seen: dict[int, Domain] = {}  # most graphs give one object to many variables
        for given, domain in domains.items():
            name = plain.name(given, "a graph")
            if id(domain) not in seen:
                values = _domain(name, domain)
                seen[id(domain)] = shared.setdefault(values, values)
            tidy[name] = seen[id(domain)]
        _check_encodable(tidy)
        self.domains: Mapping[str, Domain] = tidy
        self.constraints = plain.items(constraints, "the constraints", 'a list: [AllDifferent(["a", "b"])]')
        self.objective = objective
        if objective is not None and not isinstance(objective, Objective):
            raise GraphError(f"the objective must be an Objective, not {brief(objective)}", 'write Objective({"a": 1})')
        for constraint in self.constraints:
            _check_scope(constraint, tidy)
            constraint.validate(tidy)
        for name in objective.coefficients if objective else ():
            if name not in tidy:
                raise GraphError(f"objective: unknown variable {name!r}", _nearest(name, tidy))
            if not isinstance(tidy[name], range) and not all(isinstance(value, int) for value in tidy[name]):
                raise GraphError(f"objective: the domain of {name!r} is not numeric")
        _ = self.magnitude  # refuses what is too large

    @cached_property
    def magnitude(self) -> int:
        """What the sums of all constraints and the objective reach together, at most: what solvers compute with."""
        return _magnitude(self.domains, self.constraints, self.objective)

    @property
    def inexact(self) -> str | None:
        """Why floating-point numbers do not hold the graph's sums exactly, or None: such solvers ask before they start."""
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
    def work(self) -> int:
        """About how many numbers one evaluation of the energy touches in a row of a batch."""
        return sum(constraint.work(self.domains) for constraint in self.constraints)

    def obstacle(self) -> str | None:
        """Why a solver cannot compute energies of beliefs on this graph, or None.

        The reasons are sums that floating point does not hold exactly (``inexact``) and constraints whose expected
        violation degree cannot be computed (``Constraint.obstacle``).
        """
        return self.inexact or next(filter(None, (c.obstacle(self.domains) for c in self.constraints)), None)

    @cached_property
    def interchangeable(self) -> bool:
        """Whether values are mere names to the constraints: exchanging two of them in a solution gives a solution."""
        alike = len({frozenset(domain) for domain in set(self.domains.values())}) == 1
        return alike and all(c.value_symmetric for c in self.constraints)

    @cached_property
    def index(self) -> dict[str, int]:
        """Variable name -> its position on the V axis."""
        return {name: i for i, name in enumerate(self.domains)}

    @cached_property
    def roles(self) -> Mapping[str, RoleArrays]:
        """The literal groups that constraints declare, as arrays by role (``engine.role_arrays``).

        Raises:
            GraphError: a constraint of a kind that declares none.
        """
        from .role_arrays import role_arrays

        return role_arrays(self.domains, self.constraints)

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
        texts = {domain: _text(domain) for domain in set(self.domains.values())}
        lines = [f"{name}:{texts[domain]}" for name, domain in sorted(self.domains.items())]
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
        domains: list[dict[str, Domain]] = [{} for _ in range(count)]
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
            "variables": {name: plain.domain_json(domain) for name, domain in self.domains.items()},
            "constraints": [{**constraint.to_json(), **constraint.labels} for constraint in self.constraints],
        }
        if self.objective:
            data["objective"] = self.objective.to_json()
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ConstraintGraph:
        """The graph that ``to_json`` wrote; ``Problem.from_json`` reads ``givens`` and more as well.

        A domain is a list of values, or a range ``{"min": 0, "max": 10}`` with both ends in it and, where it is not 1,
        its ``step``.

        Raises:
            GraphError: anything missing, unknown, of the wrong type or of an unknown kind.
        """
        from .graph_json import parts

        return cls(*parts(data))


@contextmanager
def gc_paused() -> Iterator[None]:
    """Suspend garbage collection while many objects are made that all stay: it would look through them again and again."""
    active = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if active:
            gc.enable()


def _domain(name: str, domain: object) -> Domain:
    """A domain as a tuple of plain values, checked."""
    what = f"variable {name!r}"
    if isinstance(domain, range) and domain:
        for end in (domain[0], domain[-1]):
            if abs(end) > LARGEST:
                raise GraphError(f"{what}: the value {brief(end)} is too large", _AT_MOST)
        if len(domain) > SHORT:
            return domain
    form = f"the domain {list(domain)}" if isinstance(domain, str) and len(domain) < 10 else "the domain [1, 2, 3]"
    found = plain.items(domain, f"{what}: its domain", form, ordered=False)
    values = tuple(plain.value(value, what) for value in found)
    if not values:
        raise GraphError(f"{what}: empty domain", "a variable has at least one value")
    if len(set(values)) < len(values):
        twice = next(value for value in values if values.count(value) > 1)
        raise GraphError(f"{what}: the value {brief(twice)} occurs twice in its domain", "list each value once")
    for value in values:
        if isinstance(value, int) and abs(value) > LARGEST:
            raise GraphError(f"{what}: the value {brief(value)} is too large", _AT_MOST)
    return plain.domain(values)


def _text(domain: Domain) -> str:
    """A domain as the digest has it: long ranges by their ends, as they have too many values to write out."""
    if isinstance(domain, range) and len(domain) > WRITTEN:
        return f"range({domain[0]}, {domain[-1]}, {domain.step})"
    return json.dumps(list(domain))


WRITTEN = 1 << 12
"""Values of a range that the digest writes out one by one, as it did before there were ranges."""

_AT_MOST = "values, terms and sums reach 2^60 at most: divide by a common factor, or give the values names"


def _check_encodable(domains: Mapping[str, Domain]) -> None:
    """Refuse text that UTF-8 cannot hold (lone surrogates): it can be neither printed nor stored."""
    listed = {domain for domain in domains.values() if isinstance(domain, tuple)}
    texts = {value for domain in listed for value in domain if isinstance(value, str)}
    for text in (*domains, *texts):
        if not text.isascii():
            try:
                text.encode()
            except UnicodeEncodeError:
                raise GraphError(f"{text[:40]!a} is not valid Unicode text", "use whole characters") from None


def _check_scope(constraint: Constraint, domains: Mapping[str, object]) -> None:
    """Refuse a scope that is not a tuple of known names, whatever kind it belongs to."""
    if isinstance(constraint, type) or not hasattr(constraint, "scope"):
        what = constraint.__name__ if isinstance(constraint, type) else brief(constraint)
        raise GraphError(f"a constraint must be an object of its kind, not {what}", 'write AllDifferent(["a", "b"])')
    scope: object = constraint.scope
    if not isinstance(scope, tuple | list):
        plain.items(scope, f"{constraint.kind}: the scope", '["a", "b"]')
        raise GraphError(f"{constraint.kind}: the scope is a tuple of names, not {brief(scope)}", 'write ("a", "b")')
    for name in scope:
        if not isinstance(name, str):
            plain.name(name, constraint.kind)
        if name not in domains:
            raise GraphError(f"{constraint.describe()}: unknown variable {name!r}", _nearest(name, domains))


def _nearest(name: str, domains: Mapping[str, object]) -> str:
    close = get_close_matches(name, list(domains)[:1000], 1)
    return f"did you mean {close[0]!r}?" if close else "a constraint names variables of the graph"


def _magnitude(domains: Mapping[str, Domain], constraints: Iterable[Constraint], objective: Objective | None) -> int:
    """What all sums reach together, at most.

    Raises:
        GraphError: a sum beyond what 64-bit integers hold exactly, or all values together beyond what CP-SAT can add; the
            message names the largest term.
    """
    of_domain = {domain: max(map(abs, bounds(domain))) for domain in set(domains.values())}
    largest = {name: of_domain[domain] for name, domain in domains.items()}
    total = 0
    for constraint in constraints:
        terms = constraint.magnitudes(largest)
        if terms:
            total += _sum(terms, constraint)
    if objective:
        terms = {name: abs(c) * largest[name] for name, c in objective.coefficients.items()}
        total += _sum({**terms, "the constant": abs(objective.constant)}, None)
    added = sum(largest.values())
    if added > LARGEST_TOTAL:
        raise GraphError(f"the values of all variables add up to {brief(added)}, more than 2^61", _AT_MOST)
    return total


def _sum(terms: Mapping[str, int], constraint: Constraint | None) -> int:
    reached = sum(terms.values())
    if reached > LARGEST:
        name = max(terms, key=lambda each: terms[each])
        where = constraint.describe() if constraint is not None else "objective"
        message = f"the term of {name!r} reaches {brief(terms[name])}, and the sum {brief(reached)}"
        raise GraphError(f"{where[:200]}: {message}, more than 2^60", _AT_MOST)
    return reached
