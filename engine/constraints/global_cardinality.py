"""GlobalCardinality: how often each of some values occurs."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..lazy import torch
from ..values import Domain, Term, boolean, integers, items, set_fields
from .base import Parameters
from .counting import is_one_of
from .independent import Terms, literal_chances, mean_distance_of_sum
from .move_arithmetic import lower_bound
from .move_form import Code, Ints, MoveForm
from .term_moves import OWN, by_place, placed
from .terms import TermConstraint, largest_of, same_length

if TYPE_CHECKING:
    from ortools.sat.python import cp_model
    from torch import Tensor

    from ..posting import Posting


@dataclass(frozen=True)
class GlobalCardinality(TermConstraint):
    """Exactly ``counts[i]`` items have the value ``values[i]``; with ``closed``, no item has another value.

    The violation degree is the sum of the distances of all numbers from ``counts``, and with ``closed`` the number of
    items with other values.

    Args:
        items: the terms.
        values: integers.
        counts: a term for each value.
        closed: whether items may have no other values.
    """

    items: tuple[Term, ...]
    values: tuple[int, ...]
    counts: tuple[Term, ...]
    closed: bool = False

    of = ("items", "counts")
    unordered = ("items",)

    def __post_init__(self) -> None:
        super().__post_init__()
        values = integers(
            items(self.values, "GlobalCardinality: the values", "[1, 2]"), "GlobalCardinality: the values"
        )
        set_fields(self, values=values, closed=boolean(self.closed, 'GlobalCardinality: "closed"'))
        same_length(self, "values", "counts")

    def holds(self, items: tuple[int, ...], counts: tuple[int, ...]) -> bool:
        if self.closed and not set(items) <= set(self.values):
            return False
        return all(items.count(value) == count for value, count in zip(self.values, counts, strict=True))

    @staticmethod
    def distance(p: Parameters, items: Tensor, counts: Tensor) -> Tensor:
        found = (items[..., None, :] == p["values"][..., None]).sum(-1)
        other = (~is_one_of(items, p["values"])).sum(-1)
        return (found - counts).abs().sum(-1) + other * p["closed"]

    @staticmethod
    def expectation(p: Parameters, items: Terms, counts: Terms) -> Tensor:
        chances = literal_chances(items, p["values"])  # [..., values, n]
        ones = torch.ones_like(chances, dtype=torch.int64)
        apart = mean_distance_of_sum(chances, ones, chances.shape[-1], counts).sum(-1)
        other = (items.chance * ~is_one_of(items.number, p["values"][..., None, :])).sum((-1, -2))
        return apart + other * p["closed"]

    def entries(self, size: int) -> int:
        return len(self.items) * size * (1 + len(self.values)) * (1 + len(self.items))

    def constants(self) -> dict[str, np.ndarray]:
        return {"values": np.array(self.values, dtype=np.int64), "closed": np.array(int(self.closed))}

    def move_form(self, domains: Mapping[str, Domain], code: Code) -> MoveForm:
        distinct = sorted(set(self.values))
        number = {value: i for i, value in enumerate(distinct)}
        numbers = [number[value] for value in self.values]
        counts = sorted(range(len(numbers)), key=numbers.__getitem__)
        first = OWN + 3 + 2 * len(distinct)
        ends = [first + bisect_left(sorted(numbers), i) for i in range(len(distinct) + 1)]
        return placed(self, _MOVES, self.closed, len(distinct), distinct, ends, counts, numbers, memory=len(distinct))

    def magnitudes(self, largest: Mapping[str, int]) -> Mapping[str, int]:
        reached = {f"count {i}": count for i, count in enumerate(self.counts)}
        return {"the items": len(self.items), **largest_of(reached, largest)}

    def post(self, to: Posting) -> None:
        for number, count in self._numbers(to):
            to.model.add(number == count)
        if self.closed:
            to.model.add_bool_and([to.member(item, self.values) for item in self.items])
        if len(set(self.values)) == len(self.values):  # implied, and CP-SAT does not find it by itself
            total = sum(to.terms(self.counts))
            to.model.add(total == len(self.items) if self.closed else total <= len(self.items))

    def post_negation(self, to: Posting) -> None:
        wrong = [to.truth(number != count, number == count) for number, count in self._numbers(to)]
        if self.closed:
            wrong += [to.opposite(to.member(item, self.values)) for item in self.items]
        to.model.add_bool_or(wrong)

    def _numbers(self, to: Posting) -> list[tuple[cp_model.LinearExprT, cp_model.LinearExprT]]:
        """How many items have each value, and the term that it must equal."""
        numbers = [sum(to.literal(item, value) for item in self.items) for value in self.values]
        return list(zip(numbers, to.terms(self.counts), strict=True))


# The move form. Parameters: whether the values are closed, the number of distinct values, the values in increasing
# order, the first count of each and the end of the last, the numbers of the counts, and for each count the number of its
# value. Memory: how many items have each distinct value.


def _number(params: Ints, value: int) -> int:
    """The number of a distinct value, or -1."""
    distinct = params[OWN + 1]
    at = lower_bound(params, OWN + 2, distinct, value)
    return at - OWN - 2 if at < OWN + 2 + distinct and params[at] == value else -1


def _apart(params: Ints, memory: Ints, number: int, found: int) -> int:
    """The sum of the distances of a number of items from the counts of a value."""
    distinct = params[OWN + 1]
    ends = OWN + 2 + distinct
    items = params[0] - params[ends + distinct] + params[ends]
    apart = 0
    for i in range(params[ends + number], params[ends + number + 1]):
        apart += abs(found - memory[items + params[i]])
    return apart


def _begin(params: Ints, memory: Ints) -> int:
    distinct = params[OWN + 1]
    ends = OWN + 2 + distinct
    items = params[0] - params[ends + distinct] + params[ends]
    for number in range(distinct):
        memory[params[0] + number] = 0
    degree = 0
    for i in range(items):
        number = _number(params, memory[i])
        if number >= 0:
            memory[params[0] + number] += 1
        else:
            degree += params[OWN]
    for number in range(distinct):
        degree += _apart(params, memory, number, memory[params[0] + number])
    return degree


def _peek(params: Ints, memory: Ints, place: int, new: int) -> int:
    old = memory[place]
    distinct = params[OWN + 1]
    ends = OWN + 2 + distinct
    items = params[0] - params[ends + distinct] + params[ends]
    if place >= items:
        found = memory[params[0] + params[params[ends + distinct] + place - items]]
        return abs(found - new) - abs(found - old)
    if old == new:
        return 0
    change = 0
    before, after = _number(params, old), _number(params, new)
    if before >= 0:
        found = memory[params[0] + before]
        change += _apart(params, memory, before, found - 1) - _apart(params, memory, before, found)
    else:
        change -= params[OWN]
    if after >= 0:
        found = memory[params[0] + after]
        change += _apart(params, memory, after, found + 1) - _apart(params, memory, after, found)
    else:
        change += params[OWN]
    return change


def _put(params: Ints, memory: Ints, place: int, new: int) -> int:
    change = _peek(params, memory, place, new)
    distinct = params[OWN + 1]
    ends = OWN + 2 + distinct
    if place < params[0] - params[ends + distinct] + params[ends]:
        before, after = _number(params, memory[place]), _number(params, new)
        if before >= 0:
            memory[params[0] + before] -= 1
        if after >= 0:
            memory[params[0] + after] += 1
    memory[place] = new
    return change


def _suggest(params: Ints, memory: Ints, place: int, new: int) -> int:
    """The count of a value; for an item the first value from a random one on with too few items, else any."""
    distinct = params[OWN + 1]
    ends = OWN + 2 + distinct
    items = params[0] - params[ends + distinct] + params[ends]
    if place >= items:
        return memory[params[0] + params[params[ends + distinct] + place - items]]
    for i in range(distinct):
        number = (new + i) % distinct
        found = memory[params[0] + number]
        if _apart(params, memory, number, found + 1) < _apart(params, memory, number, found):
            return params[OWN + 2 + number]
    return params[OWN + 2 + new % distinct] if distinct else memory[place]


_MOVES = by_place("GlobalCardinality", _begin, _peek, _put, _suggest)
