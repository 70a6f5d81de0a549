"""A learned solver: one network applied repeatedly, with a learned gate that scales each step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from mull.solvers.learned import Learned
from mull.solvers.nets.reasoner import Latent, Reasoner
from mull.solvers.nets.shape import NetShape


class GatedNet(Reasoner):
    """The recursion z ← z + g · (F(z + x) − z), with a gate g = σ(W [z, F(z + x)]) for each component of the state z.

    Args:
        shape: sizes of the backbone F.
        steps: steps of a segment. The gradient passes through all of them.
    """

    def __init__(self, shape: NetShape, steps: int) -> None:
        super().__init__(shape, states=1, random_start=True)
        self.steps_per_segment = self.grad_steps = steps
        self.gate = nn.Linear(2 * shape.hidden, shape.hidden)

    def step(self, z: Latent, x: Tensor, view: Any) -> Latent:
        new = self.stacks[0](view, z[0], x)
        gate = self.gate(torch.cat((z[0], new), -1)).sigmoid()
        return (z[0] + gate * (new - z[0]),)


class Gated(Learned):
    """A looped network with a learned gate, which can keep a correct state unchanged.

    The gate is that of highway networks. It acts on the steps of one network, not on the layers of a deep one.
    """

    name: ClassVar[str] = "gated"
    citation: ClassVar[str] = "R. K. Srivastava, K. Greff and J. Schmidhuber: Highway networks. arXiv 1505.00387, 2015."
    presets: ClassVar = {"small": {"lattice": {"hidden": 32, "layers": 1, "inner": 64}}}

    steps: int = Field(4, ge=1, le=64, description="steps in a segment")

    def recipe(self) -> Mapping[str, Any]:
        # Settings for a training of one minute. Without this method, mull's settings for larger networks apply.
        return {"batch": 32, "lr": 1e-2, "warmup": 10, "ema": 0.9, "validation": 64}

    def reasoner(self, shape: NetShape) -> GatedNet:
        return GatedNet(shape, self.steps)
