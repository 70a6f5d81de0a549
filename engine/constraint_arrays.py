"""Constraints of one kind as arrays: a sequence whose elements are made when they are read.

A formula of a million clauses takes 30 MB as arrays and about 500 MB as objects. Readers of large files make such
sequences. The engine computes digests, components, checks and tensors from the arrays.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, Self, overload

import numpy as np

from .garbage import gc_paused
from .values import Value

if TYPE_CHECKING:
    from .constraints.base import Constraint

KEPT = 1 << 16
"""The most constraints of a sequence that keeps the objects that it made. A longer one makes them at each reading."""

PIECE = 1 << 18
"""Numbers that are turned into text or objects at once."""


@dataclass(frozen=True)
class NumberedNames:
    """Names of variables: a prefix and a number, such as ``x1`` to ``x250``.

    Args:
        prefix: ASCII letters.
        numbers: [V] int64, distinct, from 0 to 10^12, in the order of the variables.
    """

    prefix: str
    numbers: np.ndarray

    def __len__(self) -> int:
        return len(self.numbers)

    def strings(self) -> list[str]:
        """The names, in the order of the variables."""
        return [f"{self.prefix}{number}" for number in self.numbers.tolist()]

    def of(self, chosen: np.ndarray) -> NumberedNames:
        """The names of some variables.

        Args:
            chosen: [N] int64, their positions.
        """
        return NumberedNames(self.prefix, self.numbers[chosen])

    @cached_property
    def order(self) -> np.ndarray:
        """[V] int64: the positions of the variables in the order of their names as text: x1, x10, x2."""
        powers = 10 ** np.arange(18, dtype=np.int64)
        digits = np.searchsorted(powers, np.maximum(self.numbers, 1), side="right")
        # Numbers are shifted to equal length; of two that are then equal, the shorter one comes first.
        return np.argsort(32 * self.numbers * powers[digits.max(initial=1) - digits] + digits)

    @cached_property
    def rank(self) -> np.ndarray:
        """[V] int64: the place of each variable in ``order``."""
        rank = np.empty(len(self.numbers), dtype=np.int64)
        rank[self.order] = np.arange(len(rank))
        return rank

    @cached_property
    def texts(self) -> np.ndarray:
        """[V] bytes: the names, padded with null bytes."""
        width = len(str(self.numbers.max(initial=0)))
        return np.strings.add(self.prefix.encode(), self.numbers.astype(f"S{width}"))


class FactorRows(NamedTuple):
    """Constraints of one bucket, encoded for a factor.

    Args:
        bucket: of ``TensorForm.bucket``.
        scopes: [N, K] int64, the variables; 0 in padding.
        slots: [N, K] bool, False in padding.
        arrays: name -> [N, ...], as ``encode`` returns them, stacked.
        shared: name -> [...], the same for all constraints.
    """

    bucket: object
    scopes: np.ndarray
    slots: np.ndarray
    arrays: Mapping[str, np.ndarray]
    shared: Mapping[str, np.ndarray]


class ConstraintArrays(Sequence["Constraint"], ABC):
    """Constraints of one kind over variables that all have the same domain.

    It behaves like a tuple of constraint objects. ``ConstraintGraph.unchecked`` accepts it as its constraints.

    Args:
        names: of the variables, in the order of the graph.
    """

    names: NumberedNames

    @property
    @abstractmethod
    def kind(self) -> type[Constraint]:
        """The class of the elements."""

    @property
    @abstractmethod
    def value_symmetric(self) -> bool:
        """``Constraint.value_symmetric``, the same for all elements."""

    @abstractmethod
    def scopes(self) -> tuple[np.ndarray, np.ndarray]:
        """The variables of each constraint.

        Returns:
            ``start`` [C + 1] int64 and ``variable`` [L] int32: constraint c has the variables ``variable[start[c] :
            start[c + 1]]``, as positions in ``names``.
        """

    @abstractmethod
    def violated(self, values: Sequence[Value]) -> np.ndarray:
        """The numbers of the constraints that an assignment violates: the reference check of each.

        Args:
            values: one for each variable, in order.
        """

    @abstractmethod
    def conflicting(self, given: Mapping[str, Value]) -> Constraint | None:
        """The first constraint that given values violate for all values of the others; None without one.

        Args:
            given: variable name -> value.
        """

    @abstractmethod
    def select(self, chosen: np.ndarray, variables: np.ndarray) -> Self:
        """Some of the constraints, for a graph of some of the variables.

        Args:
            chosen: [N] int64, numbers of constraints.
            variables: [M] int64, ascending positions of the variables to keep: all of these constraints' and maybe
                more.
        """

    @abstractmethod
    def lines(self) -> Iterator[bytes]:
        """The canonical JSON of all constraints in pieces: sorted lines, each after a line break."""

    @abstractmethod
    def stated(self) -> Iterator[bytes]:
        """The JSON of all constraints as ``to_json`` states them, in pieces: in order, separated by commas."""

    @abstractmethod
    def factor_rows(self, length: int, size: int) -> list[FactorRows] | None:
        """The constraints as a factor stores them, by bucket, or None where they have to be encoded one by one.

        Args:
            length: of the domain that the variables share.
            size: D, the domain length to pad to.
        """

    @abstractmethod
    def _made(self, first: int, last: int) -> list[Constraint]:
        """The constraints with numbers from ``first`` to below ``last``."""

    @overload
    def __getitem__(self, index: int) -> Constraint: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Constraint, ...]: ...
    def __getitem__(self, index: int | slice) -> Constraint | tuple[Constraint, ...]:
        if len(self) <= KEPT:
            return self._kept[index]
        if isinstance(index, slice):
            return tuple(self[i] for i in range(*index.indices(len(self))))
        place = range(len(self))[index]
        return self._made(place, place + 1)[0]

    def __iter__(self) -> Iterator[Constraint]:
        if len(self) <= KEPT:
            yield from self._kept
            return
        for first in range(0, len(self), KEPT):
            with gc_paused():
                made = self._made(first, min(first + KEPT, len(self)))
            yield from made

    @cached_property
    def _kept(self) -> tuple[Constraint, ...]:
        with gc_paused():
            return tuple(self._made(0, len(self)))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} constraints)"


def by_length(start: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Rows of different lengths, grouped by length.

    Args:
        start: [C + 1] int64, where each row begins in a flat array.

    Returns:
        For each length K that occurs, in the order of its first row: the numbers [N] of the rows, and the positions
        [N, K] of their elements in the flat array.
    """
    length = np.diff(start)
    lengths, first = np.unique(length, return_index=True)
    if len(lengths) == 1:
        return [(np.arange(len(length)), np.arange(start[-1]).reshape(len(length), -1))]
    rows = [np.flatnonzero(length == lengths[i]) for i in np.argsort(first)]
    return [(numbers, start[numbers][:, None] + np.arange(length[numbers[0]])) for numbers in rows]


def renumbered(old: np.ndarray, variables: np.ndarray, count: int) -> np.ndarray:
    """The positions of variables in a selection.

    Args:
        old: any shape, variables of the selection.
        variables: [M] int64, the selection, ascending.
        count: V, the number of all variables.

    Returns:
        The shape of ``old``, int32.
    """
    if old.size < count // 8:  # one of many small components: the time must not grow with all variables
        return np.searchsorted(variables, old).astype(np.int32)
    number = np.zeros(count, dtype=np.int32)
    number[variables] = np.arange(len(variables), dtype=np.int32)
    found: np.ndarray = number[old]
    return found


def connected(count: int, start: np.ndarray, variable: np.ndarray) -> np.ndarray:
    """The connected components of a hypergraph.

    Args:
        count: V, the number of variables.
        start: [C + 1] int64, where the scope of each constraint begins. No scope is empty.
        variable: [L], the scopes.

    Returns:
        [V] int64: the least variable of each variable's component.
    """
    parent = np.arange(count, dtype=np.int32)
    first = np.repeat(variable[start[:-1]], np.diff(start)) if len(variable) else variable
    # A sample joins most of a large component, so that nearly all other pairs are dropped at their first reading.
    step = max(1, len(variable) // (4 * count + 1))
    for chosen in (slice(None, None, step), slice(None)):
        parent = _joined(parent, first[chosen], variable[chosen])
    return parent


def _joined(parent: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """``parent`` after pairs of variables were joined; each variable's parent is the least of its component."""
    while True:
        one, two = parent[first], parent[second]
        apart = np.flatnonzero(one != two)
        if not len(apart):
            return parent
        first, second, one, two = first[apart], second[apart], one[apart], two[apart]
        np.minimum.at(parent, np.maximum(one, two), np.minimum(one, two))
        while not np.array_equal(above := parent[parent], parent):  # the depth halves in each round
            parent = above
