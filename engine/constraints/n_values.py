"""NValues: the number of distinct values."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..values import Domain, Term, integers, set_fields
from .base import Parameters
from .counting import Counting, distinct, listed, runs
from .move_arithmetic import clear_counts, count, count_less, count_more, is_listed
from .move_form import Code, Ints, MoveForm, counter
from .term_moves import OWN, by_place, placed, term_bounds
from .terms import largest_of

if TYPE_CHECKING:
    from ortools.sat.python import cp_model
    from torch import Tensor

    from ..posting import Posting


@dataclass(frozen=True)
class NValues(Counting):
    """The items have exactly ``count`` distinct values. The violation degree is the distance from ``count``.

    Args:
        items: the terms.
        count: a term.
        exempt: values that do not count.
    """

    items: tuple[Term, ...]
    count: Term
    exempt: tuple[int, ...] = ()

    of = ("items", "count")
    unordered = ("items", "exempt")

    def __post_init__(self) -> None:
        super().__post_init__()
        set_fields(self, exempt=integers(self.exempt, "NValues: exempt"))

    def holds(self, items: tuple[int, ...], count: int) -> bool:
        return len(set(items) - set(self.exempt)) == count

    @staticmethod
    def distance(p: Parameters, items: Tensor, count: Tensor) -> Tensor:
        _, new, _ = runs(items, p["exempt"])
        return (new.sum(-1) - count).abs()

    def constants(self) -> dict[str, np.ndarray]:
        return {"exempt": listed(set(self.exempt))}

    def layout(self) -> Hashable:
        return super().layout(), len(set(self.exempt))

    def move_form(self, domains: Mapping[str, Domain], code: Code) -> MoveForm:
        exempt = sorted(set(self.exempt))
        layout, cells = counter(*term_bounds(domains, self.items), len(self.items))
        return placed(self, _MOVES, layout, len(exempt), exempt, memory=1 + cells)

    def magnitudes(self, largest: Mapping[str, int]) -> Mapping[str, int]:
        return {"the items": len(self.items), **largest_of({"the count": self.count}, largest)}

    def total(self, to: Posting) -> cp_model.LinearExprT:
        return distinct(to, self.items, self.exempt)


# The move form. Parameters: the layout of the counts by value, the number of exempt values, the exempt values. Memory: the number
# of distinct values minus the count; the counts.


def _more(params: Ints, memory: Ints, place: int, new: int) -> int:
    """By how much the difference grows."""
    old = memory[place]
    items = params[0] - 1
    if place == items:
        return old - new
    if old == new:
        return 0
    more = 0
    if not is_listed(params, OWN + 3, params[OWN + 2], old) and count(params, OWN, memory, items + 2, old) == 1:
        more -= 1
    if not is_listed(params, OWN + 3, params[OWN + 2], new) and count(params, OWN, memory, items + 2, new) == 0:
        more += 1
    return more


def _begin(params: Ints, memory: Ints) -> int:
    items = params[0] - 1
    clear_counts(params, OWN, memory, items + 2)
    difference = -memory[items]
    for i in range(items):
        before = count_more(params, OWN, memory, items + 2, memory[i])
        if before == 0 and not is_listed(params, OWN + 3, params[OWN + 2], memory[i]):
            difference += 1
    memory[items + 1] = difference
    return abs(difference)


def _peek(params: Ints, memory: Ints, place: int, new: int) -> int:
    difference = memory[params[0]]
    return abs(difference + _more(params, memory, place, new)) - abs(difference)


def _put(params: Ints, memory: Ints, place: int, new: int) -> int:
    difference = memory[params[0]]
    after = difference + _more(params, memory, place, new)
    memory[params[0]] = after
    items = params[0] - 1
    if place < items:
        count_less(params, OWN, memory, items + 2, memory[place])
        count_more(params, OWN, memory, items + 2, new)
    memory[place] = new
    return abs(after) - abs(difference)


def _suggest(params: Ints, memory: Ints, place: int, new: int) -> int:
    """The count; no items."""
    return memory[place] + (memory[params[0]] if place == params[0] - 1 else 0)


_MOVES = by_place("NValues", _begin, _put, _peek, _suggest)
