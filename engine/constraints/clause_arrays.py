"""Clauses over variables with the values 0 and 1, as arrays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..array_bytes import join_bytes, split_bytes
from ..constraint_arrays import PIECE, ConstraintArrays, FactorRows, NumberedNames, by_length, renumbered
from ..values import Value
from .base import Constraint
from .clause import Clause


@dataclass(frozen=True, eq=False, repr=False)
class ClauseArrays(ConstraintArrays):
    """Clauses that are not empty, over variables with the domain (0, 1).

    Args:
        names: of the variables.
        start: [C + 1] int64. Clause c has the literals from ``start[c]`` to below ``start[c + 1]``.
        variable: [L] int32, the variable of each literal.
        value: [L] int8, its value: 1, or 0 for a negated variable.
    """

    names: NumberedNames
    start: np.ndarray
    variable: np.ndarray
    value: np.ndarray

    @property
    def kind(self) -> type[Constraint]:
        return Clause

    @property
    def value_symmetric(self) -> bool:
        return False

    def __len__(self) -> int:
        return len(self.start) - 1

    @cached_property
    def distinct(self) -> bool:
        """Whether no clause has a variable twice. ``start`` and ``variable`` are then the scopes."""
        for _, places in by_length(self.start):
            sorted_ = np.sort(self.variable[places], axis=1)
            if (sorted_[:, 1:] == sorted_[:, :-1]).any():
                return False
        return True

    def scopes(self) -> tuple[np.ndarray, np.ndarray]:
        if self.distinct:
            return self.start, self.variable
        clause = np.repeat(np.arange(len(self)), np.diff(self.start))
        _, first = np.unique(clause * len(self.names) + self.variable, return_index=True)
        kept = np.sort(first)
        start = np.searchsorted(clause[kept], np.arange(len(self) + 1))
        return start.astype(np.int64), self.variable[kept]

    def violated(self, values: Sequence[Value]) -> np.ndarray:
        true = np.array([value == 1 for value in values], dtype=np.int8)
        return np.flatnonzero(~self._any(true[self.variable] == self.value))

    def conflicting(self, given: Mapping[str, Value]) -> Constraint | None:
        known = np.array([given.get(name, -1) for name in self.names.strings()], dtype=np.int8)[self.variable]
        wrong = np.flatnonzero(~self._any((known < 0) | (known == self.value)))
        return self[int(wrong[0])] if len(wrong) else None

    def select(self, chosen: np.ndarray, variables: np.ndarray) -> ClauseArrays:
        length = np.diff(self.start)[chosen]
        start = np.concatenate(([0], np.cumsum(length)))
        places = np.repeat(self.start[chosen] - start[:-1], length) + np.arange(start[-1])
        number = renumbered(self.variable[places], variables, len(self.names))
        return ClauseArrays(self.names.of(variables), start, number, self.value[places])

    def lines(self) -> Iterator[bytes]:
        # The place of each literal in the order of its text: the digest sorts literals, then lines.
        rank = 2 * self.names.rank[self.variable] + self.value
        start, rank = self._sorted(rank)
        texts = self.names.texts[self.names.order]
        pair = np.strings.add(np.strings.add(b'["', texts)[:, None], np.array([b'", 0]', b'", 1]'])).ravel()
        first = np.strings.add(b']}\n{"kind": "Clause", "literals": [', pair)  # the first literal ends the line before
        tokens = np.concatenate((np.strings.add(b", ", pair), first))
        rank[start[:-1]] += len(pair)
        for begin in range(0, len(rank), PIECE):
            text = tokens[rank[begin : begin + PIECE]].tobytes().translate(None, b"\0")
            yield text if begin else text[2:]
        if len(rank):
            yield b"]}"

    def stated(self) -> Iterator[bytes]:
        code = 2 * self.variable.astype(np.int64) + self.value
        pair = np.strings.add(np.strings.add(b'["', self.names.texts)[:, None], np.array([b'",0]', b'",1]'])).ravel()
        first = np.strings.add(b']},{"kind":"Clause","literals":[', pair)  # the first literal ends the clause before
        tokens = np.concatenate((np.strings.add(b",", pair), first))
        code[self.start[:-1]] += len(pair)
        for begin in range(0, len(code), PIECE):
            text = tokens[code[begin : begin + PIECE]].tobytes().translate(None, b"\0")
            yield text if begin else text[3:]
        if len(code):
            yield b"]}"

    def _sorted(self, rank: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The clauses with their literals sorted and without repetitions, in the order of their text."""
        start = self.start
        groups = by_length(start)
        for _, places in groups:
            rank[places] = np.sort(rank[places], axis=1)
        if not self.distinct:
            clause = np.repeat(np.arange(len(self)), np.diff(start))
            new = np.ones(len(rank), dtype=bool)
            new[1:] = (rank[1:] != rank[:-1]) | (clause[1:] != clause[:-1])
            rank, start = rank[new], np.concatenate(([0], np.cumsum(new)))[start]
            groups = by_length(start)
        order = self._order(start, rank, groups)
        length = np.diff(start)[order]
        moved = np.concatenate(([0], np.cumsum(length)))
        return moved, rank[np.repeat(start[order] - moved[:-1], length) + np.arange(moved[-1])]

    def _order(self, start: np.ndarray, rank: np.ndarray, groups: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
        """The order of the clauses' text. Of two with the same start, the longer comes first: ',' is before ']'."""
        end = 2 * len(self.names)
        width = max((places.shape[1] for _, places in groups), default=0)
        if width * len(self) > 8 * len(rank) + PIECE:  # a few long clauses among short ones
            rows = [[*rank[a:b].tolist(), end] for a, b in zip(start[:-1].tolist(), start[1:].tolist(), strict=True)]
            return np.array(sorted(range(len(rows)), key=rows.__getitem__), dtype=np.int64)
        padded = np.full((len(self), width), end, dtype=np.int64)
        for rows_, places in groups:
            padded[rows_[:, None], np.arange(places.shape[1])] = rank[places]
        # Several literals fit one integer, so that clauses of three need a single sort.
        bits = max(end.bit_length(), 1)
        each = 62 // bits
        keys = []
        for left in range(0, width, each):
            key = np.zeros(len(self), dtype=np.int64)
            for column in range(left, min(left + each, width)):
                key = (key << bits) | padded[:, column]
            keys.append(key)
        return np.argsort(keys[0]) if len(keys) == 1 else np.lexsort(keys[::-1])

    def factor_rows(self, length: int, size: int) -> list[FactorRows] | None:
        if not self.distinct:
            return None
        buckets: dict[int, list[tuple[np.ndarray, np.ndarray]]] = {}
        for rows, places in by_length(self.start):
            buckets.setdefault((places.shape[1] - 1).bit_length(), []).append((rows, places))
        made = []
        for bucket, groups in buckets.items():
            chosen = np.sort(np.concatenate([rows for rows, _ in groups]))
            arity = max(places.shape[1] for _, places in groups)
            scopes = np.zeros((len(chosen), arity), dtype=np.int64)
            slots = np.zeros((len(chosen), arity), dtype=bool)
            member = np.zeros((len(chosen), arity, size), dtype=bool)
            for rows, places in groups:
                at, k = np.searchsorted(chosen, rows)[:, None], np.arange(places.shape[1])
                scopes[at, k] = self.variable[places]
                slots[at, k] = True
                member[at, k, self.value[places]] = True
            made.append(FactorRows(bucket, scopes, slots, {"member": member}, {}))
        return made

    def _any(self, literal: np.ndarray) -> np.ndarray:
        """[C] bool: whether one of a clause's literals [L] is true."""
        if not len(self):
            return np.zeros(0, dtype=bool)
        return np.logical_or.reduceat(literal, self.start[:-1])

    def _made(self, first: int, last: int) -> list[Constraint]:
        begin, end = self.start[first], self.start[last]
        literals = self._pairs(self.variable[begin:end], self.value[begin:end])
        bounds = (self.start[first : last + 1] - begin).tolist()
        new, store = object.__new__, object.__setattr__  # without the checks of __init__
        made: list[Constraint] = [new(Clause) for _ in range(first, last)]
        for clause, a, b in zip(made, bounds[:-1], bounds[1:], strict=True):
            store(clause, "literals", tuple(literals[a:b]))
        return made

    def _pairs(self, variable: np.ndarray, value: np.ndarray) -> list[tuple[str, int]]:
        """Pairs of name and value. Literals that occur several times share one."""
        code = 2 * variable.astype(np.int64) + value
        used, places = np.unique(code, return_inverse=True)
        names = self.names.of(used >> 1).strings()
        table = list(zip(names, (used & 1).tolist(), strict=True))
        return [table[i] for i in places.tolist()]

    def __reduce__(self) -> tuple[Any, ...]:
        data = join_bytes((self.names.numbers, self.start, self.variable, self.value), TYPES)
        return _unpickled, (self.names.prefix, len(self.names), len(self), len(self.variable), data)


TYPES = tuple(map(np.dtype, (np.int64, np.int64, np.int32, np.int8)))


def _unpickled(prefix: str, variables: int, clauses: int, literals: int, data: bytearray) -> ClauseArrays:
    numbers, *arrays = split_bytes(data, TYPES, (variables, clauses + 1, literals, literals))
    return ClauseArrays(NumberedNames(prefix, numbers), *arrays)
