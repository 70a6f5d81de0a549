"""Factors: all constraints of one kind and bucket in a batch, as tensors."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, cast

import torch
from torch import Tensor

from .constraints.base import Constraint, Parameters
from .shapes import Bool, Float, Int


class Factor:
    """The constraints of one kind and bucket of T templates, for a batch of B rows.

    Template t has up to F constraints of up to K variables; smaller templates and scopes are padded. A factor copies no
    parameters for its rows: each row reads those of its template.

    Args:
        kind: the constraint class, whose ``degree`` and ``expected`` the factor calls.
        scopes: [T, F, K] int64 variable indices, 0 in padding.
        active: [T, F] bool, False in padding.
        parameters: name -> tensor [T, F, ...], or [1, 1, ...] where all constraints share it; ``slots`` [T, F, K] bool
            is False in padding.
        template: [B] int64, the template of each row; None where T = 1, for any number of rows.

    Example:
        >>> import torch
        >>> from mull.engine import AllDifferent, ConstraintGraph, Problem, compile_problems
        >>> graph = ConstraintGraph({"a": (1, 2), "b": (1, 2)}, [AllDifferent(("a", "b"))])
        >>> (factor,) = compile_problems([Problem(graph)], copies=2).factors
        >>> factor.violations(torch.tensor([[0, 1], [1, 1]])).tolist()
        [[0], [1]]
        >>> factor.energy(torch.full((2, 2, 2), 0.5)).tolist()
        [[0.5], [0.5]]
    """

    def __init__(
        self,
        kind: type[Constraint],
        scopes: Int[Tensor, "templates count arity"],
        active: Bool[Tensor, "templates count"],
        parameters: Parameters,
        template: Int[Tensor, " rows"] | None,
    ) -> None:
        self.kind = kind
        self.scopes = scopes
        self.active = active
        self.parameters = parameters
        self.template = template

    @property
    def count(self) -> int:
        """F, the number of constraints of the largest template."""
        return self.scopes.shape[1]

    def with_rows(self, template: Int[Tensor, " rows"] | None) -> Factor:
        """The same factor for other rows.

        Args:
            template: [B] int64, the template of each row; None where T = 1.
        """
        return Factor(self.kind, self.scopes, self.active, self.parameters, template)

    def to(self, device: torch.device) -> Factor:
        """The same factor on another device."""
        template = None if self.template is None else self.template.to(device)
        parameters = {name: t.to(device) for name, t in self.parameters.items()}
        return Factor(self.kind, self.scopes.to(device), self.active.to(device), parameters, template)

    def violations(self, assignment: Int[Tensor, "rows vars"]) -> Int[Tensor, "rows count"]:
        """The violation degree of each constraint.

        Args:
            assignment: [B, V] int64 domain indices.

        Returns:
            [B, F] int64; 0 exactly where a constraint holds, and in padding.
        """
        values = self._gather(assignment)
        degree = self.kind.degree(values, self.rows)
        return degree if self._full[1] else torch.where(self.active_rows, degree, 0)

    def energy(self, beliefs: Float[Tensor, "rows vars values"]) -> Float[Tensor, "rows count"]:
        """The expected violation degree of each constraint when every variable is drawn independently.

        Args:
            beliefs: [B, V, D] probabilities, zero outside the domains.

        Returns:
            [B, F] of the dtype of ``beliefs``, differentiable; equal to ``violations`` at one-hot beliefs, 0 in
            padding.
        """
        # With one literal for each slot, only F * K of the V * D probabilities are read, instead of F * K * D.
        if "literal" in self.parameters:
            chances = _gather(beliefs.flatten(1), self._literals(beliefs.shape[2]))
            chances = chances.view(len(beliefs), *self.scopes.shape[1:])
            if not self._full[0]:
                chances = chances * self.rows["slots"]
            energy = self.kind.expected_of_literals(chances, self.rows)
        else:
            index = self._index.view(-1, self.scopes[0].numel())
            gathered = _gather(beliefs, index).view(len(beliefs), *self.scopes.shape[1:], -1)
            energy = self.kind.expected(gathered, self.rows)
        return energy if self._full[1] else torch.where(self.active_rows, energy, 0)

    def pick(
        self, rows: Int[Tensor, " chosen"], index: Int[Tensor, " chosen"]
    ) -> tuple[Int[Tensor, "chosen arity"], Parameters]:
        """The scopes and parameters of N constraints, for updates that touch only them.

        Args:
            rows: [N] int64, the row of each.
            index: [N] int64, its number in the factor, 0 to F - 1.

        Returns:
            Scopes [N, K] and parameters by name, each [N or 1, ...].
        """
        flat = index if self.template is None else self.template[rows] * self.count + index
        return self.scopes.flatten(0, 1).index_select(0, flat), {
            name: t.flatten(0, 1) if self._shared(t) else t.flatten(0, 1).index_select(0, flat)
            for name, t in self.parameters.items()
        }

    def _shared(self, parameter: Tensor) -> bool:
        """Whether all constraints share one value of a parameter."""
        return parameter.shape[:2] == (1, 1) and self.scopes.shape[:2] != (1, 1)

    # These are computed once for each selection of rows: a solver reads them in every step.

    @cached_property
    def active_rows(self) -> Tensor:
        """[1 or B, F] bool: ``active`` of each row's template."""
        return self.active if self.template is None else self.active[self.template]

    @cached_property
    def rows(self) -> Parameters:
        """The parameters of each row's template, each [1 or B, 1 or F, ...]."""
        if self.template is None:
            return self.parameters
        return {name: t if self._shared(t) else t[self.template] for name, t in self.parameters.items()}

    @cached_property
    def _index(self) -> Tensor:
        return (self.scopes[0] if self.template is None else self.scopes[self.template]).flatten()

    @cached_property
    def _full(self) -> tuple[bool, bool]:
        """Whether no slot, and no constraint, is padding. Kept, because reading a tensor waits for the GPU."""
        return bool(self.parameters["slots"].all()), bool(self.active.all())

    def _literals(self, size: int) -> Int[Tensor, "rows slots"]:
        """[B or 1, F * K]: the index of each slot's literal among the V * D of a row, kept after the first call."""
        if self._literal_index is None:
            self._literal_index = self._index.view(-1, self.scopes[0].numel()) * size + self.rows["literal"].flatten(1)
        return self._literal_index

    _literal_index: Tensor | None = None

    def _gather(self, values: Int[Tensor, "rows vars"]) -> Int[Tensor, "rows count arity"]:
        """[B, V] -> [B, F, K]."""
        index = self._index.view(-1, self.scopes[0].numel()).expand(len(values), -1)
        return values.gather(1, index).view(len(values), *self.scopes.shape[1:])


class _Gather(torch.autograd.Function):
    """x [B, N, ...], index [B or 1, M] -> [B, M, ...], with a backward pass that is fast on a CPU.

    Autograd's own backward pass is an index_add of short rows on one thread: 78 ms for 1.7 million indices. This one
    took 2 ms.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, index: Tensor) -> Tensor:
        if len(index) == 1:
            return x.index_select(1, index[0])
        if x.dim() == 2:
            return x.gather(1, index)
        return x.gather(1, index[..., None].expand(-1, -1, x.shape[2]))

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        x, index = inputs
        ctx.save_for_backward(index)
        ctx.size = x.shape[1]

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (index,) = ctx.saved_tensors
        gradient = gradients[0]
        # Both branches scatter along the last axis: on a CPU such a scatter runs on all threads.
        if gradient.dim() == 2:
            index = index.expand(len(gradient), -1)
            return gradient.new_zeros(len(gradient), ctx.size).scatter_add(1, index, gradient), None
        by_value = gradient.transpose(1, 2).contiguous()
        zero = gradient.new_zeros(*by_value.shape[:2], ctx.size)
        return zero.scatter_add(2, index[:, None].expand(by_value.shape), by_value).transpose(1, 2), None


_gather = cast(Callable[[Tensor, Tensor], Tensor], _Gather.apply)
