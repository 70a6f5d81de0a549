"""IRED: a candidate that walks down a sequence of learned energies, of an answer under ever less noise."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import one_hot

from ..engine.random import Random
from ..engine.training.loss import Target
from .learned import Learned
from .nets.backbone import GIVEN, OPEN
from .nets.energy import PRESETS, RECIPES, EnergyNet
from .nets.reasoner import Draw, Latent, Readout, Reasoner, StepOutput
from .nets.shape import NetShape

OFFSET = 0.008
"""Of the cosine schedule (Nichol and Dhariwal 2021)."""


class IredNet(EnergyNet):
    """Energies E_t for t = K..1, of an answer under ever less noise; each learns its noise as its slope (score matching).

    y holds ±1 for what holds and what does not, times √ᾱ_t, not logits, and is the energy's input itself. A walk has
    ``inner_steps`` steps in each landscape: first the mean of the reverse diffusion, then gradient steps, of which those that
    raise a row's energy are not taken. The state carries the count of steps, [B, 1, 1], beside y and what the halting head
    reads.

    Args:
        shape: of the backbone.
        landscapes: K.
        inner_steps: steps in each landscape, and in a segment.
        contrastive_weight, loops: as ``EnergyNet``'s.
    """

    def __init__(
        self, shape: NetShape, landscapes: int, inner_steps: int, contrastive_weight: float, loops: int
    ) -> None:
        super().__init__(shape, steps=inner_steps, contrastive_weight=contrastive_weight, loops=loops)
        # Unused: files of weights from when IRED was an option of ebt have it.
        self.log_alpha = nn.Parameter(torch.zeros(1), requires_grad=False)
        self.landscapes = landscapes
        self.schedule_steps = landscapes * inner_steps
        """Steps that a row must take before anything else counts."""
        self.landscape = nn.Embedding(landscapes, shape.hidden)

    def start(self, x: Tensor, view: Any, draw: Draw) -> Latent:
        return *super().start(x, view, draw), x.new_zeros(len(x), 1, 1, dtype=torch.float32)

    # The energies -----------------------------------------------------------------------------------------------------

    def alpha_bar(self, t: Tensor) -> Tensor:
        """[B, 1, 1] ᾱ_t, how much of the answer's variance is left, for t [B]; cosine schedule, 1 at t = 0."""
        angle = ((t / self.landscapes + OFFSET) / (1 + OFFSET)) * (math.pi / 2)
        first = math.cos(OFFSET / (1 + OFFSET) * math.pi / 2)
        return ((angle.cos() / first) ** 2).clamp(1e-3, 1)[:, None, None]

    def _clamp_givens(self, y: Tensor, view: Any, alpha_bar: Tensor) -> Tensor:
        """y with what is given and what is ruled out as it must be."""
        literals = self.backbone.literals(view)
        return torch.where(literals == OPEN, y, alpha_bar.sqrt() * torch.where(literals == GIVEN, 1.0, -1.0))

    def _at(self, t: Tensor, x: Tensor) -> Tensor:
        """The input x [B, S, H] of landscape t [B]."""
        return x + self.landscape(t - 1)[:, None].to(x.dtype)  # type: ignore[no-any-return]

    def _judge(self, answer: Tensor, x: Tensor, view: Any, t: Tensor | None = None) -> Tensor:
        t = torch.ones(len(x), dtype=torch.int64, device=x.device) if t is None else t
        alpha_bar = self.alpha_bar(t)
        y = alpha_bar.sqrt() * (2 * one_hot(answer, self.backbone.literals(view).shape[2]) - 1)
        return self.energy(self._clamp_givens(y, view, alpha_bar), self._at(t, x), view)[0]

    def _slope(self, y: Tensor, x: Tensor, view: Any, t: Tensor, *, learning: bool) -> tuple[Tensor, Tensor, Tensor]:
        """∂E_t/∂y [B, V, D], which is learned to be the noise in y; E_t [B]; and what the halting head reads."""
        with torch.enable_grad():
            y, x = y.detach().requires_grad_(), x if learning else x.detach()
            energy, seen = self.energy(self._clamp_givens(y, view, self.alpha_bar(t)), self._at(t, x), view)
            (slope,) = torch.autograd.grad(energy.sum(), y, create_graph=learning)
        return slope, energy, self._pooled(seen)

    def _predict_x0(self, y: Tensor, noise: Tensor, alpha_bar: Tensor) -> Tensor:
        """The answer [B, V, D], within ±1, if that is the noise: y_0 = (y − √(1 − ᾱ_t) ε) / √ᾱ_t (DDPM, equation 15)."""
        return ((y - (1 - alpha_bar).sqrt() * noise) / alpha_bar.sqrt()).clamp(-1, 1)

    # Steps ------------------------------------------------------------------------------------------------------------

    def _landscape(self, count: Tensor) -> Tensor:
        """[B] the landscape t of a row that has taken ``count`` [B] steps: K first, 1 at the end of the walk and after it."""
        return (self.landscapes - count // self.steps_per_segment).clamp(min=1)

    def step(self, z: Latent, x: Tensor, view: Any) -> Latent:
        """One step of the paper's algorithm 2: down E_t, and on to E_{t-1} after ``inner_steps`` of them."""
        y, _, clock = z
        count = clock[:, 0, 0].long()
        t = self._landscape(count)
        entering = (count % self.steps_per_segment == 0) & (count < self.schedule_steps)
        leaving = (count % self.steps_per_segment == self.steps_per_segment - 1) & (t > 1)
        alpha_bar, alpha_bar_next = self.alpha_bar(t), self.alpha_bar(t - 1)  # ᾱ_t and ᾱ_{t-1}
        beta = 1 - alpha_bar / alpha_bar_next
        slope, energy, pooled = self._slope(y, x, view, t, learning=False)

        # Entering: the mean of the reverse diffusion q(y_{t-1} | y_t, y_0) (Ho et al. 2020, DDPM, equation 7),
        # μ = √ᾱ_{t-1} β_t / (1 − ᾱ_t) y_0 + √(1 − β_t) (1 − ᾱ_{t-1}) / (1 − ᾱ_t) y_t, with the slope as the noise of y_t.
        reverse_mean = alpha_bar_next.sqrt() * beta / (1 - alpha_bar) * self._predict_x0(y, slope, alpha_bar)
        reverse_mean = reverse_mean + (alpha_bar / alpha_bar_next).sqrt() * (1 - alpha_bar_next) / (1 - alpha_bar) * y

        # Within: y' = y − λ_t ∂E_t/∂y with λ_t = β_t / √(1 − ᾱ_t), inside ±√ᾱ_t; taken only where E_t(y') < E_t(y).
        descended = (y - beta * (1 - alpha_bar) ** -0.5 * slope).clamp(-1, 1)
        descended = torch.minimum(torch.maximum(descended, -alpha_bar.sqrt()), alpha_bar.sqrt())
        with torch.no_grad():
            lower = self.energy(self._clamp_givens(descended, view, alpha_bar), self._at(t, x), view)[0] < energy
        descended = torch.where(lower[:, None, None], descended, y)
        new = torch.where(entering[:, None, None], reverse_mean, descended)

        # Leaving: the same answer in the scale of the next landscape, y √(ᾱ_{t-1} / ᾱ_t).
        new = torch.where(leaving[:, None, None], new * (alpha_bar_next / alpha_bar).sqrt(), new)
        return new.detach(), pooled.detach(), clock + 1

    def solve_step(
        self, z: Latent, view: Any, allowed: Tensor, random: Random, age: Tensor, **options: Any
    ) -> StepOutput:
        """As ``Reasoner``'s; while a walk lasts, no row counts as settled."""
        made = super().solve_step(z, view, allowed, random, age, **options)
        over = z[2][:, 0, 0] >= self.schedule_steps
        return made._replace(change=made.change.where(over, made.change.clamp(min=1)))

    def read(self, z: Latent, view: Any) -> Readout:
        """y as the log-odds of a literal under the noise of its landscape."""
        alpha_bar = self.alpha_bar(self._landscape(z[2][:, 0, 0].long()))
        return self._said(2 * alpha_bar.sqrt() * z[0] / (1 - alpha_bar).clamp(min=0.1), z[1])

    def forward(self, z: Latent, view: Any, target: Target | None = None) -> tuple[Latent, Readout]:
        """Training sees the answer under noise, of any landscape, and has no walk: what a row answers is its guess from there."""
        x = self._input(view)
        if target is None:
            for _ in range(self.steps_per_segment):
                z = self.step(z, x, view)
            return z, self.read(z, view)
        t = torch.randint(1, self.landscapes + 1, (len(x),), device=x.device)
        alpha_bar = self.alpha_bar(t)
        noise = torch.randn(target.allowed.shape, device=x.device)
        y = alpha_bar.sqrt() * (2 * target.beliefs() - 1) + (1 - alpha_bar).sqrt() * noise
        slope, _, pooled = self._slope(y, x, view, t, learning=True)
        # Denoising: ‖∂E_t/∂y (√ᾱ_t y_0 + √(1 − ᾱ_t) ε) − ε‖², over what is unknown.
        unknown = target.allowed & target.free[..., None]
        loss = ((slope - noise) ** 2 * unknown).sum((1, 2)) / unknown.sum((1, 2)).clamp(min=1)
        guess = 4 * self._predict_x0(y, slope.detach(), alpha_bar)
        if self.contrastive_weight:
            loss = loss + self.contrastive_weight * self._contrastive_loss(guess, x, view, target, t)
        return z, self._said(guess, pooled)._replace(loss=loss)


class Ired(Learned):
    """Iterative reasoning through energy diffusion: descent of a sequence of learned energies, most noise to least.

    The energies are trained by denoising, and by contrast with wrong answers; a training step is cheaper than that of
    ``ebt``, the walk when solving longer. After the walk a candidate goes on down the last energy.
    """

    name: ClassVar[str] = "ired"
    auto_turn: ClassVar[int | None] = None  # each step takes a gradient: slower than the others
    citation: ClassVar[str] = (
        "Y. Du, J. Mao and J. B. Tenenbaum: Learning iterative reasoning through energy diffusion. ICML 2024, arXiv 2406.11179."
    )
    renamed_options: ClassVar[Mapping[str, str]] = {**Learned.renamed_options, "contrast": "contrastive_weight"}
    presets: ClassVar = PRESETS

    landscapes: int = Field(10, ge=1, le=1000, description="energies, most noise to least (K)")
    inner_steps: int = Field(5, ge=1, le=100, description="steps in each landscape")
    contrastive_weight: float = Field(
        0.5, ge=0, description="weight of telling answers from wrong ones by their energy"
    )
    loops: int = Field(1, ge=1, le=64, description="times that the net is applied in one evaluation of the energy")
    segments: int = Field(8, ge=1, description="segments after the walk, at whose end a candidate restarts")
    copies: int = Field(4, ge=1, description="candidates of a problem, side by side, unless --restarts says")

    def reasoner(self, shape: NetShape) -> IredNet:
        return IredNet(shape, self.landscapes, self.inner_steps, self.contrastive_weight, self.loops)

    def depth(self, net: Reasoner) -> int:
        """The walk comes before the segments."""
        assert isinstance(net, IredNet)
        return super().depth(net) + net.schedule_steps

    def recipe(self) -> Mapping[str, Any]:
        return RECIPES[self.preset]
