"""One stream's batch in training: a block of examples on the device, and the rows under way."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..compile import Instance, compile_examples
from .blocks import Blocks, order
from .learner import Learner, checkable, first_states
from .loss import Target
from .recipe import Recipe

LOG_EVERY = 20
"""Steps between two looks at the device: reading a number from it waits for all work under way."""


class Rows:
    """The rows of one stream. A row that is over takes the next example, without waiting for the device.

    Args:
        blocks: where examples come from.
        learner: the net that is trained.
        recipe: how.
        generator: of random numbers; its device holds the rows.
        seed: of the order of examples.
        index: the block to begin with.
        taken: examples of that block that were begun before the last checkpoint.
    """

    def __init__(
        self,
        blocks: Blocks,
        learner: Learner,
        recipe: Recipe,
        generator: torch.Generator,
        *,
        seed: int,
        index: int = 0,
        taken: int = 0,
    ) -> None:
        self.blocks, self.learner, self.recipe, self.generator, self.seed = blocks, learner, recipe, generator, seed
        self.index, self.taken = index, taken
        self.pool: Instance | None = None
        """The block on the device; None where the rows are to be started from ``index`` and ``taken``."""

    def load(self, batch: int) -> None:
        """Put the block on the device and start ``batch`` rows, unless they are under way."""
        if self.pool is not None:
            return
        examples, device = self.blocks.get(self.index), self.generator.device
        self.pool = compile_examples(examples, device, factors=checkable(examples))
        self.answers = torch.from_numpy(examples.targets).long().to(device)
        turns = [order(self.seed, self.index, turn, len(examples)) for turn in range(self.recipe.passes)]
        # What is left of the last pass is filled up from the front: rows may be started until the next look.
        spare = np.resize(np.concatenate(turns), len(examples) * self.recipe.passes + (LOG_EVERY + 1) * batch)
        self.sequence = torch.from_numpy(spare).to(device)
        self.next = torch.tensor(self.taken, device=device)
        self.rows = torch.zeros(batch, dtype=torch.int64, device=device)
        self.age = torch.zeros(batch, dtype=torch.int64, device=device)
        self.limit = torch.zeros_like(self.age)
        self.choice = torch.zeros(batch, device=device)
        """[B] which of its known answers a row is target, 0 to 1."""
        self.z: tuple[Tensor, ...] = ()
        self._replace(torch.ones_like(self.rows, dtype=torch.bool))

    @property
    def instance(self) -> Instance:
        """The problems of the rows."""
        assert self.pool is not None, "load() comes first"
        return self.pool.select(self.rows)

    @property
    def targets(self) -> Tensor:
        """[B, K, V] known solutions of the rows' problems."""
        return self.answers[self.rows]

    def states(self, view: Any) -> tuple[Tensor, ...]:
        """The carried states; new ones where a row is new."""
        start = first_states(self.learner, view, self.generator)
        if not self.z:
            return start
        new = (self.age == 0)[:, None, None]  # states are [B, ., .]
        return tuple(torch.where(new, first, old) for first, old in zip(start, self.z, strict=True))

    def target(self, instance: Instance, targets: Tensor) -> Target | None:
        """One of each row's known answers, for a learner that sees one; a row keeps its choice until it is over."""
        if not self.learner.uses_targets:
            return None
        count = (targets >= 0).any(2).sum(1).clamp(min=1)
        chosen = targets[torch.arange(len(targets), device=targets.device), (self.choice * count).long()]
        return Target(chosen.clamp(min=0), instance.allowed, instance.free)

    def carry(self, z: tuple[Tensor, ...], right: Tensor) -> Tensor:
        """Keep the states after a segment, and replace the rows that are over: right, or at their limit.

        Returns:
            [3] int64: rows that were over, how many of them were right, their segments.
        """
        self.z = tuple(t.detach() for t in z)
        self.age += 1
        over = right | (self.age >= self.limit)
        counts = torch.stack([over.sum(), (over & right).sum(), (self.age * over).sum()])
        self._replace(over)
        return counts

    def _replace(self, over: Tensor) -> None:
        """Start the next examples in the rows that are over."""
        place = (self.next + over.cumsum(0) - 1).clamp(min=0, max=len(self.sequence) - 1)
        self.rows = torch.where(over, self.sequence[place], self.rows)
        self.next = self.next + over.sum()
        low, high = math.log(self.recipe.min_segments), math.log(self.recipe.max_segments + 1)
        limit = (low + (high - low) * self._chance()).exp().long()
        self.limit = torch.where(over, limit, self.limit)
        self.age = torch.where(over, 0, self.age)
        if self.learner.uses_targets:
            self.choice = torch.where(over, self._chance(), self.choice)

    def _chance(self) -> Tensor:
        """[B] uniform random numbers."""
        return torch.rand(len(self.rows), generator=self.generator, device=self.generator.device)

    def advance(self) -> None:
        """Go on to the next block where this one is used up."""
        if self.pool is not None and int(self.next) >= len(self.sequence) - (LOG_EVERY + 1) * len(self.rows):
            self.index, self.taken, self.pool = self.index + 1, 0, None

    def pause(self) -> None:
        """Let the rows go; the next ``load`` starts with the examples that were not begun."""
        if self.pool is not None:
            self.taken, self.pool = int(self.next), None

    def drop(self) -> None:
        """Let the rows go; the next ``load`` starts where the last one did."""
        self.pool = None
