"""NoOverlap: tasks that run one after another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import TYPE_CHECKING, Any

from ..values import Domain, Term
from .base import Constraint, Parameters
from .move_form import Code, Ints, MoveForm
from .term_moves import OWN, by_place, placed
from .terms import TermConstraint, moves_only

if TYPE_CHECKING:
    from ortools.sat.python.cp_model import IntervalVar, LiteralT
    from torch import Tensor

    from ..posting import Posting


@dataclass(frozen=True)
class NoOverlap(TermConstraint):
    """No two tasks run at one time: task i runs from ``starts[i]`` until before ``starts[i] + durations[i]``.

    A negative duration violates it. The violation degree is the time that pairs of tasks share, plus the negative
    durations.

    Args:
        starts: a term for each task.
        durations: as many terms; a task of duration 0 overlaps with none.

    Raises:
        GraphError: the lists have different lengths.
    """

    starts: tuple[Term, ...]
    durations: tuple[Term, ...]

    of = ("starts", "durations")
    paired = ("starts", "durations")

    def holds(self, starts: tuple[int, ...], durations: tuple[int, ...]) -> bool:
        if any(duration < 0 for duration in durations):
            return False
        tasks = sorted((s, s + d) for s, d in zip(starts, durations, strict=True) if d > 0)
        return all(end <= start for (_, end), (start, _) in pairwise(tasks))

    @staticmethod
    def distance(p: Parameters, starts: Tensor, durations: Tensor) -> Tensor:
        shared = overlaps(starts, durations).sum((-1, -2))
        return shared + (-durations).clamp(min=0).sum(-1)

    def move_form(self, domains: Mapping[str, Domain], code: Code) -> MoveForm:
        return placed(self, _MOVES, len(self.starts))

    def magnitudes(self, largest: Mapping[str, int]) -> Mapping[str, int]:
        return times(super().magnitudes(largest), len(self.starts))

    def factor_kind(self) -> type[Constraint]:
        return _FixedDurations if moves_only(self, "starts") else type(self)

    def post(self, to: Posting) -> None:
        for duration in self.durations:
            if to.bounds(duration)[0] < 0:
                to.model.add(to.term(duration) >= 0)
        tasks = [
            interval(to, start, duration, positive(to, duration))
            for start, duration in zip(self.starts, self.durations, strict=True)
        ]
        to.model.add_no_overlap(tasks)

    def post_negation(self, to: Posting) -> None:
        wrong = [to.opposite(to.within(each, 0, max(0, to.bounds(each)[1]))) for each in self.durations]
        for one, other in combinations(range(len(self.starts)), 2):
            wrong.append(overlap(to, self.starts, self.durations, one, other))
        to.model.add_bool_or(wrong)


class _FixedDurations(NoOverlap):
    """The tensor form for tasks whose starts are distinct variables, and whose durations are integers."""


def overlaps(starts: Tensor, lengths: Tensor) -> Tensor:
    """The length that two intervals share, for each pair; 0 where one of them is empty.

    Args:
        starts: [..., N] int64.
        lengths: [..., N] int64.

    Returns:
        [..., N, N] int64; pairs (i, j) with i < j, else 0.
    """
    ends = starts + lengths
    first = starts[..., :, None].maximum(starts[..., None, :])
    last = ends[..., :, None].minimum(ends[..., None, :])
    return (last - first).clamp(min=0).triu(1)


def positive(to: Posting, length: Term) -> LiteralT:
    """The Boolean "this length is greater than 0".

    Args:
        to: the model under construction.
        length: a term.
    """
    return to.within(length, 1, max(1, to.bounds(length)[1]))


def before(to: Posting, start: Term, length: Term, time: Term) -> LiteralT:
    """The Boolean ``start + length <= time``.

    Args:
        to: the model under construction.
        start: a term.
        length: a term; a negative value counts as it is.
        time: a term.
    """
    end: Any = to.term(start) + to.term(length)
    late: Any = to.term(time)
    return to.truth(end <= late, end > late)


def overlap(to: Posting, starts: tuple[Term, ...], lengths: tuple[Term, ...], one: int, other: int) -> LiteralT:
    """The Boolean "these two intervals share a point".

    Args:
        to: the model under construction.
        starts: terms.
        lengths: as many terms.
        one: the number of an interval.
        other: the number of another.
    """
    reaches = to.opposite(before(to, starts[one], lengths[one], starts[other]))
    reached = to.opposite(before(to, starts[other], lengths[other], starts[one]))
    return to.all_of((positive(to, lengths[one]), positive(to, lengths[other]), reaches, reached))


def interval(to: Posting, start: Term, length: Term, present: LiteralT = True) -> IntervalVar:
    """An interval of a CP-SAT model; a negative length counts as 0.

    Args:
        to: the model under construction.
        start: a term.
        length: a term.
        present: a literal; an absent interval overlaps with none.
    """
    first, size = to.term(start), to.at_least(length, 0)
    end = first + size
    if not isinstance(first, int) and not isinstance(size, int):  # CP-SAT requires expressions of one variable
        (early, late), most = to.bounds(start), max(0, to.bounds(length)[1])
        end = to.integer(early, late + most)
        with to.defining():
            to.model.add(end == first + size)
    if present is True:
        return to.model.new_interval_var(first, size, end, "")
    return to.model.new_optional_interval_var(first, size, end, present, "")


def times(magnitudes: Mapping[str, int], count: int) -> dict[str, int]:
    """Magnitudes of sums over several tasks.

    Args:
        magnitudes: name -> largest magnitude of a term.
        count: how often each term occurs in the sum.
    """
    return {name: reached * max(count, 1) for name, reached in magnitudes.items()}


# The move form. Parameter: the number of tasks.


def shared_length(start: int, length: int, other: int, other_length: int) -> int:
    """The length that two intervals share.

    Args:
        start, length: of one.
        other, other_length: of the other.
    """
    return max(0, min(start + length, other + other_length) - max(start, other))


def _begin(params: Ints, memory: Ints) -> int:
    tasks = params[OWN]
    degree = 0
    for i in range(tasks):
        degree += max(0, -memory[tasks + i])
        for j in range(i):
            degree += shared_length(memory[i], memory[tasks + i], memory[j], memory[tasks + j])
    return degree


def _peek(params: Ints, memory: Ints, place: int, new: int) -> int:
    tasks = params[OWN]
    task = place % tasks
    start, length = memory[task], memory[tasks + task]
    new_start = new if place < tasks else start
    new_length = length if place < tasks else new
    change = max(0, -new_length) - max(0, -length)
    for i in range(tasks):
        if i != task:
            other, other_length = memory[i], memory[tasks + i]
            change += shared_length(new_start, new_length, other, other_length)
            change -= shared_length(start, length, other, other_length)
    return change


def beside(length: int, other: int, other_length: int, draw: int) -> int:
    """A start at which an interval ends where another one begins, or begins where that ends.

    Args:
        length: of the interval.
        other, other_length: the start and the length of the other one.
        draw: a random number.
    """
    return other + other_length if draw & 1 else other - length


def suggest_start(params: Ints, memory: Ints, place: int, new: int) -> int:
    """A start just before or after a random task; no duration.

    Args:
        params, memory: of a kind with starts and then durations; ``params[OWN]`` is the number of tasks.
        place: number of the term.
        new: a random number.
    """
    tasks = params[OWN]
    other = (new >> 1) % tasks
    if place >= tasks or place == other:
        return memory[place]
    return beside(memory[tasks + place], memory[other], memory[tasks + other], new)


def _blame(params: Ints, memory: Ints, place: int, new: int) -> int:
    """The time that the task of a term shares with others; or a duration is negative."""
    tasks = params[OWN]
    task = place % tasks
    start, length = memory[task], memory[tasks + task]
    shared = max(0, -length)
    for i in range(tasks):
        if i != task:
            shared += shared_length(start, length, memory[i], memory[tasks + i])
    return shared


_MOVES = by_place("NoOverlap", _begin, _peek, suggest=suggest_start, blame=_blame)
