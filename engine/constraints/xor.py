"""Xor: the number of true literals is odd, or even."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ..values import Domain, Value, boolean, literals, set_fields
from .base import Constraint, LiteralGroup, Parameters, membership, pick, validate_literals
from .move_form import Code, Ints, MoveForm, MoveFunctions, packed

if TYPE_CHECKING:
    from torch import Tensor

    from ..posting import Posting


@dataclass(frozen=True)
class Xor(Constraint):
    """An odd number of literals (variable, value) is true; with ``odd=False`` an even number.

    The violation degree is 0 or 1.

    Args:
        literals: at least one pair, each of another variable.
        odd: the parity.

    Raises:
        GraphError: an argument of the wrong type.
    """

    literals: tuple[tuple[str, Value], ...]
    odd: bool = True

    keys = ("literals", "odd")

    def __post_init__(self) -> None:
        set_fields(self, literals=literals(self.literals, self.kind), odd=boolean(self.odd, f'{self.kind}: "odd"'))

    @cached_property
    def scope(self) -> tuple[str, ...]:  # type: ignore[override]
        """The variables of the literals."""
        return tuple(name for name, _ in self.literals)

    def validate(self, domains: Mapping[str, Domain]) -> None:
        super().validate(domains)
        validate_literals(self, self.literals, domains)

    def check(self, values: Sequence[Value]) -> bool:
        true = sum(value == wanted for value, (_, wanted) in zip(values, self.literals, strict=True))
        return true % 2 == int(self.odd)

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind, "literals": [list(literal) for literal in self.literals], "odd": self.odd}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Xor:
        return cls(data["literals"], data.get("odd", True))

    def canonical(self) -> dict[str, Any]:
        return {**self.to_json(), "literals": sorted(self.literals, key=str)}

    def post(self, to: Posting) -> None:
        # add_bool_xor requires an odd number of true literals. A constant True among them makes that an even number.
        literals = [to.literal(name, value) for name, value in self.literals]
        to.model.add_bool_xor(literals if self.odd else [*literals, True])

    def post_negation(self, to: Posting) -> None:
        replace(self, odd=not self.odd).post(to)

    def move_form(self, domains: Mapping[str, Domain], code: Code) -> MoveForm:
        return MoveForm(packed(self.odd, [code(value) for _, value in self.literals]), 1, _MOVES)

    def groups(self, domains: Mapping[str, Domain]) -> list[LiteralGroup]:
        return [LiteralGroup("xor", self.literals, target=(float(self.odd),))]

    def encode(self, domains: Sequence[Domain], arity: int, size: int) -> dict[str, np.ndarray]:
        member = membership([(value,) for _, value in self.literals], domains, arity, size)
        return {"member": member, "odd": np.array(int(self.odd))}

    @staticmethod
    def degree(values: Tensor, p: Parameters) -> Tensor:
        return (pick(p["member"], values).sum(-1) + p["odd"]) % 2

    @classmethod
    def simplify(cls, p: Parameters) -> Parameters:
        return {**p, "literal": p["member"].long().argmax(-1)}

    @staticmethod
    def expected(beliefs: Tensor, p: Parameters) -> Tensor:
        return Xor.expected_of_literals((beliefs * p["member"]).sum(-1), p)

    @staticmethod
    def expected_of_literals(chances: Tensor, p: Parameters) -> Tensor:
        # E[(-1)^true] is the product of 1 - 2 P(literal). The probability of the wrong parity follows from it.
        signs = (1 - 2 * chances).prod(-1)
        return (1 + (2 * p["odd"] - 1) * signs) / 2


# The move form. Parameters: whether the number is odd, the value of each literal. Memory: the degree.


def _start(values: Ints, scope: Ints, size: int, params: Ints, memory: Ints, slot: int, new: int) -> int:
    true = params[0]
    for k in range(size):
        true += int(values[scope[k]] == params[1 + k])
    memory[0] = true & 1
    return true & 1


def _change(values: Ints, scope: Ints, size: int, params: Ints, memory: Ints, slot: int, new: int) -> int:
    wanted = params[1 + slot]
    if (values[scope[slot]] == wanted) == (new == wanted):
        return 0
    return 1 - 2 * memory[0]


def _apply(values: Ints, scope: Ints, size: int, params: Ints, memory: Ints, slot: int, new: int) -> int:
    change = _change(values, scope, size, params, memory, slot, new)
    memory[0] += change
    return change


def _suggest(values: Ints, scope: Ints, size: int, params: Ints, memory: Ints, slot: int, new: int) -> int:
    """The value of the literal, if it is false."""
    return params[1 + slot]


_MOVES = MoveFunctions(_start, _change, _apply, _suggest)
