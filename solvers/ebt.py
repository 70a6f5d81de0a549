"""EBT: a candidate that walks down an energy which a net gives it, trained through the walk."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from ..engine.deprecation import MullDeprecationWarning, text
from ..engine.random import Random
from ..engine.solver import Solver
from ..engine.training.loss import Target
from .learned import Learned
from .nets.backbone import EXCLUDED
from .nets.energy import PRESETS, RECIPES, EnergyNet
from .nets.reasoner import Latent, Readout
from .nets.shape import NetShape


class EbtNet(EnergyNet):
    """A step: y ← y + σ ε, then y ← y − α ∂E/∂y, for logits y whose softmax the energy E is given; E sums over what is open.

    Training takes the gradient through all steps of a segment, so through ∂E/∂y. The states that rows carry, detached, from
    segment to segment are the replay buffer of the paper: a row of age zero starts from noise.
    """

    def __init__(
        self, shape: NetShape, steps: int, alpha: float, noise: float, contrastive_weight: float, loops: int
    ) -> None:
        super().__init__(shape, steps=steps, contrastive_weight=contrastive_weight, loops=loops)
        self.noise = noise
        self.log_alpha = nn.Parameter(torch.full((1,), math.log(alpha)))

    def _beliefs(self, y: Tensor, view: Any) -> Tensor:
        return y.masked_fill(self.backbone.literals(view) == EXCLUDED, torch.finfo(y.dtype).min).softmax(-1)

    def _slope(self, y: Tensor, x: Tensor, view: Any, *, learning: bool) -> tuple[Tensor, Tensor]:
        """∂E/∂y [B, V, D], and what the halting head reads [B, 1, H]."""
        with torch.enable_grad():  # solving is done without, but for this
            if not learning:
                y, x = y.detach(), x.detach()
            if not y.requires_grad:
                y = y.requires_grad_()
            energy, seen = self.energy(self._beliefs(y, view), x, view)
            (slope,) = torch.autograd.grad(energy.sum(), y, create_graph=learning)
        return slope, self._pooled(seen)

    # Steps ------------------------------------------------------------------------------------------------------------

    def step(self, z: Latent, x: Tensor, view: Any) -> Latent:
        slope, pooled = self._slope(z[0], x, view, learning=False)
        return z[0] - self.log_alpha.float().exp() * slope, pooled

    def sample_step(
        self, z: Latent, x: Tensor, view: Any, random: Random, *, monotone: bool = False, inference_noise: float = 0.0
    ) -> Latent:
        """Solving: one step.

        Args:
            z, x, view: as ``step``'s.
            random: one stream a row.
            monotone: take no step that raises the energy.
            inference_noise: standard deviation of Langevin noise before the step.
        """
        y = z[0] + inference_noise * random.normal(*z[0].shape[1:]) if inference_noise else z[0]
        new, pooled = self.step((y, z[1]), x, view)
        if monotone:
            before, after = (self.energy(self._beliefs(t, view), x, view)[0] for t in (z[0], new))
            new = torch.where((after < before)[:, None, None], new, z[0])
        return new, pooled

    def read(self, z: Latent, view: Any) -> Readout:
        return self._said(z[0], z[1])

    def forward(self, z: Latent, view: Any, target: Target | None = None) -> tuple[Latent, Readout]:
        x = self._input(view)
        y, pooled = z[0].detach(), z[1]
        if target is None:
            for _ in range(self.steps_per_segment):
                y, pooled = self.step((y, pooled), x, view)
            return (y, pooled), self.read((y, pooled), view)
        # One step less in half of the segments: a candidate must be good whenever one looks.
        for _ in range(max(1, self.steps_per_segment - int(torch.randint(2, ())))):
            y = y + self.noise * torch.randn_like(y)
            slope, pooled = self._slope(y, x, view, learning=True)
            y = y - self.log_alpha.float().exp() * slope
        said = self.read((y, pooled), view)
        loss = target.cross_entropy(y)
        if self.contrastive_weight:
            loss = loss + self.contrastive_weight * self._contrastive_loss(y, x, view, target)
        return (y, pooled), said._replace(loss=loss)


class Ebt(Learned):
    """Energy-Based Transformer: reasoning as descent of a learned energy, which judges candidates as well.

    Published as S2: two or three steps a segment, gradient through all of them, a loss after the last, Langevin noise and
    a replay buffer in training; several candidates and more steps when solving. What the paper has not: the energy is
    also taught to tell the answer from wrong ones (``contrast``); without it a small net ranked candidates of one 4x4 board as
    well, but those of several boards hardly (area under the ROC curve 0.67, with it 0.97).
    """

    name: ClassVar[str] = "ebt"
    auto_turn: ClassVar[int | None] = None  # each step takes a gradient: slower than the others
    citation: ClassVar[str] = (
        "A. Gladstone et al.: Energy-based transformers are scalable learners and thinkers. arXiv 2507.02092, 2025."
    )
    dials: ClassVar = frozenset({"monotone", "inference_noise"})
    former: ClassVar = frozenset({"landscapes", "inner_steps"})
    renamed_options: ClassVar[Mapping[str, str]] = {
        **Learned.renamed_options,
        "accept": "monotone",
        "contrast": "contrastive_weight",
        "shake": "inference_noise",
    }
    presets: ClassVar = PRESETS

    steps: int = Field(3, ge=1, le=32, description="steps of a segment; half of those in training have one less")
    alpha: float = Field(10.0, gt=0, le=1e5, description="size of a step at first; it is learned")
    noise: float = Field(0.3, ge=0, le=100, description="Langevin noise before each step in training (σ)")
    contrastive_weight: float = Field(
        0.5, ge=0, description="weight of telling answers from wrong ones by their energy"
    )
    loops: int = Field(1, ge=1, le=64, description="times that the net is applied in one evaluation of the energy")
    monotone: bool = Field(False, description="solving: take no step that raises the energy")
    inference_noise: float = Field(0.0, ge=0, le=100, description="solving: Langevin noise before each step")
    # A descent has soon ended where it ends: of 60 hard boards one walk of 85 segments solved 65 %, ten of 8 segments 98 %.
    segments: int = Field(8, ge=1, description="segments after which a candidate restarts")
    copies: int = Field(4, ge=1, description="candidates of a problem, side by side, unless --restarts says")

    def reasoner(self, shape: NetShape) -> EbtNet:
        return EbtNet(shape, self.steps, self.alpha, self.noise, self.contrastive_weight, self.loops)

    def recipe(self) -> Mapping[str, Any]:
        return RECIPES[self.preset]

    @classmethod
    def from_options(cls, options: dict[str, Any]) -> Solver:
        """The solver with options; with ``landscapes`` of one and more, which made it IRED once, the solver ``ired``."""
        kept = {name: value for name, value in options.items() if name not in cls.former}
        if str(options.get("landscapes", 0)) == "0":
            return super().from_options(kept)
        from .ired import Ired

        message = text("option landscapes of ebt", "0.1", "0.2", "--solver ired")
        warnings.warn(message, MullDeprecationWarning, stacklevel=2)
        dropped = (cls.model_fields.keys() | cls.renamed_options.keys()) - (
            Ired.model_fields.keys() | Ired.renamed_options.keys()
        )
        return Ired.from_options({name: value for name, value in options.items() if name not in dropped})
