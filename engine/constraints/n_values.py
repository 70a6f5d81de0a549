"""NValues: the number of distinct values."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..values import Domain, Term, integers, set_fields
from .base import Parameters
from .counting import Counting, by_difference, distinct, is_exempt, listed, runs, value_counts
from .move_arithmetic import clear_counts, count, count_less, count_more
from .move_form import Code, Ints, MoveForm
from .term_moves import OWN, placed
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
        layout, cells = value_counts(self.items, self.exempt, domains)
        return placed(self, _MOVES, layout, memory=1 + cells)

    def magnitudes(self, largest: Mapping[str, int]) -> Mapping[str, int]:
        return {"the items": len(self.items), **largest_of({"the count": self.count}, largest)}

    def total(self, to: Posting) -> cp_model.LinearExprT:
        return distinct(to, self.items, self.exempt)


# The move form. Parameters: the layout of the counts by value, the number of exempt values, the exempt values. Memory: the
# number of distinct values minus the count; the counts.


def _more(params: Ints, memory: Ints, place: int, new: int) -> int:
    old = memory[place]
    if old == new:
        return 0
    counts, more = params[0] + 1, 0
    if count(params, OWN, memory, counts, old) == 1 and not is_exempt(params, old):
        more -= 1
    if count(params, OWN, memory, counts, new) == 0 and not is_exempt(params, new):
        more += 1
    return more


def _keep(params: Ints, memory: Ints, place: int, new: int) -> int:
    count_less(params, OWN, memory, params[0] + 1, memory[place])
    count_more(params, OWN, memory, params[0] + 1, new)
    return 0


def _begin(params: Ints, memory: Ints) -> int:
    items = params[0] - 1
    clear_counts(params, OWN, memory, items + 2)
    difference = -memory[items]
    for i in range(items):
        if count_more(params, OWN, memory, items + 2, memory[i]) == 0 and not is_exempt(params, memory[i]):
            difference += 1
    memory[items + 1] = difference
    return abs(difference)


def _suggest(params: Ints, memory: Ints, place: int, new: int) -> int:
    """The value of a random item, if there are too many values."""
    return memory[new % (params[0] - 1)] if memory[params[0]] > 0 else memory[place]


_MOVES = by_difference("NValues", _begin, _more, _keep, _suggest)
