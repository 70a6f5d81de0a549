"""The looped net: a recursion on one latent state, with the input added in every step."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field
from torch import Tensor

from .learned import Learned
from .nets.reasoner import Latent, Reasoner
from .nets.shape import NetShape


class LoopedNet(Reasoner):
    """A step: z ← z + λ (F(z + x) − z). The gradient passes through all steps of a segment, and through none before it.

    Args:
        shape: sizes of the backbone.
        steps: steps of a segment.
        damping: λ, 0 to 1.
        random_start: as ``Reasoner``'s.
    """

    def __init__(self, shape: NetShape, steps: int, damping: float, random_start: bool) -> None:
        super().__init__(shape, states=1, random_start=random_start)
        self.steps_per_segment = self.grad_steps = steps
        self.damping = damping

    def step(self, z: Latent, x: Tensor, view: Any) -> Latent:
        """z after a step, [B, S, H]."""
        new = self.stacks[0](view, z[0], x)
        # Without the test a step of the default would read and write the state once more.
        return (new,) if self.damping == 1 else (z[0].lerp(new, self.damping),)


class Looped(Learned):
    """A small net that is applied to its own output until the answer satisfies the constraints.

    The state starts from noise, so that a row that settled on a wrong answer can restart (Equilibrium Reasoners, 2026).
    The input is added in every step (Bai et al. 2019; Yang et al. 2024). Training runs in segments with a carried state,
    and has one loss and one optimiser step per segment (Wang et al. 2025).
    """

    name: ClassVar[str] = "looped"
    auto_turn: ClassVar[int | None] = 1
    citation: ClassVar[str] = (
        "L. Yang, K. Lee, R. Nowak and D. Papailiopoulos: Looped transformers are better at learning learning "
        "algorithms. ICLR 2024, arXiv 2311.12424. Equilibrium Reasoners (EqR), arXiv 2605.21488, 2026."
    )
    check_every: ClassVar[int] = 2
    presets: ClassVar = {
        "small": {
            "lattice": {"hidden": 128, "layers": 2, "inner": 384},
            "tokens": {"hidden": 256, "layers": 2, "inner": 768, "heads": 8, "masked": True},
            "mixer": {"hidden": 384, "layers": 2, "inner": 1024},
        },
        "paper": {"tokens": {"hidden": 256, "layers": 1, "inner": 768, "heads": 8}},
    }

    steps: int = Field(6, ge=1, le=64, description="steps of a segment")
    damping: float = Field(1.0, gt=0, le=1, description="share of the new state in each step (λ)")
    random_start: bool = Field(True, description="whether states start from noise instead of one fixed vector")

    def reasoner(self, shape: NetShape) -> LoopedNet:
        return LoopedNet(shape, self.steps, self.damping, self.random_start)
