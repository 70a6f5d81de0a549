"""TRM: a recursion of one small net on two latent states."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field
from torch import Tensor

from .learned import PUBLISHED, Learned
from .nets.reasoner import Latent, Reasoner
from .nets.shape import NetShape


class TrmNet(Reasoner):
    """A step: ``low`` times z_L ← F(z_L + z_H + x), then z_H ← F(z_H + z_L). The gradient passes through the last step.

    Args:
        shape: sizes of the backbone.
        high: steps of a segment (H cycles).
        low: updates of z_L in a step (L cycles).
        random_start: as ``Reasoner``'s.
    """

    def __init__(self, shape: NetShape, high: int, low: int, random_start: bool) -> None:
        super().__init__(shape, states=2, random_start=random_start)
        self.steps_per_segment, self.grad_steps = high, 1
        self.low = low

    def applications(self) -> tuple[str, ...]:
        """The updates of z_L in their order, then that of z_H."""
        return *(f"z_L {k}" for k in range(1, self.low + 1)), "z_H"

    def step(self, z: Latent, x: Tensor, view: Any) -> Latent:
        """z_H and z_L after a step, [B, S, H] each."""
        z_high, z_low = z
        injected = z_high + x
        for _ in range(self.low):  # one net for both states: two do worse (82.4 and 87.4 % in the paper)
            z_low = self.stacks[0](view, z_low, injected)
        return self.stacks[0](view, z_high, z_low), z_low


class Trm(Learned):
    """Tiny Recursive Model: one two-layer net updates a scratchpad z_L and an answer z_H in turn.

    As published: H cycles of L updates of z_L and one of z_H, full gradient through the last cycle, carried state, one
    loss per segment. ``preset=paper`` is the Sudoku configuration: token mixer, width 512, 16 prefix tokens, fixed start.
    """

    name: ClassVar[str] = "trm"
    auto_turn: ClassVar[int | None] = 2
    citation: ClassVar[str] = (
        "A. Jolicoeur-Martineau: Less is more: recursive reasoning with tiny networks. arXiv 2510.04871, 2025."
    )
    presets: ClassVar = {
        "small": {
            "mixer": {"hidden": 512, "layers": 2, "inner": 1536},
            "tokens": {"hidden": 512, "layers": 2, "inner": 1536, "heads": 8, "masked": True},
            "lattice": {"hidden": 128, "layers": 2, "inner": 384},
        },
        "paper": {
            "mixer": {"hidden": 512, "layers": 2, "inner": 1536, "prefix": 16},
            "tokens": {"hidden": 512, "layers": 2, "inner": 1536, "heads": 8, "prefix": 16},
        },
    }

    high: int = Field(3, ge=1, le=16, description="steps of a segment (H cycles); the last one has the gradient")
    low: int = Field(6, ge=1, le=32, description="updates of z_L in a step (L cycles)")
    random_start: bool = Field(False, description="whether states start from noise instead of one fixed vector")

    def reasoner(self, shape: NetShape) -> TrmNet:
        return TrmNet(shape, self.high, self.low, self.random_start)

    def recipe(self) -> Mapping[str, Any]:
        return PUBLISHED if self.preset == "paper" else {"batch": 768}
