"""Increasing: terms in ascending order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from ..values import Domain, Term, boolean, set_fields
from .base import Parameters
from .independent import Terms, mean_of_difference
from .move_form import Code, Ints, MoveForm
from .term_moves import OWN, by_place, placed
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

    def move_form(self, domains: Mapping[str, Domain], code: Code) -> MoveForm:
        return placed(self, _MOVES, self.strict)

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


# The move form. Parameter: whether the order is strict.


def _gap(params: Ints, left: int, right: int) -> int:
    return max(0, left - right + params[OWN])


def _begin(params: Ints, memory: Ints) -> int:
    degree = 0
    for i in range(params[0] - 1):
        degree += _gap(params, memory[i], memory[i + 1])
    return degree


def _peek(params: Ints, memory: Ints, place: int, new: int) -> int:
    old = memory[place]
    change = 0
    if place > 0:
        change += _gap(params, memory[place - 1], new) - _gap(params, memory[place - 1], old)
    if place + 1 < params[0]:
        change += _gap(params, new, memory[place + 1]) - _gap(params, old, memory[place + 1])
    return change


def _suggest(params: Ints, memory: Ints, place: int, new: int) -> int:
    """The nearest value that is in order with one neighbour."""
    old, strict = memory[place], params[OWN]
    if place > 0 and (place + 1 == params[0] or new & 1):
        return max(old, memory[place - 1] + strict)
    return min(old, memory[place + 1] - strict) if place + 1 < params[0] else old


def _blame(params: Ints, memory: Ints, place: int, new: int) -> int:
    found = 0
    if place > 0:
        found += _gap(params, memory[place - 1], memory[place])
    if place + 1 < params[0]:
        found += _gap(params, memory[place], memory[place + 1])
    return found


_MOVES = by_place("Increasing", _begin, _peek, suggest=_suggest, blame=_blame)
