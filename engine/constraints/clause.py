"""Clause: at least one of some literals holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import GraphError
from ..lazy import torch
from ..values import Domain, Value, literals, set_fields
from .base import Constraint, LiteralGroup, Parameters, membership, pick

if TYPE_CHECKING:
    from torch import Tensor

    from ..posting import Posting


@dataclass(frozen=True)
class Clause(Constraint):
    """A disjunction of literals (variable, value): some variable takes one of the values named for it."""

    literals: tuple[tuple[str, Value], ...]

    keys = ("literals",)

    def __post_init__(self) -> None:
        made = literals(self.literals, "Clause")
        if made is not self.literals:
            set_fields(self, literals=made)

    @cached_property
    def wanted(self) -> dict[str, tuple[Value, ...]]:
        """Variable -> the values that satisfy the clause, in order of first mention."""
        wanted: dict[str, tuple[Value, ...]] = {}
        for name, value in self.literals:
            if value not in wanted.get(name, ()):
                wanted[name] = (*wanted.get(name, ()), value)
        return wanted

    @cached_property
    def scope(self) -> tuple[str, ...]:  # type: ignore[override]
        names = tuple([name for name, _ in self.literals])
        return names if len(set(names)) == len(names) else tuple(self.wanted)

    def describe(self) -> str:
        shown = " or ".join(f"{name}={value}" for name, value in self.literals[:6])
        return f"Clause({shown}{' or …' if len(self.literals) > 6 else ''})"

    def validate(self, domains: Mapping[str, Domain]) -> None:
        if not self.literals:
            super().validate(domains)
        for name, value in self.literals:
            if value not in domains[name]:
                raise GraphError(f"{self.describe()}: {value!r} is outside the domain of {name!r}")

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

    def groups(self, domains: Mapping[str, Domain]) -> list[LiteralGroup]:
        return [LiteralGroup("clause", tuple(dict.fromkeys(self.literals)))]

    def encode(self, domains: Sequence[Domain], arity: int, size: int) -> dict[str, np.ndarray]:
        if len(self.scope) == len(self.literals):  # nearly always each variable occurs once
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
        # Nearly always each variable occurs once: then one chance a slot is all that energies need to read.
        member = p["member"]
        return {**p, "literal": member.long().argmax(-1)} if bool((member.sum(-1) <= 1).all()) else p

    @staticmethod
    def expected(beliefs: Tensor, p: Parameters) -> Tensor:
        return Clause.expected_of_literals((beliefs * p["member"]).sum(-1), p)

    @staticmethod
    def expected_of_literals(chances: Tensor, p: Parameters) -> Tensor:
        false = 1 - chances
        if false.shape[-1] <= 8:
            # The product by hand: its gradient is exact where factors are zero, and needs no synchronisation.
            product = false[..., 0]
            for k in range(1, false.shape[-1]):
                product = product * false[..., k]
            return product
        # Long clauses in log space, where the product of many small factors would underflow. A factor at zero is
        # kept exact by the mask; its own gradient is then none.
        tiny = torch.finfo(false.dtype).tiny
        product = false.clamp(min=tiny).log().sum(-1).exp()
        return torch.where((false <= tiny).any(-1), product * 0, product)
