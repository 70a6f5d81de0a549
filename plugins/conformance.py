"""The contract of a solver as checks that anyone can run: ``solve solvers check NAME``, or from a plugin's own tests.

A check takes the solver class and raises ``Broken`` with what is wrong; the built-in solvers pass all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import torch

from ..engine.compile import compile_problems
from ..engine.constraints import AllDifferent, Clause, Compare, Count, Linear, Table, Xor
from ..engine.graph import ConstraintGraph
from ..engine.problem import Problem
from ..engine.random import Random
from ..engine.solution import Solution, Status
from ..engine.solver import OptionError, Solver, WholeSolver
from ..engine.solving import solve
from ..engine.state import clone, select_rows
from ..engine.task import Budget, Task

Check = Callable[[type[Solver]], None]
SECONDS = 20.0
"""Time a check may take on its small problems; none needs it unless something is wrong."""


class Broken(AssertionError):
    """A solver does not keep the contract: which part, and how it was seen."""


@cache
def satisfiable() -> tuple[Problem, ...]:
    """Small problems that have a solution, one or more a constraint kind."""
    cells = [f"r{r}c{c}" for r in range(4) for c in range(4)]
    lines = [cells[4 * r : 4 * r + 4] for r in range(4)] + [cells[c::4] for c in range(4)]
    boxes = [[cells[8 * a + 2 * b + i] for i in (0, 1, 4, 5)] for a in (0, 1) for b in (0, 1)]
    sudoku = ConstraintGraph(dict.fromkeys(cells, (1, 2, 3, 4)), [AllDifferent(tuple(s)) for s in lines + boxes])
    signs = [(1, 2, 3), (-1, -2, 4), (2, -3, -4), (-1, 3, 5), (1, -4, -5), (-2, 4, 5)]
    clauses = [Clause(tuple((f"x{abs(i)}", int(i > 0)) for i in row)) for row in signs]
    ring = [Compare(f"v{i}", "!=", f"v{(i + 1) % 5}") for i in range(5)]
    return (
        Problem(sudoku, {"r0c0": 1, "r1c2": 2, "r3c3": 4}),
        Problem(sudoku, {"r0c0": 3, "r2c1": 1}),
        Problem(ConstraintGraph({f"x{i}": (0, 1) for i in range(1, 6)}, clauses)),
        Problem(ConstraintGraph({f"v{i}": ("red", "green", "blue") for i in range(5)}, ring)),
        Problem(ConstraintGraph({n: range(5) for n in "abc"}, [Compare("a", "<", "b"), Compare("b", "<=", "c", -1)])),
        Problem(ConstraintGraph(dict.fromkeys("abcd", (0, 1, 2)), [Count(tuple("abcd"), (2,), 2, 2)])),
        Problem(ConstraintGraph({n: range(4) for n in "abc"}, [Linear(tuple("abc"), (1, 2, -1), "=", 5)])),
        Problem(ConstraintGraph({n: range(3) for n in "ab"}, [Table(("a", "b"), ((0, 2), (1, 0)))])),
        Problem(ConstraintGraph(dict.fromkeys("abcd", (0, 1)), [Xor(tuple((n, 1) for n in "abcd"), True)])),
    )


@cache
def unsatisfiable() -> tuple[Problem, ...]:
    """Small problems that have none."""
    names = ("a", "b", "c")
    pigeons = ConstraintGraph(dict.fromkeys(names, (1, 2)), [AllDifferent(names)])
    signs = [(a, b) for a in (0, 1) for b in (0, 1)]
    clauses = ConstraintGraph(dict.fromkeys("ab", (0, 1)), [Clause((("a", i), ("b", j))) for i, j in signs])
    return Problem(pigeons), Problem(clauses)


def declares_itself(solver: type[Solver]) -> None:
    """It has a name, a version, a docstring and a citation, and every option has a default and a description."""
    for attribute in ("name", "version", "citation"):
        _hold(isinstance(getattr(solver, attribute, None), str), f"{attribute} is a string")
    _hold(bool(solver.name), "the name is not empty")
    _hold(bool(solver.citation), "the citation says whose method it is")
    _hold(bool(solver.__doc__) and solver.__doc__ != Solver.__doc__, "the class has a docstring")
    for name, field in solver.model_fields.items():
        _hold(not field.is_required(), f"option {name} has a default")
        _hold(bool(field.description), f"option {name} has a description")


def refuses_unknown_options(solver: type[Solver]) -> None:
    """Its options survive being written down and read again, and an unknown one is refused."""
    made = solver()
    _hold(solver.from_options(made.options) == made, "options read from solver.options give the same solver")
    try:
        solver.from_options({"no_such_option": "1"})
    except OptionError:
        return
    raise Broken("an unknown option is refused")


def says_what_it_supports(solver: type[Solver]) -> None:
    """``supports`` answers None or a reason, the same each time, and at least one small graph is supported."""
    made = solver()
    for problem in satisfiable():
        answers = [made.supports(problem.graph) for _ in range(2)]
        _hold(answers[0] is None or (isinstance(answers[0], str) and bool(answers[0])), "supports: None or a reason")
        _hold(answers[0] == answers[1], "supports answers the same each time")
    _hold(bool(_mine(made)), "at least one of the small graphs is supported")


def steps_keep_their_shapes(solver: type[Solver]) -> None:
    """States are batches, info and decoded assignments have their shapes, and givens stay as they are."""
    if issubclass(solver, WholeSolver):
        return
    made = solver()
    for problem in _mine(made):
        instance = compile_problems([problem, problem], copies=2)
        state = made.init(instance, _streams(4))
        for _ in range(3):
            state, info = made.step(instance, state)
            _hold(info.energy.shape == (4,) and info.residual.shape == (4,), "info has one energy and residual a row")
            _hold(bool((info.residual >= 0).all()), "a residual is not negative")
            assignment = made.decode(instance, state)
            _hold(assignment.shape == instance.shape[:2] and assignment.dtype == torch.int64, "decode: int64 [B, V]")
            _hold(bool(instance.allowed.gather(2, assignment[..., None]).all()), "decode keeps to the allowed literals")
            settled = made.settled(instance, state, info)
            _hold(settled.shape == (4,) and settled.dtype == torch.bool, "settled: bool [B]")


def rows_do_not_mix(solver: type[Solver]) -> None:
    """A row of the batch goes on as it would alone."""
    if issubclass(solver, WholeSolver):
        return
    made = solver()
    for problem in _mine(made):
        instance = compile_problems([problem], copies=3)
        state, _ = made.step(instance, made.init(instance, _streams(3)))
        row = torch.tensor([1])
        alone = select_rows(clone(state), row)
        together, _ = made.step(instance, state)
        apart, _ = made.step(instance.select(row), alone)
        same = made.decode(instance, together)[row] == made.decode(instance.select(row), apart)
        _hold(bool(same.all()), "a row alone takes the step that it takes among others")


def solves_small_problems(solver: type[Solver]) -> None:
    """It solves at least one of the small problems that it supports."""
    made = solver()
    solutions = _solve(made, _mine(made))
    _hold(all(s.status is not Status.FAILED for s in solutions), f"no run fails ({_details(solutions)})")
    _hold(any(s.status.solved for s in solutions), f"one of {len(solutions)} small problems is solved")


def never_claims_too_much(solver: type[Solver]) -> None:
    """What has solutions is not called unsatisfiable; what has none is not called solved."""
    made = solver()
    for s in _solve(made, _mine(made)):
        _hold(s.status is not Status.UNSATISFIABLE, "a problem with a solution is not called unsatisfiable")
        _hold(not s.status.solved or not s.problem.broken(s.assignment or {}), "solved breaks no constraint")
    hopeless = [problem for problem in unsatisfiable() if made.supports(problem.graph) is None]
    for raw in made.run(hopeless, _task(iterations=300)) if hopeless else ():
        status = raw[1].status
        _hold(not status.solved, "a problem without a solution is not called solved")
        _hold(made.complete or status is not Status.UNSATISFIABLE, "only complete solvers say unsatisfiable")


def repeats_itself(solver: type[Solver]) -> None:
    """The same seed gives the same answers in the same number of iterations."""
    made = solver()
    first, second = (_solve(made, _mine(made), iterations=200) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        same = (one.status, one.assignment, one.iterations) == (other.status, other.assignment, other.iterations)
        _hold(same, "two runs with one seed are the same")


def keeps_to_its_budget(solver: type[Solver]) -> None:
    """No run takes more iterations than allowed, and a cancelled one stops and still answers every problem."""
    made = solver()
    problems = _mine(made)
    if not issubclass(solver, WholeSolver):  # elsewhere an iteration is the solver's own unit
        for s in _solve(made, problems, iterations=3):
            _hold(s.iterations <= 3, "no more iterations than the budget allows")
    stopped = Task(Budget(seconds=SECONDS), cancelled=lambda: True)
    answered = sorted(n for n, _ in made.run(problems, stopped))
    _hold(answered == list(range(len(problems))), "a cancelled run answers every problem once")


def gives_several_answers(solver: type[Solver]) -> None:
    """Asked for several answers, it gives as many at most, all distinct and right; else it says why it cannot."""
    made = solver()
    able = []
    for problem in _mine(made):
        reason = made.samples(problem)
        _hold(reason is None or (isinstance(reason, str) and bool(reason)), "samples: None or a reason")
        able += [] if reason else [problem]
    for s in solve(able, made, _task(iterations=200, solutions=4)):
        _hold(s.status is not Status.FAILED, f"no run fails ({s.detail})")
        found = s.solutions or ()
        _hold(len(found) <= 4, "no more solutions than were asked for")
        _hold(len({frozenset(a.items()) for a in found}) == len(found), "no solution comes twice")
        _hold(not any(s.problem.broken(a) for a in found), "every solution breaks no constraint")


CHECKS: tuple[Check, ...] = (
    declares_itself,
    refuses_unknown_options,
    says_what_it_supports,
    steps_keep_their_shapes,
    rows_do_not_mix,
    solves_small_problems,
    never_claims_too_much,
    repeats_itself,
    keeps_to_its_budget,
    gives_several_answers,
)


def _hold(condition: bool, promise: str) -> None:
    if not condition:
        raise Broken(f"does not hold: {promise}")


def _mine(solver: Solver) -> list[Problem]:
    return [problem for problem in satisfiable() if solver.supports(problem.graph) is None]


def _streams(rows: int) -> Random:
    return Random.for_rows(list(range(rows)))


def _task(iterations: int | None = None, solutions: int | None = None) -> Task:
    return Task(Budget(seconds=SECONDS, iterations=iterations, batch=32, solutions=solutions))


def _solve(solver: Solver, problems: Sequence[Problem], iterations: int | None = 2000) -> list[Solution]:
    return solve(problems, solver, _task(iterations))


def _details(solutions: Sequence[Solution]) -> str:
    return "; ".join(dict.fromkeys(s.detail for s in solutions if s.detail)) or "no detail"
