"""Division: the integer quotient of two terms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..lazy import torch
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
class Division(Function):
    """``dividend / divisor = quotient``, truncated towards zero; a zero divisor violates it.

    The violation degree is the distance of the true quotient from ``quotient``, and ``1 + |quotient|`` for a zero
    divisor.

    Example:
        >>> Division(-7, 2, "q").check([-3])
        True
    """

    dividend: Term
    divisor: Term
    quotient: Term

    of = ("dividend", "divisor", "quotient")

    def holds(self, dividend: int, divisor: int, quotient: int) -> bool:
        return divisor != 0 and truncated(dividend, divisor) == quotient

    @staticmethod
    def distance(p: Parameters, dividend: Tensor, divisor: Tensor, quotient: Tensor) -> Tensor:
        zero = divisor == 0
        true = torch.div(dividend, torch.where(zero, 1, divisor), rounding_mode="trunc")
        return torch.where(zero, 1 + quotient.abs(), (true - quotient).abs())

    def move_form(self, domains: Mapping[str, Domain], code: Code) -> MoveForm:
        return MoveForm(packed(term_params(self)), 1, _MOVES)

    def magnitudes(self, largest: Mapping[str, int]) -> Mapping[str, int]:
        return largest_of({"the dividend": self.dividend, "the quotient": self.quotient}, largest)

    def reach(self, to: Posting) -> tuple[int, int]:
        low, high = nonzero_bounds(to, self.divisor)
        divisors = {low, high, *(near for near in (-1, 1) if low <= near <= high)}
        quotients = [truncated(end, divisor) for end in to.bounds(self.dividend) for divisor in divisors]
        return min(quotients), max(quotients)

    def defined(self, to: Posting) -> cp_model.LiteralT:
        return to.opposite(to.literal(self.divisor, 0))

    def define(self, to: Posting, result: cp_model.LinearExprT) -> None:
        to.model.add_division_equality(result, to.term(self.dividend), nonzero(to, self.divisor))


def truncated(dividend: int, divisor: int) -> int:
    """The quotient of two integers, truncated towards zero, exact at any size.

    Args:
        dividend: any integer.
        divisor: an integer that is not 0.
    """
    quotient = abs(dividend) // abs(divisor)
    return quotient if (dividend < 0) == (divisor < 0) else -quotient


def nonzero_bounds(to: Posting, divisor: Term) -> tuple[int, int]:
    """The bounds of ``nonzero``; neither is 0.

    Args:
        to: the model under construction.
        divisor: the term.
    """
    low, high = to.bounds(divisor)
    return low or 1, max(high, 1) if low <= 0 <= high else high


def nonzero(to: Posting, divisor: Term) -> cp_model.LinearExprT:
    """A term that equals the divisor, or 1 where the divisor is 0: CP-SAT refuses a divisor that may be 0.

    Args:
        to: the model under construction.
        divisor: the term.
    """
    zero = to.literal(divisor, 0)
    if zero is False:
        return to.term(divisor)
    if zero is True:
        return 1
    low, high = nonzero_bounds(to, divisor)
    found = to.integer_in(*[(low, -1)] * (low < 0), (1, high))
    with to.defining():
        to.model.add(found == to.term(divisor)).only_enforce_if(to.opposite(zero))
        to.model.add(found == 1).only_enforce_if(zero)
    return found


# The move form.


def _degree(values: Ints, scope: Ints, params: Ints) -> int:
    divisor = term(values, scope, params, 2)
    quotient = term(values, scope, params, 4)
    if divisor == 0:
        return 1 + abs(quotient)
    return abs(truncated(term(values, scope, params, 0), divisor) - quotient)


def _suggest(values: Ints, scope: Ints, size: int, params: Ints, memory: Ints, slot: int, new: int) -> int:
    """The quotient, or a dividend with this quotient; no divisor."""
    dividend, divisor, quotient = (
        term(values, scope, params, 0),
        term(values, scope, params, 2),
        term(values, scope, params, 4),
    )
    if divisor == 0 or params[2] == slot:
        return values[scope[slot]]
    if params[4] == slot:
        return truncated(dividend, divisor)
    rest = new % abs(divisor)
    return quotient * divisor + (rest if quotient * divisor >= 0 else -rest)


_MOVES = recomputed("Division", _degree, _suggest)
