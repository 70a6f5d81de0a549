"""Rows of a batch: how many there are, which problems share them, and how many copies each problem has.

A row is one copy of one problem. Four numbers determine how many there are: the solver's ``batch_size``, the user's
``Budget.batch``, the limits on copies (``Budget.restarts``, ``Solver.copies``, and ``Budget.copies`` of a replay), and
the rows that fit into memory after an out-of-memory error.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from .graph import ConstraintGraph
from .problem import Problem
from .task import Task

if TYPE_CHECKING:
    from .loop import Trial
    from .solver import Solver

WASTE = 2.0
"""Problems share a batch if padding to the largest multiplies their literals by at most this factor."""

CPU_ROWS = 256
"""Rows that copies of problems fill on a CPU. More rows do not make a row cheaper, and delay the first check."""

EVALUATION = 1 << 21
"""Numbers that one evaluation of the energy of a whole batch may touch: a fifth of a second on one core."""

MOST_LITERALS = 1 << 26
"""Literals of the rows that ``Budget.batch`` may set. The system ends a process that takes all memory, without an error."""

GROUP, GROUP_LITERALS = 32, 1 << 16
"""The most samples of one problem that always share a batch, and the most literals that they have together."""


@dataclass(frozen=True)
class BatchSize:
    """How many rows a solver steps side by side: as many as run fastest, not as many as fit into the memory.

    Args:
        literals: rows × variables × values of a batch.
        gpu_literals: the same on an accelerator; None for ``literals``.
        work: numbers that one evaluation of the energy may touch (``ConstraintGraph.work``); None for no limit. A
            solver that evaluates the energy at every step sets it, so that each step stays short.
        fewest, most: bounds of the number of rows; ``most`` is None for no bound.
        gpu_most: the upper bound on an accelerator; None for ``most``.
        copies: on a CPU, copies of problems fill this many rows; None for up to 256 rows. Each row of a compiled search
            runs on one core, and more rows than cores only share the time. The number does not follow the cores, so
            that a seed gives the same answer on every machine; ``Budget.batch`` sets another.
        copied: literals of the rows that copies fill, at least one row; None for no limit. The searches of a large
            problem take nearly equal times, so that several of them gain nothing.
    """

    literals: int = 1 << 18
    gpu_literals: int | None = None
    work: int | None = None
    fewest: int = 1
    most: int | None = None
    gpu_most: int | None = None
    copies: int | None = None
    copied: int | None = None

    def rows(self, graph: ConstraintGraph, device: str = "cpu") -> int:
        """The number of rows of a batch.

        Args:
            graph: the largest graph of the batch.
            device: of the batch.
        """
        gpu = device.startswith("cuda")
        literals = self.gpu_literals if self.gpu_literals and gpu else self.literals
        most = self.gpu_most if self.gpu_most and gpu else self.most
        rows = literals // max(1, graph.literals)
        if self.work is not None:
            rows = min(rows, self.work // max(1, graph.work))
        if most is not None:
            rows = min(rows, most)
        return max(self.fewest, rows)

    def filled(self, graph: ConstraintGraph, rows: int) -> int:
        """The number of rows of a batch on a CPU that copies of problems fill.

        Args:
            graph: the largest graph of the batch.
            rows: of the batch.
        """
        if self.copies is None:
            return min(rows, CPU_ROWS)
        if self.copied is None:
            return self.copies
        fit = min(self.copies, self.copied // max(1, graph.literals))
        return 1 << max(0, fit.bit_length() - 1)  # a power of two, so that cores have equal shares


def batches(solver: Solver, trials: Sequence[Trial], members: Sequence[int], task: Task) -> list[list[int]]:
    """Trials that share a batch: the same kinds of constraint, similar size, at most one trial per row.

    Samples of one problem stay in their group (``group_size``) whatever the batch size: their answers depend on one
    another, and must not depend on the batches.

    Args:
        solver: gives the number of rows.
        trials: all of the call.
        members: positions of the trials to group.
        task: its budget may set the number of rows.

    Returns:
        The positions, batch by batch.
    """
    sizes = {i: trials[i].problem.graph.literals for i in members}
    kinds = {i: sorted_kinds(trials[i].problem.graph) for i in members}
    found: list[list[int]] = []
    for i in sorted(members, key=lambda i: (kinds[i], sizes[i])):
        last = found[-1] if found else [i]
        graph = trials[i].problem.graph
        room = len(last) < _rows(solver, graph, task) or trials[i].copy % group_size(graph)
        if found and room and kinds[i] == kinds[last[0]] and sizes[i] <= WASTE * sizes[last[0]]:
            last.append(i)
        else:
            found.append([i])
    return found


def copies(solver: Solver, problems: Sequence[Problem], task: Task, iteration: int, most: int | None) -> int:
    """How many copies of each problem a batch runs from an iteration on.

    Args:
        solver: gives the number of rows, and may limit the copies.
        problems: of the batch.
        task: its budget may set the rows, limit the copies (``restarts``), or state them (``copies``).
        iteration: steps taken by the batch.
        most: rows that fit into memory; None until memory has run out.
    """
    if task.budget.copies is not None:
        return max(count for since, count in task.budget.copies if since <= iteration)
    largest = max((p.graph for p in problems), key=lambda graph: graph.literals)
    rows = _rows(solver, largest, task)
    if task.device == "cpu" and task.budget.batch is None:
        rows = solver.batch_size.filled(largest, rows)
    if most is not None:
        rows = min(rows, most)
    fit = max(1, rows // len(problems))
    return min(fit, task.budget.restarts or solver.copies or fit)


@cache
def cores() -> int:
    """The cores that this process may use."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(available, *_limit) if _limit else available


_limit: list[int] = []


def limit_cores(count: int) -> None:
    """Make this process use at most so many cores, such as one of several workers of a host.

    Args:
        count: of cores.
    """
    _limit[:] = [count]
    cores.cache_clear()


def group_size(graph: ConstraintGraph) -> int:
    """Number of samples of one problem that always share a batch, so that duplicates can be detected."""
    return max(1, min(GROUP, GROUP_LITERALS // max(1, graph.literals)))


def _rows(solver: Solver, graph: ConstraintGraph, task: Task) -> int:
    own = solver.batch_size.rows(graph, task.device)
    return min(task.budget.batch or own, max(own, MOST_LITERALS // max(1, graph.literals)))


def sorted_kinds(graph: ConstraintGraph) -> tuple[str, ...]:
    """The names of a graph's kinds of constraint, sorted."""
    return _sorted_names(graph.kinds)  # not by the graph: its hash is the digest, which takes longer than the rest


@lru_cache(maxsize=1 << 14)
def _sorted_names(kinds: frozenset[type]) -> tuple[str, ...]:
    return tuple(sorted(kind.__name__ for kind in kinds))
