"""Product: the product of several terms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
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
class Product(Function):
    """The product of the factors is ``value``. The violation degree is the distance of the product from the value.

    A product that may exceed 2^60 is refused when the graph is built.
    """

    factors: tuple[Term, ...]
    value: Term

    of = ("factors", "value")
    unordered = ("factors",)

    def holds(self, factors: tuple[int, ...], value: int) -> bool:
        return prod(factors) == value

    @staticmethod
    def distance(p: Parameters, factors: Tensor, value: Tensor) -> Tensor:
        return (factors.prod(-1) - value).abs()

    def move_form(self, domains: Mapping[str, Domain], code: Code) -> MoveForm:
        return MoveForm(packed(len(self.factors), term_params(self)), 1, _MOVES)

    def magnitudes(self, largest: Mapping[str, int]) -> Mapping[str, int]:
        # A factor 0 counts as 1: the product of the others must not overflow either.
        reached = prod(max(1, largest_of({"": each}, largest)[""]) for each in self.factors)
        return {"the product": reached, **largest_of({"the value": self.value}, largest)}

    def reach(self, to: Posting) -> tuple[int, int]:
        low, high = 1, 1
        for each in self.factors:
            corners = [end * other for end in (low, high) for other in to.bounds(each)]
            low, high = min(corners), max(corners)
        return low, high

    def define(self, to: Posting, result: cp_model.LinearExprT) -> None:
        to.model.add_multiplication_equality(result, to.terms(self.factors))


# The move form.


def _degree(values: Ints, scope: Ints, params: Ints) -> int:
    product = 1
    for i in range(params[0]):
        product *= term(values, scope, params, 1 + 2 * i)
    return abs(product - term(values, scope, params, 1 + 2 * params[0]))


def _suggest(values: Ints, scope: Ints, size: int, params: Ints, memory: Ints, slot: int, new: int) -> int:
    """The product, or the quotient of the product and the other factors where it is an integer."""
    value = 1 + 2 * params[0]
    others = 1
    for i in range(params[0]):
        if params[1 + 2 * i] != slot:
            others *= term(values, scope, params, 1 + 2 * i)
    if params[value] == slot:
        return others
    product = term(values, scope, params, value)
    return product // others if others != 0 and product % others == 0 else values[scope[slot]]


_MOVES = recomputed("Product", _degree, _suggest)
