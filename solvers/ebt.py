"""EBT: gradient descent of a candidate on a learned energy, trained through the descent."""

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
from ..engine.shapes import Float
from ..engine.solver import AbstractSolver
from ..engine.training.loss import Target
from .learned import Learned
from .nets.backbone import EXCLUDED
from .nets.energy import PRESETS, RECIPES, EnergyNet
from .nets.reasoner import Latent, Readout
from .nets.shape import NetShape

Literals = Float[Tensor, "rows vars values"]


class EbtNet(EnergyNet):
    """The net of EBT: one step is y ← y + σ ε, ε ~ N(0, 1), then y ← y − α ∂E(softmax(y))/∂y.

    y [B, V, D] are logits. The gradient of training passes through all steps of a segment, so through ∂E/∂y. The paper's
    replay buffer is the state that rows carry, detached, from segment to segment.

    Args:
        shape: sizes of the backbone.
        steps: steps of a segment.
        alpha: first value of the step size α, which is learned.
        noise: σ, standard deviation of the Langevin noise in training.
        contrastive_weight: as ``EnergyNet``'s.
        loops: as ``EnergyNet``'s.
    """

    def __init__(
        self, shape: NetShape, steps: int, alpha: float, noise: float, contrastive_weight: float, loops: int
    ) -> None:
        super().__init__(shape, steps=steps, contrastive_weight=contrastive_weight, loops=loops)
        self.noise = noise
        self.log_alpha = nn.Parameter(torch.full((1,), math.log(alpha)))

    def _beliefs(self, y: Literals, view: Any) -> Literals:
        """softmax(y) [B, V, D] over the literals that are not excluded."""
        return y.masked_fill(self.backbone.literals(view) == EXCLUDED, torch.finfo(y.dtype).min).softmax(-1)

    def _energy_gradient(self, y: Literals, x: Tensor, view: Any, *, learning: bool) -> tuple[Literals, Tensor]:
        """∂E/∂y [B, V, D] and pooled features [B, 1, H]; ``learning`` keeps the graph for a second derivative."""
        with torch.enable_grad():  # the caller runs under no_grad when solving
            if not learning:
                y, x = y.detach(), x.detach()
            if not y.requires_grad:
                y = y.requires_grad_()
            energy, features = self.energy(self._beliefs(y, view), x, view)
            (gradient,) = torch.autograd.grad(energy.sum(), y, create_graph=learning)
        return gradient, self._pooled(features)

    # Steps ------------------------------------------------------------------------------------------------------------

    def step(self, z: Latent, x: Tensor, view: Any) -> Latent:
        """The paper's update without noise, ŷ_{i+1} = ŷ_i − α ∇_ŷ E(x, ŷ_i).

        Args:
            z: y [B, V, D] and pooled features [B, 1, H].
            x: input [B, S, H].
            view: the backbone's view of the instance.
        """
        gradient, pooled = self._energy_gradient(z[0], x, view, learning=False)
        return z[0] - self.log_alpha.float().exp() * gradient, pooled

    def sample_step(
        self,
        z: Latent,
        x: Tensor,
        view: Any,
        random: Random,
        *,
        monotone: bool = False,
        inference_noise: float = 0.0,
    ) -> Latent:
        """A step of solving.

        Args:
            z: y [B, V, D] and pooled features [B, 1, H].
            x: input [B, S, H].
            view: the backbone's view of the instance.
            random: one stream a row.
            monotone: reject a step of a row if it does not lower the energy.
            inference_noise: standard deviation of Langevin noise before the step.
        """
        y = z[0] + inference_noise * random.normal(*z[0].shape[1:]) if inference_noise else z[0]
        new, pooled = self.step((y, z[1]), x, view)
        if monotone:
            before, after = (self.energy(self._beliefs(t, view), x, view)[0] for t in (z[0], new))
            new = torch.where((after < before)[:, None, None], new, z[0])
        return new, pooled

    def read(self, z: Latent, view: Any) -> Readout:
        """The candidate y as logits [B, V, D], with the halting logit.

        Args:
            z: y [B, V, D] and pooled features [B, 1, H].
            view: the backbone's view of the instance.
        """
        return self._readout(z[0], z[1])

    def forward(self, z: Latent, view: Any, target: Target | None = None) -> tuple[Latent, Readout]:
        """A segment. With a target the read-out has the loss: cross-entropy of y after the last step (S2 of the paper).

        Args:
            z: y [B, V, D] and pooled features [B, 1, H].
            view: the backbone's view of the instance.
            target: the known solution of each row; None in validation.
        """
        x = self._input(view)
        y, pooled = z[0].detach(), z[1]
        if target is None:
            for _ in range(self.steps_per_segment):
                y, pooled = self.step((y, pooled), x, view)
            return (y, pooled), self.read((y, pooled), view)
        # S2 draws the number of steps, so that the candidate is good after any of them: n or n - 1, equally likely.
        for _ in range(max(1, self.steps_per_segment - int(torch.randint(2, ())))):
            y = y + self.noise * torch.randn_like(y)  # Langevin noise, η ~ N(0, σ²)
            gradient, pooled = self._energy_gradient(y, x, view, learning=True)
            y = y - self.log_alpha.float().exp() * gradient  # ŷ_{i+1} = ŷ_i − α ∇_ŷ E(x, ŷ_i), not detached
        readout = self.read((y, pooled), view)
        loss = target.cross_entropy(y)
        if self.contrastive_weight:
            # Not of the paper, whose authors saw no gain: here it ranks candidates across boards (see Ebt).
            loss = loss + self.contrastive_weight * self._contrastive_loss(y, x, view, target)
        return (y, pooled), readout._replace(loss=loss)


class Ebt(Learned):
    """Energy-Based Transformer: reasoning by gradient descent on a learned energy, which also ranks candidates.

    Training is as in the paper's S2: two or three steps per segment, a gradient through all of them, a loss after the
    last, Langevin noise and a replay buffer. Solving has several candidates and more steps. The contrastive loss is not
    in the paper. Without it a small net ranked candidates of one 4x4 board equally well, but candidates of several
    boards badly (area under the ROC curve 0.67; with the loss 0.97).
    """

    name: ClassVar[str] = "ebt"
    auto_turn: ClassVar[int | None] = None  # each step computes a gradient: slower than the other learned solvers
    citation: ClassVar[str] = (
        "A. Gladstone et al.: Energy-based transformers are scalable learners and thinkers. arXiv 2507.02092, 2025."
    )
    inference_options: ClassVar = frozenset({"monotone", "inference_noise"})
    former: ClassVar = frozenset({"landscapes", "inner_steps"})
    renamed_options: ClassVar[Mapping[str, str]] = {
        **Learned.renamed_options,
        "accept": "monotone",
        "contrast": "contrastive_weight",
        "shake": "inference_noise",
    }
    presets: ClassVar = PRESETS

    steps: int = Field(3, ge=1, le=32, description="steps of a segment; half of the training segments have one less")
    alpha: float = Field(10.0, gt=0, le=1e5, description="step size at the start of training; it is learned")
    noise: float = Field(0.3, ge=0, le=100, description="training: Langevin noise before each step (σ)")
    contrastive_weight: float = Field(
        0.5, ge=0, description="weight of the loss that separates right answers from wrong ones by their energy"
    )
    loops: int = Field(1, ge=1, le=64, description="applications of the net in one evaluation of the energy")
    monotone: bool = Field(False, description="solving: reject steps that do not lower the energy")
    inference_noise: float = Field(0.0, ge=0, le=100, description="solving: Langevin noise before each step")
    # A descent converges in about twenty steps: of 60 hard boards one run of 85 segments solved 65 %, ten of 8 segments 98 %.
    segments: int = Field(8, ge=1, description="segments after which a candidate restarts")
    copies: int = Field(
        4, ge=1, description="candidates of a problem that run side by side, unless --restarts is given"
    )

    def reasoner(self, shape: NetShape) -> EbtNet:
        return EbtNet(shape, self.steps, self.alpha, self.noise, self.contrastive_weight, self.loops)

    def recipe(self) -> Mapping[str, Any]:
        return RECIPES[self.preset]

    @classmethod
    def from_options(cls, options: dict[str, Any]) -> AbstractSolver:
        """The solver with options. ``landscapes`` of 1 and more makes the solver ``ired``, which was an option of ``ebt``."""
        kept = {name: value for name, value in options.items() if name not in cls.former}
        if str(options.get("landscapes", 0)) == "0":
            return super().from_options(kept)
        from .ired import Ired

        message = text("option landscapes of ebt", "0.2", "0.3", "--solver ired")
        warnings.warn(message, MullDeprecationWarning, stacklevel=2)
        dropped = (cls.model_fields.keys() | cls.renamed_options.keys()) - (
            Ired.model_fields.keys() | Ired.renamed_options.keys()
        )
        return Ired.from_options({name: value for name, value in options.items() if name not in dropped})
