"""Knapsack: the weight and the profit of chosen numbers of things."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..values import Domain, Term, integers, items, set_fields
from .base import Parameters
from .move_form import Code, Ints, MoveForm
from .term_moves import OWN, by_place, placed
from .terms import TermConstraint, largest_of, same_length

if TYPE_CHECKING:
    from ortools.sat.python import cp_model
    from torch import Tensor

    from ..posting import Posting


@dataclass(frozen=True)
class Knapsack(TermConstraint):
    """The counts have the total weight ``weight`` and the total profit ``profit``.

    In formulas: ``sum(weights * counts) = weight`` and ``sum(profits * counts) = profit``. The violation degree is the
    sum of the two distances.

    Args:
        counts: for each thing, the term that says how often it is taken.
        weights, profits: an integer for each thing.
        weight, profit: the totals, as terms.
    """

    counts: tuple[Term, ...]
    weights: tuple[int, ...]
    weight: Term
    profits: tuple[int, ...]
    profit: Term

    of = ("counts", "weight", "profit")

    def __post_init__(self) -> None:
        super().__post_init__()
        for field in ("weights", "profits"):
            what = f"Knapsack: the {field}"
            set_fields(self, **{field: integers(items(getattr(self, field), what, "[3, 2]"), what)})
        same_length(self, "counts", "weights", "profits")

    def holds(self, counts: tuple[int, ...], weight: int, profit: int) -> bool:
        return _dot(self.weights, counts) == weight and _dot(self.profits, counts) == profit

    @staticmethod
    def distance(p: Parameters, counts: Tensor, weight: Tensor, profit: Tensor) -> Tensor:
        return ((p["weights"] * counts).sum(-1) - weight).abs() + ((p["profits"] * counts).sum(-1) - profit).abs()

    def constants(self) -> dict[str, np.ndarray]:
        return {
            "weights": np.array(self.weights, dtype=np.int64),
            "profits": np.array(self.profits, dtype=np.int64),
        }

    def move_form(self, domains: Mapping[str, Domain], code: Code) -> MoveForm:
        return placed(self, _MOVES, self.weights, self.profits, memory=2)

    def magnitudes(self, largest: Mapping[str, int]) -> Mapping[str, int]:
        counts = largest_of({str(i): count for i, count in enumerate(self.counts)}, largest).values()
        sums = {
            "the weights": sum(abs(weight) * count for weight, count in zip(self.weights, counts, strict=True)),
            "the profits": sum(abs(profit) * count for profit, count in zip(self.profits, counts, strict=True)),
        }
        return {**sums, **largest_of({"the weight": self.weight, "the profit": self.profit}, largest)}

    def post(self, to: Posting) -> None:
        for total, wanted in self._totals(to):
            to.model.add(total == wanted)

    def post_negation(self, to: Posting) -> None:
        to.model.add_bool_or([to.truth(total != wanted, total == wanted) for total, wanted in self._totals(to)])

    def _totals(self, to: Posting) -> list[tuple[cp_model.LinearExprT, cp_model.LinearExprT]]:
        counts = to.terms(self.counts)
        pairs = ((self.weights, self.weight), (self.profits, self.profit))
        return [(_dot(numbers, counts), to.term(wanted)) for numbers, wanted in pairs]


def _dot(numbers: Sequence[int], counts: Sequence[cp_model.LinearExprT]) -> cp_model.LinearExprT:
    return sum(number * count for number, count in zip(numbers, counts, strict=True))


# The move form. Parameters: the weights, the profits. Memory: how far the weight and the profit exceed their totals.


def _more(params: Ints, memory: Ints, place: int, new: int, which: int) -> int:
    """By how much a difference grows: that of the weight (0) or of the profit (1)."""
    counts = params[0] - 2
    rise = new - memory[place]
    if place < counts:
        return params[OWN + which * counts + place] * rise
    return -rise if place == counts + which else 0


def _begin(params: Ints, memory: Ints) -> int:
    counts = params[0] - 2
    degree = 0
    for which in range(2):
        difference = -memory[counts + which]
        for i in range(counts):
            difference += params[OWN + which * counts + i] * memory[i]
        memory[params[0] + which] = difference
        degree += abs(difference)
    return degree


def _peek(params: Ints, memory: Ints, place: int, new: int) -> int:
    change = 0
    for which in range(2):
        difference = memory[params[0] + which]
        change += abs(difference + _more(params, memory, place, new, which)) - abs(difference)
    return change


def _put(params: Ints, memory: Ints, place: int, new: int) -> int:
    change = _peek(params, memory, place, new)
    for which in range(2):
        memory[params[0] + which] += _more(params, memory, place, new, which)
    memory[place] = new
    return change


def _suggest(params: Ints, memory: Ints, place: int, new: int) -> int:
    """The weight and the profit; no counts."""
    counts = params[0] - 2
    return memory[place] + (memory[params[0] + place - counts] if place >= counts else 0)


_MOVES = by_place("Knapsack", _begin, _peek, _put, _suggest)
