"""Validation: the share of examples never trained on that a net solves."""

from __future__ import annotations

import numpy as np
import torch

from ..compile import compile_examples
from ..examples import Examples, Stream
from .learner import Learner, autocast, checkable, first_states, is_right, masked


def validation_examples(stream: Stream, count: int) -> Examples:
    """The first ``count`` examples of a validation stream, fewer where its first chunk has fewer."""
    examples = stream.chunk(0)
    return examples.take(np.arange(min(count, len(examples))))


def validation_sets(name: str, stream: Stream, count: int) -> dict[str, Examples]:
    """The examples of a validation stream, under ``name``, and those of the streams that it lists as ``also``."""
    sets = {name: validation_examples(stream, count)}
    return sets | {more.name: validation_examples(more, count) for more in getattr(stream, "also", ())}


def evaluate(learner: Learner, examples: Examples, *, depth: int, batch: int, generator: torch.Generator) -> float:
    """Share of the examples that a net solves, 0 to 1.

    Args:
        learner: the net, with the weights to judge.
        examples: with known solutions, or of graphs that can be checked.
        depth: segments it is given; an example counts as solved if any of them yields a right answer.
        batch: rows at a time. A training step's number, or compiled nets would be compiled again.
        generator: of the states that rows start from; its device holds the rows.
    """
    device = generator.device
    pool = compile_examples(examples, device, factors=checkable(examples))
    right = 0
    for first in range(0, len(examples), batch):
        rows = np.resize(np.arange(first, min(first + batch, len(examples))), batch)
        instance = pool.select(torch.from_numpy(rows).to(device))
        targets = torch.from_numpy(examples.targets[rows]).long().to(device)
        solved = torch.zeros(len(rows), dtype=torch.bool, device=device)
        with torch.no_grad(), autocast(device):
            view = learner.backbone.view(instance)
            z = first_states(learner, view, generator)
            for _ in range(depth):
                z, said = learner(z, view)
                solved |= is_right(instance, masked(said.logits, instance), targets)
        right += int(solved[: len(examples) - first].sum())
    return right / len(examples)
