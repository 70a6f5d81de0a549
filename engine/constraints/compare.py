"""Compare: the values of two variables, with an offset."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import GraphError
from ..lazy import torch
from ..values import Domain, Value, brief, integer, name, set_fields
from .base import Constraint, LiteralGroup, Parameters, numbers, pick, require_integers
from .move_form import Code, Ints, MoveForm, MoveFunctions, packed

if TYPE_CHECKING:
    from torch import Tensor

    from ..posting import Posting

OPS = ("!=", "=", "<", "<=")


@dataclass(frozen=True)
class Compare(Constraint):
    """``left op right + offset``.

    The violation degree is 0 or 1.

    Args:
        left: the name of a variable.
        op: ``!=``, ``=``, ``<`` or ``<=``. Strings can be compared by ``!=`` and ``=`` only, without an offset.
        right: the name of another variable.
        offset: an integer.

    Raises:
        GraphError: an argument of the wrong type.
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
        """``left`` and ``right``."""
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
        # left = right + c is right = left - c. An order comparison has only one notation.
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

    def move_form(self, domains: Mapping[str, Domain], code: Code) -> MoveForm:
        return MoveForm(packed(OPS.index(self.op), self.offset), 0, _MOVES)

    def groups(self, domains: Mapping[str, Domain]) -> list[LiteralGroup]:
        if self.op == "!=":  # one group for each common value, without a loop over all pairs of values
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
        """The parameters of an equality or of an order comparison.

        Args:
            domains: of ``left`` and ``right``.
            arity: always 2.
            size: D.

        Returns:
            For ``=`` and ``!=``: ``partner`` [2, D], the index of the equal value on the other side, -1 without one,
            and ``equal`` []. For ``<`` and ``<=``: ``rank`` [2, D]; the comparison holds where the rank of left is less
            than that of right.
        """
        left, right = domains
        if self.op in ("=", "!="):
            partner = np.full((2, size), -1, dtype=np.int64)
            position = {value: d for d, value in enumerate(right)}
            for d, value in enumerate(left):
                match = position.get(int(value) - self.offset if self.offset else value, -1)
                partner[0, d] = match
                if match >= 0:
                    partner[1, match] = d
            return {"partner": partner, "equal": np.array(self.op == "=")}
        rank = np.zeros((2, size), dtype=np.int64)
        values = np.array(numbers(left, self.left, self.kind))
        limits = np.array(numbers(right, self.right, self.kind)) + self.offset
        # A left value ranks by the left values below it, a right value by the left values that satisfy the comparison.
        rank[0, : len(left)] = (values[None, :] < values[:, None]).sum(1)
        holds = values[None, :] < limits[:, None] if self.op == "<" else values[None, :] <= limits[:, None]
        rank[1, : len(right)] = holds.sum(1)
        return {"rank": rank}

    @classmethod
    def simplify(cls, p: Parameters) -> Parameters:
        # Usually all variables share one domain. One table then serves all constraints and stays in the CPU's cache.
        if "partner" in p:
            partner = p["partner"][p["slots"].all(-1)]
            if (partner == partner[0]).all():
                return {**p, "partner": partner[None, :1]}
        return p

    @staticmethod
    def degree(values: Tensor, p: Parameters) -> Tensor:
        left, right = values[..., 0], values[..., 1]
        if "partner" in p:
            return (pick(p["partner"][..., 0, :], left) == right).ne(p["equal"]).long()
        return (pick(p["rank"][..., 0, :], left) >= pick(p["rank"][..., 1, :], right)).long()

    @staticmethod
    def expected(beliefs: Tensor, p: Parameters) -> Tensor:
        left, right = beliefs[..., 0, :], beliefs[..., 1, :]
        if "partner" in p:
            partner = p["partner"][..., 0, :].expand(left.shape)
            matching = right.gather(-1, partner.clamp(min=0)) * (partner >= 0)
            equal = (left * matching).sum(-1)
            return torch.where(p["equal"], left.sum(-1) * right.sum(-1) - equal, equal)
        # P(rank of left >= rank of right), from the distribution of left's rank.
        size = left.shape[-1]
        ranks = left.new_zeros(*left.shape[:-1], size + 1).scatter_add(
            -1, p["rank"][..., 0, :].expand(left.shape), left
        )
        from_rank = ranks.flip(-1).cumsum(-1).flip(-1)
        return (right * from_rank.gather(-1, p["rank"][..., 1, :].expand(right.shape))).sum(-1)


# The move form. Parameters: the operator's number, the offset.


def _degree_of(params: Ints, left: int, right: int) -> int:
    difference = left - right - params[1]  # codes of strings are below 2^62, so that it fits
    op = params[0]
    if op == 0:
        return int(difference == 0)
    if op == 1:
        return int(difference != 0)
    if op == 2:
        return int(difference >= 0)
    return int(difference > 0)


def _start(values: Ints, scope: Ints, size: int, params: Ints, memory: Ints, slot: int, new: int) -> int:
    return _degree_of(params, values[scope[0]], values[scope[1]])


def _change(values: Ints, scope: Ints, size: int, params: Ints, memory: Ints, slot: int, new: int) -> int:
    left, right = values[scope[0]], values[scope[1]]
    before = _degree_of(params, left, right)
    if slot == 0:
        return _degree_of(params, new, right) - before
    return _degree_of(params, left, new) - before


def _suggest(values: Ints, scope: Ints, size: int, params: Ints, memory: Ints, slot: int, new: int) -> int:
    """The nearest value that satisfies the comparison."""
    old, op = values[scope[slot]], params[0]
    if _degree_of(params, values[scope[0]], values[scope[1]]) == 0:
        return old
    if op == 0:
        return old + 1 - 2 * (new & 1)
    less = int(op == 2)
    return values[scope[1]] + params[1] - less if slot == 0 else values[scope[0]] - params[1] + less


_MOVES = MoveFunctions(_start, _change, suggest=_suggest)
