"""Count (cardinality): how many variables of the scope take one of some values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import GraphError
from ..sums import excess, expected_excess
from ..values import LARGEST, Domain, Value, integer, names, set_fields, values
from .base import Constraint, LiteralGroup, Parameters, membership, pick
from .move_arithmetic import beyond, is_listed
from .move_form import Code, Ints, MoveForm, MoveFunctions, known_codes, packed

if TYPE_CHECKING:
    from torch import Tensor

    from ..posting import Posting


@dataclass(frozen=True)
class Count(Constraint):
    """Between ``least`` and ``most`` variables of the scope take a value of ``values``.

    The violation degree is the distance of their number from that interval.

    Args:
        scope: variable names, at least one.
        values: the values that count.
        least, most: the bounds, both included; 0 <= least <= most.

    Raises:
        GraphError: an argument of the wrong type.
    """

    scope: tuple[str, ...]
    values: tuple[Value, ...]
    least: int
    most: int

    keys = ("scope", "values", "least", "most")

    def __post_init__(self) -> None:
        scope, wanted = names(self.scope, self.kind, ordered=False), values(self.values, f"{self.kind}: the values")
        least, most = integer(self.least, f"{self.kind}: least"), integer(self.most, f"{self.kind}: most")
        set_fields(self, scope=scope, values=wanted, least=least, most=most)

    def validate(self, domains: Mapping[str, Domain]) -> None:
        super().validate(domains)
        if not 0 <= self.least <= self.most:
            raise GraphError(f"{self.describe()}: needs 0 <= least <= most, not {self.least} and {self.most}")
        if self.most > LARGEST:
            raise GraphError(f"{self.describe()}: most is too large", f"at most {len(self.scope)} variables count")

    def check(self, values: Sequence[Value]) -> bool:
        return self.least <= sum(value in self.values for value in values) <= self.most

    def to_json(self) -> dict[str, Any]:
        values = sorted(self.values, key=str)
        return {"kind": self.kind, "scope": list(self.scope), "values": values, "least": self.least, "most": self.most}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Count:
        scope = names(data["scope"], cls.__name__, ordered=False)
        return cls(scope, data["values"], data.get("least", 0), data.get("most", len(scope)))

    def post(self, to: Posting) -> None:
        literals = [to.literal(n, value) for n in self.scope for value in set(self.values) if value in to.domains[n]]
        to.model.add_linear_constraint(sum(literals), self.least, self.most)

    def post_negation(self, to: Posting) -> None:
        literals = [to.literal(n, value) for n in self.scope for value in set(self.values) if value in to.domains[n]]
        to.outside(sum(literals), self.least, self.most)

    def move_form(self, domains: Mapping[str, Domain], code: Code) -> MoveForm:
        wanted = known_codes(self.values, domains, self.scope, code)
        return MoveForm(packed(self.least, self.most, len(wanted), wanted), 1, _MOVES)

    def groups(self, domains: Mapping[str, Domain]) -> list[LiteralGroup]:
        literals = tuple((n, value) for n in self.scope for value in self.values if value in domains[n])
        return [LiteralGroup("count", literals, target=(float(self.least), float(self.most)))]

    def encode(self, domains: Sequence[Domain], arity: int, size: int) -> dict[str, np.ndarray]:
        # The bounds are parameters, not shapes: Counts with other bounds share the factor.
        member = membership([self.values] * len(domains), domains, arity, size)
        return {"member": member, "least": np.array(self.least), "most": np.array(self.most)}

    @staticmethod
    def degree(values: Tensor, p: Parameters) -> Tensor:
        return excess(pick(p["member"], values).sum(-1), p["least"], p["most"])

    @staticmethod
    def expected(beliefs: Tensor, p: Parameters) -> Tensor:
        return expected_excess(beliefs, p["member"].long(), p["least"], p["most"], span=beliefs.shape[-2])


# The move form. Parameters: the bounds, the number of values that count, the values. Memory: how many variables count.


def _start(values: Ints, scope: Ints, size: int, params: Ints, memory: Ints, slot: int, new: int) -> int:
    found = 0
    for k in range(size):
        found += int(is_listed(params, 3, params[2], values[scope[k]]))
    memory[0] = found
    return beyond(found, params[0], params[1])


def _change(values: Ints, scope: Ints, size: int, params: Ints, memory: Ints, slot: int, new: int) -> int:
    found = memory[0]
    more = int(is_listed(params, 3, params[2], new)) - int(is_listed(params, 3, params[2], values[scope[slot]]))
    return beyond(found + more, params[0], params[1]) - beyond(found, params[0], params[1])


def _apply(values: Ints, scope: Ints, size: int, params: Ints, memory: Ints, slot: int, new: int) -> int:
    found = memory[0]
    more = int(is_listed(params, 3, params[2], new)) - int(is_listed(params, 3, params[2], values[scope[slot]]))
    memory[0] = found + more
    return beyond(found + more, params[0], params[1]) - beyond(found, params[0], params[1])


def _blame(values: Ints, scope: Ints, size: int, params: Ints, memory: Ints, slot: int, new: int) -> int:
    if memory[0] > params[1]:
        return int(is_listed(params, 3, params[2], values[scope[slot]]))
    return int(memory[0] < params[0] and not is_listed(params, 3, params[2], values[scope[slot]]))


def _suggest(values: Ints, scope: Ints, size: int, params: Ints, memory: Ints, slot: int, new: int) -> int:
    """One of the values that count, if too few variables have one."""
    return params[3 + new % params[2]] if memory[0] < params[0] and params[2] else values[scope[slot]]


_MOVES = MoveFunctions(_start, _change, _apply, _suggest, _blame)
