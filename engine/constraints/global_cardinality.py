"""GlobalCardinality: how often each of some values occurs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..lazy import torch
from ..values import Term, boolean, integers, items, set_fields
from .base import Parameters
from .counting import is_one_of
from .independent import Terms, literal_chances, mean_distance_of_sum
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
