"""Increasing: terms in ascending order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from ..values import Term, boolean, set_fields
from .base import Parameters
from .independent import Terms, mean_of_difference
from .terms import TermConstraint, largest_of

if TYPE_CHECKING:
    from torch import Tensor

    from ..posting import Posting


@dataclass(frozen=True)
class Increasing(TermConstraint):
    """Each item is at most the next one; with ``strict``, it is less.

    The violation degree is the sum of the amounts by which items exceed their limits.

    Args:
        items: the terms, in order. State a decreasing sequence in reverse.
        strict: whether equal neighbours are forbidden.
    """

    items: tuple[Term, ...]
    strict: bool = False

    of = ("items",)

    def __post_init__(self) -> None:
        super().__post_init__()
        set_fields(self, strict=boolean(self.strict, 'Increasing: "strict"'))

    def holds(self, items: tuple[int, ...]) -> bool:
        return all(left + self.strict <= right for left, right in pairwise(items))

    @staticmethod
    def distance(p: Parameters, items: Tensor) -> Tensor:
        return (items[..., :-1] - items[..., 1:] + p["strict"][..., None]).clamp(min=0).sum(-1)

    @staticmethod
    def expectation(p: Parameters, items: Terms) -> Tensor:
        left = Terms(items.chance[..., :-1, :], items.number[..., :-1, :] + p["strict"][..., None, None])
        right = Terms(items.chance[..., 1:, :], items.number[..., 1:, :])
        more, _ = mean_of_difference(left, right)
        return more.sum(-1)

    def constants(self) -> dict[str, np.ndarray]:
        return {"strict": np.array(int(self.strict))}

    def magnitudes(self, largest: Mapping[str, int]) -> Mapping[str, int]:
        (reached,) = largest_of({"": self.items}, largest).values()
        return {"the items": 2 * reached + 1}

    def post(self, to: Posting) -> None:
        for left, right in pairwise(to.terms(self.items)):
            to.model.add(left + int(self.strict) <= right)

    def post_negation(self, to: Posting) -> None:
        step = int(self.strict)
        pairs = pairwise(to.terms(self.items))
        to.model.add_bool_or([to.truth(left + step > right, left + step <= right) for left, right in pairs])
