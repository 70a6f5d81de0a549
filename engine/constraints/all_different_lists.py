"""AllDifferentLists: lists of terms that differ from each other."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from ..errors import GraphError
from ..values import Domain, Term, integers, items, set_fields
from .base import Parameters
from .move_form import Code, Ints, MoveForm
from .term_moves import OWN, by_place, placed
from .terms import TermConstraint, largest_of

if TYPE_CHECKING:
    from ortools.sat.python import cp_model
    from torch import Tensor

    from ..posting import Posting


@dataclass(frozen=True)
class AllDifferentLists(TermConstraint):
    """No two lists have equal values at all positions, apart from lists that equal an exempt one.

    The violation degree is the number of lists that repeat an earlier one.

    Args:
        lists: equally long lists of terms.
        exempt: lists of integers, of the same length.
    """

    lists: tuple[tuple[Term, ...], ...]
    exempt: tuple[tuple[int, ...], ...] = ()

    of = ("lists",)
    unordered = ("lists", "exempt")

    def __post_init__(self) -> None:
        super().__post_init__()
        what = "AllDifferentLists: exempt"
        given = items(self.exempt, what, "[[0, 0]]")
        set_fields(self, exempt=tuple(integers(items(row, what, "[[0, 0]]"), what) for row in given))
        width = len(self.lists[0]) if self.lists else 0
        for row in self.exempt:
            if len(row) != width:
                raise GraphError(f"{what}: {list(row)} has {len(row)} values, and the lists have {width}")

    def holds(self, lists: tuple[tuple[int, ...], ...]) -> bool:
        counted = [row for row in lists if row not in self.exempt]
        return len(set(counted)) == len(counted)

    @staticmethod
    def distance(p: Parameters, lists: Tensor) -> Tensor:
        same = (lists[..., :, None, :] == lists[..., None, :, :]).all(-1).tril(-1).any(-1)  # [..., n]
        exempt = (lists[..., :, None, :] == p["exempt"][..., None, :, :]).all(-1).any(-1)
        return (same & ~exempt).sum(-1)

    def constants(self) -> dict[str, np.ndarray]:
        width = len(self.lists[0]) if self.lists else 0
        return {"exempt": np.array(self.exempt, dtype=np.int64).reshape(-1, width)}

    def layout(self) -> Hashable:
        return super().layout(), len(self.exempt)

    def move_form(self, domains: Mapping[str, Domain], code: Code) -> MoveForm:
        return placed(self, _MOVES, len(self.lists[0]), len(self.exempt), *self.exempt)

    def magnitudes(self, largest: Mapping[str, int]) -> Mapping[str, int]:
        return largest_of({"the lists": self.lists}, largest)

    def post(self, to: Posting) -> None:
        for different in self._different(to):
            to.model.add_bool_or(different)

    def post_negation(self, to: Posting) -> None:
        to.model.add_bool_or([to.opposite(to.any_of(different)) for different in self._different(to)])

    def _different(self, to: Posting) -> Iterator[list[cp_model.LiteralT]]:
        """For each pair of lists, the literals of which one must be true."""
        exempt = [
            [to.all_of(to.literal(*each) for each in zip(row, values, strict=True)) for values in self.exempt]
            for row in self.lists
        ]
        for (left, free), (right, _) in combinations(zip(self.lists, exempt, strict=True), 2):
            # Where the lists are equal, either both are exempt or none is.
            yield [*(to.opposite(to.equal(a, b)) for a, b in zip(left, right, strict=True)), *free]


# The move form. Parameters: the width of the lists, the number of exempt lists, the exempt lists.


def _repeats(params: Ints, memory: Ints, place: int, new: int) -> int:
    """1 where the list of a term, with this value there, equals another list and no exempt one; else 0."""
    width = params[OWN]
    row = place // width
    for other in range(params[0] // width):
        if other != row and _equal(memory, other * width, memory, row * width, width, place, new):
            for i in range(params[OWN + 1]):
                if _equal(params, OWN + 2 + i * width, memory, row * width, width, place, new):
                    return 0
            return 1
    return 0


def _equal(others: Ints, other: int, memory: Ints, first: int, width: int, place: int, new: int) -> bool:
    """Whether the list from ``first`` on, with one term replaced, equals one among others."""
    for i in range(width):
        value = new if first + i == place else memory[first + i]
        if others[other + i] != value:
            return False
    return True


def _begin(params: Ints, memory: Ints) -> int:
    width = params[OWN]
    degree = 0
    for row in range(params[0] // width):
        first = row * width
        for other in range(row):
            if _equal(memory, other * width, memory, first, width, first, memory[first]):
                degree += _repeats(params, memory, first, memory[first])
                break
    return degree


def _peek(params: Ints, memory: Ints, place: int, new: int) -> int:
    return _repeats(params, memory, place, new) - _repeats(params, memory, place, memory[place])


def _blame(params: Ints, memory: Ints, place: int, new: int) -> int:
    return _repeats(params, memory, place, memory[place])


_MOVES = by_place("AllDifferentLists", _begin, _peek, blame=_blame)
