"""Small problems for the checks."""

from __future__ import annotations

from functools import cache

from ...engine.constraints import AllDifferent, Clause, Compare, Count, Linear, Table, Xor
from ...engine.graph import ConstraintGraph
from ...engine.objective import Objective
from ...engine.problem import Problem
from ...engine.solver import AbstractSolver


@cache
def satisfiable() -> tuple[Problem, ...]:
    """Small problems with a solution: at least one for each constraint kind."""
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
    """Small problems without a solution."""
    names = ("a", "b", "c")
    pigeons = ConstraintGraph(dict.fromkeys(names, (1, 2)), [AllDifferent(names)])
    signs = [(a, b) for a in (0, 1) for b in (0, 1)]
    clauses = ConstraintGraph(dict.fromkeys("ab", (0, 1)), [Clause((("a", i), ("b", j))) for i, j in signs])
    return Problem(pigeons), Problem(clauses)


@cache
def with_objective() -> tuple[Problem, int]:
    """A small problem with an objective, and its minimum."""
    graph = ConstraintGraph(
        {n: range(4) for n in "abc"}, [AllDifferent(tuple("abc"))], Objective(dict.fromkeys("abc", 1))
    )
    return Problem(graph), 3


@cache
def pigeonhole() -> Problem:
    """Ten pigeons in nine holes, as clauses: no solution, and a long proof of it."""
    names = {(p, h): f"p{p}h{h}" for p in range(10) for h in range(9)}
    in_a_hole = [Clause(tuple((names[p, h], 1) for h in range(9))) for p in range(10)]
    apart = [
        Clause(((names[p, h], 0), (names[q, h], 0))) for h in range(9) for p in range(10) for q in range(p + 1, 10)
    ]
    return Problem(ConstraintGraph(dict.fromkeys(names.values(), (0, 1)), in_a_hole + apart))


def supported(solver: AbstractSolver) -> list[Problem]:
    """The problems of ``satisfiable`` that a solver supports."""
    return [problem for problem in satisfiable() if solver.supports(problem.graph) is None]


def support(solver: type[AbstractSolver]) -> dict[str, str | None]:
    """For each constraint kind, for an objective and for several answers: None, or the reason why it is unsupported.

    The solver has its default options.
    """
    made = solver()
    found: dict[str, str | None] = {}
    for problem in satisfiable():
        for constraint in problem.graph.constraints[:1]:
            found[constraint.kind] = made.supports(problem.graph)
    found["an objective"] = made.supports(with_objective()[0].graph)
    found["several answers"] = made.samples(next(iter(supported(made)), satisfiable()[0]))
    return found
