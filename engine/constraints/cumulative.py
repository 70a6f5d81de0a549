"""Cumulative: tasks that share a resource of limited capacity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..lazy import torch
from ..values import Domain, Term
from .base import Constraint, Parameters
from .move_form import Code, Ints, MoveForm
from .no_overlap import before, interval, suggest_start, times
from .term_moves import OWN, by_place, placed
from .terms import TermConstraint, moves_only

if TYPE_CHECKING:
    from ortools.sat.python.cp_model import LinearExprT, LiteralT
    from torch import Tensor

    from ..posting import Posting


@dataclass(frozen=True)
class Cumulative(TermConstraint):
    """Task i runs from ``starts[i]`` until before ``starts[i] + durations[i]``; all demands at a time fit the capacity.

    Negative durations, demands and capacities violate it. The violation degree is the demand beyond the capacity,
    summed over the starts of tasks, plus the negative amounts.

    Args:
        starts: a term for each task.
        durations: as many terms; a task of duration 0 uses nothing.
        demands: as many terms.
        capacity: a term.

    Raises:
        GraphError: the lists have different lengths.
    """

    starts: tuple[Term, ...]
    durations: tuple[Term, ...]
    demands: tuple[Term, ...]
    capacity: Term

    of = ("starts", "durations", "demands", "capacity")
    paired = ("starts", "durations", "demands")

    def holds(
        self, starts: tuple[int, ...], durations: tuple[int, ...], demands: tuple[int, ...], capacity: int
    ) -> bool:
        if min((*durations, *demands, capacity)) < 0:
            return False
        tasks = list(zip(starts, durations, demands, strict=True))
        # The demand is largest where some task starts.
        return all(
            sum(demand for start, duration, demand in tasks if start <= time < start + duration) <= capacity
            for time in starts
        )

    @staticmethod
    def distance(p: Parameters, starts: Tensor, durations: Tensor, demands: Tensor, capacity: Tensor) -> Tensor:
        time = starts[..., :, None]
        first, last = starts[..., None, :], (starts + durations)[..., None, :]
        running = (first <= time) & (time < last)  # [..., time, task]
        load = torch.where(running, demands.clamp(min=0)[..., None, :], 0).sum(-1)
        beyond = (load - capacity.clamp(min=0)[..., None]).clamp(min=0).sum(-1)
        negative = (-durations).clamp(min=0).sum(-1) + (-demands).clamp(min=0).sum(-1) + (-capacity).clamp(min=0)
        return beyond + negative

    def move_form(self, domains: Mapping[str, Domain], code: Code) -> MoveForm:
        return placed(self, _MOVES, len(self.starts), memory=len(self.starts))

    def magnitudes(self, largest: Mapping[str, int]) -> Mapping[str, int]:
        return times(super().magnitudes(largest), len(self.starts))

    def factor_kind(self) -> type[Constraint]:
        return _FixedTasks if moves_only(self, "starts") else type(self)

    def post(self, to: Posting) -> None:
        for each in (*self.durations, *self.demands, self.capacity):
            if to.bounds(each)[0] < 0:
                to.model.add(to.term(each) >= 0)
        tasks = [interval(to, *each) for each in zip(self.starts, self.durations, strict=True)]
        demands = [to.at_least(each, 0) for each in self.demands]
        to.model.add_cumulative(tasks, demands, to.at_least(self.capacity, 0))

    def post_negation(self, to: Posting) -> None:
        wrong: list[LiteralT] = [
            to.opposite(to.within(each, 0, max(0, to.bounds(each)[1])))
            for each in (*self.durations, *self.demands, self.capacity)
        ]
        for time in self.starts:
            loads = [self._load(to, k, time) for k in range(len(self.starts))]
            load: Any = sum(loads)
            capacity = to.term(self.capacity)
            wrong.append(to.truth(load > capacity, load <= capacity))
        to.model.add_bool_or(wrong)

    def _load(self, to: Posting, task: int, time: Term) -> LinearExprT:
        """The demand of a task at a time, at least 0."""
        start, duration = self.starts[task], self.durations[task]
        begun = before(to, start, 0, time)
        running = to.all_of((begun, to.opposite(before(to, start, duration, time))))
        demand = to.at_least(self.demands[task], 0)
        if isinstance(running, bool | int):
            return demand if running else 0
        if isinstance(demand, int):
            return running * demand
        used = to.integer(0, to.bounds(self.demands[task])[1])
        with to.defining():
            to.model.add(used == demand).only_enforce_if(running)
            to.model.add(used == 0).only_enforce_if(~running)
        return used


class _FixedTasks(Cumulative):
    """The tensor form for tasks whose starts are distinct variables, and all of whose other terms are integers."""


# The move form. Parameter: the number of tasks. Memory: the demand of all tasks at the start of each.


def _running(start: int, duration: int, demand: int, time: int) -> int:
    """The demand of a task at a time."""
    return max(0, demand) if start <= time < start + duration else 0


def _begin(params: Ints, memory: Ints) -> int:
    tasks = params[OWN]
    capacity = memory[3 * tasks]
    degree = max(0, -capacity)
    for i in range(tasks):
        degree += max(0, -memory[tasks + i]) + max(0, -memory[2 * tasks + i])
        load = 0
        for j in range(tasks):
            load += _running(memory[j], memory[tasks + j], memory[2 * tasks + j], memory[i])
        memory[params[0] + i] = load
        degree += max(0, load - max(0, capacity))
    return degree


def _moved(params: Ints, memory: Ints, place: int, new: int, keep: int) -> int:
    """The change of the degree where one term changes; with ``keep``, the memory changes too."""
    tasks = params[OWN]
    loads = params[0]
    capacity = memory[3 * tasks]
    old = memory[place]
    if place == 3 * tasks:
        change = max(0, -new) - max(0, -old)
        for i in range(tasks):
            change += max(0, memory[loads + i] - max(0, new)) - max(0, memory[loads + i] - max(0, old))
    else:
        capacity = max(0, capacity)
        field, task = place // tasks, place % tasks
        start, duration, demand = memory[task], memory[tasks + task], memory[2 * tasks + task]
        new_start = new if field == 0 else start
        new_duration = new if field == 1 else duration
        new_demand = new if field == 2 else demand
        change = max(0, -new_duration) + max(0, -new_demand) - max(0, -duration) - max(0, -demand)
        own = _running(new_start, new_duration, new_demand, new_start)
        for i in range(tasks):
            if i != task:
                time, load = memory[i], memory[loads + i]
                more = _running(new_start, new_duration, new_demand, time) - _running(start, duration, demand, time)
                if more:
                    change += max(0, load + more - capacity) - max(0, load - capacity)
                    if keep:
                        memory[loads + i] = load + more
                own += _running(time, memory[tasks + i], memory[2 * tasks + i], new_start)
        change += max(0, own - capacity) - max(0, memory[loads + task] - capacity)
        if keep:
            memory[loads + task] = own
    if keep:
        memory[place] = new
    return change


def _peek(params: Ints, memory: Ints, place: int, new: int) -> int:
    return _moved(params, memory, place, new, 0)


def _put(params: Ints, memory: Ints, place: int, new: int) -> int:
    return _moved(params, memory, place, new, 1)


def _blame(params: Ints, memory: Ints, place: int, new: int) -> int:
    """How often the task of a term runs while the capacity is exceeded; or an amount is negative. The capacity counts."""
    tasks = params[OWN]
    if place == 3 * tasks:
        return 1
    task = place % tasks
    start, duration, demand = memory[task], memory[tasks + task], memory[2 * tasks + task]
    capacity = max(0, memory[3 * tasks])
    found = int(duration < 0) + int(demand < 0) + int(memory[params[0] + task] > capacity)
    for i in range(tasks):
        if memory[params[0] + i] > capacity:
            found += int(_running(start, duration, demand, memory[i]) > 0)
    return found


_MOVES = by_place("Cumulative", _begin, _peek, _put, suggest_start, _blame)
