"""What a run is allowed to spend, and how the world watches and stops it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from .problem import Problem
from .values import Assignment


@dataclass(frozen=True)
class Budget:
    """Limits of one call; whichever is met first ends it.

    Args:
        seconds: wall time from ``Task.started``, so that reading and compiling count; None for no limit.
        iterations: steps a row may take, over all its restarts; conflicts of a complete solver (``Solver.unit``).
        restarts: starts a problem may have in all, side by side and one after another.
        batch: the largest number of rows (problem copies) run side by side; None leaves it to the solver. Samples of one problem
            (``solutions``) stay together, up to 32 of them.
        solutions: several answers: how many samples of each problem are drawn while there is time, and at most how many
            distinct solutions an exact solver enumerates; None for one answer. A sample is one start, and
            further ones where it arrives where another has been: ``restarts`` has no say then.
        copies: how many rows a problem has, from which iteration on, to repeat a run as it was: ((0, 4), (120, 8)) is four at
            first and eight from iteration 120. None: as many as fit beside the others.
    """

    seconds: float | None = 60.0
    iterations: int | None = None
    restarts: int | None = None
    batch: int | None = None
    solutions: int | None = None
    copies: tuple[tuple[int, int], ...] | None = None


@dataclass(frozen=True)
class Progress:
    """Where a batch stands, told to ``Task.on_progress`` at each check.

    Args:
        solver: who is running.
        iteration: steps taken in this batch.
        solved, total: problems of the batch.
        violations: the fewest constraints broken now, among the problems that are not done.
        problem: the first of them.
        view: its best assignment now (decoded only when called).
    """

    solver: str
    iteration: int
    solved: int
    total: int
    violations: int
    problem: Problem
    view: Callable[[], Assignment]


@dataclass(frozen=True)
class Task:
    """Everything about a run that is neither the problem nor the solver."""

    budget: Budget = Budget()
    seed: int = 0
    device: str = "cpu"
    started: float = field(default_factory=lambda: time.monotonic())
    on_progress: Callable[[Progress], None] | None = None
    on_notice: Callable[[str], None] = lambda text: None
    cancelled: Callable[[], bool] = lambda: False
    clock: Callable[[], float] = lambda: time.monotonic()
    """Monotonic seconds; ``started`` is a reading of it. Tests pass a clock of their own."""
    deadline: float | None = None
    """A reading of ``clock`` at which this part of the call ends; None for the end of the budget."""

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return self.clock() - self.started

    @property
    def remaining(self) -> float:
        """Seconds left; infinite without a limit."""
        now = self.clock()
        left = float("inf") if self.budget.seconds is None else self.started + self.budget.seconds - now
        return left if self.deadline is None else min(left, self.deadline - now)

    @property
    def over(self) -> bool:
        """Whether time is up or somebody asked to stop."""
        return self.remaining <= 0 or self.cancelled()

    def share(self, seconds: float) -> Task:
        """The same task with at most ``seconds`` from now."""
        if seconds >= self.remaining:
            return self
        return replace(self, deadline=self.clock() + seconds)
