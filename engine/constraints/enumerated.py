"""Energies and literal groups of small scopes by enumeration, for kinds that have no closed form."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from math import prod
from typing import TYPE_CHECKING

from ..lazy import torch
from ..values import Domain, brief
from .base import Constraint, LiteralGroup, Parameters

if TYPE_CHECKING:
    from torch import Tensor

MOST_COMBINATIONS = 1 << 12
"""Assignments of a scope that an energy sums over at most."""

MOST_TUPLES = 1 << 9
"""Assignments of a scope that literal groups list at most."""


class Enumerated(Constraint):
    """Base of kinds whose expected degree is a sum over all assignments of the scope.

    All constraints of one bucket must have the same number of variables, so that no slot is padding.
    """

    def obstacle(self, domains: Mapping[str, Domain]) -> str | None:
        combinations = _combinations(self, domains)
        if combinations > MOST_COMBINATIONS:
            return (
                f"the energy of {self.describe()} sums over {brief(combinations)} assignments; "
                f"energies are computed up to {MOST_COMBINATIONS}"
            )
        return None

    def work(self, domains: Mapping[str, Domain]) -> int:
        return len(self.scope) * min(_combinations(self, domains), MOST_COMBINATIONS)

    @classmethod
    def expected(cls, beliefs: Tensor, p: Parameters) -> Tensor:
        # E[degree] = sum over assignments of P(assignment) * degree: O(D^K), exact, and differentiable in each chance.
        arity, size = beliefs.shape[-2:]
        indices = [torch.arange(size, device=beliefs.device)] * arity
        every = torch.cartesian_prod(*indices).view(-1, arity)  # [M, K]
        lead = p["slots"].dim() - 1
        degree = cls.degree(every, {key: tensor.unsqueeze(lead) for key, tensor in p.items()})  # [..., M]
        chance = beliefs.gather(-1, every.T.expand(*beliefs.shape[:-2], arity, -1)).prod(-2)  # [..., M]
        return (chance * degree).sum(-1)

    def groups(self, domains: Mapping[str, Domain]) -> list[LiteralGroup] | None:
        """The allowed assignments of a small scope, a group each; None for a larger one."""
        own = [domains[each] for each in self.scope]
        if prod(map(len, own)) > MOST_TUPLES:
            return None
        allowed = (row for row in product(*own) if self.check(row))
        return [LiteralGroup("table allowed", tuple(zip(self.scope, row, strict=True))) for row in allowed]

    def group_size(self, domains: Mapping[str, Domain]) -> int:
        count = prod(len(domains[each]) for each in self.scope)
        return len(self.scope) * count if count <= MOST_TUPLES else 0


def _combinations(constraint: Constraint, domains: Mapping[str, Domain]) -> int:
    """Assignments of the scope where every domain is padded to the graph's largest."""
    largest = max((len(domain) for domain in domains.values()), default=1)
    return int(largest ** min(len(constraint.scope), 64))
