"""Problems in parts: peeled, split into components that are solved apart, and joined again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from .conclude import conclude
from .costs import added
from .graph import ConstraintGraph
from .peel import extend, peel
from .problem import Problem
from .solution import Solution
from .solver import AbstractSolver, Predictor
from .status import PEEL, Status
from .task import Budget, Task
from .values import Assignment, Value, bounds

WORST_LAST = [
    Status.OPTIMAL,
    Status.SOLVED,
    Status.UNSOLVED,
    Status.CANCELLED,
    Status.UNSUPPORTED,
    Status.FAILED,
    Status.UNSATISFIABLE,
]


class Split(NamedTuple):
    """A peeled graph in components.

    Args:
        core: the graph without the peeled variables.
        order: the peeled variables, in the order in which they were removed.
        components: of the core, by which constraints connect its variables.
    """

    core: ConstraintGraph
    order: tuple[str, ...]
    components: list[ConstraintGraph]


Shared = dict[tuple[int, frozenset[str]], Split]


def split(problem: Problem, shared: Shared) -> Split:
    """Peel a problem and split it into components.

    Args:
        problem: with its givens, which are not peeled.
        shared: results by graph and given variables; problems of one graph reuse them.
    """
    key = (id(problem.graph), frozenset(problem.givens))
    if key not in shared:
        core, order = peel(problem.graph, problem.givens)
        like = shared.get((id(core), frozenset()))  # equal components are one template, if nothing was peeled
        shared[key] = Split(core, order, like.components if like else core.components())
        shared.setdefault((id(core), frozenset()), shared[key])
    return shared[key]


def part_of(problem: Problem, piece: ConstraintGraph) -> Problem:
    """The problem of one component.

    Args:
        problem: of the whole graph.
        piece: the component.
    """
    givens, hint = (_within(values, piece.domains) for values in (problem.givens, problem.hint))
    auxiliary = problem.auxiliary.intersection(piece.domains)
    return Problem(piece, givens, problem.family, problem.source, hint=hint, auxiliary=auxiliary)


def _within(values: Mapping[str, Value], domains: Mapping[str, object]) -> dict[str, Value]:
    """The values of some variables. The time grows with the smaller mapping: a graph may have many components."""
    if len(values) < len(domains):
        return {name: value for name, value in values.items() if name in domains}
    return {name: values[name] for name in domains if name in values}


def unconstrained(problem: Problem, solver: AbstractSolver, task: Task) -> Solution:
    """The solution of a problem without constraints: every variable takes its given or its cheapest value.

    Args:
        problem: without constraints.
        solver: that was called.
        task: of the run.
    """
    objective = problem.graph.objective
    cost = objective.costs if objective else {}
    assignment: Assignment = {}
    for name, domain in problem.graph.domains.items():
        ends = bounds(domain)
        cheapest = (ends[0] if cost[name] >= 0 else ends[1]) if cost.get(name) else domain[0]
        assignment[name] = problem.givens.get(name, cheapest)
    status = Status.OPTIMAL if objective else Status.SOLVED
    settled = credit_peeling(conclude(problem, solver, task, status, ""), 0.0)
    return replace(settled, assignment=assignment, violations=0, energy=0.0)


def predicted(problem: Problem, solver: AbstractSolver, task: Task) -> Solution | None:
    """What a trained solver predicts for a whole problem that has no constraints; None for other problems and solvers.

    Args:
        problem: as stated.
        solver: that was called.
        task: of the run.
    """
    if problem.graph.constraints or problem.minimises or not isinstance(solver, Predictor):
        return None
    since = task.clock()
    assignment = solver.predict(problem, task)
    if assignment is None:
        return None
    found = conclude(problem, solver, task, Status.SOLVED, "a prediction, which no constraint checks")
    seconds = task.clock() - since
    return replace(
        found, assignment=assignment, violations=0, energy=0.0, seconds=seconds, checkpoint=solver.checkpoint
    )


def credit_peeling(solution: Solution, seconds: float) -> Solution:
    """A solution without a run of the solver: ``peel`` is its solver, and the called solver is its ``via``.

    Args:
        solution: by peeling, or by a contradiction of givens.
        seconds: that it took.
    """
    via = solution.via or solution.solver
    if solution.solver == PEEL:
        return replace(solution, seconds=seconds)
    return replace(solution, solver=PEEL, via=via, version="1", options={}, checkpoint=None, seconds=seconds)


def join(problem: Problem, parts: Sequence[Solution], order: tuple[str, ...]) -> Solution:
    """One solution from those of the components. It has the worst status, and the time of all of them.

    Args:
        problem: of the whole graph.
        parts: one solution per component.
        order: the peeled variables; they are given values if all parts have an assignment.
    """
    worst = max(parts, key=lambda part: (WORST_LAST.index(part.status), part.solver != PEEL))
    slowest = max(parts, key=lambda part: (part.iterations, part.trace is not None))
    if len(parts) == 1 and not order:
        return replace(worst, problem=problem)
    whole: Assignment | None = None
    violations = -1
    if all(part.assignment is not None for part in parts):
        merged = {name: value for part in parts for name, value in (part.assignment or {}).items()}
        whole = extend(problem.graph, merged, order, problem.hint)
        violations = sum(part.violations for part in parts)
        if violations and order:
            violations = len(problem.graph.broken(whole))
    return replace(
        worst,
        problem=problem,
        assignment=whole,
        violations=violations,
        energy=sum(part.energy for part in parts),
        bound=_bound(parts),
        iterations=slowest.iterations,
        seconds=sum(part.seconds for part in parts),
        flops=added(*(part.flops for part in parts)),
        budget=_longest([part.budget for part in parts]),
        trace=slowest.trace,
    )


def _bound(parts: Sequence[Solution]) -> int | None:
    """The sum of the proved bounds of all parts; None if a part has none."""
    total = 0
    for part in parts:
        objective = part.problem.graph.objective
        if objective is None:
            continue
        if part.bound is not None:
            total += part.bound
        elif not objective.coefficients:
            total += objective.constant
        elif part.status is Status.OPTIMAL and part.assignment is not None:
            total += objective.value(part.assignment)
        else:
            return None
    return total if parts[0].problem.graph.objective is not None else None


def _longest(budgets: Sequence[Budget]) -> Budget:
    """The budget with the longest list of copies; without copies if another list is not a beginning of it."""
    longest = max(budgets, key=lambda budget: len(budget.copies or ()))
    copies = longest.copies or ()
    alike = all((budget.copies or ()) == copies[: len(budget.copies or ())] for budget in budgets)
    return longest if alike else replace(longest, copies=None)
