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
from .difference_state import BEST, BEST_HARD, COUNT, ELITE, FIGURES, FORMER, PARENTS, UNKNOWN

if TYPE_CHECKING:
    from torch import Tensor

SOURCE = Path(__file__).with_name("differences.cu")
MOST_WARPS = 4
"""Chains of a block."""
RESIDENT = 16
"""Warps of the kernel that fit on a multiprocessor by their registers."""
RESERVED = 1024
"""Bytes of shared memory that each block takes for itself."""
NARROW = 1 << 13
"""Weights of the neighbours of a variable up to this fit into 16 bits, beside two flags."""
CALL, MOVE, ARC = 20e6, 2000, 12
"""Nanoseconds of a launch; of a move of a chain, and of each arc of the variable that moves."""
PROCESSORS = 132
"""Multiprocessors of a large GPU, for the estimate of a launch's duration."""
FAR = 3
"""A move takes about so many times as long where the state is in global memory."""


@dataclass(frozen=True)
class Layout:
    """How a chain's state is stored: see ``differences.cu``.

    Args:
        stride: [T] entries of a row of gamma: a multiple of 4, and an odd one above 8, as rows of equal banks of shared
            memory would wait for one another.
        ring: [T] lists of tabu moves by expiry, a power of 2.
        gamma, index: bits of an entry of gamma, and of numbers of variables and literals.
        bytes: of a chain's state.
        shared: whether it is in shared memory.
        warps: of a block.
        side: chains of a multiprocessor that run side by side.
        unit, groups: whether all weights are 1, and whether there are groups.
    """

    stride: np.ndarray
    ring: np.ndarray
    gamma: int
    index: int
    bytes: int
    shared: bool
    warps: int
    side: int
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
        parts = np.array([-(-k // 4) for k in values], dtype=np.int64)
        stride = 4 * np.where(parts > 2, parts | 1, parts)
        ring = np.array([1 << (longest(int(v)) + 1).bit_length() for v in arrays.variables], dtype=np.int64)
        variables = arrays.variables.astype(np.int64)
        gamma = 16 if arrays.heaviest.max(initial=0) < NARROW else 32
        index = 16 if max((variables * stride).max(), ring.max()) < (1 << 16) - 2 else 32
        sizes = variables * stride * (gamma // 8) + (3 * variables + 3 * ring) * (index // 8)
        # A crossover needs 12 bytes for each value.
        size = -(-int(np.maximum(sizes, 12 * stride + 8 * variables).max()) // 16) * 16
        shared = size + RESERVED <= shared_memory

        def resident(warps: int) -> int:
            return min(RESIDENT // warps, shared_memory // (warps * size + RESERVED)) * warps

        warps = max(range(MOST_WARPS, 0, -1), key=resident) if shared else MOST_WARPS
        groups = len(arrays.group_weight) > 0
        side = resident(warps) if shared else RESIDENT
        return cls(stride, ring, gamma, index, size, shared, warps, side, bool(arrays.unit.all()), groups)

    @property
    def resident(self) -> int:
        """Chains that run side by side on a large GPU, about."""
        return PROCESSORS * self.side

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
        key: [B] int64, the random stream.
        figures: [B, 16] int64, with the columns of ``difference_state``; ``COUNT`` is -1 for a chain that has not started.
        kept: [B, V] int32, numbers of values: the best assignment since the stage began.
        best: [B, V] int32, the best assignment of the chain.
        parents: [B, 5, V] int32, the assignments that it combines.
        memory: [B, bytes] uint8: gamma, the present values, variables in conflict and tabu lists between two launches.
    """

    key: Tensor
    figures: Tensor
    kept: Tensor
    best: Tensor
    parents: Tensor
    memory: Tensor


class DifferenceSearch:
    """The graphs of a batch on a device, and the kernel that searches them.

    Args:
        arrays: of T graphs.
        tenure: tabu tenure per conflicting variable, times 2^16.
        tenure_random: random part of the tabu tenure, up to this many moves.
        patience: moves without improvement before a chain combines its assignments; 0 for never.
        device: a CUDA device.
        on_notice: receives a message before a compilation.
    """

    def __init__(
        self,
        arrays: DifferenceArrays,
        tenure: int,
        tenure_random: int,
        patience: int,
        device: str,
        on_notice: Callable[[str], None] | None = None,
    ) -> None:
        self.device, self.tenure, self.tenure_random, self.patience = device, tenure, tenure_random, patience
        self.variables = int(arrays.variables.max())
        self.layout = Layout.of(arrays, lambda v: (tenure * v >> 16) + tenure_random, nvrtc.shared_memory(device))
        neighbours = (len(arrays.edge) + int(np.square(np.diff(arrays.group_ptr)).sum())) / max(
            1, arrays.variables.sum()
        )
        self.duration = (MOVE + ARC * neighbours) * (1 if self.layout.shared else FAR)
        self.kernel = nvrtc.kernel(SOURCE, "differences", self.layout.defines, device, on_notice)
        stride = self.layout.stride
        masks: list[np.ndarray] = []
        starts: list[int] = []
        for t, (v, k) in enumerate(zip(arrays.variables.tolist(), arrays.values.tolist(), strict=True)):
            first, last = arrays.literal_ptr[t : t + 2]
            mask = np.zeros((v, stride[t]), dtype=np.uint8)
            mask[:, :k] = arrays.allowed[first:last].reshape(v, -1)[:, :k]
            starts.append(sum(each.size for each in masks))
            masks.append(mask)
        uniform = np.array([mask[:, :k].all() for mask, k in zip(masks, arrays.values, strict=True)])
        counts = (arrays.variables, arrays.values, stride, self.layout.ring)
        sizes = (*counts, arrays.hard_weight, uniform, arrays.variable_ptr[:-1], np.array(starts))
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
        figures = torch.zeros((rows, FIGURES), dtype=torch.int64, device=self.device)
        figures[:, COUNT] = -1
        figures[:, [BEST, BEST_HARD, ELITE, FORMER]] = UNKNOWN

        def values(*shape: int) -> Tensor:
            return torch.zeros((rows, *shape, self.variables), dtype=torch.int32, device=self.device)

        memory = torch.empty((rows, self.layout.bytes), dtype=torch.uint8, device=self.device)
        return DifferenceChains(key, figures, values(), values(), values(PARENTS if self.patience else 0), memory)

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
        steps = min(steps, max(1, int(CALL / (self.duration * -(-rows // self.layout.resident)))))
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
            self.patience,
            self.sizes,
            *self.arrays,
            template,
            problem,
            given,
            chains.key,
            chains.figures,
            chains.kept,
            chains.best,
            chains.parents,
            solved,
            chains.memory,
        )
        return steps
