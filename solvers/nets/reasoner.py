"""A reasoner: a backbone under a recursion. How the state starts, steps, learns and is read."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from ...engine.random import Random
from ...engine.training.loss import Target
from .backbone import Backbone
from .backbones import backbone
from .shape import NetShape

Latent = tuple[Tensor, ...]
"""The latent states of a recursion, each [B, S, H]; the first is the one that is read."""

Draw = Callable[..., Tensor]
"""(number of a latent state, shape without B) -> standard normal numbers [B, *shape]."""


class Readout(NamedTuple):
    """What a state says.

    Args:
        logits: [B, V, D], not yet masked by what is allowed.
        halt: [B, 1 or 2]: the logit of being right; of going on, where the recursion learns that too.
        loss: [B] what the recursion wants minimised, where that is not the cross-entropy of the logits.
    """

    logits: Tensor
    halt: Tensor
    loss: Tensor | None = None


class StepOutput(NamedTuple):
    """What a step of solving yields.

    Args:
        z: the new states.
        chances: [B, V, D] log-probabilities, minus infinity where a literal is not allowed.
        halt: [B] probability of being right, as the net sees it.
        change: [B] norm of the change of the first state, relative to the state.
        energy: [B] what the net holds against its answer: the lower the better.
    """

    z: Latent
    chances: Tensor
    halt: Tensor
    change: Tensor
    energy: Tensor


class Reasoner(nn.Module, ABC):
    """Base of the recursions.

    Args:
        shape: the backbone's sizes.
        stacks: how many nets the recursion applies.
        halts: halting logits, 1 or 2.
        random_start: states start from normal noise, new for every row; else from one fixed random vector, as published.
    """

    steps_per_segment: int
    """Steps in a segment: what is trained at once, between two read-outs."""
    grad_steps: int
    """How many of them, the last ones, the gradient goes through."""
    uses_targets: bool = False
    """Whether training shows each row an answer, and minimises the loss that ``forward`` then brings."""

    def __init__(self, shape: NetShape, *, states: int, stacks: int = 1, halts: int = 1, random_start: bool) -> None:
        super().__init__()
        self.backbone: Backbone = backbone(shape.backbone)(shape)
        self.stacks = nn.ModuleList(self.backbone.stack() for _ in range(stacks))
        self.halt = nn.Linear(shape.hidden, halts)
        nn.init.zeros_(self.halt.weight)  # HRM: no halting until it is learned
        nn.init.constant_(self.halt.bias, -5.0)
        self.random_start = random_start
        self.register_buffer("first", nn.init.trunc_normal_(torch.empty(states, shape.hidden), a=-2, b=2))

    first: Tensor

    def start(self, x: Tensor, view: Any, draw: Draw) -> Latent:
        """The states before the first step, for input ``x`` [B, S, H]."""
        if self.random_start:
            return tuple(draw(k, *x.shape[1:]).clamp(-2, 2).to(x.dtype) for k in range(len(self.first)))
        return tuple(vector.to(x.dtype).expand_as(x).contiguous() for vector in self.first)

    @abstractmethod
    def step(self, z: Latent, x: Tensor, view: Any) -> Latent:
        """One iteration.

        Args:
            z: the states.
            x: [B, S, H], the input of every step.
            view: what the backbone reads of the instance.
        """

    def segment(self, z: Latent, x: Tensor, view: Any) -> Latent:
        """``steps_per_segment`` steps with the gradient that the recursion's paper takes."""
        before = self.steps_per_segment - self.grad_steps
        with torch.no_grad():
            for _ in range(before):
                z = self.step(z, x, view)
        if torch.is_grad_enabled():
            # Nobody wants this gradient; but states that all ask for one leave compilation a single case to know.
            z = tuple(t.detach().requires_grad_() for t in z)
        for _ in range(self.grad_steps):
            z = self.step(z, x, view)
        return z

    def read(self, z: Latent, view: Any) -> Readout:
        """Logits and halting signal; the signal is read from the first prefix token, else from the mean of all."""
        pooled = z[0][:, 0] if self.backbone.shape.prefix else z[0].mean(1)
        return Readout(self.backbone.read(z[0], view), self.halt(pooled))

    def forward(self, z: Latent, view: Any, target: Target | None = None) -> tuple[Latent, Readout]:
        """A segment and what it says: one training step's forward pass, or without an answer ``target`` one of validation."""
        x = self.backbone.embed(view).to(z[0].dtype)
        z = self.segment(z, x, view)
        return z, self.read(z, view)

    def begin(self, view: Any, random: Random) -> Latent:
        """Solving: the states of new rows."""
        x = self.backbone.embed(view)
        return self.start(x, view, lambda k, *shape: random.at(k).normal(*shape))

    def sample_step(self, z: Latent, x: Tensor, view: Any, random: Random) -> Latent:
        """Solving: one step, which may be random."""
        return self.step(z, x, view)

    def solve_step(
        self, z: Latent, view: Any, allowed: Tensor, random: Random, age: Tensor, **options: Any
    ) -> StepOutput:
        """Solving: one step, and what the caller asks of it.

        Args:
            z, view: as ``step``'s.
            allowed: [B, V, D] bool; other literals are masked.
            random: one stream a row.
            age: [B] steps taken.
            options: of the solver that say how to solve (its ``dials``), for ``sample_step``.
        """
        new = self.sample_step(z, self.backbone.embed(view), view, random.at(age), **options)
        said = self.read(new, view)
        before = z[0].flatten(1).float()
        change = (new[0].flatten(1).float() - before).norm(dim=1) / before.norm(dim=1)
        chances = said.logits.float().masked_fill(~allowed, -torch.inf).log_softmax(-1)
        energy = self.answer_energy(new, chances, view)
        return StepOutput(new, chances, said.halt[:, 0].float().sigmoid(), change, energy)

    def answer_energy(self, z: Latent, chances: Tensor, view: Any) -> Tensor:
        """[B] what the net holds against its answer: how unsure it is, the mean negative log-probability of the likeliest values."""
        return -chances.amax(-1).mean(1)

    def compile(self, **options: Any) -> None:
        """Compile the nets that are applied again and again, and nothing else: whole segments take minutes."""
        for stack in self.stacks:
            stack.compile(**options)

    def compile_solving(self) -> None:
        """Compile whole steps, for which a net that is not trained has few enough layers."""
        for name in ("begin", "solve_step"):
            setattr(self, name, torch.compile(getattr(self, name)))
