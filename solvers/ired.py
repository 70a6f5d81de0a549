"""IRED: descent of a candidate on a sequence of learned energies, trained by denoising."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import one_hot

from ..engine.random import Random
from ..engine.shapes import Float, Int
from ..engine.training.loss import Target
from .learned import Learned
from .nets.backbone import GIVEN, OPEN
from .nets.energy import PRESETS, RECIPES, EnergyNet
from .nets.reasoner import Draw, Latent, Readout, Reasoner, StepOutput
from .nets.shape import NetShape

OFFSET = 0.008
"""s of the cosine schedule (Nichol and Dhariwal 2021)."""

Literals = Float[Tensor, "rows vars values"]
PerRow = Float[Tensor, "rows 1 1"]
Times = Int[Tensor, " rows"]


class IredNet(EnergyNet):
    """Energies E_t(y) for t = K..1. The gradient ∂E_t/∂y is trained to predict the noise in y (score matching).

    y [B, V, D] is √ᾱ_t times +1 for a literal that holds and −1 for one that does not, plus noise; y is not a logit.
    A row first runs the schedule: ``inner_steps`` steps in each landscape, from K to 1. Further steps are in landscape
    1.
    The state is y, pooled features [B, 1, H], and the row's step count [B, 1, 1].

    Args:
        shape: sizes of the backbone.
        landscapes: K.
        inner_steps: steps in each landscape, and in a segment.
        contrastive_weight: as ``EnergyNet``'s.
        loops: as ``EnergyNet``'s.
    """

    def __init__(
        self, shape: NetShape, landscapes: int, inner_steps: int, contrastive_weight: float, loops: int
    ) -> None:
        super().__init__(shape, steps=inner_steps, contrastive_weight=contrastive_weight, loops=loops)
        # Unused. Weights that were trained when IRED was an option of ebt contain this parameter.
        self.log_alpha = nn.Parameter(torch.zeros(1), requires_grad=False)
        self.landscapes = landscapes
        self.schedule_steps = landscapes * inner_steps
        """Steps of the schedule; a row does not settle before its end."""
        self.landscape = nn.Embedding(landscapes, shape.hidden)

    def start(self, x: Tensor, view: Any, draw: Draw) -> Latent:
        """y ~ N(0, 1) [B, V, D], features of zero [B, 1, H], and a step count of zero [B, 1, 1].

        Args:
            x: input [B, S, H].
            view: the backbone's view of the instance.
            draw: as in ``Reasoner.start``.
        """
        return *super().start(x, view, draw), x.new_zeros(len(x), 1, 1, dtype=torch.float32)

    # The energies -----------------------------------------------------------------------------------------------------

    def alpha_bar(self, t: Times) -> PerRow:
        """ᾱ_t [B, 1, 1] for landscapes t [B], the share of the answer's variance that is left; 1 at t = 0."""
        # ᾱ_t = f(t) / f(0), f(t) = cos²((t / K + s) / (1 + s) · π / 2): the cosine schedule.
        angle = ((t / self.landscapes + OFFSET) / (1 + OFFSET)) * (math.pi / 2)
        first = math.cos(OFFSET / (1 + OFFSET) * math.pi / 2)
        return ((angle.cos() / first) ** 2).clamp(1e-3, 1)[:, None, None]  # f(K) = 0 would divide by zero below

    def _clamp_givens(self, y: Literals, view: Any, alpha_bar: PerRow) -> Literals:
        """y with √ᾱ_t for givens and −√ᾱ_t for excluded literals: the paper's mask of known entries."""
        literals = self.backbone.literals(view)
        return torch.where(literals == OPEN, y, alpha_bar.sqrt() * torch.where(literals == GIVEN, 1.0, -1.0))

    def _at(self, t: Times, x: Tensor) -> Tensor:
        """The input x [B, S, H] with the embedding of landscape t [B] added."""
        return x + self.landscape(t - 1)[:, None].to(x.dtype)  # type: ignore[no-any-return]

    def _assignment_energy(self, answer: Tensor, x: Tensor, view: Any, t: Tensor | None = None) -> Tensor:
        """E_t [B] of assignments [B, V], written as √ᾱ_t (2 · one-hot − 1); t is 1 by default."""
        t = torch.ones(len(x), dtype=torch.int64, device=x.device) if t is None else t
        alpha_bar = self.alpha_bar(t)
        y = alpha_bar.sqrt() * (2 * one_hot(answer, self.backbone.literals(view).shape[2]) - 1)
        return self.energy(self._clamp_givens(y, view, alpha_bar), self._at(t, x), view)[0]

    def _energy_gradient(
        self, y: Literals, x: Tensor, view: Any, t: Times, *, learning: bool
    ) -> tuple[Literals, Tensor, Tensor]:
        """∂E_t/∂y [B, V, D], E_t [B], and pooled features [B, 1, H]; ``learning`` keeps the graph."""
        with torch.enable_grad():
            y, x = y.detach().requires_grad_(), x if learning else x.detach()
            energy, features = self.energy(self._clamp_givens(y, view, self.alpha_bar(t)), self._at(t, x), view)
            (gradient,) = torch.autograd.grad(energy.sum(), y, create_graph=learning)
        return gradient, energy, self._pooled(features)

    def _predict_x0(self, y: Literals, noise: Literals, alpha_bar: PerRow) -> Literals:
        """The answer [B, V, D] without the noise, within ±1: y_0 = (y − √(1 − ᾱ_t) ε) / √ᾱ_t (DDPM, equation 15)."""
        return ((y - (1 - alpha_bar).sqrt() * noise) / alpha_bar.sqrt()).clamp(-1, 1)

    # Steps ------------------------------------------------------------------------------------------------------------

    def _landscape(self, count: Times) -> Times:
        """[B] the landscape t of a row that has taken ``count`` [B] steps: K first, 1 at the end of the schedule and after."""
        return (self.landscapes - count // self.steps_per_segment).clamp(min=1)

    def step(self, z: Latent, x: Tensor, view: Any) -> Latent:
        """One step of the paper's algorithm 2: ``inner_steps`` steps on E_t, then the same on E_{t−1}.

        Args:
            z: y [B, V, D], pooled features [B, 1, H], step count [B, 1, 1].
            x: input [B, S, H].
            view: the backbone's view of the instance.
        """
        y, _, clock = z
        count = clock[:, 0, 0].long()
        t = self._landscape(count)
        entering = (count % self.steps_per_segment == 0) & (count < self.schedule_steps)
        leaving = (count % self.steps_per_segment == self.steps_per_segment - 1) & (t > 1)
        alpha_bar, alpha_bar_next = self.alpha_bar(t), self.alpha_bar(t - 1)  # ᾱ_t and ᾱ_{t−1}
        beta = 1 - alpha_bar / alpha_bar_next  # β_t = 1 − ᾱ_t / ᾱ_{t−1}
        gradient, energy, pooled = self._energy_gradient(y, x, view, t, learning=False)

        # First step in E_t: the mean of the reverse diffusion q(y_{t−1} | y_t, y_0) (Ho et al. 2020, DDPM, equation 7),
        # μ = √ᾱ_{t−1} β_t / (1 − ᾱ_t) y_0 + √(1 − β_t) (1 − ᾱ_{t−1}) / (1 − ᾱ_t) y_t, with ∂E_t/∂y as the noise of y_t.
        from_x0 = alpha_bar_next.sqrt() * beta / (1 - alpha_bar) * self._predict_x0(y, gradient, alpha_bar)
        from_y = (alpha_bar / alpha_bar_next).sqrt() * (1 - alpha_bar_next) / (1 - alpha_bar) * y
        reverse_mean = from_x0 + from_y

        # Further steps in E_t: y' = y − λ_t ∂E_t/∂y with λ_t = β_t / √(1 − ᾱ_t), clamped to ±√ᾱ_t.
        descended = (y - beta * (1 - alpha_bar) ** -0.5 * gradient).clamp(-1, 1)
        descended = torch.minimum(torch.maximum(descended, -alpha_bar.sqrt()), alpha_bar.sqrt())
        # Algorithm 2 rejects a step that does not lower the energy: E_t(y') < E_t(y).
        with torch.no_grad():
            lower = self.energy(self._clamp_givens(descended, view, alpha_bar), self._at(t, x), view)[0] < energy
        descended = torch.where(lower[:, None, None], descended, y)
        new = torch.where(entering[:, None, None], reverse_mean, descended)

        # Last step in E_t: y in the scale of the next landscape, y √(ᾱ_{t−1} / ᾱ_t).
        new = torch.where(leaving[:, None, None], new * (alpha_bar_next / alpha_bar).sqrt(), new)
        return new.detach(), pooled.detach(), clock + 1

    def solve_step(
        self, z: Latent, view: Any, allowed: Tensor, random: Random, age: Tensor, **options: Any
    ) -> StepOutput:
        """As ``Reasoner``'s; during the schedule the change is at least 1, so that no row settles."""
        made = super().solve_step(z, view, allowed, random, age, **options)
        over = z[2][:, 0, 0] >= self.schedule_steps
        return made._replace(change=made.change.where(over, made.change.clamp(min=1)))

    def read(self, z: Latent, view: Any) -> Readout:
        """The log-odds [B, V, D] of each literal given y, under the noise of its landscape, with the halting logit.

        Args:
            z: y [B, V, D], pooled features [B, 1, H], step count [B, 1, 1].
            view: the backbone's view of the instance.
        """
        # y ~ N(±√ᾱ_t, 1 − ᾱ_t) has the log-odds 2 √ᾱ_t y / (1 − ᾱ_t).
        alpha_bar = self.alpha_bar(self._landscape(z[2][:, 0, 0].long()))
        return self._readout(2 * alpha_bar.sqrt() * z[0] / (1 - alpha_bar).clamp(min=0.1), z[1])

    def forward(self, z: Latent, view: Any, target: Target | None = None) -> tuple[Latent, Readout]:
        """A segment; with a target, one denoising step, whose read-out has the loss.

        Training starts from the target under noise and leaves the state z as it is.

        Args:
            z: y [B, V, D], pooled features [B, 1, H], step count [B, 1, 1].
            view: the backbone's view of the instance.
            target: the known solution of each row; None in validation.
        """
        x = self._input(view)
        if target is None:
            for _ in range(self.steps_per_segment):
                z = self.step(z, x, view)
            return z, self.read(z, view)
        t = torch.randint(1, self.landscapes + 1, (len(x),), device=x.device)
        alpha_bar = self.alpha_bar(t)
        noise = torch.randn(target.allowed.shape, device=x.device)
        # y = √ᾱ_t y_0 + √(1 − ᾱ_t) ε (DDPM, equation 4).
        y = alpha_bar.sqrt() * (2 * target.beliefs() - 1) + (1 - alpha_bar).sqrt() * noise
        gradient, _, pooled = self._energy_gradient(y, x, view, t, learning=True)
        # Denoising loss ‖∂E_t/∂y (√ᾱ_t y_0 + √(1 − ᾱ_t) ε) − ε‖², over open literals.
        unknown = target.allowed & target.free[..., None]
        loss = ((gradient - noise) ** 2 * unknown).sum((1, 2)) / unknown.sum((1, 2)).clamp(min=1)
        guess = 4 * self._predict_x0(y, gradient.detach(), alpha_bar)  # as logits
        if self.contrastive_weight:
            # Contrastive loss of the energy landscape: −log(e^{−E⁺} / (e^{−E⁺} + Σ e^{−E⁻})).
            loss = loss + self.contrastive_weight * self._contrastive_loss(guess, x, view, target, t)
        return z, self._readout(guess, pooled)._replace(loss=loss)


class Ired(Learned):
    """Iterative Reasoning through Energy Diffusion: descent on a sequence of energies, from most noise to least.

    The energies are trained by denoising and by contrast with wrong answers. A training step is cheaper than that of
    ``ebt``, but solving takes more steps. After the schedule a candidate continues on the last energy.
    """

    name: ClassVar[str] = "ired"
    auto_turn: ClassVar[int | None] = None  # each step computes a gradient: slower than the other learned solvers
    citation: ClassVar[str] = (
        "Y. Du, J. Mao and J. B. Tenenbaum: Learning iterative reasoning through energy diffusion. ICML 2024, arXiv 2406.11179."
    )
    renamed_options: ClassVar[Mapping[str, str]] = {**Learned.renamed_options, "contrast": "contrastive_weight"}
    presets: ClassVar = PRESETS

    landscapes: int = Field(10, ge=1, le=1000, description="number of energies, from most noise to least (K)")
    inner_steps: int = Field(5, ge=1, le=100, description="steps in each landscape")
    contrastive_weight: float = Field(
        0.5, ge=0, description="weight of the loss that separates right answers from wrong ones by their energy"
    )
    loops: int = Field(1, ge=1, le=64, description="applications of the net in one evaluation of the energy")
    segments: int = Field(8, ge=1, description="segments after the schedule, until an unsolved candidate restarts")
    copies: int = Field(
        4, ge=1, description="candidates of a problem that run side by side, unless --restarts is given"
    )

    def reasoner(self, shape: NetShape) -> IredNet:
        return IredNet(shape, self.landscapes, self.inner_steps, self.contrastive_weight, self.loops)

    def depth(self, net: Reasoner) -> int:
        """The steps of the schedule, and those of the segments after it."""
        assert isinstance(net, IredNet)
        return super().depth(net) + net.schedule_steps

    def recipe(self) -> Mapping[str, Any]:
        return RECIPES[self.preset]
