"""Nets that compute an energy of a candidate answer, and judge answers by it: the common part of EBT and IRED."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import one_hot

from ...engine.shapes import Float, Int
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
"""Sizes of the nets, by preset and backbone."""
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
"""Training settings, by preset."""
CORRUPTION = 0.05
"""Share of the free variables of an answer that ``corrupt`` changes, at least one: IRED's value for Sudoku."""

Answers = Int[Tensor, "rows vars"]
Literals = Float[Tensor, "rows vars values"]


class EnergyNet(Reasoner):
    """Base of nets with an energy E(y) of a candidate y. A solver takes gradient steps on y.

    E is a sum over open literals. The state is y [B, V, D] and the pooled features of the last evaluation [B, 1, H],
    from which the halting logit is computed. Training needs second derivatives: only one attention kernel has them, and
    compiled layers need ``double_backward``.

    Args:
        shape: sizes of the backbone.
        steps: steps of a segment.
        contrastive_weight: weight of the loss that separates right answers from wrong ones by their energy.
        loops: number of times that the net is applied in one evaluation of the energy.
    """

    uses_targets = True
    recurrent_layers = False

    def __init__(self, shape: NetShape, *, steps: int, contrastive_weight: float, loops: int) -> None:
        super().__init__(shape, states=1, random_start=True)
        self.steps_per_segment = self.grad_steps = steps
        self.contrastive_weight, self.loops = contrastive_weight, loops
        self.answers = self.backbone.answers()

    def compile(self, **options: Any) -> None:
        """Compile the layers and their first and second derivatives, for fixed sizes.

        Args:
            options: ignored; there is one way to compile them.
        """
        for stack in self.stacks:
            compile_double_backward(list(stack.get_submodule("layers").children()))

    def compile_solving(self) -> None:
        """Do nothing: a step contains a backward pass, which ``torch.compile`` does not trace."""

    def start(self, x: Tensor, view: Any, draw: Draw) -> Latent:
        """The first candidate, y ~ N(0, 1) [B, V, D], and features of zero [B, 1, H].

        Args:
            x: input [B, S, H].
            view: the backbone's view of the instance.
            draw: as in ``Reasoner.start``.
        """
        literals = self.backbone.literals(view)
        return draw(0, *literals.shape[1:]).float(), x.new_zeros(len(x), 1, x.shape[2], dtype=torch.float32)

    def _input(self, view: Any) -> Tensor:
        """The input [B, S, H] in autocast's dtype. The candidate stays in float32: its steps are small."""
        x = self.backbone.embed(view)
        return x.to(torch.get_autocast_dtype(x.device.type)) if torch.is_autocast_enabled(x.device.type) else x

    # The energy -------------------------------------------------------------------------------------------------------

    def energy(self, beliefs: Literals, x: Tensor, view: Any) -> tuple[Float[Tensor, " rows"], Tensor]:
        """The energy [B] of beliefs, and the features [B, S, H] of the evaluation.

        Givens, excluded literals and padding add nothing, so a row's energy does not depend on the rest of the batch.

        Args:
            beliefs: [B, V, D] the candidate as the net reads it.
            x: input [B, S, H].
            view: the backbone's view of the instance.
        """
        x = x + self.answers(view, beliefs.to(x.dtype)).to(x.dtype)
        features = torch.zeros_like(
            x
        )  # not the last step's features: E depends on y alone, or its gradient would be wrong
        with sdpa_kernel(SDPBackend.MATH):  # the one attention kernel with second derivatives
            for _ in range(self.loops):
                features = self.stacks[0](view, features, x)
        terms = self.backbone.read(features, view).float() * (self.backbone.literals(view) == OPEN)
        return terms.sum((1, 2)), features

    def energies(self, view: Any, answer: Answers) -> Float[Tensor, " rows"]:
        """The energy [B] of assignments, for example to rank candidates.

        Args:
            view: the backbone's view of the instance.
            answer: [B, V] domain indices.
        """
        return self._assignment_energy(answer, self.backbone.embed(view), view)

    def answer_energy(self, z: Latent, log_probs: Literals, view: Any) -> Float[Tensor, " rows"]:
        """The energy [B] of the answer; of several candidates the lowest is taken.

        Args:
            z: the latent states.
            log_probs: [B, V, D] as in ``StepOutput``.
            view: the backbone's view of the instance.
        """
        return self.energies(view, log_probs.argmax(-1))

    def _assignment_energy(self, answer: Answers, x: Tensor, view: Any, t: Tensor | None = None) -> Tensor:
        size = self.backbone.literals(view).shape[2]
        return self.energy(one_hot(answer, size).float(), x, view)[0]

    def _pooled(self, features: Tensor) -> Tensor:
        """[B, S, H] -> [B, 1, H] float32."""
        pooled = features[:, :1] if self.backbone.shape.prefix else features.mean(1, keepdim=True)
        return pooled.float()

    # Reading and learning ---------------------------------------------------------------------------------------------

    def _readout(self, logits: Literals, pooled: Tensor) -> Readout:
        return Readout(logits, self.halt(pooled[:, 0].to(self.halt.weight.dtype)))

    def _contrastive_loss(self, y: Literals, x: Tensor, view: Any, target: Target, t: Tensor | None = None) -> Tensor:
        """[B] cross-entropy of choosing the target by its energy among itself, a corrupted copy, and the row's own answer.

        The own answer is left out where it equals the target. On problems with several solutions the corrupted copy may be
        right by chance.

        Args:
            y: [B, V, D] the candidate after the segment.
            x: input [B, S, H].
            view: the backbone's view of the instance.
            target: the known solution of each row.
            t: [B] landscape of each row (IRED).
        """
        own = y.detach().masked_fill(~target.allowed, -torch.inf).argmax(-1)
        # Without this loss the area under the ROC curve across boards is 0.674, with it 0.967 (docs/log.md).
        same = ((own == target.answer) | ~target.free).all(1)
        own = torch.where(target.free, own, target.answer)
        answers = (target.answer, corrupt(target), own)
        right, wrong, mine = (self._assignment_energy(answer, x, view, t) for answer in answers)
        return torch.stack((-right, -wrong, (-mine).masked_fill(same, -torch.inf)), 1).log_softmax(1)[:, 0].neg()


def corrupt(target: Target) -> Answers:
    """[B, V] the target with a few of its free variables at other allowed values."""
    chance = torch.rand_like(target.answer, dtype=torch.float32).masked_fill(~target.free, 2)
    # The variable of least chance always changes, so that the result differs from the target.
    chosen = (chance < CORRUPTION) | (chance == chance.amin(1, keepdim=True))
    others = target.allowed & ~one_hot(target.answer, target.allowed.shape[2]).bool()
    other = torch.rand_like(others, dtype=torch.float32).masked_fill(~others, -1).argmax(-1)
    return torch.where(chosen & target.free, other, target.answer)
