"""NValues: the number of distinct values."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..values import Term, integers, set_fields
from .base import Parameters
from .counting import Counting, distinct, listed, runs
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

    def magnitudes(self, largest: Mapping[str, int]) -> Mapping[str, int]:
        return {"the items": len(self.items), **largest_of({"the count": self.count}, largest)}

    def total(self, to: Posting) -> cp_model.LinearExprT:
        return distinct(to, self.items, self.exempt)
