"""The result of a run: a status, an assignment, and how they were found."""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import get_close_matches
from pkgutil import resolve_name
from typing import Any

from ulid import ULID

from .errors import MullError
from .problem import Problem
from .samples import Sampled
from .status import Status, amount
from .task import Budget
from .trace import Trace
from .values import Assignment, Value


@dataclass(frozen=True, repr=False)
class Solution(Sampled):
    """The result of one solver on one problem with one seed.

    Args:
        problem: that was solved.
        solver: name of the solver; for a portfolio (``auto``), of the member that answered.
        status: how the run ended; ``status.advice`` suggests what to try next.
        assignment: the best assignment found, of all variables; None if none was found.
        violations: constraints that it violates, counted by the engine; -1 without an assignment.
        energy: total violation degree of the assignment; 0.0 exactly if it is a solution.
        objective: value of the problem's objective, or None.
        bound: a value that no solution's objective is better than, if the solver proved one; it is not stored.
        iterations: number of ``unit`` until the solution was found, or until the end.
        unit: of ``iterations`` and ``Budget.iterations``: steps, or conflicts for a complete solver.
        seconds: solving time of this solver on this problem; in a batch, its share of the batch's time. It excludes
            imports, reading and the time of other problems.
        wall: seconds from the start of the call until the answer.
        seed, device: of the task.
        version, options: of the solver.
        checkpoint: SHA-256 of the trained weights; None for a solver without weights.
        via: name of the portfolio that chose the solver, or None.
        via_options: options of this portfolio that differ from its defaults.
        detail: an explanation, e.g. which givens contradict each other or why the graph is unsupported.
        solutions: distinct solutions, each checked, if several were requested; the first is ``assignment``.
        samples: number of samples drawn by a sampling solver.
        hits: number of samples that ended solved.
        total: number of all solutions, if an exact solver enumerated them; with an objective, of the optimal ones.
        improvements: (seconds, objective) of each improving answer, if the caller of ``solve`` followed and added them.
        budget: limits of the run, with the copies that ran. A task of this budget, seed and device repeats the run.
        trace: of the run, if one was recorded.
        flops: floating-point operations of trained nets, of all members of a portfolio; None if none were counted.
        joules: energy that the machine used in ``seconds``, other programs included; None if no counter is readable.
        id: a ULID, sortable by time.
    """

    problem: Problem
    solver: str
    status: Status
    assignment: Assignment | None = None
    violations: int = -1
    energy: float = float("inf")
    objective: int | None = None
    bound: int | None = field(default=None, repr=False, compare=False, kw_only=True)
    iterations: int = 0
    unit: str = "steps"
    seconds: float = 0.0
    wall: float = 0.0
    seed: int = 0
    device: str = "cpu"
    version: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    checkpoint: str | None = None
    via: str | None = None
    detail: str = ""
    solutions: tuple[Assignment, ...] | None = field(default=None, repr=False)
    samples: int | None = None
    hits: int | None = None
    total: int | None = None
    improvements: tuple[tuple[float, int], ...] = field(default=(), repr=False, compare=False)
    budget: Budget = field(default=Budget(), repr=False, compare=False)
    trace: Trace | None = field(default=None, repr=False, compare=False)
    via_options: dict[str, Any] = field(default_factory=dict, repr=False, kw_only=True)
    flops: float | None = field(default=None, repr=False, compare=False, kw_only=True)
    joules: float | None = field(default=None, repr=False, compare=False, kw_only=True)
    id: str = field(default_factory=lambda: str(ULID()))

    def __repr__(self) -> str:
        named = self.problem.name or (
            str(self.problem.source) if self.problem.source.path != "-" else self.problem.family
        )
        parts = [f"{self.status} by {self.solver}", named, f"{self.iterations} iterations", f"{self.seconds:.2f} s"]
        if self.objective is not None:
            parts.insert(2, f"objective {self.objective}")
        if self.violations > 0:
            parts.insert(2, f"{self.violations} violations")
        return f"<Solution: {', '.join(parts)}>"

    def _repr_svg_(self) -> str:
        """The picture, for notebooks."""
        return str(resolve_name("mull.pictures.notebook:solution_svg")(self))  # by name: pictures import the engine

    def _repr_html_(self) -> str:
        """Status, cost and picture, for notebooks."""
        return str(resolve_name("mull.pictures.notebook:solution_html")(self))

    def __getitem__(self, name: str) -> Value:
        """The value of a variable.

        Raises:
            KeyError: there is no assignment, or no such variable.
        """
        if self.assignment is None:
            raise KeyError(f"{name!r}: the run ended {self.status} without an assignment")
        if name not in self.assignment:
            close = get_close_matches(str(name), list(self.assignment)[:1000], 1)
            raise KeyError(f"no variable {name!r}" + (f"; did you mean {close[0]!r}?" if close else ""))
        return self.assignment[name]

    @property
    def advice(self) -> str:
        """What to try next. For an unsolved problem it names the limit that ended the run."""
        if self.status is Status.UNSUPPORTED:
            return "--solver auto chooses a solver that fits"
        if self.status is Status.FAILED and self.detail:
            return self.detail
        if self.status is not Status.UNSOLVED:
            return self.status.advice
        budget = self.budget
        if budget.iterations is not None and self.iterations >= budget.iterations:
            limit, more = f"limit of {amount(budget.iterations, self.unit)}", "--iterations"
        elif budget.seconds_each is not None and self.seconds >= budget.seconds_each - 0.1:
            limit, more = f"time limit of {budget.seconds_each:g} s for each problem", "--limit-each"
        elif budget.seconds is not None and self.wall >= budget.seconds:
            limit, more = f"time limit of {budget.seconds:g} s", "--limit"
        elif budget.restarts is not None:
            limit, more = f"limit of {amount(budget.restarts, 'starts')}", "--restarts"
        else:
            return self.status.advice
        other = "" if {self.solver, self.via} & {"cpsat", "auto"} else ", or use a complete solver (--solver cpsat)"
        return f"the run reached its {limit}: raise {more}{other}"

    @property
    def text(self) -> str:
        """The assignment drawn for a terminal; empty without one."""
        return self.problem.show(self.assignment) if self.assignment is not None else ""

    @property
    def distinct(self) -> int | None:
        """How many distinct solutions were found; None if one answer was requested."""
        return None if self.solutions is None else len(self.solutions)

    def to_json(self) -> dict[str, Any]:
        """The object that ``solve --json`` prints. ``energy`` is null without an assignment."""
        source = {"path": self.problem.source.path}
        if self.problem.source.line is not None:
            source["line"] = self.problem.source.line  # type: ignore[assignment]
        data: dict[str, Any] = {
            "id": self.id,
            "problem": self.problem.digest,
            "family": self.problem.family,
            "source": source,
            "solver": self.solver,
            "status": str(self.status),
            "iterations": self.iterations,
            "unit": self.unit,
            "violations": self.violations if self.assignment is not None else None,
            "energy": self.energy if self.assignment is not None else None,
            "seconds": round(self.seconds, 6),
            "wall": round(self.wall, 6),
            "seed": self.seed,
            "device": self.device,
            "assignment": None if self.assignment is None else dict(self.problem.visible(self.assignment)),
        }
        if self.problem.minimises:
            data["objective"] = self.objective
        if self.problem.guessed:
            data["guessed"] = list(self.problem.guessed)
        if self.problem.expected is not None and self.assignment is not None:
            data["as_stated"] = tuple(map(self.assignment.get, self.problem.graph.domains)) == self.problem.expected
            data["stated"] = self.problem.agreement(self.assignment)
        data |= {name: value for name in ("flops", "joules") if (value := getattr(self, name)) is not None}
        if self.via:
            data["via"] = self.via
        if self.detail:
            data["detail"] = self.detail
        if self.solutions is not None:
            counts = ("samples", "hits", "accuracy", "distinct", "total", "coverage")
            data |= {"solutions": [dict(self.problem.visible(each)) for each in self.solutions]} | {
                name: getattr(self, name) for name in counts
            }
        return data


class Unrecorded(MullError, RuntimeError):
    """``solve`` answered every problem, but the store failed to record some runs.

    Args:
        solutions: every solution, in the order of the problems.
        refused: the error of the store.
    """

    def __init__(self, solutions: list[Solution], refused: Exception) -> None:
        super().__init__(f"not all runs are recorded: {refused}", getattr(refused, "hint", ""))
        self.solutions = solutions


class Unsolved(MullError, RuntimeError):
    """Raised by ``solve(..., check=True)`` if a problem is neither solved nor proved unsatisfiable.

    Args:
        solutions: every solution, in the order of the problems.
    """

    def __init__(self, solutions: list[Solution]) -> None:
        bad = [s for s in solutions if not s.status.good]
        super().__init__(
            f"{len(bad)} of {len(solutions)} not solved, first {bad[0].status}: {bad[0].advice}", bad[0].advice
        )
        self.solutions = solutions
