"""The batch of one stream in training: a block of examples on the device, and the rows in progress."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..compile import Instance, compile_examples
from ..shapes import Int
from .blocks import Blocks, order
from .learner import Learner, checkable, first_states, size_of
from .loss import Target
from .recipe import Recipe

LOG_EVERY = 20
"""Steps between two reads from the device. Each read waits for all queued work."""


class Rows:
    """The rows of one stream. A finished row takes the next example, without waiting for the device.

    Args:
        blocks: source of examples.
        learner: the net that is trained.
        recipe: settings of the training.
        generator: of random numbers; its device holds the rows.
        seed: of the order of examples.
        index: index of the first block.
        taken: examples of that block that were started before the last checkpoint.
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
        self.examples: Instance | None = None
        """The block on the device; None before ``load``, which starts the rows at ``index`` and ``taken``."""

    def load(self, batch: int) -> None:
        """Move the block to the device and start the rows, unless they are in progress.

        Args:
            batch: number of rows, which ``Recipe.literals`` may lower.
        """
        if self.examples is not None:
            return
        examples, device = self.blocks.get(self.index), self.generator.device
        self.examples = compile_examples(examples, device, factors=checkable(examples))
        batch = self.recipe.rows(batch, size_of(examples))
        self.solutions = torch.from_numpy(examples.targets).long().to(device)
        passes = [order(self.seed, self.index, number, len(examples)) for number in range(self.recipe.passes)]
        # Rows take examples until the next read from the device, so the last pass is padded from the front.
        padded = np.resize(np.concatenate(passes), len(examples) * self.recipe.passes + (LOG_EVERY + 1) * batch)
        self.sequence = torch.from_numpy(padded).to(device)
        self.cursor = torch.tensor(self.taken, device=device)
        self.rows = torch.zeros(batch, dtype=torch.int64, device=device)
        """[B] index of each row's example in the block."""
        self.segments = torch.zeros(batch, dtype=torch.int64, device=device)
        """[B] segments since the start of each row."""
        self.max_segments = torch.zeros_like(self.segments)
        self.holds = torch.zeros_like(self.segments)
        """[B] further segments of each row from its first right answer on."""
        self.target_choice = torch.zeros(batch, device=device)
        """[B] which of its known solutions a row has as target, as a share of their number, 0 to 1."""
        self.z: tuple[Tensor, ...] = ()
        self._replace(torch.ones_like(self.rows, dtype=torch.bool))

    @property
    def instance(self) -> Instance:
        """The problems of the rows."""
        assert self.examples is not None, "load() comes first"
        return self.examples.select(self.rows)

    @property
    def targets(self) -> Tensor:
        """[B, A, V] int64 known solutions of the rows as domain indices, -1 in padding."""
        return self.solutions[self.rows]

    def states(self, view: Any) -> tuple[Tensor, ...]:
        """The carried states, [B, ., .] each, with first states in new rows."""
        start = first_states(self.learner, view, self.generator)
        if not self.z:
            return start
        new = (self.segments == 0)[:, None, None]
        return tuple(torch.where(new, first, old) for first, old in zip(start, self.z, strict=True))

    def target(self, instance: Instance, targets: Int[Tensor, "rows answers vars"]) -> Target | None:
        """One known solution of each row, the same in all its segments; None for a learner that uses none.

        Args:
            instance: the problems of the rows.
            targets: [B, A, V] their known solutions.
        """
        if not self.learner.uses_targets:
            return None
        count = (targets >= 0).any(2).sum(1).clamp(min=1)
        chosen = targets[torch.arange(len(targets), device=targets.device), (self.target_choice * count).long()]
        return Target(chosen.clamp(min=0), instance.allowed, instance.free)

    def carry(self, z: tuple[Tensor, ...], right: Tensor) -> Tensor:
        """Keep the states of a segment, and replace the rows that are right and held no longer, or at their limit.

        Args:
            z: the states after the segment, [B, ., .] each.
            right: [B] bool, rows with a right answer.

        Returns:
            [3] int64: number of replaced rows, of them right, and their segments in all.
        """
        self.z = tuple(t.detach() for t in z)
        self.segments += 1
        if self.recipe.hold:
            # The limit holds from here on, whether the later answers are right or not: a net has to keep a right answer.
            held = self.segments + self.holds
            self.max_segments = torch.where(right & (held < self.max_segments), held, self.max_segments)
            over = self.segments >= self.max_segments
        else:
            over = right | (self.segments >= self.max_segments)
        counts = torch.stack([over.sum(), (over & right).sum(), (self.segments * over).sum()])
        self._replace(over)
        return counts

    def _replace(self, over: Tensor) -> None:
        """Start the next examples in the rows where ``over`` [B] is true."""
        place = (self.cursor + over.cumsum(0) - 1).clamp(min=0, max=len(self.sequence) - 1)
        self.rows = torch.where(over, self.sequence[place], self.rows)
        self.cursor = self.cursor + over.sum()
        # Log-uniform limits: few rows run long, yet the net sees states from all depths.
        low, high = math.log(self.recipe.min_segments), math.log(self.recipe.max_segments + 1)
        limit = (low + (high - low) * self._uniform()).exp().long()
        self.max_segments = torch.where(over, limit, self.max_segments)
        self.segments = torch.where(over, 0, self.segments)
        if self.recipe.hold:
            drawn = (self._uniform() * (self.recipe.hold + 1)).long()
            self.holds = torch.where(over, drawn, self.holds)
        if self.learner.uses_targets:
            self.target_choice = torch.where(over, self._uniform(), self.target_choice)

    def _uniform(self) -> Tensor:
        """[B] uniform random numbers in [0, 1)."""
        return torch.rand(len(self.rows), generator=self.generator, device=self.generator.device)

    def advance(self) -> None:
        """Switch to the next block if this one is used up."""
        if self.examples is not None and int(self.cursor) >= len(self.sequence) - (LOG_EVERY + 1) * len(self.rows):
            self.index, self.taken, self.examples = self.index + 1, 0, None

    def pause(self) -> None:
        """Release the rows. The next ``load`` continues with the examples that were not started."""
        if self.examples is not None:
            self.taken, self.examples = int(self.cursor), None

    def drop(self) -> None:
        """Release the rows. The next ``load`` starts where the last one did."""
        self.examples = None
