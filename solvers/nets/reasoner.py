"""A reasoner: the net of a learned solver. A recursion applies the stacks of a backbone to latent states."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor, nn

from ...engine.random import Random
from .backbone import Backbone
from .backbones import backbone
from .shape import NetShape

if TYPE_CHECKING:
    from ...engine.training.loss import Target

Latent = tuple[Tensor, ...]
"""The latent states of a recursion, each [B, S, H]. The first one is read out."""

Draw = Callable[..., Tensor]
"""(number of a latent state, shape without B) -> standard normal numbers [B, *shape]."""


class Readout(NamedTuple):
    """The output of a net for a state.

    Args:
        logits: [B, V, D], not masked.
        halt: [B, 1 or 2] logits: of the answer being right; of the value of another segment, where it is learned.
        loss: [B] the recursion's own training loss; None for the cross-entropy of the logits.
    """

    logits: Tensor
    halt: Tensor
    loss: Tensor | None = None


class StepOutput(NamedTuple):
    """The result of a step of solving.

    Args:
        z: the new latent states.
        log_probs: [B, V, D] log-probabilities, minus infinity where a literal is not allowed.
        halt: [B] the net's probability that the answer is right.
        change: [B] norm of the change of the first state, divided by the norm of the state.
        energy: [B] energy of the answer; lower is better.
    """

    z: Latent
    log_probs: Tensor
    halt: Tensor
    change: Tensor
    energy: Tensor


class Reasoner(nn.Module, ABC):
    """Base of the recursions. A subclass sets ``steps_per_segment`` and ``grad_steps`` and implements ``step``.

    Shapes: B rows, S positions of the backbone (literals or tokens), H numbers of a position, V variables, D values.

    Args:
        shape: sizes of the backbone.
        states: number of latent states.
        stacks: number of nets that the recursion applies.
        halts: number of halting logits, 1 or 2.
        random_start: whether states start from normal noise, drawn for each row; else from one fixed random vector, as
            published.

    Example:
        A recursion of one state::

            class Net(Reasoner):
                def __init__(self, shape: NetShape) -> None:
                    super().__init__(shape, states=1, random_start=True)
                    self.steps_per_segment = self.grad_steps = 4

                def step(self, z: Latent, x: Tensor, view: Any) -> Latent:
                    return (self.stacks[0](view, z[0], x),)
    """

    steps_per_segment: int
    """Steps between two read-outs in training."""
    grad_steps: int
    """Number of the last steps of a segment that the gradient passes through."""
    uses_targets: bool = False
    """Whether training passes a known solution to ``forward``, which then returns its own loss."""
    recurrent_layers: bool = True
    """Whether a step passes the state through the layers; false if layers compute a gradient (energies).

    ``solve analyse`` then follows the state alone.
    """

    def __init__(self, shape: NetShape, *, states: int, stacks: int = 1, halts: int = 1, random_start: bool) -> None:
        super().__init__()
        self.backbone: Backbone = backbone(shape.backbone)(shape)
        self.stacks = nn.ModuleList(self.backbone.stack() for _ in range(stacks))
        self.halt = nn.Linear(shape.hidden, halts)
        # As in HRM: an untrained net never halts.
        nn.init.zeros_(self.halt.weight)
        nn.init.constant_(self.halt.bias, -5.0)
        self.random_start = random_start
        for layer in self.stacks.modules():
            if hasattr(layer, "fused_gradient"):
                layer.fused_gradient = self.recurrent_layers  # type: ignore[assignment]
        # A buffer, so that the fixed start is saved with the weights.
        self.register_buffer("first", nn.init.trunc_normal_(torch.empty(states, shape.hidden), a=-2, b=2))

    first: Tensor

    def start(self, x: Tensor, view: Any, draw: Draw) -> Latent:
        """The states before the first step.

        Args:
            x: input [B, S, H].
            view: the backbone's view of the instance.
            draw: returns standard normal numbers [B, *shape] for a state's number and a shape.
        """
        if self.random_start:
            # Clamped at two standard deviations, as the fixed start of the papers.
            return tuple(draw(k, *x.shape[1:]).clamp(-2, 2).to(x.dtype) for k in range(len(self.first)))
        return tuple(vector.to(x.dtype).expand_as(x).contiguous() for vector in self.first)

    def applications(self) -> tuple[str, ...]:
        """Names of the applications of stacks in a step, in their order; ``solve analyse`` labels layers by them.

        Empty: they are numbered.
        """
        return ()

    @abstractmethod
    def step(self, z: Latent, x: Tensor, view: Any) -> Latent:
        """One iteration.

        Args:
            z: the latent states, [B, S, H] each.
            x: [B, S, H] the input, the same in every step.
            view: the backbone's view of the instance.
        """

    def segment(self, z: Latent, x: Tensor, view: Any) -> Latent:
        """``steps_per_segment`` steps, the last ``grad_steps`` of them with gradient.

        Args:
            z: the latent states, [B, S, H] each.
            x: [B, S, H] the input.
            view: the backbone's view of the instance.
        """
        with torch.no_grad():
            for _ in range(self.steps_per_segment - self.grad_steps):
                z = self.step(z, x, view)
        if torch.is_grad_enabled():
            # The gradient is unused. Requiring it for every state avoids a second compilation of the layers.
            z = tuple(t.detach().requires_grad_() for t in z)
        for _ in range(self.grad_steps):
            z = self.step(z, x, view)
        return z

    def read(self, z: Latent, view: Any) -> Readout:
        """Logits and halting logits. The latter come from the first prefix token, or from the mean over all positions.

        Args:
            z: the latent states, [B, S, H] each.
            view: the backbone's view of the instance.
        """
        return Readout(self.backbone.read(z[0], view), self.halt(self.backbone.pooled(z[0], view)))

    def forward(self, z: Latent, view: Any, target: Target | None = None) -> tuple[Latent, Readout]:
        """A segment and its read-out: the forward pass of a training step.

        Args:
            z: the latent states, [B, S, H] each.
            view: the backbone's view of the instance.
            target: a known solution of each row, where ``uses_targets`` is true; None in validation.
        """
        x = self.backbone.embed(view).to(z[0].dtype)
        z = self.segment(z, x, view)
        return z, self.read(z, view)

    def begin(self, view: Any, random: Random) -> Latent:
        """The states of new rows in solving, [B, S, H] each.

        Args:
            view: the backbone's view of the instance.
            random: one stream a row.
        """
        x = self.backbone.embed(view)
        return self.start(x, view, lambda k, *shape: random.at(k).normal(*shape))

    def sample_step(self, z: Latent, x: Tensor, view: Any, random: Random) -> Latent:
        """A step of solving, which may be random. The default is ``step``.

        Args:
            z: the latent states, [B, S, H] each.
            x: [B, S, H] the input.
            view: the backbone's view of the instance.
            random: one stream a row.
        """
        return self.step(z, x, view)

    def solve_step(
        self, z: Latent, view: Any, allowed: Tensor, random: Random, age: Tensor, **options: Any
    ) -> StepOutput:
        """A step of solving, with its answer and diagnostics.

        Args:
            z: the latent states, [B, S, H] each.
            view: the backbone's view of the instance.
            allowed: [B, V, D] bool; other literals are masked.
            random: one stream a row.
            age: [B] steps since the start of each row.
            options: inference options of the solver, passed to ``sample_step``.
        """
        new = self.sample_step(z, self.backbone.embed(view), view, random.at(age), **options)
        readout = self.read(new, view)
        before = z[0].flatten(1).float()
        # In float32: a sum of squares over a whole state loses small changes in bfloat16.
        change = (new[0].flatten(1).float() - before).norm(dim=1) / before.norm(dim=1)
        log_probs = readout.logits.float().masked_fill(~allowed, -torch.inf).log_softmax(-1)
        energy = self.answer_energy(new, log_probs, view)
        return StepOutput(new, log_probs, readout.halt[:, 0].float().sigmoid(), change, energy)

    def answer_energy(self, z: Latent, log_probs: Tensor, view: Any) -> Tensor:
        """[B] energy of the answer, lower is better: by default the mean negative log-probability of the best values.

        Args:
            z: the latent states, [B, S, H] each.
            log_probs: [B, V, D] as in ``StepOutput``.
            view: the backbone's view of the instance.
        """
        return -log_probs.amax(-1).mean(1)

    def compile(self, **options: Any) -> None:
        """Compile the stacks. Whole segments would take minutes to compile.

        Args:
            options: as those of ``torch.compile``.
        """
        for stack in self.stacks:
            stack.compile(**options)

    def compile_solving(self) -> None:
        """Compile whole steps of solving, which have few layers and no backward pass."""
        for name in ("begin", "solve_step"):
            setattr(self, name, torch.compile(getattr(self, name)))
