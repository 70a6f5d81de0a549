"""From problems to tensors: a batch of rows, each a problem, over one or several templates."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar, cast

import numpy as np
import torch
from torch import Tensor

from .constraints.base import Constraint
from .examples import Examples
from .factor import Factor
from .graph import ConstraintGraph
from .problem import Problem
from .shapes import Bool, Float, Int, Shaped
from .values import Assignment

if hasattr(os, "register_at_fork"):
    # The threads of torch's pool do not survive a fork: a child that waits for them never returns.
    os.register_at_fork(after_in_child=lambda: torch.set_num_threads(1))

T = TypeVar("T")


@dataclass(frozen=True)
class Instance:
    """B rows over T templates. Template t pads to the largest one: V variables, D values, F constraints a factor.

    This is the disjoint union of the rows' graphs, laid out so that row b is one problem: nothing ever mixes rows.

    Args:
        graphs: the T templates.
        template: [B] int64, the template of each row.
        allowed: [B, V, D] bool, literals that domains and givens leave; a padding variable has its first one only.
        factors: all constraints, a factor a kind and bucket.
        costs: [T, V, D] float64, what each literal adds to the objective, or None where no template has one.
    """

    graphs: tuple[ConstraintGraph, ...]
    template: Int[Tensor, " rows"]
    allowed: Bool[Tensor, "rows vars values"]
    factors: tuple[Factor, ...]
    costs: Float[Tensor, "templates vars values"] | None = None
    _memo: dict[Hashable, Any] = field(default_factory=dict, repr=False, compare=False)

    def once(self, key: Hashable, build: Callable[[], T]) -> T:
        """A value derived from the templates alone (never from rows), built once and kept for all selections.

        Args:
            key: of the value: a tuple that begins with its owner's name, so that no two owners share a key.
            build: makes the value where it is not kept yet.
        """
        if key not in self._memo:
            self._memo[key] = build()
        return cast(T, self._memo[key])

    @property
    def shape(self) -> tuple[int, int, int]:
        """(B, V, D)."""
        b, v, d = self.allowed.shape
        return b, v, d

    @property
    def device(self) -> torch.device:
        return self.allowed.device

    @cached_property
    def free(self) -> Bool[Tensor, "rows vars"]:
        """[B, V] bool: variables with a choice left."""
        return self.allowed.sum(-1) > 1

    def degrees(self, assignment: Int[Tensor, "rows vars"]) -> list[Int[Tensor, "rows _"]]:
        """Violation degrees [B, F] of an assignment [B, V], a tensor a factor."""
        return [factor.violations(assignment) for factor in self.factors]

    def check(self, assignment: Int[Tensor, "rows vars"]) -> tuple[Int[Tensor, " rows"], Int[Tensor, " rows"]]:
        """How many constraints each row's assignment [B, V] breaks, and the degrees summed: two [B] int64, exact."""
        broken = torch.zeros(len(assignment), dtype=torch.int64, device=self.device)
        total = broken
        for degrees in self.degrees(assignment):
            broken = broken + (degrees > 0).sum(1)
            total = total + degrees.sum(1)
        return broken, total

    def violations(self, assignment: Int[Tensor, "rows vars"]) -> Int[Tensor, " rows"]:
        """How many constraints each row's assignment [B, V] breaks: [B] int64, exact."""
        return self.check(assignment)[0]

    def cost(self, assignment: Int[Tensor, "rows vars"]) -> Float[Tensor, " rows"]:
        """What each row's assignment [B, V] adds to its objective: [B] float64, 0 without one."""
        if self.costs is None:
            return torch.zeros(len(assignment), dtype=torch.float64, device=self.device)
        return self.costs[self.template].gather(2, assignment[..., None]).sum((1, 2))

    @cached_property
    def minimises(self) -> Bool[Tensor, " rows"]:
        """[B] bool: rows whose objective something adds to."""
        costly = [bool(g.objective and any(g.objective.coefficients.values())) for g in self.graphs]
        return torch.tensor(costly, device=self.device)[self.template]

    def energy(
        self, beliefs: Float[Tensor, "rows vars values"], weights: Sequence[Float[Tensor, "rows _"]] | None = None
    ) -> Float[Tensor, " rows"]:
        """The energy [B] of beliefs [B, V, D]: expected violation degrees, summed under ``weights`` ([B, F] a factor)."""
        total = beliefs.new_zeros(len(beliefs))
        for i, factor in enumerate(self.factors):
            each = factor.energy(beliefs)
            total = total + (each if weights is None else each * weights[i]).sum(1)
        return total

    def uniform(self) -> Float[Tensor, "rows vars values"]:
        """Beliefs [B, V, D] that hold every allowed literal of a variable equally likely."""
        return self.allowed / self.allowed.sum(-1, keepdim=True)

    def select(self, rows: Shaped[Tensor, " chosen"]) -> Instance:
        """The instance of some rows."""
        template = self.template[rows]
        shared = len(self.graphs) == 1
        factors = tuple(factor.with_rows(None if shared else template) for factor in self.factors)
        return Instance(self.graphs, template, self.allowed[rows], factors, self.costs, self._memo)

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

    def assignments(self, assignment: Int[Tensor, "rows vars"]) -> list[Assignment]:
        """[B, V] domain indices as names and values, a dictionary a row."""
        rows = zip(assignment.tolist(), self.template.tolist(), strict=True)
        return [
            {name: domain[d] for (name, domain), d in zip(self.graphs[t].domains.items(), row, strict=False)}
            for row, t in rows
        ]


def compile_problems(problems: Sequence[Problem], copies: int = 1, device: torch.device | str = "cpu") -> Instance:
    """Problems as one instance of ``len(problems) * copies`` rows; row ``p * copies + c`` is copy c of problem p."""
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
    """Examples as one instance, row n the n-th; without ``factors`` it can be read but not checked."""
    size = max(len(domain) for graph in examples.graphs for domain in graph.domains.values())
    domains = torch.from_numpy(domains_of(examples.graphs, examples.givens.shape[1], size)).to(device)
    template = torch.from_numpy(examples.template).to(device)
    givens = torch.from_numpy(examples.givens).to(device)
    allowed = domains[template]
    # In pieces: the comparison takes eight times the memory of what it yields.
    for rows in torch.arange(len(givens), device=device).split(1 << 14):
        value = givens[rows].long()[..., None]
        allowed[rows] &= (value < 0) | (torch.arange(size, device=device) == value)
    shared = len(examples.graphs) == 1
    made = _factors(examples.graphs, size) if factors else ()
    of_rows = tuple(f.to(torch.device(device)).with_rows(None if shared else template) for f in made)
    return Instance(examples.graphs, template, allowed, of_rows)


def domains_of(graphs: Sequence[ConstraintGraph], variables: int, size: int) -> np.ndarray:
    """[T, V, D] bool: the literals that each template has; a padding variable has its first one."""
    domains = np.zeros((len(graphs), max(variables, 1), size), dtype=bool)
    domains[:, :, 0] = True
    for t, graph in enumerate(graphs):
        for v, domain in enumerate(graph.domains.values()):
            domains[t, v, : len(domain)] = True
    return domains


def _factors(graphs: Sequence[ConstraintGraph], size: int) -> tuple[Factor, ...]:
    stacks: dict[tuple[type[Constraint], Hashable], list[list[Constraint]]] = defaultdict(lambda: [[] for _ in graphs])
    for t, graph in enumerate(graphs):
        for constraint in graph.constraints:
            stacks[constraint.factor_kind(), constraint.bucket()][t].append(constraint)
    return tuple(_factor(kind, graphs, stack, size) for (kind, _), stack in stacks.items())


def _factor(
    kind: type[Constraint], graphs: Sequence[ConstraintGraph], stack: Sequence[Sequence[Constraint]], size: int
) -> Factor:
    arity = max(len(constraint.scope) for row in stack for constraint in row)
    lead = (len(graphs), max(len(row) for row in stack))
    scopes = np.zeros((*lead, arity), dtype=np.int64)
    active = np.zeros(lead, dtype=bool)
    parameters: dict[str, np.ndarray] = {"slots": np.zeros((*lead, arity), dtype=bool)}
    for t, (graph, row) in enumerate(zip(graphs, stack, strict=True)):
        index, domains = graph.index, graph.domains
        encoded = [c.encode([domains[name] for name in c.scope], arity, size) for c in row]
        for f, constraint in enumerate(row):
            scope = constraint.scope
            scopes[t, f, : len(scope)] = [index[name] for name in scope]
            parameters["slots"][t, f, : len(scope)] = True
        active[t, : len(row)] = True
        for name in encoded[0] if encoded else ():
            arrays = np.stack([arrays[name] for arrays in encoded])
            if name not in parameters:
                parameters[name] = np.zeros((*lead, *arrays.shape[1:]), dtype=arrays.dtype)
            parameters[name][t, : len(row)] = arrays
    tensors = kind.simplify({name: torch.from_numpy(array) for name, array in parameters.items()})
    return Factor(kind, torch.from_numpy(scopes), torch.from_numpy(active), tensors, None)


def _costs(graphs: Sequence[ConstraintGraph], shape: tuple[int, ...]) -> Float[Tensor, "templates vars values"] | None:
    if all(graph.objective is None for graph in graphs):
        return None
    costs = torch.zeros(shape, dtype=torch.float64)
    for t, graph in enumerate(graphs):
        for name, c in graph.objective.coefficients.items() if graph.objective else ():
            domain = graph.domains[name]
            costs[t, graph.index[name], : len(domain)] = torch.tensor([c * int(value) for value in domain])
    return costs
