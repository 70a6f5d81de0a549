"""probSAT on a GPU: all chains of a batch in one launch of ``clauses.cu``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...engine.lazy import torch
from ...engine.moves import nvrtc
from .clause_chains import Formulas, Prepared

if TYPE_CHECKING:
    from torch import Tensor

SOURCE = Path(__file__).with_name("clauses.cu")
THREADS = 256
"""The most threads of a block, as the kernel's launch bounds state."""
RESIDENT = 32
"""Warps of the kernel that fit on a multiprocessor by their registers."""
FEWEST = 8
"""Chains stay in shared memory if at least this many fit there."""
DRAWS = 2
"""Random numbers of a move."""
MOVES, STEPS = 1 << 25, 1 << 13
"""The most moves of a launch, and of each chain: about 15 ms."""
NEVER = -1
"""Number of violated clauses of a chain that has not started."""


@dataclass(frozen=True)
class Layout:
    """How a chain's state is stored: see ``clauses.cu``.

    Args:
        word, count, breaks: bits of a clause's word, of the count in it, and of a break count.
        scan: literals of a clause that are weighed at once.
        bytes: of a chain's state.
        shared: whether it is in shared memory.
        threads: of a block.
    """

    word: int
    count: int
    breaks: int
    scan: int
    bytes: int
    shared: bool
    threads: int

    @classmethod
    def of(cls, formulas: Formulas, shared_memory: int) -> Layout:
        """The smallest layout that has room for some formulas.

        Args:
            formulas: of a batch.
            shared_memory: of a multiprocessor, in bytes.
        """
        length = int(formulas.longest.max())
        variables, clauses = formulas.shape
        count = length.bit_length()
        word = next((bits for bits in (16, 32) if max(clauses, variables) <= 1 << max(bits - count, 0)), 64)
        breaks = next((bits for bits in (8, 16) if formulas.most < 1 << bits), 32)
        scan = next((lanes for lanes in (4, 8, 16) if length <= lanes), 32)
        size = (-(-variables * breaks // 64) * 8) + -(-2 * clauses * word // 64) * 8
        size = -(-size // 16) * 16
        shared = size * FEWEST <= shared_memory - 1024 * FEWEST

        def resident(warps: int) -> int:
            return min(RESIDENT // warps, shared_memory // (warps * size + 1024)) * warps

        warps = max(range(THREADS // 32, 0, -1), key=resident) if shared else THREADS // 32
        return cls(word, 32 if word == 64 else count, breaks, scan, size, shared, warps * 32)

    @property
    def defines(self) -> dict[str, int]:
        """The macros of the kernel."""
        names = {"WORD_BITS": self.word, "COUNT_BITS": self.count, "BREAK_BITS": self.breaks, "SCAN": self.scan}
        return {**names, "SHARED": int(self.shared), "DRAWS": DRAWS}


@dataclass(frozen=True)
class ClauseChains:
    """The state of B chains on the device.

    Args:
        assignment: [B, V] uint8.
        key: [B] int64, the random stream.
        clock: [B] int64, moves made.
        kind: [B] int32, row of the table of weights.
        count: [B] int32, violated clauses; ``NEVER`` for a new chain.
        memory: [B, bytes] uint8, clauses' words, list of violated clauses, and break counts, between two launches.
    """

    assignment: Tensor
    key: Tensor
    clock: Tensor
    kind: Tensor
    count: Tensor
    memory: Tensor


class ClauseSearch:
    """The formulas of a batch on a device, and the kernel that searches them.

    Args:
        made: the formulas and the weights of literals.
        device: a CUDA device.
        on_notice: receives a message before a compilation.
    """

    def __init__(self, made: Prepared, device: str, on_notice: Callable[[str], None] | None = None) -> None:
        self.device = device
        formulas = made.formulas
        self.variables = formulas.shape[0]
        self.layout = Layout.of(formulas, nvrtc.shared_memory(device))
        self.kernel = nvrtc.kernel(SOURCE, "clauses", self.layout.defines, device, on_notice)
        self.sizes = self._put(formulas.sizes)
        self.arrays = [
            self._put(each.astype(np.int32, copy=False))
            for each in (formulas.clause_ptr, formulas.literals, formulas.owners, formulas.occurrences)
        ]
        self.weights = self._put(made.weights[:, : formulas.most + 1].astype(np.uint32).view(np.int32))

    def _put(self, array: np.ndarray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(self.device)

    def start(self, assignment: Tensor, key: Tensor, kind: Tensor) -> ClauseChains:
        """New chains.

        Args:
            assignment: [B, V] uint8.
            key: [B] int64.
            kind: [B] int32, rows of the weights.
        """
        memory = torch.empty((len(assignment), self.layout.bytes), dtype=torch.uint8, device=self.device)
        return ClauseChains(assignment, key, torch.zeros_like(key), kind, torch.full_like(kind, NEVER), memory)

    def advance(self, chains: ClauseChains, template: Tensor, problem: Tensor, fixed: Tensor | None, steps: int) -> int:
        """Make moves in all chains. A chain stops once it, or an earlier one of its problem, violates nothing.

        Args:
            chains: the state, which is updated in place.
            template: [B] int32, formulas.
            problem: [B] int32, numbers below B.
            fixed: [B, V] uint8, variables that are given; None for none.
            steps: the most moves of each chain.

        Returns:
            The number of moves.
        """
        rows = len(chains.assignment)
        most = STEPS if self.layout.shared else STEPS // 2
        steps = min(steps, most, max(1, MOVES // max(rows, 1)))
        solved = torch.full((max(rows, 1),), -1, dtype=torch.int64, device=self.device)  # the largest unsigned number
        warps = self.layout.threads // 32
        self.kernel.launch(
            -(-rows // warps),
            self.layout.threads,
            warps * self.layout.bytes if self.layout.shared else 0,
            rows,
            steps,
            self.variables,
            self.layout.bytes,
            self.weights.shape[1],
            self.sizes,
            *self.arrays,
            self.weights,
            template,
            chains.kind,
            problem,
            fixed,
            chains.key,
            chains.clock,
            chains.assignment,
            chains.count,
            solved,
            chains.memory,
        )
        return steps
