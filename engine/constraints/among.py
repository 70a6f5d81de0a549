"""Among: how many terms have one of some values."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..lazy import torch
from ..values import Domain, Term, integers, set_fields
from .base import Parameters
from .counting import Counting, by_difference, is_one_of, listed
from .independent import Terms, mean_distance_of_sum
from .move_arithmetic import is_listed
from .move_form import Code, Ints, MoveForm
from .term_moves import OWN, placed
from .terms import largest_of

if TYPE_CHECKING:
    from ortools.sat.python import cp_model
    from torch import Tensor

    from ..posting import Posting


@dataclass(frozen=True)
class Among(Counting):
    """Exactly ``count`` of the items have a value of ``values``. The violation degree is the distance from ``count``.

    Args:
        items: the terms.
        values: integers; a repeated one counts once.
        count: a term.
    """

    items: tuple[Term, ...]
    values: tuple[int, ...]
    count: Term

    of = ("items", "count")
    unordered = ("items", "values")

    def __post_init__(self) -> None:
        super().__post_init__()
        set_fields(self, values=integers(self.values, "Among: the values"))

    def holds(self, items: tuple[int, ...], count: int) -> bool:
        return sum(item in self.values for item in items) == count

    @staticmethod
    def distance(p: Parameters, items: Tensor, count: Tensor) -> Tensor:
        return (is_one_of(items, p["values"]).sum(-1) - count).abs()

    @staticmethod
    def expectation(p: Parameters, items: Terms, count: Terms) -> Tensor:
        chances = (items.chance * is_one_of(items.number, p["values"][..., None, :])).sum(-1)  # [..., n]
        span = chances.shape[-1]
        return mean_distance_of_sum(chances, torch.ones_like(chances, dtype=torch.int64), span, count)

    def entries(self, size: int) -> int:
        return len(self.items) * size * (1 + len(self.values) + len(self.items))

    def constants(self) -> dict[str, np.ndarray]:
        return {"values": listed(set(self.values))}

    def layout(self) -> Hashable:
        return super().layout(), len(set(self.values))

    def move_form(self, domains: Mapping[str, Domain], code: Code) -> MoveForm:
        values = sorted(set(self.values))
        return placed(self, _MOVES, len(values), values, memory=1)

    def magnitudes(self, largest: Mapping[str, int]) -> Mapping[str, int]:
        return {"the items": len(self.items), **largest_of({"the count": self.count}, largest)}

    def total(self, to: Posting) -> cp_model.LinearExprT:
        return sum(to.member(item, self.values) for item in self.items)


# The move form. Parameters: the number of values, the values. Memory: how many items have one, minus the count.


def _more(params: Ints, memory: Ints, place: int, new: int) -> int:
    number = params[OWN]
    return int(is_listed(params, OWN + 1, number, new)) - int(is_listed(params, OWN + 1, number, memory[place]))


def _begin(params: Ints, memory: Ints) -> int:
    items = params[0] - 1
    difference = -memory[items]
    for i in range(items):
        difference += int(is_listed(params, OWN + 1, params[OWN], memory[i]))
    memory[items + 1] = difference
    return abs(difference)


def _suggest(params: Ints, memory: Ints, place: int, new: int) -> int:
    """One of the values, if too few items have one."""
    return params[OWN + 1 + new % params[OWN]] if memory[params[0]] < 0 and params[OWN] else memory[place]


_MOVES = by_difference("Among", _begin, _more, suggest=_suggest)
