"""What a solver's runs come to: answers, claims, repetition, company, budgets."""

from __future__ import annotations

import random
import time
from typing import Any

import torch

from ...engine.compile import Instance
from ...engine.guard import answers_of
from ...engine.solver import AbstractSolver, Info, Solver
from ...engine.solving import solve
from ...engine.status import Status
from ...engine.task import Budget, Task
from .base import SECONDS, Skipped, details, hold, outcome, run, task
from .problems import costly, laborious, supported, unsatisfiable

SLACK = 20.0
"""Seconds that a solver without steps may take to notice that its time is up, on a busy machine too."""


def solves_small_problems(solver: type[AbstractSolver]) -> None:
    """It solves at least one of the small problems that it supports, and fails at none."""
    made = solver()
    solutions = run(made, supported(made))
    hold(all(s.status is not Status.FAILED for s in solutions), f"no run fails ({details(solutions)})")
    hold(any(s.status.solved for s in solutions), f"one of {len(solutions)} small problems is solved")


def never_claims_too_much(solver: type[AbstractSolver]) -> None:
    """What has solutions is not called unsatisfiable, what has none is not called solved, nor what is not best optimal."""
    made = solver()
    mine = supported(made)
    for n, raw in answers_of(made, mine, task(iterations=300)) if mine else ():
        hold(raw.status is not Status.UNSATISFIABLE, "a problem with a solution is not called unsatisfiable")
        if raw.status.solved:
            hold(raw.assignment is not None, "who says solved gives an assignment")
            hold(not mine[n].broken(raw.assignment or {}), "solved breaks no constraint")
    hopeless = [problem for problem in unsatisfiable() if made.supports(problem.graph) is None]
    for _, raw in answers_of(made, hopeless, task(iterations=300)) if hopeless else ():
        hold(not raw.status.solved, "a problem without a solution is not called solved")
        hold(made.complete or raw.status is not Status.UNSATISFIABLE, "only complete solvers say unsatisfiable")
    problem, least = costly()
    if made.supports(problem.graph) is None:
        for _, raw in answers_of(made, [problem], task(iterations=300)):
            if raw.status is Status.OPTIMAL:
                hold(made.complete, "only complete solvers say optimal")
                hold(problem.objective(raw.assignment or {}) == least, "optimal is the least there is")


def repeats_itself(solver: type[AbstractSolver]) -> None:
    """The same seed gives the same answers in the same number of iterations, whatever torch's own generator says."""
    made = solver()
    runs = []
    kept = random.getstate()
    with torch.random.fork_rng(devices=[]):
        for seed in (1, 2):
            torch.manual_seed(seed)
            random.seed(seed)
            runs.append(run(made, supported(made), iterations=200))
    random.setstate(kept)
    for one, other in zip(*runs, strict=True):
        hold(outcome(one) == outcome(other), "two runs with one seed are the same")


def company_changes_nothing(solver: type[AbstractSolver]) -> None:
    """A problem gets the same answer alone as in a batch with others."""
    made = solver()
    mine = supported(made)
    together = run(made, mine, iterations=100, restarts=1)
    for problem, one in zip(mine, together, strict=True):
        (alone,) = run(made, [problem], iterations=100, restarts=1)
        hold(outcome(alone) == outcome(one), "a problem alone is answered as in a batch")


def keeps_to_its_budget(solver: type[AbstractSolver]) -> None:
    """It stops within one check of its budget's end, in iterations, time or word to stop, and answers every problem."""
    made = solver()
    problems = supported(made)
    ends = {
        "time is up": Task(Budget(seconds=1, batch=32), started=time.monotonic() - 2),
        "it is cancelled": Task(Budget(seconds=SECONDS, batch=32), cancelled=lambda: True),
    }
    for when, over in ends.items():
        answered = sorted(n for n, _ in answers_of(made, problems, over)) if problems else []
        hold(answered == list(range(len(problems))), f"where {when}, every problem is answered once")
    if not issubclass(solver, Solver):  # elsewhere an iteration is the solver's own unit
        if made.supports(laborious().graph) is None:
            start = time.monotonic()
            solve([laborious()], made, Task(Budget(seconds=0.5)))
            hold(time.monotonic() - start < 0.5 + SLACK, f"a run of half a second ends within {SLACK:g} more")
        return
    for s in run(made, problems, iterations=3):
        hold(s.iterations <= 3, "no more iterations than the budget allows")
    steps, counted = _counting(solver)
    hopeless = [problem for problem in unsatisfiable() if made.supports(problem.graph) is None]
    stopped = Task(Budget(seconds=SECONDS, batch=32), cancelled=lambda: len(steps) >= 5)
    for _ in answers_of(counted, (hopeless or problems)[:1], stopped) if problems else ():
        pass
    hold(len(steps) <= 5 + counted.check_every, f"told to stop at step 5, it takes at most {counted.check_every} more")


def gives_several_answers(solver: type[AbstractSolver]) -> None:
    """Asked for several answers, it gives as many at most, all distinct and right; else it says why it cannot."""
    made = solver()
    able, reasons = [], []
    for problem in supported(made):
        reason = made.samples(problem)
        hold(reason is None or (isinstance(reason, str) and bool(reason)), "samples: None or a reason")
        able += [] if reason else [problem]
        reasons += [reason] if reason else []
    if not able:
        raise Skipped(reasons[0] if reasons else "it supports none of the small problems")
    for s in run(made, able, iterations=200, solutions=4):
        hold(s.status is not Status.FAILED, f"no run fails ({s.detail})")
        found = s.solutions or ()
        hold(len(found) <= 4, "no more solutions than were asked for")
        hold(len({frozenset(a.items()) for a in found}) == len(found), "no solution comes twice")
        hold(not any(s.problem.broken(a) for a in found), "every solution breaks no constraint")


def _counting(solver: type[Solver]) -> tuple[list[None], Solver]:
    """The solver with its steps counted."""
    steps: list[None] = []

    def step(self: Solver, instance: Instance, state: Any) -> tuple[Any, Info]:
        steps.append(None)
        return solver.step(self, instance, state)

    counted: type[Solver] = type(solver.__name__, (solver,), {"step": step, "__module__": solver.__module__})
    return steps, counted()
