"""``Compare`` with ``!=`` over variables that share a domain, as arrays: the edges of a graph to colour."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..array_bytes import join_bytes, split_bytes
from ..constraint_arrays import PIECE, ConstraintArrays, FactorRows, NumberedNames, renumbered
from ..values import Value
from .base import Constraint
from .compare import Compare


@dataclass(frozen=True, eq=False, repr=False)
class EdgeArrays(ConstraintArrays):
    """Pairs of different variables that take different values: ``Compare(left, "!=", right)``.

    Args:
        names: of the variables.
        edges: [C, 2] int32, the variables ``left`` and ``right``.
    """

    names: NumberedNames
    edges: np.ndarray

    @property
    def kind(self) -> type[Constraint]:
        return Compare

    @property
    def value_symmetric(self) -> bool:
        return True

    def __len__(self) -> int:
        return len(self.edges)

    def scopes(self) -> tuple[np.ndarray, np.ndarray]:
        return np.arange(0, 2 * len(self.edges) + 1, 2), self.edges.ravel()

    @cached_property
    def neighbours(self) -> tuple[np.ndarray, np.ndarray]:
        """The other variable of each constraint on a variable.

        Returns:
            ``start`` [V + 1] int64 and ``other`` [2 C] int32: those of variable v are ``other[start[v] : start[v + 1]]``,
            in the order of the constraints.
        """
        ends = self.edges.ravel()
        order = np.argsort(ends, kind="stable")
        start = np.concatenate(([0], np.cumsum(np.bincount(ends, minlength=len(self.names)))))
        return start, ends[order ^ 1]

    def violated(self, values: Sequence[Value]) -> np.ndarray:
        number: dict[Value, int] = {}
        code = np.array([number.setdefault(value, len(number)) for value in values], dtype=np.int64)
        return np.flatnonzero(code[self.edges[:, 0]] == code[self.edges[:, 1]])

    def conflicting(self, given: Mapping[str, Value]) -> Constraint | None:
        number: dict[Value, int] = {}
        names = self.names.strings()
        code = np.array(
            [number.setdefault(given[name], len(number)) if name in given else -1 for name in names], dtype=np.int64
        )
        left, right = code[self.edges[:, 0]], code[self.edges[:, 1]]
        wrong = np.flatnonzero((left == right) & (left >= 0))
        return self[int(wrong[0])] if len(wrong) else None

    def select(self, chosen: np.ndarray, variables: np.ndarray) -> EdgeArrays:
        edges = renumbered(self.edges[chosen], variables, len(self.names))
        return EdgeArrays(self.names.of(variables), edges)

    def lines(self) -> Iterator[bytes]:
        rank = np.sort(self.names.rank[self.edges], axis=1)  # the canonical form has the lesser name on the left
        rank = rank[np.argsort(rank[:, 0] * len(self.names) + rank[:, 1])]
        texts = self.names.texts[self.names.order]
        left = np.strings.add(np.strings.add(b'\n{"kind": "Compare", "left": "', texts), b'", "op": "!=", "right": "')
        right = np.strings.add(texts, b'"}')
        for begin in range(0, len(rank), PIECE):
            piece = rank[begin : begin + PIECE]
            tokens = np.strings.add(left[piece[:, 0]], right[piece[:, 1]])
            yield tokens.tobytes().translate(None, b"\0")

    def stated(self) -> Iterator[bytes]:
        texts = self.names.texts
        left = np.strings.add(np.strings.add(b',{"kind":"Compare","left":"', texts), b'","op":"!=","right":"')
        right = np.strings.add(texts, b'"}')
        for begin in range(0, len(self.edges), PIECE):
            one, two = self.edges[begin : begin + PIECE].T
            text = np.strings.add(left[one], right[two]).tobytes().translate(None, b"\0")
            yield text if begin else text[1:]

    def factor_rows(self, length: int, size: int) -> list[FactorRows] | None:
        partner = np.full(size, -1)
        partner[:length] = np.arange(length)
        slots = np.ones(self.edges.shape, dtype=bool)
        arrays = {"equal": np.zeros(len(self), dtype=bool)}
        return [FactorRows(True, self.edges.astype(np.int64), slots, arrays, {"partner": np.stack((partner, partner))})]

    def _made(self, first: int, last: int) -> list[Constraint]:
        edges = self.edges[first:last]
        used, places = np.unique(edges, return_inverse=True)
        names = self.names.of(used).strings()
        left, right = ([names[i] for i in side.tolist()] for side in places.reshape(edges.shape).T)
        new, store = object.__new__, object.__setattr__  # without the checks of __init__
        made: list[Constraint] = [new(Compare) for _ in range(first, last)]
        for compare, one, two in zip(made, left, right, strict=True):
            store(compare, "left", one)
            store(compare, "op", "!=")
            store(compare, "right", two)
            store(compare, "offset", 0)
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpickled, (self.names.prefix, len(self.names), join_bytes((self.names.numbers, self.edges), TYPES))


TYPES = tuple(map(np.dtype, (np.int64, np.int32)))


def _unpickled(prefix: str, variables: int, data: bytearray) -> EdgeArrays:
    size = (len(data) - variables * TYPES[0].itemsize) // TYPES[1].itemsize
    numbers, edges = split_bytes(data, TYPES, (variables, size))
    return EdgeArrays(NumberedNames(prefix, numbers), edges.reshape(-1, 2))
