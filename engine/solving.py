"""``solve``: solve problems with any solver; check and record the solutions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Protocol

from .allowance import Allowances, left
from .chunks import chunks, task_of_chunk
from .conclude import conclude, unanswered
from .constraints import Linear
from .costs import Meter, added, counters
from .deadline import OutOfTime, interrupting
from .guard import Faults, guarded, refusal
from .improving import Improvements
from .live import Publisher
from .parts import Shared, credit_peeling, join, part_of, predicted, split, unconstrained
from .problem import Problem
from .recording import Recorder, Recording
from .shares import in_shares
from .solution import Solution, Unrecorded, Unsolved
from .solver import AbstractSolver, Solver, WholeSolver
from .status import PEEL, Status
from .task import Task
from .values import Assignment, Value
from .verify import certain, verified


class SolvesElsewhere(Protocol):
    """Other processes that solve the problems of a call, such as ``mull.engine.fleet.Fleet``."""

    def answers(
        self, problems: Sequence[Problem], solver: AbstractSolver, task: Task
    ) -> Iterator[tuple[int, Solution]]:
        """Yield (position, final solution), each position once.

        Args:
            problems: of the call.
            solver: not bound yet.
            task: of the call.
        """


def solve(
    problems: Iterable[Problem],
    solver: AbstractSolver,
    task: Task | None = None,
    *,
    store: Recorder | None = None,
    on_solution: Callable[[Solution], None] | None = None,
    check: bool = False,
    fleet: SolvesElsewhere | None = None,
) -> list[Solution]:
    """Solve problems, in batches.

    Args:
        problems: with any graphs.
        solver: with its options; it is bound to each problem.
        task: budget, seed, device and callbacks; by default ``Task()``.
        store: records every run, in batches.
        on_solution: called with each solution as soon as it is final.
        check: raise ``Unsolved`` at the end unless every problem was solved or proved unsatisfiable.
        fleet: processes that share the problems, with the same answers (``mull.engine.fleet.Fleet``); None solves them
            in this process.

    Returns:
        One solution per problem, in order. An assignment with status *solved* or *optimal* was checked constraint by
        constraint in plain Python, and so was each of several solutions (``Budget.solutions``). With several solutions
        a problem is neither peeled nor split. All are valid, the cheapest first. With an objective, exact solvers
        return only optimal ones.

    Raises:
        Exception: the one that ``Task.on_improvement`` raised.
        Unrecorded: runs could not be written to the store; every problem was answered.
        Unsolved: a problem was not answered, and ``check`` is set.
        TypeError: a problem is not a ``Problem``, or the solver is not a solver.

    Example:
        >>> solutions = solve(load("queens:8"), mull.solver("cpsat"), Task(Budget(seconds=10)))
    """
    if not isinstance(solver, AbstractSolver):
        called = f"{solver.__name__}()" if isinstance(solver, type) else 'a solver, or mull.solver("cpsat")'
        what = f"the class {solver.__name__}" if isinstance(solver, type) else type(solver).__name__
        raise TypeError(f"solve: the solver must be a Solver, not {what}; write {called}")
    listed = list(problems)
    for each in listed:
        if not isinstance(each, Problem):
            raise TypeError(f"solve: a problem must be a Problem, not {type(each).__name__}; write Problem(graph)")
    improvements = Improvements(task or Task())
    task = improvements.task
    found: dict[int, Solution] = {}
    live = Publisher(listed, solver.name, task)
    task = live.task
    recording = Recording(store, task.on_notice)
    try:
        if fleet is None:
            answers = _chunk_by_chunk(listed, solver, task, improvements)
        else:
            answers = fleet.answers(listed, solver, task)
        for i, final in answers:
            found[i] = final
            if on_solution is not None:
                on_solution(final)
            live.answered(final)
            recording.add(final)
    finally:
        refused = recording.finish()
        live.finish()
    improvements.finish()
    solutions = [found[i] for i in range(len(listed))]
    if refused is not None:
        raise Unrecorded(solutions, refused) from refused
    if check and not all(s.status.good for s in solutions):
        raise Unsolved(solutions)
    return solutions


def _chunk_by_chunk(
    problems: Sequence[Problem], solver: AbstractSolver, task: Task, improvements: Improvements
) -> Iterator[tuple[int, Solution]]:
    """The final solutions of a call, each chunk within its share of the time."""
    faults = Faults()

    def run(members: Sequence[int], portion: Task) -> Iterator[tuple[int, Solution]]:
        portion = task_of_chunk(portion, members, len(problems))
        for n, solution in solve_chunk([problems[i] for i in members], solver, portion, improvements, faults):
            yield members[n], solution

    if len(chunks(problems, range(len(problems)), solver, task)) <= 1:
        return run(range(len(problems)), task)
    return in_shares(len(problems), task, lambda members: chunks(problems, members, solver, task), run)


def solve_chunk(
    problems: Sequence[Problem], solver: AbstractSolver, task: Task, improvements: Improvements, faults: Faults
) -> Iterator[tuple[int, Solution]]:
    """Solve the problems of one chunk together.

    Args:
        problems: of the chunk.
        solver: not bound yet.
        task: with the chunk's share of the time.
        improvements: of the call.
        faults: the solver's exceptions in the call; a process of a fleet counts its own.

    Yields:
        (position, final solution), each position once: checked, with the budget of the call.
    """
    if task.budget.seconds_each is not None:
        task = replace(task, allowances=Allowances(task.budget.seconds_each))
    meter = Meter(counters(task.device))
    for i, raw in _answers(problems, solver, task, improvements, faults):
        known = _budgeted(raw, task) if task.budget.solutions is None else _counted(raw, task)
        final = replace(certain(verified(known)), wall=task.elapsed, joules=meter.joules(known.seconds))
        if final.status.solved:
            improvements.report(problems[i], final)
        yield i, final


def _answers(
    problems: Sequence[Problem], solver: AbstractSolver, task: Task, improvements: Improvements, faults: Faults
) -> Iterator[tuple[int, Solution]]:
    """Answer problems: the engine handles contradictory givens and better answers, the solver does the rest."""
    ready = []
    for i, problem in enumerate(problems):
        since = task.clock()
        try:
            with interrupting(task):
                contradiction = problem.contradiction()
        except OutOfTime:
            yield i, unanswered(problem, solver, task, "time was up while the givens were checked")
            continue
        if contradiction is None:
            ready.append(i)
            continue
        constraint, givens = contradiction
        named = " and ".join(f"{name} = {value}" for name, value in givens.items())
        detail = f"givens {named} contradict {constraint.describe()}" if givens else "a constraint allows no values"
        yield i, credit_peeling(conclude(problem, solver, task, Status.UNSATISFIABLE, detail), task.clock() - since)
    if task.budget.solutions is not None:
        sampled = _sample([problems[i] for i in ready], solver, task, faults)
        yield from ((ready[n], solution) for n, solution in sampled)
        return
    improving: dict[int, Solution] = {}
    consistent = [problems[i] for i in ready]
    for i, solution in _satisfy(consistent, solver, task, improvements, consistent, faults):
        if solution.status is Status.SOLVED and _bounded(problems[ready[i]], solver):
            improving[ready[i]] = _searching(solution)
            improvements.report(consistent[i], solution)
        else:
            yield ready[i], solution
    yield from _improve(improving, solver, task, improvements, faults)


UNCONSTRAINED = "without constraints every assignment is a solution"


def _bounded(problem: Problem, solver: AbstractSolver) -> bool:
    """Whether the engine bounds the objective to find a better answer."""
    followed = isinstance(solver, Solver) and solver.optimises == "trajectory" and problem.graph.objective is not None
    return problem.minimises and not followed


def _sample(
    problems: Sequence[Problem], solver: AbstractSolver, task: Task, faults: Faults
) -> Iterator[tuple[int, Solution]]:
    """Several answers to each whole problem."""
    able = []
    for i, problem in enumerate(problems):
        refused = refusal(solver, problem, task)
        if refused is None:
            able.append(i)
        else:
            yield i, refused
    for n, solution in guarded([problems[i] for i in able], solver, task, faults):
        yield able[n], solution


def _improve(
    best: dict[int, Solution], solver: AbstractSolver, task: Task, improvements: Improvements, faults: Faults
) -> Iterator[tuple[int, Solution]]:
    """Solve again with the objective bounded below the last answer, until no answer is found. Yields the last one."""
    problems = {i: solution.problem for i, solution in best.items()}
    while best:
        tighter = {i: _tightened(problems[i], solution) for i, solution in best.items()}
        for i in [i for i, problem in tighter.items() if problem is None]:
            yield i, replace(best.pop(i), status=Status.OPTIMAL, detail="proved by the problem's own bound")
        for i in [i for i in best if left(task.allowances, [problems[i]]) <= 0]:
            yield i, best.pop(i)
        if task.over:
            yield from best.items()
            return
        order = list(best)
        bounded = [p for p in map(tighter.get, order) if p is not None]
        for n, less in _satisfy(bounded, solver, task, improvements, [problems[i] for i in order], faults):
            i = order[n]
            if less.status.solved and less.assignment is not None:
                best[i] = replace(
                    _searching(less),
                    id=best[i].id,
                    problem=problems[i],
                    iterations=best[i].iterations + less.iterations,
                    seconds=best[i].seconds + less.seconds,
                    flops=added(best[i].flops, less.flops),
                    status=Status.SOLVED,
                )
                improvements.report(problems[i], best[i])
                if less.status is Status.OPTIMAL:
                    yield i, replace(best.pop(i), status=Status.OPTIMAL)
            else:
                proved = less.status is Status.UNSATISFIABLE
                last = best.pop(i)
                by = f"proved by {less.solver}" if proved and less.solver != last.solver else last.detail
                if last.solver == PEEL != less.solver:  # the solver searched for a better answer, so it is credited
                    last = _credited(last, less)
                yield (
                    i,
                    replace(
                        last,
                        status=Status.OPTIMAL if proved else last.status,
                        seconds=last.seconds + less.seconds,
                        flops=added(last.flops, less.flops),
                        detail=by,
                    ),
                )


def _credited(last: Solution, to: Solution) -> Solution:
    """The answer with the solver of another solution."""
    about = {name: getattr(to, name) for name in ("solver", "via", "version", "options", "checkpoint", "unit")}
    return replace(last, **about)


def _searching(solution: Solution) -> Solution:
    """An answer that a better one may replace, without ``budget.copies``: these belong to one of several searches."""
    return replace(solution, budget=replace(solution.budget, copies=None))


def _tightened(problem: Problem, solution: Solution) -> Problem | None:
    """The problem with a bound that excludes this answer and worse ones; None if no better one can exist."""
    assignment = solution.assignment or {}
    if problem.tighten is not None:
        return problem.tighten(assignment)
    objective = problem.graph.objective
    assert objective is not None
    costs = {name: c for name, c in objective.costs.items() if c}
    if not costs:
        return None
    less = Linear(tuple(costs), tuple(costs.values()), "<=", objective.cost(assignment) - 1)
    return replace(problem, graph=problem.graph.with_constraints([less]))


def _satisfy(
    problems: Sequence[Problem],
    solver: AbstractSolver,
    task: Task,
    improvements: Improvements,
    stated: Sequence[Problem],
    faults: Faults,
) -> Iterator[tuple[int, Solution]]:
    """Peel the problems, solve their components, join the answers, and assign the peeled variables.

    Args:
        problems: perhaps with a bound on the objective.
        solver: not bound yet.
        task: of the call.
        improvements: of the call.
        stated: the problems as the caller stated them, in the same order.
        faults: of the call.
    """
    parts: list[Problem] = []
    owner: list[int] = []
    waiting: dict[int, int] = {}
    orders: dict[int, tuple[str, ...]] = {}
    joined: dict[int, list[Solution]] = {}
    shared: Shared = {}
    for i, problem in enumerate(problems):
        since = task.clock()
        try:
            with interrupting(task):
                # Without constraints the solver has nothing to do.
                refused = refusal(solver, problem, task) if problem.graph.constraints else None
                pieces = None if refused else split(problem, shared)
        except OutOfTime:
            refused = unanswered(problem, solver, task, "time was up before the solver began")
        answered = refused or predicted(problem, solver, task)
        if answered is not None:
            yield i, answered
            continue
        assert pieces is not None
        orders[i] = pieces.order
        whole = len(pieces.components) == 1 and pieces.core is problem.graph
        made = [problem] if whole else [part_of(problem, piece) for piece in pieces.components]
        mine = [part for part in made if part.graph.constraints]
        if task.allowances is not None:
            for part in mine:
                task.allowances.join(part, stated[i])
        if problem.graph.objective is not None and isinstance(solver, WholeSolver):
            # One part without a solution decides the problem: the parts that are quick to refute come first.
            mine.sort(key=lambda part: (part.graph.objective is not None, len(part.graph.constraints)))
        joined[i] = [unconstrained(part, solver, task) for part in made if not part.graph.constraints]
        waiting[i] = len(mine)
        parts += mine
        owner += [i] * len(mine)
        if not mine:
            settled = credit_peeling(join(problem, joined.pop(i), orders[i]), task.clock() - since)
            yield (
                i,
                settled if problem.graph.constraints or problem.minimises else replace(settled, detail=UNCONSTRAINED),
            )
    position = {id(part): n for n, part in enumerate(parts)}
    latest: dict[int, Solution] = {}

    def improved(part: Solution) -> None:
        """Join a better answer of one part with the last ones of the others."""
        n = position.get(id(part.problem))
        if n is None or owner[n] not in joined:
            return
        latest[n] = part
        i = owner[n]
        others = [latest[m] for m in range(len(parts)) if owner[m] == i and m in latest]
        free = [known for known in joined[i] if not known.problem.graph.constraints]
        if len(others) == owner.count(i):
            improvements.report(stated[i], join(problems[i], [*free, *others], orders[i]))

    if improvements.wanted:
        task = replace(task, on_improvement=improved)
    for n, solution in guarded(parts, solver, task, faults):
        i = owner[n]
        if i not in joined:
            continue  # another part has no solution
        latest[n] = solution
        joined[i].append(solution)
        waiting[i] -= 1
        if not waiting[i] or solution.status is Status.UNSATISFIABLE:
            yield i, join(problems[i], joined.pop(i), orders[i])
            if not joined:
                return


def _budgeted(solution: Solution, task: Task) -> Solution:
    """The solution with the budget of the call, the copies that ran, and the restarts of a portfolio's member."""
    own = solution.budget
    restarts = own.restarts if own.copies else task.budget.restarts
    return replace(solution, budget=replace(task.budget, restarts=restarts, copies=own.copies))


def _counted(solution: Solution, task: Task) -> Solution:
    """The solution with its distinct solutions, the answer first. Auxiliary variables do not distinguish them."""
    claimed = [solution.assignment, *(solution.solutions or ())] if solution.status.solved else []
    distinct: dict[frozenset[tuple[str, Value]], Assignment] = {}
    for each in claimed:
        if each is not None:
            distinct.setdefault(frozenset(solution.problem.visible(each).items()), each)
    total = 0 if solution.status is Status.UNSATISFIABLE else solution.total
    return replace(solution, solutions=tuple(distinct.values()), total=total, budget=task.budget)
