"""Traces of a batch while it runs."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from .solution import Trace

TRACE_POINTS = 256


class TraceBuffer:
    """Points of P traces at common iterations; when full, every second one is dropped and the spacing doubles."""

    def __init__(self, problems: int) -> None:
        self.iterations: list[int] = []
        self.points = np.zeros((3, problems, TRACE_POINTS), dtype=np.float32)
        self.spacing = 1
        self.seen = 0

    def add(self, iteration: int, *values: Tensor) -> None:
        self.seen += 1
        if (self.seen - 1) % self.spacing:
            return
        if len(self.iterations) == TRACE_POINTS:
            self.points[:, :, : TRACE_POINTS // 2] = self.points[:, :, ::2]
            self.iterations = self.iterations[::2]
            self.spacing *= 2
        self.points[:, :, len(self.iterations)] = torch.stack([v.float() for v in values]).cpu().numpy()
        self.iterations.append(iteration)

    def keep(self, problems: np.ndarray) -> None:
        self.points = self.points[:, problems]

    def of(self, problem: int) -> Trace:
        energy, violations, residual = self.points[:, problem, : len(self.iterations)]
        return Trace(
            np.array(self.iterations, dtype=np.int32), energy.copy(), violations.astype(np.int32), residual.copy()
        )
