"""The best assignment found so far, for each problem of a batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from .compile import Instance
    from .solver import Info

NOTHING = torch.iinfo(torch.int64).max
"""Violations of a problem that has no assignment yet."""


@dataclass(frozen=True)
class Incumbent:
    """The best assignments of P problems so far: fewest violations first, then least cost.

    Args:
        violations: [P] int64, violated constraints.
        energy: [P] int64, violation degrees summed.
        cost: [P] float64, objective without its constant; 0 without an objective.
        iteration: [P] float64, when the assignment was found.
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
        """No assignment yet for any problem.

        Args:
            problems: P.
            variables: V.
            device: of the tensors.
        """
        zeros = torch.zeros(problems, dtype=torch.float64, device=device)
        whole = torch.zeros(problems, dtype=torch.int64, device=device)
        nothing = torch.full_like(whole, NOTHING)
        return cls(nothing, whole, zeros, zeros, zeros, whole[:, None].repeat(1, variables))

    @property
    def solved(self) -> Tensor:
        """[P] bool: problems whose assignment violates nothing."""
        return self.violations == 0

    def better(self, other: Incumbent) -> Incumbent:
        """For each problem the better of two assignments; this one if they are equally good."""
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
        """The same without the assignment of one problem, so that any other one is better."""
        violations = self.violations.clone()
        violations[problem] = NOTHING
        return Incumbent(violations, self.energy, self.cost, self.iteration, self.seconds, self.assignment)


def best_copies(
    instance: Instance, assignment: Tensor, info: Info, count: int, priced: Tensor | None
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """The best copy of each problem: fewest violations, then least cost, then least energy by its solver's own account.

    Args:
        instance: of B rows, P problems times R copies.
        assignment: [B, V] decoded from all rows.
        info: of the last step, [B] each.
        count: P.
        priced: [B] bool, rows whose cost counts where they violate nothing; None where none does.

    Returns:
        row [P] of the best copies; their violations [P], energy [P] and cost [P]; wrong [B] bool, rows that violate
        something.
    """
    copies = len(assignment) // count
    violations, energy = instance.check(assignment)
    each = violations.view(count, copies)
    fewest = each.amin(1)
    if priced is None:
        costs = each.new_zeros(count, copies, dtype=torch.float64)
    else:
        costs = (instance.cost(assignment) * (priced & (violations == 0))).view(count, copies)
    costs = costs.masked_fill(each > fewest[:, None], torch.inf)
    cost = costs.amin(1)
    held = info.energy.float().nan_to_num(nan=torch.finfo(torch.float32).max).view(count, copies)
    row = torch.arange(count, device=assignment.device) * copies
    row = row + held.masked_fill(costs != cost[:, None], torch.inf).argmin(1)
    return row, fewest, energy[row], cost, violations > 0


def least_energy(
    instance: Instance, assignment: Tensor, info: Info, count: int
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """The copy of least energy of each problem, of a solver whose energy is zero exactly where nothing is violated.

    Only P rows are checked, not all B.

    Args:
        instance: of B rows, P problems times R copies.
        assignment: [B, V] decoded from all rows.
        info: of the last step, [B] each.
        count: P.

    Returns:
        As ``best_copies``: row, violations, energy and cost [P], wrong [B].
    """
    copies = len(assignment) // count
    row = torch.arange(count, device=assignment.device) * copies + info.energy.view(count, copies).argmin(1)
    violations, energy = instance.select(row).check(assignment[row])
    return row, violations, energy, torch.zeros(count, dtype=torch.float64, device=row.device), info.energy > 0


def require_shapes(shape: tuple[int, int, int], info: Info, assignment: Tensor) -> None:
    """Refuse tensors that would be broadcast into an answer that the solver did not give.

    Args:
        shape: (B, V, D) of the instance.
        info: of the last step; [B] each.
        assignment: as decoded; [B, V] int64.

    Raises:
        ValueError: a shape or the dtype is another.
    """
    rows, variables, _ = shape
    wanted = {
        "energy": (info.energy, (rows,)),
        "residual": (info.residual, (rows,)),
        "decoded assignment": (assignment, (rows, variables)),
    }
    for what, (tensor, size) in wanted.items():
        if tuple(tensor.shape) != size:
            raise ValueError(f"the {what} has the shape {list(tensor.shape)}, not {list(size)}")
    if assignment.dtype != torch.int64:
        raise ValueError(f"the decoded assignment is of {assignment.dtype}, not of torch.int64")
