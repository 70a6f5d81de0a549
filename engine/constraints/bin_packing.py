"""BinPacking: items of given sizes in bins of given loads."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..errors import GraphError
from ..lazy import torch
from ..values import Domain, Term, integers, items, set_fields
from .base import Parameters
from .independent import Terms, literal_chances, mean_distance_of_sum
from .move_form import Code, Ints, MoveForm
from .term_moves import OWN, by_place, placed
from .terms import MOST_ENTRIES, TermConstraint, largest_of, same_length

if TYPE_CHECKING:
    from ortools.sat.python import cp_model
    from torch import Tensor

    from ..posting import Posting


@dataclass(frozen=True)
class BinPacking(TermConstraint):
    """The sizes of the items in each bin add up to its load; an item outside all bins violates it.

    The violation degree is the sum of the distances of all sums from their loads, plus the number of items outside.
    A capacity is a load that is a variable from 0 to the capacity.

    Args:
        bins: for each item, the term that is the number of its bin, counted from 0.
        sizes: for each item, its size, an integer >= 0.
        loads: for each bin, its load, a term.
    """

    bins: tuple[Term, ...]
    sizes: tuple[int, ...]
    loads: tuple[Term, ...]

    of = ("bins", "loads")

    def __post_init__(self) -> None:
        super().__post_init__()
        what = "BinPacking: the sizes"
        set_fields(self, sizes=integers(items(self.sizes, what, "[3, 2]"), what))
        same_length(self, "bins", "sizes")
        if any(size < 0 for size in self.sizes):
            raise GraphError(f"BinPacking: the size {min(self.sizes)} is negative", "sizes are at least 0")

    def holds(self, bins: tuple[int, ...], loads: tuple[int, ...]) -> bool:
        sums = [0] * len(loads)
        for place, size in zip(bins, self.sizes, strict=True):
            if not 0 <= place < len(loads):
                return False
            sums[place] += size
        return sums == list(loads)

    @staticmethod
    def distance(p: Parameters, bins: Tensor, loads: Tensor) -> Tensor:
        count = loads.shape[-1]
        places = torch.arange(count, device=bins.device)
        inside = bins[..., None, :] == places[:, None]  # [..., bins, items]
        sums = (inside * p["sizes"][..., None, :]).sum(-1)
        return (sums - loads).abs().sum(-1) + ((bins < 0) | (bins >= count)).sum(-1)

    @staticmethod
    def expectation(p: Parameters, bins: Terms, loads: Terms) -> Tensor:
        count = loads.number.shape[-2]
        chances = literal_chances(bins, torch.arange(count, device=bins.number.device))  # [..., bins, items]
        sizes = p["sizes"][..., None, :].expand(chances.shape)
        apart = mean_distance_of_sum(chances, sizes, p["room"].shape[-1], loads).sum(-1)
        outside = (bins.number < 0) | (bins.number >= count)
        return apart + (bins.chance * outside).sum((-1, -2))

    def entries(self, size: int) -> int:
        return len(self.loads) * (1 + sum(self.sizes)) * (len(self.bins) + size)

    def constants(self) -> dict[str, np.ndarray]:
        # Room has a length only: the largest sum, which is a shape and so the same for a whole factor.
        room = sum(self.sizes) if self.has_expectation and sum(self.sizes) <= MOST_ENTRIES else 0
        return {"sizes": np.array(self.sizes, dtype=np.int64), "room": np.zeros(room, dtype=bool)}

    def layout(self) -> Hashable:
        return super().layout(), sum(self.sizes)

    def move_form(self, domains: Mapping[str, Domain], code: Code) -> MoveForm:
        return placed(self, _MOVES, len(self.bins), self.sizes, memory=len(self.loads))

    def magnitudes(self, largest: Mapping[str, int]) -> Mapping[str, int]:
        reached = {f"load {i}": load for i, load in enumerate(self.loads)}
        return {"the sizes": sum(self.sizes) + len(self.sizes), **largest_of(reached, largest)}

    def post(self, to: Posting) -> None:
        for item in self.bins:
            to.model.add_linear_constraint(to.term(item), 0, len(self.loads) - 1)
        for total, load in self._sums(to):
            to.model.add(total == load)
        to.model.add(sum(to.terms(self.loads)) == sum(self.sizes))  # implied; it prunes early

    def post_negation(self, to: Posting) -> None:
        outside = [to.opposite(to.within(item, 0, len(self.loads) - 1)) for item in self.bins]
        to.model.add_bool_or([*outside, *(to.truth(total != load, total == load) for total, load in self._sums(to))])

    def _sums(self, to: Posting) -> list[tuple[cp_model.LinearExprT, cp_model.LinearExprT]]:
        """The sum of the sizes in each bin, and the load that it must equal."""
        sums = [
            sum(size * to.literal(item, place) for item, size in zip(self.bins, self.sizes, strict=True))
            for place in range(len(self.loads))
        ]
        return list(zip(sums, to.terms(self.loads), strict=True))


# The move form. Parameters: the number of items, their sizes. Memory: how far the sum in each bin exceeds its load.


def _begin(params: Ints, memory: Ints) -> int:
    items = params[OWN]
    bins = params[0] - items
    for place in range(bins):
        memory[params[0] + place] = -memory[items + place]
    degree = 0
    for i in range(items):
        if 0 <= memory[i] < bins:
            memory[params[0] + memory[i]] += params[OWN + 1 + i]
        else:
            degree += 1
    for place in range(bins):
        degree += abs(memory[params[0] + place])
    return degree


def _outside(params: Ints, place: int) -> bool:
    return place < 0 or place >= params[0] - params[OWN]


def _peek(params: Ints, memory: Ints, place: int, new: int) -> int:
    old = memory[place]
    if old == new:
        return 0
    if place >= params[OWN]:
        difference = memory[params[0] + place - params[OWN]]
        return abs(difference + old - new) - abs(difference)
    size = params[OWN + 1 + place]
    change = int(_outside(params, new)) - int(_outside(params, old))
    if not _outside(params, old):
        difference = memory[params[0] + old]
        change += abs(difference - size) - abs(difference)
    if not _outside(params, new):
        difference = memory[params[0] + new]
        change += abs(difference + size) - abs(difference)
    return change


def _put(params: Ints, memory: Ints, place: int, new: int) -> int:
    change = _peek(params, memory, place, new)
    old = memory[place]
    if place >= params[OWN]:
        memory[params[0] + place - params[OWN]] += old - new
    else:
        size = params[OWN + 1 + place]
        if not _outside(params, old):
            memory[params[0] + old] -= size
        if not _outside(params, new):
            memory[params[0] + new] += size
    memory[place] = new
    return change


def _suggest(params: Ints, memory: Ints, place: int, new: int) -> int:
    """The load of a bin; for an item the first bin from a random one on with too small a sum, else any bin."""
    items = params[OWN]
    bins = params[0] - items
    if place >= items:
        return memory[place] + memory[params[0] + place - items]
    for i in range(bins):
        if memory[params[0] + (new + i) % bins] < 0:
            return (new + i) % bins
    return new % bins if bins else memory[place]


_MOVES = by_place("BinPacking", _begin, _peek, _put, _suggest)
