"""The exponential moving average of the weights, which is what a training keeps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class Ema:
    """The average of some parameters, and its best value so far.

    Args:
        parameters: trained in place.
        decay: weight of the old average at each update, 0 to 1.
    """

    def __init__(self, parameters: Sequence[nn.Parameter], decay: float) -> None:
        self.parameters, self.decay = parameters, decay
        self.average = [p.detach().clone() for p in parameters]
        self.accuracy = -1.0
        """Mean accuracy at the best check."""
        self.best: list[Tensor] = []
        """The average then; empty before the first check that counts."""

    def update(self, step: int) -> None:
        """Move the average towards the weights after optimiser step ``step``."""
        # Young averages forget faster, or they would remember the initial weights for thousands of steps.
        decay = min(self.decay, (1 + step) / (10 + step))
        with torch.no_grad():
            torch._foreach_lerp_(self.average, [p.detach() for p in self.parameters], 1 - decay)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """The parameters hold the average for the length of a block."""
        self._swap()
        try:
            yield
        finally:
            self._swap()

    def choose(self, accuracy: float) -> None:
        """Keep the average of the best check: call it after each, with the mean accuracy."""
        if accuracy >= self.accuracy:
            self.accuracy, self.best = accuracy, [t.clone() for t in self.average]

    def finish(self) -> None:
        """Leave the best average in the parameters, or the last one where none was chosen."""
        self._swap()
        with torch.no_grad():
            for p, best in zip(self.parameters if self.best else (), self.best, strict=True):
                p.copy_(best)

    def tensors(self) -> dict[str, Tensor]:
        """What a checkpoint holds of it, by key."""
        kept = {f"average.{i}": t for i, t in enumerate(self.average)}
        return kept | {f"best.{i}": t for i, t in enumerate(self.best)}

    def restore(self, tensors: Mapping[str, Tensor], accuracy: float) -> None:
        """Take back what ``tensors`` returned, with the accuracy at the best check."""
        for i, average in enumerate(self.average):
            average.copy_(tensors[f"average.{i}"])
        if "best.0" in tensors:
            self.accuracy, self.best = accuracy, [tensors[f"best.{i}"].to(p) for i, p in enumerate(self.parameters)]

    def _swap(self) -> None:
        """Exchange the weights and their average."""
        with torch.no_grad():
            for p, average in zip(self.parameters, self.average, strict=True):
                kept = p.detach().clone()
                p.copy_(average)
                average.copy_(kept)
