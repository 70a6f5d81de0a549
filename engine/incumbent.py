"""The best assignment found so far, for each problem of a batch."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

NOTHING = torch.iinfo(torch.int64).max
"""Violations of a problem that has no assignment yet."""


@dataclass(frozen=True)
class Incumbent:
    """Of P problems the best assignments so far: fewest violations first, then least cost.

    Args:
        violations: [P] int64, constraints broken.
        energy: [P] int64, violation degrees summed.
        cost: [P] float64, objective without its constant; 0 where none is minimised.
        iteration: [P] float64, when it was found.
        seconds: [P] float64, the problem's solving time until then.
        assignment: [P, V] int64, domain indices.
    """

    violations: Tensor
    energy: Tensor
    cost: Tensor
    iteration: Tensor
    seconds: Tensor
    assignment: Tensor

    @classmethod
    def none(cls, problems: int, variables: int, device: torch.device | str) -> Incumbent:
        """Of problems without an assignment."""
        zeros = torch.zeros(problems, dtype=torch.float64, device=device)
        whole = torch.zeros(problems, dtype=torch.int64, device=device)
        nothing = torch.full_like(whole, NOTHING)
        return cls(nothing, whole, zeros, zeros, zeros, whole[:, None].repeat(1, variables))

    @property
    def solved(self) -> Tensor:
        """[P] bool: problems whose assignment breaks nothing."""
        return self.violations == 0

    def better(self, other: Incumbent) -> Incumbent:
        """Problem by problem the better of the two; this one where both are as good."""
        less = other.violations < self.violations
        cheaper = (other.violations == self.violations) & (other.cost < self.cost)
        take = less | cheaper
        return Incumbent(
            torch.where(take, other.violations, self.violations),
            torch.where(take, other.energy, self.energy),
            torch.where(take, other.cost, self.cost),
            torch.where(take, other.iteration, self.iteration),
            torch.where(take, other.seconds, self.seconds),
            torch.where(take[:, None], other.assignment, self.assignment),
        )

    def forget(self, problem: int) -> Incumbent:
        """The same without the assignment of one problem, so that any other is better."""
        violations = self.violations.clone()
        violations[problem] = NOTHING
        return Incumbent(violations, self.energy, self.cost, self.iteration, self.seconds, self.assignment)
