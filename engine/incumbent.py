"""The best assignment found so far, for each problem of a batch, and the best copy of each problem at a check."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .state import Array, to_numpy

if TYPE_CHECKING:
    from .compile import Instance
    from .moves.instance import MoveInstance
    from .solver import Info

NOTHING = np.iinfo(np.int64).max
"""Violations of a problem that has no assignment yet."""


class Found(NamedTuple):
    """The best copy of each of P problems at a check: fewest violations, then least cost, then least energy.

    Args:
        row: [P] int64, its row.
        violations: [P] int64, violated constraints.
        energy: [P] int64, violation degrees summed.
        cost: [P] float64, objective without its constant; 0 without an objective.
        wrong: [B] bool, rows that violate a constraint.
    """

    row: np.ndarray
    violations: np.ndarray
    energy: np.ndarray
    cost: np.ndarray
    wrong: np.ndarray


@dataclass(frozen=True)
class Incumbent:
    """The best assignments of P problems so far: fewest violations first, then least cost.

    Args:
        violations: [P] int64, violated constraints.
        energy: [P] int64, violation degrees summed.
        cost: [P] float64, objective without its constant; 0 without an objective.
        iteration: [P] int64, when the assignment was found.
        seconds: [P] float64, the problem's solving time until then.
        assignment: [P, V] int64, domain indices.
    """

    violations: np.ndarray
    energy: np.ndarray
    cost: np.ndarray
    iteration: np.ndarray
    seconds: np.ndarray
    assignment: np.ndarray

    @classmethod
    def none(cls, problems: int, variables: int) -> Incumbent:
        """No assignment yet for any problem.

        Args:
            problems: P.
            variables: V.
        """
        whole, zeros = np.zeros(problems, dtype=np.int64), np.zeros(problems)
        return cls(whole + NOTHING, whole, zeros, whole, zeros, np.zeros((problems, variables), dtype=np.int64))

    @property
    def solved(self) -> np.ndarray:
        """[P] bool: problems whose assignment violates nothing."""
        solved: np.ndarray = self.violations == 0
        return solved

    def improved(self, found: Found) -> np.ndarray:
        """[P] bool: problems whose best copy is better than the assignment so far."""
        cheaper = (found.violations == self.violations) & (found.cost < self.cost)
        better: np.ndarray = (found.violations < self.violations) | cheaper
        return better

    def replaced(
        self, problems: np.ndarray, found: Found, iteration: int, seconds: np.ndarray, assignment: np.ndarray
    ) -> Incumbent:
        """The same with new assignments of some problems.

        Args:
            problems: [P] bool, the N problems.
            found: the best copies of all P problems.
            iteration: now.
            seconds: [P] float64, the problems' solving time until now.
            assignment: [N, V] int64, the new assignments.
        """
        all_assignments = self.assignment.copy()
        all_assignments[problems] = assignment
        return Incumbent(
            np.where(problems, found.violations, self.violations),
            np.where(problems, found.energy, self.energy),
            np.where(problems, found.cost, self.cost),
            np.where(problems, iteration, self.iteration),
            np.where(problems, seconds, self.seconds),
            all_assignments,
        )

    def forget(self, problem: int) -> Incumbent:
        """The same without the assignment of one problem, so that any other one is better."""
        violations = self.violations.copy()
        violations[problem] = NOTHING
        return replace(self, violations=violations)


def counted(info: Info, count: int, followed: np.ndarray) -> Found | None:
    """The best copy of each problem by the solver's own counts; None where the solver does not count.

    Args:
        info: of the last step, [B] each.
        count: P.
        followed: [P] bool, problems whose cost counts where nothing is violated.
    """
    if info.violations is None or (info.cost is None and followed.any()):
        return None
    violations = to_numpy(info.violations)
    cost = None if info.cost is None or not followed.any() else to_numpy(info.cost)
    energy = np.nan_to_num(to_numpy(info.energy)).astype(np.int64)
    return _best(violations, energy, cost, info, count, followed)


def checked(
    instance: Instance | MoveInstance, assignment: Array, info: Info, count: int, followed: np.ndarray, exact: bool
) -> Found:
    """The best copy of each problem by the engine's check.

    Args:
        instance: of B rows, P problems times R copies.
        assignment: [B, V] decoded from all rows.
        info: of the last step, [B] each.
        count: P.
        followed: [P] bool, problems whose cost counts where nothing is violated.
        exact: whether the solver's energy is zero exactly where nothing is violated. Only the copy of least energy of
            each problem is then checked, unless costs count.
    """
    copies = len(assignment) // count
    if exact and not followed.any():
        held = to_numpy(info.energy)
        row = np.arange(count) * copies + held.reshape(count, copies).argmin(1)
        violations, energy = map(to_numpy, instance.select(row).check(assignment[row]))
        return Found(row, violations, energy, np.zeros(count), held > 0)
    violations, energy = map(to_numpy, instance.check(assignment))
    cost = to_numpy(instance.cost(assignment)) if followed.any() else None
    return _best(violations, energy, cost, info, count, followed)


def _best(
    violations: np.ndarray, energy: np.ndarray, cost: np.ndarray | None, info: Info, count: int, priced: np.ndarray
) -> Found:
    """The best copies, by violations, energy and cost [B] of all rows; cost counts in the problems ``priced`` [P]."""
    copies = len(violations) // count
    each = violations.reshape(count, copies)
    fewest = each.min(1)
    costs = np.zeros((count, copies))
    if cost is not None:
        costs = np.where(priced[:, None] & (each == 0), cost.reshape(count, copies), 0.0)
    costs = np.where(each > fewest[:, None], np.inf, costs)
    least = costs.min(1)
    held = np.nan_to_num(to_numpy(info.energy).astype(np.float32), nan=float(np.finfo(np.float32).max))
    held = np.where(costs != least[:, None], np.inf, held.reshape(count, copies))
    row = np.arange(count) * copies + held.argmin(1)
    return Found(row, fewest, energy[row], least, violations > 0)


def require_shapes(shape: tuple[int, int, int], info: Info, assignment: Array) -> None:
    """Refuse arrays that would be broadcast into an answer that the solver did not give.

    Args:
        shape: (B, V, D) of the instance; B is the number of decoded rows.
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
    for what, (array, size) in wanted.items():
        if tuple(array.shape) != size:
            raise ValueError(f"the {what} has the shape {list(array.shape)}, not {list(size)}")
    if str(assignment.dtype) not in ("int64", "torch.int64"):
        raise ValueError(f"the decoded assignment is of {assignment.dtype}, not of torch.int64")
