"""Xor: the number of true literals is odd (or even)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import GraphError
from ..values import Domain, Value, boolean, literals, set_fields
from .base import Constraint, LiteralGroup, Parameters, membership, pick

if TYPE_CHECKING:
    from torch import Tensor

    from ..posting import Posting


@dataclass(frozen=True)
class Xor(Constraint):
    """Parity of literals (variable, value), one a variable: an odd number holds, or an even one if ``odd`` is False."""

    literals: tuple[tuple[str, Value], ...]
    odd: bool = True

    keys = ("literals", "odd")

    def __post_init__(self) -> None:
        set_fields(self, literals=literals(self.literals, self.kind), odd=boolean(self.odd, f'{self.kind}: "odd"'))

    @cached_property
    def scope(self) -> tuple[str, ...]:  # type: ignore[override]
        return tuple(name for name, _ in self.literals)

    def validate(self, domains: Mapping[str, Domain]) -> None:
        super().validate(domains)
        for name, value in self.literals:
            if value not in domains[name]:
                raise GraphError(f"{self.describe()}: {value!r} is outside the domain of {name!r}")

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
        # add_bool_xor asks for an odd number; a constant True among the literals turns that into an even one.
        literals = [to.literal(name, value) for name, value in self.literals]
        to.model.add_bool_xor(literals if self.odd else [*literals, True])

    def post_negation(self, to: Posting) -> None:
        replace(self, odd=not self.odd).post(to)

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
        # E[(-1)^true] is the product of (1 - 2 P(literal)); the probability of the wrong parity follows.
        signs = (1 - 2 * chances).prod(-1)
        return (1 + (2 * p["odd"] - 1) * signs) / 2
