"""Tabu search on graphs of differences on a GPU: all chains of a batch in one launch of ``differences.cu``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...engine.lazy import torch
from ...engine.moves import nvrtc
from .difference_arrays import DifferenceArrays

if TYPE_CHECKING:
    from torch import Tensor

SOURCE = Path(__file__).with_name("differences.cu")
MOST_WARPS = 4
"""Chains of a block."""
RESIDENT = 32
"""Warps of the kernel that fit on a multiprocessor by their registers."""
FEWEST = 2
"""Chains stay in shared memory if at least this many fit there."""
NARROW = 1 << 13
"""Weights of the neighbours of a variable up to this fit into 16 bits, beside two flags."""
MOVES, STEPS = 1 << 20, 1 << 12
"""The most moves of a launch, and of each chain: about 20 ms."""
NEVER = -1
"""Number of conflicting variables of a chain that has not started."""


@dataclass(frozen=True)
class Layout:
    """How a chain's state is stored: see ``differences.cu``.

    Args:
        stride: [T] entries of a row of gamma: a power of 2 up to 32, above a multiple of 4.
        ring: [T] lists of tabu moves by expiry, a power of 2.
        gamma, index: bits of an entry of gamma, and of numbers of variables and literals.
        bytes: of a chain's state.
        shared: whether it is in shared memory.
        warps: of a block.
        unit, groups: whether all weights are 1, and whether there are groups.
    """

    stride: np.ndarray
    ring: np.ndarray
    gamma: int
    index: int
    bytes: int
    shared: bool
    warps: int
    unit: bool
    groups: bool

    @classmethod
    def of(cls, arrays: DifferenceArrays, longest: Callable[[int], int], shared_memory: int) -> Layout:
        """The smallest layout that has room for some graphs.

        Args:
            arrays: of the graphs.
            longest: number of variables -> the longest tabu tenure.
            shared_memory: of a multiprocessor, in bytes.
        """
        values = [int(k) for k in arrays.values]
        stride = np.array([1 << (k - 1).bit_length() if k <= 32 else -(-k // 4) * 4 for k in values], dtype=np.int64)
        ring = np.array([1 << (longest(int(v)) + 1).bit_length() for v in arrays.variables], dtype=np.int64)
        variables = arrays.variables.astype(np.int64)
        gamma = 16 if arrays.heaviest.max(initial=0) < NARROW else 32
        index = 16 if max((variables * stride).max(), ring.max()) < (1 << 16) - 1 else 32
        sizes = -(-variables * stride // 4) * 4 * (gamma // 8) + (3 * variables + 3 * ring) * (index // 8)
        size = -(-int(sizes.max()) // 16) * 16
        shared = (size + 1024) * FEWEST <= shared_memory

        def resident(warps: int) -> int:
            return min(RESIDENT // warps, shared_memory // (warps * size + 1024)) * warps

        warps = max(range(MOST_WARPS, 0, -1), key=resident) if shared else MOST_WARPS
        groups = len(arrays.group_weight) > 0
        return cls(stride, ring, gamma, index, size, shared, warps, bool(arrays.unit.all()), groups)

    @property
    def defines(self) -> dict[str, int]:
        """The macros of the kernel."""
        return {
            "GAMMA_BITS": self.gamma,
            "INDEX_BITS": self.index,
            "SHARED": int(self.shared),
            "UNIT": int(self.unit),
            "GROUPS": int(self.groups),
            "WARPS": self.warps,
        }


@dataclass(frozen=True)
class DifferenceChains:
    """The state of B chains on the device.

    Args:
        values: [B, V] int32, numbers of values.
        best_values: [B, V] int32, those of the least energy; [B, 0] where they are not needed.
        key: [B] int64, the random stream.
        clock: [B] int64, moves made.
        energy, best: [B] int64, weighted violation degree, and its least value so far.
        count: [B] int32, conflicting variables; ``NEVER`` for a new chain.
        memory: [B, bytes] uint8, gamma, conflicting variables and tabu lists between two launches.
    """

    values: Tensor
    best_values: Tensor
    key: Tensor
    clock: Tensor
    energy: Tensor
    best: Tensor
    count: Tensor
    memory: Tensor


class DifferenceSearch:
    """The graphs of a batch on a device, and the kernel that searches them.

    Args:
        arrays: of T graphs.
        tenure: tabu tenure per conflicting variable, times 2^16.
        tenure_random: random part of the tabu tenure, up to this many moves.
        device: a CUDA device.
        on_notice: receives a message before a compilation.
        kernel: the kernel of a layout; by default compiled for the device.
    """

    def __init__(
        self,
        arrays: DifferenceArrays,
        tenure: int,
        tenure_random: int,
        device: str,
        on_notice: Callable[[str], None] | None = None,
        kernel: Callable[[Layout], nvrtc.Kernel] | None = None,
    ) -> None:
        self.device, self.tenure, self.tenure_random = device, tenure, tenure_random
        self.variables = int(arrays.variables.max())
        self.soft = bool(arrays.soft.any())
        shared = 228 << 10
        if kernel is None:
            shared = torch.cuda.get_device_properties(device).shared_memory_per_multiprocessor
        self.layout = Layout.of(arrays, lambda v: (tenure * v >> 16) + tenure_random, shared)
        if kernel is None:
            self.kernel = nvrtc.kernel(SOURCE, "differences", self.layout.defines, device, on_notice)
        else:
            self.kernel = kernel(self.layout)
        stride = self.layout.stride
        masks, starts = [], []
        for t, (v, k) in enumerate(zip(arrays.variables.tolist(), arrays.values.tolist(), strict=True)):
            first, last = arrays.literal_ptr[t : t + 2]
            mask = np.zeros((v, stride[t]), dtype=np.uint8)
            mask[:, :k] = arrays.allowed[first:last].reshape(v, -1)[:, :k]
            starts.append(sum(each.size for each in masks))
            masks.append(mask)
        first_variable = arrays.variable_ptr[:-1]
        sizes = (arrays.variables, arrays.values, stride, self.layout.ring, first_variable, np.array(starts))
        self.sizes = self._put(np.stack(sizes, 1).astype(np.int64))
        self.arrays = [
            self._put(np.concatenate([mask.ravel() for mask in masks])),
            *map(self._put, (arrays.edge_ptr, arrays.edge, arrays.edge_weight)),
            *map(self._put, (arrays.occurrence_ptr, arrays.occurrence)),
            *map(self._put, (arrays.group_ptr, arrays.member, arrays.group_weight)),
        ]

    def _put(self, array: np.ndarray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(self.device)

    def start(self, key: Tensor) -> DifferenceChains:
        """New chains. Their first launch draws their values.

        Args:
            key: [B] int64.
        """
        rows = len(key)

        def zeros(size: int, dtype: torch.dtype) -> Tensor:
            return torch.zeros((rows, size), dtype=dtype, device=self.device)

        return DifferenceChains(
            zeros(self.variables, torch.int32),
            zeros(self.variables if self.soft else 0, torch.int32),
            key,
            torch.zeros_like(key),
            torch.zeros_like(key),
            torch.zeros_like(key),
            torch.full((rows,), NEVER, dtype=torch.int32, device=self.device),
            zeros(self.layout.bytes, torch.uint8),
        )

    def advance(
        self, chains: DifferenceChains, template: Tensor, problem: Tensor, given: Tensor | None, steps: int
    ) -> int:
        """Make moves in all chains. A chain stops once it, or an earlier one of its problem, violates nothing.

        Args:
            chains: the state, which is updated in place.
            template: [B] int32, graphs.
            problem: [B] int32, numbers below B.
            given: [B, V] int32, numbers of the given values, -1 for the other variables; None for none.
            steps: the most moves of each chain.

        Returns:
            The number of moves.
        """
        rows = len(chains.key)
        steps = min(steps, STEPS, max(1, MOVES // max(rows, 1)))
        solved = torch.full((max(rows, 1),), -1, dtype=torch.int64, device=self.device)  # the largest unsigned number
        warps = self.layout.warps
        self.kernel.launch(
            -(-rows // warps),
            32 * warps,
            warps * self.layout.bytes if self.layout.shared else 0,
            rows,
            steps,
            self.variables,
            self.layout.bytes,
            self.tenure,
            self.tenure_random,
            self.sizes,
            *self.arrays,
            template,
            problem,
            given,
            chains.key,
            chains.clock,
            chains.energy,
            chains.best,
            chains.count,
            chains.values,
            chains.best_values if self.soft else None,
            solved,
            chains.memory,
        )
        return steps
