"""A constraint graph as flat arrays, for compiled local search. They are made once for each graph, in linear time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from itertools import chain
from typing import NamedTuple

import numpy as np

from ..constraints.base import Constraint
from ..constraints.clause import Clause
from ..constraints.clause_arrays import ClauseArrays
from ..constraints.edge_arrays import EdgeArrays
from ..graph import ConstraintGraph
from ..values import Domain, Value
from .form import MoveForm, MoveFunctions

KEPT = "_moves"
"""Attribute of a ``ConstraintGraph`` that keeps its arrays; it is not pickled."""
FIRST_STRING = (1 << 61) + 1
"""Code of the first string among a graph's values. Integers are smaller: their magnitude is at most 2^60."""


class Clauses(NamedTuple):
    """The clauses of a graph, N of them with L literals.

    Args:
        constraint: [N] int32, their numbers among the graph's constraints.
        ptr: [N + 1] int64, the literals of clause n are ``ptr[n]:ptr[n + 1]``.
        variable: [L] int32.
        wanted: [L] int32, domain index of the value that satisfies the clause.
    """

    constraint: np.ndarray
    ptr: np.ndarray
    variable: np.ndarray
    wanted: np.ndarray


class MoveGraph:
    """A constraint graph as flat arrays. V is the number of variables, C of constraints, S of slots of all scopes.

    A chain holds a value as an int64 code: an integer is itself, and strings have codes from ``FIRST_STRING`` on. A
    variable ``v`` of ``step[v] > 0`` or ``< 0`` has the evenly spaced codes ``first[v] + i * step[v]``, for ``i`` below
    ``size[v]``; one of ``step[v] == 0`` has the codes ``listed[domain_ptr[v] + i]``. All arrays but those of the domains
    are made at their first use.

    Args:
        graph: the constraint graph.
    """

    def __init__(self, graph: ConstraintGraph) -> None:
        self.graph = graph
        self.variables = len(graph.domains)
        self._strings: dict[str, int] = {}
        self._lay_out_domains()

    @classmethod
    def of(cls, graph: ConstraintGraph) -> MoveGraph:
        """The arrays of a graph. The graph object keeps them."""
        made: MoveGraph | None = graph.__dict__.get(KEPT)
        if made is None:
            made = graph.__dict__[KEPT] = cls(graph)
        return made

    # Values -----------------------------------------------------------------------------------------------------------

    def _lay_out_domains(self) -> None:
        number: dict[int, int] = {}  # most variables share few domain objects
        distinct: list[Domain] = []
        of = np.empty(self.variables, dtype=np.int64)
        for v, domain in enumerate(self.graph.domains.values()):
            key = id(domain)
            if key not in number:
                number[key] = len(distinct)
                distinct.append(domain)
            of[v] = number[key]
        figures = np.zeros((4, len(distinct)), dtype=np.int64)
        listed: list[int] = []
        for d, domain in enumerate(distinct):
            spaced = _spaced(domain)
            if spaced is None:
                figures[:, d] = 0, 0, len(domain), len(listed)
                listed += map(self.code, domain)
            else:
                figures[:3, d] = *spaced, len(domain)
        self._domain = of
        self.first, self.step, self.size, self.domain_ptr = (np.ascontiguousarray(each[of]) for each in figures)
        self.listed = np.array(listed, dtype=np.int64)

    def code(self, value: Value) -> int:
        """The int64 code of a value."""
        if isinstance(value, int):
            return value
        return self._strings.setdefault(value, FIRST_STRING + len(self._strings))

    @property
    def largest(self) -> int:
        """The size of the largest domain."""
        return int(self.size.max(initial=1))

    def codes(self, indices: np.ndarray) -> np.ndarray:
        """The codes of domain indices.

        Args:
            indices: [..., V] int64.

        Returns:
            [..., V] int64.
        """
        codes: np.ndarray = self.first + self.step * indices
        if len(self.listed):
            at = np.minimum(self.domain_ptr + indices, len(self.listed) - 1)
            codes = np.where(self.step == 0, self.listed[at], codes)
        return codes

    def indices(self, codes: np.ndarray) -> np.ndarray:
        """The domain indices of codes, each of which is in its variable's domain.

        Args:
            codes: [..., V] int64.

        Returns:
            [..., V] int64.
        """
        indices: np.ndarray = (codes - self.first) // np.where(self.step == 0, 1, self.step)
        if len(self.listed):
            chosen = (self.step == 0).nonzero()[0]
            distinct, keys, place = self._ranks
            key = self._domain[chosen] * len(distinct) + np.searchsorted(distinct, codes[..., chosen])
            indices[..., chosen] = place[np.minimum(np.searchsorted(keys, key), len(keys) - 1)]
        return indices

    @cached_property
    def _ranks(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Listed codes in order; (domain, rank of a code) as one number, in order; the domain index of each."""
        distinct, rank = np.unique(self.listed, return_inverse=True)
        owner, start = np.unique(self._domain[self.step == 0], return_index=True)
        starts = self.domain_ptr[self.step == 0][start]
        size = self.size[self.step == 0][start]
        order = np.argsort(starts)
        owners = np.repeat(owner[order], size[order])
        place = np.arange(len(self.listed)) - np.repeat(starts[order], size[order])
        keys = owners * len(distinct) + rank
        sorted_ = np.argsort(keys)
        return distinct, keys[sorted_], place[sorted_]

    # Constraints ------------------------------------------------------------------------------------------------------

    @property
    def domains(self) -> Mapping[str, Domain]:
        """Variable name -> domain."""
        return self.graph.domains

    @property
    def constraints(self) -> Sequence[Constraint]:
        """All constraints of the graph."""
        return self.graph.constraints

    @property
    def scope_ptr(self) -> np.ndarray:
        """[C + 1] int64: the slots of constraint c are ``scope[scope_ptr[c]:scope_ptr[c + 1]]``."""
        return self.graph.scopes[0]

    @property
    def scope(self) -> np.ndarray:
        """[S] int32: the variable of each slot."""
        return self.graph.scopes[1]

    @cached_property
    def _occurrences(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        order = np.argsort(self.scope, kind="stable")
        sizes = np.diff(self.scope_ptr)
        constraint = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
        slot = np.arange(len(self.scope)) - np.repeat(self.scope_ptr[:-1], sizes)
        ptr = pointers(np.bincount(self.scope, minlength=self.variables))
        return ptr, constraint[order], slot.astype(np.int32)[order]

    @property
    def occ_ptr(self) -> np.ndarray:
        """[V + 1] int64: the occurrences of variable v are ``occ_ptr[v]:occ_ptr[v + 1]``."""
        return self._occurrences[0]

    @property
    def occ_constraint(self) -> np.ndarray:
        """[S] int32: the constraint of each occurrence, in increasing order for each variable."""
        return self._occurrences[1]

    @property
    def occ_slot(self) -> np.ndarray:
        """[S] int32: the position of the variable in that constraint's scope."""
        return self._occurrences[2]

    @cached_property
    def clauses(self) -> Clauses:
        """All constraints that are a ``Clause``. A literal may occur twice in a clause, as the user stated it."""
        if isinstance(self.constraints, ClauseArrays):
            made = self.constraints
            return Clauses(np.arange(len(made), dtype=np.int32), made.start, made.variable, made.value.astype(np.int32))
        chosen = [c for c, constraint in enumerate(self.constraints) if type(constraint) is Clause]
        literals = [self.constraints[c].literals for c in chosen]  # type: ignore[attr-defined]
        ptr = pointers(list(map(len, literals)))
        names, values = zip(*chain.from_iterable(literals), strict=True) if literals else ((), ())
        variable = np.fromiter(map(self.graph.index.__getitem__, names), dtype=np.int32, count=len(names))
        code = np.fromiter(map(self.code, values), dtype=np.int64, count=len(values))
        wanted = (code - self.first[variable]) // np.where(self.step[variable] == 0, 1, self.step[variable])
        for n in (self.step[variable] == 0).nonzero()[0]:
            wanted[n] = self.domains[names[n]].index(values[n])
        return Clauses(np.array(chosen, dtype=np.int32), ptr, variable, wanted.astype(np.int32))

    @cached_property
    def _forms(self) -> tuple[np.ndarray, tuple[MoveFunctions, ...], np.ndarray, np.ndarray, np.ndarray]:
        number: dict[MoveFunctions, int] = {}
        none = np.zeros(0, dtype=np.int64)
        kind = np.full(len(self.graph.constraints), -1, dtype=np.int32)
        params: list[np.ndarray] = []
        memory: list[int] = []
        for c, constraint in enumerate(self.graph.constraints):
            form: MoveForm | None = constraint.move_form(self.graph.domains, self.code)
            if form is not None:
                kind[c] = number.setdefault(form.functions, len(number))
            params.append(none if form is None else form.params)
            memory.append(0 if form is None else form.memory)
        flat = np.concatenate([none, *params]).astype(np.int64)
        return kind, tuple(number), pointers(list(map(len, params))), flat, pointers(memory)

    @property
    def kind(self) -> np.ndarray:
        """[C] int32: position in ``forms`` of each constraint's functions; -1 where only its ``check`` serves."""
        return self._forms[0]

    @property
    def forms(self) -> tuple[MoveFunctions, ...]:
        """The functions of all kinds that occur."""
        return self._forms[1]

    @property
    def params_ptr(self) -> np.ndarray:
        """[C + 1] int64: the parameters of constraint c are ``params[params_ptr[c]:params_ptr[c + 1]]``."""
        return self._forms[2]

    @property
    def params(self) -> np.ndarray:
        """Int64, the parameters of all constraints."""
        return self._forms[3]

    @property
    def memory_ptr(self) -> np.ndarray:
        """[C + 1] int64: the memory of constraint c in a chain is ``memory_ptr[c]:memory_ptr[c + 1]``."""
        return self._forms[4]

    @cached_property
    def objective(self) -> np.ndarray:
        """[V] int64: the coefficient of each variable in the cost that is minimised."""
        coefficients = np.zeros(self.variables, dtype=np.int64)
        for name, cost in self.graph.objective.costs.items() if self.graph.objective else ():
            coefficients[self.graph.index[name]] = cost
        return coefficients

    # The engine's check -----------------------------------------------------------------------------------------------

    @cached_property
    def _unlike(self) -> list[Constraint]:
        """The constraints that are not clauses."""
        if isinstance(self.constraints, ClauseArrays):
            return []
        return [constraint for constraint in self.constraints if type(constraint) is not Clause]

    def violations(self, indices: np.ndarray) -> np.ndarray:
        """The number of violated constraints, by the exact check. Clauses and edges are evaluated with numpy.

        Args:
            indices: [B, V] int64 domain indices.

        Returns:
            [B] int64.
        """
        if isinstance(self.constraints, EdgeArrays):  # all variables have the same domain
            left, right = self.constraints.edges.T
            return np.array([(row[left] == row[right]).sum() for row in indices], dtype=np.int64)
        return np.array([self._violated_clauses(row) + self._others(row) for row in indices], dtype=np.int64)

    def _violated_clauses(self, indices: np.ndarray) -> int:
        clauses = self.clauses
        if not len(clauses.constraint):
            return 0
        true = np.logical_or.reduceat(indices[clauses.variable] == clauses.wanted, clauses.ptr[:-1])
        return len(true) - int(true.sum())

    def _others(self, indices: np.ndarray) -> int:
        if not self._unlike:
            return 0
        known = {name: domain[i] for (name, domain), i in zip(self.domains.items(), indices.tolist(), strict=True)}
        return sum(not c.check([known[name] for name in c.scope]) for c in self._unlike)


def pointers(sizes: Iterable[int] | np.ndarray) -> np.ndarray:
    """Where each of N consecutive slices begins, and where the last one ends: [N + 1] int64.

    Args:
        sizes: of the slices.
    """
    sizes = np.asarray(sizes, dtype=np.int64)
    ptr = np.zeros(len(sizes) + 1, dtype=np.int64)
    np.cumsum(sizes, out=ptr[1:])
    return ptr


def _spaced(domain: Domain) -> tuple[int, int] | None:
    """The first value and the step of evenly spaced integers; None for other domains."""
    if isinstance(domain, range):
        return domain.start, domain.step
    if not all(isinstance(value, int) for value in domain):
        return None
    first = int(domain[0])
    step = int(domain[1]) - first if len(domain) > 1 else 1
    spaced = all(value == first + i * step for i, value in enumerate(domain))
    return (first, step) if spaced else None
