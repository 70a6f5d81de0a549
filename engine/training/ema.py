"""The exponential moving average of the weights: the weights that a training saves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class Ema:
    """The moving average of parameters, and its value at the best validation so far.

    Args:
        parameters: trained in place.
        decay: weight of the old average in an update, 0 to 1.
    """

    def __init__(self, parameters: Sequence[nn.Parameter], decay: float) -> None:
        self.parameters, self.decay = parameters, decay
        self.average = [p.detach().clone() for p in parameters]
        self.accuracy = -1.0
        """Mean accuracy of the best validation, 0 to 1; -1 before the first one."""
        self.best: list[Tensor] = []
        """The average at that validation; empty before the first one."""

    def update(self, step: int) -> None:
        """Update the average after optimizer step ``step``."""
        # A young average decays faster. Otherwise the initial weights would count for thousands of steps.
        decay = min(self.decay, (1 + step) / (10 + step))
        with torch.no_grad():
            torch._foreach_lerp_(self.average, [p.detach() for p in self.parameters], 1 - decay)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Within the context the parameters have the values of the average."""
        self._swap()
        try:
            yield
        finally:
            self._swap()

    def choose(self, accuracy: float) -> None:
        """Keep the average if its mean accuracy, 0 to 1, is the best so far. Call it after each validation."""
        if accuracy >= self.accuracy:
            self.accuracy, self.best = accuracy, [t.clone() for t in self.average]

    def finish(self) -> None:
        """Copy the best average into the parameters, or the last one if none was chosen."""
        self._swap()
        with torch.no_grad():
            for p, best in zip(self.parameters if self.best else (), self.best, strict=True):
                p.copy_(best)

    def tensors(self) -> dict[str, Tensor]:
        """The averages for a checkpoint, by key."""
        kept = {f"average.{i}": t for i, t in enumerate(self.average)}
        return kept | {f"best.{i}": t for i, t in enumerate(self.best)}

    def restore(self, tensors: Mapping[str, Tensor], accuracy: float) -> None:
        """Load the averages of a checkpoint.

        Args:
            tensors: as ``tensors`` returned them; other keys are ignored.
            accuracy: mean accuracy of the best validation, 0 to 1.
        """
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
