"""AllDifferent: no two variables of the scope take the same value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from ..errors import GraphError
from ..lazy import torch
from ..values import Domain, Value, names, set_fields, values
from .base import Constraint, LiteralGroup, Parameters, pick
from .move_arithmetic import clear_counts, count, count_less, count_more, is_listed
from .move_form import Code, Ints, MoveForm, MoveFunctions, code_bounds, counter, known_codes, packed

if TYPE_CHECKING:
    from torch import Tensor

    from ..posting import Posting


@dataclass(frozen=True)
class AllDifferent(Constraint):
    """No two variables take the same value, except values in ``exempt``, which may repeat (alldifferent_except).

    The violation degree is the number of equal pairs.

    Args:
        scope: variable names, at least one.
        exempt: values that may repeat; JSON calls them ``except``.

    Raises:
        GraphError: an argument of the wrong type, or names given one by one instead of as a list.
    """

    scope: tuple[str, ...]
    exempt: tuple[Value, ...] = ()

    keys = ("scope", "except")

    def __new__(cls, *fields: Any, **named: Any) -> Self:
        if len(fields) > 1 and all(isinstance(field, str) for field in fields):
            listed = ", ".join(f'"{field}"' for field in fields[:6])
            raise GraphError(
                f"{cls.__name__}: the scope is one list, not {len(fields)} strings", f"write {cls.__name__}([{listed}])"
            )
        return super().__new__(cls)

    def __post_init__(self) -> None:
        set_fields(
            self,
            scope=names(self.scope, self.kind, ordered=False),
            exempt=values(self.exempt, f"{self.kind}: the exempt values"),
        )

    @property
    def value_symmetric(self) -> bool:
        return type(self) is AllDifferent and not self.exempt

    def check(self, values: Sequence[Value]) -> bool:
        counted = [value for value in values if value not in self.exempt]
        return len(set(counted)) == len(counted)

    def conflict(self, given: Mapping[str, Value]) -> tuple[str, ...] | None:
        seen: dict[Value, str] = {}
        for name in self.scope:
            if name in given and given[name] not in self.exempt:
                if given[name] in seen:
                    return seen[given[name]], name
                seen[given[name]] = name
        return None

    def excludes(self, name: str) -> int:
        return len(self.scope) - 1

    def without(self, name: str) -> AllDifferent | None:
        rest = tuple(other for other in self.scope if other != name)
        return AllDifferent(rest, self.exempt) if len(rest) > 1 else None

    def to_json(self) -> dict[str, Any]:
        data: dict[str, Any] = {"kind": self.kind, "scope": list(self.scope)}
        return {**data, "except": sorted(self.exempt, key=str)} if self.exempt else data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> AllDifferent:
        return cls(data["scope"], data.get("except", ()))

    def post(self, to: Posting) -> None:
        if not self.exempt:
            to.model.add_all_different([to.variable(name) for name in self.scope])
            return
        for value in {v for name in self.scope for v in to.domains[name]} - set(self.exempt):
            to.model.add_at_most_one(to.literal(n, value) for n in self.scope if value in to.domains[n])

    def post_negation(self, to: Posting) -> None:
        pairs = []
        for a, b in combinations(self.scope, 2):
            counts = [to.opposite(to.literal(a, value)) for value in self.exempt]
            pairs.append(to.all_of([to.equal(a, b), *counts]))
        to.model.add_bool_or(pairs)

    def move_form(self, domains: Mapping[str, Domain], code: Code) -> MoveForm:
        exempt = known_codes(self.exempt, domains, self.scope, code)
        layout, memory = counter(*code_bounds(domains, self.scope, code), len(self.scope))
        return MoveForm(packed(layout, len(exempt), exempt), memory, _MOVES)

    def groups(self, domains: Mapping[str, Domain]) -> list[LiteralGroup]:
        values = dict.fromkeys(v for name in self.scope for v in domains[name] if v not in self.exempt)
        return [
            LiteralGroup("all_different", tuple((name, value) for name in self.scope if value in domains[name]))
            for value in values
        ]

    def encode(self, domains: Sequence[Domain], arity: int, size: int) -> dict[str, np.ndarray]:
        table: dict[Value, int] = {}  # equal values of different domains share a code
        codes = np.zeros((arity, size), dtype=np.int64)
        counted = np.zeros((arity, size), dtype=bool)
        for k, domain in enumerate(domains):
            for d, value in enumerate(domain):
                if value not in self.exempt:
                    codes[k, d] = table.setdefault(value, len(table))
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

    @classmethod
    def costs(cls, values: Tensor, p: Parameters, size: int) -> Tensor:
        counted = pick(p["counted"], values).long()
        codes = pick(p["codes"], values) if "codes" in p else values
        tally = codes.new_zeros(len(values), _universe(p)).scatter_add_(1, codes, counted)
        every = p["codes"] if "codes" in p else torch.arange(size, device=values.device).expand(p["counted"].shape)
        others = tally[:, None, :].expand(-1, values.shape[1], -1).gather(-1, every)
        own = (every == codes[..., None]) & counted[..., None].bool()
        return (others - own.long()) * p["counted"]

    @classmethod
    def cost_changes(
        cls, values: Tensor, slot: Tensor, new: Tensor, p: Parameters, size: int
    ) -> tuple[Tensor, Tensor, Tensor]:
        # Two values matter. For the other variables of the scope, the old value costs one less and the new one one
        # more.
        n, k = values.shape
        rows = torch.arange(n, device=values.device)
        slots = torch.arange(k, device=values.device).expand(n, k)
        others = p["slots"] & (slots != slot[:, None])
        parts = []
        for d, sign in ((values[rows, slot], -1), (new, 1)):
            counts = others & p["counted"][rows, slot, d][:, None]
            if "codes" in p:
                match = (p["codes"] == p["codes"][rows, slot, d][:, None, None]) & p["counted"]
                index, counts = match.long().argmax(-1), counts & match.any(-1)
            else:
                index = d[:, None].expand(n, k)
                counts = counts & p["counted"].gather(-1, index[..., None])[..., 0]
            parts.append((slots, index, sign * counts.long()))
        at, index, change = (torch.cat(both, 1) for both in zip(*parts, strict=True))
        return at, index, change


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
