"""The limits of a run, and how a caller follows and stops it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from .clock import now
from .problem import Problem
from .values import Assignment

if TYPE_CHECKING:
    from .allowance import Allowances
    from .solution import Solution


def _ignore(text: str) -> None:
    """Ignore a notice."""


def _never() -> bool:
    """False: the run is never cancelled."""
    return False


@dataclass(frozen=True)
class Budget:
    """Limits of one call. The first one that is reached ends it.

    Args:
        seconds: wall time from ``Task.started``, including reading; None for no limit. The compilation of kernels, once
            for each version, does not count.
        iterations: steps of a row, over all its restarts; conflicts for a complete solver (``unit`` of the solver).
        restarts: starts of a problem in total, side by side and one after another.
        batch: largest number of rows (copies of problems) side by side; None for the solver's own number. Rows of more
            than 2^26 literals together are not run side by side, unless the solver's own number is larger. Up to 32
            samples of one problem (``solutions``) always stay in one batch.
        solutions: number of samples of each problem, or the most distinct solutions that an exact solver enumerates;
            None for one answer. A sample restarts when it reaches a known solution; ``restarts`` is ignored.
        copies: (iteration, rows) pairs that repeat a stored run: ((0, 4), (120, 8)) gives a problem four rows at first
            and eight from iteration 120. None for as many as fit.
        seconds_each: solving time of each problem, without imports, reading and the time of other problems; None for no
            limit. In a batch a problem is charged its share of the batch's time.
    """

    seconds: float | None = 60.0
    iterations: int | None = None
    restarts: int | None = None
    batch: int | None = None
    solutions: int | None = None
    copies: tuple[tuple[int, int], ...] | None = None
    seconds_each: float | None = None


def _no_beliefs() -> None:
    """The beliefs of a solver that has none: None."""


@dataclass(frozen=True)
class Progress:
    """The progress of a batch, passed to ``Task.on_progress`` at each check.

    Args:
        solver: name of the solver.
        iteration: steps taken in this batch.
        solved: problems of the batch that are solved.
        total: problems of the batch.
        violations: fewest violated constraints of an unfinished problem; -1 if unknown.
        problem: the first unfinished problem.
        view: returns its best assignment so far; nothing is decoded before the call.
        beliefs: returns the beliefs of its best copy now, variable name -> probabilities over the domain; None where the
            solver has none.
    """

    solver: str
    iteration: int
    solved: int
    total: int
    violations: int
    problem: Problem
    view: Callable[[], Assignment]
    beliefs: Callable[[], Mapping[str, Sequence[float]] | None] = _no_beliefs


@dataclass(frozen=True)
class Task:
    """A run's settings that belong neither to the problem nor to the solver.

    Args:
        budget: limits of the call.
        seed: of all random numbers.
        device: where tensors are: ``cpu``, ``cuda`` or ``cuda:N``.
        started: reading of ``clock`` from which ``budget.seconds`` counts; by default the time of creation.
        on_progress: called at each check of a batch.
        on_notice: called with a sentence for the user, such as an error that was worked around.
        cancelled: returns True to stop the run as soon as possible. It may be called from another thread.
        clock: returns monotonic seconds; by default those of ``engine/clock.py``. Tests pass their own.
        deadline: reading of ``clock`` at which this part of the call ends; None for the end of the budget.
        on_improvement: called with each answer that is better than all before, for problems with an objective. The
            engine checks it first. The last one is the best.
        on_state: called at each check with each unfinished problem of a batch, of solvers with steps. The problem may be
            a part of one that the caller stated. ``pictures.frames`` records the states.
        wanted: returns True when ``on_progress`` is to be called between two checks too, after a step. A page that shows
            the run uses it: some solvers take long between checks.
        allowances: the solving time that each problem has left. The engine sets it from ``budget.seconds_each``.
    """

    budget: Budget = Budget()
    seed: int = 0
    device: str = "cpu"
    started: float = field(default_factory=now)
    on_progress: Callable[[Progress], None] | None = None
    on_notice: Callable[[str], None] = _ignore
    cancelled: Callable[[], bool] = _never
    clock: Callable[[], float] = now
    deadline: float | None = None
    on_improvement: Callable[[Solution], None] | None = None
    on_state: Callable[[Progress], None] | None = None
    wanted: Callable[[], bool] | None = None
    allowances: Allowances | None = field(default=None, repr=False)

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
        """Whether time is up or the run was cancelled."""
        return self.remaining <= 0 or self.cancelled()

    def share(self, seconds: float) -> Task:
        """The same task with at most ``seconds`` from now."""
        if seconds >= self.remaining:
            return self
        return replace(self, deadline=self.clock() + seconds)
