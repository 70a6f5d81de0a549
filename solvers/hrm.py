"""HRM: a recursion of two nets at two timescales."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from .learned import PUBLISHED, Learned
from .nets.reasoner import Latent, Reasoner
from .nets.shape import NetShape


class HrmNet(Reasoner):
    """A step: ``low`` times z_L ← L(z_L + z_H + x), then z_H ← H(z_H + z_L).

    One-step gradient: it passes through the last update of z_L and that of z_H in the last step of a segment, nowhere else.

    Args:
        shape: sizes of the backbone.
        high: steps of a segment (H cycles).
        low: updates of z_L in a step (L cycles).
        halts: number of halting logits, 1 or 2.
        random_start: as ``Reasoner``'s.
    """

    def __init__(self, shape: NetShape, high: int, low: int, halts: int, random_start: bool) -> None:
        super().__init__(shape, states=2, stacks=2, halts=halts, random_start=random_start)
        self.steps_per_segment, self.grad_steps = high, 1
        self.low = low

    def applications(self) -> tuple[str, ...]:
        """The updates of z_L in their order, then that of z_H."""
        return *(f"z_L {k}" for k in range(1, self.low + 1)), "z_H"

    def step(self, z: Latent, x: Tensor, view: Any) -> Latent:
        """z_H and z_L after a step, [B, S, H] each."""
        z_high, z_low = z
        upper, lower = self.stacks
        injected = z_high + x
        learning = torch.is_grad_enabled()
        for k in range(self.low):
            # As published. TRM's paper has 56.5 % for this gradient and 87.4 % for that of a whole cycle.
            with torch.set_grad_enabled(learning and k == self.low - 1):
                z_low = lower(view, z_low, injected)
        return upper(view, z_high, z_low), z_low


class Hrm(Learned):
    """Hierarchical Reasoning Model: two nets at two timescales, a slow state z_H and a fast state z_L.

    As published: one-step gradient, carried state, one loss per segment, Q-learned halting. ``preset=paper`` is the
    published configuration (27 M parameters). ``small`` has fewer than 10 M, and its attention follows the constraints.
    """

    name: ClassVar[str] = "hrm"
    auto_turn: ClassVar[int | None] = 3
    citation: ClassVar[str] = "G. Wang et al.: Hierarchical reasoning model. arXiv 2506.21734, 2025."
    presets: ClassVar = {
        "small": {
            "tokens": {"hidden": 384, "layers": 2, "inner": 1024, "heads": 6, "prefix": 1, "masked": True},
            "mixer": {"hidden": 384, "layers": 2, "inner": 1024, "prefix": 1},
            "lattice": {"hidden": 128, "layers": 2, "inner": 384},
        },
        "paper": {"tokens": {"hidden": 512, "layers": 4, "inner": 1536, "heads": 8, "prefix": 1}},
    }

    high: int = Field(2, ge=1, le=16, description="steps of a segment (H cycles)")
    low: int = Field(2, ge=1, le=32, description="updates of z_L in a step (L cycles)")
    halts: int | None = Field(
        None,
        ge=1,
        le=2,
        description="number of halting logits; 2 adds the value of another segment (default: the preset's)",
    )
    random_start: bool = Field(False, description="whether states start from noise instead of one fixed vector")

    def reasoner(self, shape: NetShape) -> HrmNet:
        halts = self.halts or (2 if self.preset == "paper" else 1)
        return HrmNet(shape, self.high, self.low, halts, self.random_start)

    def recipe(self) -> Mapping[str, Any]:
        # HRM was published without a moving average of the weights.
        return {**PUBLISHED, "ema": 0.0} if self.preset == "paper" else {"batch": 768}
