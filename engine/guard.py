"""Run a solver and isolate its errors: an exception fails only the problems that cause it. Validate every answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from .allowance import left
from .conclude import conclude, unanswered
from .deadline import OutOfTime, interrupting
from .problem import Problem
from .raised import described
from .shares import in_shares
from .solution import Solution
from .solver import AbstractSolver, Solver, WholeSolver, changed_options
from .status import Status
from .task import Task

GRACE = 0.35
"""Seconds that a solver may continue after the limit. Calls inside it have less time, so that they end first."""

PATIENCE = 32
"""Exceptions of a solver after which a batch that raises is not halved; enough to find two faults among thousands."""

MOST_LITERALS = 1 << 25
"""Values of all variables together, padded to the largest domain, that a solver with steps takes."""

LATE = "the solver did not end by itself when time was up"


class Faults:
    """The exceptions of a solver in one call, from chunks without any answer. Mutable: all chunks of a call share it.

    A solver that raises at every problem is stopped after about ``PATIENCE`` exceptions, however many chunks the call
    has.
    """

    def __init__(self) -> None:
        self.since_answer = 0
        """Exceptions since the last answer of the call."""
        self.detail = ""

    @property
    def stopped(self) -> bool:
        """Whether the solver is not called again."""
        return self.since_answer >= PATIENCE


def answers_of(solver: AbstractSolver, problems: Sequence[Problem], task: Task) -> Iterator[tuple[int, Solution]]:
    """Bind a solver to each problem, and run the problems of equal bound solvers together.

    Args:
        solver: not bound yet.
        problems: supported by the solver.
        task: shared among the groups by their number of problems.

    Yields:
        (position, solution). If ``bind`` returned another solver, ``via`` of the solution is the name of the first.

    Raises:
        Exception: any that a solver raises.
    """
    groups: list[tuple[AbstractSolver, list[int]]] = []
    for i, problem in enumerate(problems):
        bound = solver.bind(problem)
        members = next((members for other, members in groups if other is bound or other == bound), None)
        if members is None:
            groups.append((bound, [i]))
        else:
            members.append(i)
    left = len(problems)
    for bound, members in groups:
        portion = task if len(members) == left else task.share(task.remaining * len(members) / left)
        left -= len(members)
        for n, solution in _run(bound, [problems[i] for i in members], portion):
            if not 0 <= n < len(members):
                raise RuntimeError(f"the solver answers problem {n}, which does not exist")
            # The search of a learned solver answers in the name of that solver.
            own = solver.name in (bound.name, getattr(solution, "solver", None))
            yield (
                members[n],
                solution if own else replace(solution, via=solver.name, via_options=changed_options(solver)),
            )


def _run(solver: AbstractSolver, problems: Sequence[Problem], task: Task) -> Iterator[tuple[int, Solution]]:
    """The answers of a bound solver, from its ``run`` or from the engine's loop."""
    if not isinstance(solver, Solver | WholeSolver):
        raise TypeError(f"{solver.name} is bound to no Solver or WholeSolver, but to {type(solver).__name__}")
    if task.allowances is not None and (isinstance(solver, WholeSolver) or task.budget.solutions is not None):
        return _one_by_one(solver, problems, task)
    if isinstance(solver, WholeSolver):
        return solver.run(problems, task)
    # The loop imports torch, which exact solvers do not need.
    if task.budget.solutions is not None:
        from .sampling import sample

        return sample(solver, problems, task)
    from .loop import Trial, iterate

    return iterate(solver, [Trial(problem) for problem in problems], task)


def _one_by_one(
    solver: Solver | WholeSolver, problems: Sequence[Problem], task: Task
) -> Iterator[tuple[int, Solution]]:
    """The answers of a solver that runs each problem alone, within the problem's allowance."""
    allowances = task.allowances
    assert allowances is not None
    spent = [0.0] * len(problems)

    def answer(members: Sequence[int], portion: Task) -> Iterator[tuple[int, Solution]]:
        (i,) = members
        alone = replace(portion, allowances=None)
        since = task.clock()
        try:
            with interrupting(alone, GRACE):
                answers = list(_run(solver, [problems[i]], alone))
        except OutOfTime:
            answers = [(0, unanswered(problems[i], solver, alone, LATE))]
        finally:
            passed = task.clock() - since
            allowances.charge(problems[i], passed)
        before, spent[i] = spent[i], spent[i] + passed
        for n, solution in answers:
            if isinstance(solution, Solution):  # a plugin's answer is checked by the caller
                solution = replace(solution, seconds=before + min(solution.seconds, passed))
            yield i if n == 0 else -1, solution

    yield from in_shares(
        len(problems),
        task,
        lambda pending: [[i] for i in pending],
        answer,
        (Status.UNSOLVED, Status.SOLVED),
        lambda members: left(allowances, (problems[i] for i in members)),
    )


def guarded(
    problems: Sequence[Problem], solver: AbstractSolver, task: Task, faults: Faults
) -> Iterator[tuple[int, Solution]]:
    """The solver's answers, with errors isolated.

    If the solver raises, its unanswered problems run again in two halves, and a half that raises is halved again. A
    problem that raises alone is *failed*. Once the chunks since the last answer have raised ``PATIENCE`` exceptions, the
    solver is not called again, and all problems are failed.

    Args:
        problems: supported by the solver.
        solver: not bound yet.
        task: budget, seed and device.
        faults: the solver's exceptions in this call.

    Yields:
        (position, solution), each position once.
    """
    if faults.stopped:
        yield from ((i, conclude(each, solver, task, Status.FAILED, faults.detail)) for i, each in enumerate(problems))
        return
    waiting = [list(range(len(problems)))] if problems else []
    raised = 0
    answered = False
    spent = 0.0  # seconds inside the solver
    while waiting:
        asked = waiting.pop()
        open_ = dict.fromkeys(asked)
        try:
            answers = _once_each(_watched(solver, [problems[i] for i in asked], task), len(asked))
            while True:
                since = task.clock()
                answer = next(answers, None)
                spent += task.clock() - since
                if answer is None:
                    break
                n, solution = answer
                answered, faults.since_answer = True, 0
                del open_[asked[n]]
                yield asked[n], _answer(solution, problems[asked[n]], solver, task, spent)
        except OutOfTime:
            for i in [*open_, *(i for batch in waiting for i in batch)]:
                yield i, unanswered(problems[i], solver, task, LATE)
            return
        except (Exception, SystemExit) as error:  # a plugin may raise anything
            raised += 1
            faults.since_answer += not answered
            left = list(open_)
            if len(left) > 1 and max(raised, faults.since_answer) < PATIENCE:
                waiting += [left[len(left) // 2 :], left[: len(left) // 2]]
                continue
            detail = described(error, __file__)
            faults.detail = f"the solver was stopped after {PATIENCE} errors without an answer; the last: {detail}"
            yield from ((i, conclude(problems[i], solver, task, Status.FAILED, detail)) for i in left)


def _once_each(answers: Iterator[tuple[int, Solution]], count: int) -> Iterator[tuple[int, Solution]]:
    """The answers; raises ``RuntimeError`` unless each of ``count`` positions occurs once."""
    missing = set(range(count))
    for n, solution in answers:
        if n not in missing:
            raise RuntimeError(f"the solver answers problem {n} twice")
        missing.remove(n)
        yield n, solution
    if missing:
        raise RuntimeError(f"the solver leaves {len(missing)} of {count} problems without an answer")


def _watched(solver: AbstractSolver, problems: Sequence[Problem], task: Task) -> Iterator[tuple[int, Solution]]:
    """The solver's answers as they come; raises ``OutOfTime`` if the solver does not end by itself."""
    answers: Iterator[tuple[int, Solution]] | None = None
    block = interrupting(task, GRACE)  # one for all answers, so that each answer does not extend the time
    while True:
        with block:
            try:
                answers = answers_of(solver, problems, task) if answers is None else answers
                answer = next(answers)
            except StopIteration:
                return
        yield answer


def refusal(solver: AbstractSolver, problem: Problem, task: Task) -> Solution | None:
    """A solution *unsupported* or *failed* if the solver cannot answer the problem as the task states; else None.

    Args:
        solver: not bound yet.
        problem: to be solved.
        task: of the run; it decides whether several answers are needed.
    """
    try:
        reason = solver.supports(problem.graph)
        if reason is None and solver.enumerates and problem.graph.literals > MOST_LITERALS:
            count = f"{problem.graph.literals:,}"
            reason = f"it keeps a number for each value of each variable, and {count} are too many; cpsat does not"
        if reason is None and task.budget.solutions is not None:
            reason = solver.samples(problem)
    except (Exception, SystemExit) as error:
        return conclude(problem, solver, task, Status.FAILED, described(error, __file__))
    return None if reason is None else conclude(problem, solver, task, Status.UNSUPPORTED, reason)


def _answer(solution: Solution, problem: Problem, solver: AbstractSolver, task: Task, spent: float) -> Solution:
    """The solution if it is valid for this problem and its status is allowed for the solver; else a failed one.

    Its seconds are at most ``spent``, the time inside the solver: a plugin may count from the start of the call.
    """
    if not (isinstance(solution, Solution) and isinstance(solution.status, Status)):
        detail = f"the solver answers with {type(solution).__name__}, which is no Solution with a Status"
        return conclude(problem, solver, task, Status.FAILED, detail)
    if solution.problem is not problem or solution.seconds > spent:
        solution = replace(solution, problem=problem, seconds=min(solution.seconds, spent))
    if solution.assignment is not None and not _assigns(solution.assignment, problem):
        detail = "the solver's assignment does not give each variable a value of its domain"
        return replace(solution, status=Status.FAILED, detail=detail, assignment=None, violations=-1)
    claims = solution.status in (Status.UNSATISFIABLE, Status.OPTIMAL)
    if not claims or proves(solver, problem):
        return solution
    if solution.status is Status.UNSATISFIABLE:
        detail = "the solver answers unsatisfiable but is not declared complete"
        return replace(solution, status=Status.FAILED, detail=detail)
    return replace(solution, status=Status.SOLVED)


def proves(solver: AbstractSolver, problem: Problem) -> bool:
    """Whether a solver, or the one that it binds to a problem, may answer *unsatisfiable* or *optimal*.

    Args:
        solver: not bound yet.
        problem: supported by the solver.
    """
    return solver.complete or solver.bind(problem).complete


def _assigns(assignment: object, problem: Problem) -> bool:
    domains = problem.graph.domains
    return (
        isinstance(assignment, Mapping)
        and assignment.keys() == domains.keys()
        and all(value in domains[name] for name, value in assignment.items())
    )
