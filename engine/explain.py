"""Why a problem has no solution: a minimal unsatisfiable subset of its constraints and givens."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Thread
from typing import Any

from .constraints import Clause, Constraint
from .deadline import OutOfTime, interrupting
from .errors import MullError
from .lazy import cp_model
from .posting import Posting
from .problem import Problem, Statement
from .task import Budget, Task
from .values import Domain, Value

POLL = 0.05
"""Seconds between two checks of a running search."""

SHORT = 1.0
"""Deterministic limit of a first, short search, in CP-SAT's unit: about a second. It does not depend on the machine."""

FEW = 200
"""The most groups that are also searched without assumptions: that proves no smaller core, so each group costs a search."""


class Unexplained(MullError, RuntimeError):
    """Time was up before a first unsatisfiable subset was proved."""


@dataclass(frozen=True)
class Explanation:
    """Constraints and givens that have no solution together.

    Args:
        problem: without a solution.
        constraints: of the subset, in the order of the problem. Where constraints stand for one statement of the user
            (``texts``), all of them.
        givens: of the subset.
        texts: the constraints as the user stated them: by name, by the source text of a model, or by kind and parameters.
        minimal: whether every proper subset was proved to have a solution; else time was up before that.
    """

    problem: Problem = field(repr=False)
    constraints: tuple[Constraint, ...]
    givens: Mapping[str, Value]
    texts: tuple[str, ...]
    minimal: bool

    @property
    def lines(self) -> list[str]:
        """One line for each given and each constraint."""
        return [*(f"given {name} = {value}" for name, value in self.givens.items()), *self.texts]

    def to_json(self) -> dict[str, Any]:
        """The object that ``solve --explain --json`` prints under ``explanation``."""
        constraints = [{**each.to_json(), **each.labels} for each in self.constraints]
        plain = {"minimal": self.minimal, "givens": dict(self.givens), "stated": list(self.texts)}
        return {**plain, "constraints": constraints}


def explain(problem: Problem, task: Task | None = None) -> Explanation | None:
    """A minimal set of constraints and givens that has no solution.

    CP-SAT proves a first set with one assumption for each constraint; deletion makes it minimal. Constraints with the same
    name count as one.

    Args:
        problem: any problem; its objective is ignored.
        task: limits of the search, by default ``Task()``. The same seed gives the same set.

    Returns:
        The explanation, or None where the problem has a solution.

    Raises:
        Unexplained: time was up before a first set was proved.

    Example:
        >>> from mull.engine import Compare, ConstraintGraph
        >>> order = [Compare("a", "<", "b"), Compare("b", "<", "c"), Compare("c", "<", "a")]
        >>> graph = ConstraintGraph(dict.fromkeys("abcd", range(9)), [*order, Compare("c", "<", "d")])
        >>> [constraint.scope for constraint in explain(Problem(graph)).constraints]
        [('a', 'b'), ('b', 'c'), ('c', 'a')]
    """
    task = task or Task()
    try:
        with interrupting(task):
            statement = problem.statement() if problem.statement else _stated(problem)
    except OutOfTime:
        raise _late(task) from None
    givens = list(problem.givens.items())
    soft: list[Sequence[Constraint]] = [[Clause(((name, value),))] for name, value in givens]
    soft += [constraints for _, constraints in statement.parts]
    found = unsatisfiable_subset(statement.domains, statement.definitions, soft, task)
    if found is None:
        return None
    subset, minimal = found
    chosen = [statement.parts[i - len(givens)] for i in subset if i >= len(givens)]
    constraints = tuple(each for _, several in chosen for each in several)
    fixed = dict(givens[i] for i in subset if i < len(givens))
    return Explanation(problem, constraints, fixed, tuple(text for text, _ in chosen), minimal)


def explain_within(problem: Problem, seconds: float | None) -> Explanation | None:
    """``explain`` within a number of seconds; None for no limit.

    Args:
        problem: any problem.
        seconds: time limit.
    """
    return explain(problem, Task(Budget(seconds=seconds)))


def unsatisfiable_subset(
    domains: Mapping[str, Domain], hard: Iterable[Constraint], soft: Sequence[Sequence[Constraint]], task: Task
) -> tuple[list[int], bool] | None:
    """A minimal subset of groups of constraints that has no solution.

    Args:
        domains: variable name -> domain.
        hard: constraints that belong to every subset.
        soft: groups of constraints; a group is in the subset as a whole.
        task: limits of the search.

    Returns:
        Positions in ``soft``, ascending, and whether the subset is proved minimal; None where all groups together have a
        solution.

    Raises:
        Unexplained: time was up before a first subset was proved.
    """
    search = _Search(domains, tuple(hard), soft, task)
    core = search.core(list(range(len(soft))))
    if core is None:
        raise _late(task)
    if core is _SATISFIABLE:
        return None
    needed: list[int] = []
    left, minimal = list(core), True
    while left:
        tried = left.pop()
        smaller = search.core(sorted({*needed, *left}))
        if smaller is None:
            minimal = False
        if smaller is None or smaller is _SATISFIABLE:
            needed.append(tried)
        else:
            left = [i for i in left if i in smaller]
    return sorted(needed), minimal


_SATISFIABLE: list[int] = [-1]


class _Search:
    """Searches for a solution of some of the groups: on one model with assumptions, or on a model for each search.

    CP-SAT accepts no assumption on some of its constraints (intervals, for example). Such models are made for each search.
    """

    def __init__(
        self,
        domains: Mapping[str, Domain],
        hard: tuple[Constraint, ...],
        soft: Sequence[Sequence[Constraint]],
        task: Task,
    ) -> None:
        self.domains, self.hard, self.soft, self.task = domains, hard, soft, task
        self.shared: Posting | None = None
        self.literals: list[cp_model.IntVar] = []
        try:
            with interrupting(task):
                self._share()
        except OutOfTime:
            raise _late(task) from None

    def _share(self) -> None:
        posting = Posting(self.domains, {})
        for constraint in self.hard:
            constraint.post(posting)
        first = len(posting.model.proto.constraints)
        for group in self.soft:
            literal = posting.model.new_bool_var("")
            with posting.only_if(literal):
                for constraint in group:
                    constraint.post(posting)
            self.literals.append(literal)
        kinds = range(first, len(posting.model.proto.constraints))
        if not any(posting.model.proto.constraints[i].has_interval() for i in kinds) and not posting.model.validate():
            self.shared = posting

    def core(self, groups: list[int]) -> list[int] | None:
        """A subset of the groups without a solution; ``_SATISFIABLE`` if there is none; None if time was up."""
        if self.task.over:
            return None
        if self.shared is None:
            return self._apart(groups, None)
        # Presolve refutes at once what a search with assumptions may not: x = y and x != y over a million values. So
        # short searches in both ways come first.
        for limit in (SHORT, None):
            found = self._assumed(groups, limit)
            if found is None and limit is not None and len(groups) <= FEW:
                found = self._apart(groups, limit)
            if found is not None:
                return found
        return None

    def _assumed(self, groups: list[int], limit: float | None) -> list[int] | None:
        """``core`` by assumptions on the shared model, within a deterministic limit."""
        assert self.shared is not None
        model = self.shared.model
        model.clear_assumptions()
        model.add_assumptions([self.literals[i] for i in groups])
        outcome, solver = self._solve(model, limit)
        if outcome == cp_model.INFEASIBLE:
            used = set(solver.sufficient_assumptions_for_infeasibility())
            return [i for i in groups if self.literals[i].index in used]
        return _SATISFIABLE if outcome in (cp_model.OPTIMAL, cp_model.FEASIBLE) else None

    def _apart(self, groups: list[int], limit: float | None) -> list[int] | None:
        """``core`` on a model of these groups alone, within a deterministic limit; the core is all of them."""
        try:
            with interrupting(self.task):
                model = self._model(groups)
        except OutOfTime:
            return None
        outcome, _ = self._solve(model, limit)
        if outcome == cp_model.INFEASIBLE:
            return groups
        return _SATISFIABLE if outcome in (cp_model.OPTIMAL, cp_model.FEASIBLE) else None

    def _model(self, groups: Sequence[int]) -> cp_model.CpModel:
        posting = Posting(self.domains, {})
        for constraint in (*self.hard, *(each for i in groups for each in self.soft[i])):
            constraint.post(posting)
        return posting.model

    def _solve(self, model: cp_model.CpModel, limit: float | None) -> tuple[Any, cp_model.CpSolver]:
        solver = cp_model.CpSolver()
        if limit is not None:
            solver.parameters.max_deterministic_time = limit
        solver.parameters.num_workers = 1
        solver.parameters.random_seed = self.task.seed % 2**31
        solver.parameters.catch_sigint_signal = False
        if self.task.remaining < float("inf"):
            solver.parameters.max_time_in_seconds = max(0.0, self.task.remaining)
        outcome: list[Any] = []
        thread = Thread(target=lambda: outcome.append(solver.solve(model)), daemon=True)
        thread.start()
        try:
            while thread.is_alive():
                thread.join(POLL)
                if self.task.over:
                    solver.stop_search()
        finally:
            solver.stop_search()
        return outcome[0] if outcome else cp_model.UNKNOWN, solver


def _stated(problem: Problem) -> Statement:
    """The constraints of a graph in groups of the same name, each of the others alone."""
    parts: dict[object, tuple[str, list[Constraint]]] = {}
    for i, constraint in enumerate(problem.graph.constraints):
        name = constraint.labels.get("name")
        parts.setdefault(name or i, (name or constraint.describe(), []))[1].append(constraint)
    return Statement(problem.graph.domains, (), list(parts.values()))


def _late(task: Task) -> Unexplained:
    seconds = f"{task.budget.seconds:g} s" if task.budget.seconds is not None else "the limit"
    return Unexplained(f"no explanation within {seconds}", "raise --limit, or seconds=")
