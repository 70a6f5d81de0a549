"""CP-SAT: the exact solver, for proofs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from threading import Thread
from typing import Any, ClassVar

from ortools.sat.python import cp_model
from pydantic import Field

from ..engine.constraints.posting import Posting
from ..engine.problem import Problem
from ..engine.solution import Solution, Status
from ..engine.solver import WholeSolver
from ..engine.task import Progress, Task

FEASIBLE = (cp_model.OPTIMAL, cp_model.FEASIBLE)


class CpSat(WholeSolver):
    """Lazy clause generation with OR-Tools' CP-SAT: proves that an answer is best or that there is none.

    Problems are solved one after another, each within its share of the time; iterations are branches. An iteration
    limit is passed on as a limit on conflicts, the nearest that CP-SAT has (a branch is at least a conflict's half).
    """

    name: ClassVar[str] = "cpsat"
    complete: ClassVar[bool] = True
    citation: ClassVar[str] = (
        "L. Perron and F. Didier: CP-SAT. Google OR-Tools, https://developers.google.com/optimization"
    )

    workers: int = Field(1, ge=1, le=64, description="search threads; only 1 gives the same answer every time")

    def run(self, problems: Sequence[Problem], task: Task) -> Iterator[tuple[int, Solution]]:
        pending = list(range(len(problems)))
        share = 0.0
        while pending:
            late: list[tuple[int, Solution]] = []
            share = max(2 * share, task.remaining / len(pending))
            for done, i in enumerate(pending):
                portion = task.share(task.remaining / (len(pending) - done))
                solution = self._solve(problems[i], portion)
                if solution.status in (Status.UNSOLVED, Status.SOLVED) and portion is not task and portion.over:
                    late.append((i, solution))
                else:
                    yield i, solution
                _tell(problems, pending, done, solution, task)
            if not late or task.remaining / len(late) < 2 * share:
                yield from late
                return
            pending = [i for i, _ in late]

    def _solve(self, problem: Problem, task: Task) -> Solution:
        graph = problem.graph
        posting = Posting(graph.domains, problem.givens)
        for constraint in graph.constraints:
            constraint.post(posting)
        if graph.objective:
            terms = [c * posting.variable(name) for name, c in graph.objective.coefficients.items()]
            posting.model.minimize(sum(terms) + graph.objective.constant)
        solver = cp_model.CpSolver()
        solver.parameters.num_workers = self.workers
        solver.parameters.random_seed = task.seed % 2**31
        solver.parameters.catch_sigint_signal = False  # Ctrl-C is the caller's, by Task.cancelled
        if task.remaining < float("inf"):
            solver.parameters.max_time_in_seconds = max(0.0, task.remaining)
        if task.budget.iterations is not None:
            solver.parameters.max_number_of_conflicts = task.budget.iterations
        outcome = _search(solver, posting.model, task) if not task.over else cp_model.UNKNOWN
        status = {cp_model.INFEASIBLE: Status.UNSATISFIABLE, cp_model.FEASIBLE: Status.SOLVED}.get(
            outcome, Status.UNSOLVED
        )
        if outcome == cp_model.OPTIMAL:
            status = Status.OPTIMAL if graph.objective else Status.SOLVED
        elif outcome == cp_model.UNKNOWN and task.cancelled():
            status = Status.CANCELLED
        elif outcome == cp_model.MODEL_INVALID:
            return self._result(problem, Status.FAILED, task, detail=f"CP-SAT: {posting.model.validate()}")
        if outcome not in FEASIBLE:
            return self._result(problem, status, task, iterations=solver.num_branches if not task.over else 0)
        index = {name: solver.value(posting.variable(name)) for name in graph.domains}
        assignment = {
            name: next(value for value in domain if posting.code(value) == index[name])
            for name, domain in graph.domains.items()
        }
        found = {"assignment": assignment, "violations": 0, "energy": 0.0, "iterations": solver.num_branches}
        return self._result(problem, status, task, **found)

    def _result(self, problem: Problem, status: Status, task: Task, **found: Any) -> Solution:
        return Solution(
            problem,
            self.name,
            status,
            seconds=task.elapsed,
            seed=task.seed,
            device="cpu",
            version=self.version,
            options=self.options,
            **found,
        )


def _search(solver: cp_model.CpSolver, model: cp_model.CpModel, task: Task) -> Any:
    """Solve in a thread, so that a request to stop is heard while C++ searches."""
    outcome: list[Any] = []
    thread = Thread(target=lambda: outcome.append(solver.solve(model)))
    thread.start()
    try:
        while thread.is_alive():
            thread.join(0.05)
            if task.cancelled():
                solver.stop_search()
    finally:
        if thread.is_alive():
            solver.stop_search()
            thread.join()
    return outcome[0] if outcome else cp_model.UNKNOWN


def _tell(problems: Sequence[Problem], pending: Sequence[int], done: int, last: Solution, task: Task) -> None:
    if task.on_progress is not None and done + 1 < len(pending):
        following = problems[pending[done + 1]]
        solved = len(problems) - len(pending) + done + 1
        view = lambda: dict(last.assignment or {}) if last.problem.graph is following.graph else {}
        task.on_progress(Progress("cpsat", last.iterations, solved, len(problems), -1, following, view))
