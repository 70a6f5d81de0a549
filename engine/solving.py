"""``solve``: from problems to checked, recorded solutions, whatever the solver."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from .conclude import conclude, unanswered
from .constraints import Linear
from .deadline import OutOfTime, interrupting
from .errors import GraphError
from .graph import ConstraintGraph
from .guard import guarded, refusal
from .peel import extend, peel
from .problem import Problem
from .recording import Recorder, Recording
from .solution import Solution, Unrecorded, Unsolved
from .solver import AbstractSolver, Solver
from .status import PEEL, Status
from .task import Budget, Task
from .values import Assignment, bounds


def solve(
    problems: Iterable[Problem],
    solver: AbstractSolver,
    task: Task | None = None,
    *,
    store: Recorder | None = None,
    on_solution: Callable[[Solution], None] | None = None,
    check: bool = False,
) -> list[Solution]:
    """Solve problems in one batch.

    Args:
        problems: any mixture of graphs.
        solver: configured.
        task: budget, seed, device, and how to watch or stop; by default what ``Task()`` says, from now on.
        store: where to remember every run; written in batches while the solver pauses.
        on_solution: told each solution as soon as it is final.
        check: raise ``Unsolved`` at the end unless every problem was solved or proved unsatisfiable.

    Returns:
        One solution a problem, in order. An assignment under ``solved`` or ``optimal`` was checked constraint by
        constraint in plain Python, apart from solver and tensors; so was each of several (``Budget.solutions``). Those
        are found on the whole problem, neither peeled nor split, for what is solved apart has its solutions in products.
        They may be any that hold, the cheapest of them the answer: a best one is not striven for, other than by an exact
        solver for an objective.

    Raises:
        Unrecorded: the store refused runs; every problem was answered all the same.
        Unsolved: with ``check``.
    """
    if not isinstance(solver, AbstractSolver):
        called = f"{solver.__name__}()" if isinstance(solver, type) else 'a solver, or mull.solver("cpsat")'
        what = f"the class {solver.__name__}" if isinstance(solver, type) else type(solver).__name__
        raise TypeError(f"solve: the solver must be a Solver, not {what}; write {called}")
    asked = list(problems)
    for each in asked:
        if not isinstance(each, Problem):
            raise TypeError(f"solve: a problem must be a Problem, not {type(each).__name__}; write Problem(graph)")
    task = task or Task()
    found: dict[int, Solution] = {}
    recording = Recording(store, task.on_notice)
    try:
        for i, raw in _answers(asked, solver, task):
            known = _budgeted(raw, task) if task.budget.solutions is None else _counted(raw, task)
            found[i] = final = replace(_certain(_verified(known)), wall=task.elapsed)
            if on_solution is not None:
                on_solution(final)
            recording.add(final)
    finally:
        refused = recording.finish()
    solutions = [found[i] for i in range(len(asked))]
    if refused is not None:
        raise Unrecorded(solutions, refused) from refused
    if check and not all(s.status.good for s in solutions):
        raise Unsolved(solutions)
    return solutions


def _certain(solution: Solution) -> Solution:
    """The solution, unless it says unsatisfiable of a problem whose family was guessed from the form of the file."""
    problem = solution.problem
    if solution.status is not Status.UNSATISFIABLE or len(problem.guessed) < 2:
        return solution
    others = ", ".join(name for name in problem.guessed if name != problem.family)
    detail = (
        f"no solution as {problem.family}, which was guessed: the file has the form of {others} too; name its family"
    )
    return replace(solution, status=Status.FAILED, detail=detail)


def _answers(problems: Sequence[Problem], solver: AbstractSolver, task: Task) -> Iterator[tuple[int, Solution]]:
    """Contradictory givens and best answers are the engine's own business; the rest is the solver's."""
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
        detail = f"givens {named} contradict {constraint.describe()}"
        yield i, _peeled(conclude(problem, solver, task, Status.UNSATISFIABLE, detail), task.clock() - since)
    if task.budget.solutions is not None:
        yield from ((ready[n], solution) for n, solution in _sample([problems[i] for i in ready], solver, task))
        return
    improving: dict[int, Solution] = {}
    for i, solution in _satisfy([problems[i] for i in ready], solver, task):
        if solution.status is Status.SOLVED and _bounded(problems[ready[i]], solver):
            improving[ready[i]] = _searching(solution)
        else:
            yield ready[i], solution
    yield from _improve(improving, solver, task)


def _bounded(problem: Problem, solver: AbstractSolver) -> bool:
    """Whether a better answer is looked for by a bound on what the problem minimises."""
    followed = isinstance(solver, Solver) and solver.optimises == "trajectory" and problem.graph.objective is not None
    return problem.minimises and not followed


def _sample(problems: Sequence[Problem], solver: AbstractSolver, task: Task) -> Iterator[tuple[int, Solution]]:
    """Several answers to each problem, as it is."""
    able = []
    for i, problem in enumerate(problems):
        refused = refusal(solver, problem, task)
        if refused is None:
            able.append(i)
        else:
            yield i, refused
    for n, solution in guarded([problems[i] for i in able], solver, task):
        yield able[n], solution


def _improve(best: dict[int, Solution], solver: AbstractSolver, task: Task) -> Iterator[tuple[int, Solution]]:
    """Ask for strictly less, again and again, until that fails: then the last answer stands, or is proved optimal."""
    problems = {i: solution.problem for i, solution in best.items()}
    while best:
        tighter = {i: _tightened(problems[i], solution) for i, solution in best.items()}
        for i in [i for i, problem in tighter.items() if problem is None]:
            yield i, replace(best.pop(i), status=Status.OPTIMAL, detail="proved by the problem's own bound")
        if task.over:
            yield from best.items()
            return
        order = list(best)
        for n, less in _satisfy([p for p in map(tighter.get, order) if p is not None], solver, task):
            i = order[n]
            if less.status.solved and less.assignment is not None:
                best[i] = replace(
                    _searching(less),
                    id=best[i].id,
                    problem=problems[i],
                    iterations=best[i].iterations + less.iterations,
                    seconds=best[i].seconds + less.seconds,
                    status=Status.SOLVED,
                )
                if less.status is Status.OPTIMAL:
                    yield i, replace(best.pop(i), status=Status.OPTIMAL)
            else:
                proved = less.status is Status.UNSATISFIABLE
                last = best.pop(i)
                by = f"proved by {less.solver}" if proved and less.solver != last.solver else last.detail
                if last.solver == PEEL != less.solver:  # the search for a better answer is the solver's work
                    last = _credited(last, less)
                yield (
                    i,
                    replace(
                        last,
                        status=Status.OPTIMAL if proved else last.status,
                        seconds=last.seconds + less.seconds,
                        detail=by,
                    ),
                )


def _credited(last: Solution, to: Solution) -> Solution:
    """The answer credited to another's solver."""
    about = {name: getattr(to, name) for name in ("solver", "via", "version", "options", "checkpoint", "unit")}
    return replace(last, **about)


def _searching(solution: Solution) -> Solution:
    """An answer that others are to follow: the copies of one search among several say nothing."""
    return replace(solution, budget=replace(solution.budget, copies=None))


def _tightened(problem: Problem, solution: Solution) -> Problem | None:
    """The problem that asks for a better answer than this one; None if there can be none."""
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


def _satisfy(problems: Sequence[Problem], solver: AbstractSolver, task: Task) -> Iterator[tuple[int, Solution]]:
    """Solve problems' cores component by component; join the parts of each and extend them to the whole."""
    parts: list[Problem] = []
    owner: list[int] = []
    waiting: dict[int, int] = {}
    orders: dict[int, tuple[str, ...]] = {}
    joined: dict[int, list[Solution]] = {}
    shared: dict[tuple[int, frozenset[str]], _Split] = {}
    for i, problem in enumerate(problems):
        since = task.clock()
        try:
            with interrupting(task):
                refused = refusal(solver, problem, task)
                split = None if refused else _split(problem, shared)
        except OutOfTime:
            refused = unanswered(problem, solver, task, "time was up before the solver began")
        if refused is not None:
            yield i, refused
            continue
        assert split is not None
        core, orders[i], pieces = split
        whole = len(pieces) == 1 and core is problem.graph
        made = [problem] if whole else [_part(problem, piece) for piece in pieces]
        mine = [part for part in made if part.graph.constraints]
        joined[i] = [_unconstrained(part, solver, task) for part in made if not part.graph.constraints]
        waiting[i] = len(mine)
        parts += mine
        owner += [i] * len(mine)
        if not mine:
            yield i, _peeled(_join(problem, joined.pop(i), orders[i]), task.clock() - since)
    for n, solution in guarded(parts, solver, task):
        i = owner[n]
        joined[i].append(solution)
        waiting[i] -= 1
        if not waiting[i]:
            yield i, _join(problems[i], joined.pop(i), orders[i])


class _Split(NamedTuple):
    """A graph without its peeled variables, their order, and the components of what is left."""

    core: ConstraintGraph
    order: tuple[str, ...]
    components: list[ConstraintGraph]


def _split(problem: Problem, shared: dict[tuple[int, frozenset[str]], _Split]) -> _Split:
    """The problem peeled and split; problems over one graph share what does not depend on their givens."""
    key = (id(problem.graph), frozenset(problem.givens))
    if key not in shared:
        core, order = peel(problem.graph, problem.givens)
        like = shared.get((id(core), frozenset()))  # one template whatever is given, where nothing was peeled
        shared[key] = _Split(core, order, like.components if like else core.components())
        shared.setdefault((id(core), frozenset()), shared[key])
    return shared[key]


def _part(problem: Problem, piece: ConstraintGraph) -> Problem:
    givens = {name: value for name, value in problem.givens.items() if name in piece.domains}
    return Problem(piece, givens, problem.family, problem.source)


def _unconstrained(problem: Problem, solver: AbstractSolver, task: Task) -> Solution:
    """Variables under no constraint: their given, else the value that costs least."""
    objective = problem.graph.objective
    cost = objective.costs if objective else {}
    assignment: Assignment = {}
    for name, domain in problem.graph.domains.items():
        ends = bounds(domain)
        cheapest = (ends[0] if cost[name] >= 0 else ends[1]) if cost.get(name) else domain[0]
        assignment[name] = problem.givens.get(name, cheapest)
    status = Status.OPTIMAL if objective else Status.SOLVED
    settled = _peeled(conclude(problem, solver, task, status, ""), 0.0)
    return replace(settled, assignment=assignment, violations=0, energy=0.0)


def _peeled(solution: Solution, seconds: float) -> Solution:
    """The solution of a problem that its givens or peeling settle: no solver is credited, the one asked is ``via``."""
    via = solution.via or solution.solver
    if solution.solver == PEEL:
        return replace(solution, seconds=seconds)
    return replace(solution, solver=PEEL, via=via, version="1", options={}, checkpoint=None, seconds=seconds)


def _join(problem: Problem, parts: Sequence[Solution], order: tuple[str, ...]) -> Solution:
    """One solution from those of the components: as bad as the worst, in the time of all of them."""
    worst = max(parts, key=lambda part: (_BADNESS.index(part.status), part.solver != PEEL))
    slowest = max(parts, key=lambda part: (part.iterations, part.trace is not None))
    if len(parts) == 1 and not order:
        return replace(worst, problem=problem)
    whole: Assignment | None = None
    violations = -1
    if all(part.assignment is not None for part in parts):
        merged = {name: value for part in parts for name, value in (part.assignment or {}).items()}
        whole = extend(problem.graph, merged, order)
        violations = sum(part.violations for part in parts)
        if violations and order:
            violations = len(problem.graph.broken(whole))
    return replace(
        worst,
        problem=problem,
        assignment=whole,
        violations=violations,
        energy=sum(part.energy for part in parts),
        iterations=slowest.iterations,
        seconds=sum(part.seconds for part in parts),
        budget=_longest([part.budget for part in parts]),
        trace=slowest.trace,
    )


def _longest(budgets: Sequence[Budget]) -> Budget:
    """Of parts solved side by side the budget whose copies began like all the others'; none where they did not."""
    longest = max(budgets, key=lambda budget: len(budget.copies or ()))
    copies = longest.copies or ()
    alike = all((budget.copies or ()) == copies[: len(budget.copies or ())] for budget in budgets)
    return longest if alike else replace(longest, copies=None)


_BADNESS = [
    Status.OPTIMAL,
    Status.SOLVED,
    Status.UNSOLVED,
    Status.CANCELLED,
    Status.UNSUPPORTED,
    Status.FAILED,
    Status.UNSATISFIABLE,
]


def _budgeted(solution: Solution, task: Task) -> Solution:
    """The solution with the call's budget: batches and portfolios had their share of the seconds, and starts of their own."""
    own = solution.budget
    restarts = own.restarts if own.copies else task.budget.restarts
    return replace(solution, budget=replace(task.budget, restarts=restarts, copies=own.copies))


def _counted(solution: Solution, task: Task) -> Solution:
    """The solution where several were asked for: none of them twice, the first of them the answer."""
    claimed = [solution.assignment, *(solution.solutions or ())] if solution.status.solved else []
    distinct = {frozenset(a.items()): a for a in claimed if a is not None}
    total = 0 if solution.status is Status.UNSATISFIABLE else solution.total
    return replace(solution, solutions=tuple(distinct.values()), total=total, budget=task.budget)


def _verified(solution: Solution) -> Solution:
    """The solution as the checker sees it: no claim of a solver survives that the constraints deny."""
    problem = solution.problem
    if solution.assignment is None:
        if not solution.status.solved:
            return solution
        return replace(solution, status=Status.FAILED, detail="the solver claims a solution and gives none")
    if not solution.status.solved:
        return solution
    for assignment in solution.solutions or (solution.assignment,):
        try:
            broken = problem.broken(assignment)
        except GraphError as error:
            detail = f"the solver claims a solution that is none: {error}"
            failed = replace(solution, status=Status.FAILED, detail=detail, violations=-1)
            return replace(failed, assignment=None, solutions=solution.solutions and ())
        if broken:
            detail = f"the solver claims a solution that breaks {broken[0].describe()}"
            failed = replace(solution, status=Status.FAILED, detail=detail, violations=len(broken))
            return replace(failed, assignment=assignment, solutions=solution.solutions and ())
    return replace(solution, violations=0, energy=0.0, objective=problem.objective(solution.assignment))
