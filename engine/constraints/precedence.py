"""Precedence: values that occur only after others."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from ..lazy import torch
from ..values import Domain, Term, integers, items, set_fields
from .base import Parameters
from .independent import Terms, literal_chances
from .move_form import Code, Ints, MoveForm
from .term_moves import OWN, by_place, placed
from .terms import TermConstraint, largest_of

if TYPE_CHECKING:
    from ortools.sat.python import cp_model
    from torch import Tensor

    from ..posting import Posting


@dataclass(frozen=True)
class Precedence(TermConstraint):
    """An item has the value ``values[i + 1]`` only if an earlier item has the value ``values[i]``, for every i.

    It breaks the symmetry of values that can be exchanged. The violation degree is the number of items without the
    earlier item that they need.

    Args:
        items: the terms, in order.
        values: integers, in order.
    """

    items: tuple[Term, ...]
    values: tuple[int, ...]

    of = ("items",)

    def __post_init__(self) -> None:
        super().__post_init__()
        what = "Precedence: the values"
        set_fields(self, values=integers(items(self.values, what, "[1, 2]"), what))

    def holds(self, items: tuple[int, ...]) -> bool:
        pairs = pairwise(self.values)
        return all(item != then or first in items[:i] for first, then in pairs for i, item in enumerate(items))

    @staticmethod
    def distance(p: Parameters, items: Tensor) -> Tensor:
        first, then = p["values"][..., :-1, None], p["values"][..., 1:, None]  # [..., pairs, 1]
        found = items[..., None, :] == first  # [..., pairs, n]
        earlier = found.cumsum(-1) - found.long()
        return ((items[..., None, :] == then) & (earlier == 0)).sum((-1, -2))

    @staticmethod
    def expectation(p: Parameters, items: Terms) -> Tensor:
        has = literal_chances(items, p["values"])  # [..., values, n]
        lacks = (1 - has[..., :-1, :]).cumprod(-1)  # of the first value of each pair, up to each item
        lacks_before = torch.cat([torch.ones_like(lacks[..., :1]), lacks[..., :-1]], -1)
        return (has[..., 1:, :] * lacks_before).sum((-1, -2))

    def entries(self, size: int) -> int:
        return len(self.values) * len(self.items) * size

    def constants(self) -> dict[str, np.ndarray]:
        return {"values": np.array(self.values, dtype=np.int64)}

    def layout(self) -> Hashable:
        return super().layout(), len(self.values)

    def move_form(self, domains: Mapping[str, Domain], code: Code) -> MoveForm:
        return placed(self, _MOVES, len(self.values), self.values)

    def magnitudes(self, largest: Mapping[str, int]) -> Mapping[str, int]:
        return largest_of({"the items": self.items}, largest)

    def post(self, to: Posting) -> None:
        for has_then, has_earlier in self._needs(to):
            to.model.add_bool_or([to.opposite(has_then), has_earlier])

    def post_negation(self, to: Posting) -> None:
        lacking = [to.all_of([has_then, to.opposite(has_earlier)]) for has_then, has_earlier in self._needs(to)]
        to.model.add_bool_or(lacking)

    def _needs(self, to: Posting) -> Iterator[tuple[cp_model.LiteralT, cp_model.LiteralT]]:
        """For each item and pair of values: it has the second value; an earlier item has the first."""
        for first, then in pairwise(self.values):
            earlier: cp_model.LiteralT = False
            for item in self.items:
                yield to.literal(item, then), earlier
                earlier = to.any_of([earlier, to.literal(item, first)])


# The move form. Parameters: the number of values, the values.


def _lacking(params: Ints, memory: Ints, pair: int, place: int, new: int) -> int:
    """How many items lack the earlier one that a pair of values requires, with one item replaced."""
    first, then = params[OWN + 1 + pair], params[OWN + 2 + pair]
    lacking = 0
    for i in range(params[0]):
        value = new if i == place else memory[i]
        if value == then:
            lacking += 1
        if value == first:
            break
    return lacking


def _begin(params: Ints, memory: Ints) -> int:
    degree = 0
    for pair in range(params[OWN] - 1):
        degree += _lacking(params, memory, pair, -1, 0)
    return degree


def _peek(params: Ints, memory: Ints, place: int, new: int) -> int:
    old = memory[place]
    if old == new:
        return 0
    change = 0
    for pair in range(params[OWN] - 1):
        first, then = params[OWN + 1 + pair], params[OWN + 2 + pair]
        if old == first or old == then or new == first or new == then:  # noqa: SIM109
            change += _lacking(params, memory, pair, place, new) - _lacking(params, memory, pair, -1, 0)
    return change


_MOVES = by_place("Precedence", _begin, _peek)
