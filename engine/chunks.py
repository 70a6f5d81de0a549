"""Chunks: the problems of a large call that are solved together, in one process.

The chunks of a call depend on its problems, the solver and the kind of device, and on nothing else. One process solves
them one after another, and several processes share them out; the answers are the same, because an answer depends on
the other problems of its chunk at most.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from .problem import Problem
from .rows import sorted_kinds
from .task import Task

if TYPE_CHECKING:
    from .solver import AbstractSolver

GPU_PARTS = 4
"""A chunk on a GPU fills a quarter of the rows that fit, so that several GPUs have equal shares of few chunks."""


def chunks(
    problems: Sequence[Problem], members: Sequence[int], solver: AbstractSolver, task: Task
) -> list[Sequence[int]]:
    """The chunks of some problems of a call.

    Args:
        problems: of the call.
        members: positions of the problems to group.
        solver: not bound yet.
        task: its device and its ``budget.batch`` set the sizes.

    Returns:
        The positions, chunk by chunk. Problems of a chunk have the same kinds of constraint and similar sizes; a call
        that fits into one chunk keeps its order.
    """
    if len(members) <= solver.chunk:
        return [members] if members else []
    literals = {i: problems[i].graph.literals for i in members}
    kinds = {i: sorted_kinds(problems[i].graph) for i in members}
    if len(members) <= _size(problems[max(members, key=literals.__getitem__)], solver, task):
        return [members]
    found: list[list[int]] = []
    for i in sorted(members, key=lambda i: (kinds[i], literals[i])):
        last = found[-1] if found else None
        if last is not None and kinds[i] == kinds[last[0]] and len(last) < _size(problems[i], solver, task):
            last.append(i)
        else:
            found.append([i])
    return list(found)


def task_of_chunk(task: Task, members: Sequence[int], count: int) -> Task:
    """The task of a chunk: on a GPU its problems fill the rows, without copies, unless the call is one chunk.

    Args:
        task: of the call.
        members: of the chunk.
        count: problems of the call.
    """
    if len(members) == count or not task.device.startswith("cuda") or task.budget.batch is not None:
        return task
    return replace(task, budget=replace(task.budget, batch=max(1, len(members))))


def _size(largest: Problem, solver: AbstractSolver, task: Task) -> int:
    """The most problems of a chunk whose largest problem is given."""
    rows = task.budget.batch
    size = getattr(solver, "batch_size", None)
    if rows is None:
        rows = size.rows(largest.graph, task.device) if size is not None else 0
        if task.device.startswith("cuda"):
            rows //= GPU_PARTS
    return max(solver.chunk, rows)
