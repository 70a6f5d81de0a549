"""AllEqual: all terms have one value."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from ..values import Term, integers, set_fields
from .base import Parameters
from .counting import distinct, listed, runs
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
