"""CP-SAT, the exact solver."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, ClassVar

from pydantic import Field

from ..engine.conclude import unanswered
from ..engine.deadline import OutOfTime, interrupting
from ..engine.lazy import cp_model
from ..engine.posting import Posting
from ..engine.problem import Problem
from ..engine.shares import in_shares
from ..engine.solution import Solution
from ..engine.solver import WholeSolver
from ..engine.status import Status
from ..engine.task import Progress, Task
from ..engine.values import Assignment, Value

POLL, PATIENCE = 0.05, 5
"""Seconds between two checks of a running search, and the number of checks that it has to stop when time is up."""

NOT_POSTED = "time was up before all constraints were posted"

FEASIBLE = (cp_model.OPTIMAL, cp_model.FEASIBLE)


class CpSat(WholeSolver):
    """Lazy clause generation with CP-SAT of OR-Tools: proves answers optimal, and problems unsatisfiable.

    Problems are solved one after another, each within its share of the time. Iterations are conflicts. One worker
    enumerates several answers, and states their number if it finds all of them. With an objective, it enumerates only
    optimal ones.
    """

    name: ClassVar[str] = "cpsat"
    version: ClassVar[str] = "2"
    complete: ClassVar[bool] = True
    chunk: ClassVar[int] = 16
    unit: ClassVar[str] = "conflicts"
    citation: ClassVar[str] = (
        "L. Perron and F. Didier: CP-SAT. Google OR-Tools, https://developers.google.com/optimization"
    )

    workers: int = Field(1, ge=1, le=64, description="search threads; only 1 gives the same answer every time")

    def samples(self, problem: Problem) -> str | None:
        return None

    def run(self, problems: Sequence[Problem], task: Task) -> Iterator[tuple[int, Solution]]:
        spent = [0.0] * len(problems)
        waiting: list[int] = []

        def one_by_one(pending: Sequence[int]) -> list[list[int]]:
            waiting[:] = pending
            return [[i] for i in pending]

        def answer(members: Sequence[int], portion: Task) -> Iterator[tuple[int, Solution]]:
            (i,) = members
            del waiting[: waiting.index(i) + 1]
            since = task.clock()
            solution = self._solve(problems[i], portion)
            spent[i] += task.clock() - since
            yield i, replace(solution, seconds=spent[i])
            _report(problems, waiting, solution, task)

        yield from in_shares(len(problems), task, one_by_one, answer, (Status.UNSOLVED, Status.SOLVED))

    def _solve(self, problem: Problem, task: Task) -> Solution:
        graph, most = problem.graph, task.budget.solutions
        if task.over:  # posting takes some milliseconds: with thousands of problems, far beyond the limit
            return unanswered(problem, self, task, NOT_POSTED)
        try:
            posting = posted(problem, task)
        except OutOfTime:
            return unanswered(problem, self, task, NOT_POSTED)
        posting.hint(problem.hint)
        if graph.objective is None:
            return self._search(problem, posting, task, most)
        cost = sum(c * posting.variable(name) for name, c in graph.objective.costs.items())
        posting.model.minimize(cost)
        best = self._search(problem, posting, task)
        if most is None or best.status is not Status.OPTIMAL or best.assignment is None:
            return best
        posting.model.clear_objective()  # type: ignore[no-untyped-call,unused-ignore]
        posting.model.add(cost == graph.objective.cost(best.assignment))
        several = self._search(problem, posting, task, most)
        if not several.solutions:
            return best
        return replace(several, status=Status.OPTIMAL, iterations=best.iterations)

    def _search(self, problem: Problem, posting: Posting, task: Task, most: int | None = None) -> Solution:
        """One search by CP-SAT: for an answer, or for up to ``most`` solutions."""
        listed = None if most is None else _Listed(problem, posting, most)
        callback: cp_model.CpSolverSolutionCallback | None = listed
        improved = task.on_improvement
        if improved is not None and most is None and posting.model.has_objective():
            claim = partial(self._result, problem, Status.SOLVED, task, violations=0, energy=0.0)
            report = lambda found, conflicts: improved(claim(assignment=found, iterations=conflicts))
            callback = _Improving(posting, report)
        workers = self.workers if most is None else 1  # CP-SAT enumerates with one worker only
        solver = configured(task, workers, task.seed, task.budget.iterations)
        solver.parameters.enumerate_all_solutions = most is not None
        if problem.hint:  # presolve removes solutions by symmetry and dominance, the hinted one among them
            solver.parameters.keep_all_feasible_solutions_in_presolve = True
        outcome = None if task.over else search(solver, posting.model, task, callback)
        if outcome is None:
            return unanswered(problem, self, task, "time was up before CP-SAT found an answer")
        status = {cp_model.INFEASIBLE: Status.UNSATISFIABLE, cp_model.FEASIBLE: Status.SOLVED}.get(
            outcome, Status.UNSOLVED
        )
        if outcome == cp_model.OPTIMAL:
            status = Status.OPTIMAL if proves_best(problem, posting, solver) else Status.SOLVED
        elif outcome == cp_model.UNKNOWN and task.cancelled():
            status = Status.CANCELLED
        elif outcome == cp_model.MODEL_INVALID:
            return self._result(problem, Status.FAILED, task, detail=f"CP-SAT: {posting.model.validate()}")
        if outcome not in FEASIBLE:
            return self._result(problem, status, task, iterations=solver.num_conflicts)
        bound = bound_of(problem, posting, solver)
        if listed is None:
            answer = {"assignment": assignment_of(posting, solver), "iterations": solver.num_conflicts}
        else:
            answer = listed.answer(outcome == cp_model.OPTIMAL)
        return self._result(problem, status, task, violations=0, energy=0.0, bound=bound, **answer)

    def _result(self, problem: Problem, status: Status, task: Task, **found: Any) -> Solution:
        return Solution(
            problem,
            self.name,
            status,
            unit=self.unit,
            seed=task.seed,
            device="cpu",
            version=self.version,
            options=self.options,
            **found,
        )


def posted(problem: Problem, task: Task) -> Posting:
    """The CP-SAT model of a problem, without its objective and hint.

    Args:
        problem: any; its constraints can be posted.
        task: ends the posting when it is over.

    Raises:
        OutOfTime: the task was over before all constraints were posted.
    """
    with interrupting(task):
        several = task.budget.solutions is not None
        posting = Posting(problem.graph.domains, problem.givens, enumerating=several)
        for constraint in problem.graph.constraints:
            constraint.post(posting)
    return posting


def configured(task: Task, workers: int, seed: int, conflicts: int | None) -> cp_model.CpSolver:
    """A CP-SAT solver with the limits of a task.

    Args:
        task: limits the seconds.
        workers: search threads.
        seed: of its random choices.
        conflicts: the most; None for no limit.
    """
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = workers
    solver.parameters.random_seed = seed % 2**31
    solver.parameters.catch_sigint_signal = False  # the caller handles Ctrl-C, by Task.cancelled
    if task.remaining < float("inf"):
        solver.parameters.max_time_in_seconds = max(0.0, task.remaining)
    if conflicts is not None:
        solver.parameters.max_number_of_conflicts = conflicts
    return solver


def proves_best(problem: Problem, posting: Posting, solver: cp_model.CpSolver) -> bool:
    """Whether CP-SAT's bound equals the objective as an exact integer: CP-SAT itself compares doubles.

    Args:
        problem: that was solved.
        posting: its model, with the objective.
        solver: has a solution.
    """
    objective = problem.graph.objective
    if objective is None or not posting.model.has_objective():
        return False
    value = objective.cost(assignment_of(posting, solver))
    return bool(solver.response_proto.inner_objective_lower_bound >= value)


def bound_of(problem: Problem, posting: Posting, solver: cp_model.CpSolver) -> int | None:
    """The bound on the objective that CP-SAT proved, as an exact integer; None without an objective.

    Args:
        problem: that was solved.
        posting: its model, with the objective.
        solver: has a solution.
    """
    objective = problem.graph.objective
    if objective is None or not posting.model.has_objective():
        return None
    least = int(solver.response_proto.inner_objective_lower_bound)
    return objective.constant + (-least if objective.maximise else least)


class _Listed(cp_model.CpSolverSolutionCallback):
    """Collects distinct solutions of a problem, up to ``most``. Auxiliary variables do not count."""

    def __init__(self, problem: Problem, posting: Posting, most: int) -> None:
        super().__init__()
        self.problem, self.posting, self.most = problem, posting, most
        self.found: dict[tuple[Value, ...], Assignment] = {}
        self.conflicts = 0

    def on_solution_callback(self) -> None:
        if not self.found:
            self.conflicts = self.num_conflicts
        assignment = assignment_of(self.posting, self)
        self.found.setdefault(tuple(self.problem.visible(assignment).values()), assignment)
        if len(self.found) >= self.most:
            self.stop_search()

    def answer(self, finished: bool) -> dict[str, Any]:
        solutions = tuple(self.found.values())
        total = len(solutions) if finished and len(solutions) < self.most else None
        return {"assignment": solutions[0], "solutions": solutions, "total": total, "iterations": self.conflicts}


_News = tuple[Assignment, int] | None
"""An improving assignment with the conflicts until then; None at the end of the search."""


class _Improving(cp_model.CpSolverSolutionCallback):
    """Puts each improving assignment into a queue. ``search`` reads it and calls ``report`` in the caller's thread."""

    def __init__(self, posting: Posting, report: Callable[[Assignment, int], None]) -> None:
        super().__init__()
        self.posting, self.report = posting, report
        self.news: SimpleQueue[_News] = SimpleQueue()

    def on_solution_callback(self) -> None:
        self.news.put((assignment_of(self.posting, self), self.num_conflicts))


def assignment_of(posting: Posting, solved: cp_model.CpSolver | cp_model.CpSolverSolutionCallback) -> Assignment:
    """The graph's assignment in a CP-SAT solution.

    Args:
        posting: the posted graph.
        solved: the solver, or the callback, that has a solution.
    """
    index = {name: solved.value(posting.variable(name)) for name in posting.domains}
    return {name: posting.value(name, index[name]) for name in posting.domains}


def search(
    solver: cp_model.CpSolver,
    model: cp_model.CpModel,
    task: Task,
    callback: cp_model.CpSolverSolutionCallback | None,
) -> Any:
    """Solve in a thread, so that the search can be stopped while C++ runs.

    Args:
        solver: with its parameters.
        model: to solve.
        task: ends the search when it is over.
        callback: for each solution, or None.

    Returns:
        CP-SAT's status; None if C++ does not stop in time.
    """
    outcome: list[Any] = []
    news: SimpleQueue[_News] = callback.news if isinstance(callback, _Improving) else SimpleQueue()

    def solve() -> None:
        try:
            outcome.append(solver.solve(model, callback))
        finally:
            news.put(None)

    thread = Thread(target=solve, daemon=True)
    thread.start()
    overdue = 0
    try:
        while overdue < PATIENCE:
            try:
                found = news.get(timeout=POLL)
            except Empty:
                overdue += task.over
            else:
                if found is None:
                    thread.join()
                    break
                if isinstance(callback, _Improving):
                    callback.report(*found)
            if task.over:
                solver.stop_search()
    finally:
        if thread.is_alive():
            solver.stop_search()
    return outcome[0] if outcome else None


def _report(problems: Sequence[Problem], waiting: Sequence[int], last: Solution, task: Task) -> None:
    """Pass the progress to ``Task.on_progress``, as long as problems are waiting."""
    if task.on_progress is not None and waiting:
        following, solved = problems[waiting[0]], len(problems) - len(waiting)
        view = lambda: dict(last.assignment or {}) if last.problem.graph is following.graph else {}
        task.on_progress(Progress("cpsat", last.iterations, solved, len(problems), -1, following, view))
