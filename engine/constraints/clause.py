"""Clause: at least one of some literals is true."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ..lazy import torch
from ..values import Domain, Value, literals, set_fields
from .base import Constraint, LiteralGroup, Parameters, membership, pick, validate_literals
from .move_arithmetic import is_listed
from .move_form import Code, Ints, MoveForm, MoveFunctions, packed

if TYPE_CHECKING:
    from torch import Tensor

    from ..posting import Posting


@dataclass(frozen=True)
class Clause(Constraint):
    """At least one literal (variable, value) is true: that variable takes that value.

    The violation degree is 0 or 1.

    Args:
        literals: at least one pair. A variable may occur in several pairs, with different values.

    Raises:
        GraphError: an element that is not such a pair.
    """

    literals: tuple[tuple[str, Value], ...]

    keys = ("literals",)

    def __post_init__(self) -> None:
        made = literals(self.literals, "Clause")
        if made is not self.literals:
            set_fields(self, literals=made)

    @cached_property
    def wanted(self) -> dict[str, tuple[Value, ...]]:
        """Variable -> the values that satisfy the clause, in order of first occurrence."""
        wanted: dict[str, tuple[Value, ...]] = {}
        for name, value in self.literals:
            if value not in wanted.get(name, ()):
                wanted[name] = (*wanted.get(name, ()), value)
        return wanted

    @cached_property
    def scope(self) -> tuple[str, ...]:  # type: ignore[override]
        """The variables of the literals, each once."""
        names = tuple([name for name, _ in self.literals])
        return names if len(set(names)) == len(names) else tuple(self.wanted)

    def describe(self) -> str:
        shown = " or ".join(f"{name}={value}" for name, value in self.literals[:6])
        return f"Clause({shown}{' or …' if len(self.literals) > 6 else ''})"

    def validate(self, domains: Mapping[str, Domain]) -> None:
        if not self.literals:
            super().validate(domains)
        for name, value in self.literals:
            if value not in domains[name]:  # tested here first: a call for each of a million clauses takes 0.3 s
                validate_literals(self, self.literals, domains)

    def check(self, values: Sequence[Value]) -> bool:
        return any(value in wanted for value, wanted in zip(values, self.wanted.values(), strict=True))

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind, "literals": [list(literal) for literal in self.literals]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Clause:
        return cls(data["literals"])

    def canonical(self) -> dict[str, Any]:
        literals = sorted(set(self.literals), key=str)
        return {"kind": self.kind, "literals": literals}

    def post(self, to: Posting) -> None:
        to.model.add_bool_or(to.literal(name, value) for name, value in self.literals)

    def post_negation(self, to: Posting) -> None:
        to.model.add_bool_and(to.opposite(to.literal(name, value)) for name, value in self.literals)

    def move_form(self, domains: Mapping[str, Domain], code: Code) -> MoveForm:
        if len(self.scope) == len(self.literals):
            return MoveForm(packed(1, [code(value) for _, value in self.literals]), 1, _MOVES)
        wanted = [sorted(map(code, values)) for values in self.wanted.values()]
        ends = np.cumsum([len(self.wanted) + 2, *map(len, wanted)])
        return MoveForm(packed(0, ends, *wanted), 1, _MOVES)

    def groups(self, domains: Mapping[str, Domain]) -> list[LiteralGroup]:
        return [LiteralGroup("clause", tuple(dict.fromkeys(self.literals)))]

    def encode(self, domains: Sequence[Domain], arity: int, size: int) -> dict[str, np.ndarray]:
        if len(self.scope) == len(self.literals):  # the usual case, for each of a million clauses
            member = np.zeros((arity, size), dtype=bool)
            for k, ((_, value), domain) in enumerate(zip(self.literals, domains, strict=True)):
                member[k, domain.index(value)] = True
            return {"member": member}
        return {"member": membership(list(self.wanted.values()), domains, arity, size)}

    @staticmethod
    def degree(values: Tensor, p: Parameters) -> Tensor:
        return (~pick(p["member"], values).any(-1)).long()

    @classmethod
    def simplify(cls, p: Parameters) -> Parameters:
        # Usually each variable occurs once. Energies then read one probability for each slot instead of D.
        member = p["member"]
        return {**p, "literal": member.long().argmax(-1)} if bool((member.sum(-1) <= 1).all()) else p

    @staticmethod
    def expected(beliefs: Tensor, p: Parameters) -> Tensor:
        return Clause.expected_of_literals((beliefs * p["member"]).sum(-1), p)

    @staticmethod
    def expected_of_literals(chances: Tensor, p: Parameters) -> Tensor:
        false = 1 - chances
        if false.shape[-1] <= 8:
            # Multiplied one by one: the gradient is exact where factors are zero; that of torch.prod waits for the GPU.
            product = false[..., 0]
            for k in range(1, false.shape[-1]):
                product = product * false[..., k]
            return product
        # Long clauses in log space: the product of many small factors would underflow. The mask keeps a zero factor
        # exact; the gradient with respect to that factor is then zero.
        tiny = torch.finfo(false.dtype).tiny
        product = false.clamp(min=tiny).log().sum(-1).exp()
        return torch.where((false <= tiny).any(-1), product * 0, product)


# The move form. Parameters: 1 and the value of each literal; or 0, the position of the first value of each variable and
# the end of the last, and the values. Memory: the number of variables with a true literal.


def _true(params: Ints, slot: int, value: int) -> int:
    if params[0]:
        return int(params[1 + slot] == value)
    return int(is_listed(params, params[1 + slot], params[2 + slot] - params[1 + slot], value))


def _start(values: Ints, scope: Ints, size: int, params: Ints, memory: Ints, slot: int, new: int) -> int:
    true = 0
    for k in range(size):
        true += _true(params, k, values[scope[k]])
    memory[0] = true
    return int(true == 0)


def _change(values: Ints, scope: Ints, size: int, params: Ints, memory: Ints, slot: int, new: int) -> int:
    true = memory[0]
    after = true + _true(params, slot, new) - _true(params, slot, values[scope[slot]])
    return int(after == 0) - int(true == 0)


def _apply(values: Ints, scope: Ints, size: int, params: Ints, memory: Ints, slot: int, new: int) -> int:
    true = memory[0]
    after = true + _true(params, slot, new) - _true(params, slot, values[scope[slot]])
    memory[0] = after
    return int(after == 0) - int(true == 0)


def _suggest(values: Ints, scope: Ints, size: int, params: Ints, memory: Ints, slot: int, new: int) -> int:
    """A value that satisfies the clause."""
    if params[0]:
        return params[1 + slot]
    first = params[1 + slot]
    return params[first + new % (params[2 + slot] - first)]


_MOVES = MoveFunctions(_start, _change, _apply, _suggest)
