"""Element: an array's entry at a variable index."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..lazy import torch
from ..values import Term
from .base import Parameters
from .terms import TermConstraint

if TYPE_CHECKING:
    from torch import Tensor

    from ..posting import Posting


@dataclass(frozen=True)
class Element(TermConstraint):
    """``array[index] = value``, the index counted from 0; an index outside the array violates it.

    The violation degree is 1.
    """

    array: tuple[Term, ...]
    index: Term
    value: Term

    of = ("array", "index", "value")

    def holds(self, array: tuple[int, ...], index: int, value: int) -> bool:
        return 0 <= index < len(array) and array[index] == value

    @staticmethod
    def distance(p: Parameters, array: Tensor, index: Tensor, value: Tensor) -> Tensor:
        length = array.shape[-1]
        lead = torch.broadcast_shapes(array.shape[:-1], index.shape)
        place = index.expand(lead).clamp(0, length - 1)[..., None]
        entry = array.expand(*lead, -1).gather(-1, place)[..., 0]
        return (entry != value) | (index < 0) | (index >= length)

    def post(self, to: Posting) -> None:
        to.model.add_element(to.term(self.index), to.terms(self.array), to.term(self.value))

    def post_negation(self, to: Posting) -> None:
        entry = to.integer(*to.hull(self.array))
        inside = to.within(self.index, 0, len(self.array) - 1)
        with to.only_if(inside):
            to.model.add_element(to.term(self.index), to.terms(self.array), entry)
            to.model.add(entry != to.term(self.value))
