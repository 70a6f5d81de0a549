"""Compare: one variable against another, with an offset."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import GraphError
from ..lazy import torch
from ..values import Domain, Value, brief, integer, name, set_fields
from .base import Constraint, LiteralGroup, Parameters, numbers, require_integers

if TYPE_CHECKING:
    from torch import Tensor

    from ..posting import Posting

OPS = ("!=", "=", "<", "<=")


@dataclass(frozen=True)
class Compare(Constraint):
    """``left op right + offset`` with ``op`` one of ``!=``, ``=``, ``<``, ``<=``.

    Strings can be compared by ``!=`` and ``=`` without an offset.
    """

    left: str
    op: str
    right: str
    offset: int = 0

    keys = ("left", "op", "right", "offset")
    symmetric = False

    def __post_init__(self) -> None:
        if type(self.left) is str and type(self.right) is str and type(self.offset) is int:
            return
        left, right = name(self.left, self.kind), name(self.right, self.kind)
        set_fields(self, left=left, right=right, offset=integer(self.offset, f"{self.kind}: the offset"))

    @property
    def scope(self) -> tuple[str, ...]:  # type: ignore[override]
        return self.left, self.right

    @property
    def value_symmetric(self) -> bool:
        return type(self) is Compare and self.op in ("=", "!=") and not self.offset

    def describe(self) -> str:
        return f"{self.left} {self.op} {self.right}{f' + {self.offset}' if self.offset else ''}"

    def validate(self, domains: Mapping[str, Domain]) -> None:
        super().validate(domains)
        if self.op not in OPS:
            message = f"Compare({self.describe()}): unknown operator {brief(self.op)} ({', '.join(OPS)})"
            raise GraphError(message, "exchange left and right for > and >=")
        if self.op in ("<", "<=") or self.offset:
            for each in self.scope:
                require_integers(domains[each], each, f"Compare({self.describe()})")

    def magnitudes(self, largest: Mapping[str, int]) -> Mapping[str, int]:
        if self.offset or self.op in ("<", "<="):
            return {self.left: largest[self.left], self.right: largest[self.right] + abs(self.offset)}
        return {}

    def check(self, values: Sequence[Value]) -> bool:
        left, right = values
        if self.offset or self.op in ("<", "<="):
            left, right = int(left), int(right) + self.offset
            if self.op in ("<", "<="):
                return left < right if self.op == "<" else left <= right
        return (left == right) == (self.op == "=")

    def excludes(self, name: str) -> int | None:
        return 1 if self.op == "!=" else None

    def without(self, name: str) -> None:
        return None

    def to_json(self) -> dict[str, Any]:
        data = {"kind": self.kind, "left": self.left, "op": self.op, "right": self.right}
        return {**data, "offset": self.offset} if self.offset else data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Compare:
        return cls(data["left"], data["op"], data["right"], data.get("offset", 0))

    def canonical(self) -> dict[str, Any]:
        # left = right + c is right = left - c; order comparisons have but one way to be written.
        if self.op in ("=", "!=") and self.left > self.right:
            return Compare(self.right, self.op, self.left, -self.offset).to_json()
        return self.to_json()

    def post(self, to: Posting) -> None:
        left, right = to.variable(self.left), to.variable(self.right) + self.offset
        ops = {"!=": left != right, "=": left == right, "<": left < right, "<=": left <= right}
        to.model.add(ops[self.op])

    def post_negation(self, to: Posting) -> None:
        left, right = to.variable(self.left), to.variable(self.right) + self.offset
        ops = {"!=": left == right, "=": left != right, "<": left >= right, "<=": left > right}
        to.model.add(ops[self.op])

    def groups(self, domains: Mapping[str, Domain]) -> list[LiteralGroup]:
        if self.op == "!=":  # as many as there are equal values, not as there are pairs
            right = set(domains[self.right])
            equal = ((a, int(a) - self.offset if self.offset else a) for a in domains[self.left])
            return [LiteralGroup("conflict", ((self.left, a), (self.right, b))) for a, b in equal if b in right]
        return [
            LiteralGroup("conflict", ((self.left, a), (self.right, b)))
            for a in domains[self.left]
            for b in domains[self.right]
            if not self.check((a, b))
        ]

    def group_size(self, domains: Mapping[str, Domain]) -> int:
        left, right = len(domains[self.left]), len(domains[self.right])
        return 2 * (min(left, right) if self.op == "!=" else left * right)

    def bucket(self) -> Hashable:
        return self.op in ("=", "!=")

    def encode(self, domains: Sequence[Domain], arity: int, size: int) -> dict[str, np.ndarray]:
        """Equality: ``partner`` [2, D], the other side's index of the matching value, -1 where it has none.

        Order: ``rank`` [2, D] such that the comparison holds exactly when rank of left < rank of right.
        """
        left, right = domains
        if self.op in ("=", "!="):
            partner = np.full((2, size), -1, dtype=np.int64)
            place = {value: d for d, value in enumerate(right)}
            for d, value in enumerate(left):
                match = place.get(int(value) - self.offset if self.offset else value, -1)
                partner[0, d] = match
                if match >= 0:
                    partner[1, match] = d
            return {"partner": partner, "equal": np.array(self.op == "=")}
        rank = np.zeros((2, size), dtype=np.int64)
        values = np.array(numbers(left, self.left, self.kind))
        limits = np.array(numbers(right, self.right, self.kind)) + self.offset
        # How many left values come strictly before a value, or satisfy the comparison with a limit.
        rank[0, : len(left)] = (values[None, :] < values[:, None]).sum(1)
        keep = values[None, :] < limits[:, None] if self.op == "<" else values[None, :] <= limits[:, None]
        rank[1, : len(right)] = keep.sum(1)
        return {"rank": rank}

    @classmethod
    def simplify(cls, p: Parameters) -> Parameters:
        # Nearly always all variables share one domain: then one table serves all constraints, and stays in the cache.
        if "partner" in p:
            partner = p["partner"][p["slots"].all(-1)]
            if (partner == partner[0]).all():
                return {**p, "partner": partner[None, :1]}
        return p

    @staticmethod
    def degree(values: Tensor, p: Parameters) -> Tensor:
        left, right = values[..., 0], values[..., 1]
        if "partner" in p:
            return (_at(p["partner"][..., 0, :], left) == right).ne(p["equal"]).long()
        return (_at(p["rank"][..., 0, :], left) >= _at(p["rank"][..., 1, :], right)).long()

    @staticmethod
    def expected(beliefs: Tensor, p: Parameters) -> Tensor:
        left, right = beliefs[..., 0, :], beliefs[..., 1, :]
        if "partner" in p:
            partner = p["partner"][..., 0, :].expand(left.shape)
            met = right.gather(-1, partner.clamp(min=0)) * (partner >= 0)
            equal = (left * met).sum(-1)
            return torch.where(p["equal"], left.sum(-1) * right.sum(-1) - equal, equal)
        # P(rank of left >= rank of right), from the distribution of left's rank.
        size = left.shape[-1]
        ranks = left.new_zeros(*left.shape[:-1], size + 1).scatter_add(
            -1, p["rank"][..., 0, :].expand(left.shape), left
        )
        from_rank = ranks.flip(-1).cumsum(-1).flip(-1)
        return (right * from_rank.gather(-1, p["rank"][..., 1, :].expand(right.shape))).sum(-1)

    @classmethod
    def costs(cls, values: Tensor, p: Parameters, size: int) -> Tensor:
        if "partner" not in p:
            return super().costs(values, p, size)
        # A literal meets the other variable's value where its partner is that value.
        meets = p["partner"] == values.flip(1)[..., None]
        return meets.ne(p["equal"][:, None, None]).long()

    @classmethod
    def cost_changes(
        cls, values: Tensor, slot: Tensor, new: Tensor, p: Parameters, size: int
    ) -> tuple[Tensor, Tensor, Tensor]:
        if "partner" not in p:
            return super().cost_changes(values, slot, new, p, size)
        # The other variable meets the old value no longer and the new one from now on: two entries.
        moved = torch.stack((values.gather(1, slot[:, None])[:, 0], new), 1)
        partner = p["partner"].flatten(1)  # [N or 1, 2 * D]
        index = _at(partner[:, None], slot[:, None] * size + moved)
        sign = torch.tensor((-1, 1), device=values.device) * (index >= 0)
        change = torch.where(p["equal"][:, None], -sign, sign)
        return (1 - slot)[:, None].expand(-1, 2), index.clamp(min=0), change


def _at(table: Tensor, values: Tensor) -> Tensor:
    """table [..., D] at values [...]."""
    shape = torch.broadcast_shapes(values.shape, table.shape[:-1])
    return table.expand(*shape, -1).gather(-1, values.expand(shape)[..., None])[..., 0]
