"""The instance of compiled searches: rows of problems over flat graphs, in numpy."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

import numpy as np

from ..notices import Notices
from ..problem import Problem
from ..values import Assignment
from .graph import MoveGraph
from .streams import Streams

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class MoveInstance:
    """A batch of B rows over T graphs. Each row is one problem; V is the largest number of variables.

    Rows of smaller graphs have padding variables at their end, which are fixed at 0.

    Args:
        graphs: the T templates.
        template: [B] int64, the graph of each row.
        fixed: [B, V] bool, variables that the problem gives or whose domain has one value.
        given: [B, V] int64, the codes of the fixed variables; 0 for the others.
        notices: for sentences to the user.

    Example:
        >>> from mull.engine import Clause, ConstraintGraph, Problem
        >>> graph = ConstraintGraph({"a": (0, 1), "b": (0, 1)}, [Clause([("a", 1), ("b", 1)])])
        >>> instance = compile_moves([Problem(graph, {"a": 0}), Problem(graph)])
        >>> instance.shape
        (2, 2, 2)
        >>> instance.fixed.tolist()
        [[True, False], [False, False]]
        >>> instance.check(np.array([[0, 1], [0, 0]]))[0].tolist()
        [0, 1]
    """

    graphs: tuple[MoveGraph, ...]
    template: np.ndarray
    fixed: np.ndarray
    given: np.ndarray
    notices: Notices = field(default_factory=Notices, repr=False)
    _cache: dict[Hashable, Any] = field(default_factory=dict, repr=False)

    def once(self, key: Hashable, build: Callable[[], T]) -> T:
        """A value that depends on the templates alone. It is built once and kept for all selections of rows.

        Args:
            key: identifies the value: a tuple that begins with the owner's name, so that no two owners share a key.
            build: returns the value; called where the key is new.
        """
        if key not in self._cache:
            self._cache[key] = build()
        return cast(T, self._cache[key])

    @property
    def shape(self) -> tuple[int, int, int]:
        """(B, V, D)."""
        b, v = self.fixed.shape
        return b, v, self.once(("MoveInstance", "largest"), lambda: max(graph.largest for graph in self.graphs))

    @property
    def device(self) -> str:
        """Always ``cpu``."""
        return "cpu"

    @property
    def minimises(self) -> np.ndarray:
        """[B] bool: rows whose objective has a coefficient that is not zero."""
        priced = self.once(
            ("MoveInstance", "priced"), lambda: np.array([graph.objective.any() for graph in self.graphs], dtype=bool)
        )
        minimises: np.ndarray = priced[self.template]
        return minimises

    def select(self, rows: np.ndarray) -> MoveInstance:
        """The instance of some rows, over the same graphs.

        Args:
            rows: [N] int64 row numbers, which may repeat, or [B] bool.
        """
        return MoveInstance(
            self.graphs, self.template[rows], self.fixed[rows], self.given[rows], self.notices, self._cache
        )

    def streams(self, labels: Sequence[object]) -> Streams:
        """Random streams, one for each label: see ``Streams.for_rows``."""
        return Streams.for_rows(labels)

    def by_graph(self) -> Iterator[tuple[MoveGraph, np.ndarray]]:
        """The graphs that occur, each with the numbers [N] of its rows."""
        order = np.argsort(self.template, kind="stable")
        templates, start = np.unique(self.template[order], return_index=True)
        for t, rows in zip(
            templates.tolist(), np.split(order, start[1:]), strict=False
        ):  # without rows, one empty part
            yield self.graphs[t], rows

    def _spaced(self) -> tuple[np.ndarray, np.ndarray] | None:
        """The first code and the step of every variable, [T, V] each; None where a domain is not evenly spaced.

        Thousands of small graphs are then decoded by one operation.
        """
        if any(len(graph.listed) for graph in self.graphs):
            return None
        first = np.zeros((len(self.graphs), self.fixed.shape[1]), dtype=np.int64)
        step = np.ones_like(first)
        for t, graph in enumerate(self.graphs):
            first[t, : graph.variables], step[t, : graph.variables] = graph.first, graph.step
        return first, step

    def allows(self, assignment: np.ndarray) -> np.ndarray:
        """The literals of an assignment that domains and givens permit.

        Args:
            assignment: [B, V] int64 domain indices.

        Returns:
            [B, V] bool.
        """
        allowed = np.ones(assignment.shape, dtype=bool)
        for graph, rows in self.by_graph():
            own = assignment[rows, : graph.variables]
            allowed[rows, : graph.variables] = (own >= 0) & (own < graph.size)
        allowed &= ~self.fixed | (self.codes(np.where(allowed, assignment, 0)) == self.given)
        return allowed

    def indices(self, codes: np.ndarray) -> np.ndarray:
        """The domain indices of codes [B, V], as ``Solver.decode`` returns them: [B, V] int64, 0 for padding."""
        if len(self.graphs) == 1:
            return self.graphs[0].indices(codes)
        if (spaced := self.once(("MoveInstance", "spaced"), self._spaced)) is not None:
            first, step = (figure[self.template] for figure in spaced)
            evenly: np.ndarray = (codes - first) // step
            return evenly
        indices = np.zeros(codes.shape, dtype=np.int64)
        for graph, rows in self.by_graph():
            indices[rows, : graph.variables] = graph.indices(codes[rows, : graph.variables])
        return indices

    def codes(self, indices: np.ndarray) -> np.ndarray:
        """The codes of domain indices [B, V]: [B, V] int64, 0 for padding."""
        if len(self.graphs) == 1:
            return self.graphs[0].codes(indices)
        if (spaced := self.once(("MoveInstance", "spaced"), self._spaced)) is not None:
            first, step = (figure[self.template] for figure in spaced)
            evenly: np.ndarray = first + step * indices
            return evenly
        codes = np.zeros(indices.shape, dtype=np.int64)
        for graph, rows in self.by_graph():
            codes[rows, : graph.variables] = graph.codes(indices[rows, : graph.variables])
        return codes

    def check(self, assignment: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Violated constraints of each row, by the exact check of every constraint.

        Args:
            assignment: [B, V] int64 domain indices.

        Returns:
            Two [B] int64: the number of violated constraints, and the energy, which is the same number.
        """
        violations = np.zeros(len(assignment), dtype=np.int64)
        for graph, rows in self.by_graph():
            violations[rows] = graph.violations(assignment[rows, : graph.variables])
        return violations, violations

    def cost(self, assignment: np.ndarray) -> np.ndarray:
        """The objective of each row's assignment without its constant.

        Args:
            assignment: [B, V] int64 domain indices.

        Returns:
            [B] float64, 0 without an objective.
        """
        cost = np.zeros(len(assignment))
        for graph, rows in self.by_graph():
            if graph.objective.any():
                cost[rows] = graph.codes(assignment[rows, : graph.variables]) @ graph.objective
        return cost

    def assignments(self, assignment: np.ndarray) -> list[Assignment]:
        """The assignment as names and values: one dictionary for each row, without padding.

        Args:
            assignment: [B, V] int64 domain indices.
        """
        rows = zip(assignment.tolist(), self.template.tolist(), strict=True)
        return [
            {name: domain[d] for (name, domain), d in zip(self.graphs[t].graph.domains.items(), row, strict=False)}
            for row, t in rows
        ]


def compile_moves(problems: Sequence[Problem], copies: int = 1) -> MoveInstance:
    """Compile problems for a compiled search on the CPU.

    Args:
        problems: at least one. Problems with the same graph object share a template.
        copies: rows for each problem; row ``p * copies + c`` is copy c of problem p.

    Returns:
        An instance of ``len(problems) * copies`` rows.
    """
    distinct = list({id(problem.graph): problem.graph for problem in problems}.values())
    number = {id(graph): t for t, graph in enumerate(distinct)}
    graphs = tuple(map(MoveGraph.of, distinct))
    variables = max(graph.variables for graph in graphs)
    template = np.array([number[id(problem.graph)] for problem in problems], dtype=np.int64)
    fixed = np.ones((len(problems), variables), dtype=bool)
    given = np.zeros((len(problems), variables), dtype=np.int64)
    for p, problem in enumerate(problems):
        graph = graphs[template[p]]
        single = graph.size == 1
        fixed[p, : graph.variables] = single
        if single.any():
            first = graph.codes(np.zeros(graph.variables, dtype=np.int64))
            given[p, : graph.variables] = np.where(single, first, 0)
        for name, value in problem.givens.items():
            v = problem.graph.index[name]
            fixed[p, v], given[p, v] = True, graph.code(value)
    rows = np.repeat(np.arange(len(problems)), copies)
    return MoveInstance(graphs, template[rows], fixed[rows], given[rows])
