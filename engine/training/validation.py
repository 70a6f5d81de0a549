"""Validation: the share of held-out examples that a net solves."""

from __future__ import annotations

import numpy as np
import torch

from ..compile import compile_examples
from ..examples import Examples, Stream
from .learner import Learner, autocast, checkable, first_states, is_right, masked


def validation_examples(stream: Stream, count: int) -> Examples:
    """The first ``count`` examples of a validation stream, or all of its first chunk if that has fewer.

    Args:
        stream: of the split ``validation``.
        count: number of examples.
    """
    examples = stream.chunk(0)
    return examples.take(np.arange(min(count, len(examples))))


def validation_sets(name: str, stream: Stream, count: int) -> dict[str, Examples]:
    """Validation examples by name: those of a stream, and those of the streams in its attribute ``also``.

    Args:
        name: of the stream's own examples.
        stream: of the split ``validation``.
        count: examples of each stream.
    """
    sets = {name: validation_examples(stream, count)}
    return sets | {more.name: validation_examples(more, count) for more in getattr(stream, "also", ())}


def evaluate(learner: Learner, examples: Examples, *, depth: int, batch: int, generator: torch.Generator) -> float:
    """The share of the examples that a net solves, 0 to 1.

    Args:
        learner: the net, with the weights to validate.
        examples: with known solutions, or of graphs without an objective.
        depth: segments; an example is solved if any of them gives a right answer.
        batch: rows side by side. Use that of training: another number would compile the net again.
        generator: of the first states; its device holds the rows.
    """
    device = generator.device
    pool = compile_examples(examples, device, factors=checkable(examples))
    right = 0
    for first in range(0, len(examples), batch):
        # The last rows are repeated to fill the batch, and not counted.
        rows = np.resize(np.arange(first, min(first + batch, len(examples))), batch)
        instance = pool.select(torch.from_numpy(rows).to(device))
        targets = torch.from_numpy(examples.targets[rows]).long().to(device)
        solved = torch.zeros(len(rows), dtype=torch.bool, device=device)
        with torch.no_grad(), autocast(device):
            view = learner.backbone.view(instance)
            z = first_states(learner, view, generator)
            for _ in range(depth):
                z, readout = learner(z, view)
                # Any segment counts: when solving, the checker ends a row at its first right answer.
                solved |= is_right(instance, masked(readout.logits, instance), targets)
        right += int(solved[: len(examples) - first].sum())
    return right / len(examples)
