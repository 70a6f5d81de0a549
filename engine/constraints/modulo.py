"""Modulo: the remainder of the integer division of two terms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..lazy import torch
from ..values import Domain, Term
from .base import Parameters
from .division import nonzero, nonzero_bounds, truncated
from .function import Function
from .move_form import Code, Ints, MoveForm, packed
from .term_moves import recomputed, term, term_params
from .terms import largest_of

if TYPE_CHECKING:
    from ortools.sat.python import cp_model
    from torch import Tensor

    from ..posting import Posting


@dataclass(frozen=True)
class Modulo(Function):
    """``remainder`` is left by ``dividend / divisor``, truncated towards zero; a zero divisor violates it.

    The remainder has the sign of the dividend. The violation degree is the distance of the true remainder from
    ``remainder``, and ``1 + |remainder|`` for a zero divisor.

    Example:
        >>> Modulo(-7, 2, "r").check([-1])
        True
    """

    dividend: Term
    divisor: Term
    remainder: Term

    of = ("dividend", "divisor", "remainder")

    def holds(self, dividend: int, divisor: int, remainder: int) -> bool:
        return divisor != 0 and dividend - divisor * truncated(dividend, divisor) == remainder

    @staticmethod
    def distance(p: Parameters, dividend: Tensor, divisor: Tensor, remainder: Tensor) -> Tensor:
        zero = divisor == 0
        true = torch.fmod(dividend, torch.where(zero, 1, divisor))
        return torch.where(zero, 1 + remainder.abs(), (true - remainder).abs())

    def move_form(self, domains: Mapping[str, Domain], code: Code) -> MoveForm:
        return MoveForm(packed(term_params(self)), 1, _MOVES)

    def magnitudes(self, largest: Mapping[str, int]) -> Mapping[str, int]:
        return largest_of({"the dividend": self.dividend, "the remainder": self.remainder}, largest)

    def reach(self, to: Posting) -> tuple[int, int]:
        low, high = to.bounds(self.dividend)
        most = max(map(abs, nonzero_bounds(to, self.divisor))) - 1
        return -min(most, max(0, -low)), min(most, max(0, high))

    def defined(self, to: Posting) -> cp_model.LiteralT:
        return to.opposite(to.literal(self.divisor, 0))

    def define(self, to: Posting, result: cp_model.LinearExprT) -> None:
        divisor = nonzero(to, self.divisor)
        low, high = nonzero_bounds(to, self.divisor)
        if low < 0:  # the sign of the divisor has no effect, and CP-SAT requires a positive one
            size = to.integer(1, max(-low, high))
            with to.defining():
                to.model.add_abs_equality(size, divisor)
            divisor = size
        to.model.add_modulo_equality(result, to.term(self.dividend), divisor)


# The move form.


def _degree(values: Ints, scope: Ints, params: Ints) -> int:
    dividend = term(values, scope, params, 0)
    divisor = term(values, scope, params, 2)
    remainder = term(values, scope, params, 4)
    if divisor == 0:
        return 1 + abs(remainder)
    return abs(dividend - divisor * truncated(dividend, divisor) - remainder)


def _suggest(values: Ints, scope: Ints, size: int, params: Ints, memory: Ints, slot: int, new: int) -> int:
    """The remainder, or the nearest dividend with this remainder; no divisor."""
    dividend = term(values, scope, params, 0)
    divisor = term(values, scope, params, 2)
    remainder = term(values, scope, params, 4)
    if divisor == 0 or params[2] == slot:
        return values[scope[slot]]
    true = dividend - divisor * truncated(dividend, divisor)
    return true if params[4] == slot else dividend - true + remainder


_MOVES = recomputed("Modulo", _degree, _suggest)
