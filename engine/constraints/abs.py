"""Abs: the absolute value of a term."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..values import Domain, Term
from .base import Parameters
from .function import Function
from .move_form import Code, Ints, MoveForm, packed
from .term_moves import recomputed, term, term_params
from .terms import largest_of

if TYPE_CHECKING:
    from ortools.sat.python import cp_model
    from torch import Tensor

    from ..posting import Posting


@dataclass(frozen=True)
class Abs(Function):
    """``|number| = value``. The violation degree is ``||number| - value|``."""

    number: Term
    value: Term

    of = ("number", "value")

    def holds(self, number: int, value: int) -> bool:
        return abs(number) == value

    @staticmethod
    def distance(p: Parameters, number: Tensor, value: Tensor) -> Tensor:
        return (number.abs() - value).abs()

    def move_form(self, domains: Mapping[str, Domain], code: Code) -> MoveForm:
        return MoveForm(packed(term_params(self)), 1, _MOVES)

    def magnitudes(self, largest: Mapping[str, int]) -> Mapping[str, int]:
        return largest_of({"the number": self.number, "the value": self.value}, largest)

    def reach(self, to: Posting) -> tuple[int, int]:
        low, high = to.bounds(self.number)
        return max(low, -high, 0), max(-low, high)

    def define(self, to: Posting, result: cp_model.LinearExprT) -> None:
        to.model.add_abs_equality(result, to.term(self.number))


# The move form.


def _degree(values: Ints, scope: Ints, params: Ints) -> int:
    return abs(abs(term(values, scope, params, 0)) - term(values, scope, params, 2))


def _suggest(values: Ints, scope: Ints, size: int, params: Ints, memory: Ints, slot: int, new: int) -> int:
    """The value that satisfies the constraint, or one of the two."""
    number, value = term(values, scope, params, 0), term(values, scope, params, 2)
    if params[2] == slot:
        return abs(number)
    return -value if new & 1 else value


_MOVES = recomputed("Abs", _degree, _suggest)
