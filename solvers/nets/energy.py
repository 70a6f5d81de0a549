"""A net that reads an energy from a candidate answer, and judges answers by it: what EBT and IRED share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import one_hot

from ...engine.training.loss import Target
from .backbone import OPEN
from .double_backward import compile_double_backward
from .reasoner import Draw, Latent, Readout, Reasoner
from .shape import NetShape

PRESETS: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "small": {
        "lattice": {"hidden": 96, "layers": 2, "inner": 256},
        "tokens": {"hidden": 256, "layers": 2, "inner": 768, "heads": 8, "masked": True},
        "mixer": {"hidden": 384, "layers": 2, "inner": 1024},
    },
    "paper": {"tokens": {"hidden": 384, "layers": 6, "inner": 1024, "heads": 6}},
}
"""Sizes of nets with an energy."""
RECIPES: Mapping[str, Mapping[str, Any]] = {
    "small": {"max_segments": 16},
    "paper": {
        "optimizer": "adamw",
        "lr": 1.2e-3,
        "weight_decay": 0.01,
        "warmup": 10_000,
        "final_lr": 0.1,
        "max_segments": 16,
    },
}
"""Training settings of nets with an energy, by preset."""
CORRUPTION = 0.05
"""Share of an answer's free variables that a wrong one made of it has elsewhere, at least one (IRED's for Sudoku)."""


class EnergyNet(Reasoner):
    """Base of nets with an energy E of an answer y, summed over what is open. A solver walks down ∂E/∂y.

    The state begins with y [B, V, D] and what the halting head reads of the last evaluation, [B, 1, H]. Training needs second
    derivatives, for which attention has one slow kernel only, and compiled layers a way of their own (``nets.double_backward``).

    Args:
        shape: of the backbone.
        steps: in a segment.
        contrastive_weight: weight of the loss that tells answers from wrong ones by their energy.
        loops: times that the net is applied in one evaluation of the energy.
    """

    uses_targets = True

    def __init__(self, shape: NetShape, *, steps: int, contrastive_weight: float, loops: int) -> None:
        super().__init__(shape, states=1, random_start=True)
        self.steps_per_segment = self.grad_steps = steps
        self.contrastive_weight, self.loops = contrastive_weight, loops
        self.answers = self.backbone.answers()

    def compile(self, **options: Any) -> None:
        """Compile the layers, twice differentiable; of the options there is one way only, fixed sizes."""
        for stack in self.stacks:
            compile_double_backward(list(stack.get_submodule("layers").children()))

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

    def answer_energy(self, z: Latent, chances: Tensor, view: Any) -> Tensor:
        """[B] the energy of the answer: of several candidates the lowest is taken."""
        return self.energies(view, chances.argmax(-1))

    def _judge(self, answer: Tensor, x: Tensor, view: Any, t: Tensor | None = None) -> Tensor:
        size = self.backbone.literals(view).shape[2]
        return self.energy(one_hot(answer, size).float(), x, view)[0]

    def _pooled(self, seen: Tensor) -> Tensor:
        pooled = seen[:, :1] if self.backbone.shape.prefix else seen.mean(1, keepdim=True)
        return pooled.float()

    # Reading and learning ---------------------------------------------------------------------------------------------

    def _said(self, logits: Tensor, pooled: Tensor) -> Readout:
        return Readout(logits, self.halt(pooled[:, 0].to(self.halt.weight.dtype)))

    def _contrastive_loss(self, y: Tensor, x: Tensor, view: Any, target: Target, t: Tensor | None = None) -> Tensor:
        """[B] cross-entropy of telling the answer by its energy from a wrong one near it, and from the row's own where that is another.

        Where a problem has several answers, what is held to be wrong now and then is right.
        """
        own = y.detach().masked_fill(~target.allowed, -torch.inf).argmax(-1)
        same = ((own == target.answer) | ~target.free).all(1)
        own = torch.where(target.free, own, target.answer)
        right, near, mine = (self._judge(answer, x, view, t) for answer in (target.answer, corrupt(target), own))
        return torch.stack((-right, -near, (-mine).masked_fill(same, -torch.inf)), 1).log_softmax(1)[:, 0].neg()


def corrupt(target: Target) -> Tensor:
    """[B, V] the answer with a few of its free variables moved to other allowed values."""
    chance = torch.rand_like(target.answer, dtype=torch.float32).masked_fill(~target.free, 2)
    chosen = (chance < CORRUPTION) | (chance == chance.amin(1, keepdim=True))
    others = target.allowed & ~one_hot(target.answer, target.allowed.shape[2]).bool()
    elsewhere = torch.rand_like(others, dtype=torch.float32).masked_fill(~others, -1).argmax(-1)
    return torch.where(chosen & target.free, elsewhere, target.answer)
