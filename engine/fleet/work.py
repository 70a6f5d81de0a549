"""The part of a worker process: it unpacks chunks, solves them and packs the answers."""

from __future__ import annotations

import os
import pickle
from collections.abc import Sequence
from dataclasses import fields, replace
from importlib import import_module
from typing import Any, NamedTuple

from ..clock import now
from ..errors import MullError
from ..garbage import gc_paused
from ..graph import ConstraintGraph
from ..guard import Faults
from ..improving import Improvements
from ..problem import Problem
from ..solution import Solution
from ..solver import AbstractSolver
from ..solving import solve_chunk
from ..task import Budget, Task

MOST_GRAPHS = 256
"""Graphs that a worker keeps, so that what the solver computed for a template serves all chunks with it."""

ALONE = "solve in one process: without --on, and with one device"
"""The hint where other processes cannot solve."""

NEEDLESS = {"render": None, "statement": None}
"""Attributes of a problem that no solver needs, and that may be closures."""

OWN = ("graph", "givens", "source")
"""Attributes in which the problems of a chunk differ."""

COMPUTED = frozenset({"index", "scopes", "clause_table", "_moves"})
"""Attributes of a graph that a worker computes itself, if it needs them."""

FIELDS = tuple(field.name for field in fields(Solution) if field.name not in ("problem", "assignment"))


class Setup(NamedTuple):
    """What all chunks of a call share.

    Args:
        solver: not bound yet.
        budget: of the call.
        seed: of the call.
    """

    solver: AbstractSolver
    budget: Budget
    seed: int


class Work(NamedTuple):
    """A chunk.

    Args:
        common: attributes of the first problem of the chunk.
        states: attributes of the problems of the chunk, computed ones too, where they differ from the common ones. To
            make the problems by their constructor would check them a second time. The graph is a dictionary of its
            attributes, too: pickled as an object, it would start a pickle of its own, and share no names and types with
            the others. A graph whose constraints are arrays has ``domain`` in place of ``domains``.
        batch: ``Budget.batch`` of the chunk.
        elapsed: seconds since the start of the call.
        seconds: share of the chunk of the remaining time; infinite without a limit.
    """

    common: dict[str, Any]
    states: Sequence[dict[str, Any]]
    batch: int | None
    elapsed: float
    seconds: float


class Answer(NamedTuple):
    """An answer to a problem of a chunk.

    Args:
        position: of the problem in the chunk.
        values: of the assignment, in the order of the graph's variables; None without an assignment.
        fields: of the solution, without the problem and the assignment.
        late: whether the share of the chunk was used up before.
        digests: of the graph and the problem, which the driver's store needs; None where no digest was computed.
    """

    position: int
    values: tuple[Any, ...] | None
    fields: tuple[Any, ...]
    late: bool
    digests: tuple[str, str | None]


def packed_setup(solver: AbstractSolver, task: Task) -> bytes:
    """What the processes of a call need.

    Args:
        solver: not bound yet.
        task: of the call.
    """
    return _packed(Setup(solver, task.budget, task.seed), f"solver {solver.name}")


def packed_work(problems: Sequence[Problem], batch: int | None, elapsed: float, seconds: float) -> bytes:
    """A chunk as bytes, without what no solver needs.

    Args:
        problems: of the chunk.
        batch, elapsed, seconds: as of ``Work``.

    Raises:
        MullError: a problem cannot be sent to another process.
    """
    graphs: dict[int, dict[str, Any]] = {}
    common: dict[str, Any] = {key: value for key, value in problems[0].__dict__.items() if key not in OWN} | NEEDLESS
    known = common.get
    states = []
    for problem in problems:
        graph = problem.graph
        if id(graph) not in graphs:
            graphs[id(graph)] = _attributes(graph)
        own = {key: value for key, value in problem.__dict__.items() if known(key, UNKNOWN) is not value}
        states.append({**own, **NEEDLESS, "graph": graphs[id(graph)]})
    return _packed(Work(common, states, batch, elapsed, seconds), f"problem {problems[0].source}")


UNKNOWN = object()


def _attributes(graph: ConstraintGraph) -> dict[str, Any]:
    """What a worker needs of a graph."""
    attributes = {key: value for key, value in graph.__dict__.items() if key not in COMPUTED}
    if graph.arrays:  # they have the names, and the variables share their domain
        attributes["domain"] = next(iter(attributes.pop("domains").values()))
    return attributes


def unpacked_answers(data: bytes, problems: Sequence[Problem]) -> list[tuple[int, Solution, bool]]:
    """The answers of a chunk.

    Args:
        data: as ``Worker.solve`` returned it.
        problems: of the chunk, as the driver has them.

    Returns:
        (position in the chunk, solution, whether the share of the chunk was used up).

    Raises:
        MullError: the worker could not solve the chunk.
    """
    with gc_paused():
        answers, refused = pickle.loads(data)  # of our own processes
        if refused is not None:
            raise MullError(*refused)
        return [_unpacked(answer, problems) for answer in answers]


def _unpacked(answer: Sequence[Any], problems: Sequence[Problem]) -> tuple[int, Solution, bool]:
    position, values, others, late, (of_graph, of_problem) = answer
    problem = problems[position]
    problem.graph.__dict__.setdefault("digest", of_graph)  # cached properties
    if of_problem is not None:
        problem.__dict__.setdefault("digest", of_problem)
    assignment = None if values is None else dict(zip(problem.graph.domains, values, strict=True))
    solution = object.__new__(Solution)  # a frozen dataclass takes 6 µs to set its fields
    solution.__dict__.update(zip(FIELDS, others, strict=True), problem=problem, assignment=assignment)
    return position, solution, late


class Worker:
    """The solver of one process, ready for chunks. Mutable: it keeps the graphs that it has seen.

    Args:
        setup: as ``packed_setup`` returned it.
        device: of this process.
        threads: that it may use; None for all cores.
    """

    def __init__(self, setup: bytes, device: str, threads: int | None = None) -> None:
        if threads is not None:
            limit_threads(threads)
        import_module("mull.plugins.added")  # finds solvers that were added from files
        self.setup = Setup(*pickle.loads(setup))
        self.device = device
        self.faults = Faults()
        self.graphs: dict[str, ConstraintGraph] = {}

    def solve(self, data: bytes) -> bytes:
        """The packed answers of a chunk, or the packed error.

        Args:
            data: as ``packed_work`` returned it.
        """
        try:
            with gc_paused():
                work = Work(*pickle.loads(data))
            answers, refused = self._answers(work), None
        except MullError as error:
            answers, refused = [], (str(error), error.hint)
        return pickle.dumps((answers, refused), pickle.HIGHEST_PROTOCOL)

    def _answers(self, work: Work) -> list[Answer]:
        budget = replace(self.setup.budget, batch=work.batch)
        graphs: dict[int, ConstraintGraph] = {}
        problems = [self._problem({**work.common, **state}, graphs) for state in work.states]
        since = now()
        deadline = None if work.seconds == float("inf") else since + work.seconds
        task = Task(budget, self.setup.seed, self.device, since - work.elapsed, deadline=deadline)
        found = []
        budgets: dict[Budget, Budget] = {}  # equal ones are pickled once
        improvements = Improvements(task)
        for position, solution in solve_chunk(problems, self.setup.solver, task, improvements, self.faults):
            problem, assignment = problems[position], solution.assignment
            values = None if assignment is None else tuple(map(assignment.__getitem__, problem.graph.domains))
            solution.__dict__["budget"] = budgets.setdefault(solution.budget, solution.budget)
            others = tuple(map(solution.__dict__.__getitem__, FIELDS))
            digests = problem.graph.digest, problem.__dict__.get("digest")
            found.append(Answer(position, values, others, task.remaining <= 0, digests))
        return found

    def _problem(self, state: dict[str, Any], graphs: dict[int, ConstraintGraph]) -> Problem:
        """A problem from its attributes.

        Args:
            state: its attributes.
            graphs: of the chunk, by the identity of their attributes.
        """
        attributes = state["graph"]
        if id(attributes) not in graphs:
            graph = object.__new__(ConstraintGraph)
            graph.__dict__.update(attributes)
            if arrays := graph.arrays:
                graph.domains = dict.fromkeys(arrays.names.strings(), graph.__dict__.pop("domain"))
            graphs[id(attributes)] = self._known(graph)
        problem = object.__new__(Problem)
        problem.__dict__.update(state, graph=graphs[id(attributes)])
        return problem

    def _known(self, graph: ConstraintGraph) -> ConstraintGraph:
        if len(self.graphs) >= MOST_GRAPHS and graph.digest not in self.graphs:
            self.graphs.pop(next(iter(self.graphs)))
        return self.graphs.setdefault(graph.digest, graph)


def limit_threads(count: int) -> None:
    """Make this process use at most so many threads. Call it before torch is imported.

    Args:
        count: of threads.
    """
    from .. import rows

    os.environ["OMP_NUM_THREADS"] = str(count)
    rows.limit_cores(count)


def _packed(value: NamedTuple, what: str) -> bytes:
    try:
        with gc_paused():
            return pickle.dumps(tuple(value), pickle.HIGHEST_PROTOCOL)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise MullError(f"{what} cannot be sent to another process: {error}", ALONE) from None
