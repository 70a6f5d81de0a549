"""Power: a base raised to an exponent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import GraphError
from ..lazy import torch
from ..values import LARGEST, Domain, Term
from .base import Parameters
from .function import Function
from .move_form import Code, Ints, MoveForm, packed
from .term_moves import recomputed, term, term_params
from .terms import largest_of

if TYPE_CHECKING:
    from ortools.sat.python import cp_model
    from torch import Tensor

    from ..posting import Posting

MOST_EXPONENTS = 64
"""The most values of an exponent: CP-SAT gets one product for each."""


@dataclass(frozen=True)
class Power(Function):
    """``base ** exponent = value``; a negative exponent violates it, and ``0 ** 0`` is 1.

    The violation degree is the distance of the power from the value, and ``1 + |value|`` for a negative exponent. A
    power that may exceed 2^60 is refused when the graph is built.
    """

    base: Term
    exponent: Term
    value: Term

    of = ("base", "exponent", "value")

    def holds(self, base: int, exponent: int, value: int) -> bool:
        return exponent >= 0 and base ** _small(base, exponent) == value

    @staticmethod
    def distance(p: Parameters, base: Tensor, exponent: Tensor, value: Tensor) -> Tensor:
        # Large exponents have the bases -1, 0 and 1 only, where the parity of a positive exponent decides.
        small = torch.where(exponent > MOST_EXPONENTS, 2 - exponent % 2, exponent).clamp(min=0)
        power = torch.pow(*torch.broadcast_tensors(base, small))
        return torch.where(exponent < 0, 1 + value.abs(), (power - value).abs())

    def validate(self, domains: Mapping[str, Domain]) -> None:
        super().validate(domains)
        if isinstance(self.exponent, str) and len(domains[self.exponent]) > MOST_EXPONENTS:
            count = len(domains[self.exponent])
            raise GraphError(
                f"{self.describe()}: the exponent {self.exponent!r} has {count} values",
                f"an exponent has at most {MOST_EXPONENTS}",
            )

    def move_form(self, domains: Mapping[str, Domain], code: Code) -> MoveForm:
        return MoveForm(packed(term_params(self)), 1, _MOVES)

    def magnitudes(self, largest: Mapping[str, int]) -> Mapping[str, int]:
        reached = largest_of({"base": self.base, "exponent": self.exponent, "the value": self.value}, largest)
        base, exponent = reached["base"], reached["exponent"]
        power = LARGEST + 1 if base > 1 and exponent > MOST_EXPONENTS else base ** min(exponent, MOST_EXPONENTS)
        return {"the power": max(power, 1), "the value": reached["the value"]}

    def reach(self, to: Posting) -> tuple[int, int]:
        low, high = to.bounds(self.base)
        bases = {low, high, *(near for near in (-1, 0, 1) if low <= near <= high)}
        powers = [base ** _small(base, exponent) for base in bases for exponent in self._exponents(to)]
        return min([0, *powers]), max([0, *powers])

    def defined(self, to: Posting) -> cp_model.LiteralT:
        return to.within(self.exponent, 0, LARGEST)

    def define(self, to: Posting, result: cp_model.LinearExprT) -> None:
        for exponent in self._exponents(to):
            chosen = to.literal(self.exponent, exponent)
            power = self._power(to, exponent, None if chosen is not True else result)
            if chosen is not True:
                to.model.add(result == power).only_enforce_if(chosen)
        negative = to.opposite(self.defined(to))
        if negative is not False:
            to.model.add(result == 0).only_enforce_if(negative)

    def _exponents(self, to: Posting) -> list[int]:
        domain = (self.exponent,) if isinstance(self.exponent, int) else to.domains[self.exponent]
        return [int(each) for each in domain if int(each) >= 0]

    def _power(self, to: Posting, exponent: int, result: cp_model.LinearExprT | None) -> cp_model.LinearExprT:
        """The base raised to a number, as ``result`` or as a new variable."""
        low, high = to.bounds(self.base)
        exponent = _small(max(-low, high), exponent)
        powers = [end**exponent for end in (low, high)] + [0] * (low < 0 < high)
        if result is None:
            if exponent == 0:
                return 1
            result = to.integer(min(powers), max(powers))
        with to.defining():
            if exponent == 0:
                to.model.add(result == 1)
            else:
                to.model.add_multiplication_equality(result, [to.term(self.base)] * exponent)
        return result


def _small(base: int, exponent: int) -> int:
    """An exponent with the same power that is not huge: powers of -1, 0 and 1 depend on its parity."""
    return 2 - exponent % 2 if abs(base) <= 1 and exponent > 2 else exponent


# The move form.


def _degree(values: Ints, scope: Ints, params: Ints) -> int:
    base = term(values, scope, params, 0)
    exponent = term(values, scope, params, 2)
    value = term(values, scope, params, 4)
    if exponent < 0:
        return 1 + abs(value)
    return abs(_power(base, exponent) - value)


def _power(base: int, exponent: int) -> int:
    if exponent > MOST_EXPONENTS:  # the base is -1, 0 or 1: see distance
        exponent = 2 - exponent % 2
    power = 1
    for _ in range(exponent):
        power *= base
    return power


def _suggest(values: Ints, scope: Ints, size: int, params: Ints, memory: Ints, slot: int, new: int) -> int:
    """The power; no base and no exponent."""
    base = term(values, scope, params, 0)
    exponent = term(values, scope, params, 2)
    if exponent < 0 or params[4] != slot:
        return values[scope[slot]]
    return _power(base, exponent)


_MOVES = recomputed("Power", _degree, _suggest)
