"""Compilation of problems to tensors: a batch of rows, each one problem, over one or several templates."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar, cast

import numpy as np
import torch
from torch import Tensor

from .constraint_arrays import FactorRows
from .constraints.base import Constraint
from .examples import Examples
from .factor import Factor
from .graph import ConstraintGraph
from .notices import Notices
from .problem import Problem
from .random import Random
from .shapes import Bool, Float, Int, Shaped
from .values import Assignment

if hasattr(os, "register_at_fork"):
    # The threads of torch's pool do not survive a fork. A child process that waits for them never returns.
    os.register_at_fork(after_in_child=lambda: torch.set_num_threads(1))

T = TypeVar("T")


@dataclass(frozen=True)
class Instance:
    """A batch of B rows over T templates, padded to V variables and D values. Each row is one problem.

    It represents the disjoint union of the rows' graphs. No method mixes rows, so a row's result does not depend on the
    others. Rows of one template share its tensors.

    Args:
        graphs: the T templates.
        template: [B] int64, the template of each row.
        allowed: [B, V, D] bool, the literals that domains and givens permit; a padding variable has its first one only.
        factors: all constraints, one factor for each kind and bucket.
        costs: [T, V, D] float64, the term of each literal in the objective; None where no template has an objective.

    Example:
        >>> import torch
        >>> from mull.engine import AllDifferent, ConstraintGraph, Problem
        >>> graph = ConstraintGraph({"a": (1, 2), "b": (1, 2)}, [AllDifferent(("a", "b"))])
        >>> instance = compile_problems([Problem(graph, {"a": 1}), Problem(graph)])
        >>> instance.shape
        (2, 2, 2)
        >>> instance.free.tolist()
        [[False, True], [True, True]]
        >>> instance.violations(torch.tensor([[0, 1], [0, 0]])).tolist()
        [0, 1]
    """

    graphs: tuple[ConstraintGraph, ...]
    template: Int[Tensor, " rows"]
    allowed: Bool[Tensor, "rows vars values"]
    factors: tuple[Factor, ...]
    costs: Float[Tensor, "templates vars values"] | None = None
    _cache: dict[Hashable, Any] = field(default_factory=dict, repr=False, compare=False)
    notices: Notices = field(default_factory=Notices, repr=False, compare=False)

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
        b, v, d = self.allowed.shape
        return b, v, d

    @property
    def device(self) -> torch.device:
        """The device of all tensors."""
        return self.allowed.device

    @cached_property
    def free(self) -> Bool[Tensor, "rows vars"]:
        """[B, V] bool: variables that may take more than one value."""
        return self.allowed.sum(-1) > 1

    def degrees(self, assignment: Int[Tensor, "rows vars"]) -> list[Int[Tensor, "rows _"]]:
        """Violation degrees of an assignment [B, V]: one tensor [B, F] int64 for each factor."""
        return [factor.violations(assignment) for factor in self.factors]

    def check(self, assignment: Int[Tensor, "rows vars"]) -> tuple[Int[Tensor, " rows"], Int[Tensor, " rows"]]:
        """Per row of an assignment [B, V]: the number of violated constraints and the sum of degrees, two [B] int64."""
        broken = torch.zeros(len(assignment), dtype=torch.int64, device=self.device)
        total = broken
        for degrees in self.degrees(assignment):
            broken = broken + (degrees > 0).sum(1)
            total = total + degrees.sum(1)
        return broken, total

    def violations(self, assignment: Int[Tensor, "rows vars"]) -> Int[Tensor, " rows"]:
        """The number of constraints that each row's assignment [B, V] violates: [B] int64."""
        return self.check(assignment)[0]

    def cost(self, assignment: Int[Tensor, "rows vars"]) -> Float[Tensor, " rows"]:
        """The objective of each row's assignment [B, V] without its constant: [B] float64, 0 without an objective."""
        if self.costs is None:
            return torch.zeros(len(assignment), dtype=torch.float64, device=self.device)
        return self.costs[self.template].gather(2, assignment[..., None]).sum((1, 2))

    @cached_property
    def minimises(self) -> Bool[Tensor, " rows"]:
        """[B] bool: rows whose objective has a coefficient that is not zero."""
        costly = [bool(g.objective and any(g.objective.coefficients.values())) for g in self.graphs]
        return torch.tensor(costly, device=self.device)[self.template]

    def energy(
        self, beliefs: Float[Tensor, "rows vars values"], weights: Sequence[Float[Tensor, "rows _"]] | None = None
    ) -> Float[Tensor, " rows"]:
        """The energy: the sum of expected violation degrees.

        Args:
            beliefs: [B, V, D] probabilities, zero outside the domains.
            weights: one tensor [B, F] for each factor, by which its degrees are multiplied; None for weights of 1.

        Returns:
            [B] of the dtype of ``beliefs``, differentiable.
        """
        total = beliefs.new_zeros(len(beliefs))
        for i, factor in enumerate(self.factors):
            each = factor.energy(beliefs)
            total = total + (each if weights is None else each * weights[i]).sum(1)
        return total

    def uniform(self) -> Float[Tensor, "rows vars values"]:
        """Beliefs [B, V, D] with equal probability for all allowed literals of a variable."""
        return self.allowed / self.allowed.sum(-1, keepdim=True)

    def select(self, rows: Shaped[Tensor, " chosen"] | np.ndarray) -> Instance:
        """The instance of some rows; it shares the templates' tensors with this one.

        Args:
            rows: [N] int64 row numbers, which may repeat, or [B] bool; a tensor or an array of numpy.
        """
        template = self.template[rows]
        rows = rows if isinstance(rows, Tensor) else torch.from_numpy(rows).to(self.device)
        shared = len(self.graphs) == 1  # factors then broadcast over rows, without a template of each
        factors = tuple(factor.with_rows(None if shared else template) for factor in self.factors)
        return Instance(self.graphs, template, self.allowed[rows], factors, self.costs, self._cache, self.notices)

    def streams(self, labels: Sequence[object]) -> Random:
        """Random streams on the device of the instance, one for each label: see ``Random.for_rows``."""
        return Random.for_rows(labels, self.device)

    def to(self, device: torch.device | str) -> Instance:
        """The same instance on another device."""
        device = torch.device(device)
        return Instance(
            self.graphs,
            self.template.to(device),
            self.allowed.to(device),
            tuple(factor.to(device) for factor in self.factors),
            None if self.costs is None else self.costs.to(device),
        )

    def assignments(self, assignment: Int[Tensor, "rows vars"] | np.ndarray) -> list[Assignment]:
        """The assignment [B, V] as names and values: one dictionary for each row, without padding."""
        rows = zip(assignment.tolist(), self.template.tolist(), strict=True)
        return [
            {name: domain[d] for (name, domain), d in zip(self.graphs[t].domains.items(), row, strict=False)}
            for row, t in rows
        ]


def compile_problems(problems: Sequence[Problem], copies: int = 1, device: torch.device | str = "cpu") -> Instance:
    """Compile problems to one instance.

    Args:
        problems: at least one. Problems with the same graph object share a template.
        copies: rows for each problem; row ``p * copies + c`` is copy c of problem p.
        device: of the result. Compilation itself runs on the CPU.

    Returns:
        An instance of ``len(problems) * copies`` rows.
    """
    # By identity: comparing graphs would compute the digest of each, and instances of one template share its object.
    graphs = list({id(p.graph): p.graph for p in problems}.values())
    number = {id(graph): t for t, graph in enumerate(graphs)}
    variables = max(len(graph.domains) for graph in graphs)
    size = max((len(d) for graph in graphs for d in graph.domains.values()), default=1)
    template = torch.tensor([number[id(p.graph)] for p in problems])

    domains = domains_of(graphs, variables, size)
    allowed = domains[template.numpy()]
    for row, problem in zip(allowed, problems, strict=True):
        for name, value in problem.givens.items():
            v = problem.graph.index[name]
            row[v] = False
            row[v, problem.graph.domains[name].index(value)] = True

    rows = torch.arange(len(problems)).repeat_interleave(copies)
    factors = _factors(graphs, size)
    instance = Instance(tuple(graphs), template, torch.from_numpy(allowed), factors, _costs(graphs, domains.shape))
    return instance.select(rows).to(device)


def compile_examples(examples: Examples, device: torch.device | str = "cpu", *, factors: bool = True) -> Instance:
    """Compile training examples to one instance.

    Args:
        examples: row n of the instance is example n.
        device: of the result.
        factors: whether to compile constraints. Without them a network can read the instance, but nothing can check it.
    """
    size = max(len(domain) for graph in examples.graphs for domain in graph.domains.values())
    domains = torch.from_numpy(domains_of(examples.graphs, examples.givens.shape[1], size)).to(device)
    template = torch.from_numpy(examples.template).to(device)
    givens = torch.from_numpy(examples.givens).to(device)
    allowed = domains[template]
    # In pieces of rows: the int64 comparison takes eight times the memory of its result.
    for rows in torch.arange(len(givens), device=device).split(1 << 14):
        value = givens[rows].long()[..., None]
        allowed[rows] &= (value < 0) | (torch.arange(size, device=device) == value)
    shared = len(examples.graphs) == 1
    made = _factors(examples.graphs, size) if factors else ()
    of_rows = tuple(f.to(torch.device(device)).with_rows(None if shared else template) for f in made)
    return Instance(examples.graphs, template, allowed, of_rows)


def domains_of(graphs: Sequence[ConstraintGraph], variables: int, size: int) -> np.ndarray:
    """The literals of each template.

    Args:
        graphs: the T templates.
        variables: V, at least the number of variables of each graph.
        size: D, at least the size of each domain.

    Returns:
        [T, V, D] bool; a padding variable has its first literal only.
    """
    domains = np.zeros((len(graphs), max(variables, 1), size), dtype=bool)
    domains[:, :, 0] = True
    for t, graph in enumerate(graphs):
        sizes = np.array([len(domain) for domain in graph.domains.values()], dtype=np.int64)
        domains[t, : len(sizes)] |= np.arange(size) < sizes[:, None]
    return domains


Stack = list[list[Constraint] | FactorRows]
"""The constraints of one kind and bucket, for each template."""


def _factors(graphs: Sequence[ConstraintGraph], size: int) -> tuple[Factor, ...]:
    """One factor for each kind and bucket, in the order of their first constraint."""
    # A factor has an entry for each template, which may be empty: the T axis of all factors then has the same order.
    stacks: dict[tuple[type[Constraint], Hashable], Stack] = defaultdict(lambda: [[] for _ in graphs])
    for t, graph in enumerate(graphs):
        arrays = graph.arrays
        encoded = arrays.factor_rows(len(next(iter(graph.domains.values()))), size) if arrays else None
        if arrays is not None and encoded is not None:
            for rows in encoded:
                stacks[arrays.kind, rows.bucket][t] = rows
            continue
        for constraint in graph.constraints:
            listed = stacks[constraint.factor_kind(), constraint.bucket()][t]
            assert isinstance(listed, list)
            listed.append(constraint)
    return tuple(_factor(kind, graphs, stack, size) for (kind, _), stack in stacks.items())


def _factor(kind: type[Constraint], graphs: Sequence[ConstraintGraph], stack: Stack, size: int) -> Factor:
    """The factor of one kind and bucket."""
    arity = max(_arity(row) for row in stack)
    lead = (len(graphs), max(len(row) if isinstance(row, list) else len(row.scopes) for row in stack))
    scopes = np.zeros((*lead, arity), dtype=np.int64)
    active = np.zeros(lead, dtype=bool)
    parameters: dict[str, np.ndarray] = {"slots": np.zeros((*lead, arity), dtype=bool)}
    shared = _shared(stack)
    for t, (graph, row) in enumerate(zip(graphs, stack, strict=True)):
        if not row:
            continue
        made = row if isinstance(row, FactorRows) else _encoded(graph, row, arity, size)
        count, width = made.scopes.shape
        scopes[t, :count, :width] = made.scopes
        parameters["slots"][t, :count, :width] = made.slots
        active[t, :count] = True
        repeated = {name: np.broadcast_to(array, (count, *array.shape)) for name, array in made.shared.items()}
        for name, array in {**made.arrays, **({} if shared else repeated)}.items():
            if name not in parameters:  # a second axis that is the arity is padded to that of the factor
                shape = (arity, *array.shape[2:]) if array.shape[1:2] == (width,) else array.shape[1:]
                parameters[name] = np.zeros((*lead, *shape), dtype=array.dtype)
            parameters[name][t, :count][tuple(slice(0, n) for n in array.shape)] = array
    tensors = {name: torch.from_numpy(array) for name, array in parameters.items()}
    if not shared:
        tensors = kind.simplify(tensors)
    tensors |= {name: torch.from_numpy(array)[None, None] for name, array in shared.items()}
    return Factor(kind, torch.from_numpy(scopes), torch.from_numpy(active), tensors, None)


def _arity(row: list[Constraint] | FactorRows) -> int:
    if isinstance(row, FactorRows):
        return int(row.scopes.shape[1])
    return max((len(constraint.scope) for constraint in row), default=0)


def _shared(stack: Stack) -> Mapping[str, np.ndarray]:
    """The parameters that all constraints of a factor share; empty where a template has others."""
    rows = [row for row in stack if row]
    first = rows[0]
    if not isinstance(first, FactorRows):
        return {}
    for row in rows[1:]:
        if not isinstance(row, FactorRows) or row.shared.keys() != first.shared.keys():
            return {}
        if not all(np.array_equal(array, first.shared[name]) for name, array in row.shared.items()):
            return {}
    return first.shared


def _encoded(graph: ConstraintGraph, constraints: Sequence[Constraint], arity: int, size: int) -> FactorRows:
    """Constraints that are encoded one by one."""
    index, domains = graph.index, graph.domains
    scopes = np.zeros((len(constraints), arity), dtype=np.int64)
    slots = np.zeros((len(constraints), arity), dtype=bool)
    for f, constraint in enumerate(constraints):
        scope = constraint.scope
        scopes[f, : len(scope)] = [index[name] for name in scope]
        slots[f, : len(scope)] = True
    encoded = [c.encode([domains[name] for name in c.scope], arity, size) for c in constraints]
    # Stacked first, then copied once: copying the constraints one by one was a main cost of solving easy problems.
    return FactorRows(
        None, scopes, slots, {name: np.stack([each[name] for each in encoded]) for name in encoded[0]}, {}
    )


def _costs(graphs: Sequence[ConstraintGraph], shape: tuple[int, ...]) -> Float[Tensor, "templates vars values"] | None:
    """[T, V, D] float64: coefficient times value for each literal; None where no template has an objective."""
    if all(graph.objective is None for graph in graphs):
        return None
    costs = torch.zeros(shape, dtype=torch.float64)  # exact up to 2^53
    for t, graph in enumerate(graphs):
        for name, c in graph.objective.costs.items() if graph.objective else ():
            domain = graph.domains[name]
            costs[t, graph.index[name], : len(domain)] = torch.tensor([c * int(value) for value in domain])
    return costs
