"""The instance of searches whose kernels run on a GPU: the flat graphs on the CPU, their chains on the device."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np

from ...engine.lazy import torch
from ...engine.moves.instance import MoveInstance, compile_moves
from ...engine.problem import Problem

if TYPE_CHECKING:
    from torch import Tensor

T = TypeVar("T")

STARTS = 0xD1B54A32D192ED03
"""Separates the streams of first assignments from those of moves, as on the CPU."""
GOLDEN = 0x9E3779B97F4A7C15
"""The increment of splitmix64."""


@dataclass(frozen=True, eq=False)
class CudaInstance(MoveInstance):
    """Problems for a search on a GPU. The loop's bookkeeping stays on the CPU.

    Args:
        place: the device of the chains.
        problem: [B] int64, equal for the copies of a problem, below the number of rows at compilation.
    """

    place: str = "cuda"
    problem: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    _rows: dict[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, problems: Sequence[Problem], copies: int, place: str) -> CudaInstance:
        """Compile problems.

        Args:
            problems: at least one.
            copies: rows for each problem; row ``p * copies + c`` is copy c of problem p.
            place: a CUDA device.
        """
        made = compile_moves(problems, copies)
        number = np.repeat(np.arange(len(problems)), copies)
        return cls(made.graphs, made.template, made.fixed, made.given, made.notices, {}, place, number)

    @property
    def device(self) -> str:
        """The device of the chains."""
        return self.place

    def select(self, rows: np.ndarray) -> CudaInstance:
        """The instance of some rows, over the same graphs.

        Args:
            rows: [N] int64 row numbers, which may repeat, or [B] bool.
        """
        return CudaInstance(
            self.graphs,
            self.template[rows],
            self.fixed[rows],
            self.given[rows],
            self.notices,
            self._cache,
            self.place,
            self.problem[rows],
        )

    def put(self, array: np.ndarray) -> Tensor:
        """An array [...] on the device of the chains."""
        return torch.from_numpy(np.ascontiguousarray(array)).to(self.place)

    def kept(self, name: str, build: Callable[[], T]) -> T:
        """A value that depends on the rows. It is built once for this object, and not for its selections.

        Args:
            name: of the value.
            build: returns the value.
        """
        if name not in self._rows:
            self._rows[name] = build()
        return cast(T, self._rows[name])

    @cached_property
    def templates(self) -> Tensor:
        """[B] int32 on the device: the graph of each row."""
        return self.put(self.template.astype(np.int32))

    @cached_property
    def groups(self) -> Tensor:
        """[B] int32 on the device: rows with equal numbers are copies of one problem."""
        return self.put(np.unique(self.problem, return_inverse=True)[1].astype(np.int32))


def signed(keys: np.ndarray) -> np.ndarray:
    """Keys as the numbers that torch has: [B] uint64 as int64 with the same bits."""
    return keys.view(np.int64)


def ranked(violations: np.ndarray, clock: np.ndarray, problem: np.ndarray) -> np.ndarray:
    """Energies that let the loop choose the chain that needed the fewest moves, whichever ended first on the device.

    Args:
        violations: [B].
        clock: [B] moves made.
        problem: [B], equal for the copies of a problem.

    Returns:
        [B] float32: the violations, plus 0.5 for solutions of problems that another chain solved in fewer moves.
    """
    energy = violations.astype(np.float32)
    solved = (violations == 0).nonzero()[0]
    if len(solved):
        order = solved[np.lexsort((solved, clock[solved], problem[solved]))]
        later = order[1:][problem[order[1:]] == problem[order[:-1]]]
        energy[later] = 0.5
    return energy


def mixed(x: Tensor) -> Tensor:
    """The finaliser of splitmix64, on int64 tensors [...] that hold unsigned numbers."""
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        x = (x ^ _shifted(x, shift)) * _number(factor)
    return x ^ _shifted(x, 31)


def starting_bits(key: Tensor, variables: int) -> Tensor:
    """Random bits for the first assignments of chains.

    Args:
        key: [B] int64.
        variables: V.

    Returns:
        [B, V] uint8, 0 or 1.
    """
    stream = mixed(key ^ _number(STARTS))
    counter = torch.arange(variables, device=key.device) * _number(GOLDEN)
    return (mixed(stream[:, None] + counter) < 0).to(torch.uint8)  # the highest bit


def _shifted(x: Tensor, bits: int) -> Tensor:
    """A shift to the right that fills with zeros."""
    return (x >> bits) & ((1 << (64 - bits)) - 1)


def _number(unsigned: int) -> int:
    """A number of 64 bits as a signed one."""
    return unsigned - (1 << 64) if unsigned >> 63 else unsigned
