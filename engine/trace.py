"""Traces: how the figures of a run changed while it ran. The store reads them without torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .array_bytes import join_bytes, split_bytes

TRACE_POINTS = 256
TYPES = tuple(map(np.dtype, (np.int32, np.float32, np.int32, np.float32)))


@dataclass(frozen=True)
class Trace:
    """Figures of one run at up to ``TRACE_POINTS`` evenly spaced iterations: four arrays of one length.

    Args:
        iteration: int32, the iteration of each point.
        energy: float32, the solver's own energy; for a training the loss; for a search the branches made so far.
        violations: int32, constraints that the decoded assignment breaks.
        residual: float32, relative change of the state in that iteration; for a training the share not solved; for a
            search the branches refuted so far.
    """

    iteration: np.ndarray
    energy: np.ndarray
    violations: np.ndarray
    residual: np.ndarray

    def __len__(self) -> int:
        return len(self.iteration)

    def __reduce_ex__(self, protocol: Any) -> Any:
        arrays = self.iteration, self.energy, self.violations, self.residual
        if any(a.dtype != t or a.shape != self.iteration.shape for a, t in zip(arrays, TYPES, strict=True)):
            return super().__reduce_ex__(protocol)  # of a plugin
        return _unpickled, (join_bytes(arrays, TYPES),)

    def to_json(self) -> dict[str, list[Any]]:
        """A JSON object: a list of numbers for each array."""
        return {name: getattr(self, name).tolist() for name in self.__dataclass_fields__}


def _unpickled(data: bytearray) -> Trace:
    return Trace(*split_bytes(data, TYPES, [len(data) // 16] * 4))


class TraceBuffer:
    """Points of P traces at common iterations; when full, every second one is dropped and the spacing doubles."""

    def __init__(self, problems: int) -> None:
        self.iterations: list[int] = []
        self.points = np.zeros((3, problems, TRACE_POINTS), dtype=np.float32)
        self.spacing = 1
        self.seen = 0

    def add(self, iteration: int, *values: np.ndarray) -> None:
        """Add a point to every trace, unless the spacing skips it.

        Args:
            iteration: number of the iteration.
            values: energy, violations and residual, each [P].
        """
        self.seen += 1
        if (self.seen - 1) % self.spacing:
            return
        if len(self.iterations) == TRACE_POINTS:
            self.points[:, :, : TRACE_POINTS // 2] = self.points[:, :, ::2]
            self.iterations = self.iterations[::2]
            self.spacing *= 2
        self.points[:, :, len(self.iterations)] = np.stack([v.astype(np.float32) for v in values])
        self.iterations.append(iteration)

    def keep(self, problems: np.ndarray) -> None:
        """Drop all traces but those of the problems with these indices, [P']."""
        self.points = self.points[:, problems]

    def of(self, problem: int) -> Trace:
        """The trace of one problem."""
        energy, violations, residual = self.points[:, problem, : len(self.iterations)]
        return Trace(
            np.array(self.iterations, dtype=np.int32), energy.copy(), violations.astype(np.int32), residual.copy()
        )
