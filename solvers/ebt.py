"""EBT: a candidate that walks down an energy which a net gives it, trained through the walk; IRED: many such energies."""

from __future__ import annotations

import math
from collections.abc import Mapping
from copy import copy
from typing import Any, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import one_hot

from ..engine.compile import Instance
from ..engine.random import Random
from ..engine.training.loss import Shown
from .learned import Learned
from .nets.backbone import EXCLUDED, GIVEN, OPEN
from .nets.reasoner import Draw, Improvement, Latent, Readout, Reasoner
from .nets.shape import NetShape
from .nets.twice import compile_twice

MOVED = 0.05
"""Share of an answer's free variables that a wrong one made of it has elsewhere, at least one (IRED's for Sudoku)."""
OFFSET = 0.008
"""Of the cosine schedule (Nichol and Dhariwal 2021)."""


class EbtNet(Reasoner):
    """A step: y ← y + σ ε, then y ← y − α ∂E/∂y, for logits y whose softmax the energy E is given; E sums over what is open.

    The state is y [B, V, D] and what the halting head reads of the last evaluation, [B, 1, H]. Training takes the gradient
    through all steps of a segment, so through ∂E/∂y: second derivatives, for which attention has one slow kernel only, and
    compiled layers a way of their own (``nets.twice``). The states that rows carry, detached, from segment to
    segment are the replay buffer of the paper: a row of age zero starts from noise.
    """

    sees_answers = True

    def __init__(self, shape: NetShape, steps: int, alpha: float, noise: float, contrast: float, loops: int) -> None:
        super().__init__(shape, states=1, random_start=True)
        self.per_segment = self.learning = steps
        self.loops = loops
        self.walk = 0
        """Steps that a row must take before anything else counts."""
        self.noise, self.contrast = noise, contrast
        self.answers = self.backbone.answers()
        self.log_alpha = nn.Parameter(torch.full((1,), math.log(alpha)))
        # How to solve, for which no training is needed (``Ebt.net``).
        self.accept, self.shake = False, 0.0

    def compile(self, **options: Any) -> None:
        """Compile the layers, twice differentiable; of the options there is one way only, fixed sizes."""
        for stack in self.stacks:
            compile_twice(list(stack.get_submodule("layers").children()))

    def compile_solving(self) -> None:
        """Nothing: a step is itself a backward pass."""

    def start(self, x: Tensor, view: Any, draw: Draw) -> Latent:
        literals = self.backbone.literals(view)
        return draw(0, *literals.shape[1:]).float(), x.new_zeros(len(x), 1, x.shape[2], dtype=torch.float32)

    def _input(self, view: Any) -> Tensor:
        """What the net reads of an instance; the candidate keeps float32, the net's own states what autocast wants."""
        x = self.backbone.embed(view)
        return x.to(torch.get_autocast_dtype(x.device.type)) if torch.is_autocast_enabled(x.device.type) else x

    # The energy -------------------------------------------------------------------------------------------------------

    def energy(self, beliefs: Tensor, x: Tensor, view: Any) -> tuple[Tensor, Tensor]:
        """[B] the energy of beliefs [B, V, D], and the features [B, S, H] that it is read from.

        What is given, ruled out or padding has none of its own: a row's energy does not depend on its company.
        """
        x = x + self.answers(view, beliefs.to(x.dtype)).to(x.dtype)
        seen = torch.zeros_like(x)
        with sdpa_kernel(SDPBackend.MATH):
            for _ in range(self.loops):
                seen = self.stacks[0](view, seen, x)
        terms = self.backbone.read(seen, view).float() * (self.backbone.literals(view) == OPEN)
        return terms.sum((1, 2)), seen

    def energies(self, view: Any, answer: Tensor) -> Tensor:
        """[B] the energy of assignments, domain indices [B, V]: the net as a judge."""
        return self._judge(answer, self.backbone.embed(view), view)

    def against(self, z: Latent, chances: Tensor, view: Any) -> Tensor:
        """[B] the energy of the answer: of several candidates the lowest is taken."""
        return self.energies(view, chances.argmax(-1))

    def _judge(self, answer: Tensor, x: Tensor, view: Any, t: Tensor | None = None) -> Tensor:
        size = self.backbone.literals(view).shape[2]
        return self.energy(one_hot(answer, size).float(), x, view)[0]

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

    def _pooled(self, seen: Tensor) -> Tensor:
        pooled = seen[:, :1] if self.backbone.shape.prefix else seen.mean(1, keepdim=True)
        return pooled.float()

    # Steps ------------------------------------------------------------------------------------------------------------

    def step(self, z: Latent, x: Tensor, view: Any) -> Latent:
        slope, pooled = self._slope(z[0], x, view, learning=False)
        return z[0] - self.log_alpha.float().exp() * slope, pooled

    def wander(self, z: Latent, x: Tensor, view: Any, random: Random) -> Latent:
        y = z[0] + self.shake * random.normal(*z[0].shape[1:]) if self.shake else z[0]
        new, pooled = self.step((y, z[1]), x, view)
        if self.accept:
            before, after = (self.energy(self._beliefs(t, view), x, view)[0] for t in (z[0], new))
            new = torch.where((after < before)[:, None, None], new, z[0])
        return new, pooled

    def read(self, z: Latent, view: Any) -> Readout:
        return self._said(z[0], z[1])

    def _said(self, logits: Tensor, pooled: Tensor) -> Readout:
        return Readout(logits, self.halt(pooled[:, 0].to(self.halt.weight.dtype)))

    def forward(self, z: Latent, view: Any, shown: Shown | None = None) -> tuple[Latent, Readout]:
        x = self._input(view)
        y, pooled = z[0].detach(), z[1]
        if shown is None:
            for _ in range(self.per_segment):
                y, pooled = self.step((y, pooled), x, view)
            return (y, pooled), self.read((y, pooled), view)
        # One step less in half of the segments: a candidate must be good whenever one looks.
        for _ in range(max(1, self.per_segment - int(torch.randint(2, ())))):
            y = y + self.noise * torch.randn_like(y)
            slope, pooled = self._slope(y, x, view, learning=True)
            y = y - self.log_alpha.float().exp() * slope
        said = self.read((y, pooled), view)
        loss = shown.cross_entropy(y)
        if self.contrast:
            loss = loss + self.contrast * self._contrast(y, x, view, shown)
        return (y, pooled), said._replace(loss=loss)

    def _contrast(self, y: Tensor, x: Tensor, view: Any, shown: Shown, t: Tensor | None = None) -> Tensor:
        """[B] cross-entropy of telling the answer by its energy from a wrong one near it, and from the row's own where that is another.

        Where a problem has several answers, what is held to be wrong now and then is right.
        """
        own = y.detach().masked_fill(~shown.allowed, -torch.inf).argmax(-1)
        same = ((own == shown.answer) | ~shown.free).all(1)
        own = torch.where(shown.free, own, shown.answer)
        right, near, mine = (self._judge(answer, x, view, t) for answer in (shown.answer, moved(shown), own))
        return torch.stack((-right, -near, (-mine).masked_fill(same, -torch.inf)), 1).log_softmax(1)[:, 0].neg()


def moved(shown: Shown) -> Tensor:
    """[B, V] the answer with a few of its free variables moved to other allowed values."""
    chance = torch.rand_like(shown.answer, dtype=torch.float32).masked_fill(~shown.free, 2)
    chosen = (chance < MOVED) | (chance == chance.amin(1, keepdim=True))
    others = shown.allowed & ~one_hot(shown.answer, shown.allowed.shape[2]).bool()
    elsewhere = torch.rand_like(others, dtype=torch.float32).masked_fill(~others, -1).argmax(-1)
    return torch.where(chosen & shown.free, elsewhere, shown.answer)


class IredNet(EbtNet):
    """Energies E_t for t = K..1, of an answer under ever less noise; each learns its noise as its slope (score matching).

    y holds ±1 for what holds and what does not, times √ᾱ_t, not logits, and is the energy's input itself. A walk has
    ``inner`` steps in each landscape: first the mean of the reverse diffusion, then gradient steps, of which those that
    raise a row's energy are not taken. The state carries the count of steps, [B, 1, 1], beside EBT's two.
    """

    def __init__(self, shape: NetShape, landscapes: int, inner: int, contrast: float, loops: int) -> None:
        super().__init__(shape, inner, 1.0, 0.0, contrast, loops)
        self.log_alpha.requires_grad_(False)  # the schedule says how far
        self.landscapes = landscapes
        self.walk = landscapes * inner
        self.landscape = nn.Embedding(landscapes, shape.hidden)

    def start(self, x: Tensor, view: Any, draw: Draw) -> Latent:
        return *super().start(x, view, draw), x.new_zeros(len(x), 1, 1, dtype=torch.float32)

    def kept(self, t: Tensor) -> Tensor:
        """[B, 1, 1] ᾱ_t, how much of the answer's variance is left, for t [B]; cosine schedule, 1 at t = 0."""
        angle = ((t / self.landscapes + OFFSET) / (1 + OFFSET)) * (math.pi / 2)
        first = math.cos(OFFSET / (1 + OFFSET) * math.pi / 2)
        return ((angle.cos() / first) ** 2).clamp(1e-3, 1)[:, None, None]

    def _known(self, y: Tensor, view: Any, level: Tensor) -> Tensor:
        """y with what is given and what is ruled out as it must be."""
        literals = self.backbone.literals(view)
        return torch.where(literals == OPEN, y, level.sqrt() * torch.where(literals == GIVEN, 1.0, -1.0))

    def _at(self, t: Tensor, x: Tensor) -> Tensor:
        return x + self.landscape(t - 1)[:, None].to(x.dtype)  # type: ignore[no-any-return]

    def _judge(self, answer: Tensor, x: Tensor, view: Any, t: Tensor | None = None) -> Tensor:
        t = torch.ones(len(x), dtype=torch.int64, device=x.device) if t is None else t
        level = self.kept(t)
        y = level.sqrt() * (2 * one_hot(answer, self.backbone.literals(view).shape[2]) - 1)
        return self.energy(self._known(y, view, level), self._at(t, x), view)[0]

    def _noise(self, y: Tensor, x: Tensor, view: Any, t: Tensor, *, learning: bool) -> tuple[Tensor, Tensor, Tensor]:
        """∂E_t/∂y, E_t, and what the halting head reads."""
        with torch.enable_grad():
            y, x = y.detach().requires_grad_(), x if learning else x.detach()
            energy, seen = self.energy(self._known(y, view, self.kept(t)), self._at(t, x), view)
            (slope,) = torch.autograd.grad(energy.sum(), y, create_graph=learning)
        return slope, energy, self._pooled(seen)

    def _guess(self, y: Tensor, noise: Tensor, level: Tensor) -> Tensor:
        """The answer [B, V, D], within ±1, if that is the noise."""
        return ((y - (1 - level).sqrt() * noise) / level.sqrt()).clamp(-1, 1)

    def step(self, z: Latent, x: Tensor, view: Any) -> Latent:
        y, _, clock = z
        count = clock[:, 0, 0].long()
        t = (self.landscapes - count // self.per_segment).clamp(min=1)
        first, last = count % self.per_segment == 0, count % self.per_segment == self.per_segment - 1
        walking = count < self.walk
        level, after = self.kept(t), self.kept(t - 1)
        beta = 1 - level / after
        slope, energy, pooled = self._noise(y, x, view, t, learning=False)
        mean = after.sqrt() * beta / (1 - level) * self._guess(y, slope, level)
        mean = mean + (level / after).sqrt() * (1 - after) / (1 - level) * y
        lower = (y - beta * (1 - level) ** -0.5 * slope).clamp(-1, 1)
        lower = torch.minimum(torch.maximum(lower, -level.sqrt()), level.sqrt())
        with torch.no_grad():
            better = self.energy(self._known(lower, view, level), self._at(t, x), view)[0] < energy
        gone = torch.where(better[:, None, None], lower, y)
        new = torch.where((first & walking)[:, None, None], mean, gone)
        # On to the next landscape, less noisy: the same answer, larger.
        new = torch.where((last & (t > 1))[:, None, None], new * (after / level).sqrt(), new)
        return new.detach(), pooled.detach(), clock + 1

    def wander(self, z: Latent, x: Tensor, view: Any, random: Random) -> Latent:
        return self.step(z, x, view)

    def improve(self, z: Latent, view: Any, allowed: Tensor, random: Random, age: Tensor) -> Improvement:
        """While a walk lasts nobody is to take a row for settled."""
        made = super().improve(z, view, allowed, random, age)
        over = z[2][:, 0, 0] >= self.walk
        return made._replace(change=made.change.where(over, made.change.clamp(min=1)))

    def read(self, z: Latent, view: Any) -> Readout:
        """y as the log-odds of a literal under the noise of its landscape."""
        t = (self.landscapes - z[2][:, 0, 0].long() // self.per_segment).clamp(min=1)
        level = self.kept(t)
        return self._said(2 * level.sqrt() * z[0] / (1 - level).clamp(min=0.1), z[1])

    def forward(self, z: Latent, view: Any, shown: Shown | None = None) -> tuple[Latent, Readout]:
        """Training shows the answer under noise, of any landscape, and has no walk: what a row says is its guess from there."""
        x = self._input(view)
        if shown is None:
            for _ in range(self.per_segment):
                z = self.step(z, x, view)
            return z, self.read(z, view)
        t = torch.randint(1, self.landscapes + 1, (len(x),), device=x.device)
        level = self.kept(t)
        noise = torch.randn(shown.allowed.shape, device=x.device)
        y = level.sqrt() * (2 * shown.beliefs() - 1) + (1 - level).sqrt() * noise
        slope, _, pooled = self._noise(y, x, view, t, learning=True)
        unknown = shown.allowed & shown.free[..., None]
        loss = ((slope - noise) ** 2 * unknown).sum((1, 2)) / unknown.sum((1, 2)).clamp(min=1)
        guess = 4 * self._guess(y, slope.detach(), level)
        if self.contrast:
            loss = loss + self.contrast * self._contrast(guess, x, view, shown, t)
        return z, self._said(guess, pooled)._replace(loss=loss)


class Ebt(Learned):
    """Energy-Based Transformer: reasoning as descent of a learned energy, which judges candidates as well.

    Published as S2: two or three steps a segment, gradient through all of them, a loss after the last, Langevin noise and
    a replay buffer in training; several candidates and more steps when solving. What the paper has not: the energy is
    also taught to tell the answer from wrong ones (``contrast``); without it a small net ranked candidates of one 4x4 board as
    well, but those of several boards hardly (area under the ROC curve 0.67, with it 0.97). With ``landscapes`` the net is
    IRED's instead (Du, Mao and Tenenbaum, ICML 2024): energies of ever less noise, taught by denoising.
    """

    name: ClassVar[str] = "ebt"
    auto_turn: ClassVar[int | None] = None  # each step takes a gradient: slower than the others
    citation: ClassVar[str] = (
        "A. Gladstone et al.: Energy-based transformers are scalable learners and thinkers. arXiv 2507.02092, 2025. "
        "Y. Du, J. Mao and J. Tenenbaum: Learning iterative reasoning through energy diffusion (IRED). ICML 2024, "
        "arXiv 2406.11179."
    )
    dials: ClassVar = frozenset({"accept", "shake"})
    presets: ClassVar = {
        "small": {
            "lattice": {"hidden": 96, "layers": 2, "inner": 256},
            "tokens": {"hidden": 256, "layers": 2, "inner": 768, "heads": 8, "masked": True},
            "mixer": {"hidden": 384, "layers": 2, "inner": 1024},
        },
        "paper": {"tokens": {"hidden": 384, "layers": 6, "inner": 1024, "heads": 6}},
    }

    steps: int = Field(3, ge=1, le=32, description="steps of a segment; half of those in training have one less")
    alpha: float = Field(10.0, gt=0, le=1e5, description="size of a step at first; it is learned")
    noise: float = Field(0.3, ge=0, le=100, description="Langevin noise before each step in training (σ)")
    contrast: float = Field(0.5, ge=0, description="weight of telling answers from wrong ones by their energy")
    loops: int = Field(1, ge=1, le=64, description="times that the net is applied in one evaluation of the energy")
    landscapes: int = Field(0, ge=0, le=1000, description="energies of IRED, most noise to least (K; 0: EBT)")
    inner_steps: int = Field(5, ge=1, le=100, description="steps in each landscape of IRED")
    accept: bool = Field(False, description="solving: take no step that raises the energy")
    shake: float = Field(0.0, ge=0, le=100, description="solving: Langevin noise before each step")
    # A descent has soon ended where it ends: of 60 hard boards one walk of 85 segments solved 65 %, ten of 8 segments 98 %.
    segments: int = Field(8, ge=1, description="segments after which a candidate starts anew; IRED's walk comes on top")
    copies: int = Field(4, ge=1, description="candidates of a problem, side by side, unless --restarts says")

    def reasoner(self, shape: NetShape) -> EbtNet:
        if self.landscapes:
            return IredNet(shape, self.landscapes, self.inner_steps, self.contrast, self.loops)
        return EbtNet(shape, self.steps, self.alpha, self.noise, self.contrast, self.loops)

    def net(self, instance: Instance) -> Reasoner:
        """The trained net, which many share, with this solver's way to solve."""
        net = copy(super().net(instance))
        assert isinstance(net, EbtNet)
        net.accept, net.shake = self.accept, self.shake
        return net

    def depth(self, net: Reasoner) -> int:
        """IRED's walk comes on top."""
        assert isinstance(net, EbtNet)
        return super().depth(net) + net.walk

    def recipe(self) -> Mapping[str, Any]:
        if self.preset == "paper":
            return {
                "optimizer": "adamw",
                "lr": 1.2e-3,
                "weight_decay": 0.01,
                "warmup": 10_000,
                "floor": 0.1,
                "most": 16,
            }
        return {"most": 16}
