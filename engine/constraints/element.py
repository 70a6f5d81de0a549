"""Element: an array's entry at a variable index."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from ..values import Domain, Term
from .base import Parameters
from .function import Function
from .move_form import Code, Ints, MoveForm, packed
from .term_moves import recomputed, term, term_params

if TYPE_CHECKING:
    from ortools.sat.python import cp_model
    from torch import Tensor

    from ..posting import Posting


@dataclass(frozen=True)
class Element(Function):
    """``array[index] = value``, the index counted from 0; an index outside the array violates it.

    The violation degree is 1.
    """

    array: tuple[Term, ...]
    index: Term
    value: Term

    of = ("array", "index", "value")
    nonempty = ("array",)

    def holds(self, array: tuple[int, ...], index: int, value: int) -> bool:
        return 0 <= index < len(array) and array[index] == value

    @staticmethod
    def distance(p: Parameters, array: Tensor, index: Tensor, value: Tensor) -> Tensor:
        length = array.shape[-1]
        lead = np.broadcast_shapes(array.shape[:-1], index.shape)
        place = index.expand(lead).clamp(0, length - 1)[..., None]
        entry = array.expand(*lead, -1).gather(-1, place)[..., 0]
        return (entry != value) | (index < 0) | (index >= length)

    def move_form(self, domains: Mapping[str, Domain], code: Code) -> MoveForm:
        if any(isinstance(each, str) for each in self.array):
            return MoveForm(packed(len(self.array), term_params(self)), 1, _MOVES)
        return MoveForm(_constant(self.array, *term_params(self)[2 * len(self.array) :]), 1, _MOVES)

    def reach(self, to: Posting) -> tuple[int, int]:
        return to.hull(self.array)

    def defined(self, to: Posting) -> cp_model.LiteralT:
        return to.within(self.index, 0, len(self.array) - 1)

    def define(self, to: Posting, result: cp_model.LinearExprT) -> None:
        inside, index = self.defined(to), to.term(self.index)
        if inside is False:
            to.model.add(result == to.term(self.array[0]))
            return
        if inside is not True and to.conditional:  # elsewhere the index is restricted to the array
            index = to.integer(0, len(self.array) - 1)  # the index, or 0 for an index outside the array
            to.model.add(index == to.term(self.index)).only_enforce_if(inside)
            to.model.add(index == 0).only_enforce_if(to.opposite(inside))
        to.model.add_element(index, to.terms(self.array), result)


# The move form. Parameters: the length of the array, its terms, the index, the value.


@lru_cache(maxsize=8)  # a matrix of distances is often the array of hundreds of constraints: they share one array
def _constant(array: tuple[int, ...], *others: int) -> np.ndarray:
    """The parameters where all entries are integers.

    Args:
        array: the entries.
        others: the terms of the index and of the value, see ``term_params``.
    """
    entries = np.full((len(array), 2), -1, dtype=np.int64)
    entries[:, 1] = array
    return packed(len(array), entries, others)


def _degree(values: Ints, scope: Ints, params: Ints) -> int:
    length = params[0]
    index = term(values, scope, params, 1 + 2 * length)
    if index < 0 or index >= length:
        return 1
    return int(term(values, scope, params, 1 + 2 * index) != term(values, scope, params, 3 + 2 * length))


def _suggest(values: Ints, scope: Ints, size: int, params: Ints, memory: Ints, slot: int, new: int) -> int:
    """The entry, the value for the entry, or an index of the value; the search begins at a random place."""
    length = params[0]
    index = term(values, scope, params, 1 + 2 * length)
    value = term(values, scope, params, 3 + 2 * length)
    if params[1 + 2 * length] == slot:
        for i in range(length):
            place = (new + i) % length
            if term(values, scope, params, 1 + 2 * place) == value:
                return place
    elif index >= 0 and index < length:
        if params[3 + 2 * length] == slot:
            return term(values, scope, params, 1 + 2 * index)
        if params[1 + 2 * index] == slot:
            return value
    return values[scope[slot]]


_MOVES = recomputed("Element", _degree, _suggest)
