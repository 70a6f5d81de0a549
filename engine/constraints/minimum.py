"""Minimum: the least of several terms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..values import Term
from .base import Parameters
from .function import Function
from .independent import Terms, mean_distance_of_minimum
from .terms import largest_of, refuse_empty

if TYPE_CHECKING:
    from ortools.sat.python import cp_model
    from torch import Tensor

    from ..posting import Posting


@dataclass(frozen=True)
class Minimum(Function):
    """``min(items) = value``. The violation degree is ``|min(items) - value|``."""

    items: tuple[Term, ...]
    value: Term

    of = ("items", "value")
    unordered = ("items",)

    def __post_init__(self) -> None:
        super().__post_init__()
        refuse_empty(self, "items")

    def holds(self, items: tuple[int, ...], value: int) -> bool:
        return min(items) == value

    @staticmethod
    def distance(p: Parameters, items: Tensor, value: Tensor) -> Tensor:
        return (items.amin(-1) - value).abs()

    @staticmethod
    def expectation(p: Parameters, items: Terms, value: Terms) -> Tensor:
        return mean_distance_of_minimum(items, value)

    def entries(self, size: int) -> int:
        return (len(self.items) * size) ** 2

    def magnitudes(self, largest: Mapping[str, int]) -> Mapping[str, int]:
        return largest_of({"the items": self.items, "the value": self.value}, largest)

    def reach(self, to: Posting) -> tuple[int, int]:
        ends = [to.bounds(each) for each in self.items]
        return min(low for low, _ in ends), min(high for _, high in ends)

    def define(self, to: Posting, result: cp_model.LinearExprT) -> None:
        to.model.add_min_equality(result, to.terms(self.items))
