"""AllEqual: all terms have one value."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from ..values import Domain, Term, integers, set_fields
from .base import Parameters
from .counting import distinct, is_exempt, listed, runs, value_counts
from .move_arithmetic import clear_counts, count, count_less, count_more
from .move_form import Code, Ints, MoveForm
from .term_moves import OWN, by_place, placed
from .terms import TermConstraint, largest_of

if TYPE_CHECKING:
    from torch import Tensor

    from ..posting import Posting


@dataclass(frozen=True)
class AllEqual(TermConstraint):
    """All items have the same value, apart from those with an exempt value.

    The violation degree is the least number of items that must change.

    Args:
        items: the terms.
        exempt: the exempt values.
    """

    items: tuple[Term, ...]
    exempt: tuple[int, ...] = ()

    of = ("items",)
    unordered = ("items", "exempt")

    def __post_init__(self) -> None:
        super().__post_init__()
        set_fields(self, exempt=integers(self.exempt, "AllEqual: exempt"))

    def holds(self, items: tuple[int, ...]) -> bool:
        return len(set(items) - set(self.exempt)) <= 1

    @staticmethod
    def distance(p: Parameters, items: Tensor) -> Tensor:
        counts, _, repeats = runs(items, p["exempt"])
        return counts.sum(-1) - (repeats * counts).amax(-1)

    def constants(self) -> dict[str, np.ndarray]:
        return {"exempt": listed(set(self.exempt))}

    def layout(self) -> Hashable:
        return super().layout(), len(set(self.exempt))

    def move_form(self, domains: Mapping[str, Domain], code: Code) -> MoveForm:
        layout, cells = value_counts(self.items, self.exempt, domains)
        return placed(self, _MOVES, layout, memory=len(self.items) + 3 + cells)

    def magnitudes(self, largest: Mapping[str, int]) -> Mapping[str, int]:
        return largest_of({"the items": self.items}, largest)

    def post(self, to: Posting) -> None:
        if self.exempt:
            to.model.add(distinct(to, self.items, self.exempt) <= 1)
        else:
            for left, right in pairwise(to.terms(self.items)):
                to.model.add(left == right)

    def post_negation(self, to: Posting) -> None:
        if self.exempt:
            to.model.add(distinct(to, self.items, self.exempt) >= 2)
        else:
            to.model.add_bool_or([to.opposite(to.equal(left, right)) for left, right in pairwise(self.items)])


# The move form. Parameters: the layout of the counts by value, the number of exempt values, the exempt values. Memory: how many
# items count; the largest count of a value; how many values have each count; the counts.


def _begin(params: Ints, memory: Ints) -> int:
    items = params[0]
    for i in range(items, 2 * items + 3):
        memory[i] = 0
    base = 2 * items + 3
    clear_counts(params, OWN, memory, base)
    for i in range(items):
        if not is_exempt(params, memory[i]):
            _include(params, memory, memory[i])
    return memory[items] - memory[items + 1]


def _include(params: Ints, memory: Ints, value: int) -> None:
    items = params[0]
    before = count_more(params, OWN, memory, 2 * items + 3, value)
    memory[items] += 1
    memory[items + 2 + before] -= 1
    memory[items + 3 + before] += 1
    memory[items + 1] = max(memory[items + 1], before + 1)


def _exclude(params: Ints, memory: Ints, value: int) -> None:
    items = params[0]
    after = count_less(params, OWN, memory, 2 * items + 3, value)
    memory[items] -= 1
    memory[items + 2 + after] += 1
    memory[items + 3 + after] -= 1
    if memory[items + 3 + after] == 0 and memory[items + 1] == after + 1:
        memory[items + 1] = after


def _peek(params: Ints, memory: Ints, place: int, new: int) -> int:
    items, old = params[0], memory[place]
    if old == new:
        return 0
    number, largest = memory[items], memory[items + 1]
    degree = number - largest
    if not is_exempt(params, old):
        number -= 1
        if count(params, OWN, memory, 2 * items + 3, old) == largest and memory[items + 2 + largest] == 1:
            largest -= 1
    if not is_exempt(params, new):
        number += 1
        largest = max(largest, count(params, OWN, memory, 2 * items + 3, new) + 1)
    return number - largest - degree


def _put(params: Ints, memory: Ints, place: int, new: int) -> int:
    items = params[0]
    degree = memory[items] - memory[items + 1]
    if not is_exempt(params, memory[place]):
        _exclude(params, memory, memory[place])
    if not is_exempt(params, new):
        _include(params, memory, new)
    memory[place] = new
    return memory[items] - memory[items + 1] - degree


def _suggest(params: Ints, memory: Ints, place: int, new: int) -> int:
    """The value of a random item."""
    return memory[new % params[0]]


_MOVES = by_place("AllEqual", _begin, _peek, _put, _suggest)
