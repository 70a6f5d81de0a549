"""Checks of whole runs: solutions, claims, repetition, independence of the batch, budgets."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import torch

from ...engine.clock import now
from ...engine.compile import Instance
from ...engine.guard import answers_of, proves
from ...engine.solver import AbstractSolver, Info, Solver
from ...engine.solving import solve
from ...engine.status import Status
from ...engine.task import Budget, Task
from .base import SECONDS, Skipped, check, details, repeatable, require, run, summary, task
from .problems import pigeonhole, supported, unsatisfiable, with_objective

SLACK = 20.0
"""Seconds after its time limit in which a solver without steps must end, also on a busy machine."""


@check
def solves_small_problems(solver: type[AbstractSolver]) -> None:
    """It solves at least one of the small problems that it supports, and no run fails."""
    made = solver()
    solutions = run(made, supported(made))
    failed = [s for s in solutions if s.status is Status.FAILED]
    require(
        not failed,
        "no run to fail on the small problems",
        f"{len(failed)} of {len(solutions)} failed ({details(failed)})",
        "correct the error, or let supports return a reason for such graphs",
    )
    require(
        any(s.status.solved for s in solutions),
        "at least one small problem to be solved in 1,000 iterations",
        f"none of {len(solutions)}",
        "check that decode returns the best assignment, and that unsolved rows restart",
    )


@check
def makes_no_false_claims(solver: type[AbstractSolver]) -> None:
    """It claims solved, unsatisfiable and optimal only where that is true; the last two only if it is complete."""
    made = solver()
    mine = supported(made)
    complete = "return Status.UNSOLVED, or set complete = True if the solver proves its claims"
    for n, raw in answers_of(made, mine, task(iterations=300)) if mine else ():
        require(
            raw.status is not Status.UNSATISFIABLE,
            "a problem with a solution not to be called unsatisfiable",
            "status unsatisfiable",
            "claim unsatisfiable only after a complete search",
        )
        if raw.status.solved:
            require(
                raw.assignment is not None,
                "an assignment with every claim of solved",
                "none",
                "set Solution.assignment",
            )
            broken = mine[n].broken(raw.assignment or {})
            require(
                not broken,
                "no violated constraint in a solution claimed solved",
                f"{len(broken)} violated",
                "check the assignment before the claim",
            )
    hopeless = [problem for problem in unsatisfiable() if made.supports(problem.graph) is None]
    for n, raw in answers_of(made, hopeless, task(iterations=300)) if hopeless else ():
        require(
            not raw.status.solved,
            "a problem without a solution not to be called solved",
            f"status {raw.status}",
            "check the assignment before the claim",
        )
        require(
            raw.status is not Status.UNSATISFIABLE or proves(made, hopeless[n]),
            "unsatisfiable only from a complete solver",
            "status unsatisfiable, and complete = False",
            complete,
        )
    problem, minimum = with_objective()
    if made.supports(problem.graph) is None:
        for _, raw in answers_of(made, [problem], task(iterations=300)):
            if raw.status is Status.OPTIMAL:
                require(
                    proves(made, problem),
                    "optimal only from a complete solver",
                    "status optimal, and complete = False",
                    complete,
                )
                value = problem.objective(raw.assignment or {})
                require(
                    value == minimum,
                    f"a solution called optimal to have the minimum, {minimum}",
                    f"{value}",
                    "claim optimal only after a proof that no better solution exists",
                )


@check
def repeats_itself(solver: type[AbstractSolver]) -> None:
    """The same seed gives the same answers after the same number of iterations."""
    made = solver()
    # Two seeds of the global generators: a solver that draws from one of them gives two different runs.
    runs = []
    before = random.getstate()
    with torch.random.fork_rng(devices=[]):
        for seed in (1, 2):
            torch.manual_seed(seed)
            random.seed(seed)
            runs.append(run(made, supported(made), iterations=200))
    random.setstate(before)
    for first, second in zip(*runs, strict=True):
        require(
            repeatable(first) == repeatable(second),
            "two runs with one seed to be the same",
            f"{summary(first)}, then {summary(second)}",
            "draw all random numbers from the Random that init receives, and store it in the state",
        )


@check
def batch_invariant(solver: type[AbstractSolver]) -> None:
    """A problem has the same answer alone as in a batch with others."""
    made = solver()
    mine = supported(made)
    # One start of each problem: otherwise the number of its copies depends on the room that other problems leave.
    together = run(made, mine, iterations=100, restarts=1)
    for problem, batched in zip(mine, together, strict=True):
        (alone,) = run(made, [problem], iterations=100, restarts=1)
        require(
            repeatable(alone) == repeatable(batched),
            "a problem to have the same answer alone as in a batch",
            f"alone {summary(alone)}, in a batch {summary(batched)}",
            "let each row depend on its own row only, not on the batch size or on other rows",
        )


@check
def keeps_to_its_budget(solver: type[AbstractSolver]) -> None:
    """It stops within one check after its budget ends or it is cancelled, and answers every problem."""
    made = solver()
    problems = supported(made)
    ends = {
        "the time is over": Task(Budget(seconds=1, batch=32), started=now() - 2),
        "the task is cancelled": Task(Budget(seconds=SECONDS, batch=32), cancelled=lambda: True),
    }
    for when, over in ends.items():
        answered = sorted(n for n, _ in answers_of(made, problems, over)) if problems else []
        require(
            answered == list(range(len(problems))),
            f"every problem to be answered once when {when}",
            f"answers for the positions {answered} of {len(problems)} problems",
            "yield one Solution for each position, with status unsolved or cancelled if nothing was found",
        )
    if issubclass(solver, Solver):  # otherwise an iteration is the solver's own unit
        _stops_by_steps(solver)
    elif made.supports(pigeonhole().graph) is None:
        start = now()
        solve([pigeonhole()], made, Task(Budget(seconds=0.5)))
        late = now() - start - 0.5
        require(
            late < SLACK,
            f"a run limited to 0.5 s to end within {SLACK:g} s more",
            f"an end after {late:.1f} s more",
            "look at task.over regularly, also inside long computations",
        )


def _stops_by_steps(solver: type[Solver]) -> None:
    made = solver()
    problems = supported(made)
    for s in run(made, problems, iterations=3):
        require(
            s.iterations <= 3,
            "no more iterations than the budget allows, 3",
            f"{s.iterations}",
            "leave the loop to the engine, or compare with task.budget.iterations",
        )
    steps, counted = _counting(solver)
    # A problem without a solution never ends by itself before the cancellation.
    hopeless = [problem for problem in unsatisfiable() if made.supports(problem.graph) is None]
    # The steps of another solver that `bind` chooses are not counted here.
    bound = [(problem, counted.bind(problem)) for problem in hopeless + problems]
    own = [problem for problem, b in bound if isinstance(b, type(counted)) or not isinstance(b, Solver)][:1]
    stopped = Task(Budget(seconds=SECONDS, batch=32), cancelled=lambda: len(steps) >= 5)
    for _ in answers_of(counted, own, stopped) if own else ():
        pass
    require(
        len(steps) <= 5 + made.check_every,
        f"at most {made.check_every} steps after a cancellation at step 5",
        f"{len(steps) - 5} steps",
        "leave the loop to the engine, or look at task.cancelled() in it",
    )


@check
def gives_several_answers(solver: type[AbstractSolver]) -> None:
    """If several answers are wanted, it returns at most as many, distinct and valid; otherwise it gives a reason.

    Raises:
        Skipped: the solver gives a reason for every problem.
    """
    made = solver()
    able, reasons = [], []
    for problem in supported(made):
        reason = made.samples(problem)
        require(
            reason is None or (isinstance(reason, str) and bool(reason)),
            "samples to return None or a reason as text",
            repr(reason),
            "return None if the solver can give several answers, else a reason that is not empty",
        )
        able += [] if reason else [problem]
        reasons += [reason] if reason else []
    if not able:
        raise Skipped(reasons[0] if reasons else "it supports none of the small problems")
    for s in run(made, able, iterations=200, solutions=4):
        require(
            s.status is not Status.FAILED,
            "no run to fail when 4 answers are wanted",
            f"status failed ({s.detail})",
            "let samples return a reason if the solver cannot give several answers",
        )
        found = s.solutions or ()
        require(len(found) <= 4, "at most the 4 answers wanted", f"{len(found)}", "compare with task.budget.solutions")
        distinct = len({frozenset(a.items()) for a in found})
        require(
            distinct == len(found),
            "distinct answers",
            f"{len(found)} answers, {distinct} of them distinct",
            "leave out repeated assignments",
        )
        invalid = sum(bool(s.problem.broken(a)) for a in found)
        require(
            not invalid,
            "no violated constraint in any answer",
            f"{invalid} of {len(found)} answers with violations",
            "check each assignment before you return it",
        )


def _counting(solver: type[Solver]) -> tuple[list[None], Solver]:
    """The solver, and a list that grows by one at each of its steps."""
    steps: list[None] = []

    def step(self: Solver, instance: Instance, state: Any) -> tuple[Any, Info]:
        steps.append(None)
        return solver.step(self, instance, state)

    def advance(
        self: Solver, instance: Instance, state: Any, most: int, over: Callable[[], bool]
    ) -> tuple[Any, Info, int]:
        state, info, taken = solver.advance(self, instance, state, most, over)
        steps.extend([None] * taken)
        return state, info, taken

    # The contract's own `advance` calls `step`; a compiled search takes many steps in one call.
    counters = {"step": step} if solver.advance is Solver.advance else {"advance": advance}
    counted: type[Solver] = type(solver.__name__, (solver,), {**counters, "__module__": solver.__module__})
    return steps, counted()
