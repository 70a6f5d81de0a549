"""Maximum: the largest of several terms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..values import Domain
from .base import Parameters
from .extreme import MOVES, Extreme
from .independent import Terms, mean_distance_of_minimum
from .move_form import Code, MoveForm
from .term_moves import placed

if TYPE_CHECKING:
    from ortools.sat.python import cp_model
    from torch import Tensor

    from ..posting import Posting


@dataclass(frozen=True)
class Maximum(Extreme):
    """``max(items) = value``. The violation degree is ``|max(items) - value|``.

    Args:
        items: at least one term.
        value: a term.
    """

    def holds(self, items: tuple[int, ...], value: int) -> bool:
        return max(items) == value

    @staticmethod
    def distance(p: Parameters, items: Tensor, value: Tensor) -> Tensor:
        return (items.amax(-1) - value).abs()

    def move_form(self, domains: Mapping[str, Domain], code: Code) -> MoveForm:
        return placed(self, MOVES, -1, memory=2)

    @staticmethod
    def expectation(p: Parameters, items: Terms, value: Terms) -> Tensor:
        # The largest item is the negation of the least negated one.
        return mean_distance_of_minimum(*(Terms(each.chance, -each.number) for each in (items, value)))

    def reach(self, to: Posting) -> tuple[int, int]:
        ends = [to.bounds(each) for each in self.items]
        return max(low for low, _ in ends), max(high for _, high in ends)

    def define(self, to: Posting, result: cp_model.LinearExprT) -> None:
        to.model.add_max_equality(result, to.terms(self.items))
