"""Table: the values of the scope are one of the listed tuples, or none of them."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import GraphError
from ..lazy import torch
from ..values import Domain, Value, boolean, items, names, set_fields, value
from .base import Constraint, LiteralGroup, Parameters
from .move_arithmetic import mixed
from .move_form import Code, Ints, MoveForm, MoveFunctions, packed

if TYPE_CHECKING:
    from torch import Tensor

    from ..posting import Posting


@dataclass(frozen=True)
class Table(Constraint):
    """The values of the scope, as a tuple, are among ``tuples``; with ``allowed=False`` they are not.

    The violation degree is 0 or 1.

    Args:
        scope: variable names, at least one.
        tuples: tuples of one value for each variable, in the order of the scope.
        allowed: whether the tuples are the allowed or the forbidden ones.

    Raises:
        GraphError: an argument of the wrong type.
    """

    scope: tuple[str, ...]
    tuples: tuple[tuple[Value, ...], ...]
    allowed: bool = True

    keys = ("scope", "tuples", "allowed")
    symmetric = False

    def __post_init__(self) -> None:
        form = f'{self.kind}(["a", "b"], [(1, 2), (2, 3)]), in JSON "tuples": [[1, 2], [2, 3]]'
        rows = items(self.tuples, f"{self.kind}: the tuples", form)
        if _widths(_Same(rows)) is None:
            what = f"{self.kind}: a value of the tuples"
            listed = (items(row, f"{self.kind}: each of the tuples", form) for row in rows)
            rows = tuple(tuple(value(each, what) for each in row) for row in listed)
        allowed = boolean(self.allowed, f'{self.kind}: "allowed"')
        set_fields(self, scope=names(self.scope, self.kind), tuples=rows, allowed=allowed)

    @cached_property
    def _set(self) -> frozenset[tuple[Value, ...]]:
        return frozenset(self.tuples)

    def validate(self, domains: Mapping[str, Domain]) -> None:
        super().validate(domains)
        if _widths(_Same(self.tuples)) == frozenset((len(self.scope),)):
            return
        for row in self.tuples:
            if len(row) != len(self.scope):
                raise GraphError(f"{self.describe()}: tuple {row!r} has {len(row)} values, not {len(self.scope)}")

    def check(self, values: Sequence[Value]) -> bool:
        return (tuple(values) in self._set) == self.allowed

    def to_json(self) -> dict[str, Any]:
        rows = [list(row) for row in self.tuples]
        return {"kind": self.kind, "scope": list(self.scope), "tuples": rows, "allowed": self.allowed}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Table:
        return cls(data["scope"], data["tuples"], data.get("allowed", True))

    def canonical(self) -> dict[str, Any]:
        order = sorted(range(len(self.scope)), key=lambda k: self.scope[k])
        rows = _ordered(self.tuples, tuple(order))
        return {"kind": self.kind, "scope": sorted(self.scope), "tuples": rows, "allowed": self.allowed}

    def post(self, to: Posting) -> None:
        self._post(to, self.allowed)

    def post_negation(self, to: Posting) -> None:
        self._post(to, not self.allowed)

    def _post(self, to: Posting, allowed: bool) -> None:
        rows = [tuple(to.code(value) for value in row) for row in self._possible(to.domains)]
        variables = [to.variable(name) for name in self.scope]
        if allowed:
            to.model.add_allowed_assignments(variables, rows)
        elif rows:
            to.model.add_forbidden_assignments(variables, rows)

    def move_form(self, domains: Mapping[str, Domain], code: Code) -> MoveForm:
        params = _lookup(self.tuples, len(self.scope), self.allowed)
        if params is None:
            coded = tuple([tuple(map(code, row)) for row in self._possible(domains)])  # others have no code
            params = _lookup(coded, len(self.scope), self.allowed)
            assert params is not None
        return MoveForm(params, 0, _MOVES)

    def groups(self, domains: Mapping[str, Domain]) -> list[LiteralGroup]:
        role = "table allowed" if self.allowed else "table forbidden"
        rows = self._possible(domains)
        return [LiteralGroup(role, tuple(zip(self.scope, row, strict=True))) for row in rows]

    def group_size(self, domains: Mapping[str, Domain]) -> int:
        return len(self.tuples) * len(self.scope)

    def _possible(self, domains: Mapping[str, Domain]) -> list[tuple[Value, ...]]:
        """The distinct tuples whose values are all in the domains."""
        sets = [set(domains[name]) for name in self.scope]
        return [r for r in dict.fromkeys(self.tuples) if all(v in s for v, s in zip(r, sets, strict=True))]

    def bucket(self) -> Hashable:
        return super().bucket(), len(self.tuples).bit_length()

    def encode(self, domains: Sequence[Domain], arity: int, size: int) -> dict[str, np.ndarray]:
        positions = [{value: d for d, value in enumerate(domain)} for domain in domains]
        rows = self._possible(dict(zip(self.scope, domains, strict=True)))
        length = (1 << len(self.tuples).bit_length()) - 1  # the bucket's largest table
        index = np.zeros((length, arity), dtype=np.int64)
        for m, row in enumerate(rows):
            index[m, : len(row)] = [position[value] for position, value in zip(positions, row, strict=True)]
        return {"index": index, "listed": np.arange(length) < len(rows), "allowed": np.array(self.allowed)}

    @staticmethod
    def degree(values: Tensor, p: Parameters) -> Tensor:
        same = (values[..., None, :] == p["index"]) | ~p["slots"][..., None, :]
        found = (same.all(-1) & p["listed"]).any(-1)
        return (found != p["allowed"]).long()

    @staticmethod
    def expected(beliefs: Tensor, p: Parameters) -> Tensor:
        # P(tuple) is a product over the scope. Distinct tuples exclude one another, so their probabilities add up.
        index = p["index"].transpose(-1, -2)  # [..., K, M]
        lead = np.broadcast_shapes(beliefs.shape[:-1], index.shape[:-1])
        chance = beliefs.expand(*lead, -1).gather(-1, index.expand(*lead, -1))
        chance = torch.where(p["slots"][..., None], chance, 1).prod(-2)
        found = (chance * p["listed"]).sum(-1)
        return torch.where(p["allowed"], 1 - found, found)


class _Same:
    """A table as a key of a cache: equal to itself alone, since to compare or hash all tuples is as slow as to check them."""

    def __init__(self, rows: tuple[Any, ...]) -> None:
        self.rows = rows

    def __hash__(self) -> int:
        return id(self.rows)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.rows is self.rows


@lru_cache(maxsize=8)  # long chains repeat one table, which the cache keeps alive, so that its id stays its own
def _widths(table: _Same) -> frozenset[int] | None:
    """The lengths of the rows; None unless all of them are tuples of plain integers."""
    if all(type(row) is tuple and all(type(each) is int for each in row) for row in table.rows):
        return frozenset(map(len, table.rows))
    return None


@lru_cache(maxsize=64)  # long chains repeat one table
def _ordered(tuples: tuple[tuple[Value, ...], ...], order: tuple[int, ...]) -> list[tuple[Value, ...]]:
    """The different tuples with their values in another order, sorted by text."""
    return sorted({tuple(row[k] for k in order) for row in tuples}, key=str)


# The move form: a hash table of the tuples. Parameters: whether they are allowed, the number of cells, the first tuple of
# each cell and the end of the last, the tuples.


@lru_cache(maxsize=4)  # constraints on the same tuples often follow one another: they share one array
def _lookup(tuples: tuple[tuple[Value, ...], ...], width: int, allowed: bool) -> np.ndarray | None:
    """The parameters; None where a value is a string."""
    if not all(type(each) is int for row in tuples for each in row):
        return None
    rows = np.array(tuples, np.int64).reshape(-1, width)
    cells = 1 << len(rows).bit_length()
    hashes = np.zeros(len(rows), np.int64)
    for column in rows.T:
        hashes = mixed(hashes, column)  # type: ignore[arg-type, assignment]  # it works on arrays too
    hashes &= cells - 1
    ends = np.concatenate([[0], np.bincount(hashes, minlength=cells).cumsum()])
    return packed(allowed, cells, ends, rows[np.argsort(hashes, kind="stable")])


def _found(values: Ints, scope: Ints, size: int, params: Ints, slot: int, new: int) -> bool:
    """Whether the tuple with one value replaced is listed."""
    cell = 0
    for k in range(size):
        cell = mixed(cell, new if k == slot else values[scope[k]])
    cells = params[1]
    cell &= cells - 1
    for row in range(params[2 + cell], params[3 + cell]):
        first = 3 + cells + row * size
        k = 0
        while k < size and params[first + k] == (new if k == slot else values[scope[k]]):
            k += 1
        if k == size:
            return True
    return False


def _start(values: Ints, scope: Ints, size: int, params: Ints, memory: Ints, slot: int, new: int) -> int:
    return int(_found(values, scope, size, params, size, 0) != (params[0] == 1))


def _change(values: Ints, scope: Ints, size: int, params: Ints, memory: Ints, slot: int, new: int) -> int:
    before = _found(values, scope, size, params, size, 0)
    after = _found(values, scope, size, params, slot, new)
    if before == after:
        return 0
    return 1 if after != (params[0] == 1) else -1


def _suggest(values: Ints, scope: Ints, size: int, params: Ints, memory: Ints, slot: int, new: int) -> int:
    """The value of a tuple that is chosen at random."""
    cells = params[1]
    rows = params[2 + cells]
    return params[3 + cells + (new % rows) * size + slot] if rows and params[0] else values[scope[slot]]


_MOVES = MoveFunctions(_start, _change, suggest=_suggest)
