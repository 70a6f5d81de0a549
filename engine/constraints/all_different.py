"""AllDifferent: no two variables of the scope take the same value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from ..errors import GraphError
from ..lazy import torch
from ..values import Domain, Value, integer, items, names, set_fields, values
from .base import Constraint, LiteralGroup, Parameters, pick, require_integers
from .move_arithmetic import clear_counts, count, count_less, count_more, is_listed
from .move_form import Code, Ints, MoveForm, MoveFunctions, code_bounds, counter, known_codes, packed

if TYPE_CHECKING:
    from torch import Tensor

    from ..posting import Posting


@dataclass(frozen=True)
class AllDifferent(Constraint):
    """No two variables take the same value, except values in ``exempt``, which may repeat (alldifferent_except).

    With ``offsets``, the sums ``value + offset`` are different: the diagonals of N queens are two such constraints.
    The violation degree is the number of equal pairs.

    Args:
        scope: variable names, at least one.
        exempt: values that may repeat; JSON calls them ``except``.
        offsets: one integer for each variable, or empty. The domains then are integers, and no value is exempt.

    Raises:
        GraphError: an argument of the wrong type, or names given one by one instead of as a list.
    """

    scope: tuple[str, ...]
    exempt: tuple[Value, ...] = ()
    offsets: tuple[int, ...] = ()

    keys = ("scope", "except", "offsets")
    prunes_exactly = True

    def __new__(cls, *fields: Any, **named: Any) -> Self:
        if len(fields) > 1 and all(isinstance(field, str) for field in fields):
            listed = ", ".join(f'"{field}"' for field in fields[:6])
            raise GraphError(
                f"{cls.__name__}: the scope is one list, not {len(fields)} strings", f"write {cls.__name__}([{listed}])"
            )
        return super().__new__(cls)

    def __post_init__(self) -> None:
        what = f"{self.kind}: the offsets"
        offsets = tuple(integer(each, f"{self.kind}: an offset") for each in items(self.offsets, what, "[0, 1, 2]"))
        set_fields(
            self,
            scope=names(self.scope, self.kind, ordered=bool(offsets)),
            exempt=values(self.exempt, f"{self.kind}: the exempt values"),
            offsets=offsets if any(offsets) else (),
        )
        if offsets and len(offsets) != len(self.scope):
            raise GraphError(f"{self.kind}: {len(offsets)} offsets, {len(self.scope)} variables", "give one for each")
        if self.offsets and self.exempt:
            raise GraphError(f"{self.kind}: offsets and exempt values", "give one of them")

    def __repr__(self) -> str:
        offsets = f", offsets={self.offsets!r}" if self.offsets else ""
        return f"{type(self).__name__}(scope={self.scope!r}, exempt={self.exempt!r}{offsets})"

    def validate(self, domains: Mapping[str, Domain]) -> None:
        super().validate(domains)
        if self.offsets:
            for name in self.scope:
                require_integers(domains[name], name, self.kind)

    def magnitudes(self, largest: Mapping[str, int]) -> Mapping[str, int]:
        pairs = zip(self.scope, self.offsets, strict=False)
        return {name: largest[name] + abs(offset) for name, offset in pairs}

    @property
    def _shift(self) -> dict[str, int]:
        """The offsets by variable; empty without offsets."""
        return dict(zip(self.scope, self.offsets, strict=False))

    @property
    def value_symmetric(self) -> bool:
        return type(self) is AllDifferent and not self.exempt and not self.offsets

    def check(self, values: Sequence[Value]) -> bool:
        if self.offsets:
            return len({int(v) + o for v, o in zip(values, self.offsets, strict=True)}) == len(values)
        counted = [value for value in values if value not in self.exempt]
        return len(set(counted)) == len(counted)

    def conflict(self, given: Mapping[str, Value]) -> tuple[str, ...] | None:
        seen: dict[Value, str] = {}
        shift = self._shift
        for name in self.scope:
            if name in given and given[name] not in self.exempt:
                value = int(given[name]) + shift[name] if shift else given[name]
                if value in seen:
                    return seen[value], name
                seen[value] = name
        return None

    def excludes(self, name: str) -> int:
        return len(self.scope) - 1

    def without(self, name: str) -> AllDifferent | None:
        rest = tuple(other for other in self.scope if other != name)
        shift = self._shift
        offsets = tuple(shift[other] for other in rest) if shift else ()
        return AllDifferent(rest, self.exempt, offsets) if len(rest) > 1 else None

    def to_json(self) -> dict[str, Any]:
        data: dict[str, Any] = {"kind": self.kind, "scope": list(self.scope)}
        if self.offsets:
            data["offsets"] = list(self.offsets)
        return {**data, "except": sorted(self.exempt, key=str)} if self.exempt else data

    def canonical(self) -> dict[str, Any]:
        if not self.offsets:
            return super().canonical()
        pairs = sorted(self._shift.items())
        return {**self.to_json(), "scope": [name for name, _ in pairs], "offsets": [offset for _, offset in pairs]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> AllDifferent:
        return cls(data["scope"], data.get("except", ()), data.get("offsets", ()))

    def post(self, to: Posting) -> None:
        if not self.exempt:
            shift = self._shift
            to.model.add_all_different([to.variable(name) + shift.get(name, 0) for name in self.scope])
            return
        for value in {v for name in self.scope for v in to.domains[name]} - set(self.exempt):
            to.model.add_at_most_one(to.literal(n, value) for n in self.scope if value in to.domains[n])

    def post_negation(self, to: Posting) -> None:
        pairs = []
        shift = self._shift
        for a, b in combinations(self.scope, 2):
            if shift:
                left, right = to.variable(a) + shift[a], to.variable(b) + shift[b]
                pairs.append(to.truth(left == right, left != right))
                continue
            counts = [to.opposite(to.literal(a, value)) for value in self.exempt]
            pairs.append(to.all_of([to.equal(a, b), *counts]))
        to.model.add_bool_or(pairs)

    def move_form(self, domains: Mapping[str, Domain], code: Code) -> MoveForm:
        exempt = known_codes(self.exempt, domains, self.scope, code)
        least, most = code_bounds(domains, self.scope, code)
        if self.offsets:
            layout, memory = counter(least + min(self.offsets), most + max(self.offsets), len(self.scope))
            return MoveForm(packed(layout, self.offsets), memory, _SHIFTED)
        layout, memory = counter(least, most, len(self.scope))
        return MoveForm(packed(layout, len(exempt), exempt), memory, _MOVES)

    def groups(self, domains: Mapping[str, Domain]) -> list[LiteralGroup]:
        if self.offsets:
            return self._diagonals(domains)
        values = dict.fromkeys(v for name in self.scope for v in domains[name] if v not in self.exempt)
        return [
            LiteralGroup("all_different", tuple((name, value) for name in self.scope if value in domains[name]))
            for value in values
        ]

    def _diagonals(self, domains: Mapping[str, Domain]) -> list[LiteralGroup]:
        """The groups with offsets: one for each sum."""
        members: dict[int, list[tuple[str, Value]]] = {}
        for name, offset in self._shift.items():
            for value in domains[name]:
                members.setdefault(int(value) + offset, []).append((name, value))
        return [LiteralGroup("all_different", tuple(literals)) for literals in members.values()]

    def encode(self, domains: Sequence[Domain], arity: int, size: int) -> dict[str, np.ndarray]:
        table: dict[Value, int] = {}  # equal values of different domains share a code
        codes = np.zeros((arity, size), dtype=np.int64)
        counted = np.zeros((arity, size), dtype=bool)
        for k, domain in enumerate(domains):
            offset = self.offsets[k] if self.offsets else 0
            for d, value in enumerate(domain):
                if value not in self.exempt:
                    summed = int(value) + offset if offset else value
                    codes[k, d] = table.setdefault(summed, len(table))
                    counted[k, d] = True
        return {"codes": codes, "counted": counted}

    @classmethod
    def simplify(cls, p: Parameters) -> Parameters:
        # One domain for all (nearly always): codes are domain indices and need no table.
        codes, counted = p["codes"], p["counted"]
        if bool(((codes == torch.arange(codes.shape[-1])) | ~counted).all()):
            return {name: t for name, t in p.items() if name != "codes"}
        # The number of codes is stored as a shape: reading a value from a GPU would wait for it.
        return {**p, "universe": torch.empty(*codes.shape[:2], 0, int(codes.max()) + 1)}

    @staticmethod
    def degree(values: Tensor, p: Parameters) -> Tensor:
        counted = pick(p["counted"], values).long()
        codes = pick(p["codes"], values) if "codes" in p else values.expand(counted.shape)
        tally = codes.new_zeros(*codes.shape[:-1], _universe(p)).scatter_add_(-1, codes, counted)
        return (tally * (tally - 1) // 2).sum(-1)

    @staticmethod
    def expected(beliefs: Tensor, p: Parameters) -> Tensor:
        # The expected number of equal pairs of a value is ((sum_k p_k)^2 - sum_k p_k^2) / 2: no loop over pairs.
        by_code = beliefs * p["counted"]
        if "codes" in p:
            shape = (*by_code.shape[:-1], _universe(p))
            by_code = beliefs.new_zeros(shape).scatter_add(-1, p["codes"].expand(by_code.shape), by_code)
        return (by_code.sum(-2).square() - by_code.square().sum(-2)).sum(-1) / 2

    @staticmethod
    def prune(allowed: Tensor, p: Parameters) -> Tensor:
        """A value that one variable must take is excluded from the others; a value that is needed once is taken.

        Where as many values are left as variables, each value is taken: a variable that alone may take a value does.
        """
        counted = p["counted"] & p["slots"][..., None]
        rival = allowed & counted
        by_code = _by_code(rival, p)
        fixed = _by_code(rival & (allowed.sum(-1, keepdim=True) == 1), p)
        taken = fixed.sum(-2, keepdim=True) - fixed  # [..., K, U] by another variable
        free = allowed & ~(counted & (_of_code(taken, p) > 0))
        holders = by_code.sum(-2)
        left = (holders > 0).sum(-1)
        needed = (p["slots"] & ~(allowed & ~counted).any(-1)).sum(-1)
        only = rival & (_of_code(holders[..., None, :], p) == 1)
        tight = (needed == p["slots"].sum(-1)) & (left == needed)
        free = torch.where(tight[..., None, None] & only.any(-1, keepdim=True), free & only, free)
        return free & (left >= needed)[..., None, None]


def _by_code(literals: Tensor, p: Parameters) -> Tensor:
    """[..., K, D] of a variable's values as [..., K, U] int64, by the codes of the values."""
    if "codes" not in p:
        return literals.long()
    codes = p["codes"].expand(literals.shape)
    return torch.zeros(*literals.shape[:-1], _universe(p), dtype=torch.int64, device=codes.device).scatter_add_(
        -1, codes, literals.long()
    )


def _of_code(numbers: Tensor, p: Parameters) -> Tensor:
    """[..., 1 or K, U] numbers of each code, read at the codes of a variable's values: [..., 1 or K, D]."""
    if "codes" not in p:
        return numbers
    lead = np.broadcast_shapes(numbers.shape[:-1], p["codes"].shape[:-1])
    return numbers.expand(*lead, -1).gather(-1, p["codes"].expand(*lead, -1))


def _universe(p: Parameters) -> int:
    """The number of distinct values in the domains of a factor."""
    return p["universe"].shape[-1] if "codes" in p else p["counted"].shape[-1]


# The move form. Parameters: the layout of the counts by value, the number of exempt values, the exempt values.


def _start(values: Ints, scope: Ints, size: int, params: Ints, memory: Ints, slot: int, new: int) -> int:
    clear_counts(params, 0, memory, 0)
    degree = 0
    for k in range(size):
        value = values[scope[k]]
        if not is_listed(params, 3, params[2], value):
            degree += count_more(params, 0, memory, 0, value)
    return degree


def _change(values: Ints, scope: Ints, size: int, params: Ints, memory: Ints, slot: int, new: int) -> int:
    old = values[scope[slot]]
    if old == new:
        return 0
    change = 0
    if not is_listed(params, 3, params[2], new):
        change += count(params, 0, memory, 0, new)
    if not is_listed(params, 3, params[2], old):
        change -= count(params, 0, memory, 0, old) - 1
    return change


def _apply(values: Ints, scope: Ints, size: int, params: Ints, memory: Ints, slot: int, new: int) -> int:
    change = 0
    old = values[scope[slot]]
    if not is_listed(params, 3, params[2], old):
        change -= count_less(params, 0, memory, 0, old)
    if not is_listed(params, 3, params[2], new):
        change += count_more(params, 0, memory, 0, new)
    return change


def _blame(values: Ints, scope: Ints, size: int, params: Ints, memory: Ints, slot: int, new: int) -> int:
    value = values[scope[slot]]
    if is_listed(params, 3, params[2], value):
        return 0
    return count(params, 0, memory, 0, value) - 1


_MOVES = MoveFunctions(_start, _change, _apply, blame=_blame)


# With offsets. Parameters: the layout of the counts by sum, the offsets.


def _start_shifted(values: Ints, scope: Ints, size: int, params: Ints, memory: Ints, slot: int, new: int) -> int:
    clear_counts(params, 0, memory, 0)
    degree = 0
    for k in range(size):
        degree += count_more(params, 0, memory, 0, values[scope[k]] + params[2 + k])
    return degree


def _change_shifted(values: Ints, scope: Ints, size: int, params: Ints, memory: Ints, slot: int, new: int) -> int:
    old = values[scope[slot]]
    if old == new:
        return 0
    offset = params[2 + slot]
    return count(params, 0, memory, 0, new + offset) - count(params, 0, memory, 0, old + offset) + 1


def _apply_shifted(values: Ints, scope: Ints, size: int, params: Ints, memory: Ints, slot: int, new: int) -> int:
    offset = params[2 + slot]
    change = -count_less(params, 0, memory, 0, values[scope[slot]] + offset)
    return change + count_more(params, 0, memory, 0, new + offset)


def _blame_shifted(values: Ints, scope: Ints, size: int, params: Ints, memory: Ints, slot: int, new: int) -> int:
    return count(params, 0, memory, 0, values[scope[slot]] + params[2 + slot]) - 1


_SHIFTED = MoveFunctions(_start_shifted, _change_shifted, _apply_shifted, blame=_blame_shifted)
